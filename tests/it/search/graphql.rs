//! Search through GraphQL: what it costs, how its pages go on, and what is behind a result.

use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    results_are_read_in_one_statement_for_each_type,
    pages_go_through_all_results_once,
    odd_input_is_no_error,
    wrong_arguments_are_errors
);

async fn results_are_read_in_one_statement_for_each_type(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.statements.take();
    let document = "query($q: String!, $n: Int) { search(query: $q, first: $n) { nodes { rank title snippet item {
        __typename ... on Node { id } ... on SearchItem { ...Name } } } } }
        fragment Name on SearchItem { ... on Feature { name project { name } } ... on Project { name featureCount } }";
    for results in [1, 20, 1000] {
        let data = client.data_with(document, json!({ "q": "css", "n": results })).await;
        let statements = client.statements.take().len();
        // Features are asked for where there are any: the first result is the project of that name.
        assert_eq!(statements, if results == 1 { 2 } else { 4 }, "hits, projects, features, their projects");
        let nodes = data["search"]["nodes"].as_array().unwrap();
        assert_eq!(nodes[0]["title"], "<mark>CSS</mark>");
        assert_eq!(nodes[0]["item"]["__typename"], "Project");
        assert_eq!(nodes[0]["item"]["featureCount"], 348);
        for node in nodes.iter().skip(1) {
            let plain = node["title"].as_str().unwrap().replace("<mark>", "").replace("</mark>", "");
            let name = node["item"]["name"].as_str().unwrap();
            let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            assert_eq!(plain, escaped.replace('\'', "&#39;"));
            assert!(
                !node["snippet"].as_str().unwrap().is_empty() || node["title"].as_str().unwrap().contains("<mark>")
            );
        }
    }
    client.data("{ search(query: \"css\") { totalCount pageInfo { hasNextPage } } }").await;
    assert_eq!(client.statements.take().len(), 2);
    client.data("{ search(query: \"css\") { totalCount } }").await;
    assert_eq!(client.statements.take().len(), 1);
    client.data("{ search(query: \" \", first: 5) { totalCount nodes { rank item { ... on Node { id } } } } }").await;
    assert_eq!(client.statements.take().len(), 0, "nothing is searched for");
}

async fn pages_go_through_all_results_once(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let document = "query($after: String, $n: Int) { search(query: \"a* -css\", first: $n, after: $after) { totalCount
        edges { cursor node { rank item { ... on Node { id } } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let all = client.data_with(document, json!({ "n": 1000 })).await;
    let all = &all["search"];
    let expected = all["edges"].as_array().unwrap();
    assert_eq!((&json!(expected.len()), &all["pageInfo"]["hasNextPage"]), (&all["totalCount"], &json!(false)));
    assert!(expected.len() > 500);
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    while seen.len() < expected.len() {
        let page = client.data_with(document, json!({ "n": 125, "after": after })).await;
        let page = &page["search"];
        assert_eq!(page["totalCount"], all["totalCount"]);
        assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!after.is_null()));
        let edges = page["edges"].as_array().unwrap();
        assert_eq!(page["pageInfo"]["startCursor"], edges[0]["cursor"]);
        assert_eq!(page["pageInfo"]["endCursor"], edges.last().unwrap()["cursor"]);
        seen.extend(edges.iter().cloned());
        assert_eq!(page["pageInfo"]["hasNextPage"], json!(seen.len() < expected.len()));
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, *expected);
}

async fn odd_input_is_no_error(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let long = "grid ".repeat(20_000);
    for text in
        ["", "\"", "\0", "a\0b", "NEAR(a b)", "a OR", "* -", "'; DROP TABLE features; --", "🦀", "漢字*", "<a>", &long]
    {
        let data = client
            .data_with(
                "query($q: String!) { search(query: $q) { totalCount nodes { title item { ... on Node { id } } } } }",
                json!({ "q": text }),
            )
            .await;
        assert!(data["search"]["totalCount"].is_number());
    }
}

async fn wrong_arguments_are_errors(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let features = client.data("{ features(first: 1) { pageInfo { endCursor } } }").await;
    for (arguments, code, message) in [
        (json!({ "first": -1 }), "INVALID_ARGUMENT", "first must be 0 to 1000, is -1"),
        (json!({ "first": 1001 }), "INVALID_ARGUMENT", "first must be 0 to 1000, is 1001"),
        (
            json!({ "after": "WyJ4Il0" }),
            "INVALID_CURSOR",
            "after comes from a list in another order; use it with the orderBy that it was made with",
        ),
        (
            json!({ "after": features["features"]["pageInfo"]["endCursor"] }),
            "INVALID_CURSOR",
            "after comes from a list in another order; use it with the orderBy that it was made with",
        ),
        (
            json!({ "types": ["TEST"] }),
            "GRAPHQL_VALIDATION_FAILED",
            "variable $types of type [SearchType!]: $types[0] is no value of SearchType",
        ),
    ] {
        let document = "query($first: Int, $after: String, $types: [SearchType!]) {
            search(query: \"a\", first: $first, after: $after, types: $types) { totalCount nodes { rank } } }";
        let error = client.error(document, arguments).await;
        assert_eq!((&error["extensions"]["code"], &error["message"]), (&json!(code), &json!(message)));
    }
}
