//! Projects as clients see them.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::{feature, project};

use super::reads;
use crate::batch::{Fields, Object, RootField};
use crate::features;

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
    ]
}

fn declare() -> Object {
    let column = reads::column;
    Fields::of("Project", "What features belong to.")
        .ordered_leaf::<String>("name", "The name, unique among projects.", column(project::Column::Name), "NAME")
        .leaf::<Option<String>>("description", "What the project is about.", column(project::Column::Description))
        .leaf::<i32>("featureCount", "How many features the project has.", reads::feature_count())
        .leaf::<f64>(
            "progress",
            "The share of the features that are completed, cancelled ones aside: 0 to 1, and 0 where there is none.",
            reads::progress(),
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
        )
        .stored_in(reads::table())
}
