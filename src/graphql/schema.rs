//! The schema: every slice's part of it, put together.

use std::sync::LazyLock;

use async_graphql::registry::Registry;
use async_graphql::{EmptySubscription, MergedObject, OutputType, Schema};

use crate::batch::{DeclaresRoot, ObjectRef, QueryType, Root};
use crate::{audit, changes, deployments, events, features, projects, search, test_cases};

/// The schema's type.
pub(crate) type ThroughlineSchema = Schema<QueryType<QueryRoot>, Mutation, EmptySubscription>;

/// The fields of the query root.
pub(crate) struct QueryRoot;

impl DeclaresRoot for QueryRoot {
    fn root() -> &'static Root {
        static ROOT: LazyLock<Root> = LazyLock::new(|| {
            let fields = [
                projects::graphql::root_fields(),
                features::graphql::root_fields(),
                search::graphql::root_fields(),
                audit::graphql::root_fields(),
                events::graphql::root_fields(),
                projects::past::root_fields(),
                features::past::root_fields(),
                test_cases::past::root_fields(),
                deployments::past::root_fields(),
            ];
            let objects: Vec<ObjectRef> = vec![
                projects::graphql::object,
                features::graphql::object,
                test_cases::graphql::object,
                deployments::graphql::object,
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
);

/// Builds the schema; `suggestions` are names that are like one that there is not.
pub(crate) fn build(suggestions: bool) -> ThroughlineSchema {
    let schema = Schema::build(QueryType::new(), Mutation::default(), EmptySubscription);
    if suggestions { schema.finish() } else { schema.disable_suggestions().finish() }
}

/// The schema's types.
pub(super) fn types() -> Registry {
    let mut registry = Registry::default();
    QueryType::<QueryRoot>::create_type_info(&mut registry);
    Mutation::create_type_info(&mut registry);
    registry
}
