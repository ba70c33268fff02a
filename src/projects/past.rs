//! Projects as they were.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::project;

use crate::batch::{RootField, Shape};
use crate::events::{as_of, diff};

/// What the query root says of projects in the past.
pub fn root_fields() -> Vec<RootField> {
    vec![
        as_of::<project::Entity>(
            "projectAsOf",
            "A project as it was in a version or at a time; null where there was none yet, or none any more.",
            state,
        ),
        diff::<project::Entity>("projectDiff", "The fields in which two versions of a project differ."),
    ]
}

fn state() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of("ProjectState", "What a project was like.")
            .id("id", "Names the project as it does now.")
            .leaf::<i32>("rowVersion", "Counts the changes, from 1.")
            .leaf::<String>("name", "The name.")
            .leaf::<Option<String>>("description", "What the project is about.")
            .flag("isDeleted", "Whether it was deleted then.")
            .leaf::<DateTime<Utc>>("createdAt", "When it was made.")
            .leaf::<DateTime<Utc>>("updatedAt", "When it had last been changed.")
    });
    &SHAPE
}
