//! The PostgreSQL servers of one database: the primary, which takes writes, and its streaming replicas, which queries are read from.
//!
//! Each server is asked again and again what it is and where ([`watch`]); a query is read from a replica that is near enough
//! ([`route`]). Which one is the primary is found out, and not set: after a failover the promoted replica is.
//!
//! **Invariants:** what decides a write, and what a mutation answers with, is read from the primary; a query that names a position is
//! read from a server that has reached it; a server that fails costs a query nothing but time, while another one is there. With one
//! server none of this is there: nobody watches, and nothing is chosen.

mod known;
mod route;
mod server;
mod status;
mod watch;

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sea_orm::sqlx::PgPool;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Values};
use serde_json::Value;
use tokio::sync::watch as channel;

use self::known::{History, Role};
pub(in crate::database) use self::route::Route;
use self::server::Server;
use self::status::Moved;
pub use self::status::ServerStatus;
use self::watch::Watching;
pub(in crate::database) use self::watch::find_primary;
use super::postgres::Written;
use crate::database::{PoolOptions, Row, WalPosition};

/// The servers. Cloning is cheap and shares them.
#[derive(Clone)]
pub(in crate::database) struct Servers {
    all: Arc<All>,
    /// Ends with the last clone.
    _watching: Arc<Watching>,
}

struct All {
    servers: Vec<Server>,
    /// The place of the primary among them.
    primary: AtomicUsize,
    /// The latest timeline that a primary was seen on: one on an earlier timeline is a primary no more, whatever it says.
    timeline: AtomicI64,
    /// Changes whenever another one is the primary, to the time when that was seen.
    promoted: channel::Sender<Option<Instant>>,
    /// The pool of who writes, whose new connections go to the primary.
    writer: OnceLock<PgPool>,
    /// Where the primary was when.
    history: History,
    /// Where a replica must be at the least: where the tables were as this program knows them.
    floor: AtomicU64,
    /// Whose turn it is.
    turn: AtomicUsize,
    max_lag: Duration,
    position_wait: Duration,
    moved: Moved,
}

impl Servers {
    /// The servers with these addresses, of which the one at `primary` takes writes now. `promoted` is told when that changes.
    pub(in crate::database) fn new(
        options: Vec<PgConnectOptions>,
        primary: usize,
        pool: &PoolOptions,
        promoted: channel::Sender<Option<Instant>>,
    ) -> Result<Self, DbErr> {
        let options = options.into_iter().enumerate();
        let servers: Result<Vec<_>, _> =
            options.map(|(place, options)| Server::new(place, options, pool, place == primary)).collect();
        let all = Arc::new(All {
            servers: servers?,
            primary: AtomicUsize::new(primary),
            timeline: AtomicI64::new(0),
            promoted,
            writer: OnceLock::new(),
            history: History::default(),
            floor: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
            max_lag: pool.max_replica_lag,
            position_wait: pool.position_wait,
            moved: Moved::default(),
        });
        let watching = Arc::new(Watching::begin(&all));
        Ok(Self { all, _watching: watching })
    }

    /// Lets the pool of who writes follow the primary.
    pub(in crate::database) fn lead(&self, writer: PgPool) {
        // It is told once.
        let _ = self.all.writer.set(writer);
        self.all.lead_writer();
    }

    /// Whether there is more than one.
    pub(in crate::database) fn are_several(&self) -> bool {
        self.all.servers.len() > 1
    }

    /// Runs one statement: on the primary, or where the route leads.
    pub(in crate::database) async fn run(
        &self,
        route: Option<&Route>,
        sql: &Arc<str>,
        values: &(dyn Fn() -> Values + Sync),
    ) -> Result<Vec<Row>, DbErr> {
        match route {
            // Apart, since with one server nobody takes this way, and all would carry it along.
            Some(route) if self.are_several() => Box::pin(route.run(&self.all, sql, values)).await,
            Some(_) | None => self.all.primary().reads.read(sql, values).await,
        }
    }

