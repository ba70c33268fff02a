//! The bus: committed events, in their order, for whoever listens in this process.
//!
//! **Invariants:** what is published is committed; every listener gets every event after the position at which it began to
//! listen, once and in order, or is told that it was too slow and from where to read on. The table is the truth: a commit in
//! this process wakes the bus, one in another process is found within [`POLL`]. While nobody listens, nothing is read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entity::event;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::sync::watch;

use super::follow::{Position, events_after, is_more_to_settle, last_position};
use crate::database::{Database, DatabaseError};

/// How long a commit of another process may go unnoticed.
pub const POLL: Duration = Duration::from_secs(1);
/// How soon to ask again where an older transaction still runs.
const SETTLING: Duration = Duration::from_millis(10);
/// The most events of one read.
const MOST_EVENTS: u32 = 500;
/// How many reads a listener may be behind.
const BACKLOG: usize = 64;

/// Publishes the events of one database. Cloning is cheap, and clones are one bus.
#[derive(Clone)]
pub struct Bus {
    database: Database,
    running: Arc<Mutex<Option<Sender<Published>>>>,
}

/// What is published at once.
type Published = Arc<Vec<event::Model>>;

/// Listens to a bus.
pub struct Listener {
    receiver: Receiver<Arc<Vec<event::Model>>>,
    after: Position,
}

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum Heard {
    /// These events happened, in this order.
    Events(Vec<event::Model>),
    /// The listener was too slow, or the bus could not read: it goes on from here with [`events_after`], and listens anew.
    Gap(Position),
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
        let commits = self.database.commits();
        let after = last_position(self.database.reader()).await?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = if let Some(sender) = running.as_ref().filter(|sender| sender.receiver_count() > 0) {
            sender.subscribe()
        } else {
            let (sender, receiver) = broadcast::channel(BACKLOG);
            tokio::spawn(publish(self.database.clone(), sender.clone(), commits, after));
            *running = Some(sender);
            receiver
        };
        Ok(Listener { receiver, after })
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
                Ok(events) => {
                    // A bus that ran before may be a little behind.
                    let new = events.iter().filter(|event| Position::of(event) > self.after);
                    let new: Vec<event::Model> = new.cloned().collect();
                    if let Some(last) = new.last() {
                        self.after = Position::of(last);
                        return Heard::Events(new);
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
    sender: Sender<Arc<Vec<event::Model>>>,
    mut commits: watch::Receiver<u64>,
    mut after: Position,
) {
    while sender.receiver_count() > 0 {
        let read = async {
            let events = events_after(database.reader(), after, MOST_EVENTS).await?;
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
            after = Position::of(last);
            let _ = sender.send(Arc::new(events));
        } else {
            let pause = if waits { SETTLING } else { POLL };
            tokio::select! {
                // A sender that is gone is a database that is being closed: the next read says so.
                changed = commits.changed() => if changed.is_err() { tokio::time::sleep(pause).await },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
