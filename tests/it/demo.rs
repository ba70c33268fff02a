//! What the README promises: the demo, served by the program, asked over HTTP; files imported by the program.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Backend, RunningServer, TestDatabase, program};

on_both!(the_demo_is_served_with_one_command, files_are_imported_as_often_as_one_likes);

/// The 20 first projects by name, each with 20 features, each with 5 tests and its project's name.
const TOUR: &str =
    "{ projects(first: 20, orderBy: {field: NAME}) { totalCount nodes { name features(first: 20) { nodes { name
    project { name } tests(first: 5) { nodes { name status } } } } } } }";

async fn the_demo_is_served_with_one_command(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    for start in ["first", "second"] {
        let server = RunningServer::start_with(program().args([
            "serve",
            "--demo",
            "--listen",
            "127.0.0.1:0",
            "--database",
            &test.url,
        ]));
        let body = server.graphql(TOUR, json!({})).await;
        assert_eq!(body.get("errors"), None, "{start}");
        let projects = &body["data"]["projects"];
        assert_eq!(projects["totalCount"], 50);
        let projects = projects["nodes"].as_array().unwrap();
        assert_eq!(projects.len(), 20);
        assert!(projects.is_sorted_by_key(|project| project["name"].as_str()));
        let mut features = 0;
        for project in projects {
            for feature in project["features"]["nodes"].as_array().unwrap() {
                features += 1;
                assert_eq!(feature["project"]["name"], project["name"]);
                assert!(feature["tests"]["nodes"].as_array().unwrap().len() <= 5);
            }
        }
        assert!(features > 150, "{features} features");
        let totals = server.graphql("{ features { totalCount } }", json!({})).await;
        assert_eq!(totals["data"]["features"]["totalCount"], 1204);
    }
}

async fn files_are_imported_as_often_as_one_likes(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (records, report) = (root.join("demo/web-features.ndjson"), root.join("tests/it/data/networkx-junit.xml"));
    let import = |arguments: &[&str], file: &Path| {
        let output =
            program().arg("import").args(arguments).arg(file).args(["--database", &test.url]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        table(&output)
    };
    let none = json!({ "projects": [0, 0, 0], "features": [0, 0, 0], "tests": [0, 0, 0], "deployments": [0, 0, 0] });
    let expect = |projects: [u64; 3], features: [u64; 3], tests: [u64; 3], deployments: [u64; 3]| json!({ "projects": projects, "features": features, "tests": tests, "deployments": deployments });
    let first = expect([50, 0, 0], [1204, 0, 0], [15487, 0, 0], [6850, 0, 0]);
    assert_eq!(import(&["--dry-run"], &records), first);
    assert_eq!(import(&[], &records), first);
    assert_eq!(import(&[], &records), expect([0, 0, 50], [0, 0, 1204], [0, 0, 15487], [0, 0, 6850]));
    let first = expect([1, 0, 0], [129, 0, 0], [1988, 0, 0], [0, 0, 0]);
    let networkx = ["--project", "networkx"];
    assert_eq!(import(&networkx, &report), first);
    assert_eq!(import(&networkx, &report), expect([0, 0, 1], [0, 0, 129], [0, 0, 1988], [0, 0, 0]));

    // Standard input, and a bad line in it: the place is told, and nothing is written.
    let whole = std::fs::read_to_string(&records).unwrap();
    let lines: Vec<_> = whole.lines().take(3).collect();
    let good = from_input(&test.url, lines.join("\n").as_bytes());
    assert!(good.status.success());
    assert_eq!(table(&good), expect([0, 0, 2], [0, 0, 3], [0, 0, 33], [0, 0, 21]));
    let bad = lines.join("\n").replace("\"HTML\"", "\"Elsewhere\"").replacen("\"priority\": 1", "\"priority\": 99", 1);
    let bad = from_input(&test.url, bad.as_bytes());
    assert_eq!(bad.status.code(), Some(1));
    let error = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(error.contains("feature.priority") && error.contains("1 to 13"), "{error}");
    assert_eq!(table(&from_input(&test.url, b"")), none);
    let server = RunningServer::start(&test.url);
    let body = server.graphql("{ projects { totalCount } features { totalCount } }", json!({})).await;
    assert_eq!(body["data"], json!({ "projects": { "totalCount": 51 }, "features": { "totalCount": 1204 + 129 } }));
}

fn from_input(url: &str, input: &[u8]) -> Output {
    let mut command: Command = program();
    command.args(["import", "-", "--format", "ndjson", "--database", url]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// The numbers of a report: created, updated and unchanged for each kind.
fn table(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let rows = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let kind = words.next().filter(|kind| ["projects", "features", "tests", "deployments"].contains(kind))?;
        let numbers: Vec<u64> = words.map(|word| word.replace(',', "").parse().unwrap()).collect();
        Some((kind.to_owned(), json!(numbers)))
    });
    Value::Object(rows.collect())
}
