//! The whole record from one database into the other and back: the same rows in every table, and the same places.

use std::collections::BTreeMap;

use sea_orm::DbBackend;
use serde_json::{Value, json};
use throughline::database::Database;
use throughline::encryption::KeyRing;

use super::{fail, succeed};
use crate::support::{Backend, Client, Place, Rows, TestDatabase, leaves_postgres_out, query_texts};

on_both!(there_and_back_it_is_the_same, where_something_is_nothing_is_copied, what_is_not_whole_is_not_copied);

/// Every table that there is, but the migrator's, and what stands in each column of each row, as the database itself spells it.
async fn all_rows(database: &Database) -> BTreeMap<String, Vec<String>> {
    let is_sqlite = database.backend() == DbBackend::Sqlite;
    let tables = if is_sqlite {
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' \
         AND name NOT LIKE '%_text_rows' AND name NOT IN ('event_epoch', 'seaql_migrations')"
    } else {
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'seaql_migrations'"
    };
    let mut all = BTreeMap::new();
    for table in query_texts(database.reader(), tables).await {
        let row = if is_sqlite {
            let columns = format!("SELECT 'quote(' || name || ')' FROM pragma_table_xinfo('{table}') ORDER BY name");
            query_texts(database.reader(), &columns).await.join(" || ' ' || ")
        } else {
            "t::text".to_owned()
        };
        let mut rows = query_texts(database.reader(), &format!("SELECT {row} FROM {table} t")).await;
        rows.sort_unstable();
        all.insert(table, rows);
    }
    all
}

/// One of everything, beside the demo.
async fn fill(test: TestDatabase, key: &str) -> Client {
    let client = Client::new(test).with_keys(key);
    let mutate = async |document: &str, variables: Value| {
        let mut data = client.data_with(document, variables).await;
        let payload = data.as_object_mut().unwrap().values_mut().next().unwrap().take();
        assert_eq!(payload["userErrors"], json!([]), "{document}");
        payload
    };
    let project = mutate(
        "mutation { createProject(input: { name: \"All \\\"kinds\\\" of – things 🦀\", description: \"a\\nb\\\\c\" }) \
         { project { id } userErrors { code } } }",
        json!({}),
    )
    .await["project"]["id"]
        .clone();
    let make = "mutation($p: ID!, $name: String!, $key: String) { createFeature(input: { projectId: $p, name: $name, \
                confidentialNotes: \"sealed\" }, idempotencyKey: $key) { feature { id } userErrors { code } } }";
    mutate(make, json!({ "p": project, "name": "Ünïcode 'quoted'", "key": "once" })).await;
    let gone = mutate(make, json!({ "p": project, "name": "gone" })).await["feature"]["id"].clone();
    mutate("mutation($f: ID!) { deleteFeature(input: { id: $f }) { userErrors { code } } }", json!({ "f": gone }))
        .await;
    mutate(
        "mutation($p: ID!) { createWebhook(input: { projectId: $p, url: \"https://example.org/hook\" }) { userErrors { code } } }",
        json!({ "p": project }),
    )
    .await;
    let url = &client.test.url;
    succeed(&[
        "token",
        "create",
        "--user",
        "ada",
        "--role",
        "maintainer",
        "--project",
        project.as_str().unwrap(),
        "--database",
        url,
    ]);
    let rows = Rows::of(&client.test.database);
    for sql in [
        "INSERT INTO event_snapshots (aggregate_id, version, state, created_at) VALUES (@7, 100, '{}', @now)",
        "INSERT INTO projections (name, transaction_id, position, updated_at) VALUES ('p', 3, 4, @now)",
        "INSERT INTO leases (name, owner, expires_at) VALUES ('other', @8, @now)",
        "INSERT INTO webhook_deliveries (id, webhook_id, event_id, aggregate_id, transaction_id, position, next_attempt_at, created_at) \
         SELECT @60, w.id, e.id, e.aggregate_id, e.transaction_id, e.position, @now, @now FROM webhooks w, events e \
         WHERE e.event_type = 'project.create' AND e.aggregate_id = w.project_id",
        "INSERT INTO webhook_queues (webhook_id, transaction_id, position) SELECT w.id, 3, 4 FROM webhooks w",
    ] {
        rows.run(sql).await.unwrap();
    }
    client
}

