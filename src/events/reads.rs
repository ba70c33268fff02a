//! Every SELECT of events that is made for a client.

use entity::event::{Column as Of, Entity};
use sea_orm::sea_query::{Expr, Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Column, Table};

/// Where events are read from.
pub fn table() -> Table {
    Table::new("event", Entity, (Entity, Of::Id), visible)
}

/// Where events are read from by who must miss none: those before which no other can appear any more.
pub fn settled() -> Table {
    Table::new("event", Entity, (Entity, Of::Id), |sight| seen(sight, Query::select().from_as(SETTLED, Entity)))
}

/// The view of events before which no other can appear any more.
pub const SETTLED: &str = "settled_events";

/// The start of every statement that reads events: those of the projects that the caller may see, those of what is deleted too.
pub fn visible(sight: &Sight) -> SelectStatement {
    seen(sight, Query::select().from(Entity))
}

fn seen(sight: &Sight, events: &mut SelectStatement) -> SelectStatement {
    events.and_where_option(sight.sees(Expr::col((Entity, Of::ProjectId)))).take()
}

/// A column of the event.
pub fn column(column: Of) -> Column {
    Column::of((Entity, column))
}
