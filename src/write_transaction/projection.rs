//! Read models that follow the events after they are committed.
//!
//! **Invariant:** what a projection writes and how far it has come are one transaction, so that each event is applied once,
//! whenever the process ends; of several processes one is at it at a time.

use entity::event;
use sea_orm::{DatabaseTransaction, DbBackend};

use super::connection::Connection;
use crate::clock;
use crate::database::{Database, DatabaseError, Parameters};
use crate::events::{Position, Topic, events_after};

/// A read model that is kept by following the events.
pub trait Projection: Sync {
    /// What its position is kept under.
    fn name(&self) -> &'static str;

    /// Applies events, in their order, within the transaction.
    fn apply(
        &self,
        events: &[event::Model],
        transaction: &DatabaseTransaction,
    ) -> impl Future<Output = Result<(), DatabaseError>> + Send;
}

/// Applies at most `limit` events that the projection has not seen. Gives how many they were: none, and it has caught up.
///
/// # Errors
/// When the database or the projection fails; nothing was applied then.
pub async fn project<P: Projection>(database: &Database, projection: &P, limit: u32) -> Result<usize, DatabaseError> {
    let connection = Connection::begin(database).await?;
    let after = find_position(&connection, projection.name()).await?;
    let transaction = connection.transaction()?;
    let events = events_after(transaction, after, &Topic::default(), limit).await?;
    let Some(last) = events.last() else {
        connection.roll_back().await?;
        return Ok(0);
    };
    projection.apply(&events, transaction).await?;
    let Position { transaction_id, position } = Position::of(last);
    let update = Parameters::statement(connection.backend(), |parameters| {
        format!(
            "UPDATE projections SET transaction_id = {}, position = {}, updated_at = {} WHERE name = {}",
            parameters.add(transaction_id),
            parameters.add(position),
            parameters.add(clock::now()),
            parameters.add(projection.name()),
        )
    });
    connection.execute(update).await?;
    connection.commit().await?;
    Ok(events.len())
}

/// How far the projection has come; nobody else goes on from there meanwhile.
async fn find_position(connection: &Connection, name: &str) -> Result<Position, DatabaseError> {
    let backend = connection.backend();
    let insert = Parameters::statement(backend, |parameters| {
        format!(
            "INSERT INTO projections (name, transaction_id, position, updated_at) VALUES ({}, 0, 0, {}) \
             ON CONFLICT (name) DO NOTHING",
            parameters.add(name),
            parameters.add(clock::now()),
        )
    });
    connection.execute(insert).await?;
    let select = Parameters::statement(backend, |parameters| {
        let locking = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
        let name = parameters.add(name);
        format!("SELECT transaction_id, position FROM projections WHERE name = {name}{locking}")
    });
    let row = connection.query_all(select).await?.pop();
    let row = row.ok_or_else(|| sea_orm::DbErr::Custom("a projection's position is gone".to_owned()))?;
    Ok(Position { transaction_id: row.try_get("", "transaction_id")?, position: row.try_get("", "position")? })
}
