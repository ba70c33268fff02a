//! Features as they were.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::feature;

use super::graphql::FeatureStatus;
use crate::batch::{RootField, Shape};
use crate::events::{as_of, diff};

/// What the query root says of features in the past.
pub fn root_fields() -> Vec<RootField> {
    vec![
        as_of::<feature::Entity>(
            "featureAsOf",
            "A feature as it was in a version or at a time; null where there was none yet, or none any more.",
            state,
        ),
        diff::<feature::Entity>("featureDiff", "The fields in which two versions of a feature differ."),
    ]
}

fn state() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of("FeatureState", "What a feature was like.")
            .id("id", "Names the feature as it does now.")
            .leaf::<i32>("rowVersion", "Counts the changes, from 1.")
            .leaf::<String>("name", "The name.")
            .leaf::<Option<String>>("description", "What the feature is about.")
            .leaf::<i32>("priority", "How much it matters: 1 (least) to 13 (most).")
            .leaf::<FeatureStatus>("status", "How far the work had come.")
            .id("projectId", "The project that the feature belonged to.")
            .flag("isDeleted", "Whether it was deleted then.")
            .leaf::<DateTime<Utc>>("createdAt", "When it was made.")
            .leaf::<DateTime<Utc>>("updatedAt", "When it had last been changed.")
    });
    &SHAPE
}
