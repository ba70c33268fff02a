//! Every SELECT of test cases.

use entity::test_case;
use sea_orm::sea_query::{Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Cell, Column, Table};
use crate::features;

/// Where test cases are read from.
pub fn table() -> Table {
    Table::new("test_case", test_case::Entity, (test_case::Entity, test_case::Column::Id), visible)
        .vouched_for(|sight| features::reads::is_visible(sight, (test_case::Entity, test_case::Column::FeatureId)))
}

/// The start of every statement that reads test cases. They are as visible as their feature: a test case that is not
/// reached through its feature asks for it.
fn visible(_: &Sight) -> SelectStatement {
    Query::select().from(test_case::Entity).take()
}

/// A column of the test case's own row.
pub fn column(column: test_case::Column) -> Column {
    Column::of((test_case::Entity, column))
}

/// How long the latest run took. No run takes less than no time.
pub fn duration_ms() -> Column {
    column(test_case::Column::DurationMs).ordered_by((test_case::Entity, "duration_order"), Cell::Int(-1))
}
