//! Clients for a long time: what the server holds stays what it is.
//!
//! `THROUGHLINE_SOAK_SECONDS` says for how long (15).

use std::time::{Duration, Instant};

use super::load::Load;
use crate::support::{Backend, RunningServer, TestDatabase};

on_both!(memory_and_descriptors_stay_flat);

/// How often one looks, at the most.
const EVERY: Duration = Duration::from_secs(10);
/// What a server may grow by between the end of the first third and the end.
const MOST_GROWTH_KIB: u64 = 16 * 1024;
const MOST_MORE_DESCRIPTORS: usize = 8;

async fn memory_and_descriptors_stay_flat(backend: Backend) {
    let seconds = std::env::var("THROUGHLINE_SOAK_SECONDS").map_or(15, |seconds| seconds.parse().unwrap());
    let test = TestDatabase::new(backend).await;
    let server = RunningServer::start(&test.url);
    let load = Load::start(&[&server]).await;
    let third = Duration::from_secs(seconds) / 3;
    tokio::time::sleep(third).await;
    let (memory, descriptors) = (server.memory_kib(), server.descriptors());
    let (mut most_memory, mut most_descriptors) = (memory, descriptors);
    let began = Instant::now();
    while began.elapsed() < third * 2 {
        tokio::time::sleep(EVERY.min(third)).await;
        (most_memory, most_descriptors) =
            (most_memory.max(server.memory_kib()), most_descriptors.max(server.descriptors()));
    }
    let (seen, lost) = load.end().await;
    println!(
        "{backend:?}, {seconds} s: {} reads, {} writes; {memory} KiB, then {most_memory} at most; {descriptors} descriptors, then \
         {most_descriptors} at most",
        seen.reads, seen.writes
    );
    assert!(
        seen.failed == 0 && seen.violations.is_empty() && seen.refused_writes.is_empty() && lost.is_empty(),
        "{seen:#?} {lost:?}"
    );
    assert!(seen.reads > 100 && seen.writes > 100, "{seen:#?}");
    assert!(most_memory < memory + MOST_GROWTH_KIB && most_descriptors <= descriptors + MOST_MORE_DESCRIPTORS);
}
