//! The end of a data key: nothing that was encrypted with it can be read any more, and what is written later can.

use std::path::Path;
use std::time::Duration;

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use throughline::database::{Database, PoolOptions};

use super::World;
use super::keys::{keys_of, stdout};
use super::plaintext::read_file;
use crate::support::{Backend, Tables};

on_both!(
    an_erased_key_leaves_nothing_readable,
    a_key_is_erased_in_each_form_that_it_had,
    a_copy_without_its_keys_is_unreadable,
    a_writer_that_meets_an_erasure_takes_the_new_key,
    a_project_that_ends_takes_its_key_along,
);

fn erase(world: &World) -> String {
    let project = world.project.as_str().unwrap();
    let said = keys_of(&world.client.test.url, "", &["erase", project, "--yes"]);
    assert!(said.status.success(), "{said:?}");
    stdout(&said)
}

async fn an_erased_key_leaves_nothing_readable(backend: Backend) {
    let world = World::make(backend).await;
    let (old, other) = (world.feature("F", "old").await, world.feature("G", "old, too").await);
    let wrapped = world.texts("SELECT wrapped_key FROM data_keys").await.remove(0);
    let said = keys_of(&world.client.test.url, "", &["erase", "Q", "--yes"]);
    assert_eq!(said.status.code(), Some(1), "there is no such project");
    let said = keys_of(&world.client.test.url, "", &["erase", "P"]);
    assert_eq!(said.status.code(), Some(1), "nobody is asked without a terminal");
    assert_eq!(world.notes(&old).await, "old");
    let said = erase(&world);
    assert!(said.starts_with("erased  the data key of P (project_"), "{said}");
    assert_eq!(world.code(&old).await, "SECRET_ERASED");
    assert!(erase(&world).contains("was erased before"));
    // The audit tells who did it.
    let document = "{ auditLogs(filter: {action: {eq: \"project.erase_data_key\"}}) {
        nodes { entityId actorId changes { field before after } } } }";
    let data = world.client.data(document).await;
    let changes = json!([{ "field": "dataKey", "before": "[secret]", "after": null }]);
    let row = json!({ "entityId": world.project, "actorId": "local-owner", "changes": changes });
    assert_eq!(data["auditLogs"]["nodes"], json!([row]));
    // What is written from now on has another key, which opens nothing of before.
    let new = world.feature("H", "new").await;
    assert_eq!(world.update(&other, Some("anew")).await["feature"]["confidentialNotes"], "anew");
    assert_eq!(world.notes(&new).await, "new");
    assert_eq!(world.code(&old).await, "SECRET_ERASED");
    assert_eq!(world.update(&old, None).await["userErrors"], json!([]));
    assert_eq!(world.notes(&old).await, Value::Null);
    let said = stdout(&keys_of(&world.client.test.url, &world.key, &["status"]));
    assert!(said.contains("1  encrypts") && !said.contains("erased"), "{said}");
    assert!(erase(&world).starts_with("erased"), "the second key as well");
    assert_eq!(world.code(&new).await, "SECRET_ERASED");
    let said = stdout(&keys_of(&world.client.test.url, &world.key, &["status"]));
    assert!(said.contains("1  erased"), "{said}");
    assert_not_in_the_file(&world, backend, &[&wrapped]);
    Tables::read(&world.client.test.database).await.assert_tell_one_story_of_events();
}

/// Fails where a text stands in the files of an SQLite database. What PostgreSQL's files hold is not promised.
fn assert_not_in_the_file(world: &World, backend: Backend, texts: &[&str]) {
    if backend == Backend::Postgres {
        return;
    }
    let path = world.client.test.url.strip_prefix("sqlite://").unwrap();
    for file in [path.to_owned(), format!("{path}-wal")] {
        let bytes = read_file(Path::new(&file));
        for text in texts {
            let found = bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(!found, "an erased key is still in {file}");
        }
    }
}

/// A rotation writes a key's row anew, which must not leave what it was where it stood.
async fn a_key_is_erased_in_each_form_that_it_had(backend: Backend) {
    let world = World::make(backend).await;
    world.feature("F", "old").await;
    let mut forms = world.texts("SELECT wrapped_key FROM data_keys").await;
    let rotated = format!("{},{}", throughline::encryption::KeyRing::generate_key(), world.key);
    let said = keys_of(&world.client.test.url, &rotated, &["rotate"]);
    assert!(said.status.success(), "{said:?}");
    forms.extend(world.texts("SELECT wrapped_key FROM data_keys").await);
    assert_ne!(forms[0], forms[1]);
    erase(&world);
    assert_not_in_the_file(&world, backend, &[&forms[0], &forms[1]]);
}

