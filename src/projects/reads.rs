//! Every SELECT of projects.

use entity::{feature, feature_view, project};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Asterisk, CaseStatement, Expr, ExprTrait as _, Func, Query, SelectStatement};

use crate::access::Caller;
use crate::batch::{Column, Table};
use crate::database::{Database, DatabaseError};
use crate::features;

/// Where projects are read from.
pub fn table() -> Table {
    Table::new("project", project::Entity, (project::Entity, project::Column::Id), visible)
}

/// The start of every statement that reads projects: those that the caller may see.
pub fn visible(_: &Caller) -> SelectStatement {
    Query::select().from(project::Entity).take()
}

/// Whether there is any project that the caller may see.
///
/// # Errors
/// When the database does not answer.
pub async fn any_exist(database: &Database, caller: &Caller) -> Result<bool, DatabaseError> {
    let any = visible(caller).expr(Expr::cust("1")).limit(1).take();
    Ok(database.reader().query_one(&any).await?.is_some())
}

/// A column of the project's own row.
pub fn column(column: project::Column) -> Column {
    Column::of((project::Entity, column))
}

/// How many features the project has.
pub fn feature_count() -> Column {
    Column::computed(|caller| of_features(caller, Func::count(Expr::col(Asterisk)).cast_as("integer")))
}

/// How many of the project's features are in this status.
pub fn count_in_status(status: feature::FeatureStatus) -> Column {
    Column::computed(move |caller| {
        let in_status = Expr::col((feature::Entity, feature::Column::Status)).eq(status);
        let counted = CaseStatement::new().case(in_status, Expr::cust("1"));
        of_features(caller, Func::count(counted).cast_as("integer"))
    })
}

/// The sum of a count of the read model over the project's features.
pub fn sum_of(column: feature_view::Column) -> Column {
    Column::computed(move |caller| {
        let sum = Func::sum(Expr::col((feature_view::Entity, column)));
        let sum = Func::coalesce([sum.into(), Expr::cust("0")]).cast_as("integer");
        let mut features = select_of_features(caller, sum);
        let own = Expr::col((feature_view::Entity, feature_view::Column::Id));
        features.inner_join(feature_view::Entity, own.equals((feature::Entity, feature::Column::Id)));
        Expr::SubQuery(None, Box::new(features.into()))
    })
}

/// The share of the project's features that are completed, cancelled ones aside: 0 to 1, and 0 where there is none.
pub fn progress() -> Column {
    Column::computed(|caller| {
        let status = || Expr::col((feature::Entity, feature::Column::Status));
        let count_where = |condition: Expr| Func::count(CaseStatement::new().case(condition, Expr::cust("1")));
        let completed = count_where(status().eq(feature::FeatureStatus::Completed)).cast_as("double precision");
        let counted = count_where(status().ne(feature::FeatureStatus::Cancelled));
        let share = completed.div(Func::cust("nullif").arg(counted).arg(Expr::cust("0")));
        of_features(caller, Func::coalesce([share, Expr::cust("0.0")]).cast_as("double precision"))
    })
}

/// An aggregate over the features of the project that the caller may see, from the index over project and status alone.
fn of_features(caller: &Caller, aggregate: Expr) -> Expr {
    Expr::SubQuery(None, Box::new(select_of_features(caller, aggregate).into()))
}

fn select_of_features(caller: &Caller, aggregate: Expr) -> SelectStatement {
    let project = Expr::col((project::Entity, project::Column::Id));
    let own = Expr::col((feature::Entity, feature::Column::ProjectId)).eq(project);
    features::reads::visible(caller).expr(aggregate).and_where(own).take()
}
