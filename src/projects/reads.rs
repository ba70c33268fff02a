//! Every SELECT of projects.

use entity::{feature, feature_view, project};
use sea_orm::sea_query::{Asterisk, CaseStatement, Expr, ExprTrait as _, Func, Query, SelectStatement};
use sea_orm::{ActiveEnum as _, ConnectionTrait as _};

use crate::access::{Caller, Role, Sight};
use crate::batch::{Column, Table};
use crate::database::{Database, DatabaseError};
use crate::features;

/// Where projects are read from.
pub fn table() -> Table {
    Table::new("project", project::Entity, (project::Entity, project::Column::Id), visible)
}

/// The start of every statement that reads projects: those that the caller may see.
pub fn visible(sight: &Sight) -> SelectStatement {
    let own = Expr::col((project::Entity, project::Column::Id));
    Query::select().from(project::Entity).and_where_option(sight.sees(own)).take()
}

/// Whether there is any project that the caller may see.
///
/// # Errors
/// When the database does not answer.
pub async fn any_exist(database: &Database, caller: &Caller) -> Result<bool, DatabaseError> {
    let any = visible(&caller.sight(database.backend())).expr(Expr::cust("1")).limit(1).take();
    Ok(database.reader().query_one(&any).await?.is_some())
}

/// A column of the project's own row.
pub fn column(column: project::Column) -> Column {
    Column::of((project::Entity, column))
}

/// What the caller may do in the project.
pub fn viewer_role() -> Column {
    Column::computed(|sight| {
        let own = || Expr::col((project::Entity, project::Column::Id));
        let mut role = CaseStatement::new();
        for known in [Role::Owner, Role::Maintainer, Role::Contributor] {
            let word = Expr::cust(format!("'{}'", known.to_value()));
            match sight.has(known, own()) {
                Some(has) => role = role.case(has, word),
                None => return word,
            }
        }
        role.finally(Expr::cust("'viewer'")).into()
    })
}

/// How many features the project has.
pub fn feature_count() -> Column {
    Column::computed(|sight| of_features(sight, Func::count(Expr::col(Asterisk)).cast_as("integer")))
}

/// How many of the project's features are in this status.
pub fn count_in_status(status: feature::FeatureStatus) -> Column {
    Column::computed(move |sight| {
        let in_status = Expr::col((feature::Entity, feature::Column::Status)).eq(status);
        let counted = CaseStatement::new().case(in_status, Expr::cust("1"));
        of_features(sight, Func::count(counted).cast_as("integer"))
    })
}

/// The sum of a count of the read model over the project's features.
pub fn sum_of(column: feature_view::Column) -> Column {
    Column::computed(move |sight| {
        let sum = Func::sum(Expr::col((feature_view::Entity, column)));
        let sum = Func::coalesce([sum.into(), Expr::cust("0")]).cast_as("integer");
        let mut features = select_of_features(sight, sum);
        let own = Expr::col((feature_view::Entity, feature_view::Column::Id));
        features.inner_join(feature_view::Entity, own.equals((feature::Entity, feature::Column::Id)));
        Expr::SubQuery(None, Box::new(features.into()))
    })
}

/// The share of the project's features that are completed, cancelled ones aside: 0 to 1, and 0 where there is none.
pub fn progress() -> Column {
    Column::computed(|sight| {
        let status = || Expr::col((feature::Entity, feature::Column::Status));
        let count_where = |condition: Expr| Func::count(CaseStatement::new().case(condition, Expr::cust("1")));
        let completed = count_where(status().eq(feature::FeatureStatus::Completed)).cast_as("double precision");
        let counted = count_where(status().ne(feature::FeatureStatus::Cancelled));
        let share = completed.div(Func::cust("nullif").arg(counted).arg(Expr::cust("0")));
        of_features(sight, Func::coalesce([share, Expr::cust("0.0")]).cast_as("double precision"))
    })
}

/// An aggregate over the features of the project that the caller may see, from the index over project and status alone.
fn of_features(sight: &Sight, aggregate: Expr) -> Expr {
    Expr::SubQuery(None, Box::new(select_of_features(sight, aggregate).into()))
}

fn select_of_features(sight: &Sight, aggregate: Expr) -> SelectStatement {
    let project = Expr::col((project::Entity, project::Column::Id));
    let own = Expr::col((feature::Entity, feature::Column::ProjectId)).eq(project);
    features::reads::visible(sight).expr(aggregate).and_where(own).take()
}
