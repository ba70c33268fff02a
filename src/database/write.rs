//! How the writer's calls are waited for: as long as they may take, and no longer than until it is seen that its server is lost.
//!
//! **Invariant:** what may have been carried out is not sent again.

use std::sync::Arc;
use std::time::Instant;

use sea_orm::{ConnAcquireErr, ConnectionTrait as _, DbErr, QueryResult, Statement, Values, metric};

use super::statement_pool::StatementPool;
use super::{Database, DatabaseError, Pools, error, reachable, sqlite_write};

impl Database {
    /// Waits for a call that begins a transaction. One that meets a connection that had ended is made again: nothing has begun.
    ///
    /// # Errors
    /// When it fails, or a fault was injected.
    pub(crate) async fn begin<T, F>(&self, call: impl Fn() -> F) -> Result<T, DatabaseError>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let mut left = self.pools.connections;
        loop {
            self.may_call()?;
            let begun =
                self.pools.reachable.or_lost_at_any_time(&self.pools.writer, self.pools.limit.bound_begin(call()));
            match begun.await {
                // Each that there was may have ended.
                Err(error) if left > 0 && error::is_ended_connection(&error) => left -= 1,
                begun => return begun.map_err(|error| self.sort_writers(error)),
            }
        }
    }

    /// Waits for a call in a transaction as long as it may take. On an SQLite file a call that is dropped is stopped.
    ///
    /// # Errors
    /// When it fails or takes too long, or a fault was injected.
    pub(crate) async fn write<T>(&self, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DatabaseError> {
        self.may_call()?;
        self.pools.limit.bound(call).await.map_err(|error| self.sort_writers(error))
    }

    /// Waits for a statement that reads what a write is decided by, outside of any transaction, as long as it may take, and for a
    /// connection to a server that is lost no longer than until that is seen.
    ///
    /// # Errors
    /// When it fails or takes too long, or a fault was injected.
    pub(crate) async fn read_outside(&self, statement: Statement) -> Result<Vec<QueryResult>, DatabaseError> {
        let Pools { reachable, writer, .. } = &*self.pools;
        self.write(reachable.or_lost(writer, || reachable::is_full(writer), writer.query_all_raw(statement))).await
    }

    /// Runs a statement that is a transaction by itself, once, and waits for it likewise. On SQLite it may be several, in one text.
    ///
    /// # Errors
    /// When it fails or takes too long, or a fault was injected. Where the connection broke, or the time was over while it was committed, it
    /// may have been carried out.
    pub(crate) async fn write_alone(&self, statement: Statement) -> Result<(), DatabaseError> {
        self.may_call()?;
        let Pools { statements, reachable, writer, limit, observer, .. } = &*self.pools;
        let observed = observer.as_ref().map(|observer| (observer, Instant::now(), statement.clone()));
        let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
        // Apart, since every command would carry it along.
        let result = match statements {
            StatementPool::Postgres(servers) => {
                let sql = Arc::from(statement.sql);
                let write = Box::pin(servers.write(&sql, &values));
                limit.bound(reachable.or_lost(writer, || servers.writes_are_full(), write)).await
            }
            StatementPool::Sqlite(_) => Box::pin(sqlite_write::run(writer, limit, &statement.sql, values)).await,
        };
        if let Some((observer, began, statement)) = observed {
            observer(&metric::Info { elapsed: began.elapsed(), statement: &statement, failed: result.is_err() });
        }
        Ok(result?)
    }

    /// The writer's pool tells of a server that cannot be reached as of connections that are all in use.
    fn sort_writers(&self, error: DbErr) -> DatabaseError {
        match error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) if !reachable::is_full(&self.pools.writer) => {
                DatabaseError::Unavailable(error)
            }
            error => error.into(),
        }
    }
}
