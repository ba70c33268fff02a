//! Measures Throughline's reads, and handlers written by hand beside them. `benches/run` builds and starts it.
//!
//! **Invariant:** it leaves nothing behind: databases are in temporary folders, and what it starts it stops by process id.

mod cluster;
mod cost;
mod data;
mod load;
mod plot;
mod process;
mod questions;
mod reads;
mod report;
mod server;
mod writes;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::data::Size;
use crate::questions::Question;
use crate::reads::Effort;
use crate::server::{FilledDatabase, Programs};

#[derive(Parser)]
struct Arguments {
    /// The program `throughline`, built for release
    #[arg(long, global = true, default_value = "target/release/throughline")]
    throughline: PathBuf,
    /// The program `limit`, built for release
    #[arg(long, global = true, default_value = "target/limit/release/limit")]
    limit: PathBuf,
    /// Only this database; both by default
    #[arg(long, global = true)]
    database: Vec<Kind>,
    /// Only this query; all four by default
    #[arg(long, global = true)]
    query: Vec<Question>,
    /// Short rounds, to see that it works
    #[arg(long, global = true)]
    quick: bool,
    /// Rounds; what is reported is their median
    #[arg(long, global = true)]
    rounds: Option<usize>,
    /// Seconds of each measurement
    #[arg(long, global = true)]
    seconds: Option<f64>,
    /// Clients at once; 1, 8 and 32 by default
    #[arg(long, global = true, value_delimiter = ',')]
    clients: Vec<usize>,
    /// Where the results are written as JSON
    #[arg(long, global = true, default_value = "target/reads.json")]
    json: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the four queries beside the handlers written by hand; what is done without a command
    Reads,
    /// Measure writes: one feature at a time beside a handler written by hand, and many at once
    Writes,
    /// Fill an empty database with the rows, and leave it there: for a profile, or a look at a plan
    Fill {
        /// The database's URL, as Throughline takes it
        url: String,
        /// About so many tests, as for `cost`; without it, the rows that reads are measured on
        #[arg(long)]
        tests: Option<u64>,
    },
    /// Measure what a row costs while the database grows, and draw it
    Cost {
        /// Tests in the database
        #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
        tests: Vec<u64>,
        /// Where the drawing goes
        #[arg(long, default_value = "docs/reads-cost.svg")]
        svg: PathBuf,
    },
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let programs = Programs { throughline: arguments.throughline.clone(), limit: arguments.limit.clone() };
    let (rounds, seconds) = if arguments.quick { (2, 1.0) } else { (7, 3.0) };
    let effort = Effort { rounds: arguments.rounds.unwrap_or(rounds), seconds: arguments.seconds.unwrap_or(seconds) };
    let or_all = |chosen: &[Question]| if chosen.is_empty() { Question::ALL.to_vec() } else { chosen.to_vec() };
    let questions = or_all(&arguments.query);
    let kinds =
        if arguments.database.is_empty() { vec![Kind::Sqlite, Kind::Postgres] } else { arguments.database.clone() };
    let results = match &arguments.command {
        None | Some(Command::Reads) => {
            let clients = if arguments.clients.is_empty() { vec![1, 8, 32] } else { arguments.clients.clone() };
            let mut measured = Vec::new();
            for kind in kinds {
                let place = Place::make(kind)?;
                let database = place.fill(&programs, "reads", Size::READS)?;
                for question in &questions {
                    eprintln!("{kind:?}: {}", question.name());
                    measured.extend(reads::measure(&programs, &database, Size::READS, *question, &clients, effort)?);
                }
            }
            print!("{}", report::table(&measured));
            json!({ "machine": machine(), "effort": effort, "reads": measured })
        }
        Some(Command::Writes) => {
            let clients = if arguments.clients.is_empty() { vec![1, 8, 32] } else { arguments.clients.clone() };
            let mut measured = Vec::new();
            for kind in kinds {
                eprintln!("{kind:?}: writes");
                let place = Place::make(kind)?;
                let database = place.fill(&programs, "writes", Size::READS)?;
                measured.push(writes::measure(&programs, &database, &clients, effort)?);
            }
            print!("{}", writes::table(&measured));
            json!({ "machine": machine(), "effort": effort, "writes": measured })
        }
        Some(Command::Fill { url, tests }) => {
            let size = tests.map_or(Size::READS, Size::of_tests);
            data::migrate(&programs.throughline, url)?;
            return match url.strip_prefix("sqlite://") {
                Some(file) => data::fill_sqlite(file.as_ref(), size),
                None => data::fill_postgres(url, size),
            };
        }
        Some(Command::Cost { tests, svg }) => {
            let mut points = Vec::new();
            for kind in kinds {
                let place = Place::make(kind)?;
                for &tests in tests {
                    eprintln!("{kind:?}: {tests} tests");
                    let size = Size::of_tests(tests);
                    let database = place.fill(&programs, &format!("cost_{tests}"), size)?;
                    points.extend(cost::measure(&programs, &database, size, &questions, effort)?);
                }
            }
            print!("{}", cost::table(&points));
            std::fs::write(svg, plot::draw(&points)).with_context(|| format!("{} cannot be written", svg.display()))?;
            json!({ "machine": machine(), "effort": effort, "cost": points })
        }
    };
    std::fs::write(&arguments.json, serde_json::to_string_pretty(&results)?)
        .with_context(|| format!("{} cannot be written", arguments.json.display()))
}

/// Where databases of a kind are made; they go with it.
struct Place {
    kind: Kind,
    folder: TempDir,
    cluster: Option<Cluster>,
}

impl Place {
    fn make(kind: Kind) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("throughline-bench-").tempdir()?;
        let cluster = (kind == Kind::Postgres).then(Cluster::start).transpose()?;
        Ok(Self { kind, folder, cluster })
    }

    /// Makes a database with the benchmark's rows.
    fn fill(&self, programs: &Programs, name: &str, size: Size) -> anyhow::Result<FilledDatabase> {
        match &self.cluster {
            None => {
                let file = self.folder.path().join(format!("{name}.db"));
                let url = format!("sqlite://{}", file.display());
                data::migrate(&programs.throughline, &url)?;
                data::fill_sqlite(&file, size)?;
                Ok(FilledDatabase { name: self.name(), url, process: None, log: None })
            }
            Some(cluster) => {
                let url = cluster.url(name);
                data::create_postgres(&cluster.url("postgres"), name)?;
                data::migrate(&programs.throughline, &url)?;
                data::fill_postgres(&url, size)?;
                Ok(FilledDatabase { name: self.name(), url, process: Some(cluster.process), log: Some(cluster.log()) })
            }
        }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "SQLite",
            Kind::Postgres => "PostgreSQL",
        }
    }
}

/// What it was measured on.
fn machine() -> serde_json::Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "cpu": model.map(|(_, name)| name),
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "loadAtTheEnd": load.split(' ').next(),
    })
}
