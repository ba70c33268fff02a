//! The first start: who is let in before anybody has said who there is.

use serde_json::json;

use crate::support::{Backend, Came, RunningServer, Socket, TestDatabase, program};

#[tokio::test]
async fn on_the_machine_s_own_address_whoever_sits_there_is_the_owner() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let server = RunningServer::start(&test.url);
    let answer = server.graphql("{ viewer { name kind instanceRole isLocalOwner userId } }", json!({})).await;
    let expected = json!({ "name": "local-owner", "kind": "PERSON", "instanceRole": "ADMIN", "isLocalOwner": true, "userId": null });
    assert_eq!(answer["data"]["viewer"], expected, "{answer}");
    assert!(server.log().contains("whoever sits at this machine is local-owner"), "{}", server.log());
    // What is no token lets nobody in, not even as the owner.
    let response = server.client.post(format!("{}/graphql", server.address)).bearer_auth("tl_wrong");
    let response = response.json(&json!({ "query": "{ viewer { name } }" })).send().await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn who_comes_through_a_proxy_is_not_whoever_sits_at_the_machine() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let made = program()
        .args(["token", "create", "--user", "ada", "--instance-role", "admin", "--database", &test.url])
        .output()
        .unwrap();
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let server = RunningServer::start(&test.url);
    // As proxies do by default that name the server by its own address: the `Host` says nothing of them.
    for (name, value) in [
        ("Forwarded", "for=192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("X-Forwarded-Host", "record.example"),
        ("X-Real-IP", "192.0.2.1"),
        ("Via", "1.1 proxy"),
    ] {
        let ask = async |token: Option<&str>| {
            let request = server.client.post(format!("{}/graphql", server.address)).header(name, value);
            let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
            let response = request.json(&json!({ "query": "{ viewer { name } }" })).send().await.unwrap();
            (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap())
        };
        let (status, body) = ask(None).await;
        assert_eq!(status, 401, "{name}: {body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{name}");
        assert!(
            body["errors"][0]["message"].as_str().unwrap().contains("A proxy has passed this on"),
            "{name}: {body}"
        );
        assert_eq!(ask(Some(&token)).await.1["data"]["viewer"]["name"], "ada", "{name}");
    }
    let mut socket = Socket::connect(&server, &[("x-forwarded-for", "192.0.2.1")]).await;
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await, Came::Closed(Some(4403)));
    let mut socket = Socket::connect(&server, &[("x-forwarded-for", "192.0.2.1")]).await;
    let payload = json!({ "Authorization": format!("Bearer {token}") });
    socket.send(&json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.next().await, Came::Message(json!({ "type": "connection_ack" })));
}

#[tokio::test]
async fn where_others_can_reach_it_somebody_must_be_known() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let serve = |more: &[&str]| {
        let mut command = program();
        command.args(["serve", "--database", &test.url]).args(more);
        command
    };
    for open in [
        &["--listen", "0.0.0.0:0"][..],
        &["--listen", "127.0.0.1:0", "--require-authentication"],
        &["--listen", "127.0.0.1:0", "--allowed-hosts", "record.example"],
    ] {
        let refused = serve(open).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{open:?}: {said}");
        assert!(said.contains("throughline token create --user NAME --instance-role admin"), "{open:?}: {said}");
    }
    // A token lets nobody in whose user is deleted.
    for step in [&["token", "create", "--user", "gone"][..], &["user", "delete", "gone"]] {
        let done = program().args(step).args(["--database", &test.url]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let refused = serve(&["--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    let made = program()
        .args(["token", "create", "--user", "ada", "--instance-role", "admin", "--database", &test.url])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let server = RunningServer::start_with(&mut serve(&["--listen", "0.0.0.0:0"]));
    let address = server.address.replace("localhost", "127.0.0.1");
    let ask = async |token: Option<&str>| {
        let request = server
            .client
            .post(format!("{address}/graphql"))
            .json(&json!({ "query": "{ viewer { name instanceRole } }" }));
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        let response = request.send().await.unwrap();
        let challenge = response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenge, response.json::<serde_json::Value>().await.unwrap())
    };
    let (status, challenge, body) = ask(None).await;
    assert_eq!((status, challenge.as_deref()), (401, Some(r#"Bearer realm="throughline""#)), "{body}");
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let (status, _, body) = ask(Some(&token)).await;
    assert_eq!((status, &body["data"]["viewer"]), (200, &json!({ "name": "ada", "instanceRole": "ADMIN" })));
    assert!(!server.log().contains(&token) && !server.log().contains("local-owner"), "{}", server.log());
    // A browser that only looks is shown the page, where a token can be given.
    let page = server.client.get(format!("{address}/graphql")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 200);
}
