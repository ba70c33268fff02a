//! A transaction that is written piece by piece, for what is too large to be decided at once: an import.
//!
//! **Invariant:** it is the same door: what it writes has events, audit rows and read model as any command's has, and is
//! there as a whole or not at all.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::commit::{Writing, compose};
use super::connection::Connection;
use super::session::Session;
use crate::access::Caller;
use crate::database::{Database, DatabaseError};
use crate::encryption::KeyRing;
use crate::read_model;

/// The most features that one statement counts anew.
const MOST_RECOUNTED: usize = 10_000;

/// A transaction that has begun. Dropped without [`WriteStream::commit`], it leaves nothing behind.
pub struct WriteStream {
    connection: Connection,
    caller: Caller,
    request_id: String,
    /// Files hold no secrets.
    key_ring: Arc<KeyRing>,
    label: &'static str,
    began: Instant,
}

impl WriteStream {
    /// Begins a transaction named `label`: `import.ndjson`. Its audit rows name `request_id`.
    ///
    /// # Errors
    /// When the database does not answer, or another process holds SQLite's write lock for too long.
    pub async fn begin(
        database: &Database,
        caller: &Caller,
        request_id: String,
        label: &'static str,
    ) -> Result<Self, DatabaseError> {
        let connection = Connection::begin(database).await?;
        let key_ring = KeyRing::none();
        Ok(Self { connection, caller: caller.clone(), request_id, key_ring, label, began: Instant::now() })
    }

    /// Lets one such transaction of a kind write at a time: two that bring the same new names would meet in a unique constraint.
    /// SQLite's transaction has the write lock from its beginning; on PostgreSQL the lock goes when the transaction ends.
    ///
    /// # Errors
    /// When another one is at it for longer than a statement waits for a lock, or the database does not answer.
    pub async fn exclude_others(&self, lock: i64) -> Result<(), DatabaseError> {
        self.connection.lock_exclusively(lock).await
    }

    /// A piece, which knows nothing of the others but what they wrote.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        Session::new(&self.connection, &self.caller, &self.request_id, &self.key_ring)
    }

    /// Writes what has happened in a piece. The read model of the features that it gives is to be counted anew.
    ///
    /// # Errors
    /// When a statement fails; the transaction must be dropped then.
    pub async fn write(&self, session: Session<'_>) -> Result<Vec<Uuid>, DatabaseError> {
        let Writing { batch, recounted, .. } = compose(&session);
        self.connection.write(batch).await?;
        Ok(recounted)
    }

    /// Counts the tests and deployments of features anew.
    ///
    /// # Errors
    /// As for [`WriteStream::write`].
    pub async fn recount(&self, features: &[Uuid]) -> Result<(), DatabaseError> {
        for features in features.chunks(MOST_RECOUNTED) {
            self.connection.execute(read_model::recount(self.connection.backend(), features)).await?;
        }
        Ok(())
    }

    /// Makes it last.
    ///
    /// # Errors
    /// When the database refuses; nothing was changed then.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        self.connection.commit().await?;
        let duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(transaction = self.label, caller = self.caller.id(), duration_ms, "committed");
        Ok(())
    }

    /// Forgets it.
    ///
    /// # Errors
    /// When the database does not answer; it is forgotten all the same.
    pub async fn roll_back(self) -> Result<(), DatabaseError> {
        self.connection.roll_back().await
    }
}
