//! The servers that are measured: started on a free port of this machine, and stopped by their process id.
//!
//! **Invariant:** a server ends with this process, however that ends: its parent is a small shell that reads from a pipe whose
//! other end only this process holds.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process::Processes;
use crate::questions::Answerer;

/// The two programs.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) throughline: PathBuf,
    pub(crate) limit: PathBuf,
}

/// A running server.
pub(crate) struct Server {
    watchdog: Child,
    lifeline: Option<ChildStdin>,
    pub(crate) process: u32,
    pub(crate) address: String,
}

const WATCHDOG: &str = r#"
"$@" </dev/null &
server=$!
echo "process $server"
trap : HUP INT TERM
while read -r _; do :; done
kill "$server"
wait "$server"
"#;

/// A database that is filled.
pub(crate) struct FilledDatabase {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// Where the work of the database is done, if it is not in the server itself.
    pub(crate) process: Option<u32>,
    /// What the database logs, where it can be told to log every statement.
    pub(crate) log: Option<PathBuf>,
}

impl Server {
    /// Starts the program that answers for `answerer`, and waits until it listens.
    pub(crate) fn start(programs: &Programs, answerer: Answerer, database: &FilledDatabase) -> anyhow::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", WATCHDOG, "throughline-bench"]);
        match answerer {
            // The results of 10,000 tests do not fit into the usual limit.
            Answerer::Ours => command.arg(&programs.throughline).args(["serve", "--max-body-bytes", "8388608"]),
            Answerer::Limit | Answerer::Split => command.arg(&programs.limit),
        };
        command.args(["--listen", "127.0.0.1:0", "--database", &database.url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut watchdog = command.spawn().context("`sh` could not be started")?;
        let (stdout, stderr) = (watchdog.stdout.take().context("no pipe")?, watchdog.stderr.take().context("no pipe")?);
        let lifeline = watchdog.stdin.take();
        let mut server = Self { watchdog, lifeline, process: 0, address: String::new() };
        // Throughline tells it on standard error, the limit on standard output; both are read to their end, so that
        // nobody waits for a full pipe.
        let (tell, told) = std::sync::mpsc::channel();
        for output in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
            let tell = tell.clone();
            std::thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
            });
        }
        drop(tell);
        let mut said = String::new();
        let end = Instant::now() + Duration::from_secs(20);
        while let Ok(line) = told.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Some(process) = line.strip_prefix("process ") {
                server.process = process.parse()?;
            } else if let Some((_, address)) = line.split_once("http://") {
                let address = address.split(['/', ',', ' ']).next().unwrap_or_default();
                address.clone_into(&mut server.address);
            } else {
                said.push_str(&line);
                said.push('\n');
            }
            if server.process != 0 && !server.address.is_empty() {
                return Ok(server);
            }
        }
        bail!("{answerer:?} did not start\n{said}")
    }

    /// The server, and the database where it is another process.
    pub(crate) fn processes(&self, database: &FilledDatabase) -> Vec<Processes> {
        [Some(Processes::One(self.process)), database.process.map(Processes::Family)].into_iter().flatten().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.watchdog.wait();
    }
}

/// Counts the statements that a database was sent while something was done, by its log.
pub(crate) fn count_statements(
    database: &FilledDatabase,
    answerer: Answerer,
    action: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Option<u64>> {
    let Some(log) = &database.log else { return Ok(None) };
    log_statements(database, log, "all")?;
    let start = fs::metadata(log)?.len();
    let result = action();
    let text = read_from(log, start)?;
    log_statements(database, log, "none")?;
    result?;
    let name = match answerer {
        Answerer::Ours => "throughline|",
        Answerer::Limit | Answerer::Split => "limit|",
    };
    let statement = |line: &&str| line.starts_with(name) && line.contains("LOG:  ") && !line.contains("parameters:");
    Ok(Some(text.lines().filter(statement).count() as u64))
}

/// Sets what is logged, and waits until every process of the server knows.
fn log_statements(database: &FilledDatabase, log: &Path, which: &str) -> anyhow::Result<()> {
    let start = fs::metadata(log)?.len();
    crate::data::execute(&database.url, &format!("ALTER SYSTEM SET log_statement = '{which}'"))?;
    crate::data::execute(&database.url, "SELECT pg_reload_conf()")?;
    let end = Instant::now() + Duration::from_secs(5);
    while !read_from(log, start)?.contains("parameter \"log_statement\" changed") {
        if Instant::now() > end {
            bail!("PostgreSQL does not read its configuration again");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // A process that sits idle reads it when it is sent something.
    std::thread::sleep(Duration::from_millis(100));
    Ok(())
}

fn read_from(log: &Path, start: u64) -> anyhow::Result<String> {
    let bytes = fs::read(log)?;
    Ok(String::from_utf8_lossy(bytes.get(usize::try_from(start)?..).unwrap_or_default()).into_owned())
}
