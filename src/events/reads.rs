//! Every SELECT of events that is made for a client.

use entity::event::{Column as Of, Entity};
use sea_orm::sea_query::{Query, SelectStatement};

use crate::access::Caller;
use crate::batch::{Column, Table};

/// Where events are read from.
pub fn table() -> Table {
    Table::new("event", Entity, (Entity, Of::Id), visible)
}

/// The start of every statement that reads events: whoever may read may see all of them, those of what is deleted too.
pub fn visible(_: &Caller) -> SelectStatement {
    Query::select().from(Entity).take()
}

/// A column of the event.
pub fn column(column: Of) -> Column {
    Column::of((Entity, column))
}
