//! The one door to a transaction: the only module that may begin one.
//!
//! **Invariants:** a write is a [`Command`]; what it decides is written with its events, audit rows, read model and idempotency
//! key as one transaction, or not at all; only then is anything published. A transaction has a name, which its log line
//! carries. clippy's `disallowed-methods` keeps every other module from calling `begin`.
//!
//! A command first relies on what it writes to fail as a whole where it must not be done; then it is run again within a transaction that
//! locks what it reads. On PostgreSQL it first reads without locks and writes with one statement, which fails too if what was read no
//! longer holds. On SQLite a transaction has the write lock from its beginning, which is the first read; what reads nothing is one text.

mod adopt;
pub mod children;
mod commit;
mod connection;
mod data_keys;
mod deliveries;
mod erasure;
mod idempotency;
mod inspection;
pub mod items;
mod projection;
mod records;
mod refusal;
mod rewrapping;
mod session;
mod stream;
pub mod upsert;

use std::time::{Duration, Instant};

use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

pub use self::adopt::adopt;
pub use self::commit::SNAPSHOT_EVERY;
use self::commit::{Writing, compose};
use self::connection::Connection;
pub use self::erasure::{ERASE_DATA_KEY, Erased, Remains, erase_data_key};
use self::idempotency::Known;
pub use self::idempotency::{IdempotencyKey, Receipt};
pub use self::inspection::{Inspection, Others};
pub use self::projection::{Projection, project};
pub use self::records::{Records, Tables, Written};
pub use self::refusal::{Conflict, ConflictChange, Refusal, UserError, UserErrorCode};
pub use self::rewrapping::{Rewrapped, rewrap_data_keys};
pub use self::session::Session;
pub use self::stream::WriteStream;
use crate::access::Caller;
use crate::database::{Database, DatabaseError};
use crate::encryption::KeyRing;
use crate::read_model;

/// A write: what it is called, and how it decides what happens.
pub trait Command: Sync {
    /// The transaction's name: `feature.create`.
    fn name(&self) -> &'static str;

    /// How many items it has.
    fn length(&self) -> usize {
        1
    }

    /// Whether it must lock what it reads at once, since what it relies on is more than the rows that it changes.
    fn locks(&self) -> bool {
        false
    }

    /// Reads what it needs, and lets happen what is to happen. It may be asked again, of a session that knows nothing yet.
    fn decide(&self, session: &mut Session<'_>) -> impl Future<Output = Result<Decision, Refusal>> + Send;
}

/// What a command decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The object of each item, in the input's order; none for an item that is not carried out.
    pub ids: Vec<Option<Uuid>>,
    /// What kind of object each of them is, where that differs: the prefixes of their ids.
    pub kinds: Vec<&'static str>,
    /// What is wrong with the items that are not carried out.
    pub errors: Vec<UserError>,
}

/// How a command is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'s> {
    /// Who sends it.
    pub caller: &'s Caller,
    /// The request that it came with.
    pub request_id: &'s str,
    /// Lets it be sent again without being carried out again.
    pub key: Option<&'s IdempotencyKey>,
    /// What encrypts the secrets of its input.
    pub key_ring: &'s KeyRing,
}

/// What became of a command.
#[derive(Debug)]
pub enum Outcome {
    /// It was carried out.
    Done {
        /// What it came to.
        receipt: Receipt,
        /// The rows as it has left them; none where it had been carried out before, under the same key.
        rows: Option<Box<Tables>>,
    },
    /// It was refused, and nothing was written.
    Refused(Vec<UserError>),
}

