//! Keys are rotated while others write, by a process that is killed in between.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use throughline::batch::id;
use throughline::encryption::{DataKey, KeyId, KeyRing, count_keys, rotate};
use throughline::write_transaction::{Rewrapped, rewrap_data_keys};

use super::World;
use super::keys::{id_of, keys_of, stdout};
use crate::support::{Backend, Client, program};

on_both!(a_rotation_that_is_killed_goes_on, keys_that_are_made_meanwhile_are_rotated_too);

/// Each with a data key and a note.
const PROJECTS: usize = 3000;
/// How many of them a command makes.
const AT_ONCE: usize = 500;

async fn a_rotation_that_is_killed_goes_on(backend: Backend) {
    let world = World::make(backend).await;
    make_projects(&world.client).await;
    let new = KeyRing::generate_key();
    let keys = format!("{new},{}", world.key);
    let url = world.client.test.url.clone();
    let (old_id, new_id) = (id_of(&world.key), id_of(&new));
    let world = world.with_keys(&keys);
    let client = &world.client;
    let stop = AtomicBool::new(false);
    let rotating = async {
        let mut killed = 0;
        let began = Instant::now();
        while killed < 3 {
            let before = under(client, &new_id).await;
            let target = PROJECTS as u64 * (killed + 1) / 5;
            let mut command = program();
            command.args(["keys", "rotate", "--batch", "20", "--database", &url]);
            command.env("THROUGHLINE_ENCRYPTION_KEYS", &keys).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            while under(client, &new_id).await < target && child.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            let (left, done) = (under(client, &old_id).await, under(client, &new_id).await);
            println!("killed after {done} of {PROJECTS} were rotated, {left} are left");
            assert!(done > before && left > 0, "it was killed in the middle: {done} done, {left} left");
        }
        println!("three rotations that were killed took {:?}", began.elapsed());
        let began = Instant::now();
        let (url, keys) = (url.clone(), keys.clone());
        let said = tokio::task::spawn_blocking(move || keys_of(&url, &keys, &["rotate"])).await.unwrap();
        println!("the last rotation took {:?}: {}", began.elapsed(), stdout(&said).lines().next().unwrap());
        assert!(said.status.success(), "{said:?}");
        stop.store(true, Ordering::Relaxed);
        said
    };
    let (said, written) = futures_util::join!(rotating, write_meanwhile(client, &stop));
    assert_eq!(under(client, &old_id).await, 0, "{}", stdout(&said));
    println!("{written} notes were written and read meanwhile");
    assert!(written > 10);

    // The old key is not needed any more.
    let world = world.with_keys(&new);
    let (mut after, mut read) = (Value::Null, 0);
    loop {
        let document = "query($after: String) { features(first: 1000, after: $after) {
            nodes { name confidentialNotes } pageInfo { hasNextPage endCursor } } }";
        let data = world.client.data_with(document, json!({ "after": after })).await;
        for feature in data["features"]["nodes"].as_array().unwrap() {
            let (name, notes) = (feature["name"].as_str().unwrap(), feature["confidentialNotes"].as_str().unwrap());
            assert!(notes == format!("notes of {name}") || notes.starts_with("written meanwhile"), "{notes}");
            read += 1;
        }
        if data["features"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = data["features"]["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(read, PROJECTS);
    println!("{read} notes are readable with the new key alone");
}

async fn keys_that_are_made_meanwhile_are_rotated_too(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "old").await;
    let new = KeyRing::generate_key();
    let ring = KeyRing::read(&format!("{new},{}", world.key));
    let database = &world.client.test.database;
    let stored = world.texts("SELECT wrapped_key FROM data_keys").await.remove(0);
    let rotated = rotate(database, &ring, 10, |_, _| ()).await.unwrap();
    assert_eq!((rotated.rotated, rotated.left), (1, 0));
    // Who was faster is not undone: what a slow rotation has read is not what is there.
    let present = world.texts("SELECT wrapped_key FROM data_keys").await;
    assert_ne!(present, [stored.as_str()]);
    let project = id::parse("p", world.project.as_str().unwrap(), &["project"]).unwrap().1;
    let after = ring.wrap(&DataKey::generate()).unwrap();
    let slow = Rewrapped { project, before: stored, after };
    assert_eq!(rewrap_data_keys(database, &[slow]).await.unwrap(), 0);
    assert_eq!(world.texts("SELECT wrapped_key FROM data_keys").await, present);
    // A server that still has the old key first makes another one.
    let data = world.client.data("mutation { createProject(input: {name: \"Q\"}) { project { id } } }").await;
    let project = &data["createProject"]["project"]["id"];
    world.client.data_with(super::CREATE, json!({ "p": project, "name": "F", "notes": "late" })).await;
    let rotated = rotate(database, &ring, 10, |_, _| ()).await.unwrap();
    assert_eq!((rotated.rotated, rotated.left), (1, 0));
    let rotated = rotate(database, &ring, 10, |_, _| ()).await.unwrap();
    assert_eq!((rotated.rotated, rotated.left), (0, 0), "there is nothing to do");
    let world = world.with_keys(&new);
    assert_eq!(world.notes(&feature).await, "old");
}

async fn make_projects(client: &Client) {
    let began = Instant::now();
    for start in (0..PROJECTS).step_by(AT_ONCE) {
        let steps: Vec<Value> = (start..start + AT_ONCE)
            .flat_map(|number| {
                let (project, name) = (format!("p{number}"), format!("F{number}"));
                let notes = format!("notes of {name}");
                let feature =
                    json!({ "projectId": format!("$ref:{project}"), "name": name, "confidentialNotes": notes });
                [
                    json!({ "name": project, "change": { "createProject": { "name": project } } }),
                    json!({ "change": { "createFeature": feature } }),
                ]
            })
            .collect();
        let apply =
            "mutation($steps: [ChangeStepInput!]!) { applyChanges(input: {steps: $steps}) { userErrors { message } } }";
        let data = client.data_with(apply, json!({ "steps": steps })).await;
        assert_eq!(data["applyChanges"]["userErrors"], json!([]));
    }
    println!("{PROJECTS} projects with a note each were made in {:?}", began.elapsed());
}

/// Writes notes and reads them, one after the other, until it is told to stop. Gives how many they were.
async fn write_meanwhile(client: &Client, stop: &AtomicBool) -> usize {
    let data = client.data("{ features(first: 200, orderBy: {field: NAME}) { nodes { id } } }").await;
    let features = data["features"]["nodes"].as_array().unwrap();
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let feature = &features[written % features.len()]["id"];
        let notes = format!("written meanwhile, {written}");
        let data = client.data_with(super::UPDATE, json!({ "f": feature, "notes": notes })).await;
        assert_eq!(data["updateFeature"]["userErrors"], json!([]));
        assert_eq!(data["updateFeature"]["feature"]["confidentialNotes"], notes);
        let data = client.data_with(super::READ, json!({ "f": feature })).await;
        assert_eq!(data["feature"]["confidentialNotes"], notes);
        written += 1;
    }
    written
}

async fn under(client: &Client, id: &str) -> u64 {
    let counts = count_keys(&client.test.database).await.unwrap();
    counts.by_key.iter().find(|(known, _): &(&KeyId, _)| known.as_str() == id).map_or(0, |(_, count)| *count)
}
