//! A row of any aggregate, for whoever goes through all streams.

use entity::{deployment, event, feature, project, project_member, test_case, user, webhook};
use sea_orm::{EntityName as _, FromQueryResult as _, IdenStatic as _, Iterable as _, QueryResult};
use uuid::Uuid;

use super::{Aggregate, ApplyError, Stamp, apply_event, changes};
use crate::database::DatabaseError;
use crate::database::row_set::RowSet;

macro_rules! any_row {
    ($($name:ident: $module:ident),+) => {
        /// A row of any aggregate.
        #[derive(Clone, Debug, PartialEq)]
        pub(super) enum AnyRow {
            $(
                #[doc = concat!("Of the table of `", stringify!($module), "`.")]
                $name($module::Model),
            )+
        }

        impl AnyRow {
            /// The tables: what the aggregates are called, the table's name, and its columns. Parents come before children.
            pub(super) fn tables() -> Vec<Table> {
                vec![$(Table {
                    kind: <$module::Entity as Aggregate>::KIND,
                    name: $module::Entity.table_name(),
                    columns: $module::Column::iter().map(|column| column.as_str()).collect(),
                }),+]
            }

            /// The row after an event.
            pub(super) fn apply(row: Option<&Self>, event: &event::Model) -> Result<Option<Self>, ApplyError> {
                $(
                    if event.aggregate_type == <$module::Entity as Aggregate>::KIND {
                        let row = match row {
                            None => None,
                            Some(Self::$name(row)) => Some(row),
                            Some(_) => return Err(ApplyError::Kind),
                        };
                        return Ok(apply_event::<$module::Entity>(row, event)?.map(Self::$name));
                    }
                )+
                Err(ApplyError::Kind)
            }

            /// Reads a row of the aggregates of this kind.
            pub(super) fn read(kind: &str, row: &QueryResult) -> Result<Option<Self>, DatabaseError> {
                $(
                    if kind == <$module::Entity as Aggregate>::KIND {
                        return Ok(Some(Self::$name($module::Model::from_query_result(row, "")?)));
                    }
                )+
                Ok(None)
            }

            /// What every row has.
            pub(super) fn stamp(&self) -> Stamp {
                match self {
                    $(Self::$name(row) => <$module::Entity as Aggregate>::stamp(row),)+
                }
            }

            /// The fields in which the row is another one than it should be.
            pub(super) fn differences(&self, expected: &Self) -> Vec<&'static str> {
                match (self, expected) {
                    $(
                        (Self::$name(row), Self::$name(expected)) => {
                            let changes = changes::<$module::Entity>(Some(expected), Some(row)).into_iter();
                            changes.map(|change| change.field).collect()
                        }
                    )+
                    _ => Vec::new(),
                }
            }

            /// Rows of each table that has any, to insert.
            pub(super) fn sets(rows: &[Self]) -> Vec<(&'static str, RowSet)> {
                let mut sets = Vec::new();
                $(
                    let own = rows.iter().filter_map(|row| match row {
                        Self::$name(row) => Some(row),
                        _ => None,
                    });
                    sets.push(($module::Entity.table_name(), RowSet::of_models(own, |_| true)));
                )+
                sets.retain(|(_, rows)| !rows.is_empty());
                sets
            }
        }
    };
}

any_row!(
    User: user,
    Project: project,
    ProjectMember: project_member,
    Feature: feature,
    TestCase: test_case,
    Deployment: deployment,
    Webhook: webhook
);

/// The table of an aggregate.
pub(super) struct Table {
    /// What the aggregates are called.
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) columns: Vec<&'static str>,
}

/// What an aggregate is called in a text: by the id that clients know, where its kind is known.
pub(super) fn describe(kind: &str, id: Uuid) -> String {
    let known = super::KINDS.iter().find(|known| **known == kind);
    known.map_or_else(|| format!("{kind} {id}"), |kind| crate::batch::id::format(kind, id))
}
