//! Every SELECT of the audit.

use entity::audit_log::{Column as Of, Entity};
use sea_orm::sea_query::{Expr, Query, SelectStatement};

use crate::access::Caller;
use crate::batch::{Column, Table};

/// Where audit rows are read from.
pub fn table() -> Table {
    Table::new("audit_log", Entity, (Entity, Of::Id), visible)
}

/// The start of every statement that reads the audit: whoever may read may see all of it, that of what is deleted too.
fn visible(_: &Caller) -> SelectStatement {
    Query::select().from(Entity).take()
}

/// A column of the row.
pub fn column(column: Of) -> Column {
    Column::of((Entity, column))
}

/// The changes as text: PostgreSQL keeps them as JSON.
pub fn changes() -> Column {
    Column::computed(|_| Expr::cust("CAST(audit_logs.changes AS text)"))
}
