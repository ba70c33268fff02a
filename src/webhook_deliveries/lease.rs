//! A lease: of several processes over one database one holds it, until it lets go of it or is not heard of any more.
//!
//! **Invariant:** what is begun only while the lease [`lasts`](Lease::lasts) long enough ends before another process can have it, as long as
//! the processes' clocks differ by less than [`SKEW`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use super::hold::NOBODY;
use crate::clock;
use crate::database::{Database, DatabaseError, Parameters};

/// A lease, held or not. Cloning is cheap, and clones are one.
#[derive(Clone)]
pub(super) struct Lease {
    database: Database,
    /// What is leased.
    name: &'static str,
    /// This process.
    owner: Uuid,
    length: Duration,
    held_until: Arc<Mutex<Option<Instant>>>,
    /// Whether the log has been told that nobody may hold it.
    has_told: Arc<AtomicBool>,
}

/// How much the clocks of two processes may differ.
const SKEW: Duration = Duration::from_secs(5);

impl Lease {
    /// A lease for work whose pieces take at most so long each; not held yet.
    pub(super) fn new(database: Database, name: &'static str, piece: Duration) -> Self {
        let length = piece * 2 + SKEW * 3;
        Self { database, name, owner: Uuid::now_v7(), length, held_until: Arc::default(), has_told: Arc::default() }
    }

    /// How long to wait before it is taken again: when a piece could still be begun.
    pub(super) fn renew_after(&self) -> Duration {
        self.length / 4
    }

    /// Takes the lease, or holds it for longer; whether it is held then.
    ///
    /// # Errors
    /// When the database does not answer: it is held for as long as it was.
    pub(super) async fn take(&self) -> Result<bool, DatabaseError> {
        // It is held from before the database was asked.
        let (asked, now) = (Instant::now(), clock::now());
        if let Some(owner) = self.other_owner(now).await? {
            if owner == NOBODY && !self.has_told.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "nothing is sent to webhooks: this database was restored, or copied from another, which may still send; \
                     `throughline backup send-webhooks` says that it takes that one's place"
                );
            }
            self.hold_until(None);
            return Ok(false);
        }
        let expires_at = now + TimeDelta::from_std(self.length).unwrap_or_default();
        let statement = Parameters::statement(self.database.backend(), |parameters| {
            let (name, owner) = (parameters.add(self.name), parameters.add(self.owner));
            let (expires_at, now, own) = (parameters.add(expires_at), parameters.add(now), parameters.add(self.owner));
            format!(
                "INSERT INTO leases (name, owner, expires_at) VALUES ({name}, {owner}, {expires_at}) \
                 ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at \
                 WHERE leases.expires_at < {now} OR leases.owner = {own} RETURNING owner"
            )
        });
        let is_held = self.database.writer().query_one_raw(statement).await?.is_some();
        self.hold_until(is_held.then(|| asked + self.length));
        Ok(is_held)
    }

    /// Who else holds it: who only waits for it need not write.
    async fn other_owner(&self, now: chrono::DateTime<chrono::Utc>) -> Result<Option<Uuid>, DatabaseError> {
        let statement = Parameters::statement(self.database.backend(), |parameters| {
            let (name, now, owner) = (parameters.add(self.name), parameters.add(now), parameters.add(self.owner));
            format!("SELECT owner FROM leases WHERE name = {name} AND expires_at >= {now} AND owner <> {owner}")
        });
        let row = self.database.reader().query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// Whether it is held for so long from now on.
    pub(super) fn lasts(&self, piece: Duration) -> bool {
        let held_until = *self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        held_until.is_some_and(|end| Instant::now() + piece + SKEW < end)
    }

    /// Lets go of it, so that others need not wait.
    ///
    /// # Errors
    /// When the database does not answer: others get it when it ends.
    pub(super) async fn release(&self) -> Result<(), DatabaseError> {
        self.hold_until(None);
        let statement = Parameters::statement(self.database.backend(), |parameters| {
            let (name, owner) = (parameters.add(self.name), parameters.add(self.owner));
            format!("DELETE FROM leases WHERE name = {name} AND owner = {owner}")
        });
        self.database.writer().execute_raw(statement).await?;
        Ok(())
    }

    fn hold_until(&self, end: Option<Instant>) {
        *self.held_until.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}
