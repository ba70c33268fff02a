//! The real program, serving in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The program under test, with none of this process's settings. `THROUGHLINE_TEST_PROGRAM` names another build of it, to measure one
/// that is optimised.
pub(crate) fn program() -> Command {
    let built = env!("CARGO_BIN_EXE_throughline").into();
    let mut command = Command::new(std::env::var_os("THROUGHLINE_TEST_PROGRAM").unwrap_or(built));
    let variables = std::env::vars_os().map(|(name, _)| name);
    for name in variables.filter(|name| name == "DATABASE_URL" || name.to_string_lossy().starts_with("THROUGHLINE_")) {
        command.env_remove(name);
    }
    command
}

/// `throughline serve` on a free port; stopped when dropped.
pub(crate) struct RunningServer {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) address: String,
    /// Keeps its connections between requests.
    pub(crate) client: reqwest::Client,
    log: Arc<Mutex<String>>,
}

impl RunningServer {
    /// Serves `database_url`, and waits until the log tells where.
    pub(crate) fn start(database_url: &str) -> Self {
        Self::start_with(program().args(["serve", "--listen", "127.0.0.1:0", "--database", database_url]))
    }

    /// Runs a command that serves.
    pub(crate) fn start_with(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, receiver) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // Reads to the end, or the server would wait for somebody to read its log.
        std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in lines.map_while(Result::ok) {
                    if let Some((_, rest)) = line.split_once("GraphQL at ") {
                        let _ = sender.send(rest.split_once("/graphql").unwrap().0.to_owned());
                    }
                    log.lock().unwrap().push_str(&(line + "\n"));
                }
            }
        });
        let Ok(address) = receiver.recv_timeout(Duration::from_secs(30)) else {
            let _ = child.kill();
            panic!("the server did not start:\n{}", log.lock().unwrap());
        };
        Self { child, address, client: reqwest::Client::new(), log }
    }

    /// Sends a request of GraphQL and reads the answer, whatever it is.
    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let response = self.client.post(format!("{}/graphql", self.address)).json(&body).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// Ends it at once, whatever it is doing.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, as a service manager would.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Tells it to look at its files again, as what renews certificates would.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Stops it where it is.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Takes away the limit of how large its files may be.
    pub(crate) fn allow_any_file_size(&self) {
        let process = self.child.id().to_string();
        assert!(Command::new("prlimit").args(["--fsize=unlimited", "--pid", &process]).status().unwrap().success());
    }

    /// How many files and connections it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    fn signal(&self, signal: &str) {
        // std can only kill.
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end, at most so long.
    pub(crate) fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let began = Instant::now();
        while began.elapsed() < at_most {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// The processor time that its threads have used so far, as the scheduler counts it.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let spent = |task: std::io::Result<std::fs::DirEntry>| {
            let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
        };
        tasks.filter_map(spent).sum()
    }

    /// How much memory it holds, in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The processor time since it was `before`.
    pub(crate) fn cpu_since(&self, before: Duration) -> Duration {
        self.cpu().saturating_sub(before)
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        self.terminate();
        if self.wait(Duration::from_secs(5)).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
