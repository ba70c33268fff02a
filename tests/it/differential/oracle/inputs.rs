//! The input types and enums of the oracle's schema.

use async_graphql::resolver_utils::{EnumType, enum_value};
use async_graphql::{Enum, ID, InputObject, InputType, Value};
use entity::{deployment, feature, test_case};

use super::page::{Term, close};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "OrderDirection")]
pub(super) enum Direction {
    Asc,
    Desc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "NullsOrder")]
pub(super) enum Nulls {
    First,
    Last,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum ProjectOrderField {
    Name,
    CreatedAt,
    UpdatedAt,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum FeatureOrderField {
    Name,
    Priority,
    Status,
    DeploymentStatus,
    CreatedAt,
    UpdatedAt,
    TestCount,
    FailedCount,
    LatestDeployedAt,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum TestCaseOrderField {
    Name,
    Status,
    DurationMs,
    CreatedAt,
    UpdatedAt,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum DeploymentOrderField {
    Environment,
    Version,
    Status,
    DeployedAt,
    CreatedAt,
    UpdatedAt,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum FeatureGroup {
    Status,
    Priority,
    DeploymentStatus,
}

/// A list that goes on.
#[derive(InputObject)]
pub(super) struct MorePage {
    pub(super) parent: ID,
    pub(super) after: String,
}

/// One term of an order.
#[derive(InputObject)]
#[graphql(
    concrete(name = "ProjectOrder", params(ProjectOrderField)),
    concrete(name = "FeatureOrder", params(FeatureOrderField)),
    concrete(name = "TestCaseOrder", params(TestCaseOrderField)),
    concrete(name = "DeploymentOrder", params(DeploymentOrderField))
)]
pub(super) struct Order<F: InputType> {
    field: F,
    #[graphql(default_with = "Direction::Asc")]
    direction: Direction,
    nulls: Option<Nulls>,
}

/// What a list without an argument `orderBy` is ordered by, too.
pub(super) fn order_of<F: InputType + EnumType>(terms: Option<Vec<Order<F>>>) -> Vec<Term> {
    close(terms.into_iter().flatten().map(|term| {
        let Value::Enum(name) = enum_value(term.field) else { unreachable!("an enum's value is one") };
        (name.to_string(), term.direction, term.nulls)
    }))
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "feature::FeatureStatus")]
pub(super) enum FeatureStatus {
    NotStarted,
    InProgress,
    Blocked,
    Completed,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "test_case::TestStatus")]
pub(super) enum TestStatus {
    Pending,
    Passed,
    Failed,
    Skipped,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "deployment::DeploymentStatus")]
pub(super) enum DeploymentStatus {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    RolledBack,
}
