//! How much a caller may ask for in a minute.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::http::{Answer, Client};
use crate::support::{Backend, Came, RunningServer, Socket, TestDatabase, program};

const JSON: (&str, &str) = ("content-type", "application/json");
const EVENTS: (&str, &str) = ("accept", "text/event-stream");

/// A query that costs so much: a connection, and the rest in objects.
fn query_of(cost: u64) -> String {
    json!({ "query": format!("{{ projects(first: {}) {{ nodes {{ id }} }} }}", cost - 1) }).to_string()
}

async fn post(client: &Client, body: impl Into<reqwest::Body>) -> Answer {
    client.send("POST", "/graphql", &[JSON], body).await
}

/// `r` and `t` of the field `RateLimit`.
fn left(answer: &Answer) -> (u64, u64) {
    let text = answer.headers["ratelimit"].to_str().unwrap();
    let (r, t) = text.strip_prefix("\"identity\";r=").unwrap().split_once(";t=").unwrap();
    (r.parse().unwrap(), t.parse().unwrap())
}

/// Is refused, and told when to come again.
#[track_caller]
fn is_limited(answer: &Answer) -> u64 {
    answer.refuses(429, "RATE_LIMITED");
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    let seconds = body["errors"][0]["extensions"]["retryAfter"].as_u64().unwrap();
    assert_eq!(answer.headers["retry-after"], seconds.to_string());
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(answer.headers.contains_key("ratelimit-policy"));
    seconds
}

#[tokio::test]
async fn without_a_limit_nothing_is_counted() {
    let client = Client::new().await;
    let answer = post(&client, r#"{"query": "{ rateLimit { limit remaining resetAt cost } }"}"#).await;
    assert_eq!(answer.text, r#"{"data":{"rateLimit":null}}"#);
    assert!(!answer.headers.contains_key("ratelimit") && !answer.headers.contains_key("ratelimit-policy"));
}

#[tokio::test]
async fn what_is_left_is_told() {
    let client = Client::with(&["--rate-limit", "1000"]).await;
    let query = "{ rateLimit { limit remaining resetAt cost } projects(first: 98) { nodes { id } } }";
    let before = chrono::Utc::now();
    let answer = post(&client, json!({ "query": query }).to_string()).await;
    assert_eq!(answer.headers["ratelimit-policy"], "\"identity\";q=1000;w=60");
    let (remaining, reset) = left(&answer);
    assert!((900..=905).contains(&remaining) && (5..=6).contains(&reset), "{remaining} {reset}");
    let told = &serde_json::from_str::<Value>(&answer.text).unwrap()["data"]["rateLimit"];
    assert_eq!((&told["limit"], &told["cost"]), (&json!(1000), &json!(100)), "{told}");
    assert_eq!(told["remaining"], json!(remaining), "{told}");
    let reset_at: chrono::DateTime<chrono::Utc> = told["resetAt"].as_str().unwrap().parse().unwrap();
    assert!((4..=8).contains(&(reset_at - before).num_seconds()), "{told}");
    // What was sent is not what came: there is no project.
    let (after, _) = left(&post(&client, query_of(100)).await);
    assert!((800..=850).contains(&after), "{after}");
}

#[tokio::test]
async fn who_has_spent_all_waits_as_long_as_is_told() {
    let client = Client::with(&["--rate-limit", "600"]).await;
    let made = json!({ "query": "mutation { createProject(input: { name: \"SECRET\" }) { version } }" }).to_string();
    assert_eq!(post(&client, query_of(595)).await.status, StatusCode::OK);
    // Too little is left for all of this, which is not begun.
    let too_much = post(&client, query_of(300)).await;
    let seconds = is_limited(&too_much);
    assert!((27..=31).contains(&seconds), "{seconds}");
    // Nothing at all is left, soon.
    let limited = loop {
        let answer = post(&client, "SECRET").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break answer;
        }
        answer.refuses(400, "BAD_REQUEST");
    };
    assert_eq!((is_limited(&limited), left(&limited).0), (1, 0));
    // Nothing was read of it: not even what it says that it is.
    let unread = client.send("POST", "/graphql", &[("content-type", "SECRET")], made.clone()).await;
    assert_eq!(is_limited(&unread), 1);
    let newer = ("accept", "application/graphql-response+json");
    is_limited(&client.send("GET", "/graphql?query=%7Ba%7D", &[newer], "").await);
    let refused = loop {
        let answer = post(&client, made.clone()).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break answer;
        }
    };
    tokio::time::sleep(Duration::from_secs(is_limited(&refused))).await;
    let answer = post(&client, made).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    // What is not GraphQL costs nothing.
    for path in ["/health/live", "/metrics"] {
        assert_eq!(client.send("GET", path, &[], "").await.status, StatusCode::OK);
    }
    let metrics = client.send("GET", "/metrics", &[], "").await.text;
    let counted = metrics.lines().find(|line| line.contains("code=\"RATE_LIMITED\"")).unwrap();
    assert!(!counted.ends_with(" 0"), "{counted}");
}

