//! PostgreSQL servers that a test starts, stops, freezes and promotes, as `deploy/local/postgres` sets them up for anybody.
//!
//! **Invariant:** they end with the test process, however that ends: a shell reads from a pipe whose other end only that process holds.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};

/// The servers, below one folder.
pub(super) struct Cluster {
    folder: PathBuf,
    lifeline: Option<ChildStdin>,
    watchdog: std::process::Child,
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
        let folder = tempfile::Builder::new().prefix("throughline-servers-").tempdir_in("/tmp").unwrap().keep();
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "throughline-servers"]).arg(&folder).current_dir("/").process_group(0);
        let mut watchdog = watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let cluster = Self { folder, lifeline: watchdog.stdin.take(), watchdog };
        cluster.run(&["primary", "1"]);
        for replica in 0..replicas {
            cluster.run(&["replica", &(replica + 2).to_string(), "1"]);
        }
        cluster
    }

    /// Where a server's database is.
    pub(super) fn url(&self, port: u16) -> String {
        self.run(&["url", &port.to_string()]).trim().to_owned()
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
        let output = Command::new("psql").args(["--no-psqlrc", "-Atqc", sql]).arg(self.url(port)).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
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
        let output = Command::new(Path::new(SCRIPT)).arg(command).arg(&self.folder).args(rest).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        if output.status.success() { Ok(printed.into_owned()) } else { Err(format!("{said}{printed}")) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.watchdog.wait();
    }
}

fn signal(signal: &str, processes: &[String]) {
    // Some may have ended meanwhile.
    let _ = Command::new("kill").arg(signal).args(processes).stderr(Stdio::null()).status().unwrap();
}
