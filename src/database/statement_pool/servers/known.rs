//! What a server says of itself, and how far a replica is behind.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, PgConnection};

use crate::database::WalPosition;

/// What is known of a server since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Known {
    /// Whether it was asked at all.
    pub(super) is_asked: bool,
    /// What it is; nothing where it did not answer.
    pub(super) role: Option<Role>,
    /// Up to where it has written, or has replayed what another one wrote.
    pub(super) position: WalPosition,
    /// How long ago the primary was where it is now.
    pub(super) lag: Duration,
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes writes. Of two that do the one with the later timeline was promoted after the other.
    Primary {
        /// Counts the promotions that led to it.
        timeline: i64,
    },
    /// It replays what a primary writes.
    Replica,
}

/// What is asked. A replica's place is what its reads see, a primary's what it may have sent to replicas.
const ASK: &str = "SELECT pg_is_in_recovery(), \
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') \
        ELSE pg_current_wal_flush_lsn() END, '0/0')::int8, \
    CASE WHEN NOT pg_is_in_recovery() THEN ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int8 END";

/// Asks a server what it is and where: its role and position.
///
/// # Errors
/// When it does not answer.
pub(super) async fn ask(connection: &mut PgConnection) -> Result<(Role, WalPosition), sqlx::Error> {
    let (_, position, timeline): (bool, i64, Option<i64>) = sqlx::query_as(ASK).fetch_one(connection).await?;
    let role = timeline.map_or(Role::Replica, |timeline| Role::Primary { timeline });
    Ok((role, WalPosition(u64::try_from(position).unwrap_or_default())))
}

/// Where the primary was when.
#[derive(Default)]
pub(super) struct History(Mutex<VecDeque<(Instant, WalPosition)>>);

/// How many places are kept: minutes, at the pace at which servers are asked. A replica that is farther behind is told to be as far
/// behind as the oldest.
const KEPT: usize = 1024;

impl History {
    /// The primary is here now.
    pub(super) fn add(&self, position: WalPosition) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Where it does not move, it was there first when it came there.
        if places.back().is_some_and(|(_, last)| *last == position) {
            return;
        }
        if places.len() == KEPT {
            places.pop_front();
        }
        places.push_back((Instant::now(), position));
    }

    /// Forgets all: there is another primary, whose log went another way.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How long ago the primary has left a place: since it was first seen beyond.
    pub(super) fn lag_at(&self, position: WalPosition) -> Duration {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let beyond = places.iter().find(|(_, place)| *place > position);
        beyond.map_or(Duration::ZERO, |(since, _)| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_where_the_primary_was_is_behind_since_it_left() {
        let history = History::default();
        assert_eq!(history.lag_at(WalPosition(7)), Duration::ZERO, "nothing is known of a primary");
        history.add(WalPosition(10));
        std::thread::sleep(Duration::from_millis(20));
        history.add(WalPosition(10));
        assert_eq!(history.lag_at(WalPosition(10)), Duration::ZERO);
        assert!(history.lag_at(WalPosition(9)) >= Duration::from_millis(20), "it was there first when it came there");
        history.add(WalPosition(12));
        let lag = history.lag_at(WalPosition(11));
        assert!(lag < Duration::from_millis(20), "{lag:?}");
        assert_eq!(history.lag_at(WalPosition(13)), Duration::ZERO, "ahead of what was heard last");
    }
}
