//! A search for the plaintext through all that a real server leaves behind.

use std::path::{Path, PathBuf};
use std::process::Command;

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use throughline::encryption::KeyRing;
use uuid::Uuid;

use super::{CREATE, UPDATE, World};
use crate::support::{Backend, RunningServer, TestDatabase, cluster_folder, program, server_program};

on_both!(no_plaintext_is_left_anywhere);

async fn no_plaintext_is_left_anywhere(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let key = KeyRing::generate_key();
    // What is searched for, and what must be found, or nothing was searched.
    let hidden: Vec<String> = (0..6).map(|_| format!("hidden{}", Uuid::new_v4().simple())).collect();
    let shown = format!("shown{}", Uuid::new_v4().simple());
    let serve =
        ["serve", "--listen", "127.0.0.1:0", "--log", "trace", "--slow-operation-ms", "0", "--database", &test.url];
    let mut server = RunningServer::start_with(program().args(serve).env("THROUGHLINE_ENCRYPTION_KEYS", &key));
    let create = "mutation($name: String!) { createProject(input: {name: $name}) { project { id } } }";
    let mut data = server.graphql(create, json!({ "name": shown })).await;
    let project = data["data"]["createProject"]["project"]["id"].take();
    let variables = json!({ "p": project, "name": "F", "notes": hidden[0], "key": "k" });
    let mut answer = server.graphql(CREATE, variables.clone()).await;
    assert_eq!(answer["data"]["createFeature"]["feature"]["confidentialNotes"], hidden[0], "{answer}");
    let feature = answer["data"]["createFeature"]["feature"]["id"].take();
    // Changed, sent twice, with another text under one key, within a document's own text.
    server.graphql(UPDATE, json!({ "f": feature, "notes": hidden[1] })).await;
    server.graphql(CREATE, variables).await;
    server.graphql(CREATE, json!({ "p": project, "name": "F", "notes": hidden[2], "key": "k" })).await;
    let literal = format!(
        "mutation {{ updateFeature(input: {{id: {feature}, confidentialNotes: \"{}\"}}, idempotencyKey: \"l\") {{
            events {{ changes {{ value }} }} auditLogs {{ changes {{ after }} }} userErrors {{ message }} }} }}",
        hidden[3]
    );
    let answer = server.graphql(&literal, json!({})).await;
    assert_eq!(answer["data"]["updateFeature"]["userErrors"], json!([]), "{answer}");
    // Refused, in every way there is.
    for (notes, id) in [
        (json!(format!("{}\0", hidden[4])), feature.clone()),
        (json!([hidden[4], hidden[4]]), feature.clone()),
        (json!({ "text": hidden[4] }), feature.clone()),
        (json!(hidden[4]), json!("feature_00000000000000000000000000")),
        (json!(hidden[4]), json!("no id")),
    ] {
        let answer = server.graphql(UPDATE, json!({ "f": id, "notes": notes })).await;
        assert!(!answer.to_string().contains(&hidden[4]), "an error quotes the secret: {answer}");
        assert!(!answer["errors"].is_null() || answer["data"]["updateFeature"]["userErrors"] != json!([]), "{answer}");
    }
    let wrong = format!(
        "mutation {{ updateFeature(input: {{id: {feature}, confidentialNotes: [\"{}\"]}}) {{ nothing }} }}",
        hidden[4]
    );
    let answer = server.graphql(&wrong, json!({})).await;
    assert!(!answer["errors"].is_null(), "{answer}");
    server
        .graphql(&UPDATE.replace("notes})", "notes}, dryRun: true)"), json!({ "f": feature, "notes": hidden[5] }))
        .await;
    let read = server.graphql(super::READ, json!({ "f": feature })).await;
    assert_eq!(read["data"]["feature"]["confidentialNotes"], hidden[3]);

    // The log of everything, the write-ahead logs, then what is left when the server has ended.
    let mut searched = Searched { hidden: &hidden, shown: &shown, key: &key, bytes: 0, found: 0 };
    let folder = folder_of(&test, backend);
    if backend == Backend::Postgres {
        test.database.writer().execute_unprepared("CHECKPOINT").await.unwrap();
    }
    searched.folder(&folder);
    assert!(searched.found > 0, "{shown} was not found in {}", folder.display());
    let log = server.log();
    assert!(log.contains("updateFeature") || log.contains("feature.update"), "the log tells nothing: {log}");
    assert!(!searched.holds(log.as_bytes()), "the log tells a secret");
    server.terminate();
    assert!(server.wait(std::time::Duration::from_secs(10)).is_some());
    searched.folder(&folder);
    let backup = back_up(&test, backend).await;
    let found = searched.found;
    assert!(!searched.holds(&backup), "the backup tells a secret");
    assert!(searched.found > found, "{shown} is not in the backup");
    let world = World::over(test).await;
    for text in world.texts("SELECT payload FROM events").await {
        assert!(!text.contains("hidden"), "{text}");
    }
    println!("{} bytes of files, log and backup were searched", searched.bytes);
}

struct Searched<'s> {
    hidden: &'s [String],
    shown: &'s str,
    key: &'s str,
    bytes: usize,
    /// How often what may be found was found.
    found: usize,
}

impl Searched<'_> {
    /// Whether the bytes hold what they must not.
    fn holds(&mut self, bytes: &[u8]) -> bool {
        self.bytes += bytes.len();
        self.found += usize::from(contains(bytes, self.shown));
        self.hidden.iter().any(|hidden| contains(bytes, hidden)) || contains(bytes, self.key)
    }

    fn folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap().map_while(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                self.folder(&path);
            } else {
                let bytes = read_file(&path);
                assert!(!self.holds(&bytes), "{} holds a secret", path.display());
            }
        }
    }
}

/// A file's bytes. What SQLite may have open is read by another process: to close it here would give up the locks that this one has on it
/// (<https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>).
pub(super) fn read_file(path: &Path) -> Vec<u8> {
    if path.extension().is_some_and(|extension| extension.to_string_lossy().starts_with("db")) {
        return Command::new("cat").arg(path).output().unwrap().stdout;
    }
    std::fs::read(path).unwrap_or_default()
}

fn contains(bytes: &[u8], part: &str) -> bool {
    memchr::memmem::find(bytes, part.as_bytes()).is_some()
}

/// Where the database's files are: the file with its write-ahead log, or the whole cluster with its log, which other tests use as well.
fn folder_of(test: &TestDatabase, backend: Backend) -> PathBuf {
    match backend {
        Backend::Sqlite => Path::new(test.url.strip_prefix("sqlite://").unwrap()).parent().unwrap().to_owned(),
        Backend::Postgres => cluster_folder(&test.url),
    }
}

/// A backup, as an operator makes one.
async fn back_up(test: &TestDatabase, backend: Backend) -> Vec<u8> {
    if backend == Backend::Sqlite {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("copy.db");
        let sql = format!("VACUUM INTO '{}'", path.display());
        test.database.writer().execute_unprepared(&sql).await.unwrap();
        return std::fs::read(path).unwrap();
    }
    let dumped = Command::new(server_program("pg_dump")).args(["--dbname", &test.url]).output().unwrap();
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    dumped.stdout
}

#[test]
fn a_search_finds_what_is_there() {
    let mut searched = Searched { hidden: &["secret".into()], shown: "shown", key: "key", bytes: 0, found: 0 };
    assert!(searched.holds(b"ssecret") && searched.holds(b"the key") && !searched.holds(b"secre shown"));
    assert_eq!((searched.bytes, searched.found), (25, 1));
}
