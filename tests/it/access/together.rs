//! Two callers at once, who must never be answered with what is the other's.

use std::collections::BTreeMap;

use entity::user::InstanceRole;
use futures_util::future::join_all;
use serde_json::{Value, json};

use throughline::access::token::{self, NewToken};
use throughline::batch::id;

use super::caller;
use crate::support::{Backend, Client, RunningServer, TestDatabase, program};

on_both!(a_thousand_requests_of_two_callers_never_mix);

/// What two callers ask at once: lists, single objects, counts, searches, the past, changes of their own, and documents by their hash.
const DOCUMENTS: [&str; 7] = [
    "{ projects { totalCount nodes { name features { totalCount nodes { name tests { nodes { name } } } } } } }",
    "query($p: ID!, $f: ID!) { project(id: $p) { name } feature(id: $f) { name project { name } history { nodes { type } } } }",
    "{ search(query: \"secret\") { totalCount nodes { title } } }",
    "query($p: ID!) { changes(projectId: $p) { nodes { type projectId } } events(first: 50) { nodes { projectId } } }",
    "query($f: ID!) { featureAsOf(id: $f, version: 1) { name } node(id: $f) { ... on Feature { name } } }",
    "mutation($p: ID!, $key: String!) { createFeature(input: { projectId: $p, name: $key }, idempotencyKey: $key) { isReplay feature { name project { name } } userErrors { code } } }",
    "{ features { totalCount nodes { name } } featureCounts(groupBy: [STATUS]) { count } users { nodes { name } } viewer { name } }",
];

async fn a_thousand_requests_of_two_callers_never_mix(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let mut sides = Vec::new();
    for name in ["left", "right"] {
        let user = client
            .data_with(
                "mutation($n: String!) { createUser(input: { name: $n }) { user { id } } }",
                json!({ "n": name }),
            )
            .await;
        let user = id::parse("id", user["createUser"]["user"]["id"].as_str().unwrap(), &["user"]).unwrap().1;
        let secret = format!("{name} secret");
        let caller = caller(name, InstanceRole::Member, BTreeMap::new()).known_as(user);
        let made = client
            .run_as(
                &caller,
                "mutation($n: String!) { createProject(input: { name: $n }) { project { id } userErrors { code } } }",
                json!({ "n": secret }),
            )
            .await;
        let project = made["data"]["createProject"]["project"]["id"].as_str().unwrap().to_owned();
        let feature = client
            .data_with("mutation($p: ID!, $n: String!) { createFeature(input: { projectId: $p, name: $n }) { feature { id } } }", json!({ "p": project, "n": secret }))
            .await["createFeature"]["feature"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let new = NewToken { user, name: name.to_owned(), project: None, role: None, expires_at: None };
        let (_, token) = token::create(&client.test.database, new).await.unwrap();
        sides.push((name, project, feature, token));
    }
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--require-authentication", "--database", &client.test.url]);
    let server = RunningServer::start_with(&mut command);
    let ask = async |number: usize| {
        // Each asks for its own, and for the other's.
        let (own, other) = (&sides[number % 2], &sides[(number + 1) % 2]);
        let target = if number % 4 < 2 { own } else { other };
        let document = DOCUMENTS[number % DOCUMENTS.len()];
        // The same keys for both.
        let variables = json!({ "p": target.1, "f": target.2, "key": format!("key {}", number / 2 % 20) });
        let mut body = json!({ "query": document, "variables": variables });
        if number.is_multiple_of(3) {
            use sha2::Digest as _;
            let hash =
                sha2::Sha256::digest(document).iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
            body["extensions"] = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        }
        let request = server.client.post(format!("{}/graphql", server.address)).bearer_auth(own.3.reveal()).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let text = answer.to_string();
        let leaked = [other.0, other.1.as_str(), other.2.as_str()].into_iter().find(|theirs| text.contains(*theirs));
        assert_eq!(leaked, None, "request {number} as {}: {document}\n{text}", own.0);
        let shown = [own.0, own.1.as_str(), own.2.as_str()].into_iter().any(|ours| text.contains(ours));
        usize::from(shown)
    };
    let mut shown = 0;
    for start in (0..1000).step_by(50) {
        shown += join_all((start..start + 50).map(&ask)).await.into_iter().sum::<usize>();
    }
    println!(
        "{backend:?}: 1,000 requests, {shown} of them with something of the caller's own, 0 with something of the other's"
    );
    assert!(shown > 700, "{shown}");
}
