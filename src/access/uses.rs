//! When tokens were used last: noted once in a while, and while nobody waits for it.
//!
//! **Invariant:** of one token, one note is on its way at most, and none is tried within [`NOTED_EVERY`] of the one before, whether that
//! one was written or not: who asks often, or while nothing can be written, costs the writer no more than others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::token;
use crate::clock;
use crate::database::{Database, DatabaseError};

/// How exactly it is noted.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// How long it may take to note one.
const NOTED_WITHIN: Duration = Duration::from_secs(15);
/// Those that were tried longer ago are forgotten where there are more.
const MOST_KNOWN: usize = 10_000;

/// Notes the uses of one database's tokens.
pub(super) struct Uses {
    database: Database,
    /// When it was tried last.
    tried: Mutex<HashMap<Uuid, Instant>>,
    /// Whether the log knows that it fails.
    has_failed: AtomicBool,
}

impl Uses {
    pub(super) fn new(database: Database) -> Self {
        Self { database, tried: Mutex::default(), has_failed: AtomicBool::new(false) }
    }

    /// Notes that a token is used now, which was seen to be used at `last_used_at`.
    pub(super) fn note(self: &Arc<Self>, token: Uuid, last_used_at: Option<DateTime<Utc>>) {
        let now = clock::now();
        let noted_every = TimeDelta::from_std(NOTED_EVERY).unwrap_or_default();
        if last_used_at.is_some_and(|at| now - at < noted_every) || !self.is_due(token) {
            return;
        }
        let uses = Arc::clone(self);
        tokio::spawn(async move {
            let noted = token::note_use(&uses.database, token, now, now - noted_every);
            let noted = tokio::time::timeout(NOTED_WITHIN, noted).await;
            uses.tell(noted.unwrap_or_else(|_| Err(DatabaseError::no_answer())));
        });
    }

    /// Whether it was not tried a short while ago; from now on it was.
    fn is_due(&self, token: Uuid) -> bool {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.get(&token).is_some_and(|at| at.elapsed() < NOTED_EVERY) {
            return false;
        }
        if tried.len() >= MOST_KNOWN {
            tried.retain(|_, at| at.elapsed() < NOTED_EVERY);
        }
        tried.insert(token, Instant::now());
        true
    }

    /// Only what has changed is worth a line.
    fn tell(&self, noted: Result<(), DatabaseError>) {
        let had_failed = self.has_failed.swap(noted.is_err(), Ordering::Relaxed);
        match noted {
            Err(error) if !had_failed => tracing::warn!(%error, "when access tokens are used cannot be noted"),
            Err(error) => tracing::debug!(%error, "when access tokens are used still cannot be noted"),
            Ok(()) if had_failed => tracing::info!("when access tokens are used is noted again"),
            Ok(()) => {}
        }
    }
}
