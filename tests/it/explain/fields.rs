//! The tree: a node for each field that brings objects or counts them, with its statements.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{explain, warnings};
use crate::support::{Backend, Client, Rows, TestDatabase, program};

on_both!(
    each_field_has_its_loader_its_batch_and_its_rows,
    what_is_one_statement_is_told_once,
    the_command_line_tells_the_same,
);

/// Two projects: one with three features, of which two are urgent, and four tests; one with none.
async fn world(backend: Backend) -> Client {
    let client = Client::new(TestDatabase::new(backend).await);
    let rows = Rows::of(&client.test.database);
    rows.add_project().await;
    rows.run("INSERT INTO projects (id, name, created_at, updated_at) VALUES (@2, 'two', @now, @now)").await.unwrap();
    for (feature, priority) in [(3, 9), (4, 9), (5, 1)] {
        rows.add_feature(feature, &format!("feature {feature}"), "").await;
        rows.run(&format!("UPDATE features SET priority = {priority} WHERE id = @{feature}")).await.unwrap();
    }
    for (test, feature) in [(6, 3), (7, 3), (8, 4), (9, 5)] {
        rows.run(&format!(
            "INSERT INTO tests (id, feature_id, name, status, created_at, updated_at)
             VALUES (@{test}, @{feature}, 'test {test}', 'passed', @now, @now)"
        ))
        .await
        .unwrap();
    }
    client
}

const DOCUMENT: &str = "query($one: ID!) {
    all: projects(first: 10) {
        totalCount
        nodes {
            name
            urgent: features(first: 5, filter: { priority: { gte: 5 } }) {
                totalCount
                nodes { name project { name } ...Tested }
            }
            features(first: 1) { edges { cursor node { name } } pageInfo { hasNextPage } }
            featureCounts(groupBy: [STATUS]) { count }
        }
    }
    feature(id: $one) { name project { name } tests(first: 1) { nodes { feature { id } } } }
    search(query: \"feature\", first: 2) { nodes { item { ... on Feature { project { name } } } } }
    featureAsOf(id: $one, version: 1) { name }
    viewer { name }
}
fragment Tested on Feature { tests(first: 9) { nodes { name } } }";

/// Path, loader, keys that the field asked for, and of each statement its batch and its rows.
const TREE: &str = "\
all projects 1 [1 key, 2 rows]
  all.totalCount projects 1 [1 key, 1 rows]
  all.nodes.urgent features 2 [2 key, 2 rows]
    all.nodes.urgent.totalCount features 2 [2 key, 2 rows]
    all.nodes.urgent.nodes.project -
    all.nodes.urgent.nodes.tests tests 2 [2 key, 3 rows]
  all.nodes.features features 2 [2 key, ? rows]
  all.nodes.featureCounts featureCounts 2 [2 key, 1 rows]
feature feature 1 [1 key, 1 rows]
  feature.project -
  feature.tests tests 1 [1 key, 1 rows]
    feature.tests.nodes.feature -
search search 1 [1 key, 3 rows]
  search.nodes.item item 2 [2 key, 2 rows]
    search.nodes.item.project project 1 [1 key, 1 rows]
featureAsOf featureAsOf 1 [1 key, null rows] [1 key, null rows]
viewer viewer 1
";

async fn each_field_has_its_loader_its_batch_and_its_rows(backend: Backend) {
    let client = world(backend).await;
    let report = explain(&client, DOCUMENT, json!({ "one": Rows::id("feature", 3) })).await;
    assert_eq!(report["database"], if backend == Backend::Sqlite { "sqlite" } else { "postgres" });
    let mut tree = String::new();
    write_tree(&report, &report["fields"], 0, &mut tree);
    assert_eq!(tree, TREE, "{report:#}");
    for statement in report["statements"].as_array().unwrap() {
        let sql = statement["sql"].as_str().unwrap();
        assert!(sql.starts_with("SELECT") || sql.starts_with("WITH"), "{sql}");
        assert!(!statement["paths"].as_array().unwrap().is_empty() && statement["problem"].is_null(), "{statement}");
        assert!(statement["durationMs"].as_f64().unwrap() > 0.0, "{statement}");
        check_measured(backend, &statement["measured"]);
    }
    assert_eq!(warnings(&report), []);
    // What clients send is not told, but where a plan of PostgreSQL compares with it.
    let statements = report["statements"].as_array().unwrap();
    assert!(!statements.iter().any(|statement| statement["sql"].to_string().contains("0198f2c4")), "{report:#}");
}

