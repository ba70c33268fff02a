//! Features as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::{deployment, feature, feature_view, test_case};
use sea_orm::sea_query::Expr;

use super::reads;
use crate::audit::graphql::with_audit_logs;
use crate::batch::{Column, Declared, Fields, First, Groups, Kind, LeafType, Object, RootField};
use crate::deployments::graphql::DeploymentStatus;
use crate::events::graphql::with_history;
use crate::{deployments, projects, search, test_cases};

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

/// Stands for the object type `Feature` in payloads.
pub struct Feature;

impl Declared for Feature {
    fn object() -> &'static Object {
        object()
    }
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
        RootField::groups(
            "featureCounts",
            "All features that the caller may see, counted by what they have in common.",
            all_feature_counts,
        ),
        RootField::more_pages(
            "moreFeatureTests",
            "The next page of the tests of each of many features, from a cursor each; null for a feature that there is not.",
            object,
            "tests",
        ),
        RootField::more_pages(
            "moreFeatureDeployments",
            "The next page of the deployments of each of many features, from a cursor each; null for a feature that there \
             is not.",
            object,
            "deployments",
        ),
    ]
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of("Feature", "A unit of work that a project delivers.")
        .ordered_leaf::<String>("name", "The name, unique in its project.", column(feature::Column::Name), "NAME")
        .leaf::<Option<String>>("description", "What the feature is about.", column(feature::Column::Description))
        .secret(
            "confidentialNotes",
            "What only those may read who maintain or own the project, and admins: null for anybody else, and where there are \
             none. They are stored encrypted, nothing can be filtered, ordered or searched by them, and the history tells of them \
             only that they were changed.",
            reads::confidential_notes(),
        )
        .ordered_leaf::<i32>(
            "priority",
            "How much it matters: 1 (least) to 13 (most).",
            column(feature::Column::Priority),
            "PRIORITY",
        )
        .ordered_leaf::<FeatureStatus>(
            "status",
            "How far the work has come. As an order: as the values are declared, from `NOT_STARTED` to `CANCELLED`.",
            reads::status(),
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
    with_history(with_audit_logs(fields)).stored_in(reads::table()).found_as(search::graphql::UNION)
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
        .embedded("testSummary", "How the feature's tests went, counted.", test_summary(reads::count))
        .connection(
            "deployments",
            "The feature's deployments.",
            (deployment::Entity, deployment::Column::FeatureId),
            deployments::graphql::object,
        )
        .groups(
            "deploymentsByEnvironment",
            "The feature's deployments, counted by environment and ordered by its name.",
            (deployment::Entity, deployment::Column::FeatureId),
            deployments::graphql::by_environment(),
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
            .with_equal(
                deployments::graphql::environment_argument(),
                deployments::reads::column(deployment::Column::Environment),
            ),
        )
        .ordered_leaf::<Option<DeploymentStatus>>(
            "deploymentStatus",
            "The status of the latest deployment, whatever its environment; null where there is none. As an order: the \
             value's name, alphabetically.",
            reads::deployment_status(),
            "DEPLOYMENT_STATUS",
        )
        .order::<i32>("TEST_COUNT", "How many tests the feature has.", reads::count(feature_view::Column::TestCount))
        .order::<i32>(
            "FAILED_COUNT",
            "How many of its tests ran and did not hold.",
            reads::count(feature_view::Column::FailedCount),
        )
        .order::<Option<DateTime<Utc>>>(
            "LATEST_DEPLOYED_AT",
            "When the latest deployment was in place; null where none is.",
            reads::latest_deployed_at(),
        )
}

/// A summary of tests, from the counts of the read model: of one feature, or summed over many.
pub fn test_summary(count: fn(feature_view::Column) -> Column) -> Fields {
    Fields::of("TestSummary", "How tests went, counted by their latest result.")
        .leaf::<i32>("total", "All tests.", count(feature_view::Column::TestCount))
        .leaf::<i32>("passed", "Tests that ran and held.", count(feature_view::Column::PassedCount))
        .leaf::<i32>("failed", "Tests that ran and did not hold.", count(feature_view::Column::FailedCount))
        .leaf::<i32>("pending", "Tests that have not run yet.", count(feature_view::Column::PendingCount))
        .leaf::<i32>("skipped", "Tests that were left out of the run.", count(feature_view::Column::SkippedCount))
}

/// Features counted by what they have in common.
pub fn feature_counts() -> Groups {
    let column = reads::column;
    let entry = Fields::of("FeatureCount", "How many features have something in common.")
        .ordered_leaf::<Option<FeatureStatus>>(
            "status",
            "How far the work has come; null where the features are not grouped by it.",
            column(feature::Column::Status),
            "STATUS",
        )
        .ordered_leaf::<Option<i32>>(
            "priority",
            "How much they matter, 1 to 13; null where the features are not grouped by it.",
            column(feature::Column::Priority),
            "PRIORITY",
        )
        .ordered_leaf::<Option<DeploymentStatus>>(
            "deploymentStatus",
            "The status of their latest deployment; null where there is none, or the features are not grouped by it.",
            reads::deployment_status(),
            "DEPLOYMENT_STATUS",
        )
        .leaf::<i32>("count", "How many features they are; at least 1.", Column::aggregate(Expr::cust("count(*)")));
    Groups::of(object, entry).chosen_by("FeatureGroup", "What features can be counted by.")
}

fn all_feature_counts() -> &'static Groups {
    static GROUPS: LazyLock<Groups> = LazyLock::new(feature_counts);
    &GROUPS
}
