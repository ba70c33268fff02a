//! Every SELECT of webhooks that is made for a client.

use entity::webhook;
use sea_orm::sea_query::{Expr, ExprTrait as _, IntoColumnRef, Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Column, Table};
use crate::encryption::SEEN_BY;

/// Where webhooks are read from.
pub fn table() -> Table {
    Table::new("webhook", webhook::Entity, (webhook::Entity, webhook::Column::Id), visible)
}

/// The start of every statement that reads webhooks: those of projects whose secrets the caller may see.
pub fn visible(sight: &Sight) -> SelectStatement {
    let project = Expr::col((webhook::Entity, webhook::Column::ProjectId));
    Query::select().from(webhook::Entity).and_where_option(sight.has(SEEN_BY, project)).take()
}

/// Holds for a row whose column `key` names a webhook that the caller may see.
pub fn is_visible(sight: &Sight, key: impl IntoColumnRef) -> Expr {
    let id = Expr::col((webhook::Entity, webhook::Column::Id));
    Expr::exists(visible(sight).expr(Expr::cust("1")).and_where(id.eq(Expr::col(key))).take())
}

/// A column of the webhook's own row.
pub fn column(column: webhook::Column) -> Column {
    Column::of((webhook::Entity, column))
}

/// A column that is stored encrypted.
pub fn secret(column: webhook::Column) -> Column {
    Column::secret((webhook::Entity, column), (webhook::Entity, webhook::Column::ProjectId))
}
