//! Test cases as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::test_case;

use super::reads;
use crate::audit::graphql::with_audit_logs;
use crate::batch::{Declared, Fields, Kind, LeafType, Object};
use crate::events::graphql::with_history;
use crate::features;

/// The latest result of a test case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "test_case::TestStatus")]
pub enum TestStatus {
    /// It has not run yet.
    Pending,
    /// It ran and held.
    Passed,
    /// It ran and did not hold.
    Failed,
    /// It was left out of the run.
    Skipped,
}

impl LeafType for TestStatus {
    const KIND: Kind = Kind::Enum;
}

/// Stands for the object type `TestCase` in payloads.
pub struct TestCase;

impl Declared for TestCase {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `TestCase`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of("TestCase", "A check of a feature, with its latest result.")
        .ordered_leaf::<String>("name", "The name, unique in its feature.", column(test_case::Column::Name), "NAME")
        .ordered_leaf::<TestStatus>(
            "status",
            "The latest result. As an order: the value's name, alphabetically.",
            column(test_case::Column::Status),
            "STATUS",
        )
        .ordered_leaf::<Option<i32>>(
            "durationMs",
            "How long the latest run took, in milliseconds; null where nobody said.",
            reads::duration_ms(),
            "DURATION_MS",
        )
        .leaf::<Option<String>>(
            "message",
            "What the latest run said: the message of a failure or a skip.",
            column(test_case::Column::Message),
        )
        .one(
            "feature",
            "The feature that the test checks.",
            (test_case::Entity, test_case::Column::FeatureId),
            features::graphql::object,
        )
        .leaf::<i32>(
            "rowVersion",
            "Counts the changes to the test case, from 1.",
            column(test_case::Column::RowVersion),
        )
        .ordered_leaf::<DateTime<Utc>>(
            "createdAt",
            "When the test case was made.",
            column(test_case::Column::CreatedAt),
            "CREATED_AT",
        )
        .ordered_leaf::<DateTime<Utc>>(
            "updatedAt",
            "When the test case was last changed.",
            column(test_case::Column::UpdatedAt),
            "UPDATED_AT",
        );
    with_history(with_audit_logs(fields)).stored_in(reads::table())
}
