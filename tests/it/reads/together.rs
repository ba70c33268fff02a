//! Requests that ask the same at the same time: one statement for many of them on PostgreSQL, and each its own answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use entity::user::InstanceRole;
use futures_util::future::join_all;
use serde_json::{Value, json};
use throughline::access::{Caller, Role};
use throughline::batch::id;

use crate::access::caller;
use crate::support::{Backend, Client, TestDatabase};

on_both!(
    requests_share_statements,
    each_sees_what_was_committed_before_it,
    a_crowd_reads_what_each_would_by_itself,
    each_sees_what_it_may
);

const DOCUMENT: &str = "query($id: ID!) { feature(id: $id) { name project { name } } }";
const AT_ONCE: usize = 40;

async fn features(client: &Client, count: usize) -> Vec<Value> {
    let document = "query($n: Int!) { features(first: $n) { nodes { id name project { id } } } }";
    client.data_with(document, json!({ "n": count })).await["features"]["nodes"].as_array().unwrap().clone()
}

async fn requests_share_statements(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let mut features = features(&client, AT_ONCE - 1).await;
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
    let id = features(&client, 1).await[0]["id"].clone();
    let (stop, read) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let crowd = (0..AT_ONCE).map(|_| {
        let (client, id, stop, read) = (Arc::clone(&client), id.clone(), Arc::clone(&stop), Arc::clone(&read));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                client.data_with(DOCUMENT, json!({ "id": id })).await;
                read.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        })
    });
    let crowd: Vec<_> = crowd.collect();
    let rename =
        "mutation($id: ID!, $name: String!) { updateFeature(input: { id: $id, name: $name }) { userErrors { code } } }";
    for number in 0..30 {
        let name = format!("name {number}");
        client.data_with(rename, json!({ "id": id, "name": name })).await;
        let seen = client.data_with(DOCUMENT, json!({ "id": id })).await;
        assert_eq!(seen["feature"]["name"], *name);
    }
    stop.store(true, Ordering::Relaxed);
    for one in crowd {
        one.await.unwrap();
    }
    let (read, ran) = (read.load(Ordering::Relaxed), client.statements.count());
    println!("{backend:?}: 30 writes were seen at once, among {read} reads in {ran} statements");
    assert!(read > 100, "{read}");
}

/// Documents of every kind of load, each asked by a crowd.
const DOCUMENTS: &[&str] = &[
    "{ features { totalCount } }",
    "query($c: String) { features(first: 2, after: $c) { pageInfo { hasPreviousPage hasNextPage } nodes { id } } }",
    "query($c: String) { features(last: 2, before: $c) { pageInfo { hasPreviousPage hasNextPage } nodes { id } } }",
    "query($p: ID!) { project(id: $p) { name features(first: 3) { totalCount nodes { name tests { nodes { name } } } } } }",
    "query($p: ID!, $f: ID!) { project(id: $p) { featureSummary { total } } node(id: $f) { id ... on Feature { name } } }",
    "query($f: ID!) { feature(id: $f) { latestDeployment { version } testSummary { failed } tests { totalCount } } }",
    "query($p: ID!, $f: ID!) { nodes(ids: [$f, $p, $f]) { id } featureCounts(groupBy: [STATUS]) { status count } }",
    "query($f: ID!) { a: feature(id: $f) { name } b: feature(id: $f) { name } search(query: \"a\") { totalCount } }",
];

async fn a_crowd_reads_what_each_would_by_itself(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let features = features(&client, 10).await;
    let cursors = client.data("{ features(first: 10) { edges { cursor } } }").await;
    let variables: Vec<_> = features
        .iter()
        .zip(cursors["features"]["edges"].as_array().unwrap())
        .map(|(feature, edge)| json!({ "f": feature["id"], "p": feature["project"]["id"], "c": edge["cursor"] }))
        .collect();
    for document in DOCUMENTS {
        let mut alone = Vec::new();
        for variables in &variables {
            alone.push(client.run(document, variables.clone()).await);
        }
        for _ in 0..3 {
            let asks = (0..AT_ONCE).map(|number| client.run(document, variables[number % variables.len()].clone()));
            for (number, answer) in join_all(asks).await.into_iter().enumerate() {
                assert_eq!(answer, alone[number % variables.len()], "{document}");
            }
        }
    }
}

async fn each_sees_what_it_may(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let features = features(&client, 1000).await;
    let project_of =
        |feature: &Value| id::parse("id", feature["project"]["id"].as_str().unwrap(), &["project"]).unwrap().1;
    let first = &features[0];
    let other = features.iter().find(|feature| project_of(feature) != project_of(first)).unwrap();
    let member = |feature: &Value| -> Caller {
        caller("member", InstanceRole::Member, BTreeMap::from([(project_of(feature), Role::Viewer)]))
    };
    let callers = [(member(first), first), (member(other), other), (Caller::local_owner(), other)];
    for _ in 0..5 {
        let asks = (0..AT_ONCE).map(|number| {
            let ((caller, own), asked) = (&callers[number % 3], [first, other][number / 3 % 2]);
            let may_see = own == &asked || caller.id() == Caller::local_owner().id();
            let expected = if may_see { asked["name"].clone() } else { Value::Null };
            let ask = client.run_as(caller, DOCUMENT, json!({ "id": asked["id"] }));
            async move { assert_eq!(ask.await["data"]["feature"]["name"], expected, "{number}") }
        });
        join_all(asks).await;
    }
}