    /// Runs one statement that writes, on the server that is the primary when it is sent.
    pub(in crate::database) async fn write(&self, sql: &Arc<str>, values: &Values) -> Result<(), DbErr> {
        loop {
            let primary = self.all.primary();
            let is_primary = || std::ptr::eq(primary, self.all.primary());
            if primary.writes.write(sql, values, is_primary).await? == Written::Here {
                return Ok(());
            }
        }
    }

    /// Whether who waits to write waits for others that do.
    pub(in crate::database) fn writes_are_full(&self) -> bool {
        self.all.primary().writes.are_full()
    }

    /// Has the primary explain a statement, wherever it was run: replicas have the same tables and statistics.
    pub(in crate::database) async fn explain(&self, words: &str, sql: &str, values: Values) -> Result<Value, DbErr> {
        self.all.primary().reads.explain(words, sql, values).await
    }

    /// Reads from no replica any more that is not where the primary is now.
    pub(in crate::database) fn require(&self, position: WalPosition) {
        self.all.floor.fetch_max(position.0, Ordering::Relaxed);
    }

    /// Whether any of them answers, as far as is known.
    pub(in crate::database) fn any_answers(&self) -> bool {
        self.all.servers.iter().any(|server| server.known().role.is_some())
    }

    /// Closes the connections that nobody uses, and lets none be opened any more.
    pub(in crate::database) async fn close(&self) {
        for server in &self.all.servers {
            server.reads.close().await;
            server.writes.close().await;
        }
    }
}

impl All {
    fn primary(&self) -> &Server {
        &self.servers[self.primary.load(Ordering::Relaxed)]
    }

    /// Finds out which of those that answer is the primary. While none is it is the one that was.
    fn elect(&self) {
        let now = self.primary.load(Ordering::Relaxed);
        let timeline = |server: &Server| match server.known().role {
            Some(Role::Primary { timeline }) => Some(timeline),
            Some(Role::Replica) | None => None,
        };
        let timelines: Vec<_> = self.servers.iter().map(timeline).collect();
        let Some((best, timeline)) = primary_of(&timelines, now, self.timeline.load(Ordering::Relaxed)) else { return };
        self.timeline.fetch_max(timeline, Ordering::Relaxed);
        if best == now {
            return;
        }
        tracing::warn!(server = self.servers[best].number(), "another server takes the writes now");
        self.history.clear();
        self.primary.store(best, Ordering::Relaxed);
        self.lead_writer();
        self.promoted.send_replace(Some(Instant::now()));
    }

    fn lead_writer(&self) {
        if let Some(writer) = self.writer.get() {
            writer.set_connect_options(self.primary().options.clone());
        }
    }
}

/// Which server is the primary, and its timeline: of those that take writes, whose timelines these are, the one that was promoted last;
/// of equals the one that is it `now`. One that is on an earlier timeline than was `seen` was replaced: it has come back, or was cut
/// off, and who wrote there would write to a record of its own.
fn primary_of(timelines: &[Option<i64>], now: usize, seen: i64) -> Option<(usize, i64)> {
    let able = timelines.iter().enumerate().filter_map(|(place, timeline)| Some((place, (*timeline)?)));
    able.filter(|(_, timeline)| *timeline >= seen).max_by_key(|(place, timeline)| (*timeline, *place == now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_promoted_last_is_the_primary() {
        assert_eq!(primary_of(&[Some(1), None], 0, 1), Some((0, 1)));
        assert_eq!(primary_of(&[None, None], 0, 1), None, "while none answers, nothing changes");
        assert_eq!(primary_of(&[Some(1), Some(2)], 0, 1), Some((1, 2)));
        assert_eq!(primary_of(&[Some(2), Some(2)], 1, 2), Some((1, 2)));
    }

    #[test]
    fn who_was_replaced_is_the_primary_no_more() {
        assert_eq!(
            primary_of(&[Some(1), None], 1, 2),
            None,
            "the promoted one does not answer, and the old one is back"
        );
        assert_eq!(primary_of(&[Some(1), None, Some(3)], 1, 2), Some((2, 3)));
    }
}
