//! Test cases as they were.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::test_case;

use super::graphql::TestStatus;
use crate::batch::{RootField, Shape};
use crate::events::{as_of, diff};

/// What the query root says of test cases in the past.
pub fn root_fields() -> Vec<RootField> {
    vec![
        as_of::<test_case::Entity>(
            "testCaseAsOf",
            "A test case as it was in a version or at a time; null where there was none yet, or none any more.",
            state,
        ),
        diff::<test_case::Entity>("testCaseDiff", "The fields in which two versions of a test case differ."),
    ]
}

fn state() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of("TestCaseState", "What a test case was like.")
            .id("id", "Names the test case as it does now.")
            .leaf::<i32>("rowVersion", "Counts the changes, from 1.")
            .leaf::<String>("name", "The name.")
            .leaf::<TestStatus>("status", "The latest result.")
            .leaf::<Option<i32>>("durationMs", "How long the run took, in milliseconds; null where nobody said.")
            .leaf::<Option<String>>("message", "What the run said.")
            .id("featureId", "The feature that the test checks.")
            .flag("isDeleted", "Whether it was deleted then.")
            .leaf::<DateTime<Utc>>("createdAt", "When it was made.")
            .leaf::<DateTime<Utc>>("updatedAt", "When it had last been changed.")
    });
    &SHAPE
}
