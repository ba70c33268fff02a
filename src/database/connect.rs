//! Opens a database by its URL: an SQLite file, or a PostgreSQL server.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions};
use sea_orm::{DbBackend, SqlxPostgresConnector, SqlxSqliteConnector};

use tokio::sync::watch;

use super::reachable::{Reachable, tell_of_connection};
use super::sqlite_reader::SqliteFile;
use super::statement_pool::{PING_AFTER_IDLE, Servers, StatementPool, find_primary};
use super::wake::Announcer;
use super::write_limit::WriteLimit;
use super::{Database, Pools};

/// How many connections to keep, and how long to wait: for one of them, for a lock, for a statement.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// The most connections that serve queries. What goes through SeaORM may open as many again; SQLite has one more, its
    /// writer.
    pub max_connections: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may run; without it, for as long as it takes.
    pub statement_timeout: Option<Duration>,
    /// How long a statement waits for a lock: on PostgreSQL for any, on SQLite for the file while another process has it.
    pub lock_timeout: Duration,
    /// The connections to PostgreSQL that are kept open for queries, and for writes, however little there is to do.
    pub min_connections: u32,
    /// How long a connection to PostgreSQL stays open that nobody uses.
    pub idle_timeout: Duration,
    /// How long a connection to PostgreSQL is used before it is replaced by another one.
    pub max_lifetime: Duration,
    /// How long a transaction may do nothing on PostgreSQL until it is ended.
    pub idle_in_transaction_timeout: Duration,
    /// What the connections to PostgreSQL are called there.
    pub application_name: String,
    /// Where the streaming replicas of a PostgreSQL server are. After a failover the one that was promoted takes the writes.
    pub replicas: Vec<String>,
    /// How far a replica may be behind the primary for queries to be read from it.
    pub max_replica_lag: Duration,
    /// How long a query that names a position waits for a replica to reach it, before it is read from the primary.
    pub position_wait: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 8,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Some(Duration::from_secs(8)),
            lock_timeout: Duration::from_secs(2),
            min_connections: 0,
            idle_timeout: Duration::from_mins(10),
            max_lifetime: Duration::from_mins(30),
            idle_in_transaction_timeout: Duration::from_secs(30),
            application_name: "throughline".to_owned(),
            replicas: Vec::new(),
            max_replica_lag: Duration::from_secs(1),
            position_wait: Duration::from_millis(100),
        }
    }
}

impl PoolOptions {
    /// The same for what goes through all that there is, or changes the tables: making an index may take minutes, and the
    /// statements of a server that still runs hold their locks until they end.
    #[must_use]
    pub fn unhurried(&self) -> Self {
        Self { statement_timeout: None, lock_timeout: self.lock_timeout.max(UNHURRIED_LOCK_TIMEOUT), ..self.clone() }
    }

    /// How long an answer may take before the server counts as gone.
    pub(super) fn answer_timeout(&self) -> Option<Duration> {
        self.statement_timeout.map(|timeout| timeout + TOLD_AFTER)
    }
}

