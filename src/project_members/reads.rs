//! Every SELECT of memberships.

use entity::project_member;
use sea_orm::sea_query::{Expr, Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Column, Table};

/// Where memberships are read from.
pub fn table() -> Table {
    let id = (project_member::Entity, project_member::Column::Id);
    Table::new("project_member", project_member::Entity, id, visible)
}

/// The start of every statement that reads memberships: those in projects that the caller may see.
pub fn visible(sight: &Sight) -> SelectStatement {
    let project = Expr::col((project_member::Entity, project_member::Column::ProjectId));
    Query::select().from(project_member::Entity).and_where_option(sight.sees(project)).take()
}

/// A column of the membership's own row.
pub fn column(column: project_member::Column) -> Column {
    Column::of((project_member::Entity, column))
}
