//! The query root: where async-graphql hands a field over to the level-by-level engine.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::parser::types::Field as Selected;
use async_graphql::registry::{MetaField, Registry};
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ID, InputType, ObjectType, OutputType, Positioned, ServerResult, Value,
};
use uuid::Uuid;

use super::groups::Groups;
use super::object::{Object, ObjectRef};
use super::sdl::{
    field, input, object_type, page_arguments, register_argument, register_connection, register_groups,
    register_more_pages, register_node, register_object, register_search,
};
use super::search::Search;
use super::shape::Computed;
use super::{BatchError, id};

/// The fields of the query root.
pub struct Root {
    pub(crate) fields: Vec<RootField>,
    /// All object types; `node` finds each by the prefix of its ids.
    pub(crate) objects: Vec<ObjectRef>,
}

/// A field of the query root.
pub struct RootField {
    pub(crate) name: &'static str,
    description: &'static str,
    pub(crate) kind: RootKind,
}

/// How a field of the query root gets its value.
pub(crate) enum RootKind {
    Object(ObjectRef),
    Connection(ObjectRef),
    Node,
    Nodes,
    /// More pages of a connection of `parent`s.
    More {
        parent: ObjectRef,
        connection: &'static str,
    },
    /// Groups of all rows of a type.
    Groups(fn() -> &'static Groups),
    /// What ordinary code computes.
    Computed(Computed),
    /// What a text is found in.
    Search(fn() -> &'static Search),
}

impl RootField {
    /// One object by its id: `feature(id:)`.
    #[must_use]
    pub fn object(name: &'static str, description: &'static str, target: ObjectRef) -> Self {
        Self { name, description, kind: RootKind::Object(target) }
    }

    /// A list: `features(first:, …)`.
    #[must_use]
    pub fn connection(name: &'static str, description: &'static str, target: ObjectRef) -> Self {
        Self { name, description, kind: RootKind::Connection(target) }
    }

    /// More pages of the field `connection` of `parent`s: `moreFeatureTests(pages:, …)`.
    #[must_use]
    pub fn more_pages(
        name: &'static str,
        description: &'static str,
        parent: ObjectRef,
        connection: &'static str,
    ) -> Self {
        Self { name, description, kind: RootKind::More { parent, connection } }
    }

    /// Groups of all rows of a type: `featureCounts(groupBy:)`.
    #[must_use]
    pub fn groups(name: &'static str, description: &'static str, groups: fn() -> &'static Groups) -> Self {
        Self { name, description, kind: RootKind::Groups(groups) }
    }

    /// What a text is found in: `search(query:, …)`.
    #[must_use]
    pub fn search(name: &'static str, description: &'static str, search: fn() -> &'static Search) -> Self {
        Self { name, description, kind: RootKind::Search(search) }
    }

    /// What ordinary code computes: the exception, for what no statement of a plan can tell.
    #[must_use]
    pub fn computed(name: &'static str, description: &'static str, computed: Computed) -> Self {
        Self { name, description, kind: RootKind::Computed(computed) }
    }

    fn register(&self, registry: &mut Registry) -> MetaField {
        let id = <ID as InputType>::create_type_info(registry);
        let (ty, arguments) = match &self.kind {
            RootKind::Object(target) => {
                let ty = register_object(registry, target());
                (ty, vec![input("id", "The object's id.", id)])
            }
            RootKind::Connection(target) => {
                (format!("{}!", register_connection(registry, *target)), page_arguments(registry, target()))
            }
            RootKind::More { parent, connection } => register_more_pages(registry, parent(), connection),
            RootKind::Computed(computed) => {
                let Computed { shape, is_list, arguments, .. } = computed;
                let shape = shape().register(registry);
                let arguments = arguments.iter().map(|argument| register_argument(registry, argument)).collect();
                (if *is_list { format!("[{shape}!]!") } else { shape.to_owned() }, arguments)
            }
            RootKind::Search(search) => register_search(registry, search()),
            RootKind::Groups(groups) => register_groups(registry, groups()),
            RootKind::Node => (register_node(registry), vec![input("id", "The object's id.", id)]),
            RootKind::Nodes => (
                format!("[{}]!", register_node(registry)),
                vec![input("ids", "The objects' ids, at most as many as a page may have rows.", format!("[{id}]!"))],
            ),
        };
        field(self.name, self.description, ty, arguments)
    }

    /// Whether the field is null where it has an error, or lets it rise.
    pub(crate) fn nullable(&self) -> bool {
        match &self.kind {
            RootKind::Object(_) | RootKind::Node => true,
            RootKind::Computed(computed) => !computed.is_list,
            _ => false,
        }
    }
}

impl Root {
    /// The root with these fields and Relay's `node` and `nodes`, which find each of the `objects`.
    #[must_use]
    pub fn new(mut fields: Vec<RootField>, objects: Vec<ObjectRef>) -> Self {
        let node = "Any object, by its id; null where there is none, or the caller may not see it.";
        let nodes = "Objects by their ids, in the order of the ids; null for each that there is not.";
        fields.push(RootField { name: "node", description: node, kind: RootKind::Node });
        fields.push(RootField { name: "nodes", description: nodes, kind: RootKind::Nodes });
        Self { fields, objects }
    }
}

impl Root {
    /// What an id of any type names.
    pub(super) fn find(&self, argument: &str, text: &str) -> Result<(&'static Object, Uuid), BatchError> {
        let prefixes: Vec<_> = self.objects.iter().map(|object| object().table.prefix).collect();
        let (prefix, key) = id::parse(argument, text, &prefixes)?;
        let object = self.objects.iter().find(|object| object().table.prefix == prefix);
        object.map(|object| (object(), key)).ok_or(BatchError::Broken("an id names no object type"))
    }
}

/// Gives the declaration of a schema's query root.
pub trait DeclaresRoot: Send + Sync + 'static {
    /// The declaration.
    fn root() -> &'static Root;
}

/// The query root that `R` declares, for [`async_graphql::Schema`].
pub struct QueryType<R>(PhantomData<R>);

impl<R> QueryType<R> {
    /// The root.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Default for QueryType<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: DeclaresRoot> OutputType for QueryType<R> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Query")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.types.insert("Query".to_owned(), object_type("Query", "", []));
        for object in &R::root().objects {
            register_object(registry, object());
        }
        let fields: Vec<_> = R::root().fields.iter().map(|field| field.register(registry)).collect();
        let description = "All that can be read. Lists are Relay connections; ids are opaque.";
        registry.types.insert("Query".to_owned(), object_type("Query", description, fields));
        "Query!".to_owned()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Selected>) -> ServerResult<Value> {
        async_graphql::resolver_utils::resolve_container(ctx, self).await
    }
}

/// async-graphql only checks a query, and answers what it asks of the schema itself; [`super::Plans`] run it.
impl<R: DeclaresRoot> ContainerType for QueryType<R> {
    async fn resolve_field(&self, _: &Context<'_>) -> ServerResult<Option<Value>> {
        Ok(None)
    }
}

impl<R: DeclaresRoot> ObjectType for QueryType<R> {}
