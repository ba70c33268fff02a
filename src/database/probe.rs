//! Asks whether the database is there and its tables are those that this program knows, for whoever decides whether to
//! send requests here.
//!
//! **Invariant:** it never waits for the pools that requests use: on PostgreSQL it has a connection of its own, on SQLite it
//! reads where nothing but tools does.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use migration::{CONTRACTIONS, Migrator, MigratorTrait};
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, SqlxPostgresConnector, Statement};

use super::{Database, DatabaseError};

/// Asks one database again and again.
pub struct Probe {
    database: Database,
    /// How long a connection may take to open.
    timeout: Duration,
    /// The connection of its own to PostgreSQL, and where it leads.
    own: Mutex<Option<(Arc<PgConnectOptions>, DatabaseConnection)>>,
    /// The migrations that this program needs.
    needed: Vec<String>,
}

/// Why the database cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It did not answer in time.
    #[error("the database did not answer in time")]
    Timeout,
    /// It answered with an error, or cannot be reached.
    #[error("the database did not answer: {0}")]
    Failed(#[from] DatabaseError),
    /// Its tables are older than this program.
    #[error("{0} migrations have not run")]
    Pending(usize),
}

/// A connection that was idle for longer is closed: probes come every few seconds, or not at all.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

impl Probe {
    /// Opens nothing yet. `timeout` is how long the connection may take to open.
    #[must_use]
    pub fn new(database: &Database, timeout: Duration) -> Self {
        let known = Migrator::migrations();
        let needed = known.iter().map(|migration| migration.name()).filter(|name| !CONTRACTIONS.contains(name));
        let needed = needed.map(str::to_owned).collect();
        Self { database: database.clone(), timeout, own: Mutex::default(), needed }
    }

    /// Asks once, and waits for the answer for `timeout` at most. Migrations that this program does not know are no fault: a
    /// newer one has run them, and this one still serves until it is replaced.
    ///
    /// # Errors
    /// Why the database cannot serve.
    pub async fn ask(&self, timeout: Duration) -> Result<(), ProbeError> {
        match self.ask_primary(timeout).await {
            // Queries are answered while any server is there, and most requests are queries.
            Err(ProbeError::Timeout | ProbeError::Failed(_)) if self.database.any_server_answers() => Ok(()),
            answer => answer,
        }
    }

    async fn ask_primary(&self, timeout: Duration) -> Result<(), ProbeError> {
        let connection = self.connection();
        let sql = format!("SELECT version FROM {}", Migrator::migration_table_name());
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = tokio::time::timeout(timeout, connection.query_all_raw(statement)).await;
        let rows = rows.map_err(|_| ProbeError::Timeout)?.map_err(DatabaseError::from)?;
        let applied: Result<HashSet<String>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
        let applied = applied.map_err(DatabaseError::from)?;
        match self.needed.iter().filter(|name| !applied.contains(*name)).count() {
            0 => Ok(()),
            pending => Err(ProbeError::Pending(pending)),
        }
    }

    /// Where it asks. After a failover that is another server.
    fn connection(&self) -> DatabaseConnection {
        if self.database.backend() != DbBackend::Postgres {
            return self.database.reader().clone();
        }
        let options = self.database.writer().get_postgres_connection_pool().connect_options();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        match &*own {
            Some((leads_to, connection)) if Arc::ptr_eq(leads_to, &options) => connection.clone(),
            _ => {
                let pool = PgPoolOptions::new()
                    .min_connections(0)
                    .max_connections(1)
                    .acquire_timeout(self.timeout)
                    .idle_timeout(IDLE_TIMEOUT)
                    .connect_lazy_with((*options).clone());
                let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
                *own = Some((options, connection.clone()));
                connection
            }
        }
    }

    /// Closes what it has opened.
    pub async fn close(&self) {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((_, connection)) = own {
            // What cannot be closed in order is gone already.
            let _ = connection.close_by_ref().await;
        }
    }
}
