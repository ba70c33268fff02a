//! The schema: every slice's part of it, put together.

use std::sync::LazyLock;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::registry::Registry;
use async_graphql::{MergedObject, OutputType, Schema, ServerError, SubscriptionType, Variables};

use crate::batch::{
    Arguments, DeclaresRoot, DeclaresSubscriptions, LivePlan, ObjectRef, QueryType, Root, Scope, SubscriptionField,
    SubscriptionRoot,
};
use crate::events::subscriptions::Subscription;
use crate::{
    audit, changes, deployments, events, features, project_members, projects, rate_limit, search, test_cases, users,
    webhook_deliveries, webhooks,
};

/// The schema's type.
pub(crate) type ThroughlineSchema = Schema<QueryType<QueryRoot>, Mutation, SubscriptionRoot<Subscriptions>>;

/// The fields of the query root.
pub(crate) struct QueryRoot;

impl DeclaresRoot for QueryRoot {
    fn root() -> &'static Root {
        static ROOT: LazyLock<Root> = LazyLock::new(|| {
            let fields = [
                projects::graphql::root_fields(),
                features::graphql::root_fields(),
                search::graphql::root_fields(),
                users::viewer::root_fields(),
                users::graphql::root_fields(),
                webhooks::graphql::root_fields(),
                audit::graphql::root_fields(),
                events::graphql::root_fields(),
                projects::past::root_fields(),
                features::past::root_fields(),
                test_cases::past::root_fields(),
                deployments::past::root_fields(),
                rate_limit::graphql::root_fields(),
            ];
            let objects: Vec<ObjectRef> = vec![
                projects::graphql::object,
                features::graphql::object,
                test_cases::graphql::object,
                deployments::graphql::object,
                users::graphql::object,
                project_members::graphql::object,
                webhooks::graphql::object,
                webhook_deliveries::graphql::object,
                audit::graphql::object,
                events::graphql::object,
            ];
            Root::new(fields.into_iter().flatten().collect(), objects)
        });
        &ROOT
    }
}

/// All that can be changed. A mutation's mistakes are in its payload's `userErrors`; nothing was written then.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    projects::mutations::ProjectMutations,
    features::mutations::FeatureMutations,
    test_cases::mutations::TestCaseMutations,
    deployments::mutations::DeploymentMutations,
    changes::mutations::ChangeMutations,
    users::mutations::UserMutations,
    project_members::mutations::ProjectMemberMutations,
    webhooks::mutations::WebhookMutations,
    webhook_deliveries::mutations::WebhookDeliveryMutations,
);

/// All that can be followed.
pub(crate) struct Subscriptions;

impl DeclaresSubscriptions for Subscriptions {
    fn fields() -> Vec<&'static SubscriptionField> {
        events::subscriptions::all().map(|subscription| &subscription.field).collect()
    }
}

/// A subscription that was asked for.
pub(super) struct AskedSubscription {
    pub(super) subscription: &'static Subscription,
    pub(super) arguments: Arguments,
    /// The variable that says from where on.
    pub(super) after: Option<String>,
    pub(super) plan: LivePlan,
}

/// The subscription that an operation asks for.
///
/// # Errors
/// Where it has not exactly one root field, or fields cannot share a response key.
pub(super) fn subscription(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    scope: &Scope,
) -> Result<AskedSubscription, ServerError> {
    let asked = LivePlan::of(&Subscriptions::fields(), document, operation, variables, scope)?;
    let found = events::subscriptions::all().find(|known| std::ptr::eq(&raw const known.field, asked.field));
    let subscription = found.ok_or_else(|| ServerError::new("there is no such subscription", None))?;
    let after = asked.variable_of(events::subscriptions::AFTER);
    Ok(AskedSubscription { subscription, after, arguments: asked.arguments, plan: asked.plan })
}

/// Builds the schema; `suggestions` are names that are like one that there is not.
pub(crate) fn build(suggestions: bool) -> ThroughlineSchema {
    let schema = Schema::build(QueryType::new(), Mutation::default(), SubscriptionRoot::new());
    if suggestions { schema.finish() } else { schema.disable_suggestions().finish() }
}

/// The schema's types.
pub(super) fn types() -> Registry {
    let mut registry = Registry::default();
    QueryType::<QueryRoot>::create_type_info(&mut registry);
    Mutation::create_type_info(&mut registry);
    SubscriptionRoot::<Subscriptions>::create_type_info(&mut registry);
    registry
}
