//! Migrations in processes of their own, and what is seen of them meanwhile.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection};
use throughline::database::{Database, PoolOptions};

use super::ONLY;
use crate::servers::cluster::Cluster;
use crate::servers::{pause, scale};
use crate::support::{program, query_texts};

/// Features of before, so many that giving each its position takes some seconds.
pub(super) async fn fill(database: &Database) {
    let features = 50_000 * scale();
    for sql in [
        "INSERT INTO projects (id, name, created_at, updated_at) VALUES (gen_random_uuid(), 'before', now(), now())",
        &format!(
            "INSERT INTO features (id, project_id, name, priority, status, created_at, updated_at)
             SELECT gen_random_uuid(), (SELECT id FROM projects WHERE name = 'before'), 'before ' || n, 1 + n % 13,
                (ARRAY['not_started', 'in_progress', 'blocked', 'completed', 'cancelled'])[1 + n % 5], now(), now()
             FROM generate_series(1, {features}) n"
        ),
    ] {
        query_texts(database.writer(), sql).await;
    }
}

/// `throughline migrate …` in a process of its own.
pub(super) struct Migration(Child);

impl Migration {
    pub(super) fn start(url: &str, arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(["migrate"]).args(arguments).args(["--database", url, "--application-name", "migration"]);
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for its end; what it has printed.
    pub(super) async fn end(self) -> String {
        let output = tokio::task::spawn_blocking(|| self.0.wait_with_output().unwrap()).await.unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        printed
    }

    pub(super) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

pub(super) fn run(url: &str, arguments: &[&str]) -> impl Future<Output = String> {
    Migration::start(url, arguments).end()
}

/// How long anybody but the migration waits for a lock at most, until it is asked; and how often it has looked.
pub(super) struct Waits(tokio::task::JoinHandle<()>, Arc<Mutex<(f64, u32)>>);

impl Waits {
    pub(super) fn watch(url: String) -> Self {
        let longest = Arc::new(Mutex::new((0.0_f64, 0)));
        let seen = Arc::clone(&longest);
        let watch = async move {
            let database = connect(&url).await;
            // The server tells when a wait began.
            let sql = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::text FROM pg_locks
                JOIN pg_stat_activity USING (pid) WHERE NOT granted AND application_name <> 'migration'";
            loop {
                let waits: f64 = query_texts(database.reader(), sql).await[0].parse().unwrap();
                {
                    let mut longest = seen.lock().unwrap();
                    *longest = (longest.0.max(waits), longest.1 + 1);
                }
                pause(0.01).await;
            }
        };
        Self(tokio::spawn(watch), longest)
    }

    pub(super) fn longest(self) -> Duration {
        assert!(!self.0.is_finished(), "nobody has watched");
        self.0.abort();
        let (longest, looks) = *self.1.lock().unwrap();
        assert!(looks > 20, "it has looked {looks} times");
        Duration::from_secs_f64(longest)
    }
}

pub(super) async fn connect(url: &str) -> Database {
    throughline::app::connect(url, &PoolOptions::default().unhurried()).await.unwrap()
}

/// A connection whose transaction has begun with this statement.
pub(super) async fn in_transaction(url: &str, statement: &'static str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute("BEGIN").await.unwrap();
    connection.execute(statement).await.unwrap();
    connection
}

/// Everything that the migrations make, as PostgreSQL's own tool tells it.
pub(super) fn schema(cluster: &Cluster) -> String {
    let output = Command::new("pg_dump").arg("--schema-only").arg(cluster.url(ONLY)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Newer ones guard what they print with a random word.
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter(|line| !line.starts_with('\\')).collect::<Vec<_>>().join("\n")
}
