//! A backup that is made while others write holds what was acknowledged before, and of what each writer sent a beginning.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use entity::event;
use serde_json::json;
use throughline::database::{Database, PoolOptions};
use throughline::events::{Position, verify as verify_record};

use super::{create, manifest_of, restore, succeed, text, verify};
use crate::support::{Backend, Place, RunningServer, Tables, TestDatabase};

on_both!(a_backup_under_load_is_a_beginning_of_what_was_written);

const WRITERS: usize = 8;

/// What the writers have sent, and what was acknowledged.
#[derive(Default)]
struct Written {
    sent: [AtomicUsize; WRITERS],
    acknowledged: [AtomicUsize; WRITERS],
    stopping: AtomicBool,
}

impl Written {
    /// Writes one feature after the other until it is told to stop.
    async fn write(&self, writer: usize, server: &RunningServer, project: &str) {
        let create = "mutation($p: ID!, $name: String!) { createFeature(input: { projectId: $p, name: $name, description: $name }) \
                      { userErrors { code } } }";
        while !self.stopping.load(Ordering::SeqCst) {
            let number = self.sent[writer].fetch_add(1, Ordering::SeqCst);
            let answer = server.graphql(create, json!({ "p": project, "name": format!("{writer}-{number}") })).await;
            assert_eq!(answer["data"]["createFeature"]["userErrors"], json!([]), "{answer}");
            self.acknowledged[writer].store(number + 1, Ordering::SeqCst);
        }
    }

    fn counts(counts: &[AtomicUsize; WRITERS]) -> Vec<usize> {
        counts.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }
}

/// A backup, and the bounds of what must be in it.
struct Made {
    backup: std::path::PathBuf,
    at_least: Vec<usize>,
    at_most: Vec<usize>,
}

async fn a_backup_under_load_is_a_beginning_of_what_was_written(backend: Backend) {
    // Some rows, so that it takes a while.
    let test = TestDatabase::with_demo(backend).await;
    let server = RunningServer::start(&test.url);
    let make = "mutation { createProject(input: { name: \"load\" }) { project { id } } }";
    let project = server.graphql(make, json!({})).await["data"]["createProject"]["project"]["id"].clone();
    let project = project.as_str().unwrap();
    let (written, folder, backups_made) = (Written::default(), tempfile::tempdir().unwrap(), Mutex::new(Vec::new()));
    let writers = futures_util::future::join_all((0..WRITERS).map(|writer| written.write(writer, &server, project)));
    let backups = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let at_least = Written::counts(&written.acknowledged);
            let (url, parent) = (test.url.clone(), folder.path().to_owned());
            let backup = tokio::task::spawn_blocking(move || create(&url, &parent)).await.unwrap();
            let at_most = Written::counts(&written.sent);
            backups_made.lock().unwrap().push(Made { backup, at_least, at_most });
        }
        written.stopping.store(true, Ordering::SeqCst);
    };
    futures_util::future::join(writers, backups).await;
    drop(server);
    let listed = succeed(&["backup", "list", text(folder.path())]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let original = Tables::read(&test.database).await;
    let (mut meanwhile, mut before) = (0, Vec::new());
    for made in backups_made.into_inner().unwrap() {
        let output = verify(&made.backup, &test.url);
        assert!(output.status.success(), "{}", super::error_of(&output));
        let there = compare(backend, &made, &original).await;
        meanwhile += there.iter().zip(&made.at_least).map(|(there, least)| there - least).sum::<usize>();
        assert!(there.iter().zip(&before).all(|(now, before)| now >= before), "a later backup has less");
        before = there;
    }
    let sent: usize = before.iter().sum();
    println!(
        "{backend:?}: {sent} features in the last backup; {meanwhile} were committed between the beginning of a backup and its moment"
    );
    assert!(sent > 3 * WRITERS, "there was no load");
}

/// Compares what a backup makes with its original, and gives how many features of each writer are there.
async fn compare(backend: Backend, made: &Made, original: &Tables) -> Vec<usize> {
    let place = Place::empty(backend).await;
    restore(&made.backup, &place.url);
    let database = Database::connect(&place.url, &PoolOptions::default()).await.unwrap();
    assert_eq!(verify_record(&database, |_| {}).await.unwrap().fault, None);
    let restored = Tables::read(&database).await;
    restored.assert_tell_one_story_of_events();
    database.close().await.unwrap();

    let mut numbers: BTreeMap<usize, Vec<usize>> = (0..WRITERS).map(|writer| (writer, Vec::new())).collect();
    for feature in &restored.features {
        let Some((writer, number)) = feature.name.split_once('-') else { continue };
        let (Ok(writer), Ok(number)) = (writer.parse(), number.parse()) else { continue };
        numbers.get_mut(&writer).unwrap().push(number);
    }
    for (writer, numbers) in &mut numbers {
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..numbers.len()), "writer {writer} has gaps: {numbers:?}");
        assert!(numbers.len() >= made.at_least[*writer], "what was acknowledged before the backup is missing");
        assert!(numbers.len() <= made.at_most[*writer], "what was sent after the backup is there");
    }
    // Each row of the record is as it was, and all events are there up to the place that the manifest tells.
    let events: HashMap<_, _> = original.events.iter().map(|event| (event.id, event)).collect();
    assert!(restored.events.iter().all(|event| events.get(&event.id) == Some(&event)), "an event differs");
    let audit: HashMap<_, _> = original.audit_logs.iter().map(|row| (row.id, row)).collect();
    assert!(restored.audit_logs.iter().all(|row| audit.get(&row.id) == Some(&row)), "an audit row differs");
    let manifest = manifest_of(&made.backup);
    let place = |place: &serde_json::Value| Position {
        transaction_id: place["transactionId"].as_i64().unwrap(),
        position: place["position"].as_i64().unwrap(),
    };
    let settled = place(&manifest["position"]);
    let until = |events: &[event::Model]| events.iter().filter(|event| Position::of(event) <= settled).count();
    assert_eq!(until(&restored.events), until(&original.events), "an event before the backup's place is missing");
    assert_eq!(restored.events.iter().map(Position::of).max().unwrap(), place(&manifest["lastEvent"]));
    assert_eq!(manifest["events"], json!(restored.events.len()));
    assert_eq!(manifest["rows"]["features"], json!(restored.features.len()));
    numbers.into_values().map(|numbers| numbers.len()).collect()
}
