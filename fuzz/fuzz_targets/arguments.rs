//! Any bytes as ids, cursors and searches, over a database with a few rows: whatever they are, the answer is JSON of a bounded
//! length, and nothing in it is our fault.
//!
//! The first byte says which argument, the second what is made of the rest: the text itself, or edits of a right one.

#![no_main]

use std::sync::LazyLock;

use async_graphql::Variables;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use throughline::Throughline;
use throughline::access::Caller;
use throughline::graphql::Request;
use tokio::runtime::Runtime;

/// Far more than an answer about all the rows that there are.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;
const ROWS: usize = 6;
/// An order for each kind of value that a cursor can hold.
const ORDERS: [&str; 5] = [
    "[]",
    "[{field: NAME}]",
    "[{field: PRIORITY, direction: DESC}]",
    "[{field: CREATED_AT}, {field: NAME}]",
    "[{field: TEST_COUNT}, {field: LATEST_DEPLOYED_AT, direction: DESC}]",
];

/// What is asked, and a right value for its argument.
struct Question {
    document: String,
    right: String,
    is_cursor: bool,
    /// Variables that stay as they are.
    fixed: Value,
}

struct World {
    runtime: Runtime,
    throughline: Throughline,
    questions: Vec<Question>,
}

static WORLD: LazyLock<World> = LazyLock::new(World::build);

fuzz_target!(|bytes: &[u8]| {
    let [which, how, rest @ ..] = bytes else { return };
    let world = &*WORLD;
    let question = &world.questions[usize::from(*which) % world.questions.len()];
    let text = match how % 3 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => String::from_utf8_lossy(&edit(question.right.as_bytes(), rest)).into_owned(),
        // What stands under the base 64.
        _ if question.is_cursor => {
            let json = URL_SAFE_NO_PAD.decode(&question.right).expect("our cursors are base 64");
            URL_SAFE_NO_PAD.encode(edit(&json, rest))
        }
        _ => question.right.clone() + &String::from_utf8_lossy(rest),
    };
    let mut variables = question.fixed.clone();
    variables["x"] = Value::from(text);
    world.ask(&question.document, variables);
});

/// Applies edits of three bytes each: what to do, where, and with which byte.
fn edit(right: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut edited = right.to_vec();
    for step in edits.chunks_exact(3) {
        let place = usize::from(step[1]) % (edited.len() + 1);
        match step[0] % 4 {
            0 => edited.insert(place, step[2]),
            1 => edited.truncate(place),
            _ if place == edited.len() => edited.push(step[2]),
            2 => edited[place] ^= step[2],
            _ => drop(edited.remove(place)),
        }
    }
    edited
}

impl World {
    fn build() -> Self {
        // A static is never dropped: what runs this removes the folder.
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let url = format!("sqlite://{}", folder.join("fuzz.db").display());
        let throughline = runtime.block_on(Throughline::builder().database(url).build()).expect("a database");
        let mut world = Self { runtime, throughline, questions: Vec::new() };
        world.fill();
        world
    }

    fn fill(&mut self) {
        let made = self.ask("mutation { createProject(input: {name: \"Grid\"}) { project { id } } }", json!({}));
        let project = made["createProject"]["project"]["id"].as_str().expect("a project").to_owned();
        let document = "mutation($p: ID!, $n: String!, $y: Int!) {
            createFeature(input: {projectId: $p, name: $n, priority: $y, description: \"A grid of \\\"cells\\\"\"}) { feature { id } } }";
        let mut feature = String::new();
        for row in 0..ROWS {
            let made = self.ask(document, json!({ "p": project, "n": format!("Grid {row} ü"), "y": row + 1 }));
            feature = made["createFeature"]["feature"]["id"].as_str().expect("a feature").to_owned();
        }
        self.add("query($x: ID!) { node(id: $x) { id } }", &feature, false, json!({}));
        self.add("query($x: ID!) { nodes(ids: [$x, $x]) { id } feature(id: $x) { name } }", &feature, false, json!({}));
        for order in ORDERS {
            let page = format!("{{ features(first: 2, orderBy: {order}) {{ pageInfo {{ endCursor }} }} }}");
            let cursor = self.cursor(&page, "/features");
            for argument in ["first: 2, after", "last: 2, before"] {
                let document = format!(
                    "query($x: String) {{ features({argument}: $x, orderBy: {order}) {{ totalCount nodes {{ name }} pageInfo {{ endCursor hasNextPage }} }} }}"
                );
                self.add(&document, &cursor, true, json!({}));
            }
            let page = format!(
                "{{ projects {{ nodes {{ features(first: 2, orderBy: {order}) {{ pageInfo {{ endCursor }} }} }} }} }}"
            );
            let cursor = self.cursor(&page, "/projects/nodes/0/features");
            let more = |pages: &str| {
                format!(
                    "query($x: {pages} moreProjectFeatures(pages: [{{parent: $p, after: $a}}], orderBy: {order}) {{ nodes {{ id }} }} }}"
                )
            };
            let document = more("String!, $p: ID!) {").replace("$a", "$x");
            self.add(&document, &cursor, true, json!({ "p": project }));
            let document = more("ID!, $a: String!) {").replace("$p", "$x");
            self.add(&document, &project, false, json!({ "a": cursor }));
        }
        let document = "query($x: String!) { search(query: $x, first: 3) { totalCount nodes { rank title snippet } pageInfo { endCursor } } }";
        self.add(document, "\"grid 1\" cel* -word", false, json!({}));
        let cursor = self.cursor("{ search(query: \"grid\", first: 2) { pageInfo { endCursor } } }", "/search");
        let document = "query($x: String!) { search(query: \"grid\", first: 2, after: $x) { nodes { rank title } } }";
        self.add(document, &cursor, true, json!({}));
    }

    /// Adds a question, once its right value is seen to be one: else only refusals would be tried.
    fn add(&mut self, document: &str, right: &str, is_cursor: bool, fixed: Value) {
        let mut variables = fixed.clone();
        variables["x"] = Value::from(right);
        let data = self.ask(document, variables);
        assert!(
            data.is_object() && !data.as_object().is_some_and(|data| data.values().any(Value::is_null)),
            "{document}: {data}"
        );
        self.questions.push(Question { document: document.to_owned(), right: right.to_owned(), is_cursor, fixed });
    }

    fn cursor(&self, document: &str, list: &str) -> String {
        let data = self.ask(document, json!({}));
        let cursor = data.pointer(&format!("{list}/pageInfo/endCursor")).and_then(Value::as_str);
        cursor.expect("the page's cursor").to_owned()
    }

    /// Runs a request, and looks at its answer.
    fn ask(&self, document: &str, variables: Value) -> Value {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let answer = self.runtime.block_on(self.throughline.execute(request, Caller::local_owner(), "fuzz"));
        assert!(answer.body.len() <= LONGEST_ANSWER_BYTES, "an answer of {} bytes", answer.body.len());
        let mut answer: Value = serde_json::from_slice(&answer.body).expect("the answer is JSON");
        for error in answer["errors"].as_array().into_iter().flatten() {
            assert_ne!(error["extensions"]["code"], "INTERNAL", "{error}");
        }
        answer["data"].take()
    }
}
