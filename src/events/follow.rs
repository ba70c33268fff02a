//! Reading all events in the order in which they are committed, from wherever a reader has come to.
//!
//! **Invariant:** a reader that goes on after the last position it has got misses no event, and gets none twice: nothing is
//! given of which an earlier one may still be committed. On PostgreSQL a position is taken before its transaction commits, so
//! that a later position may be seen first; the order is that of transactions, and of positions within one, and ends
//! before the oldest transaction that still runs. On SQLite one transaction writes at a time.

use entity::event;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult as _, IdenStatic as _, Iterable as _, Statement};

use super::Topic;
use super::reads::SETTLED;
use crate::database::{DatabaseError, Parameters};

/// A place in the order of all events; the default is before the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The transaction that wrote the event on PostgreSQL; on SQLite the same for all, until the record is restored.
    pub transaction_id: i64,
    /// The event's own position.
    pub position: i64,
}

impl Position {
    /// The event's place.
    #[must_use]
    pub fn of(event: &event::Model) -> Self {
        Self { transaction_id: event.transaction_id, position: event.position }
    }
}

/// At most `limit` events of a topic after a position, in order.
///
/// # Errors
/// When the database does not answer.
pub async fn events_after<C: ConnectionTrait>(
    connection: &C,
    after: Position,
    topic: &Topic,
    limit: u32,
) -> Result<Vec<event::Model>, DatabaseError> {
    let columns: Vec<&str> = event::Column::iter().map(|column| column.as_str()).collect();
    let backend = connection.get_database_backend();
    let statement = Parameters::statement(backend, |parameters| {
        let (transaction_id, position) = (parameters.add(after.transaction_id), parameters.add(after.position));
        format!(
            "SELECT {} FROM {SETTLED} WHERE (transaction_id, position) > ({transaction_id}, {position}){} \
             ORDER BY transaction_id, position LIMIT {limit}",
            columns.join(", "),
            topic.condition(backend, parameters),
        )
    });
    let rows = connection.query_all_raw(statement).await?;
    let events = rows.iter().map(|row| event::Model::from_query_result(row, ""));
    Ok(events.collect::<Result<_, _>>()?)
}

/// The position of the last event that [`events_after`] would give.
///
/// # Errors
/// When the database does not answer.
pub async fn last_position<C: ConnectionTrait>(connection: &C) -> Result<Position, DatabaseError> {
    let sql =
        format!("SELECT transaction_id, position FROM {SETTLED} ORDER BY transaction_id DESC, position DESC LIMIT 1");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await?;
    let Some(row) = row else { return Ok(Position::default()) };
    Ok(Position { transaction_id: row.try_get("", "transaction_id")?, position: row.try_get("", "position")? })
}

/// Whether there are events after a position that wait for the end of a transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn is_more_to_settle<C: ConnectionTrait>(connection: &C, after: Position) -> Result<bool, DatabaseError> {
    let backend = connection.get_database_backend();
    if backend == DbBackend::Sqlite {
        return Ok(false);
    }
    let statement = Parameters::statement(backend, |parameters| {
        let (transaction_id, position) = (parameters.add(after.transaction_id), parameters.add(after.position));
        format!("SELECT 1 FROM events WHERE (transaction_id, position) > ({transaction_id}, {position}) LIMIT 1")
    });
    Ok(connection.query_one_raw(statement).await?.is_some())
}