fn check_measured(backend: Backend, measured: &Value) {
    let number = |name: &str| measured[name].as_f64().unwrap_or_else(|| panic!("no {name}: {measured}"));
    assert!(number("executionMs") >= 0.0);
    match backend {
        Backend::Sqlite => {
            assert!(number("vmSteps") > 0.0, "{measured}");
            let _ = ["fullScanSteps", "sorts", "automaticIndexRows"].map(number);
            assert!(measured["plan"][0]["detail"].is_string(), "{measured}");
        }
        Backend::Postgres => {
            let _ = ["planningMs", "rowsRead", "temporaryPages"].map(number);
            assert!(number("pagesHit") + number("pagesRead") >= 0.0, "{measured}");
            // It was run, and not only planned.
            assert!(measured["plan"]["Actual Rows"].is_number(), "{measured}");
        }
    }
}

fn write_tree(report: &Value, fields: &Value, depth: usize, out: &mut String) {
    for field in fields.as_array().unwrap() {
        write!(out, "{:width$}{}", "", field["path"].as_str().unwrap(), width = depth * 2).unwrap();
        match field["loader"].as_str() {
            None => out.push_str(" -"),
            Some(loader) => write!(out, " {loader} {}", field["keys"]).unwrap(),
        }
        for number in field["statements"].as_array().unwrap() {
            let statement = &report["statements"][usize::try_from(number.as_u64().unwrap()).unwrap()];
            // A page that says whether more follows has a row for a project without features on one of the databases, or on both.
            let rows = if field["path"] == "all.nodes.features" { json!("?") } else { statement["rows"].clone() };
            write!(out, " [{} key, {} rows]", statement["keys"], rows.as_str().map_or(rows.to_string(), str::to_owned))
                .unwrap();
        }
        out.push('\n');
        write_tree(report, &field["fields"], depth + 1, out);
    }
}

/// Aliases that ask for objects of one type by their ids are one statement, as they are without being explained; lists with other values
/// are two.
async fn what_is_one_statement_is_told_once(backend: Backend) {
    let client = world(backend).await;
    let document = "query($a: ID!, $b: ID!) { a: feature(id: $a) { name } b: feature(id: $b) { name }
        c: features(first: 5, filter: { priority: { eq: 9 } }) { nodes { name } }
        d: features(first: 5, filter: { priority: { eq: 1 } }) { nodes { name } } }";
    let variables = json!({ "a": Rows::id("feature", 3), "b": Rows::id("feature", 4) });
    client.statements.take();
    client.data_with(document, variables.clone()).await;
    let ran = client.statements.count();
    let report = explain(&client, document, variables).await;
    let told: Vec<_> = report["statements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| (statement["paths"].to_string(), statement["keys"].clone(), statement["rows"].clone()))
        .collect();
    assert_eq!(told.len(), ran, "{report:#}");
    for expected in [(r#"["a","b"]"#, 2, 2), (r#"["c"]"#, 1, 2), (r#"["d"]"#, 1, 1)] {
        let (paths, keys, rows) = expected;
        assert!(told.contains(&(paths.to_owned(), json!(keys), json!(rows))), "{expected:?} is not among {told:?}");
    }
}

async fn the_command_line_tells_the_same(backend: Backend) {
    let client = world(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let run = |document: &str, arguments: &[&str]| {
        std::fs::write(folder.path().join("query.graphql"), document).unwrap();
        let mut command = program();
        command.args(["explain", "query.graphql", "--analyze"]).args(arguments).current_dir(folder.path());
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (variables, url) = (json!({ "one": Rows::id("feature", 3) }), client.test.url.as_str());
    let variables_text = variables.to_string();
    let (code, json, log) = run(DOCUMENT, &["--variables", &variables_text, "--database", url, "--format", "json"]);
    assert_eq!(code, Some(0), "{log}");
    let report: Value = serde_json::from_str(&json).unwrap();
    let mut tree = String::new();
    write_tree(&report, &report["fields"], 0, &mut tree);
    assert_eq!(tree, TREE);
    let (_, text, _) = run(DOCUMENT, &["--variables", &variables_text, "--database", url]);
    let plan = if backend == Backend::Sqlite { "SEARCH features" } else { "on features: " };
    for expected in [
        "all: a page of at most 10 Project, ordered by +ID\n  loader projects, 1 key, 2 rows, ",
        "    all.nodes.urgent.nodes.project: the row that the list belongs to, which is at hand\n",
        "run again: ",
        plan,
        "No warnings.\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    // Nothing but a query is run, and no file is made.
    let mutation = "mutation { createProject(input: { name: \"x\" }) { project { id } } }";
    let (code, _, log) = run(mutation, &["--database", url]);
    assert_eq!(code, Some(1));
    assert!(log.contains("no query"), "{log}");
    assert_eq!(Rows::of(&client.test.database).count("SELECT count(*) FROM projects").await, 2);
    let (code, _, log) = run("{ projects { nodes { id } } }", &["--database", "sqlite://none.db"]);
    assert_eq!(code, Some(1));
    assert!(log.contains("there is no"), "{log}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
