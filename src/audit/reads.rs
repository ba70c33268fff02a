//! Every SELECT of the audit.

use entity::audit_log::{Column as Of, Entity};
use sea_orm::sea_query::{Expr, Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Column, Table};

/// Where audit rows are read from.
pub fn table() -> Table {
    Table::new("audit_log", Entity, (Entity, Of::Id), visible)
}

/// The start of every statement that reads the audit: auditors see all of it, that of what is deleted too, and others what they did
/// themselves.
fn visible(sight: &Sight) -> SelectStatement {
    let actor = Expr::col((Entity, Of::ActorId));
    Query::select().from(Entity).and_where_option(sight.knows_deeds_of(actor)).take()
}

/// A column of the row.
pub fn column(column: Of) -> Column {
    Column::of((Entity, column))
}

/// The changes as text: PostgreSQL keeps them as JSON.
pub fn changes() -> Column {
    Column::computed(|_| Expr::cust("CAST(audit_logs.changes AS text)"))
}
