//! A wrong or missing key is told at one field, and nothing else fails; what the command says of keys.

use std::process::Output;

use serde_json::{Value, json};
use throughline::encryption::KeyRing;

use super::{CREATE, World};
use crate::support::{Backend, RunningServer, TestDatabase, program};

on_both!(
    without_the_key_one_field_fails,
    what_is_no_key_is_told_and_never_used,
    a_server_starts_with_wrong_keys_and_says_so,
    status_counts_keys,
);

async fn without_the_key_one_field_fails(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "locked").await;
    let right = world.key.clone();
    let wrong = KeyRing::generate_key();
    let mut world = world;
    for keys in [String::new(), wrong.clone()] {
        world = world.with_keys(&keys);
        assert_eq!(world.code(&feature).await, "ENCRYPTION_KEY_MISSING");
        // In a list each row has its own error, and the others their values.
        let body = world.client.run("{ features { nodes { name confidentialNotes } } }", json!({})).await;
        assert_eq!(body["data"]["features"]["nodes"], json!([{ "name": "F", "confidentialNotes": null }]));
        assert_eq!(body["errors"][0]["path"], json!(["features", "nodes", 0, "confidentialNotes"]));
        // It cannot be written over by who could not read it.
        let payload = world.update(&feature, Some("other")).await;
        assert_eq!(payload["userErrors"][0]["code"], "ENCRYPTION_KEY_MISSING");
        assert_eq!(payload["userErrors"][0]["field"], json!(["input", "confidentialNotes"]));
        let variables = json!({ "p": world.project, "name": "G", "notes": "other" });
        let data = world.client.data_with(CREATE, variables).await;
        assert_eq!(data["createFeature"]["userErrors"][0]["code"], "ENCRYPTION_KEY_MISSING");
        // Everything else is written, a feature with notes, too.
        let rename = "mutation($f: ID!) { updateFeature(input: {id: $f, name: \"H\"}) { userErrors { code } } }";
        let data = world.client.data_with(rename, json!({ "f": feature })).await;
        assert_eq!(data["updateFeature"]["userErrors"], json!([]));
        let back = "mutation($f: ID!) { updateFeature(input: {id: $f, name: \"F\"}) { userErrors { code } } }";
        world.client.data_with(back, json!({ "f": feature })).await;
    }
    // A good item is written beside one that cannot be encrypted, and under a key of its own.
    let best = "mutation($p: ID!) { createFeatures(idempotencyKey: \"k\", input: {mode: BEST_EFFORT, features: [
        {projectId: $p, name: \"A\", confidentialNotes: \"no\"}, {projectId: $p, name: \"B\"}]}) {
        results { feature { name } } userErrors { code field } isReplay } }";
    for is_replay in [false, true] {
        let data = world.client.data_with(best, json!({ "p": world.project })).await;
        assert_eq!(data["createFeatures"]["results"], json!([{ "feature": null }, { "feature": { "name": "B" } }]));
        assert_eq!(data["createFeatures"]["isReplay"], is_replay);
    }
    let world = world.with_keys(&format!("{wrong},{right}"));
    assert_eq!(world.notes(&feature).await, "locked");
    // Nobody needs a key to clear them.
    let world = world.with_keys("");
    let payload = world.update(&feature, None).await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(world.notes(&feature).await, Value::Null);
}

async fn what_is_no_key_is_told_and_never_used(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "locked").await;
    let keys = format!("not-a-key,{}", world.key);
    let world = world.with_keys(&keys);
    // The key that a project has is opened by a later one; a new one would be wrapped by the first.
    assert_eq!(world.update(&feature, Some("still")).await["feature"]["confidentialNotes"], "still");
    let data = world.client.data("mutation { createProject(input: {name: \"Q\"}) { project { id } } }").await;
    let project = &data["createProject"]["project"]["id"];
    let data = world.client.data_with(CREATE, json!({ "p": project, "name": "F", "notes": "new" })).await;
    assert_eq!(data["createFeature"]["userErrors"][0]["code"], "ENCRYPTION_KEY_MISSING");
}

