//! One database for one test.

use std::time::Duration;

use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use throughline::database::{Database, PoolOptions};

use super::Backend;
use super::postgres::Server;
use super::template::Template;

/// A database that one test has for itself; dropped, it is deleted.
pub(crate) struct TestDatabase {
    /// Its pools.
    pub(crate) database: Database,
    /// Where a process of its own can open it: what `--database` takes.
    pub(crate) url: String,
    _home: Home,
}

/// Where a database can be made; whatever is there when it is dropped is deleted.
pub(crate) struct Place {
    /// What `--database` takes. On SQLite there is no file; on PostgreSQL the database is there, and nothing is in it.
    pub(crate) url: String,
    _home: Home,
}

/// What is deleted at the end.
enum Home {
    Folder(#[expect(dead_code, reason = "it is held to be dropped")] TempDir),
    OnServer { name: String },
    Elsewhere,
}

impl TestDatabase {
    /// The tables, and no row.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::from_template(backend, Template::Migrated).await
    }

    /// The demo's projects, features, tests and deployments.
    pub(crate) async fn with_demo(backend: Backend) -> Self {
        Self::from_template(backend, Template::Demo).await
    }

    async fn from_template(backend: Backend, template: Template) -> Self {
        let (url, home) = match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("test.db");
                std::fs::write(&path, template.sqlite_file().await).unwrap();
                (format!("sqlite://{}", path.display()), Home::Folder(folder))
            }
            Backend::Postgres => {
                let source = template.postgres_name().await;
                let server = Server::get();
                let name = Server::new_database_name();
                let mut admin = PgConnection::connect(&server.admin_url()).await.unwrap();
                let create = format!("CREATE DATABASE {name} TEMPLATE {source}");
                admin.execute(AssertSqlSafe(create)).await.unwrap();
                admin.close().await.unwrap();
                (server.database_url(&name), Home::OnServer { name })
            }
        };
        Self::open(url, home).await
    }

    /// A database that somebody else has made and will delete.
    pub(crate) async fn at(url: &str) -> Self {
        Self::open(url.to_owned(), Home::Elsewhere).await
    }

    async fn open(url: String, home: Home) -> Self {
        // Longer than the product's, since the tests of a loaded machine wait for each other.
        let pool = PoolOptions {
            acquire_timeout: Duration::from_secs(15),
            statement_timeout: Some(Duration::from_mins(1)),
            lock_timeout: Duration::from_secs(15),
            ..PoolOptions::default()
        };
        Self { database: Database::connect(&url, &pool).await.unwrap(), url, _home: home }
    }

    /// The same database through pools that are made otherwise.
    pub(crate) async fn reopened(mut self, pool: &PoolOptions) -> Self {
        let before = std::mem::replace(&mut self.database, Database::connect(&self.url, pool).await.unwrap());
        before.close().await.unwrap();
        self
    }
}

impl Place {
    /// Where nothing is yet.
    pub(crate) async fn empty(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("place.db").display());
                Self { url, _home: Home::Folder(folder) }
            }
            Backend::Postgres => {
                let (server, name) = (Server::get(), Server::new_database_name());
                let mut admin = PgConnection::connect(&server.admin_url()).await.unwrap();
                admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
                admin.close().await.unwrap();
                Self { url: server.database_url(&name), _home: Home::OnServer { name } }
            }
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Home::OnServer { name } = self else { return };
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // The test's runtime cannot be waited for from within, so the statement gets a thread and a runtime of its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                PgConnection::connect(&Server::get().admin_url()).await?.execute(AssertSqlSafe(drop)).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
        });
        if let Ok(Err(error)) = dropping.join() {
            eprintln!("{name} was not dropped: {error}");
        }
    }
}
