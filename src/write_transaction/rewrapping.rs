//! Data keys that are wrapped by another key from now on.
//!
//! **Invariant:** a data key is changed only if it is still wrapped as it was read: whoever was faster is not undone.

use uuid::Uuid;

use super::connection::Connection;
use crate::clock;
use crate::database::row_set::{CellType, RowSet};
use crate::database::{Database, DatabaseError, Parameters};
use crate::encryption::Wrapped;

/// A data key that is to be stored otherwise.
#[derive(Clone, Debug)]
pub struct Rewrapped {
    /// Whose it is.
    pub project: Uuid,
    /// What it was wrapped as.
    pub before: String,
    /// What it is wrapped as now.
    pub after: Wrapped,
}

/// Stores data keys otherwise, in one short transaction. Gives how many they were.
///
/// # Errors
/// When the database fails, or others are in the way.
pub async fn rewrap_data_keys(database: &Database, keys: &[Rewrapped]) -> Result<usize, DatabaseError> {
    let columns = [
        ("project_id", CellType::Id),
        ("stale", CellType::Text),
        ("fresh", CellType::Text),
        ("fresh_id", CellType::Text),
    ];
    let mut rows = RowSet::new(columns.to_vec());
    for Rewrapped { project, before, after } in keys {
        let values = [before.as_str(), after.text.as_str(), after.key_id.as_str()].map(sea_orm::Value::from);
        rows.push(std::iter::once((*project).into()).chain(values));
    }
    let connection = Connection::begin(database).await?;
    let update = Parameters::statement(database.backend(), |parameters| {
        let now = parameters.add(clock::now());
        let source = parameters.add_rows(rows);
        format!(
            "UPDATE data_keys SET wrapped_key = d.fresh, key_id = d.fresh_id, rotated_at = {now} FROM {source} \
             WHERE data_keys.project_id = d.project_id AND data_keys.wrapped_key = d.stale RETURNING data_keys.project_id"
        )
    });
    let changed = connection.query_all(update).await?.len();
    connection.commit().await?;
    Ok(changed)
}
