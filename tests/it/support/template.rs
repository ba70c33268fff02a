//! Databases that are filled once in a process and copied for each test.

use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use throughline::access::Caller;
use throughline::database::{Database, PoolOptions};
use tokio::sync::OnceCell;

use super::postgres::Server;

/// What a test's database holds when the test begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// The tables, and no row.
    Migrated,
    /// The demo's projects, features, tests and deployments.
    Demo,
}

impl Template {
    /// Fills a database whose tables stand.
    async fn load(self, database: &Database) {
        match self {
            Self::Migrated => {}
            Self::Demo => {
                throughline::import::import_demo(database, &Caller::local_owner()).await.unwrap();
            }
        }
    }

    /// The whole SQLite file: kept in memory, since nobody would delete a file at the process's end.
    pub(super) async fn sqlite_file(self) -> &'static [u8] {
        static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();
        static DEMO: OnceCell<Vec<u8>> = OnceCell::const_new();
        let cell = match self {
            Self::Migrated => &MIGRATED,
            Self::Demo => &DEMO,
        };
        cell.get_or_init(|| self.make_sqlite_file()).await
    }

    async fn make_sqlite_file(self) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template.db");
        let database =
            Database::connect(&format!("sqlite://{}", path.display()), &PoolOptions::default()).await.unwrap();
        database.migrate().await.unwrap();
        self.load(&database).await;
        // The last connection to close folds the write-ahead log into the file.
        database.close().await.unwrap();
        assert!(!folder.path().join("template.db-wal").exists(), "the write-ahead log was not folded in");
        std::fs::read(&path).unwrap()
    }

    /// The name of a PostgreSQL database that nobody is connected to.
    pub(super) async fn postgres_name(self) -> &'static str {
        static MIGRATED: OnceCell<String> = OnceCell::const_new();
        static DEMO: OnceCell<String> = OnceCell::const_new();
        let cell = match self {
            Self::Migrated => &MIGRATED,
            Self::Demo => &DEMO,
        };
        cell.get_or_init(|| self.make_postgres_database()).await
    }

    async fn make_postgres_database(self) -> String {
        let server = Server::get();
        let name = Server::new_database_name();
        let mut admin = PgConnection::connect(&server.admin_url()).await.unwrap();
        let create = match self {
            Self::Migrated => format!("CREATE DATABASE {name}"),
            Self::Demo => {
                format!("CREATE DATABASE {name} TEMPLATE {}", Box::pin(Self::Migrated.postgres_name()).await)
            }
        };
        admin.execute(AssertSqlSafe(create)).await.unwrap();
        admin.close().await.unwrap();
        let database = Database::connect(&server.database_url(&name), &PoolOptions::default()).await.unwrap();
        database.migrate().await.unwrap();
        self.load(&database).await;
        database.close().await.unwrap();
        name
    }
}
