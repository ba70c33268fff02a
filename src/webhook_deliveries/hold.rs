//! A database that was restored, or copied from another, sends nothing to webhooks, since its original may still do so: it has a lease
//! that nobody holds and that never ends, until somebody lets go of it.

use sea_orm::{ConnectionTrait as _, DbBackend};
use uuid::Uuid;

use super::dispatcher::LEASE;
use crate::database::{Database, DatabaseError, Parameters};

/// Who holds a lease that nobody holds.
pub(super) const NOBODY: Uuid = Uuid::nil();

/// The statement that takes the lease for nobody. A process that sends notices it before the lease that it holds would have ended.
#[must_use]
pub fn take(backend: DbBackend) -> String {
    let nobody = match backend {
        DbBackend::Sqlite => format!("x'{}'", NOBODY.simple()),
        _ => format!("'{NOBODY}'"),
    };
    format!(
        "INSERT INTO leases (name, owner, expires_at) VALUES ('{LEASE}', {nobody}, '9999-12-31T00:00:00+00:00') \
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at"
    )
}

/// Lets processes send again. Gives whether they were held back.
///
/// # Errors
/// When the database does not answer.
pub async fn release(database: &Database) -> Result<bool, DatabaseError> {
    let statement = Parameters::statement(database.backend(), |parameters| {
        let (name, nobody) = (parameters.add(LEASE), parameters.add(NOBODY));
        format!("DELETE FROM leases WHERE name = {name} AND owner = {nobody}")
    });
    Ok(database.writer().execute_raw(statement).await?.rows_affected() > 0)
}
