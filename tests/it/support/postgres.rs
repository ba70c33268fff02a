//! The PostgreSQL server that the tests run on: the one that `TEST_DATABASE_URL` names, or a private cluster, started
//! when the first test asks for it.
//!
//! **Invariant:** the private cluster ends with the test process, however that ends. Its parent is a small shell that
//! reads from a pipe whose other end only the test process holds: when the kernel closes that end, the shell stops the
//! server and deletes the folder.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use reqwest::Url;
use uuid::Uuid;

/// A server on which databases can be made.
pub(super) struct Server {
    url: Url,
    _lifeline: Option<ChildStdin>,
}

impl Server {
    /// The one server of this process; the test fails where there is none.
    pub(super) fn get() -> &'static Self {
        static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
        match SERVER.get_or_init(find_or_start) {
            Ok(server) => server,
            Err(reason) => panic!(
                "this test needs PostgreSQL: {reason}\n\
                 Set TEST_DATABASE_URL to a server on which databases can be made, or install the server's binaries \
                 (Debian's package `postgresql`). THROUGHLINE_TEST_SQLITE_ONLY=1 runs the tests without PostgreSQL."
            ),
        }
    }

    /// Where databases are made and dropped.
    pub(super) fn admin_url(&self) -> String {
        self.url.to_string()
    }

    /// Where the database `name` is.
    pub(super) fn database_url(&self, name: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(name);
        url.to_string()
    }

    /// A name that tells when it was made, so that a later process can sweep what a killed one left behind.
    pub(super) fn new_database_name() -> String {
        format!("{NAME_PREFIX}{}", Uuid::now_v7().simple())
    }
}

/// Where the files and the log of the cluster of a database are.
pub(crate) fn cluster_folder(database_url: &str) -> PathBuf {
    let url = Url::parse(database_url).unwrap();
    let socket = url.query_pairs().find(|(name, _)| name == "host").map(|(_, folder)| folder.into_owned());
    PathBuf::from(socket.expect("the cluster's files are at hand where it is the tests' own"))
}

/// Lets a command run as the user that servers of the tests run as. Gives that user and its group, where it is another than this one.
pub(crate) fn as_server_user(command: &mut Command) -> Option<(u32, u32)> {
    let user = server_user().expect("there is a user to run a server as");
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    user
}

/// A program that belongs to the server.
pub(crate) fn server_program(name: &str) -> PathBuf {
    find_binaries().expect("the server's binaries were found before").join(name)
}

const NAME_PREFIX: &str = "throughline_test_";

fn find_or_start() -> Result<Server, String> {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        let url = Url::parse(&url).map_err(|error| format!("TEST_DATABASE_URL is no URL: {error}"))?;
        sweep(url.as_str());
        return Ok(Server { url, _lifeline: None });
    }
    let binaries = find_binaries().ok_or("no `initdb` and `postgres` were found")?;
    start_cluster(&binaries)
}

/// `pg_config` knows best; Debian keeps the server's binaries out of the path.
fn find_binaries() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok().and_then(|output| {
        output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    });
    let mut packaged: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    packaged.sort_by_key(|path| {
        let version = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    told.into_iter()
        .chain(packaged.into_iter().map(|path| path.join("bin")))
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// Makes a cluster in a temporary folder and waits until it answers. The cluster sorts text as English where it can, so
/// that a column that forgot its collation is noticed.
const WATCHDOG: &str = r#"
folder=$1 binaries=$2 server=
clean_up() {
    [ -z "$server" ] || { kill -QUIT "$server"; wait "$server"; } 2>/dev/null
    cd / && rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' HUP INT PIPE TERM
initdb() {
    rm -rf "$folder/data"
    "$binaries/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --no-sync "$@" >"$folder/log" 2>&1
}
fail() {
    echo "$1"
    tail -n 20 "$folder/log"
    exit 1
}
initdb --locale-provider=icu --icu-locale=en-US --locale=C || initdb --locale=C || fail 'initdb failed:'
"$binaries/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=200 -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off >>"$folder/log" 2>&1 </dev/null &
server=$!
until grep -q '^ready' "$folder/data/postmaster.pid" 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || fail 'the server did not start:'
    sleep 0.05
done
echo ready
while read -r _; do :; done
"#;

fn start_cluster(binaries: &Path) -> Result<Server, String> {
    let user = server_user()?;
    // Another user may not be let into the folder that TMPDIR names.
    let parent = if user.is_some() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new()
        .prefix("throughline-postgres-")
        .tempdir_in(&parent)
        .map_err(|error| format!("no folder could be made in {}: {error}", parent.display()))?
        .keep();
    let mut watchdog = Command::new("sh");
    watchdog.arg("-c").arg(WATCHDOG).arg("throughline-postgres").arg(&folder).arg(binaries);
    watchdog.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    watchdog.current_dir(&folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // A group of its own: Ctrl-C is for the test process, whose end the watchdog then notices.
    watchdog.process_group(0);
    if let Some((user, group)) = user {
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).map_err(|error| error.to_string())?;
        watchdog.uid(user).gid(group);
    }
    let mut watchdog = watchdog.spawn().map_err(|error| format!("`sh` could not be started: {error}"))?;
    let lifeline = watchdog.stdin.take();
    let mut said = String::new();
    for line in BufReader::new(watchdog.stdout.take().ok_or("no pipe")?).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if line == "ready" {
            let mut url = Url::parse("postgres://postgres@localhost/postgres").map_err(|error| error.to_string())?;
            url.query_pairs_mut().append_pair("host", &folder.to_string_lossy());
            return Ok(Server { url, _lifeline: lifeline });
        }
        said.push_str(&line);
        said.push('\n');
    }
    Err(format!("a private cluster with the binaries in {} did not start\n{said}", binaries.display()))
}

/// The user and group to run as: `PostgreSQL` refuses root.
fn server_user() -> Result<Option<(u32, u32)>, String> {
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
        .map(Some)
        .ok_or_else(|| "this is root, and there is neither a user `postgres` nor `nobody` to run the server as".into())
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// Drops the databases that killed processes left on somebody's server, once they are hours old. Best effort.
fn sweep(url: &str) {
    use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
    const HOURS_6: u64 = 6 * 60 * 60;
    let sweeping = async {
        let mut admin = PgConnection::connect(url).await?;
        let names = admin
            .fetch_all(AssertSqlSafe(format!("SELECT datname FROM pg_database WHERE datname LIKE '{NAME_PREFIX}%'")))
            .await?;
        for name in names {
            let name: String = name.try_get(0)?;
            let made = name.strip_prefix(NAME_PREFIX).and_then(|id| Uuid::try_parse(id).ok()?.get_timestamp());
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
            if made.is_some_and(|made| made.to_unix().0 + HOURS_6 < now) {
                let _ = admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await;
            }
        }
        Ok::<_, sea_orm::sqlx::Error>(())
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                let _ = runtime.block_on(sweeping);
            }
        });
    });
}
