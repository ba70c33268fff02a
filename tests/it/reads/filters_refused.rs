//! What is no filter is refused by its place in the argument, before any statement.

use serde_json::{Value, json};

use super::filters::client;
use crate::support::{Backend, Rows};

on_both!(
    what_is_no_filter_is_refused,
    the_largest_filters_are_taken,
    what_validation_knows_is_refused_too,
    filters_come_as_variables_too
);

async fn what_is_no_filter_is_refused(backend: Backend) {
    let client = client(backend).await;
    let project = Rows::id("project", 1);
    let null = "must not be null: leave it out, or use isNull";
    client.statements.take();
    for (filter, code, message) in [
        ("{name: {eq: null}}".to_owned(), "INVALID_ARGUMENT", format!("filter.name.eq {null}")),
        ("{and: null}".to_owned(), "INVALID_ARGUMENT", format!("filter.and {null}")),
        ("{not: null}".to_owned(), "INVALID_ARGUMENT", format!("filter.not {null}")),
        ("{project: null}".to_owned(), "INVALID_ARGUMENT", format!("filter.project {null}")),
        ("{name: {ignoreCase: null}}".to_owned(), "INVALID_ARGUMENT", format!("filter.name.ignoreCase {null}")),
        (
            "{or: [{}, {tests: {some: {status: {isNull: null}}}}]}".to_owned(),
            "INVALID_ARGUMENT",
            format!("filter.or[1].tests.some.status.isNull {null}"),
        ),
        ("{testSummary: {failed: null}}".to_owned(), "INVALID_ARGUMENT", format!("filter.testSummary.failed {null}")),
        (
            "{name: {eq: \"a\\u0000\"}}".to_owned(),
            "INVALID_ARGUMENT",
            "filter.name.eq must not hold the character U+0000".to_owned(),
        ),
        (
            "{name: {in: [\"a\", \"\\u0000\"]}}".to_owned(),
            "INVALID_ARGUMENT",
            "filter.name.in[1] must not hold the character U+0000".to_owned(),
        ),
        (
            "{createdAt: {gt: \"yesterday\"}}".to_owned(),
            "INVALID_ARGUMENT",
            "filter.createdAt.gt must be a time as RFC 3339 has it, of the years 1 to 9999 in UTC".to_owned(),
        ),
        (
            "{createdAt: {gt: \"0000-01-01T00:00:00Z\"}}".to_owned(),
            "INVALID_ARGUMENT",
            "filter.createdAt.gt must be a time as RFC 3339 has it, of the years 1 to 9999 in UTC".to_owned(),
        ),
        ("{id: {eq: \"x\"}}".to_owned(), "INVALID_ID", "filter.id.eq is not an id; expected feature_…".to_owned()),
        (
            format!("{{project: {{id: {{in: [{project:?}, 5]}}}}}}"),
            "INVALID_ID",
            "filter.project.id.in[1] is not an id; expected project_…".to_owned(),
        ),
        (
            format!("{{id: {{eq: {project:?}}}}}"),
            "INVALID_ID",
            "filter.id.eq names something else; expected feature_…".to_owned(),
        ),
        (
            deep(8),
            "INVALID_ARGUMENT",
            format!("filter{} is the filter of an object inside of 8 others, which is the most", ".not".repeat(8)),
        ),
        (
            long(101),
            "INVALID_ARGUMENT",
            "filter.or[100].priority.eq is one condition too many: a filter has at most 100".to_owned(),
        ),
        (
            format!("{{or: [{}]}}", "{}".repeat(101)),
            "INVALID_ARGUMENT",
            "filter.or[100] is one condition too many: a filter has at most 100".to_owned(),
        ),
        (
            format!("{{priority: {{in: [{}]}}}}", "1,".repeat(1001)),
            "INVALID_ARGUMENT",
            "filter.priority.in must have at most 1000 items, has 1001".to_owned(),
        ),
    ] {
        let error = client.error(&format!("{{ features(filter: {filter}) {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(
            (error["message"].as_str().unwrap(), error["extensions"]["code"].as_str().unwrap()),
            (message.as_str(), code),
            "{filter}"
        );
        assert_eq!(error["path"], json!(["features"]), "{filter}");
    }
    assert_eq!(client.statements.count(), 0);
}

async fn the_largest_filters_are_taken(backend: Backend) {
    let client = client(backend).await;
    for filter in [deep(7), long(100), format!("{{priority: {{in: [{}]}}}}", "1,".repeat(1000))] {
        client.data(&format!("{{ features(filter: {filter}) {{ nodes {{ id }} }} }}")).await;
    }
}

async fn what_validation_knows_is_refused_too(backend: Backend) {
    let client = client(backend).await;
    for filter in [
        "{nope: {}}",
        "{name: {eq: 1}}",
        "{name: {like: \"a\"}}",
        "{status: {eq: DONE}}",
        "{priority: {eq: 1.5}}",
        "{priority: {eq: 3000000000}}",
        "{status: {gt: BLOCKED}}",
        "{id: {gt: \"a\"}}",
    ] {
        let body = client.run(&format!("{{ features(filter: {filter}) {{ nodes {{ id }} }} }}"), json!({})).await;
        let code = body["errors"][0]["extensions"]["code"].as_str().unwrap();
        assert!(["GRAPHQL_VALIDATION_FAILED", "INVALID_ARGUMENT"].contains(&code), "{filter}: {body}");
    }
    // Deeper down the error has the path of its own field.
    let body = client
        .run("{ projects(first: 1) { nodes { features(filter: {name: {eq: null}}) { nodes { id } } } } }", json!({}))
        .await;
    assert_eq!(body["errors"][0]["path"], json!(["projects", "nodes", 0, "features"]));
}

async fn filters_come_as_variables_too(backend: Backend) {
    let client = client(backend).await;
    let count = async |document: &str, variables: Value| {
        client.data_with(document, variables).await["features"]["totalCount"].as_u64().unwrap()
    };
    let all = count("{ features { totalCount } }", json!({})).await;
    let whole = "query($f: FeatureFilter) { features(filter: $f) { totalCount } }";
    assert_eq!(count(whole, json!({})).await, all);
    assert_eq!(count(whole, json!({ "f": null })).await, all);
    assert_eq!(count(whole, json!({ "f": { "status": { "eq": "BLOCKED" } } })).await, 1);
    let parts = "query($s: FeatureStatus, $n: [String!], $i: Boolean) {
        features(filter: {status: {eq: $s}, name: {in: $n, ignoreCase: $i}}) { totalCount } }";
    assert_eq!(count(parts, json!({})).await, all, "a variable without a value is left out");
    assert_eq!(count(parts, json!({ "s": "BLOCKED" })).await, 1);
    assert_eq!(count(parts, json!({ "n": ["STRASSE"], "i": true })).await, 2);
    assert_eq!(count(parts, json!({ "n": "STRASSE" })).await, 1);
    let error = client.error(parts, json!({ "s": null })).await;
    assert_eq!(error["message"], "filter.status.eq must not be null: leave it out, or use isNull");
    for wrong in [
        json!({ "status": { "eq": "DONE" } }),
        json!({ "priority": { "eq": "1" } }),
        json!({ "x": 1 }),
        json!("x"),
        json!([]),
    ] {
        let body = client.run(whole, json!({ "f": wrong })).await;
        let code = body["errors"][0]["extensions"]["code"].as_str().unwrap();
        assert!(["GRAPHQL_VALIDATION_FAILED", "INVALID_ARGUMENT"].contains(&code), "{wrong}: {body}");
    }
}

/// A filter that is so many objects deep, beside itself.
fn deep(depth: usize) -> String {
    format!("{}{{}}{}", "{not: ".repeat(depth), "}".repeat(depth))
}

fn long(conditions: usize) -> String {
    format!("{{or: [{}]}}", "{priority: {eq: 1}}".repeat(conditions))
}