/// Who reads a state from before keeps it in the write-ahead log, which is said.
#[tokio::test]
async fn an_erasure_says_what_a_reader_keeps() {
    let world = World::make(Backend::Sqlite).await;
    world.feature("F", "old").await;
    let wrapped = world.texts("SELECT wrapped_key FROM data_keys").await.remove(0);
    let reader = Database::connect(&world.client.test.url, &PoolOptions::default()).await.unwrap();
    reader.writer().execute_unprepared("BEGIN; SELECT 1 FROM data_keys").await.unwrap();
    let project = world.project.as_str().unwrap();
    let said = keys_of(&world.client.test.url, "", &["erase", project, "--yes"]);
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(1) && stderr.contains("write-ahead log"), "{said:?}");
    assert!(stdout(&said).starts_with("erased"), "{said:?}");
    reader.writer().execute_unprepared("ROLLBACK").await.unwrap();
    assert!(erase(&world).contains("was erased before"));
    assert_not_in_the_file(&world, Backend::Sqlite, &[&wrapped]);
}

/// A backup from before the erasure, put back beside the keys of now; and one with its keys, after the ring's old key is gone.
async fn a_copy_without_its_keys_is_unreadable(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "old").await;
    let backed_up = world.texts("SELECT wrapped_key FROM data_keys").await.remove(0);
    erase(&world);
    assert_eq!(world.code(&feature).await, "SECRET_ERASED");
    // The backup's rows are those of now: only its keys are other ones. With the old ring key they open, which is why that must go.
    let restore = format!("UPDATE data_keys SET wrapped_key = '{backed_up}', key_id = 'x', erased_at = NULL");
    world.execute(&restore).await;
    assert_eq!(world.notes(&feature).await, "old");
    let new_key = throughline::encryption::KeyRing::generate_key();
    let world = world.with_keys(&new_key);
    assert_eq!(world.code(&feature).await, "ENCRYPTION_KEY_MISSING");
}

async fn a_writer_that_meets_an_erasure_takes_the_new_key(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "old").await;
    // An erasure that is not committed yet.
    let pool = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let eraser = Database::connect(&world.client.test.url, &pool).await.unwrap();
    let run = async |sql: &str| eraser.writer().execute_unprepared(sql).await.unwrap();
    match backend {
        Backend::Sqlite => run("BEGIN IMMEDIATE").await,
        Backend::Postgres => run("BEGIN; SELECT 1 FROM data_keys FOR UPDATE").await,
    };
    let now = "'2026-11-28T23:00:00+00:00'";
    run(&format!("UPDATE data_keys SET wrapped_key = NULL, key_id = NULL, erased_at = {now}")).await;
    let committing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        run("COMMIT").await;
    };
    let (payload, ()) = futures_util::join!(world.update(&feature, Some("new")), committing);
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(world.notes(&feature).await, "new", "it is not lost with the key that it was encrypted with first");
    assert_eq!(world.texts("SELECT CAST(generation AS text) FROM data_keys").await, ["2"]);
}

async fn a_project_that_ends_takes_its_key_along(backend: Backend) {
    let world = World::make(backend).await;
    world.feature("F", "old").await;
    let wrapped = world.texts("SELECT wrapped_key FROM data_keys").await.remove(0);
    let delete = "mutation($p: ID!) { deleteProject(input: {id: $p}) { userErrors { code } } }";
    let data = world.client.data_with(delete, json!({ "p": world.project })).await;
    assert_eq!(data["deleteProject"]["userErrors"], json!([]));
    assert!(world.texts("SELECT wrapped_key FROM data_keys").await.is_empty());
    let events = world.texts("SELECT payload FROM events WHERE payload LIKE '%gAAAAA%'").await;
    assert_eq!(events.len(), 1, "the token stays in the history, which nothing opens any more");
    if backend == Backend::Sqlite {
        // What the write-ahead log holds goes with the log's next round.
        world.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
    assert_not_in_the_file(&world, backend, &[&wrapped]);
}