/// Why a database could not be opened. No text holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither `sqlite:` nor `postgres:`.
    #[error(
        "the database URL starts with {scheme:?}; \
         it must be sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    UnknownScheme {
        /// What stands before the first colon.
        scheme: String,
    },
    /// No file, or a database in memory: a pool of it would be as many databases as it has connections.
    #[error("the database URL names no file; Throughline keeps its records in one: sqlite://FILE")]
    InMemory,
    /// Replicas of a file.
    #[error("replicas are of a PostgreSQL server; the database URL names a file")]
    ReplicasOfFile,
    /// The URL is not understood, or the server did not answer.
    #[error("the database cannot be opened: {0}")]
    Refused(#[from] sqlx::Error),
    /// The pool cannot be made as it is set.
    #[error("the pool of connections cannot be made: {0}")]
    Pool(#[from] sea_orm::DbErr),
}

/// Statements that a connection keeps prepared.
pub(super) const PREPARED_STATEMENTS: usize = 512;
/// The same of SQLite's writer, each of which is all that a command writes: some ten statements.
const WRITES_PREPARED: usize = 128;
/// Longer than the statements of another server, which [`PoolOptions::statement_timeout`] ends.
const UNHURRIED_LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// How much later than a statement's end a server tells of it at most.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// How long another process may take to make an SQLite file a write-ahead one.
const OPENING_TIMEOUT: Duration = Duration::from_secs(5);

impl Database {
    /// Opens the database at `url`; an SQLite file that does not exist is made. The tables are not made: see
    /// [`Database::migrate`].
    ///
    /// # Errors
    /// When the URL is of another kind, or the database does not answer.
    pub async fn connect(url: &str, pool: &PoolOptions) -> Result<Self, ConnectError> {
        match Self::backend_of(url)? {
            DbBackend::Sqlite if !pool.replicas.is_empty() => Err(ConnectError::ReplicasOfFile),
            DbBackend::Sqlite => connect_sqlite(url, pool).await,
            _ => connect_postgres(url, pool).await,
        }
    }

    /// Which database a URL names.
    ///
    /// # Errors
    /// When it is neither.
    pub fn backend_of(url: &str) -> Result<DbBackend, ConnectError> {
        match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
            "sqlite" => Ok(DbBackend::Sqlite),
            "postgres" | "postgresql" => Ok(DbBackend::Postgres),
            other => Err(ConnectError::UnknownScheme { scheme: other.chars().take(20).collect() }),
        }
    }
}

/// One writer and a pool of readers. The writer's queue is the pool's, so that nobody meets `SQLITE_BUSY` within the
/// process; another process waits as long as for a lock.
async fn connect_sqlite(url: &str, pool: &PoolOptions) -> Result<Database, ConnectError> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(pool.lock_timeout)
        // What is deleted or replaced is overwritten: a data key must not be left where its row was.
        .pragma("secure_delete", "on")
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .disable_statement_logging();
    // Without a name, too, each connection would be a database of its own, which is gone when it is closed.
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters).split('&');
    let parameters = parameters.filter_map(|pair| pair.split_once('='));
    let file = options.get_filename().to_string_lossy();
    if file.is_empty()
        || file.starts_with("file:sqlx-in-memory")
        || parameters.clone().any(|pair| pair == ("mode", "memory"))
    {
        return Err(ConnectError::InMemory);
    }
    let pool_options =
        || SqlitePoolOptions::new().acquire_timeout(pool.acquire_timeout).test_before_acquire(false).idle_timeout(None);
    let began = Instant::now();
    let limit = WriteLimit::sqlite(pool.statement_timeout);
    let writer = loop {
        let writer = limit.watch(pool_options().max_connections(1).max_lifetime(None));
        match writer.connect_with(options.clone().statement_cache_capacity(WRITES_PREPARED)).await {
            // Another process makes the same file a write-ahead one, which SQLite does not wait for by itself.
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some("5") && began.elapsed() < OPENING_TIMEOUT =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            opened => break opened?,
        }
    };
    let statements =
        StatementPool::sqlite(SqliteFile::new(options.get_filename(), parameters, pool.lock_timeout), pool)?;
    let options = options.pragma("query_only", "on");
    let reader = pool_options().max_connections(pool.max_connections).connect_lazy_with(options);
    Ok(Database::of(Pools {
        statements,
        reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
        limit,
        observer: None,
        faults: None,
        connections: pool.max_connections as usize,
        commits: watch::Sender::default(),
        announcer: None,
        reachable: Reachable::default(),
    }))
}

