//! PostgreSQL is restored to any time: what was acknowledged before is there, and nothing that was begun after.
//!
//! `THROUGHLINE_RESTORES` sets to how many times (3), `THROUGHLINE_SEED` the seed, which is printed. The scripts are those of
//! `deploy/postgres`, with a server of their own whose changes are brought to the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use serde_json::json;

use super::succeed;
use crate::support::{RunningServer, as_server_user, leaves_postgres_out};

const WRITERS: usize = 6;
const LOAD: Duration = Duration::from_secs(8);

#[tokio::test]
async fn what_was_acknowledged_before_is_there_and_nothing_after() {
    if !leaves_postgres_out() {
        Box::pin(restore_to_times()).await;
    }
}

/// A folder with servers, which end with the test however that ends: a shell waits for the end of a pipe that only the test holds.
struct Servers {
    folder: PathBuf,
    watchdog: Child,
}

const WATCHDOG: &str = r#"
while read -r _; do :; done
for server in "$1"/*/postmaster.pid; do
    [ ! -f "$server" ] || kill -QUIT "$(head -n 1 "$server")"
    while [ -f "$server" ]; do sleep 0.05; done
done
cd / && rm -rf "$1"
"#;

/// A write, and when.
struct Write {
    name: String,
    begun: DateTime<Utc>,
    acknowledged: Option<DateTime<Utc>>,
}

impl Servers {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("throughline-in-time-").tempdir_in("/tmp").unwrap().keep();
        let scripts = folder.join("scripts");
        std::fs::create_dir(&scripts).unwrap();
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/postgres");
        for file in std::fs::read_dir(deploy).unwrap().flatten() {
            std::fs::copy(file.path(), scripts.join(file.file_name())).unwrap();
        }
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "watchdog"]).arg(&folder).stdin(Stdio::piped());
        if let Some((user, group)) = as_server_user(&mut watchdog) {
            // The scripts, too, since it is to delete them.
            for path in [&folder, &scripts] {
                std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
            }
        }
        Self { watchdog: watchdog.spawn().unwrap(), folder }
    }

    /// Runs one of the scripts as the user of the servers.
    fn run(&self, script: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.folder.join("scripts").join(script));
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command.env("THROUGHLINE_POSTGRES_AUTH", "trust").env("PGHOST", &self.folder).env("PGUSER", "postgres");
        as_server_user(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}: {}", super::error_of(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn url(&self, port: u16, database: &str) -> String {
        format!("postgres://postgres@localhost:{port}/{database}?host={}", self.folder.display())
    }

    fn text(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        // What is left would stay after the tests, with its servers.
        assert!(std::thread::panicking() || !self.folder.exists(), "{} is left", self.folder.display());
    }
}

async fn restore_to_times() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let restores = number("THROUGHLINE_RESTORES").unwrap_or(3);
    let seed = number("THROUGHLINE_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("THROUGHLINE_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let servers = Servers::new();
    let (primary, archive, socket) = (servers.text("primary"), servers.text("archive"), servers.text(""));
    servers.run("init.sh", &[&primary, &archive, "5432", socket.trim_end_matches('/')]);
    let mut admin = PgConnection::connect(&servers.url(5432, "postgres")).await.unwrap();
    admin.execute("CREATE DATABASE throughline").await.unwrap();
    let server = RunningServer::start(&servers.url(5432, "throughline"));
    let base = servers.run("base-backup.sh", &[&servers.text("base")]).trim().to_owned();

    let began = Utc::now();
    let mut writes = write_for_a_while(&server).await;
    let ended = Utc::now();
    drop(server);
    // The last segment is archived, and has a commit that is after all the times.
    admin.execute("CREATE TABLE after_all ()").await.unwrap();
    archive_all(&mut admin).await;
    writes.sort_by_key(|write| write.begun);
    let acknowledged = writes.iter().filter(|write| write.acknowledged.is_some()).count();
    println!("{acknowledged} writes were acknowledged in {} s", (ended - began).num_seconds());
    assert!(acknowledged > 10 * WRITERS, "there was no load");

    for number in 0..restores {
        let span = (ended - began).num_microseconds().unwrap();
        let time = began + TimeDelta::microseconds(rng.i64(span / 10..span));
        let (data, port) = (servers.text(&format!("restored-{number}")), 5433 + u16::try_from(number).unwrap());
        let began = Instant::now();
        let time_text = time.to_rfc3339_opts(SecondsFormat::Micros, false);
        servers.run(
            "restore-to.sh",
            &[&base, &archive, &time_text, &data, &port.to_string(), socket.trim_end_matches('/')],
        );
        let took = began.elapsed();
        let url = servers.url(port, "throughline");
        let there = names_in(&url).await;
        let (mut before, mut open) = (0, 0);
        for write in &writes {
            let is_there = there.contains(&write.name);
            if write.acknowledged.is_some_and(|at| at < time) {
                assert!(is_there, "{} was acknowledged before {time}, and is lost", write.name);
                before += 1;
            } else if write.begun > time {
                assert!(!is_there, "{} was begun after {time}, and is there", write.name);
            } else {
                open += 1;
            }
        }
        println!("{time_text}: {before} acknowledged before are there, {open} were on their way, in {took:?}");
        assert!(before > 0 && before < acknowledged);
        succeed(&["verify", "--database", &url]);
        succeed(&["backup", "mark-restored", "--database", &url]);
        // It goes on from there.
        let server = RunningServer::start(&url);
        let make = "mutation { createProject(input: { name: \"goes on\" }) { userErrors { code } } }";
        let answer = server.graphql(make, json!({})).await;
        assert_eq!(answer["data"]["createProject"]["userErrors"], json!([]), "{answer}");
        drop(server);
        delete(&data);
    }
}

async fn write_for_a_while(server: &RunningServer) -> Vec<Write> {
    let make = "mutation { createProject(input: { name: \"P\" }) { project { id } } }";
    let project = server.graphql(make, json!({})).await["data"]["createProject"]["project"]["id"].clone();
    let (next, stopping, writes) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
    let write = || async {
        let create = "mutation($p: ID!, $name: String!) { createFeature(input: { projectId: $p, name: $name }) { userErrors { code } } }";
        while !stopping.load(Ordering::SeqCst) {
            let (name, begun) = (format!("f{}", next.fetch_add(1, Ordering::SeqCst)), Utc::now());
            let answer = server.graphql(create, json!({ "p": project, "name": name })).await;
            let acknowledged = (answer["data"]["createFeature"]["userErrors"] == json!([])).then(Utc::now);
            writes.lock().unwrap().push(Write { name, begun, acknowledged });
        }
    };
    let stop = async {
        tokio::time::sleep(LOAD).await;
        stopping.store(true, Ordering::SeqCst);
    };
    futures_util::future::join(futures_util::future::join_all((0..WRITERS).map(|_| write())), stop).await;
    writes.into_inner().unwrap()
}

/// Lets the segment that is written be archived, and waits for that.
async fn archive_all(admin: &mut PgConnection) {
    let row = admin.fetch_one("SELECT pg_walfile_name(pg_switch_wal())").await.unwrap();
    let (last, began): (String, _) = (row.try_get(0).unwrap(), Instant::now());
    loop {
        let row = admin.fetch_one("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver").await.unwrap();
        if row.try_get::<String, _>(0).unwrap() >= last {
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{last} is not archived");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn names_in(url: &str) -> BTreeSet<String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let rows = connection.fetch_all("SELECT name FROM features").await.unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

/// Ends a server at once, and deletes its files.
fn delete(data: &str) {
    let stop = "kill -QUIT $(head -n 1 \"$1/postmaster.pid\"); while [ -e \"$1/postmaster.pid\" ]; do sleep 0.05; done; rm -rf \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", stop, "stop", data]);
    as_server_user(&mut command);
    assert!(command.status().unwrap().success());
}
