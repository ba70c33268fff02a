//! Gives events to rows from before there were events.
//!
//! **Invariant:** it happens in one transaction, before anything else is written, or not at all: so a database that has any event
//! has the events of all its rows.

use entity::{deployment, event, feature, project, test_case};
use sea_orm::{EntityTrait as _, FromQueryResult as _, IdenStatic as _, Iterable as _};
use uuid::Uuid;

use super::WriteStream;
use super::records::Written;
use super::session::Session;
use crate::access::Caller;
use crate::database::{Database, DatabaseError, Parameters};

/// The lock of those that adopt. The number is arbitrary and ours.
const LOCK: i64 = 0x7468_726f_7567_6164;

/// How many rows are adopted at a time.
const PIECE: usize = 1000;

/// Gives each row the events that make it what it is, where there is no event yet. Its version is their number then. Gives how
/// many rows there were.
///
/// # Errors
/// When the database fails; nothing was changed then.
pub async fn adopt(database: &Database) -> Result<usize, DatabaseError> {
    if !is_needed(database).await? {
        return Ok(0);
    }
    let request_id = format!("adopt.{}", Uuid::now_v7());
    let stream = WriteStream::begin(database, &Caller::program(), request_id, "events.adopt").await?;
    stream.exclude_others(LOCK).await?;
    // Another process may have been faster.
    if !is_needed(database).await? {
        return Ok(0);
    }
    let adopted = adopt_all::<project::Entity>(&stream).await?
        + adopt_all::<feature::Entity>(&stream).await?
        + adopt_all::<test_case::Entity>(&stream).await?
        + adopt_all::<deployment::Entity>(&stream).await?;
    stream.commit().await?;
    Ok(adopted)
}

async fn is_needed(database: &Database) -> Result<bool, DatabaseError> {
    let reader = database.reader();
    Ok(event::Entity::find().one(reader).await?.is_none() && project::Entity::find().one(reader).await?.is_some())
}

async fn adopt_all<A: Written>(stream: &WriteStream) -> Result<usize, DatabaseError> {
    let (mut after, mut adopted) = (Uuid::nil(), 0);
    loop {
        let mut session = stream.session();
        let rows = rows_after::<A>(&session, after).await?;
        let Some(last) = rows.last() else { return Ok(adopted) };
        (after, adopted) = (A::stamp(last).id, adopted + rows.len());
        for row in rows {
            session.adopt::<A>(row)?;
        }
        stream.write(session).await?;
    }
}

async fn rows_after<A: Written>(session: &Session<'_>, after: Uuid) -> Result<Vec<A::Model>, DatabaseError> {
    let table = A::default();
    let columns: Vec<&str> = A::Column::iter().map(|column| column.as_str()).collect();
    let statement = Parameters::statement(session.connection.backend(), |parameters| {
        let after = parameters.add(after);
        let (columns, table) = (columns.join(", "), table.table_name());
        format!("SELECT {columns} FROM {table} WHERE id > {after} ORDER BY id LIMIT {PIECE}")
    });
    let rows = session.connection.query_all(statement).await?;
    Ok(rows.iter().map(|row| A::Model::from_query_result(row, "")).collect::<Result<_, _>>()?)
}
