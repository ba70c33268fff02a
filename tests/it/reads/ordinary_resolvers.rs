//! Ordinary async-graphql resolvers that return [`One`]: read as deep as a query, and batched with their siblings.

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, ID, Object, Request, Schema, SimpleObject, Variables};
use serde_json::{Value, json};
use throughline::access::Caller;
use throughline::batch::{Declared, One, PageLimits, Reads, id};
use throughline::features;

use crate::support::{Backend, Client, TestDatabase};

on_both!(siblings_share_their_loads, a_missing_object_is_an_error_at_its_path);

struct Feature;

impl Declared for Feature {
    fn object() -> &'static throughline::batch::Object {
        features::graphql::object()
    }
}

/// As a mutation's payload would be.
#[derive(SimpleObject)]
struct Payload {
    position: usize,
    feature: One<Feature>,
}

struct Query;

#[Object]
impl Query {
    async fn payloads(&self, ids: Vec<ID>) -> Vec<Option<Payload>> {
        let keys = ids.iter().map(|text| id::parse("ids", text, &["feature"]).unwrap().1);
        keys.enumerate().map(|(position, key)| Some(Payload { position, feature: One::new(key) })).collect()
    }
}

async fn ask(client: &Client, document: &str, ids: &[Value]) -> Value {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let reads = Reads::new(client.test.database.clone(), Arc::new(Caller::local_owner()), PageLimits::default());
    let request = Request::new(document).variables(Variables::from_json(json!({ "ids": ids }))).data(Arc::new(reads));
    serde_json::to_value(schema.execute(request).await).unwrap()
}

async fn siblings_share_their_loads(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let data = client.data("{ features(first: 1000) { nodes { id name tests(first: 2) { nodes { name } } } } }").await;
    let features = data["features"]["nodes"].as_array().unwrap();
    let document = "query($ids: [ID!]!) { payloads(ids: $ids) { position feature { id name tests(first: 2) { nodes { name } } } } }";
    for count in [1, 50, 1000] {
        let ids: Vec<_> = features[..count].iter().map(|feature| feature["id"].clone()).collect();
        client.statements.take();
        let body = ask(&client, document, &ids).await;
        assert_eq!(client.statements.count(), 2, "{count} features, then all of their tests");
        for (position, expected) in features[..count].iter().enumerate() {
            assert_eq!(body["data"]["payloads"][position], json!({ "position": position, "feature": expected }));
        }
    }
}

async fn a_missing_object_is_an_error_at_its_path(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let data = client.data("{ features(first: 1) { nodes { id name } } }").await;
    let there = &data["features"]["nodes"][0];
    let ids = [there["id"].clone(), json!("feature_01h455vb4pex5vsknk084sn02q")];
    let body = ask(&client, "query($ids: [ID!]!) { payloads(ids: $ids) { feature { id name } } }", &ids).await;
    assert_eq!(body["data"]["payloads"][0]["feature"], *there);
    assert_eq!(body["errors"][0]["path"], json!(["payloads", 1, "feature"]));
    assert_eq!(body["errors"][0]["message"], "internal error");
}
