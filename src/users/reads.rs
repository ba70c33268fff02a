//! Every SELECT of users.

use entity::{project_member, user};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Column, Table};

/// Where users are read from.
pub fn table() -> Table {
    Table::new("user", user::Entity, (user::Entity, user::Column::Id), visible)
}

/// The start of every statement that reads users: those that are not deleted, and that are the caller, or a member of a project
/// that the caller may see.
pub fn visible(sight: &Sight) -> SelectStatement {
    let own = |column| Expr::col((user::Entity, column));
    let member = |column| Expr::col((project_member::Entity, column));
    let mut rows = Query::select();
    rows.from(user::Entity).and_where(own(user::Column::DeletedAt).is_null());
    if let Some(shared) = sight.sees(member(project_member::Column::ProjectId)) {
        let membership = Query::select()
            .expr(Expr::cust("1"))
            .from(project_member::Entity)
            .and_where(member(project_member::Column::UserId).eq(own(user::Column::Id)))
            .and_where(shared)
            .take();
        rows.and_where(sight.is_caller(own(user::Column::Name)).or(Expr::exists(membership)));
    }
    rows
}

/// A column of the user's own row.
pub fn column(column: user::Column) -> Column {
    Column::of((user::Entity, column))
}
