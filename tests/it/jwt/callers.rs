//! From a token of another issuer to a caller of a running server: over HTTP, and over a WebSocket.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, Signer, claims, file_of, in_seconds, set_of};
use crate::support::{Backend, Came, Client, RunningServer, Socket, TestDatabase, program};

on_both!(a_token_of_an_issuer_is_a_caller);

async fn a_token_of_an_issuer_is_a_caller(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let signer = Signer::ed25519("one");
    let (_folder, file) = file_of(&set_of(&[&signer]));
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--require-authentication", "--database", &client.test.url]);
    command.args(["--jwt-jwks", file.to_str().unwrap(), "--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE]);
    command.args(["--jwt-leeway-s", "1"]);
    let server = RunningServer::start_with(&mut command);
    let ask = async |token: &str, more: &[(&str, &str)], query: &str| {
        let mut request = server.client.post(format!("{}/graphql", server.address)).bearer_auth(token);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let response = request.json(&json!({ "query": query })).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let projects = "{ viewer { name kind instanceRole onBehalfOf runId } projects { nodes { name viewerRole } } }";
    let project = async |name: &str| {
        let created = client
            .data_with(
                "mutation($name: String!) { createProject(input: { name: $name }) { project { id } } }",
                json!({ "name": name }),
            )
            .await;
        created["createProject"]["project"]["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (project("first").await, project("second").await);

    // What the token says, and what memberships of a user of that name say.
    let roles = json!({ "throughline": { "roles": { &first: "viewer" } } });
    let (status, answer) = ask(&signer.sign(&claims(&roles)), &[], projects).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["data"]["projects"]["nodes"], json!([{ "name": "first", "viewerRole": "VIEWER" }]), "{answer}");
    client.data("mutation { createUser(input: { name: \"ada\" }) { user { id } } }").await;
    let add = "mutation($p: ID!) { addProjectMember(input: { projectId: $p, userName: \"ada\", role: OWNER }) { userErrors { code } } }";
    client.data_with(add, json!({ "p": second })).await;
    let (_, answer) = ask(&signer.sign(&claims(&roles)), &[], projects).await;
    let both = json!([{ "name": "first", "viewerRole": "VIEWER" }, { "name": "second", "viewerRole": "OWNER" }]);
    assert_eq!(answer["data"]["projects"]["nodes"], both, "{answer}");
    let everywhere = json!({ "throughline": { "roles": { "*": "contributor" } }, "sub": "eve" });
    let (_, answer) = ask(&signer.sign(&claims(&everywhere)), &[], projects).await;
    assert_eq!(answer["data"]["projects"]["nodes"][1]["viewerRole"], "CONTRIBUTOR", "{answer}");

    // Who acts for whom is the token's to say, and no header's.
    let delegated =
        json!({ "act": { "sub": "helper" }, "throughline": { "run_id": "run-1", "roles": { &first: "contributor" } } });
    let acting = signer.sign(&claims(&delegated));
    let (_, answer) = ask(&acting, &[("x-on-behalf-of", "bob"), ("x-run-id", "run-2")], projects).await;
    let viewer =
        json!({ "name": "helper", "kind": "AGENT", "instanceRole": "MEMBER", "onBehalfOf": "ada", "runId": "run-1" });
    assert_eq!(answer["data"]["viewer"], viewer, "{answer}");
    let create = format!(
        "mutation {{ createFeature(input: {{ projectId: \"{first}\", name: \"f\" }}) {{ auditLogs {{ actorId onBehalfOf runId }} }} }}"
    );
    let (_, answer) = ask(&acting, &[], &create).await;
    let audited = json!([{ "actorId": "helper", "onBehalfOf": "ada", "runId": "run-1" }]);
    assert_eq!(answer["data"]["createFeature"]["auditLogs"], audited, "{answer}");

    for (told, claims) in [
        ("The token has expired.", claims(&json!({ "exp": in_seconds(-60) }))),
        ("The token is not of the issuer that is trusted here.", claims(&json!({ "iss": "https://evil.example" }))),
        ("The token is not for this audience.", claims(&json!({ "aud": "elsewhere.example" }))),
        ("The token's claim `sub` is missing or wrong.", claims(&json!({ "sub": "" }))),
        // A name of the program.
        (
            "The access token is unknown, or was taken back.",
            claims(&json!({ "sub": "local-owner", "throughline": { "admin": true } })),
        ),
    ] {
        let (status, answer) = ask(&signer.sign(&claims), &[], projects).await;
        let error = &answer["errors"][0];
        assert_eq!((status, &error["extensions"]["code"]), (401, &json!("UNAUTHENTICATED")), "{answer}");
        assert_eq!(error["message"], told, "who sends it learns why");
    }

    // What is open ends with the token.
    let short =
        signer.sign(&claims(&json!({ "exp": in_seconds(2), "throughline": { "roles": { &first: "viewer" } } })));
    let mut socket = Socket::connect(&server, &[]).await;
    socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {short}") } })).await;
    assert_eq!(socket.next().await, Came::Message(json!({ "type": "connection_ack" })));
    let began = Instant::now();
    assert_eq!(socket.next().await, Came::Closed(Some(4403)));
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    println!("{backend:?}: a token of two seconds ended its WebSocket after {:.1?}", began.elapsed());
    assert!(!server.log().contains(&short), "a token is in the log");
}

/// That the keys cannot be had is no fault of who sends a token, and says nothing of the token.
#[tokio::test]
async fn without_keys_nobody_is_told_that_a_token_is_wrong() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys = format!("http://{}/keys", listener.local_addr().unwrap());
    drop(listener);
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--require-authentication", "--database", &test.url]);
    command.args(["--jwt-jwks", &keys, "--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE]);
    let server = RunningServer::start_with(&mut command);
    let request = server.client.post(format!("{}/graphql", server.address));
    let request = request.bearer_auth(Signer::ed25519("one").sign(&claims(&json!({}))));
    let response = request.json(&json!({ "query": "{ viewer { name } }" })).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("www-authenticate")), (503, None));
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "ISSUER_UNAVAILABLE", "{answer}");
}
