//! A stand-in for the importer.

use crate::access::Caller;
use crate::database::{Database, DatabaseError};

/// Stand-in.
///
/// # Errors
/// Never.
#[expect(clippy::unused_async)]
pub async fn import_demo(_database: &Database, _caller: &Caller) -> Result<(), DatabaseError> {
    Ok(())
}
