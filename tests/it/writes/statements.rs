//! How many statements a write takes: never one for each item.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use throughline::database::{Database, PoolOptions};

use crate::support::{Backend, Client, Rows, TestDatabase, leaves_postgres_out};

on_both!(a_feature_is_made_in_one_round_trip, many_items_take_no_more_statements);

async fn client(backend: Backend) -> (Client, Value) {
    let client = Client::new(TestDatabase::new(backend).await);
    let data = client.data("mutation { createProject(input: {name: \"P\"}) { project { id } } }").await;
    let project = data["createProject"]["project"]["id"].clone();
    (client, project)
}

/// On PostgreSQL one statement, which needs no `BEGIN` and `COMMIT`; on SQLite one text, which has them in it. What the payload selects
/// beside the feature's own row is one more.
async fn a_feature_is_made_in_one_round_trip(backend: Backend) {
    let (client, project) = client(backend).await;
    for (number, (selected, more)) in [("", 0), ("project { name }", 1)].into_iter().enumerate() {
        let create = format!(
            "mutation($p: ID!, $k: String!) {{ createFeature(input: {{projectId: $p, name: $k}}, idempotencyKey: $k) {{
                feature {{ id name rowVersion {selected} }} userErrors {{ code }} }} }}"
        );
        client.statements.take();
        client.data_with(&create, json!({ "p": project, "k": format!("k{number}") })).await;
        let statements = client.statements.take();
        assert_eq!(statements.len(), 1 + more, "{statements:#?}");
    }
}

async fn many_items_take_no_more_statements(backend: Backend) {
    let (client, project) = client(backend).await;
    let create = "mutation($items: [CreateFeatureInput!]!) { createFeatures(input: {features: $items}) {
        results { feature { id name project { name } } } userErrors { code } } }";
    let update = "mutation($items: [FeaturePriorityInput!]!) { updateFeaturePriorities(input: {features: $items}) {
        results { feature { priority } } userErrors { code } } }";
    let delete = "mutation($items: [DeleteFeatureInput!]!) { deleteFeatures(input: {features: $items}) {
        userErrors { code } } }";
    let mut counts = Vec::new();
    for size in [1, 50, 1000] {
        let mut run = async |document: &str, items: Vec<Value>| {
            client.statements.take();
            let data = client.data_with(document, json!({ "items": items })).await;
            counts.push((size, client.statements.take().len()));
            data
        };
        let items = (0..size).map(|number| json!({ "projectId": project, "name": format!("{size}: {number}") }));
        let mut data = run(create, items.collect()).await;
        let results = data["createFeatures"]["results"].take();
        let ids: Vec<&Value> = results.as_array().unwrap().iter().map(|result| &result["feature"]["id"]).collect();
        assert_eq!(ids.len(), size);
        let items = ids.iter().enumerate().map(|(number, id)| json!({ "id": id, "priority": number % 13 + 1 }));
        let data = run(update, items.collect()).await;
        let last = &data["updateFeaturePriorities"]["results"][size - 1]["feature"]["priority"];
        assert_eq!(*last, json!((size - 1) % 13 + 1));
        run(delete, ids.iter().map(|id| json!({ "id": id })).collect()).await;
    }
    let of =
        |size: usize| counts.iter().filter(|(known, _)| *known == size).map(|(_, count)| *count).collect::<Vec<_>>();
    assert_eq!(of(1), of(50));
    assert_eq!(of(1), of(1000));
    assert_eq!(of(1), [2, 2, 2], "create, update and delete");
}

/// Whoever checks a foreign key keeps the plan that was best for the table as it was then: made while it is empty, it must not read a table
/// from its beginning to its end for each row that comes later.
#[tokio::test]
async fn a_new_database_checks_its_keys_by_their_indexes() {
    if leaves_postgres_out() {
        return;
    }
    let (client, project) = client(Backend::Postgres).await;
    let create = "mutation($items: [CreateFeatureInput!]!) { createFeatures(input: {features: $items}) {
        userErrors { code message } } }";
    for (turn, size) in [10, 500, 500].into_iter().enumerate() {
        let items = (0..size).map(|number| json!({ "projectId": project, "name": format!("{turn}: {number}") }));
        let data = client.data_with(create, json!({ "items": items.collect::<Vec<_>>() })).await;
        assert_eq!(data["createFeatures"]["userErrors"], json!([]));
    }
    // A connection that ends tells what it has read.
    let url = client.test.url.clone();
    client.test.database.clone().close().await.unwrap();
    let database = Database::connect(&url, &PoolOptions::default()).await.unwrap();
    let rows = Rows::of(&database);
    let end = Instant::now() + Duration::from_secs(10);
    while rows.count("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'features'").await < 1010 {
        assert!(Instant::now() < end, "the connections have not told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let read = rows.count("SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables").await;
    assert!(read < 10_000, "{read} rows were read from tables as a whole");
}
