//! Documents that are named instead of sent.

use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Backend, RunningServer, TestDatabase, program, repeat};

const QUERY: &str = "query Projects { projects { totalCount } }";

fn hash(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    repeat(hash.len(), |place| format!("{:02x}", hash[place])).replace(' ', "")
}

fn persisted(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

async fn post(server: &RunningServer, body: Value) -> Value {
    let response = server.client.post(format!("{}/graphql", server.address)).json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{body}"))
}

#[tokio::test]
async fn a_client_registers_a_document_under_its_hash() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let server = RunningServer::start(&test.url);
    let answer = json!({ "data": { "projects": { "totalCount": 0 } } });
    let hashed = hash(QUERY);
    // As Apollo's clients do: the hash alone, then both, then the hash alone.
    let unknown = post(&server, json!({ "extensions": persisted(&hashed) })).await;
    assert_eq!(
        (code(&unknown), unknown["errors"][0]["message"].as_str()),
        ("PERSISTED_QUERY_NOT_FOUND", Some("PersistedQueryNotFound"))
    );
    assert_eq!(post(&server, json!({ "query": QUERY, "extensions": persisted(&hashed) })).await, answer);
    assert_eq!(post(&server, json!({ "extensions": persisted(&hashed) })).await, answer);
    assert_eq!(post(&server, json!({ "extensions": persisted(&hashed.to_uppercase()) })).await, answer);
    // Another text under the hash, and a text that is not right, are not registered.
    let other = post(&server, json!({ "query": "{ __typename }", "extensions": persisted(&hashed) })).await;
    assert_eq!(code(&other), "BAD_REQUEST");
    let wrong = "{ noSuchField }";
    let refused = post(&server, json!({ "query": wrong, "extensions": persisted(&hash(wrong)) })).await;
    assert_eq!(code(&refused), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(
        code(&post(&server, json!({ "extensions": persisted(&hash(wrong)) })).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    assert_eq!(code(&post(&server, json!({ "documentId": "x" })).await), "PERSISTED_QUERY_NOT_FOUND");
    // A mutation is registered too, and GET does not run it.
    let mutation = "mutation M { createProject(input: { name: \"x\" }) { version } }";
    post(&server, json!({ "query": mutation, "extensions": persisted(&hash(mutation)) })).await;
    let path = format!("{}/graphql?extensions={}", server.address, persisted(&hash(mutation)));
    assert_eq!(server.client.get(path).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_persisted_query_by_get_may_be_kept_and_is_asked_for_again() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let server = RunningServer::start(&test.url);
    post(&server, json!({ "query": QUERY, "extensions": persisted(&hash(QUERY)) })).await;
    let path = format!("{}/graphql?extensions={}", server.address, persisted(&hash(QUERY)));
    let get = |tag: Option<String>| {
        let request = server.client.get(&path);
        async { tag.into_iter().fold(request, |request, tag| request.header(IF_NONE_MATCH, tag)).send().await.unwrap() }
    };
    let first = get(None).await;
    assert_eq!(
        (first.status(), &first.headers()[CACHE_CONTROL]),
        (StatusCode::OK, &"private, no-cache".parse().unwrap())
    );
    let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    for known in [tag.clone(), tag.replace("W/", ""), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = get(Some(known)).await;
        assert_eq!((again.status(), again.headers()[ETAG].to_str().unwrap()), (StatusCode::NOT_MODIFIED, &*tag));
        assert_eq!(again.text().await.unwrap(), "");
    }
    server.graphql("mutation { createProject(input: { name: \"x\" }) { version } }", json!({})).await;
    let changed = get(Some(tag.clone())).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()[ETAG].to_str().unwrap(), tag);
    // What failed is not kept.
    let wrong = server.client.get(format!("{}/graphql?query=%7Ba%7D", server.address)).send().await.unwrap();
    assert!(wrong.headers().get(ETAG).is_none() && wrong.headers()[CACHE_CONTROL] == "no-store");
}

/// A server that knows the documents of manifests.
async fn with_manifests(mode: &str) -> (RunningServer, TestDatabase, tempfile::TempDir) {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    // As the Relay compiler writes it (MD5), as GraphQL Code Generator does (SHA-256), and Apollo's.
    let wide = format!("{{ {} }}", repeat(40, |i| format!("a{i}: __typename")));
    let manifests = [
        ("relay.json", json!({ "5d41402abc4b2a76b9719d911017c592": QUERY, "wide": wide })),
        ("codegen.json", json!({ hash("query T { __typename }"): "query T { __typename }" })),
        (
            "apollo.json",
            json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
                { "id": "apollo-1", "name": "P", "type": "query", "body": "query P($n: String!) { __type(name: $n) { name } }" },
            ] }),
        ),
    ];
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url, "--trusted-documents", mode]);
    for (name, manifest) in manifests {
        let path = folder.path().join(name);
        std::fs::write(&path, manifest.to_string()).unwrap();
        command.arg("--document-manifest").arg(path);
    }
    (RunningServer::start_with(&mut command), test, folder)
}

#[tokio::test]
async fn trusted_documents_are_run_by_their_ids_and_nothing_else_where_it_is_set_so() {
    for mode in ["only", "also"] {
        let (server, _test, _folder) = with_manifests(mode).await;
        let by_relay = post(&server, json!({ "id": "5d41402abc4b2a76b9719d911017c592" })).await;
        assert_eq!(by_relay, json!({ "data": { "projects": { "totalCount": 0 } } }));
        let by_draft = post(&server, json!({ "documentId": "apollo-1", "variables": { "n": "Node" } })).await;
        assert_eq!(by_draft, json!({ "data": { "__type": { "name": "Node" } } }));
        let by_hash = post(&server, json!({ "extensions": persisted(&hash("query T { __typename }")) })).await;
        assert_eq!(by_hash, json!({ "data": { "__typename": "Query" } }));
        // Whoever wrote it is trusted with forty aliases.
        assert!(post(&server, json!({ "documentId": "wide" })).await["data"]["a39"].is_string());
        let sent = [
            json!({ "query": QUERY }),
            json!({ "query": "{ __schema { description } }" }),
            json!({ "query": QUERY, "extensions": persisted(&hash(QUERY)) }),
            json!({ "query": "{ __typename }", "documentId": "apollo-1" }),
        ];
        for body in sent {
            let answer = post(&server, body.clone()).await;
            match mode {
                "only" => assert_eq!(code(&answer), "DOCUMENT_NOT_TRUSTED", "{body}"),
                _ => assert!(answer["data"].is_object(), "{body}: {answer}"),
            }
        }
    }
}

#[test]
fn a_manifest_that_is_none_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (path, database) = (folder.path().join("m.json"), format!("sqlite://{}", folder.path().join("x.db").display()));
    std::fs::write(&path, "[]").unwrap();
    let serve = |arguments: &[&str]| {
        let output =
            program().args(["serve", "--listen", "127.0.0.1:0", "--database", &database]).args(arguments).output();
        let output = output.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let told = serve(&["--document-manifest", path.to_str().unwrap()]);
    assert!(told.contains("m.json is no manifest of documents: it is neither"), "{told}");
    let told = serve(&["--trusted-documents", "only"]);
    assert!(told.contains("--document-manifest"), "{told}");
}
