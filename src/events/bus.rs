//! The bus: committed events, in their order, for whoever listens in this process.
//!
//! **Invariants:** what is published is committed; every listener gets every event after the position at which it began to
//! listen, once and in order, or is told that it was too slow and from where to read on. The table is the truth: a commit in
//! this process wakes the bus, one in another process does so on PostgreSQL, and is found within [`POLL`] in any case. While
//! nobody listens, nothing is read.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entity::event;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender, WeakSender};
use tokio::sync::watch;

use super::Topic;
use super::follow::{Position, events_after, is_more_to_settle, last_position};
use crate::database::{Database, DatabaseError, Wakes};

/// How long a commit of another process may go unnoticed.
pub const POLL: Duration = Duration::from_secs(1);
/// How soon to ask again where an older transaction still runs; the longer it does, the later: up to [`POLL`].
const SETTLING: Duration = Duration::from_millis(10);
/// The most events of one read.
const MOST_EVENTS: u32 = 500;
/// How many reads a listener may be behind.
const BACKLOG: usize = 64;

/// Publishes the events of one database. Cloning is cheap, and clones are one bus.
#[derive(Clone)]
pub struct Bus {
    database: Database,
    /// Held by the task that publishes alone, so that listeners notice when it has ended, however it has.
    running: Arc<Mutex<Option<WeakSender<Published>>>>,
}

/// What is published at once.
type Published = Arc<Vec<event::Model>>;

/// Listens to a bus.
pub struct Listener {
    receiver: Receiver<Published>,
    after: Position,
}

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum Heard {
    /// These events happened, in this order.
    Events(News),
    /// The listener was too slow, or the bus could not read: it goes on from here with [`events_after`], and listens anew.
    Gap(Position),
}

/// Events that happened one after the other; all listeners share them.
#[derive(Clone, Debug)]
pub struct News {
    published: Published,
    /// The first of them that the listener had not heard.
    first: usize,
}

impl Deref for News {
    type Target = [event::Model];

    fn deref(&self) -> &[event::Model] {
        &self.published[self.first..]
    }
}

impl Bus {
    /// The bus of a database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, running: Arc::default() }
    }

    /// Listens from now on: to what is committed after the position that the listener has.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn listen(&self) -> Result<Listener, DatabaseError> {
        loop {
            if let Some(receiver) = self.join() {
                // Only now: what is published while the position is read is heard.
                let after = last_position(self.database.reader()).await?;
                return Ok(Listener { receiver, after });
            }
            let commits = self.database.commits();
            let after = last_position(self.database.reader()).await?;
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.as_ref().and_then(WeakSender::upgrade).is_some() {
                // Somebody else was faster.
                continue;
            }
            let (sender, receiver) = broadcast::channel(BACKLOG);
            *running = Some(sender.downgrade());
            tokio::spawn(publish(self.database.clone(), sender, commits, after));
            return Ok(Listener { receiver, after });
        }
    }

    /// Joins the listeners of the task that publishes, if it runs.
    fn join(&self) -> Option<Receiver<Published>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        Some(running.as_ref()?.upgrade()?.subscribe())
    }
}

impl Listener {
    /// The position after which the listener hears.
    #[must_use]
    pub fn position(&self) -> Position {
        self.after
    }

    /// Waits for events.
    pub async fn hear(&mut self) -> Heard {
        loop {
            match self.receiver.recv().await {
                Ok(published) => {
                    // A bus that ran before may be a little behind.
                    let first = published.partition_point(|event| Position::of(event) <= self.after);
                    let news = News { published, first };
                    if let Some(last) = news.last() {
                        self.after = Position::of(last);
                        return Heard::Events(news);
                    }
                }
                Err(RecvError::Lagged(_) | RecvError::Closed) => return Heard::Gap(self.after),
            }
        }
    }
}

/// Reads and publishes until nobody listens any more, or the database fails.
async fn publish(
    database: Database,
    sender: Sender<Published>,
    mut commits: watch::Receiver<u64>,
    mut after: Position,
) {
    let mut others = database.listen_to_others();
    let mut settling = SETTLING;
    while sender.receiver_count() > 0 {
        let read = async {
            let events = events_after(database.reader(), after, &Topic::default(), MOST_EVENTS).await?;
            let waits = events.is_empty() && is_more_to_settle(database.reader(), after).await?;
            Ok::<_, DatabaseError>((events, waits))
        };
        let (events, waits) = match read.await {
            Ok(read) => read,
            Err(error) => {
                // Its listeners are told of a gap when the sender is gone, and read on by themselves.
                tracing::warn!(error = &error as &dyn std::error::Error, "the bus cannot read events");
                return;
            }
        };
        if let Some(last) = events.last() {
            (after, settling) = (Position::of(last), SETTLING);
            let _ = sender.send(Arc::new(events));
        } else {
            let pause = if waits { settling } else { POLL };
            settling = if waits { (settling * 2).min(POLL) } else { SETTLING };
            tokio::select! {
                _ = commits.changed() => {}
                () = sender.closed() => return,
                () = heard(&mut others) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Waits for another process to tell of a commit, where one can.
async fn heard(others: &mut Option<Wakes>) {
    match others {
        Some(others) => others.heard().await,
        None => std::future::pending().await,
    }
}
