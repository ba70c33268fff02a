//! Deployments as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::deployment;
use sea_orm::sea_query::{Expr, Func};

use super::reads;
use crate::audit::graphql::with_audit_logs;
use crate::batch::{Argument, Column, Declared, Fields, Groups, Kind, LeafType, Object};
use crate::events::graphql::with_history;
use crate::features;

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "deployment::DeploymentStatus")]
pub enum DeploymentStatus {
    /// It is planned.
    Pending,
    /// It is being rolled out.
    InProgress,
    /// It is in place.
    Succeeded,
    /// It did not get in place.
    Failed,
    /// It was in place and was taken back.
    RolledBack,
}

impl LeafType for DeploymentStatus {
    const KIND: Kind = Kind::Enum;
}

/// Stands for the object type `Deployment` in payloads.
pub struct Deployment;

impl Declared for Deployment {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `Deployment`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

/// The argument that names an environment.
pub fn environment_argument() -> Argument {
    Argument::of::<Option<String>>("environment", "Only deployments to this environment: `production`.")
}

/// Deployments counted by environment.
pub fn by_environment() -> Groups {
    let latest = Func::max(Expr::col((deployment::Entity, deployment::Column::DeployedAt)));
    let entry = Fields::of("EnvironmentDeployments", "The deployments of a feature to one environment.")
        .ordered_leaf::<String>(
            "environment",
            "Where to: `production`, `chrome`.",
            reads::column(deployment::Column::Environment),
            "ENVIRONMENT",
        )
        .leaf::<i32>("count", "How many deployments there are; at least 1.", Column::aggregate(Expr::cust("count(*)")))
        .leaf::<Option<DateTime<Utc>>>(
            "latestDeployedAt",
            "When the latest one was in place; null where none is.",
            Column::aggregate(latest),
        );
    Groups::of(object, entry)
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of("Deployment", "A version of a feature brought to an environment.")
        .ordered_leaf::<String>(
            "environment",
            "Where to: `production`, `chrome`.",
            column(deployment::Column::Environment),
            "ENVIRONMENT",
        )
        .ordered_leaf::<String>(
            "version",
            "What was deployed: `1.4.2`. As an order: by code point, so that `1.10` comes before `1.9`.",
            column(deployment::Column::Version),
            "VERSION",
        )
        .ordered_leaf::<DeploymentStatus>(
            "status",
            "How far the deployment has come. As an order: the value's name, alphabetically.",
            column(deployment::Column::Status),
            "STATUS",
        )
        .ordered_leaf::<Option<DateTime<Utc>>>(
            "deployedAt",
            "When it was in place; null as long as it is not.",
            reads::deployed_at(),
            "DEPLOYED_AT",
        )
        .one(
            "feature",
            "The feature that was deployed.",
            (deployment::Entity, deployment::Column::FeatureId),
            features::graphql::object,
        )
        .leaf::<i32>(
            "rowVersion",
            "Counts the changes to the record of the deployment, from 1.",
            column(deployment::Column::RowVersion),
        )
        .ordered_leaf::<DateTime<Utc>>(
            "createdAt",
            "When the deployment was recorded.",
            column(deployment::Column::CreatedAt),
            "CREATED_AT",
        )
        .ordered_leaf::<DateTime<Utc>>(
            "updatedAt",
            "When the record was last changed.",
            column(deployment::Column::UpdatedAt),
            "UPDATED_AT",
        );
    with_history(with_audit_logs(fields)).stored_in(reads::table())
}
