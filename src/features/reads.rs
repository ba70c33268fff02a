//! Every SELECT of features.

use entity::{feature, feature_view};
use sea_orm::sea_query::{Expr, ExprTrait as _, IntoColumnRef, Query, SelectStatement};
use sea_orm::{ActiveEnum as _, Iterable as _};

use crate::access::Sight;
use crate::batch::{Cell, Column, Join, Table};
use crate::deployments;

/// Where features are read from.
pub fn table() -> Table {
    Table::new("feature", feature::Entity, (feature::Entity, feature::Column::Id), visible)
}

/// The start of every statement that reads features: those that are not deleted and that the caller may see.
pub fn visible(sight: &Sight) -> SelectStatement {
    let deleted_at = Expr::col((feature::Entity, feature::Column::DeletedAt));
    let project = Expr::col((feature::Entity, feature::Column::ProjectId));
    let mut rows = Query::select();
    rows.from(feature::Entity).and_where(deleted_at.is_null()).and_where_option(sight.sees(project)).take()
}

/// Holds for a row whose column `key` names a feature that the caller may see.
pub fn is_visible(sight: &Sight, key: impl IntoColumnRef) -> Expr {
    let id = Expr::col((feature::Entity, feature::Column::Id));
    Expr::exists(visible(sight).expr(Expr::cust("1")).and_where(id.eq(Expr::col(key))).take())
}

/// A column of the feature's own row.
pub fn column(column: feature::Column) -> Column {
    Column::of((feature::Entity, column))
}

/// How far the work has come: as an order, from what nobody has begun to what was given up.
pub fn status() -> Column {
    let words = feature::FeatureStatus::iter().map(|status| status.to_value());
    column(feature::Column::Status).ranked_by((feature::Entity, "status_position"), words)
}

/// What maintainers and owners alone may read of the feature.
pub fn confidential_notes() -> Column {
    let column = |column| (feature::Entity, column);
    Column::secret(column(feature::Column::ConfidentialNotes), column(feature::Column::ProjectId))
}

/// A column of the feature's read model.
fn view_column(column: feature_view::Column) -> Column {
    Column::of((feature_view::Entity, column)).from(read_model)
}

fn read_model() -> Join {
    let (id, project) = (feature::Column::Id, feature::Column::ProjectId);
    Join::of(feature_view::Entity, (feature::Entity, id), (feature_view::Entity, feature_view::Column::Id))
        .repeating((feature::Entity, project), (feature_view::Entity, feature_view::Column::ProjectId))
}

/// A count of the feature's read model: zero as long as nothing was counted.
pub fn count(column: feature_view::Column) -> Column {
    view_column(column).or_zero()
}

/// The status of the feature's latest deployment. No status is the empty text.
pub fn deployment_status() -> Column {
    view_column(feature_view::Column::DeploymentStatus)
        .ordered_by((feature_view::Entity, "deployment_status_order"), Cell::Text(String::new()))
}

/// When the feature's latest deployment was in place.
pub fn latest_deployed_at() -> Column {
    view_column(feature_view::Column::LatestDeployedAt)
        .ordered_by((feature_view::Entity, "latest_deployed_order"), deployments::reads::never())
}
