//! The subscription root: a field of it writes rows as they come, each an answer of its own, and all that come together in one
//! pass: a statement a level, however many there are.
//!
//! **Invariant:** a [`LivePlan`] holds no key; what is selected of the rows is planned once for as long as a subscription lasts.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::pin::Pin;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::registry::{MetaField, MetaType, Registry};
use async_graphql::{Context, Response, ServerError, Variables};
use futures_util::{Stream, stream};
use uuid::Uuid;

use super::arguments::{Argument, Arguments};
use super::engine::Data;
use super::load::Run;
use super::object::{Fields, ObjectRef};
use super::plan::{Filled, Given, Plan, Planner};
use super::reads::{Reads, Scope};
use super::sdl::{field, object_type, register_argument, register_object, register_part};
use super::source::Source;
use super::write::{Frame, Writer};

/// A field of the subscription root.
pub struct SubscriptionField {
    pub(crate) name: &'static str,
    description: &'static str,
    arguments: Vec<Argument>,
    /// What the rows are.
    pub(crate) object: ObjectRef,
    /// What is shown of them, where it is not the objects themselves.
    pub(crate) part: Option<Fields>,
}

impl SubscriptionField {
    /// A field that gives objects.
    #[must_use]
    pub fn objects(name: &'static str, description: &'static str, object: ObjectRef, arguments: Vec<Argument>) -> Self {
        Self { name, description, arguments, object, part: None }
    }

    /// Shows something else of the objects' rows.
    #[must_use]
    pub fn showing(self, part: Fields) -> Self {
        Self { part: Some(part), ..self }
    }

    /// The field's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn register(&'static self, registry: &mut Registry) -> MetaField {
        let object = register_object(registry, (self.object)());
        let ty = self.part.as_ref().map_or(object, |part| register_part(registry, part));
        let arguments = self.arguments.iter().map(|argument| register_argument(registry, argument)).collect();
        field(self.name, self.description, format!("{ty}!"), arguments)
    }
}

/// What is selected of the rows of a subscription.
pub struct LivePlan {
    plan: Plan,
    filled: Filled,
}

/// A subscription that was asked for: the field, its arguments, and what is selected of it.
pub struct Asked {
    /// The field.
    pub field: &'static SubscriptionField,
    /// Its arguments.
    pub arguments: Arguments,
    /// The arguments that are variables, and which.
    variables: Vec<(String, String)>,
    /// What is selected.
    pub plan: LivePlan,
}

impl Asked {
    /// The variable that an argument is.
    #[must_use]
    pub fn variable_of(&self, argument: &str) -> Option<String> {
        self.variables.iter().find(|(name, _)| name == argument).map(|(_, variable)| variable.clone())
    }
}

impl LivePlan {
    /// Plans a subscription, whose document was validated.
    ///
    /// # Errors
    /// Where it has not exactly one root field, or fields cannot share a response key.
    pub fn of(
        fields: &[&'static SubscriptionField],
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        scope: &Scope,
    ) -> Result<Asked, ServerError> {
        let source = Source::new(&document.fragments, variables);
        let mut planner = Planner::new(&source, scope.limits);
        let found = planner.plan_subscription(fields, &operation.selection_set.node);
        let (field, raw) = found.ok_or_else(|| {
            let message = "a subscription selects exactly one field of the root, and not `__typename`";
            ServerError::new(message, Some(operation.selection_set.pos))
        })?;
        let (mut plan, filled) = planner.finish().map_err(|(error, position)| error.to_server_error(position))?;
        plan.complete(source.into_conditions(), scope.backend, &scope.sight());
        let arguments = Arguments::of(raw, variables);
        let variables = raw.iter().filter_map(|(name, value)| match &value.node {
            async_graphql_value::Value::Variable(variable) => Some((name.node.to_string(), variable.to_string())),
            _ => None,
        });
        Ok(Asked { field, arguments, variables: variables.collect(), plan: Self { plan, filled } })
    }

    /// What is selected of the rows with these keys: for each, its data after what `begin` gives.
    pub async fn run(&self, reads: &Reads, keys: Vec<Uuid>, begin: impl Fn() -> Vec<u8>) -> Vec<Data> {
        let count = keys.len();
        let mut given = self.filled.given.clone();
        given[Planner::OBJECT_GIVEN] = Given::all(keys);
        let filled = self.filled.with_given(given);
        let run = Run { plan: &self.plan, filled: &filled, reads, number: 0, has_siblings: false, at_hand: None };
        let objects = run.load_root().await;
        let introspection = IndexMap::default();
        let rows = (0..count).map(|place| {
            let mut writer = Writer::new(begin(), &filled.given, &introspection, &reads.secrets);
            writer.data(&self.plan.projection, Frame { objects: &objects, place, parent: None });
            let Writer { out: json, errors, objects, .. } = writer;
            Data { json, errors, objects }
        });
        rows.collect()
    }
}

/// Gives the fields of a schema's subscription root.
pub trait DeclaresSubscriptions: Send + Sync + 'static {
    /// The fields.
    fn fields() -> Vec<&'static SubscriptionField>;
}

/// The subscription root that `S` declares, for [`async_graphql::Schema`], which only checks subscriptions: [`LivePlan`] runs them.
pub struct SubscriptionRoot<S>(PhantomData<S>);

impl<S> SubscriptionRoot<S> {
    /// The root.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S> Default for SubscriptionRoot<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: DeclaresSubscriptions> async_graphql::SubscriptionType for SubscriptionRoot<S> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Subscription")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let fields: Vec<_> = S::fields().into_iter().map(|field| field.register(registry)).collect();
        let description = "What can be followed, over WebSocket at `/graphql/ws` or as server-sent events at `/graphql/stream`. \
                           What is lost on the way is sent again to who asks from the last cursor that arrived.";
        let mut root = object_type("Subscription", description, fields);
        if let MetaType::Object { is_subscription, .. } = &mut root {
            *is_subscription = true;
        }
        registry.types.insert("Subscription".to_owned(), root);
        "Subscription!".to_owned()
    }

    fn create_field_stream<'a>(
        &'a self,
        _: &'a Context<'_>,
    ) -> Option<Pin<Box<dyn Stream<Item = Response> + Send + 'a>>> {
        Some(Box::pin(stream::empty()))
    }
}
