//! Server-sent events: the distinct connections mode of GraphQL over SSE, and `Last-Event-ID`.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Response;
use serde_json::{Value, json};

use super::{CHANGES, last_cursor, make_feature, make_project, text};
use crate::support::{Backend, RunningServer, TestDatabase, program};

/// One event.
#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: Option<String>,
    data: String,
}

/// Reads a stream of events.
struct Events {
    response: Response,
    buffer: String,
    comments: usize,
    /// How many lines of data there were.
    lines: usize,
}

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, buffer: String::new(), comments: 0, lines: 0 }
    }

    /// The next event; nothing where the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(": ").or(line.split_once(':')).unwrap_or((line, "")) {
                        ("event", name) => name.clone_into(&mut event.name),
                        ("id", id) => event.id = Some(id.to_owned()),
                        ("data", data) => {
                            self.lines += 1;
                            event.data.push_str(data);
                        }
                        ("", _) => self.comments += 1,
                        other => panic!("{other:?}"),
                    }
                }
                let length = self.buffer.len() - rest.len();
                self.buffer.drain(..length);
                if event != Event::default() {
                    return Some(event);
                }
                continue;
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(30), self.response.chunk()).await.expect("nothing came");
            self.buffer.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    async fn change(&mut self) -> (String, Value) {
        let event = self.next().await.unwrap();
        assert_eq!(event.name, "next");
        let mut data: Value = serde_json::from_str(&event.data).unwrap();
        (event.id.unwrap(), data["data"]["changes"].take())
    }
}

async fn start() -> (TestDatabase, RunningServer) {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url, "--ping-interval-ms", "100"]);
    let server = RunningServer::start_with(&mut command);
    (test, server)
}

async fn post(server: &RunningServer, query: &str, variables: Value, last_id: Option<&str>) -> Response {
    let mut request = server.client.post(format!("{}/graphql/stream", server.address));
    if let Some(id) = last_id {
        request = request.header("last-event-id", id);
    }
    let request = request.header("accept", "text/event-stream");
    request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap()
}

#[tokio::test]
async fn one_answer_and_the_end() {
    let (_test, server) = start().await;
    for (query, expected) in [
        ("{ __typename }", json!({ "data": { "__typename": "Query" } })),
        (
            "mutation { createProject(input: { name: \"p\" }) { project { name } } }",
            json!({ "data": { "createProject": { "project": { "name": "p" } } } }),
        ),
    ] {
        let mut events = Events::of(post(&server, query, json!({}), None).await);
        let event = events.next().await.unwrap();
        assert_eq!((event.name.as_str(), serde_json::from_str::<Value>(&event.data).unwrap()), ("next", expected));
        let before = events.lines;
        assert_eq!(events.next().await.unwrap().name, "complete");
        assert!(events.lines > before, "without data a browser does not tell of it");
        assert_eq!(events.next().await, None);
    }
    // What is wrong with an operation is told in an event, since a browser sees nothing else.
    let mut events = Events::of(post(&server, "subscription { nothing }", json!({}), None).await);
    let event = events.next().await.unwrap();
    let answer: Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(events.next().await.unwrap().name, "complete");
}

#[tokio::test]
async fn a_browser_goes_on_where_it_was_cut() {
    let (_test, server) = start().await;
    let (project, _) = make_project(&server, "p").await;
    // As an `EventSource` asks, which has no body and no headers of its own.
    let url = reqwest::Url::parse_with_params(&format!("{}/graphql/stream", server.address), [("query", CHANGES)]);
    let url = url.unwrap();
    let asked = |id: Option<String>| {
        let request = server.client.get(url.clone()).header("accept", "text/event-stream");
        id.map_or(request.try_clone().unwrap(), |id| request.header("last-event-id", id)).send()
    };
    let mut events = Events::of(asked(None).await.unwrap());
    make_feature(&server, &project, "a").await;
    let (id, change) = events.change().await;
    assert_eq!((change["type"].as_str(), change["cursor"].as_str()), (Some("feature.create"), Some(id.as_str())));
    drop(events);
    make_feature(&server, &project, "b").await;
    make_feature(&server, &project, "c").await;
    let mut events = Events::of(asked(Some(id.clone())).await.unwrap());
    let (second, _) = events.change().await;
    let (third, _) = events.change().await;
    assert!(id != second && second != third);
    assert_eq!(third, last_cursor(&server).await);
    // It tells that it is there.
    tokio::time::sleep(Duration::from_millis(350)).await;
    make_feature(&server, &project, "d").await;
    events.change().await;
    assert!(events.comments >= 2, "{}", events.comments);
}

#[tokio::test]
async fn what_holds_for_requests_holds_for_streams() {
    let (_test, server) = start().await;
    let stream = format!("{}/graphql/stream", server.address);
    let get = |query: &str| server.client.get(reqwest::Url::parse_with_params(&stream, [("query", query)]).unwrap());
    let mutation = "mutation { createProject(input: { name: \"p\" }) { project { name } } }";
    let mut events = Events::of(get(mutation).send().await.unwrap());
    assert!(events.next().await.unwrap().data.contains("METHOD_NOT_ALLOWED"));
    let cross_site = get(CHANGES).header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(cross_site.status(), 403);
    let json = get(CHANGES).header("accept", "application/json").send().await.unwrap();
    assert_eq!(json.status(), 406);
    let plain = server.client.post(&stream).header("content-type", "text/plain").body("{}").send().await.unwrap();
    assert_eq!(plain.status(), 415);
    let no_query = server.client.post(&stream).json(&json!({})).send().await.unwrap();
    assert_eq!(no_query.status(), 400);
    let wrong = post(&server, CHANGES, json!({}), Some("nonsense")).await;
    assert!(Events::of(wrong).next().await.unwrap().data.contains("INVALID_CURSOR"));
    // At `/graphql` a subscription has nowhere to go.
    let answer = server.graphql(CHANGES, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    assert!(text(&answer["errors"][0]["message"]).contains("/graphql/ws"));
}

#[tokio::test]
async fn a_stop_ends_a_stream_that_comes_back() {
    let (_test, mut server) = start().await;
    let mut events = Events::of(post(&server, CHANGES, json!({}), None).await);
    server.terminate();
    assert_eq!(events.next().await, None, "it ends without `complete`");
    let status = server.wait(Duration::from_secs(5)).unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(!server.log().contains("dropped"), "{}", server.log());
    let _ = futures_util::stream::empty::<()>().next().await;
}
