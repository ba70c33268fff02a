//! Where clients had come to before the database was restored they go on after it, and miss nothing that happens from then on.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::{create, restore, succeed};
use crate::support::{Backend, Client, Place, TestDatabase};

on_both!(cursors_from_before_go_on, who_followed_what_is_lost_misses_nothing_new);

#[tokio::test]
async fn transactions_that_are_counted_anew_come_after() {
    if !crate::support::leaves_postgres_out() {
        Box::pin(count_anew()).await;
    }
}

const CHANGES: &str =
    "query($after: String) { changes(first: 1000, after: $after) { edges { cursor node { type } } } }";
const FEATURES: &str = "query($after: String) { features(first: 5, after: $after, orderBy: {field: NAME}) { edges { cursor node { id name } } } }";

async fn edges(client: &Client, document: &str, after: Option<&Value>) -> Vec<Value> {
    let mut data = client.data_with(document, json!({ "after": after })).await;
    let list = data.as_object_mut().unwrap().values_mut().next().unwrap();
    list["edges"].as_array().unwrap().clone()
}

/// What has happened after a place; waits until it can be followed: on PostgreSQL, where no transaction of the whole server is older.
async fn settled(client: &Client, after: &Value) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let found = edges(client, CHANGES, Some(after)).await;
        if !found.is_empty() || began.elapsed() > Duration::from_mins(1) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes a project: an event. Gives its place.
async fn happen(client: &Client, name: &str) -> Value {
    let make = "mutation($name: String!) { createProject(input: { name: $name }) { cursor userErrors { code } } }";
    let data = client.data_with(make, json!({ "name": name })).await;
    assert_eq!(data["createProject"]["userErrors"], json!([]));
    data["createProject"]["cursor"].clone()
}

/// The same record, restored from a backup, and where it is.
async fn restored(client: &Client, backend: Backend) -> (Client, Place) {
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&client.test.url, folder.path());
    let place = Place::empty(backend).await;
    restore(&backup, &place.url);
    (Client::new(TestDatabase::at(&place.url).await), place)
}

async fn cursors_from_before_go_on(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let events = edges(&client, CHANGES, None).await;
    let features = edges(&client, FEATURES, None).await;
    let middle = &events[events.len() / 2]["cursor"];
    let (copy, _place) = restored(&client, backend).await;
    assert_eq!(edges(&copy, CHANGES, Some(middle)).await, edges(&client, CHANGES, Some(middle)).await);
    let after = Some(&features[2]["cursor"]);
    assert_eq!(edges(&copy, FEATURES, after).await, edges(&client, FEATURES, after).await);
    // What happens next comes after all that was.
    let mut last = events.last().unwrap()["cursor"].clone();
    while let Some(later) = edges(&client, CHANGES, Some(&last)).await.last() {
        last = later["cursor"].clone();
    }
    let at = happen(&copy, "next").await;
    let next = settled(&copy, &last).await;
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(next[0]["cursor"], at);
}

async fn who_followed_what_is_lost_misses_nothing_new(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    happen(&client, "kept").await;
    let (copy, _place) = restored(&client, backend).await;
    let mut lost = Value::Null;
    for number in 0..20 {
        lost = happen(&client, &format!("lost {number}")).await;
    }
    let at = happen(&copy, "new").await;
    let next = settled(&copy, &lost).await;
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(next[0]["cursor"], at);
    // Restored once more, it goes on after that.
    let (second, _place) = restored(&copy, backend).await;
    let later = happen(&second, "newer").await;
    let next = settled(&second, &at).await;
    assert_eq!(next.iter().map(|edge| &edge["cursor"]).collect::<Vec<_>>(), [&later]);
}

/// A server that has had fewer transactions than the one before it: its events could not be followed for a long time, and new ones
/// would come before them.
async fn count_anew() {
    let client = Client::new(TestDatabase::new(Backend::Postgres).await);
    set_epoch(&client.test, 1_000_000_000_000).await;
    happen(&client, "one").await;
    let at = happen(&client, "two").await;
    set_epoch(&client.test, 0).await;
    assert!(edges(&client, CHANGES, None).await.is_empty(), "there is nothing to mend");
    succeed(&["backup", "mark-restored", "--database", &client.test.url]);
    assert_eq!(edges(&client, CHANGES, None).await.len(), 2);
    let next = happen(&client, "three").await;
    let found = settled(&client, &at).await;
    assert_eq!(found.iter().map(|edge| &edge["cursor"]).collect::<Vec<_>>(), [&next]);
}

async fn set_epoch(test: &TestDatabase, epoch: i64) {
    let sql = format!(
        "CREATE OR REPLACE FUNCTION event_epoch() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT {epoch}::bigint'"
    );
    test.database.writer().execute_unprepared(&sql).await.unwrap();
}
