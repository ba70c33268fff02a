//! Features as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::{deployment, feature, feature_view, test_case};

use super::reads;
use crate::batch::{Fields, First, Kind, LeafType, Object, RootField};
use crate::deployments::graphql::DeploymentStatus;
use crate::{deployments, projects, test_cases};

/// How far the work on a feature has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "feature::FeatureStatus")]
pub enum FeatureStatus {
    /// Nobody has begun.
    NotStarted,
    /// Work is under way.
    InProgress,
    /// Work waits for something else.
    Blocked,
    /// The work is done.
    Completed,
    /// The work was given up.
    Cancelled,
}

impl LeafType for FeatureStatus {
    const KIND: Kind = Kind::Enum;
}

/// The object type `Feature`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

/// What the query root says of features.
pub fn root_fields() -> Vec<RootField> {
    vec![
        RootField::object("feature", "One feature; null where there is none, or the caller may not see it.", object),
        RootField::connection("features", "All features that the caller may see, of all projects.", object),
    ]
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of("Feature", "A unit of work that a project delivers.")
        .ordered_leaf::<String>("name", "The name, unique in its project.", column(feature::Column::Name), "NAME")
        .leaf::<Option<String>>("description", "What the feature is about.", column(feature::Column::Description))
        .ordered_leaf::<i32>(
            "priority",
            "How much it matters: 1 (least) to 13 (most).",
            column(feature::Column::Priority),
            "PRIORITY",
        )
        .ordered_leaf::<FeatureStatus>(
            "status",
            "How far the work has come. As an order: the value's name, alphabetically.",
            column(feature::Column::Status),
            "STATUS",
        )
        .one(
            "project",
            "The project that the feature belongs to.",
            (feature::Entity, feature::Column::ProjectId),
            projects::graphql::object,
        );
    let fields = relations(fields)
        .leaf::<i32>("rowVersion", "Counts the changes to the feature, from 1.", column(feature::Column::RowVersion))
        .ordered_leaf::<DateTime<Utc>>(
            "createdAt",
            "When the feature was made.",
            column(feature::Column::CreatedAt),
            "CREATED_AT",
        )
        .ordered_leaf::<DateTime<Utc>>(
            "updatedAt",
            "When the feature was last changed.",
            column(feature::Column::UpdatedAt),
            "UPDATED_AT",
        );
    fields.stored_in(reads::table())
}

/// The feature's tests and deployments.
fn relations(fields: Fields) -> Fields {
    fields
        .connection(
            "tests",
            "The feature's test cases.",
            (test_case::Entity, test_case::Column::FeatureId),
            test_cases::graphql::object,
        )
        .embedded("testSummary", "How the feature's tests went, counted.", test_summary())
        .connection(
            "deployments",
            "The feature's deployments.",
            (deployment::Entity, deployment::Column::FeatureId),
            deployments::graphql::object,
        )
        .first(
            "latestDeployment",
            "The latest deployment by the time at which it was in place, those that are not in place yet counting as the \
             oldest; null where there is none.",
            First::of(
                deployments::graphql::object,
                (deployment::Entity, deployment::Column::FeatureId),
                deployments::reads::LATEST_FIRST,
            )
            .narrowed(deployments::graphql::environment_argument(), deployments::reads::in_environment),
        )
        .ordered_leaf::<Option<DeploymentStatus>>(
            "deploymentStatus",
            "The status of the latest deployment, whatever its environment; null where there is none. As an order: the \
             value's name, alphabetically.",
            reads::deployment_status(),
            "DEPLOYMENT_STATUS",
        )
        .order::<Option<DateTime<Utc>>>(
            "LATEST_DEPLOYED_AT",
            "When the latest deployment was in place; null where none is.",
            reads::latest_deployed_at(),
        )
}

fn test_summary() -> Fields {
    Fields::of("TestSummary", "How the tests of a feature went, counted by their latest result.")
        .ordered_leaf::<i32>("total", "All tests.", reads::count(feature_view::Column::TestCount), "TEST_COUNT")
        .leaf::<i32>("passed", "Tests that ran and held.", reads::count(feature_view::Column::PassedCount))
        .ordered_leaf::<i32>(
            "failed",
            "Tests that ran and did not hold.",
            reads::count(feature_view::Column::FailedCount),
            "FAILED_COUNT",
        )
        .leaf::<i32>("pending", "Tests that have not run yet.", reads::count(feature_view::Column::PendingCount))
        .leaf::<i32>(
            "skipped",
            "Tests that were left out of the run.",
            reads::count(feature_view::Column::SkippedCount),
        )
}