#[tokio::test]
async fn what_is_refused_costs_a_point() {
    let client = Client::with(&["--rate-limit", "20"]).await;
    for (body, status) in [
        ("SECRET".to_owned(), 400),
        (r#"{"query": "{ SECRET"}"#.to_owned(), 200),
        (r#"{"query": "{ noSuchField }"}"#.to_owned(), 200),
        (r#"{"query": "{ __typename }"}"#.to_owned(), 200),
        (r#"{"query": "{ __schema { types { name } } }"}"#.to_owned(), 200),
        // It can never be paid for: waiting does not help, and asking for less does.
        (query_of(21), 200),
    ] {
        let answer = post(&client, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        if body.contains("first: 20") {
            answer.refuses(200, "QUERY_TOO_COMPLEX");
            assert!(answer.text.contains("20 are allowed"), "{}", answer.text);
        }
    }
    let (remaining, _) = left(&post(&client, r#"{"query": "{ __typename }"}"#).await);
    assert!((13..=14).contains(&remaining), "{remaining}");
}

#[tokio::test]
async fn each_of_a_list_pays_for_itself() {
    let client = Client::with(&["--rate-limit", "20", "--max-batch", "5"]).await;
    let list = format!("[{}]", vec![query_of(8); 4].join(","));
    let answer = post(&client, list).await;
    let answers: Vec<Value> = serde_json::from_str(&answer.text).unwrap();
    let codes: Vec<_> = answers.iter().map(|answer| answer["errors"][0]["extensions"]["code"].as_str()).collect();
    assert_eq!(codes, [None, None, Some("RATE_LIMITED"), Some("RATE_LIMITED")], "{}", answer.text);
}

#[tokio::test]
async fn other_ways_refuse_with_the_same_code() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--rate-limit", "30", "--database", &test.url]);
    let server = RunningServer::start_with(&mut command);
    let mut socket = Socket::ready(&server).await;
    let query = |cost: u64| format!("{{ projects(first: {}) {{ nodes {{ id }} }} }}", cost - 1);
    socket.subscribe("1", &query(29), json!({})).await;
    assert_eq!(socket.answer("1").await, json!({ "data": { "projects": { "nodes": [] } } }));
    assert_eq!(socket.next().await, Came::Message(json!({ "id": "1", "type": "complete" })));
    // Over WebSocket, one that begins and cannot be paid for, and one that cannot even begin.
    for query in [query(20), "{ __typename }".to_owned(), "{ __typename }".to_owned(), "{ __typename }".to_owned()] {
        socket.subscribe("2", &query, json!({})).await;
        match socket.next().await {
            Came::Message(message) if message["type"] == "error" => {
                let extensions = &message["payload"][0]["extensions"];
                assert_eq!(extensions["code"], "RATE_LIMITED");
                assert!(extensions["retryAfter"].as_u64().is_some_and(|seconds| seconds > 0));
            }
            Came::Message(message) if message["type"] == "next" => {
                assert!(matches!(socket.next().await, Came::Message(_)));
            }
            other => panic!("{other:?}"),
        }
    }
    let body = json!({ "query": query(20) }).to_string();
    let request = server.client.post(format!("{}/graphql/stream", server.address)).header(JSON.0, JSON.1);
    let answer = request.header(EVENTS.0, EVENTS.1).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("ratelimit"));
    let events = answer.text().await.unwrap();
    assert!(
        events.contains("event: next") && events.contains("RATE_LIMITED") && events.contains("event: complete"),
        "{events}"
    );
}

/// Who is not known pays with the budget of an address, and nobody who is known does.
#[tokio::test]
async fn who_guesses_tokens_pays_for_each() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let made = ["token", "create", "--user", "ada", "--instance-role", "admin", "--database", &test.url];
    let made = program().args(made).output().unwrap();
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url, "--rate-limit", "1000"]);
    command.args(["--rate-limit-anonymous", "5", "--trusted-proxies", "1"]);
    let server = RunningServer::start_with(&mut command);
    let ask = async |token: Option<&str>, from: &str| {
        let request = server.client.post(format!("{}/graphql", server.address)).header("x-forwarded-for", from);
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        let answer = request.json(&json!({ "query": "{ viewer { name } }" })).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.json::<Value>().await.unwrap())
    };
    for token in [Some("tl_wrong"), None, Some("ey.ey.ey"), Some("tl_wrong"), None] {
        assert_eq!(ask(token, "192.0.2.1").await.0, 401);
    }
    let (status, headers, body) = ask(Some("tl_wrong"), "192.0.2.1").await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(headers["ratelimit-policy"], "\"address\";q=5;w=60");
    let seconds = body["errors"][0]["extensions"]["retryAfter"].as_u64().unwrap();
    assert!((1..=12).contains(&seconds) && headers["retry-after"] == seconds.to_string(), "{body}");
    // Another address has a budget of its own, and what a client writes itself is not believed.
    for from in ["192.0.2.2", "192.0.2.1, 192.0.2.2"] {
        assert_eq!(ask(None, from).await.0, 401, "{from}");
    }
    assert_eq!(ask(None, "192.0.2.2, 192.0.2.1").await.0, 429);
    let (status, headers, body) = ask(Some(&token), "192.0.2.1").await;
    assert_eq!((status, &body["data"]["viewer"]["name"]), (200, &json!("ada")), "{body}");
    assert_eq!(headers["ratelimit-policy"], "\"identity\";q=1000;w=60");
}

/// Two who are known have two budgets.
#[tokio::test]
async fn each_pays_for_what_it_asks_itself() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let tokens = ["ada", "bob"].map(|name| {
        let made = ["token", "create", "--user", name, "--instance-role", "admin", "--database", &test.url];
        String::from_utf8(program().args(made).output().unwrap().stdout).unwrap().trim().to_owned()
    });
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url, "--rate-limit", "20"]);
    let server = RunningServer::start_with(&mut command);
    let ask = async |token: &str, cost: u64| {
        let request = server.client.post(format!("{}/graphql", server.address)).bearer_auth(token);
        let request = request.header(JSON.0, JSON.1).body(query_of(cost));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((ask(&tokens[0], 19).await, ask(&tokens[0], 19).await), (200, 429));
    assert_eq!((ask(&tokens[1], 19).await, ask(&tokens[1], 19).await), (200, 429));
}