async fn there_and_back_it_is_the_same(backend: Backend) {
    if leaves_postgres_out() {
        return;
    }
    let key = KeyRing::generate_key();
    let original = fill(TestDatabase::with_demo(backend).await, &key).await;
    // What an upgrade holds is missing in one of the two.
    original.test.database.migrate_down(u32::from(backend == Backend::Postgres)).await.unwrap();
    let other = match backend {
        Backend::Sqlite => Backend::Postgres,
        Backend::Postgres => Backend::Sqlite,
    };
    let (there, back) = (Place::empty(other).await, Place::empty(backend).await);
    let look = "query($after: String, $events: String) {
        projects(first: 10, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) { edges { cursor node { id name rowVersion } } }
        changes(first: 1000, after: $events) { edges { cursor node { id type version } } }
        auditLogs(last: 5) { nodes { id action changes { field before after } } }
        search(query: \"unicode\", first: 5) { edges { node { __typename } } } }";
    let first = original.data_with(look, json!({})).await;
    let after = json!({
        "after": first["projects"]["edges"][3]["cursor"], "events": first["changes"]["edges"][700]["cursor"]
    });
    let second = original.data_with(look, after.clone()).await;
    assert_ne!(second["search"]["edges"], json!([]));

    let before = all_rows(&original.test.database).await;
    let empty: Vec<_> = before.iter().filter(|(_, rows)| rows.is_empty()).collect();
    assert!(empty.is_empty(), "nothing is seen of these tables: {empty:?}");
    let said = succeed(&["copy", "--from", &original.test.url, "--to", &there.url]);
    assert!(said.contains("The record is as it was written."), "{said}");
    let copy = Client::new(TestDatabase::at(&there.url).await).with_keys(&key);
    assert_eq!(copy.data_with(look, json!({})).await, first);
    assert_eq!(copy.data_with(look, after.clone()).await, second);
    assert!(succeed(&["verify", "--database", &there.url]).contains("as it was written"));

    succeed(&["copy", "--from", &there.url, "--to", &back.url]);
    let again = Client::new(TestDatabase::at(&back.url).await).with_keys(&key);
    let mut found = all_rows(&again.test.database).await;
    // The lease that nobody holds is the copy's own.
    let held = found.get_mut("leases").map(|rows| rows.extract_if(.., |row| row.contains("webhooks")).count());
    assert_eq!(held, Some(1));
    for (table, rows) in &before {
        assert_eq!(found.get(table), Some(rows), "{table}");
    }
    assert_eq!(found.len(), before.len());
    assert_eq!(again.data_with(look, after).await, second);

    // What happens next in each of them comes after all that was, and is the next event of its object.
    for client in [&copy, &again] {
        let end = json!({ "events": last_place(client).await });
        let change = "mutation { createProject(input: { name: \"next\" }) { cursor userErrors { code } } }";
        let at = client.data(change).await["createProject"]["cursor"].clone();
        let next = settled(client, look, end).await;
        assert_eq!(next["changes"]["edges"].as_array().map(Vec::len), Some(1), "{next}");
        assert_eq!(next["changes"]["edges"][0]["cursor"], at);
        let numbered_twice = "SELECT count(*) - count(DISTINCT position) FROM events";
        assert_eq!(Rows::of(&client.test.database).count(numbered_twice).await, 0);
    }
    assert!(succeed(&["replay", "--database", &there.url]).contains("What is there is what the events make."));
}

/// Waits until what has happened can be followed: on PostgreSQL, where no transaction of the whole server is older.
async fn settled(client: &Client, look: &str, after: Value) -> Value {
    let began = std::time::Instant::now();
    loop {
        let data = client.data_with(look, after.clone()).await;
        if data["changes"]["edges"] != json!([]) || began.elapsed() > std::time::Duration::from_mins(1) {
            return data;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn last_place(client: &Client) -> Value {
    let mut after = Value::Null;
    loop {
        let page = client
            .data_with(
                "query($after: String) { changes(first: 1000, after: $after) { pageInfo { endCursor } } }",
                json!({ "after": after }),
            )
            .await;
        match &page["changes"]["pageInfo"]["endCursor"] {
            Value::Null => return after,
            cursor => after = cursor.clone(),
        }
    }
}

async fn where_something_is_nothing_is_copied(backend: Backend) {
    if leaves_postgres_out() {
        return;
    }
    let source = TestDatabase::with_demo(backend).await;
    let target = match backend {
        Backend::Sqlite => TestDatabase::with_demo(Backend::Postgres).await,
        Backend::Postgres => TestDatabase::with_demo(Backend::Sqlite).await,
    };
    let before = all_rows(&target.database).await;
    let error = fail(&["copy", "--from", &source.url, "--to", &target.url]);
    assert!(error.contains("the target is not empty"), "{error}");
    assert_eq!(all_rows(&target.database).await, before);
    let error = fail(&["copy", "--from", &source.url, "--to", &TestDatabase::new(backend).await.url]);
    assert!(error.contains("of one kind"), "{error}");
}

async fn what_is_not_whole_is_not_copied(backend: Backend) {
    if leaves_postgres_out() {
        return;
    }
    let source = TestDatabase::with_demo(backend).await;
    Rows::of(&source.database).run("UPDATE features SET priority = 14 - priority WHERE priority <> 7").await.unwrap();
    let target = match backend {
        Backend::Sqlite => TestDatabase::new(Backend::Postgres).await,
        Backend::Postgres => TestDatabase::new(Backend::Sqlite).await,
    };
    let error = fail(&["copy", "--from", &source.url, "--to", &target.url]);
    assert!(error.contains("the row of feature_") && error.contains("nothing was changed"), "{error}");
    let rows = all_rows(&target.database).await;
    let filled: Vec<_> = rows.iter().filter(|(_, rows)| !rows.is_empty()).map(|(table, _)| table).collect();
    assert!(filled.is_empty(), "{filled:?}");
}
