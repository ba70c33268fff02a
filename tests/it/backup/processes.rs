//! Whoever is killed leaves nothing that would be taken for a backup, or for a database that is whole.
//!
//! `THROUGHLINE_SEED` sets the seed of the moments, which is printed.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{create, fail, restore, run, succeed, text};
use crate::support::{Backend, Place, TestDatabase, program};

on_both!(a_killed_backup_is_none, a_killed_restore_leaves_nothing);

const KILLS: usize = 12;
/// On a machine that is busy at first all may come too late.
const MOST_KILLS: usize = 60;

fn rng() -> Rng {
    let seed = std::env::var("THROUGHLINE_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = seed.unwrap_or_else(|| Rng::new().u64(..));
    eprintln!("THROUGHLINE_SEED={seed}");
    Rng::with_seed(seed)
}

fn start(arguments: &[&str]) -> Child {
    program().args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills it after so long. Whether it had ended before.
fn kill_after(mut child: Child, time: Duration) -> bool {
    std::thread::sleep(time);
    let ended = child.try_wait().unwrap().is_some();
    let _ = child.kill();
    child.wait().unwrap();
    ended
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

async fn a_killed_backup_is_none(backend: Backend) {
    let (mut rng, test) = (rng(), TestDatabase::with_demo(backend).await);
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    create(&test.url, folder.path());
    let whole = began.elapsed();
    let (mut unfinished, mut made, mut kills) = (0, 1, 0);
    while kills < KILLS || (unfinished == 0 && kills < MOST_KILLS) {
        kills += 1;
        let child = start(&["backup", "create", text(folder.path()), "--database", &test.url]);
        let ended = kill_after(child, whole.mul_f64(rng.f64() * 1.1));
        unfinished += usize::from(names_in(folder.path()).iter().any(|name| name.starts_with('.')));
        // It may have been killed when all was done but the saying so.
        let listed = succeed(&["backup", "list", text(folder.path())]).lines().count();
        assert!(listed == made + usize::from(ended) || listed == made + 1, "{listed} are listed of {made}");
        made = listed;
    }
    println!("{backend:?}: {unfinished} of {kills} were killed in the middle, {made} were made, in {whole:?} each");
    assert!(unfinished > 0, "none was killed in the middle");
    for name in names_in(folder.path()).iter().filter(|name| !name.starts_with('.')) {
        let output = super::verify(&folder.path().join(name), &test.url);
        assert!(output.status.success(), "{}", super::error_of(&output));
    }
    // The next one sweeps what they left.
    create(&test.url, folder.path());
    assert!(names_in(folder.path()).iter().all(|name| !name.starts_with('.')), "{:?}", names_in(folder.path()));
}

async fn a_killed_restore_leaves_nothing(backend: Backend) {
    let (mut rng, test) = (rng(), TestDatabase::with_demo(backend).await);
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    let place = Place::empty(backend).await;
    let began = Instant::now();
    restore(&backup, &place.url);
    let whole = began.elapsed();
    let (mut killed, mut done) = (0, 0);
    while killed + done < KILLS || (killed == 0 && killed + done < MOST_KILLS) {
        let place = Place::empty(backend).await;
        let child = start(&["backup", "restore", text(&backup), "--database", &place.url]);
        let ended = kill_after(child, whole.mul_f64(rng.f64() * 1.1));
        wait_for_others(&test, &place.url).await;
        let is_there = run(&["verify", "--database", &place.url]).status.success();
        assert!(is_there || !ended);
        if is_there {
            // All of it, and it was said whether webhooks are sent to.
            assert_eq!(crate::support::Rows::of(&TestDatabase::at(&place.url).await.database).count(LEASES).await, 1);
            fail(&["backup", "restore", text(&backup), "--database", &place.url]);
            done += 1;
        } else {
            // Nothing that is in the way.
            restore(&backup, &place.url);
            killed += 1;
        }
    }
    println!("{backend:?}: {killed} were killed before their end, {done} were done, in {whole:?} each");
    assert!(killed > 0, "none was killed in the middle");
}

/// What psql does at that moment it does to its end, before it notices that nobody writes to it any more.
async fn wait_for_others(test: &TestDatabase, url: &str) {
    let Some(name) = url.strip_prefix("postgres://").and_then(|url| url.split(['/', '?']).nth(1)) else { return };
    let others = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
    let began = Instant::now();
    while crate::support::Rows::of(&test.database).count(&others).await > 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "psql goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const LEASES: &str = "SELECT count(*) FROM leases";
