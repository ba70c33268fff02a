//! Projects as clients see them.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::{feature, project, project_member, webhook};

use super::reads;
use crate::audit::graphql::with_audit_logs;
use crate::batch::{Declared, Fields, Object, RootField};
use crate::events::graphql::with_history;
use crate::project_members::graphql::ProjectRole;
use crate::{features, project_members, search, webhooks};

/// Stands for the object type `Project` in payloads.
pub struct Project;

impl Declared for Project {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `Project`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

/// What the query root says of projects.
pub fn root_fields() -> Vec<RootField> {
    vec![
        RootField::object("project", "One project; null where there is none, or the caller may not see it.", object),
        RootField::connection("projects", "All projects that the caller may see.", object),
        RootField::more_pages(
            "moreProjectFeatures",
            "The next page of the features of each of many projects, from a cursor each; null for a project that there is not.",
            object,
            "features",
        ),
    ]
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of("Project", "What features belong to.")
        .ordered_leaf::<String>("name", "The name, unique among projects.", column(project::Column::Name), "NAME")
        .leaf::<Option<String>>("description", "What the project is about.", column(project::Column::Description))
        .leaf::<i32>("featureCount", "How many features the project has.", reads::feature_count())
        .leaf::<f64>(
            "progress",
            "The share of the features that are completed, cancelled ones aside: 0 to 1, and 0 where there is none.",
            reads::progress(),
        )
        .embedded("featureSummary", "The project's features, counted by status.", feature_summary())
        .embedded(
            "testSummary",
            "How the tests of all of the project's features went, counted.",
            features::graphql::test_summary(reads::sum_of),
        )
        .groups(
            "featureCounts",
            "The project's features, counted by what they have in common.",
            (feature::Entity, feature::Column::ProjectId),
            features::graphql::feature_counts(),
        )
        .leaf::<ProjectRole>("viewerRole", "What who asks may do in the project.", reads::viewer_role())
        .connection(
            "members",
            "Who may do what in the project.",
            (project_member::Entity, project_member::Column::ProjectId),
            project_members::graphql::object,
        )
        .connection(
            "webhooks",
            "Where the project's events are sent; for who maintains or owns it.",
            (webhook::Entity, webhook::Column::ProjectId),
            webhooks::graphql::object,
        )
        .connection(
            "features",
            "The project's features.",
            (feature::Entity, feature::Column::ProjectId),
            features::graphql::object,
        )
        .leaf::<i32>("rowVersion", "Counts the changes to the project, from 1.", column(project::Column::RowVersion))
        .ordered_leaf::<DateTime<Utc>>(
            "createdAt",
            "When the project was made.",
            column(project::Column::CreatedAt),
            "CREATED_AT",
        )
        .ordered_leaf::<DateTime<Utc>>(
            "updatedAt",
            "When the project was last changed.",
            column(project::Column::UpdatedAt),
            "UPDATED_AT",
        );
    with_history(with_audit_logs(fields)).stored_in(reads::table()).found_as(search::graphql::UNION)
}

fn feature_summary() -> Fields {
    use feature::FeatureStatus::{Blocked, Cancelled, Completed, InProgress, NotStarted};
    let count = reads::count_in_status;
    Fields::of("FeatureSummary", "The features of a project, counted by status.")
        .leaf::<i32>("total", "All features.", reads::feature_count())
        .leaf::<i32>("notStarted", "Features that nobody works on yet.", count(NotStarted))
        .leaf::<i32>("inProgress", "Features that somebody works on.", count(InProgress))
        .leaf::<i32>("blocked", "Features whose work cannot go on.", count(Blocked))
        .leaf::<i32>("completed", "Features whose work is done.", count(Completed))
        .leaf::<i32>("cancelled", "Features whose work was given up.", count(Cancelled))
}
