//! How many data keys there are under which key.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, Statement};

use super::{KeyId, KeyRing};
use crate::database::{Database, DatabaseError};

/// How many data keys there are under which key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Under each key.
    pub by_key: BTreeMap<KeyId, u64>,
    /// Those that were erased.
    pub erased: u64,
}

impl KeyCounts {
    /// How many there are under this key.
    #[must_use]
    pub fn under(&self, id: &KeyId) -> u64 {
        self.by_key.get(id).copied().unwrap_or_default()
    }

    /// How many there are under keys that a ring does not have.
    #[must_use]
    pub fn unknown_to(&self, ring: &KeyRing) -> u64 {
        self.by_key.iter().filter(|(id, _)| !ring.knows(id)).map(|(_, count)| count).sum()
    }
}

/// Counts the data keys.
///
/// # Errors
/// When the database does not answer.
pub async fn count_keys(database: &Database) -> Result<KeyCounts, DatabaseError> {
    let sql = "SELECT key_id, count(*) FROM data_keys GROUP BY key_id";
    let rows = database.reader().query_all_raw(Statement::from_string(database.backend(), sql)).await?;
    let mut counts = KeyCounts::default();
    for row in rows {
        let count = u64::try_from(row.try_get_by_index::<i64>(1)?).unwrap_or_default();
        match row.try_get_by_index::<Option<String>>(0)? {
            Some(id) => {
                counts.by_key.insert(KeyId::stored(id), count);
            }
            None => counts.erased = count,
        }
    }
    Ok(counts)
}
