//! The end of a project's data key: what was encrypted with it is unreadable from then on, wherever it stands.
//!
//! **Invariant:** a key is erased together with the audit row that tells who did it. Secrets that are written later get a new key.

use std::time::{Duration, Instant};

use entity::audit_log;
use sea_orm::{ConnectionTrait as _, DbBackend, EntityName as _, Statement};
use serde_json::json;
use uuid::Uuid;

use super::commit::insert;
use super::connection::Connection;
use crate::access::Caller;
use crate::audit;
use crate::clock;
use crate::database::row_set::RowSet;
use crate::database::{Batch, Database, DatabaseError, Parameters};
use crate::encryption::token::HIDDEN;
use crate::events::Aggregate as _;

/// What has become of a data key that was to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// It is erased.
    Now(Remains),
    /// It was erased before, and there is no new one.
    Before(Remains),
    /// The project never had one: it has no secrets.
    Never,
}

/// What is left of an erased key in the database's own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// Nothing that this program could do away with.
    Nothing,
    /// In the write-ahead log of an SQLite file it stands as it was, since somebody reads a state from before.
    InLog,
}

/// How long it is tried to empty the log.
const LOG_EMPTIED_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait in between.
const PAUSE: Duration = Duration::from_millis(100);

/// What the audit calls it.
pub const ERASE_DATA_KEY: &str = "project.erase_data_key";

/// Erases the data key of a project. In an SQLite file its bytes are overwritten as well, as those of all that is deleted, and the
/// write-ahead log is emptied.
///
/// # Errors
/// When the database does not answer, or somebody who writes a secret holds the key for longer than a statement waits.
pub async fn erase_data_key(
    database: &Database,
    caller: &Caller,
    request_id: &str,
    project: Uuid,
) -> Result<Erased, DatabaseError> {
    let is_sqlite = database.backend() == DbBackend::Sqlite;
    let connection = Connection::begin(database).await?;
    let select = Parameters::statement(database.backend(), |parameters| {
        let locking = if is_sqlite { "" } else { " FOR UPDATE" };
        let project = parameters.add(project);
        format!("SELECT wrapped_key IS NOT NULL FROM data_keys WHERE project_id = {project}{locking}")
    });
    let is_there: Option<bool> =
        connection.query_all(select).await?.first().map(|row| row.try_get_by_index(0)).transpose()?;
    if is_there != Some(true) {
        connection.roll_back().await?;
        return Ok(if is_there.is_some() { Erased::Before(empty_log(database).await?) } else { Erased::Never });
    }
    let now = clock::now();
    connection
        .execute(Parameters::statement(database.backend(), |parameters| {
            let (now, project) = (parameters.add(now), parameters.add(project));
            format!(
                "UPDATE data_keys SET wrapped_key = NULL, key_id = NULL, erased_at = {now} WHERE project_id = {project}"
            )
        }))
        .await?;
    let changes = json!([{ "field": "dataKey", "before": HIDDEN, "after": null }]);
    let subject = (entity::project::Entity::KIND, project);
    let row = audit::row(caller, request_id, ERASE_DATA_KEY, subject, changes, now);
    let mut batch = Batch::new(database.backend());
    insert(&mut batch, audit_log::Entity.table_name(), RowSet::of_models([&row], |_| true));
    connection.write(batch).await?;
    connection.commit().await?;
    tracing::info!(%project, caller = caller.id(), request_id, "the project's data key was erased");
    Ok(Erased::Now(empty_log(database).await?))
}

/// Empties the write-ahead log of an SQLite file, which still has pages as they were. Who reads a state from before keeps it.
async fn empty_log(database: &Database) -> Result<Remains, DatabaseError> {
    if database.backend() != DbBackend::Sqlite {
        return Ok(Remains::Nothing);
    }
    let began = Instant::now();
    loop {
        let checkpoint = Statement::from_string(database.backend(), "PRAGMA wal_checkpoint(TRUNCATE)");
        let told = database.writer().query_all_raw(checkpoint).await?;
        // That it could not be done is no error but its first column (<https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>).
        let is_busy = told.first().map(|row| row.try_get_by_index::<i32>(0)).transpose()?;
        if is_busy == Some(0) {
            return Ok(Remains::Nothing);
        }
        if began.elapsed() > LOG_EMPTIED_WITHIN {
            return Ok(Remains::InLog);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
