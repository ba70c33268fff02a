//! Fills a fresh database with the benchmark's rows, by the SQL in `benches/data`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use tokio_postgres::NoTls;

/// How many rows there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) projects: u64,
    /// Of each project.
    pub(crate) features: u64,
    /// Of each feature.
    pub(crate) tests: u64,
    /// Of each feature.
    pub(crate) deployments: u64,
}

impl Size {
    /// What the reads are measured on.
    pub(crate) const READS: Self = Self { projects: 100, features: 100, tests: 10, deployments: 2 };

    /// A database of about so many tests, with the least number of features in a project that every question needs.
    pub(crate) fn of_tests(tests: u64) -> Self {
        Self { projects: (tests / 500).max(20), features: 50, tests: 10, deployments: 2 }
    }

    /// Features of all projects.
    pub(crate) fn features(self) -> u64 {
        self.projects * self.features
    }

    /// Tests of all features.
    pub(crate) fn all_tests(self) -> u64 {
        self.features() * self.tests
    }

    fn spell(self, sql: &str) -> String {
        // The longer names first: one of them begins with none of the others.
        sql.replace("PROJECTS", &self.projects.to_string())
            .replace("FEATURES", &self.features.to_string())
            .replace("TESTS", &self.tests.to_string())
            .replace("DEPLOYMENTS", &self.deployments.to_string())
    }
}

/// Makes the tables as the program does.
pub(crate) fn migrate(server: &Path, url: &str) -> anyhow::Result<()> {
    let output = Command::new(server).args(["migrate", "up", "--database", url]).output();
    let output = output.with_context(|| format!("{} cannot be started", server.display()))?;
    ensure!(output.status.success(), "the migration failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Fills an SQLite file.
pub(crate) fn fill_sqlite(file: &Path, size: Size) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY")?;
    connection.execute_batch(&size.spell(include_str!("../../../../data/sqlite.sql")))?;
    connection.execute_batch("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Makes a database in a cluster.
pub(crate) fn create_postgres(admin_url: &str, name: &str) -> anyhow::Result<()> {
    execute(admin_url, &format!("CREATE DATABASE {name}"))
}

/// Fills a PostgreSQL database. `VACUUM` does what the server does by itself some minutes later.
pub(crate) fn fill_postgres(url: &str, size: Size) -> anyhow::Result<()> {
    execute(url, &size.spell(include_str!("../../../../data/postgres.sql")))?;
    execute(url, "VACUUM ANALYZE")?;
    execute(url, "CHECKPOINT")
}

/// Runs statements on a connection of their own.
pub(crate) fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await?;
        drop(client);
        connection.await??;
        Ok(())
    })
}
