//! Requests that ask the same at the same time: one statement for many of them on PostgreSQL, and each its own answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

on_both!(requests_share_statements, each_sees_what_was_committed_before_it);

const DOCUMENT: &str = "query($id: ID!) { feature(id: $id) { name project { name } } }";
const AT_ONCE: usize = 40;

async fn ids(client: &Client, count: usize) -> Vec<Value> {
    let data =
        client.data_with("query($n: Int!) { features(first: $n) { nodes { id name } } }", json!({ "n": count })).await;
    data["features"]["nodes"].as_array().unwrap().clone()
}

async fn requests_share_statements(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let mut features = ids(&client, AT_ONCE - 1).await;
    // One that there is not, among those that there are.
    features.push(json!({ "id": "feature_00000000000000000000000000", "name": null }));
    let mut fewest = usize::MAX;
    // How many are shared depends on how long a statement takes on a busy machine: what they answer does not.
    for _ in 0..20 {
        client.data_with(DOCUMENT, json!({ "id": features[0]["id"] })).await;
        client.statements.take();
        let asks = features.iter().map(|feature| client.data_with(DOCUMENT, json!({ "id": feature["id"] })));
        for (answer, feature) in join_all(asks).await.iter().zip(&features) {
            assert_eq!(answer["feature"]["name"], feature["name"]);
        }
        fewest = fewest.min(client.statements.count());
        if fewest == 2 {
            break;
        }
    }
    println!("{AT_ONCE} requests on {backend:?} were {fewest} statements");
    match backend {
        Backend::Postgres => assert_eq!(fewest, 2, "the first, and all others"),
        Backend::Sqlite => assert_eq!(fewest, AT_ONCE),
    }
}

async fn each_sees_what_was_committed_before_it(backend: Backend) {
    let client = Arc::new(Client::new(TestDatabase::with_demo(backend).await));
    let id = ids(&client, 1).await[0]["id"].clone();
    let (stop, read) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let crowd = (0..AT_ONCE).map(|_| {
        let (client, id, stop, read) = (Arc::clone(&client), id.clone(), Arc::clone(&stop), Arc::clone(&read));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                client.data_with(DOCUMENT, json!({ "id": id })).await;
                read.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let crowd: Vec<_> = crowd.collect();
    let rename =
        "mutation($id: ID!, $name: String!) { updateFeature(input: { id: $id, name: $name }) { userErrors { code } } }";
    for number in 0..100 {
        let name = format!("name {number}");
        client.data_with(rename, json!({ "id": id, "name": name })).await;
        let seen = client.data_with(DOCUMENT, json!({ "id": id })).await;
        assert_eq!(seen["feature"]["name"], *name);
    }
    stop.store(true, Ordering::Relaxed);
    for one in crowd {
        one.await.unwrap();
    }
    let (read, ran) = (read.load(Ordering::Relaxed), client.statements.take());
    let ran = ran.iter().filter(|text| text.starts_with("SELECT") && text.contains("\"projects\"")).count();
    println!("{backend:?}: 100 writes were seen at once, among {read} reads in {ran} statements");
    assert!(read > 100, "{read}");
}
