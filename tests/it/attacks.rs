//! What is sent to break the server: refused at little cost, and the next request is served.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Backend, RunningServer, TestDatabase, repeat};

/// The most processor time of one refusal.
const MOST_CPU: Duration = Duration::from_millis(100);
/// The most of the fragment bomb's.
const MOST_CPU_OF_BOMB: Duration = Duration::from_millis(10);
/// An answer may be so large, or as large as what was sent.
const SMALL_ANSWER_BYTES: usize = 1024;

struct Target {
    server: RunningServer,
    _test: TestDatabase,
}

struct Answer {
    status: u16,
    body: String,
}

impl Target {
    async fn new(backend: Backend) -> Self {
        let test = TestDatabase::new(backend).await;
        let target = Self { server: RunningServer::start(&test.url), _test: test };
        // What is only done once is not the attack's.
        for _ in 0..3 {
            target.is_well().await;
        }
        target
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.server.client.post(format!("{}/graphql", self.server.address));
        let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
        Answer { status: response.status().as_u16(), body: response.text().await.unwrap() }
    }

    async fn document(&self, document: &str) -> Answer {
        self.post(json!({ "query": document }).to_string()).await
    }

    /// A usual request is answered as usual.
    async fn is_well(&self) {
        let answer = self.server.graphql("{ projects(first: 1) { totalCount } }", json!({})).await;
        assert_eq!(answer, json!({ "data": { "projects": { "totalCount": 0 } } }));
    }

    /// Sends `body` and looks at what it costs: it is refused with this code, cheaply, and tells nothing.
    async fn refuses(&self, name: &str, code: &str, body: impl Into<Vec<u8>>, most_cpu: Duration) {
        let body = body.into();
        let sent = body.len();
        let before = self.server.cpu();
        let answer = self.post(body).await;
        let took = self.server.cpu_since(before);
        println!(
            "{name:28} {sent:>8} bytes  {:>9.3} ms  {:>5} bytes back  {}",
            took.as_secs_f64() * 1e3,
            answer.body.len(),
            answer.status
        );
        answer.tells_nothing(name);
        assert!(answer.body.len() <= sent.max(SMALL_ANSWER_BYTES), "{name}: {} bytes for {sent}", answer.body.len());
        assert!(took < most_cpu, "{name}: {took:?} of processor time");
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{name}: {answer}");
        assert!(answer.get("data").is_none(), "{name}: {answer}");
        self.is_well().await;
    }

    /// Sends bytes as they are, and reads until the server closes the connection or has nothing more to say.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut connection = TcpStream::connect(self.server.address.strip_prefix("http://").unwrap()).unwrap();
        connection.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
        // The server may close before everything is sent.
        let _ = connection.write_all(bytes);
        let _ = connection.shutdown(Shutdown::Write);
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(read @ 1..) = connection.read(&mut buffer) {
            answer.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(answer).unwrap()
    }
}

impl Answer {
    /// No fault of ours, and no word of how we work inside.
    #[track_caller]
    fn tells_nothing(&self, name: &str) {
        assert!(self.status < 500, "{name}: {} {}", self.status, self.body);
        for word in ["INTERNAL", "SELECT", "sqlite", "postgres", "panicked", "src/", "syntax error"] {
            assert!(!self.body.contains(word), "{name}: {}", self.body);
        }
    }
}

fn query(document: &str) -> Vec<u8> {
    json!({ "query": document }).to_string().into_bytes()
}

