//! Every SELECT of deployments.

use chrono::DateTime;
use entity::deployment;
use sea_orm::sea_query::{Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Cell, Column, Direction, Table};
use crate::features;

/// Where deployments are read from.
pub fn table() -> Table {
    Table::new("deployment", deployment::Entity, (deployment::Entity, deployment::Column::Id), visible)
        .vouched_for(|sight| features::reads::is_visible(sight, (deployment::Entity, deployment::Column::FeatureId)))
}

/// The start of every statement that reads deployments. They are as visible as their feature: a deployment that is not
/// reached through its feature asks for it.
fn visible(_: &Sight) -> SelectStatement {
    Query::select().from(deployment::Entity).take()
}

/// A column of the deployment's own row.
pub fn column(column: deployment::Column) -> Column {
    Column::of((deployment::Entity, column))
}

/// When the deployment was in place.
pub fn deployed_at() -> Column {
    column(deployment::Column::DeployedAt).ordered_by((deployment::Entity, "deployed_order"), never())
}

/// The time that stands for none: nothing was deployed before our era.
pub fn never() -> Cell {
    DateTime::from_timestamp_secs(-62_135_596_800).map_or(Cell::Null, Cell::Time)
}

/// The order in which the latest deployment is the first.
pub const LATEST_FIRST: &[(&str, Direction)] = &[("DEPLOYED_AT", Direction::Desc)];
