//! Wraps data keys anew, with the first key of the ring, while others read and write.
//!
//! **Invariants:** a batch is a short transaction of its own ([`rewrap_data_keys`]). What is to be done is what the table says, so
//! that a rotation that was stopped is simply begun again. No secret is touched, only the keys they are encrypted with.

use std::time::Duration;

use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use super::{KeyId, KeyRing, count_keys};
use crate::database::{Database, DatabaseError, Parameters};
use crate::write_transaction::{Rewrapped, rewrap_data_keys};

/// What a rotation has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// The data keys that it has wrapped anew.
    pub rotated: u64,
    /// Those that are left under other keys, since the ring does not have these, or they open nothing.
    pub left: u64,
}

/// Why nothing more was wrapped anew.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There is no key to wrap them with.
    #[error("there is no key to rotate to: the first of the keys that are set is none")]
    NoFirstKey,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// How often a batch is tried that others are in the way of, and how long it waits in between.
const MOST_ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Wraps all data keys with the first key of the ring, at most so many in a transaction. `progress` is told how many were done, and how
/// many there were to do.
///
/// # Errors
/// When there is no first key, or the database fails: what was done by then stays.
pub async fn rotate(
    database: &Database,
    ring: &KeyRing,
    batch: u32,
    progress: impl Fn(u64, u64),
) -> Result<Rotated, RotateError> {
    let first = ring.first().ok_or(RotateError::NoFirstKey)?;
    let mut rotated = 0;
    loop {
        // Whoever still has another key first makes new ones under that meanwhile.
        let counts = count_keys(database).await?;
        let to_do: Vec<&KeyId> = counts.by_key.keys().filter(|id| *id != first && ring.knows(id)).collect();
        let total = rotated + to_do.iter().map(|id| counts.under(id)).sum::<u64>();
        let before = rotated;
        progress(rotated, total);
        for id in to_do {
            let mut after = Uuid::nil();
            while let Some(done) = rotate_batch(database, ring, id, &mut after, batch).await? {
                rotated += done;
                progress(rotated, total.max(rotated));
            }
        }
        if rotated == before {
            let counts = count_keys(database).await?;
            let left = counts.by_key.iter().filter(|(id, _)| *id != first).map(|(_, count)| count).sum();
            return Ok(Rotated { rotated, left });
        }
    }
}

/// Wraps the next data keys under `id` anew; nothing where there are no more.
async fn rotate_batch(
    database: &Database,
    ring: &KeyRing,
    id: &KeyId,
    after: &mut Uuid,
    batch: u32,
) -> Result<Option<u64>, DatabaseError> {
    let select = Parameters::statement(database.backend(), |parameters| {
        let (id, after) = (parameters.add(id.as_str()), parameters.add(*after));
        format!(
            "SELECT project_id, wrapped_key FROM data_keys WHERE key_id = {id} AND project_id > {after} \
             ORDER BY project_id LIMIT {batch}"
        )
    });
    let rows = database.reader().query_all_raw(select).await?;
    let mut wrapped = Vec::with_capacity(rows.len());
    for row in &rows {
        let (project, before): (Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        *after = project;
        // What opens with no key is left as it is, and told in the end.
        if let Some(fresh) = ring.unwrap(&before).ok().and_then(|key| ring.wrap(&key)) {
            wrapped.push(Rewrapped { project, before, after: fresh });
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    store(database, &wrapped).await.map(Some)
}

/// Stores what was wrapped anew, again where others were in the way. Gives how many they were.
async fn store(database: &Database, wrapped: &[Rewrapped]) -> Result<u64, DatabaseError> {
    let mut attempt = 1;
    loop {
        match rewrap_data_keys(database, wrapped).await {
            Ok(stored) => return Ok(stored as u64),
            Err(DatabaseError::Conflict(_) | DatabaseError::LockTimeout(_) | DatabaseError::PoolTimeout(_))
                if attempt < MOST_ATTEMPTS =>
            {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
