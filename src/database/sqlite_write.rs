//! A transaction of an SQLite file whose statements are known before it begins: all in one text, so that the writer's thread is woken
//! once, and not for each of them.
//!
//! **Invariant:** the writer's connection is given back without a transaction: what has failed, or was left in the middle, is rolled back
//! first.

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, AssertSqlSafe, Sqlite};
use sea_orm::{ConnAcquireErr, DatabaseConnection, DbErr, RuntimeErr, Values};
use sea_query_sqlx::SqlxValues;
use tokio::runtime::Handle;

use super::row::driver_error;
use super::write_limit::WriteLimit;

/// Runs statements that write, or none of them.
pub(super) async fn run(
    writer: &DatabaseConnection,
    limit: &WriteLimit,
    statements: &str,
    values: Values,
) -> Result<(), DbErr> {
    // Whoever waits for the writer has no end to set.
    let connection = writer.get_sqlite_connection_pool().acquire().await.map_err(acquire_error)?;
    let mut connection = scopeguard::guard(connection, |connection| {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(roll_back(connection));
        }
    });
    let text = AssertSqlSafe(format!("BEGIN IMMEDIATE;\n{statements};\nCOMMIT"));
    let transaction = sqlx::query_with::<Sqlite, _>(text, SqlxValues(values)).execute(&mut **connection);
    let written = limit.bound(async { transaction.await.map_err(driver_error) }).await;
    let connection = scopeguard::ScopeGuard::into_inner(connection);
    if written.is_err() {
        roll_back(connection).await;
    }
    written.map(drop)
}

/// Ends the transaction, if there is one still: where it could not begin there is none, nor where SQLite has ended it by itself.
async fn roll_back(mut connection: PoolConnection<Sqlite>) {
    match sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await {
        Err(error) if !is_none_active(&error) => {
            tracing::warn!(%error, "a transaction could not be rolled back, and its connection is closed");
            drop(connection.detach());
        }
        Ok(_) | Err(_) => {}
    }
}

/// SQLite's result code `SQLITE_ERROR`, of which `ROLLBACK` knows this alone.
fn is_none_active(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("1")
}

fn acquire_error(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}