/// The most often that a command is run.
const MOST_ATTEMPTS: u32 = 10;
/// How long after its beginning a command is run again: the last run may still wait for a connection and a lock, and end before
/// nobody waits for the request any more.
const RUN_AGAIN_WITHIN: Duration = Duration::from_secs(4);
/// The longest pause before the second run; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Carries a command out.
///
/// # Errors
/// When the database fails, or is in the way for too long. Where the connection broke while the command was committed, it may
/// have been carried out all the same: an idempotency key tells.
pub async fn carry_out<C: Command>(database: &Database, sent: Sent<'_>, command: &C) -> Result<Outcome, DatabaseError> {
    let began = Instant::now();
    let mut attempt = 1;
    loop {
        let locks = attempt > 1 || command.locks();
        match attempt_once(database, sent, command, locks).await {
            // What relies on constraints says all that is wrong only when they have been asked, however long that has taken.
            Ok(Outcome::Refused(_)) if !locks && command.length() > 1 => attempt += 1,
            Err(error @ DatabaseError::Constraint(_)) if !locks => {
                tracing::debug!(transaction = command.name(), attempt, %error, "is run again");
                attempt += 1;
            }
            Ok(outcome) => {
                let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                let carried_out = matches!(outcome, Outcome::Done { rows: Some(_), .. });
                tracing::debug!(
                    transaction = command.name(),
                    caller = sent.caller.id(),
                    attempt,
                    duration_ms,
                    carried_out,
                    "ended"
                );
                return Ok(outcome);
            }
            // Somebody was in the way, or was faster: what they wrote is there to be read now. Who holds a lock for as long as a
            // statement waits for it is not waited for again.
            Err(error @ (DatabaseError::Conflict(_) | DatabaseError::Constraint(_))) if attempt < MOST_ATTEMPTS => {
                if began.elapsed() > RUN_AGAIN_WITHIN {
                    return Err(as_conflict(error));
                }
                tracing::debug!(transaction = command.name(), attempt, %error, "is run again");
                tokio::time::sleep(pause_before(attempt)).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Who was faster every time was in the way, by a constraint or otherwise.
fn as_conflict(error: DatabaseError) -> DatabaseError {
    match error {
        DatabaseError::Constraint(cause) => DatabaseError::Conflict(cause),
        other => other,
    }
}

/// Exponential back-off with full jitter
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
fn pause_before(attempt: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE).mul_f64(fastrand::f64())
}

async fn attempt_once<C: Command>(
    database: &Database,
    sent: Sent<'_>,
    command: &C,
    locks: bool,
) -> Result<Outcome, DatabaseError> {
    let connection = if locks { Connection::begin(database).await? } else { Connection::single(database) };
    match decide(&connection, sent, command).await? {
        Decided::Known(known) => Ok(answer_known(known)),
        Decided::Refused(errors) => {
            connection.roll_back().await?;
            Ok(Outcome::Refused(errors))
        }
        Decided::Accepted { writing, receipt, rows } => {
            write(database, connection, writing).await?.commit().await?;
            Ok(Outcome::Done { receipt: *receipt, rows: Some(rows) })
        }
    }
}

/// Carries a command out in a transaction that is not committed, and gives what it would come to and the transaction, to look at
/// the database from within. It is forgotten when it is dropped.
///
/// # Errors
/// As for [`carry_out`].
pub async fn try_out<C: Command>(
    database: &Database,
    sent: Sent<'_>,
    command: &C,
) -> Result<Result<(Receipt, DatabaseTransaction), Vec<UserError>>, DatabaseError> {
    let sent = Sent { key: None, ..sent };
    let connection = Connection::begin(database).await?;
    match decide(&connection, sent, command).await? {
        Decided::Known(_) => Err(DbErr::Custom("a dry run has no key".to_owned()).into()),
        Decided::Refused(errors) => {
            connection.roll_back().await?;
            Ok(Err(errors))
        }
        Decided::Accepted { writing, receipt, .. } => {
            let transaction = write(database, connection, writing).await?.into_transaction()?;
            Ok(Ok((*receipt, transaction)))
        }
    }
}

/// What is to be done about a command.
enum Decided {
    /// It has been carried out already.
    Known(Known),
    /// Nothing, since it is wrong.
    Refused(Vec<UserError>),
    /// This is to be written, and comes to this and leaves these rows.
    Accepted { writing: Writing, receipt: Box<Receipt>, rows: Box<Tables> },
}

async fn decide<C: Command>(connection: &Connection, sent: Sent<'_>, command: &C) -> Result<Decided, DatabaseError> {
    let Sent { caller, request_id, key, key_ring } = sent;
    // Without a transaction a key that is known shows when it is written.
    let asks_first = connection.is_transaction();
    if let Some(key) = key.filter(|_| asks_first)
        && let Some(known) = idempotency::find(connection, caller.id(), key).await?
    {
        return Ok(Decided::Known(known));
    }
    let mut session = Session::new(connection, caller, request_id, key_ring);
    let decision = match command.decide(&mut session).await {
        Ok(decision) => decision,
        Err(Refusal::Database(error)) => return Err(error),
        Err(Refusal::Refused(errors)) => {
            // To refuse what has been carried out already would be wrong.
            if let Some(key) = key.filter(|_| !asks_first)
                && let Some(known) = idempotency::find(connection, caller.id(), key).await?
            {
                return Ok(Decided::Known(known));
            }
            return Ok(Decided::Refused(errors));
        }
    };
    let mut writing = compose(&session);
    let Writing { events, audit_logs, .. } = writing;
    let created = session.events.iter().filter(|event| event.version == 1).count();
    let versions = decision.ids.iter().map(|id| session.tables.version((*id)?));
    let receipt = Receipt {
        versions: versions.collect(),
        ids: decision.ids,
        kinds: decision.kinds.into_iter().map(str::to_owned).collect(),
        errors: decision.errors,
        created,
        changed: session.events.len() - created,
        events,
        audit_logs,
        made_projects: session.made_projects(),
    };
    if let Some(key) = key {
        idempotency::insert(&mut writing.batch, caller.id(), key, command.name(), &receipt, session.now);
    }
    Ok(Decided::Accepted { writing, receipt: Box::new(receipt), rows: Box::new(session.tables) })
}

fn answer_known(known: Known) -> Outcome {
    match known {
        Known::Same(receipt) => Outcome::Done { receipt: *receipt, rows: None },
        Known::Other => {
            let message = "the key was used for another input; use a new one for each command";
            let field = ["idempotencyKey".to_owned()];
            Outcome::Refused(vec![UserError::new(UserErrorCode::IdempotencyKeyReused, &field, message)])
        }
    }
}

/// Writes all, and gives the transaction to commit. One statement is a transaction by itself.
async fn write(database: &Database, connection: Connection, writing: Writing) -> Result<Connection, DatabaseError> {
    let Writing { batch, recounted, .. } = writing;
    let needs_transaction = !batch.is_empty() && !recounted.is_empty();
    let connection =
        if needs_transaction && !connection.is_transaction() { Connection::begin(database).await? } else { connection };
    connection.write(batch).await?;
    if !recounted.is_empty() {
        connection.execute(read_model::recount(connection.backend(), &recounted)).await?;
    }
    Ok(connection)
}
