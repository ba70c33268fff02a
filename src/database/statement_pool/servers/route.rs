//! Where the statements of one query are run: on a replica that is near enough and has seen what the query must see, or else on the
//! primary; and somewhere else where that one fails.
//!
//! **Invariant:** a statement is given up only when every server that could serve it has been tried.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::select_all;
use sea_orm::{DbErr, Values};

use super::known::Role;
use super::server::Server;
use super::{All, Servers};
use crate::database::error::{is_elsewhere_better, no_answer};
use crate::database::{Row, WalPosition};

/// The way of one operation's statements. Those of a query go to the same server, while that one answers.
pub(in crate::database) struct Route {
    /// Where it leads; to the primary and nowhere else, unless that is told.
    aim: OnceLock<Aim>,
    /// The place of the server that the last statement went to.
    chosen: AtomicUsize,
}

/// Which server is tried first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// The primary, and another one while that is away.
    Primary,
    /// A replica that has reached a position.
    Replica(WalPosition),
}

/// The servers that have failed a statement, by their places.
#[derive(Default)]
struct Tried(Vec<usize>);

/// No server was chosen yet.
const NONE: usize = usize::MAX;

impl Default for Route {
    fn default() -> Self {
        Self { aim: OnceLock::new(), chosen: AtomicUsize::new(NONE) }
    }
}

impl Route {
    /// Leads to a replica that has seen all up to a position. Where it leads is told once.
    pub(in crate::database) fn lead_to_replicas(&self, at_least: WalPosition) {
        let _ = self.aim.set(Aim::Replica(at_least));
    }

    /// Leads to the primary, and elsewhere only while it is away.
    pub(in crate::database) fn lead_to_primary(&self) {
        let _ = self.aim.set(Aim::Primary);
    }

    /// Which server the last statement went to, by its number, and whether that is the primary.
    pub(in crate::database) fn led_to(&self, servers: &Servers) -> Option<(usize, bool)> {
        let server = servers.all.servers.get(self.chosen.load(Ordering::Relaxed))?;
        Some((server.number(), std::ptr::eq(server, servers.all.primary())))
    }

    pub(super) async fn run(
        &self,
        all: &All,
        sql: &Arc<str>,
        values: &(dyn Fn() -> Values + Sync),
    ) -> Result<Vec<Row>, DbErr> {
        let Some(aim) = self.aim.get().copied() else { return all.primary().reads.read(sql, values).await };
        let mut tried = Tried::default();
        let mut failure = None;
        while let Some(place) = self.choose(all, aim, &tried).await {
            if failure.is_some() {
                all.moved.count_failed();
            }
            let server = &all.servers[place];
            self.chosen.store(place, Ordering::Relaxed);
            let answer = tokio::select! {
                biased;
                answer = server.reads.read(sql, values) => answer,
                () = server.lost() => Err(no_answer()),
            };
            match answer {
                Err(error) if is_elsewhere_better(&error) => failure = Some(error),
                answer => return answer,
            }
            if place != all.primary.load(Ordering::Relaxed) {
                server.suspect();
            }
            tried.0.push(place);
        }
        Err(failure.unwrap_or_else(no_answer))
    }

    /// Where to try next; nowhere where all that could serve have failed.
    async fn choose(&self, all: &All, aim: Aim, tried: &Tried) -> Option<usize> {
        let primary = all.primary.load(Ordering::Relaxed);
        let Aim::Replica(at_least) = aim else {
            let away = tried.has(primary) || all.servers[primary].known().role.is_none();
            let replica = || all.replica(WalPosition::default(), tried);
            return if away { replica().or_else(|| tried.leaves(primary)) } else { Some(primary) };
        };
        let last = self.chosen.load(Ordering::Relaxed);
        if last != NONE && !tried.has(last) && all.serves(last, at_least, tried) {
            return Some(last);
        }
        if let Some(replica) = all.replica(at_least, tried) {
            return Some(replica);
        }
        if let Some(replica) = all.reach(at_least, tried).await {
            return Some(replica);
        }
        let to_primary = tried.leaves(primary).or_else(|| {
            // A replica that was promoted this moment is none any more, and may not have been found to be the primary.
            all.elect();
            tried.leaves(all.primary.load(Ordering::Relaxed))
        });
        if to_primary.is_some() && last != primary {
            all.moved.count_unserved();
        }
        to_primary
    }
}

impl Tried {
    fn has(&self, place: usize) -> bool {
        self.0.contains(&place)
    }

    fn leaves(&self, place: usize) -> Option<usize> {
        (!self.has(place)).then_some(place)
    }
}

impl All {
    /// Whether queries may be read from a server that must have reached a position.
    fn serves(&self, place: usize, at_least: WalPosition, tried: &Tried) -> bool {
        let server = &self.servers[place];
        server.known().position >= at_least.max(self.floor()) && self.is_near(server, tried)
    }

    /// While the primary is away nobody is behind it. One that has failed a statement counts as away before it is known to be.
    fn is_near(&self, server: &Server, tried: &Tried) -> bool {
        let known = server.known();
        let is_primary_away =
            || self.primary().known().role.is_none() || tried.has(self.primary.load(Ordering::Relaxed));
        known.role == Some(Role::Replica) && (known.lag <= self.max_lag || is_primary_away())
    }

    fn floor(&self) -> WalPosition {
        WalPosition(self.floor.load(Ordering::Relaxed))
    }

    /// A replica that serves, each in its turn.
    fn replica(&self, at_least: WalPosition, tried: &Tried) -> Option<usize> {
        let (count, turn) = (self.servers.len(), self.turn.fetch_add(1, Ordering::Relaxed));
        let mut places = (0..count).map(|place| turn.wrapping_add(place) % count);
        places.find(|place| !tried.has(*place) && self.serves(*place, at_least, tried))
    }

    /// Waits, not for long, until a replica that is near has reached a position.
    async fn reach(&self, at_least: WalPosition, tried: &Tried) -> Option<usize> {
        let places =
            (0..self.servers.len()).filter(|place| !tried.has(*place) && self.is_near(&self.servers[*place], tried));
        let reached: Vec<_> = places.map(|place| Box::pin(self.reaches(place, at_least, tried))).collect();
        if reached.is_empty() || self.position_wait == Duration::ZERO {
            return None;
        }
        let first = tokio::time::timeout(self.position_wait, select_all(reached)).await;
        first.ok().map(|(place, ..)| place)
    }

    async fn reaches(&self, place: usize, at_least: WalPosition, tried: &Tried) -> usize {
        let server = &self.servers[place];
        let mut changes = server.changes();
        while !self.serves(place, at_least, tried) {
            server.hurry.notify_one();
            // The sender is the server's.
            let _ = changes.changed().await;
        }
        place
    }
}
