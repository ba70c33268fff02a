//! A private PostgreSQL cluster for the time of a measurement.
//!
//! **Invariant:** it ends with this process, however that ends. Its parent is a small shell that reads from a pipe whose other
//! end only this process holds: when the kernel closes that end, the shell stops the server and deletes the folder.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, bail, ensure};

/// A running cluster.
pub(crate) struct Cluster {
    folder: PathBuf,
    /// The process whose children are the backends.
    pub(crate) process: u32,
    watchdog: Child,
    lifeline: Option<ChildStdin>,
}

/// Settings are PostgreSQL's own: writes are as safe as they are by default, and nothing is counted that is not counted by
/// default.
const WATCHDOG: &str = r#"
folder=$1 binaries=$2 server=
clean_up() {
    [ -z "$server" ] || { kill -QUIT "$server"; wait "$server"; } 2>/dev/null
    cd / && rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' HUP INT PIPE TERM
fail() {
    echo "$1"
    tail -n 20 "$folder/log"
    exit 1
}
"$binaries/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 ||
    fail 'initdb failed:'
"$binaries/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c log_line_prefix='%a|' \
    >>"$folder/log" 2>&1 </dev/null &
server=$!
until grep -q '^ready' "$folder/data/postmaster.pid" 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || fail 'the server did not start:'
    sleep 0.05
done
echo "ready $server"
while read -r _; do :; done
"#;

impl Cluster {
    /// Makes a cluster in a temporary folder, and waits until it answers.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let binaries = find_binaries().context("no `initdb` and `postgres` were found: install PostgreSQL's server")?;
        let user = server_user()?;
        // Another user may not be let into the folder that TMPDIR names.
        let parent = if user.is_some() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("throughline-bench-").tempdir_in(parent)?.keep();
        let mut watchdog = Command::new("sh");
        watchdog.arg("-c").arg(WATCHDOG).arg("throughline-bench").arg(&folder).arg(&binaries);
        watchdog.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir(&folder);
        // A group of its own: Ctrl-C is for this process, whose end the watchdog then notices.
        watchdog.process_group(0);
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(&folder, Some(user), Some(group))?;
            watchdog.uid(user).gid(group);
        }
        let mut watchdog = watchdog.spawn().context("`sh` could not be started")?;
        let lifeline = watchdog.stdin.take();
        let mut said = String::new();
        for line in BufReader::new(watchdog.stdout.take().context("no pipe")?).lines() {
            let line = line?;
            if let Some(process) = line.strip_prefix("ready ") {
                return Ok(Self { folder, process: process.parse()?, watchdog, lifeline });
            }
            said.push_str(&line);
            said.push('\n');
        }
        bail!("PostgreSQL of {} did not start\n{said}", binaries.display())
    }

    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    /// Where it writes what it is told to log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.watchdog.wait();
    }
}

/// `pg_config` knows best; Debian keeps the server's binaries out of the path.
fn find_binaries() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let mut packaged: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    packaged.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    told.into_iter()
        .chain(packaged.into_iter().map(|path| path.join("bin")))
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// The user and group to run as: PostgreSQL refuses root.
fn server_user() -> anyhow::Result<Option<(u32, u32)>> {
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    let found = ["postgres", "nobody"].into_iter().find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)));
    ensure!(found.is_some(), "this is root, and there is neither a user `postgres` nor `nobody` to run PostgreSQL as");
    Ok(found)
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}
