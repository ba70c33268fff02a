//! Every SELECT of projects.

use entity::{feature, project};
use sea_orm::sea_query::{Asterisk, CaseStatement, Expr, ExprTrait as _, Func, Query, SelectStatement};

use crate::access::Caller;
use crate::batch::{Column, Table};

/// Where projects are read from.
pub fn table() -> Table {
    Table::new("project", project::Entity, (project::Entity, project::Column::Id), visible)
}

/// The start of every statement that reads projects: those that the caller may see.
fn visible(_: &Caller) -> SelectStatement {
    Query::select().from(project::Entity).take()
}

/// How many features the project has.
pub fn feature_count() -> Column {
    Column::computed(of_features(Func::count(Expr::col(Asterisk)).cast_as("integer")))
}

/// The share of the project's features that are completed, cancelled ones aside: 0 to 1, and 0 where there is none.
pub fn progress() -> Column {
    let status = || Expr::col((feature::Entity, feature::Column::Status));
    let count_where = |condition: Expr| Func::count(CaseStatement::new().case(condition, Expr::cust("1")));
    let completed = count_where(status().eq(feature::FeatureStatus::Completed)).cast_as("double precision");
    let counted =
        Func::cust("nullif").arg(count_where(status().ne(feature::FeatureStatus::Cancelled))).arg(Expr::cust("0"));
    Column::computed(of_features(
        Func::coalesce([completed.div(counted), Expr::cust("0.0")]).cast_as("double precision"),
    ))
}

/// An aggregate over the features of the project, from the index over project and status alone.
fn of_features(aggregate: Expr) -> Expr {
    let project = Expr::col((project::Entity, project::Column::Id));
    let features = Query::select()
        .expr(aggregate)
        .from(feature::Entity)
        .and_where(Expr::col((feature::Entity, feature::Column::ProjectId)).eq(project))
        .and_where(Expr::col((feature::Entity, feature::Column::DeletedAt)).is_null())
        .take();
    Expr::SubQuery(None, Box::new(features.into()))
}

/// A column of the project's own row.
pub fn column(column: project::Column) -> Column {
    Column::of((project::Entity, column))
}