/// Fragments each of which spreads the next one twice.
fn bomb(levels: usize) -> String {
    let spreads = repeat(levels, |level| format!("fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1));
    format!("{{ ...F0 }} {spreads} fragment F{levels} on Query {{ __typename }}")
}

#[tokio::test]
async fn a_document_of_too_much_is_refused_before_it_is_work() {
    let target = Target::new(Backend::Sqlite).await;
    let cases = [
        ("aliases", "LIMIT_EXCEEDED", query(&format!("{{ {} }}", repeat(2_000, |i| format!("a{i}: __typename"))))),
        ("directives", "LIMIT_EXCEEDED", query(&format!("{{ __typename {} }}", "@skip(if: false) ".repeat(1_000)))),
        ("unknown directives", "LIMIT_EXCEEDED", query(&format!("{{ __typename {} }}", "@x ".repeat(5_000)))),
        ("deep nesting", "LIMIT_EXCEEDED", query(&format!("{}{}", "{ project ".repeat(5_000), "}".repeat(5_000)))),
        ("nesting of 30", "LIMIT_EXCEEDED", query(&format!("{} id {}", "{ project".repeat(30), "}".repeat(30)))),
        (
            "deep lists",
            "LIMIT_EXCEEDED",
            query(&format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(5_000), "]".repeat(5_000))),
        ),
        ("unclosed brackets", "LIMIT_EXCEEDED", query(&"{ a ".repeat(7_000))),
        ("10,000 duplicated fields", "LIMIT_EXCEEDED", query(&format!("{{ {} }}", "__typename ".repeat(10_000)))),
        (
            "duplicated fields below",
            "LIMIT_EXCEEDED",
            query(&format!("{{ projects {{ {} }} }}", "totalCount ".repeat(10_000))),
        ),
        (
            "unknown fields",
            "LIMIT_EXCEEDED",
            query(&format!("{{ projects {{ {} }} }}", repeat(10_000, |i| format!("x{i}")))),
        ),
        ("5,000 operations", "LIMIT_EXCEEDED", query(&repeat(5_000, |i| format!("query Q{i} {{ __typename }}")))),
        ("tokens", "LIMIT_EXCEEDED", query(&format!("{{ a }}{}", " a".repeat(400_000)))),
        ("a long name", "LIMIT_EXCEEDED", query(&format!("{{ {} }}", "n".repeat(900_000)))),
        (
            "a chain of fragments",
            "LIMIT_EXCEEDED",
            query(&format!(
                "{{ ...F0 }} {} fragment F1500 on Query {{ __typename }}",
                repeat(1_500, |i| format!("fragment F{i} on Query {{ ...F{} }}", i + 1))
            )),
        ),
        (
            "fragments in a circle",
            "GRAPHQL_VALIDATION_FAILED",
            query("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
        ),
        (
            "too many objects",
            "QUERY_TOO_COMPLEX",
            query(
                "{ projects(first: 1000) { nodes { features(first: 1000) { nodes { tests(first: 1000) { nodes { id } } } } } } }",
            ),
        ),
        (
            "many ids",
            "QUERY_TOO_COMPLEX",
            query(&format!(
                "{{ {} }}",
                repeat(11, |i| format!("n{i}: nodes(ids: [{}]) {{ id }}", "\"x\",".repeat(1_000)))
            )),
        ),
        ("comments", "LIMIT_EXCEEDED", query(&"# x\n".repeat(200_000))),
        ("white space", "GRAPHQL_PARSE_FAILED", query(&format!("{}?", " ".repeat(900_000)))),
        ("an unclosed text", "GRAPHQL_PARSE_FAILED", query(&format!("{{ node(id: \"{}", "x".repeat(900_000)))),
        ("NUL", "GRAPHQL_PARSE_FAILED", query("{ projects \u{0} { totalCount } }")),
        ("control characters", "GRAPHQL_PARSE_FAILED", query(&"\u{1b}[2J\u{8}".repeat(100))),
    ];
    for (name, code, body) in cases {
        target.refuses(name, code, body, MOST_CPU).await;
    }
}

#[tokio::test]
async fn the_fragment_bomb_does_not_go_off() {
    let target = Target::new(Backend::Sqlite).await;
    for levels in [22, 31, 40] {
        target.refuses(&format!("bomb of {levels}"), "LIMIT_EXCEEDED", query(&bomb(levels)), MOST_CPU_OF_BOMB).await;
    }
    let unused = bomb(31).replace("{ ...F0 }", "{ __typename }");
    target.refuses("bomb that nothing spreads", "LIMIT_EXCEEDED", query(&unused), MOST_CPU_OF_BOMB).await;
    let below = bomb(31).replace("on Query", "on Project").replacen("{ ...F0 }", "{ projects { nodes { ...F0 } } }", 1);
    target.refuses("bomb below a list", "LIMIT_EXCEEDED", query(&below), MOST_CPU_OF_BOMB).await;
    let mutation = bomb(31).replace("on Query", "on Mutation").replacen("{ ...F0 }", "mutation { ...F0 }", 1);
    target.refuses("bomb in a mutation", "LIMIT_EXCEEDED", query(&mutation), MOST_CPU_OF_BOMB).await;
    // Two at once, and a usual request between them.
    let before = target.server.cpu();
    let (document, other) = (bomb(31), bomb(30));
    let (one, two, ()) = tokio::join!(target.document(&document), target.document(&other), target.is_well());
    let spent = target.server.cpu_since(before);
    assert!(one.body.contains("LIMIT_EXCEEDED") && two.body.contains("LIMIT_EXCEEDED"), "{} {}", one.body, two.body);
    assert!(spent < MOST_CPU_OF_BOMB * 3, "{spent:?}");
}

#[tokio::test]
async fn the_schema_is_not_asked_for_more_than_there_is() {
    let target = Target::new(Backend::Sqlite).await;
    let around = |times: usize| {
        let (down, up) = ("possibleTypes { interfaces { ".repeat(times), "} } ".repeat(times));
        format!("__type(name: \"Node\") {{ {down} name {up} }}")
    };
    let fields = |times: usize| {
        format!("fields {{ type {{ {} name {} }} }}", "fields { type { ".repeat(times), "} } ".repeat(times))
    };
    let cases = [
        ("types of types of types", format!("{{ {} }}", around(6))),
        ("twenty of them", format!("{{ {} }}", repeat(20, |i| format!("a{i}: {}", around(6))))),
        ("fields of fields", format!("{{ __schema {{ types {{ {} }} }} }}", fields(3))),
        (
            "fields again and again",
            format!("{{ __schema {{ types {{ {} }} }} }}", repeat(1_000, |_| "fields { name }".to_owned())),
        ),
    ];
    for (name, document) in cases {
        target.refuses(name, "QUERY_TOO_COMPLEX", query(&document), MOST_CPU).await;
    }
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused() {
    let target = Target::new(Backend::Sqlite).await;
    let garbage: Vec<u8> = (0..35_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    let cases: [(&str, &str, Vec<u8>); 9] = [
        ("35 KB of garbage", "BAD_REQUEST", garbage.clone()),
        ("garbage in a document", "GRAPHQL_PARSE_FAILED", query(&String::from_utf8_lossy(&garbage))),
        ("invalid UTF-8", "BAD_REQUEST", b"{\"query\": \"{ a\xff\xfe }\"}".to_vec()),
        ("half a surrogate", "BAD_REQUEST", br#"{"query": "{ a \ud800 }"}"#.to_vec()),
        ("deep JSON", "BAD_REQUEST", "[".repeat(900_000).into_bytes()),
        (
            "deep variables",
            "BAD_REQUEST",
            format!(
                r#"{{"query": "{{ __typename }}", "variables": {{"x": {}{}}}}}"#,
                "[".repeat(50_000),
                "]".repeat(50_000)
            )
            .into_bytes(),
        ),
        (
            "a list of 5,000 requests",
            "BAD_REQUEST",
            format!("[{}]", vec![r#"{"query":"{ __typename }"}"#; 5_000].join(",")).into_bytes(),
        ),
        ("a number too large", "BAD_REQUEST", format!(r#"{{"query": 1{}}}"#, "0".repeat(100_000)).into_bytes()),
        ("two megabytes", "PAYLOAD_TOO_LARGE", vec![b' '; 2_000_000]),
    ];
    for (name, code, body) in cases {
        target.refuses(name, code, body, MOST_CPU).await;
    }
    // What is large but right is no attack, and is answered as cheaply.
    let many = (0..20_000).map(|i| (format!("v{i}"), json!(i))).collect::<serde_json::Map<_, _>>();
    let before = target.server.cpu();
    let answer = target.post(json!({ "query": "{ __typename }", "variables": many }).to_string()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"data":{"__typename":"Query"}}"#));
    assert!(target.server.cpu_since(before) < MOST_CPU);
}

on_both! {
    words_of_sql_are_only_words,
}

async fn words_of_sql_are_only_words(backend: Backend) {
    let target = Target::new(backend).await;
    let made = target
        .document(
            "mutation { applyChanges(input: { steps: [
        { name: \"p\", change: { createProject: { name: \"p\" } } }
        { change: { createFeature: { projectId: \"$ref:p\", name: \"one\" } } }
        { change: { createFeature: { projectId: \"$ref:p\", name: \"two\" } } }
    ] }) { userErrors { code } } }",
        )
        .await;
    assert_eq!(made.body, r#"{"data":{"applyChanges":{"userErrors":[]}}}"#);
    let everything = "{ projects { totalCount nodes { name rowVersion } } features { nodes { id name rowVersion } } \
        events { totalCount } auditLogs { totalCount } featureCounts(groupBy: [STATUS]) { count } }";
    let before = target.document(everything).await.body;
    let words = [
        "'; DROP TABLE features; --",
        "\" OR 1=1 --",
        "' UNION SELECT * FROM projects --",
        "%",
        "_",
        "\\",
        "\\'",
        "$1",
        "?1",
        ":x",
        "NULL",
        "\u{0}",
        "a\u{0}b",
        "');DELETE FROM events;--",
        "\u{202e}",
        "{}",
        "[1]",
        "1e999",
        "\u{feff}",
        "${jndi:ldap://x}",
    ];
    // Where a text of the client's gets to: each filter of a text, ids, cursors, orders, groups and the search.
    let documents = [
        "query($x: String) { features(filter: { name: { eq: $x } }) { totalCount nodes { id } } }",
        "query($x: String!) { features(filter: { name: { in: [$x] } }) { totalCount } }",
        "query($x: String) { features(filter: { name: { startsWith: $x } }) { totalCount } }",
        "query($x: String) { features(filter: { name: { contains: $x } }) { totalCount } }",
        "query($x: String) { projects(filter: { features: { some: { name: { eq: $x } } } }) { totalCount } }",
        "query($x: ID!) { feature(id: $x) { id } }",
        "query($x: ID!) { nodes(ids: [$x, $x]) { id } }",
        "query($x: String) { features(after: $x) { totalCount nodes { id } } }",
        "query($x: String) { features(before: $x, last: 3) { nodes { id } } }",
        "query($x: String!) { search(query: $x) { totalCount nodes { title } } }",
        "query($x: ID!) { moreProjectFeatures(pages: [{ parent: $x, after: \"x\" }]) { totalCount } }",
        "query($x: FeatureOrderField!) { features(orderBy: { field: $x }) { totalCount } }",
        "query($x: [FeatureGroup!]!) { featureCounts(groupBy: $x) { count } }",
        "mutation($x: String!) { createProject(input: { name: $x }, dryRun: true) { userErrors { code } } }",
        "mutation($x: ID!) { deleteFeature(input: { id: $x }) { userErrors { code } } }",
        "mutation($x: String) { createProject(input: { name: \"y\" }, dryRun: true, idempotencyKey: $x) { userErrors { code } } }",
    ];
    for document in documents {
        for word in words {
            let answer = target.post(json!({ "query": document, "variables": { "x": word } }).to_string()).await;
            answer.tells_nothing(&format!("{document} with {word:?}"));
            let answer: Value = serde_json::from_str(&answer.body).unwrap();
            assert!(answer.get("data").is_some() || answer["errors"][0]["extensions"]["code"].is_string(), "{answer}");
            // No name is one of these words, and no id or cursor: nothing is found by them, whatever they say to SQL.
            if document.contains(" eq: ") || document.contains(" in: ") || document.contains("(id: ") {
                let found = answer["data"].to_string();
                assert!(
                    !found.contains("feature_") && !found.contains("\"totalCount\":2"),
                    "{document} with {word:?}: {found}"
                );
            }
        }
    }
    assert_eq!(target.document(everything).await.body, before);
}

#[tokio::test]
async fn one_request_cannot_be_taken_for_two() {
    let target = Target::new(Backend::Sqlite).await;
    let body = r#"{"query":"{ __typename }"}"#;
    let length = body.len();
    let smuggled = "GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let chunk = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let requests = [
        (
            "two lengths",
            format!("{head}content-length: {length}\r\ncontent-length: {}\r\n\r\n{body}{smuggled}", length + 5),
        ),
        ("a list of lengths", format!("{head}content-length: {length}, 5\r\n\r\n{body}{smuggled}")),
        ("a length with a sign", format!("{head}content-length: +{length}\r\n\r\n{body}{smuggled}")),
        (
            "a length and chunks",
            format!("{head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{smuggled}"),
        ),
        ("chunks by another name", format!("{head}transfer-encoding: xchunked\r\n\r\n{chunk}{smuggled}")),
        ("chunks not last", format!("{head}transfer-encoding: chunked, identity\r\n\r\n{chunk}{smuggled}")),
        (
            "a folded header",
            format!("{head}transfer-encoding:\r\n chunked\r\ncontent-length: {length}\r\n\r\n{chunk}{smuggled}"),
        ),
        ("a space before the colon", format!("{head}content-length : {length}\r\n\r\n{body}{smuggled}")),
        (
            "a bad size of a chunk",
            format!("{head}transfer-encoding: chunked\r\n\r\n-1\r\n{body}\r\n0\r\n\r\n{smuggled}"),
        ),
        ("no HTTP", "\u{0}\u{1}SSH-2.0\r\n\r\n".to_owned()),
        ("headers without end", format!("GET / HTTP/1.1\r\n{}\r\n\r\n", "x: y\r\n".repeat(200_000))),
    ];
    for (name, request) in requests {
        let answer = target.raw(request.as_bytes());
        let answers = answer.matches("HTTP/1.1 ").count();
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        // What is read as one request, with chunks and not by its length, may be answered; what follows it is not.
        let read_by_chunks = ["a length and chunks", "a folded header"].contains(&name);
        assert!(answers <= 1 && (refused || read_by_chunks), "{name}: {answer}");
        target.is_well().await;
    }
}
