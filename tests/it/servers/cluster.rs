//! PostgreSQL servers that a test starts, stops, freezes and promotes, as `deploy/local/postgres` sets them up for anybody.
//!
//! **Invariant:** they end with the test process, however that ends: a shell reads from a pipe whose other end only that process holds.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::disk::Disk;
use crate::support::{as_server_user, server_program};

/// The servers, below one folder.
pub(super) struct Cluster {
    folder: PathBuf,
    disk: Option<Disk>,
    lifeline: Option<ChildStdin>,
    watchdog: Child,
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/local/postgres");

/// Lets what is frozen go on, so that it can end.
const WATCHDOG: &str = r#"
while read -r _; do :; done
for file in "$1"/*/postmaster.pid; do
    [ -e "$file" ] || continue
    server=$(head -n 1 "$file")
    kill -CONT "$server" $(pgrep -P "$server")
    kill -QUIT "$server"
    while kill -0 "$server"; do sleep 0.05; done
done 2>/dev/null
rm -rf "$1"
"#;

impl Cluster {
    /// A primary under the port 1, and as many replicas as `replicas` says under those after it.
    pub(super) fn start(replicas: u16) -> Self {
        let cluster = Self::watch(new_folder(), None);
        cluster.run(&["primary", "1"]);
        cluster.age(1);
        for replica in 0..replicas {
            cluster.run(&["replica", &(replica + 2).to_string(), "1"]);
        }
        cluster
    }

    /// A primary under a port.
    pub(super) fn start_at(port: u16) -> Self {
        let cluster = Self::watch(new_folder(), None);
        cluster.run(&["primary", &port.to_string()]);
        cluster
    }

    /// A primary under the port 1, all of whose files are on a disk of so many MiB.
    pub(super) fn start_on_disk(mib: u32) -> Self {
        let folder = new_folder();
        std::fs::create_dir(folder.join("1")).unwrap();
        let disk = Disk::mount(&folder.join("1"), mib);
        if disk.is_root() {
            let (done, said) = disk.run("chown postgres .");
            assert!(done, "{said}");
        }
        let cluster = Self::watch(folder, Some(disk));
        cluster.run(&["primary", "1"]);
        cluster
    }

    /// No servers yet, and what ends them.
    fn watch(folder: PathBuf, disk: Option<Disk>) -> Self {
        let mut watchdog = command(disk.as_ref(), "sh");
        watchdog.args(["-c", WATCHDOG, "throughline-servers"]).arg(&folder).current_dir("/").process_group(0);
        let mut watchdog = watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { folder, disk, lifeline: watchdog.stdin.take(), watchdog }
    }

    /// Lets the log of a server go on where that of one is that has written for years: positions are larger than 2^32.
    fn age(&self, port: u16) {
        self.stop(port);
        let mut reset = Command::new(server_program("pg_resetwal"));
        as_server_user(&mut reset);
        reset.args(["--next-wal-file", "000000010000000A00000001"]).arg(self.folder_of(port)).current_dir("/");
        let output = reset.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.start_again(port);
    }

    /// What its files are on.
    pub(super) fn disk(&self) -> &Disk {
        self.disk.as_ref().unwrap()
    }

    /// Where a server's database is.
    pub(super) fn url(&self, port: u16) -> String {
        self.run(&["url", &port.to_string()]).trim().to_owned()
    }

    /// Where its files are.
    pub(super) fn folder_of(&self, port: u16) -> PathBuf {
        self.folder.join(port.to_string())
    }

    /// Where it listens.
    pub(super) fn socket(&self, port: u16) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{port}"))
    }

    /// Starts a server that was stopped, or has died.
    pub(super) fn start_again(&self, port: u16) {
        // Those whose first process was killed may take a while to end.
        let port = port.to_string();
        for _ in 0..20 {
            if self.try_to_run(&["start", &port]).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        self.run(&["start", &port]);
    }

    pub(super) fn stop(&self, port: u16) {
        self.run(&["stop", &port.to_string()]);
    }

    pub(super) fn promote(&self, port: u16) {
        self.run(&["promote", &port.to_string()]);
    }

    /// Kills the server's first process; the others end when they notice.
    pub(super) fn kill(&self, port: u16) {
        signal("-KILL", &[self.process(port)]);
    }

    /// Kills all processes of a server at once, as its machine would with its power.
    pub(super) fn crash(&self, port: u16) {
        // Stopped, the first begins no other meanwhile.
        signal("-STOP", &[self.process(port)]);
        signal("-KILL", &self.processes(port));
    }

    /// Stops the processes that send what is written to replicas.
    pub(super) fn hold_back(&self, port: u16) {
        let senders = Command::new("pgrep").args(["-P", &self.process(port), "-f", "walsender"]).output().unwrap();
        let senders: Vec<_> = String::from_utf8(senders.stdout).unwrap().lines().map(str::to_owned).collect();
        assert!(!senders.is_empty(), "nobody follows the server {port}");
        signal("-STOP", &senders);
    }

    /// Makes a server anew, as a replica of another one.
    pub(super) fn replace(&self, port: u16, primary: u16) {
        std::fs::remove_dir_all(self.folder.join(port.to_string())).unwrap();
        self.run(&["replica", &port.to_string(), &primary.to_string()]);
    }

    /// Stops all processes of a server where they are.
    pub(super) fn freeze(&self, port: u16) {
        signal("-STOP", &self.processes(port));
    }

    /// Lets them go on.
    pub(super) fn thaw(&self, port: u16) {
        signal("-CONT", &self.processes(port));
    }

    /// Runs one statement, and gives the rows' first column.
    pub(super) fn psql(&self, port: u16, sql: &str) -> String {
        self.try_psql(port, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    /// The same; else what was said.
    pub(super) fn try_psql(&self, port: u16, sql: &str) -> Result<String, String> {
        let output = Command::new("psql").args(["--no-psqlrc", "-Atqc", sql]).arg(self.url(port)).output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Begins to run statements, which are one transaction.
    pub(super) fn begin_psql(&self, port: u16, sql: &str) -> Child {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "-Atqc", sql])
            .arg(self.url(port))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn process(&self, port: u16) -> String {
        let file = std::fs::read_to_string(self.folder.join(port.to_string()).join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().to_owned()
    }

    fn processes(&self, port: u16) -> Vec<String> {
        let first = self.process(port);
        let children = Command::new("pgrep").args(["-P", &first]).output().unwrap();
        // The first is stopped first, so that it begins no other.
        let mut all = vec![first];
        all.extend(String::from_utf8(children.stdout).unwrap().lines().map(str::to_owned));
        all
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.try_to_run(arguments).unwrap_or_else(|said| panic!("{arguments:?}: {said}"))
    }

    /// `deploy/local/postgres COMMAND FOLDER …`; what it has printed.
    fn try_to_run(&self, arguments: &[&str]) -> Result<String, String> {
        let [command, rest @ ..] = arguments else { panic!("no command") };
        let mut script = self::command(self.disk.as_ref(), SCRIPT);
        let output = script.arg(command).arg(&self.folder).args(rest).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        if output.status.success() { Ok(printed.into_owned()) } else { Err(format!("{said}{printed}")) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.watchdog.wait();
        // A folder that something is mounted on is left.
        drop(self.disk.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn new_folder() -> PathBuf {
    tempfile::Builder::new().prefix("throughline-servers-").tempdir_in("/tmp").unwrap().keep()
}

/// Runs a program, where there is a disk where it is seen.
fn command(disk: Option<&Disk>, program: &str) -> Command {
    disk.map_or_else(|| Command::new(program), |disk| disk.command(Path::new(program)))
}

fn signal(signal: &str, processes: &[String]) {
    // Some may have ended meanwhile.
    let _ = Command::new("kill").arg(signal).args(processes).stderr(Stdio::null()).status().unwrap();
}
