//! How many statements a document costs: one for each relation level, whatever the number of rows.

use std::fmt::Write as _;

use serde_json::json;

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    statements_depend_on_the_document_alone,
    equal_loads_are_shared,
    only_what_is_selected_is_read,
    sibling_root_fields_share_statements
);

/// What a document costs, for any number of parents.
const TABLE: &[(&str, usize, &str)] = &[
    ("a list", 1, "query($n: Int!) { features(first: $n) { nodes { name status } } }"),
    ("nothing of a list", 0, "query($n: Int!) { features(first: $n) { __typename } }"),
    ("a count alone", 1, "query($n: Int!) { features(first: $n) { totalCount } }"),
    (
        "a list, its count and its page",
        2,
        "query($n: Int!) { features(first: $n) { totalCount nodes { name } pageInfo { hasNextPage endCursor } } }",
    ),
    ("two levels", 2, "query($n: Int!) { features(first: $n) { nodes { name tests(first: 5) { nodes { name } } } } }"),
    (
        "two levels, each with its count",
        4,
        "query($n: Int!) { features(first: $n) { totalCount nodes { tests(first: 5) { totalCount nodes { name } } } } }",
    ),
    (
        "a parent handed down",
        2,
        "query($n: Int!) { features(first: $n) { nodes { tests(first: 5) { nodes { feature { name priority } } } } } }",
    ),
    ("one parent for many", 2, "query($n: Int!) { features(first: $n) { nodes { name project { name } } } }"),
    (
        "a way there and back",
        4,
        "query($n: Int!) { features(first: $n) { nodes { tests(first: 2) { nodes { feature { project { name \
         features(first: 1) { totalCount } } } } } } } }",
    ),
    (
        "counts of the read model",
        1,
        "query($n: Int!) { features(first: $n) { nodes { testSummary { total passed failed pending skipped } \
         deploymentStatus } } }",
    ),
    (
        "the latest of each",
        2,
        "query($n: Int!) { features(first: $n) { nodes { latestDeployment(environment: \"chrome\") { version feature { \
         name } } } } }",
    ),
    (
        "one relation with three sets of arguments",
        4,
        "query($n: Int!) { features(first: $n) { nodes { a: tests(first: 1) { nodes { name } } \
         b: tests(first: 2) { nodes { name } } c: tests(last: 1) { nodes { name } } } } }",
    ),
    ("no rows of each", 1, "query($n: Int!) { features(first: $n) { nodes { tests(first: 0) { nodes { name } } } } }"),
    (
        "filtered at both levels",
        2,
        "query($n: Int!) { features(first: $n, filter: {priority: {gte: 1}}) { nodes { name tests(first: 2, filter: \
         {or: [{status: {eq: FAILED}}, {name: {contains: \"api\"}}]}) { nodes { name } } } } }",
    ),
    (
        "filtered by relations and a summary, with its count",
        2,
        "query($n: Int!) { features(first: $n, filter: {testSummary: {total: {gte: 0}}, project: {name: {gte: \"\"}}, \
         deployments: {none: {status: {eq: FAILED}}}}) { totalCount nodes { name } } }",
    ),
    (
        "in an order of the read model",
        1,
        "query($n: Int!) { features(first: $n, orderBy: {field: FAILED_COUNT, direction: DESC}) { nodes { name } } }",
    ),
    (
        "summaries and groups",
        4,
        "query($n: Int!) { features(first: $n) { nodes { testSummary { failed } deploymentsByEnvironment { environment \
         count } project { progress featureSummary { total completed } testSummary { failed } \
         featureCounts(groupBy: STATUS) { status count } } } } }",
    ),
    (
        "siblings, four levels",
        6,
        "query($n: Int!) { features(first: $n) { nodes { project { name } tests(first: 3) { nodes { name } } \
         deployments(first: 3) { totalCount nodes { version } } latestDeployment { version } } } }",
    ),
];

async fn statements_depend_on_the_document_alone(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let mut table = format!("\nStatements on {backend:?}, for 1, 50 and 500 parents\n");
    for (what, expected, document) in TABLE {
        let mut counts = Vec::new();
        for parents in [1, 50, 500] {
            client.statements.take();
            client.data_with(document, json!({ "n": parents })).await;
            counts.push(client.statements.count());
        }
        writeln!(table, "{:>4} {:>4} {:>4}  {what}", counts[0], counts[1], counts[2]).unwrap();
        assert!(counts.iter().all(|count| count == expected), "{what}: {counts:?} instead of {expected}");
    }
    // No parents at all, and a page past the end of all of them.
    let end = client.data("{ features(last: 1) { pageInfo { endCursor } } }").await;
    for arguments in ["first: $n", "first: 10, after: $end"] {
        let (end, n) = (&end["features"]["pageInfo"]["endCursor"], 0);
        let (declared, variables) = if arguments.contains("$n") {
            ("$n: Int", json!({ "n": n }))
        } else {
            ("$end: String", json!({ "end": end }))
        };
        let document =
            format!("query({declared}) {{ features({arguments}) {{ nodes {{ tests {{ nodes {{ name }} }} }} }} }}");
        client.statements.take();
        let data = client.data_with(&document, variables).await;
        assert_eq!(data, json!({ "features": { "nodes": [] } }));
        writeln!(table, "{:>4}            {arguments}", client.statements.count()).unwrap();
        assert!(client.statements.count() <= 1);
    }
    println!("{table}");
}

async fn equal_loads_are_shared(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.statements.take();
    let data = client
        .data(
            "{ features(first: 2) { edges { node { ...A tests(first: 1) { nodes { status } } } } \
               nodes { b: tests(first: 1) { totalCount } ...A } } }
             fragment A on Feature { tests(first: 1) { nodes { name } } same: tests(first: 1) { nodes { n: name } } }",
        )
        .await;
    assert_eq!(client.statements.count(), 3, "the list, one page of tests each, their counts");
    let edge = &data["features"]["edges"][0]["node"];
    assert_eq!(edge["tests"]["nodes"][0]["name"], edge["same"]["nodes"][0]["n"]);
    assert_eq!(edge["tests"]["nodes"][0]["status"], "PASSED");
    assert_eq!(data["features"]["nodes"][0]["tests"]["nodes"][0]["name"], edge["tests"]["nodes"][0]["name"]);
}

async fn only_what_is_selected_is_read(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.statements.take();
    client.data("{ features(first: 3) { nodes { name tests(first: 3) { nodes { name } } } } }").await;
    for text in client.statements.take() {
        let (selected, _) = text.split_once("FROM").unwrap();
        for wide in ["description", "message", "created_at", "features_view"] {
            assert!(!selected.contains(wide), "{wide} in {text}");
        }
        assert!(!text.contains("features_view"), "{text}");
    }
    client.data("{ features(first: 3) { nodes { description } } }").await;
    assert!(client.statements.take()[0].contains("description"));
}

async fn sibling_root_fields_share_statements(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let ids = client.data("{ features(first: 40) { nodes { id name } } }").await;
    let ids = ids["features"]["nodes"].as_array().unwrap();
    let fields = ids.iter().enumerate().map(|(place, feature)| {
        format!("f{place}: feature(id: {}) {{ name tests(first: 2) {{ nodes {{ name }} }} }}\n", feature["id"])
    });
    client.statements.take();
    let data = client.data(&format!("{{ {} }}", fields.collect::<String>())).await;
    assert_eq!(client.statements.count(), 2);
    for (place, feature) in ids.iter().enumerate() {
        assert_eq!(data[format!("f{place}")]["name"], feature["name"]);
    }
}