async fn connect_postgres(url: &str, pool: &PoolOptions) -> Result<Database, ConnectError> {
    let servers: Result<Vec<_>, _> = [url]
        .into_iter()
        .chain(pool.replicas.iter().map(String::as_str))
        .map(|url| postgres_options(url, pool))
        .collect();
    let servers = servers?;
    let primary = match servers.len() {
        1 => 0,
        // Where none takes writes, the attempt to connect tells why.
        _ => find_primary(&servers, pool.acquire_timeout).await.unwrap_or_default(),
    };
    let options = servers[primary].clone();
    let promoted = watch::Sender::new(None);
    let opened = postgres_pool(pool, promoted.subscribe()).connect_with(options.clone()).await;
    let connections = match opened {
        // The pool tries again until its time is over and then tells only that; one more attempt tells why.
        Err(sqlx::Error::PoolTimedOut) => {
            let attempt = tokio::time::timeout(pool.acquire_timeout, options.connect()).await;
            return Err(attempt.ok().and_then(Result::err).unwrap_or(sqlx::Error::PoolTimedOut).into());
        }
        opened => opened?,
    };
    let announcer = Some(Arc::new(Announcer::new(connections.clone(), promoted.subscribe())));
    let servers = Servers::new(servers, primary, pool, promoted)?;
    servers.lead(connections.clone());
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(connections);
    Ok(Database::of(Pools {
        statements: StatementPool::Postgres(servers),
        reader: connection.clone(),
        writer: connection,
        limit: WriteLimit::postgres(pool.answer_timeout()),
        observer: None,
        faults: None,
        connections: pool.max_connections as usize,
        commits: watch::Sender::default(),
        announcer,
        reachable: Reachable::default(),
    }))
}

fn postgres_options(url: &str, pool: &PoolOptions) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?
        .application_name(&pool.application_name)
        .options([("lock_timeout", milliseconds(pool.lock_timeout))])
        .options(pool.statement_timeout.map(|timeout| ("statement_timeout", milliseconds(timeout))))
        // What goes through all that there is thinks between its statements.
        .options(
            pool.statement_timeout
                .map(|_| ("idle_in_transaction_session_timeout", milliseconds(pool.idle_in_transaction_timeout))),
        );
    Ok(options.statement_cache_capacity(PREPARED_STATEMENTS).disable_statement_logging())
}

/// The pool of who writes. A connection that is older than the last promotion leads to a server that was the primary.
fn postgres_pool(pool: &PoolOptions, promoted: watch::Receiver<Option<Instant>>) -> PgPoolOptions {
    PgPoolOptions::new()
        .min_connections(pool.min_connections.min(pool.max_connections))
        .max_connections(pool.max_connections)
        .acquire_timeout(pool.acquire_timeout)
        .idle_timeout(pool.idle_timeout)
        .max_lifetime(pool.max_lifetime)
        // A ping before every use would double a small read.
        .test_before_acquire(false)
        .before_acquire(move |connection, metadata| {
            let is_of_another = promoted.borrow().is_some_and(|since| since.elapsed() < metadata.age);
            Box::pin(async move {
                if is_of_another {
                    return Ok(false);
                }
                if metadata.idle_for > PING_AFTER_IDLE {
                    sqlx::Connection::ping(connection).await?;
                }
                tell_of_connection();
                Ok(true)
            })
        })
        .after_connect(|_, _| {
            tell_of_connection();
            Box::pin(async { Ok(()) })
        })
}

/// A time as PostgreSQL takes it, to which 0 would mean that there is no end.
fn milliseconds(time: Duration) -> u128 {
    time.as_millis().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn refuses_other_urls_without_repeating_them() {
        let error = Database::connect("mysql://root:secret@host/db", &PoolOptions::default()).await.unwrap_err();
        assert!(matches!(&error, ConnectError::UnknownScheme { scheme } if scheme == "mysql"));
        assert!(!error.to_string().contains("secret"), "{error}");
        for url in ["sqlite::memory:", "sqlite:", "sqlite://", "sqlite://x.db?mode=memory"] {
            let error = Database::connect(url, &PoolOptions::default()).await.unwrap_err();
            assert!(matches!(error, ConnectError::InMemory), "{url}: {error}");
        }
    }
}