async fn a_server_starts_with_wrong_keys_and_says_so(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "locked").await;
    let wrong = KeyRing::generate_key();
    let keys = format!("{wrong},not-a-key-at-all");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--database", &world.client.test.url];
    let server = RunningServer::start_with(program().args(serve).env("THROUGHLINE_ENCRYPTION_KEYS", &keys));
    let body = server.graphql(super::READ, json!({ "f": feature })).await;
    assert_eq!(body["data"]["feature"], json!({ "name": "F", "confidentialNotes": null }));
    assert_eq!(body["errors"][0]["extensions"]["code"], "ENCRYPTION_KEY_MISSING");
    assert_eq!(body["errors"][0]["path"], json!(["feature", "confidentialNotes"]));
    let log = server.log();
    assert!(log.contains("those in these places are none") && log.contains("[2]"), "{log}");
    assert!(log.contains("cannot be read") && log.contains("\"projects\":1"), "{log}");
    assert!(!log.contains(&wrong) && !log.contains("not-a-key") && !log.contains(&world.key), "a key is shown: {log}");
}

async fn status_counts_keys(backend: Backend) {
    let world = World::make(backend).await;
    world.feature("F", "notes").await;
    let url = &world.client.test.url;
    let unused = KeyRing::generate_key();
    let (first, second) = (id_of(&unused), id_of(&world.key));
    let said = keys_of(url, &format!("{unused},{}", world.key), &["status"]);
    assert_eq!(
        stdout(&said),
        format!(
            "{first}         0  encrypts and decrypts\n{second}         1  decrypts\n{:16}         1  data keys in all\n",
            ""
        )
    );
    let said = stdout(&keys_of(url, &unused, &["status"]));
    assert!(said.contains(&format!("{second}         1  is not set")), "{said}");
    let said = stdout(&keys_of(url, "", &["status"]));
    assert!(said.contains("No key is set"), "{said}");
    let said = keys_of(url, &format!("{unused},no-key"), &["rotate"]);
    assert_eq!(said.status.code(), Some(2));
    let error = String::from_utf8(said.stderr).unwrap();
    assert!(error.contains("in these places are none: 2") && !error.contains("no-key"), "{error}");
    let said = keys_of(url, "", &["rotate"]);
    assert_eq!(said.status.code(), Some(1));
    let said = keys_of(url, &unused, &["rotate"]);
    assert_eq!(said.status.code(), Some(1), "one is left that the ring does not open");
    assert!(String::from_utf8(said.stderr).unwrap().contains("1 data keys are left"));
}

#[test]
fn generated_keys_are_keys() {
    let keys: Vec<String> = (0..2).map(|_| stdout(&program().args(["keys", "generate"]).output().unwrap())).collect();
    assert_ne!(keys[0], keys[1]);
    for key in keys {
        let ring = KeyRing::read(key.trim_end());
        assert!(ring.first().is_some() && ring.malformed().is_empty(), "{key}");
    }
}

#[tokio::test]
async fn help_shows_no_key() {
    let key = KeyRing::generate_key();
    for arguments in [["serve", "--help"].as_slice(), &["keys", "rotate", "--help"]] {
        let said = program().args(arguments).env("THROUGHLINE_ENCRYPTION_KEYS", &key).output().unwrap();
        let text = stdout(&said);
        assert!(text.contains("THROUGHLINE_ENCRYPTION_KEYS") && !text.contains(&key), "{text}");
    }
    let test = TestDatabase::new(Backend::Sqlite).await;
    let said = keys_of(&test.url, &key, &["status"]);
    assert!(!stdout(&said).contains(&key));
}

/// What the key of a ring of its own is called.
pub(super) fn id_of(key: &str) -> String {
    KeyRing::read(key).first().unwrap().to_string()
}

/// Runs `throughline keys`.
pub(super) fn keys_of(url: &str, keys: &str, arguments: &[&str]) -> Output {
    let mut command = program();
    command.arg("keys").args(arguments).args(["--database", url]).env("THROUGHLINE_ENCRYPTION_KEYS", keys);
    command.output().unwrap()
}

pub(super) fn stdout(output: &Output) -> String {
    assert!(output.status.success() || !output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
