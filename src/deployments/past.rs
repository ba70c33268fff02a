//! Deployments as they were.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::deployment;

use super::graphql::DeploymentStatus;
use crate::batch::{RootField, Shape};
use crate::events::{as_of, diff};

/// What the query root says of deployments in the past.
pub fn root_fields() -> Vec<RootField> {
    vec![
        as_of::<deployment::Entity>(
            "deploymentAsOf",
            "A deployment as it was in a version or at a time; null where there was none yet, or none any more.",
            state,
        ),
        diff::<deployment::Entity>("deploymentDiff", "The fields in which two versions of a deployment differ."),
    ]
}

fn state() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of("DeploymentState", "What a deployment was like.")
            .id("id", "Names the deployment as it does now.")
            .leaf::<i32>("rowVersion", "Counts the changes, from 1.")
            .leaf::<String>("environment", "Where to.")
            .leaf::<String>("version", "What was deployed.")
            .leaf::<DeploymentStatus>("status", "How far the deployment had come.")
            .leaf::<Option<DateTime<Utc>>>("deployedAt", "When it was in place; null as long as it was not.")
            .id("featureId", "The feature that was deployed.")
            .flag("isDeleted", "Whether it was deleted then.")
            .leaf::<DateTime<Utc>>("createdAt", "When it was made.")
            .leaf::<DateTime<Utc>>("updatedAt", "When it had last been changed.")
    });
    &SHAPE
}
