//! Servers of ours under load, while what they stand on fails: PostgreSQL and its replicas, its connections, a file and its disk. What
//! clients see of that, and what is left.
//!
//! `THROUGHLINE_FAULT_SCALE` says how many times as long as in a usual run (1) the longer of these tests take.

mod cluster;
mod crash;
mod disk;
mod exhausted;
mod faults;
mod file;
mod full;
mod lifetimes;
mod load;
mod replicas;
mod secured;
mod soak;
mod upgrade;

use std::process::Command;
use std::time::Duration;

use throughline::database::{Database, PoolOptions};
use throughline::events::verify;

use crate::support::{RunningServer, program};

/// How long the longer tests take, as a factor.
fn scale() -> u32 {
    std::env::var("THROUGHLINE_FAULT_SCALE").map_or(1, |scale| scale.parse().unwrap())
}

/// Serves the database at `primary`, with its replicas and other settings.
fn serve(primary: &str, replicas: &[String], settings: &[&str]) -> RunningServer {
    serve_with(program(), primary, replicas, settings)
}

/// The same with another program.
fn serve_with(mut command: Command, primary: &str, replicas: &[String], settings: &[&str]) -> RunningServer {
    command.args(["serve", "--listen", "127.0.0.1:0", "--webhooks", "false", "--database", primary]);
    for replica in replicas {
        command.args(["--replica", replica]);
    }
    RunningServer::start_with(command.args(settings))
}

async fn pause(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Fails unless the record is whole.
async fn assert_whole(database: &str) {
    let database = Database::connect(database, &PoolOptions::default()).await.unwrap();
    let verified = verify(&database, |_| {}).await.unwrap();
    assert!(verified.fault.is_none() && verified.events > 0, "{:?}", verified.fault);
    database.close().await.unwrap();
}
