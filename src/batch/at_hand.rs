//! Rows that need not be read, since a command has just written them, or read them to decide.
//!
//! **Invariant:** a row at hand is what the database holds, cell for cell. It is asked for by an id that the command has given to the caller,
//! who may see it therefore. What a column of another table holds, or what is computed, is not at hand.

use std::borrow::Cow;

use sea_orm::Value;
use uuid::Uuid;

use super::plan::Level;
use crate::database::Row;

/// Rows as a command has left them.
pub trait AtHand: Send + Sync {
    /// What a row holds in columns of its table, by its kind, which its id starts with; nothing where it is not there, or one of them is not.
    fn cells(&self, kind: &str, id: Uuid, columns: &[Cow<'static, str>]) -> Option<Vec<Value>>;
}

/// The rows of a level with these ids, if all of them are at hand with all that is selected of them.
pub(super) fn rows(at_hand: &dyn AtHand, level: &Level, ids: &[Uuid]) -> Option<Vec<Row>> {
    let table = &level.object?.table;
    let columns: Vec<_> = level.columns.iter().map(|column| column.name_in(&table.name)).collect::<Option<_>>()?;
    ids.iter().map(|id| Row::of_values(&at_hand.cells(table.prefix, *id, &columns)?)).collect()
}