/// A subscription pays for each answer, and one that cannot is answered later, not less.
#[tokio::test]
async fn a_subscription_is_answered_as_fast_as_it_can_pay() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let makes = RunningServer::start(&test.url);
    let mut first = String::new();
    for number in 0..30 {
        let made = "mutation($name: String!) { createProject(input: { name: $name }) { cursor } }";
        let answer = makes.graphql(made, json!({ "name": format!("project {number}") })).await;
        if first.is_empty() {
            first = answer["data"]["createProject"]["cursor"].as_str().unwrap().to_owned();
        }
    }
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--rate-limit", "20", "--database", &test.url]);
    let server = RunningServer::start_with(&mut command);
    let mut socket = Socket::ready(&server).await;
    let began = Instant::now();
    let changes = "subscription($after: String) { changes(after: $after) { cursor aggregateId } }";
    socket.subscribe("1", changes, json!({ "after": first })).await;
    let mut came = Vec::new();
    let mut times = Vec::new();
    while came.len() < 22 {
        came.push(socket.answer("1").await["data"]["changes"]["cursor"].as_str().unwrap().to_owned());
        times.push(began.elapsed());
    }
    assert!(times[15] < Duration::from_secs(3), "the first came late: {times:?}");
    assert!(times[21] > Duration::from_secs(4), "the last came early: {times:?}");
    let all = makes
        .graphql(
            "query($after: String) { changes(after: $after, first: 22) { nodes { cursor } } }",
            json!({ "after": first }),
        )
        .await;
    let nodes = all["data"]["changes"]["nodes"].as_array().unwrap_or_else(|| panic!("{all}"));
    let expected: Vec<_> = nodes.iter().map(|node| node["cursor"].as_str().unwrap()).collect();
    assert_eq!(came, expected);
}
