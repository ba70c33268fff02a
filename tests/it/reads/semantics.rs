//! GraphQL's own rules, where async-graphql leaves them to us.

use serde_json::{Value, json};

use crate::support::{Backend, Client, Rows, TestDatabase};

on_both!(
    a_handed_down_parent_may_select_its_list_again,
    fields_that_cannot_be_merged_are_refused,
    a_repeated_root_field_is_one_field,
    nulls_and_defaults_of_variables,
    a_parse_error_does_not_repeat_the_document,
    one_of_several_operations_runs,
    nested_lists_keep_their_order,
    deep_documents_are_refused,
    a_mutation_that_fails_is_null_beside_the_others,
);

/// A project with one feature that has four tests, which take 3, 2, no and 0 ms.
async fn small(backend: Backend) -> (Client, Value) {
    let client = Client::new(TestDatabase::new(backend).await);
    let rows = Rows::of(&client.test.database);
    rows.add_project().await;
    rows.add_feature(2, "two", "").await;
    for (id, duration_ms) in [(3, "3"), (4, "2"), (5, "NULL"), (6, "0")] {
        rows.run(&format!(
            "INSERT INTO tests (id, feature_id, name, duration_ms, created_at, updated_at) \
             VALUES (@{id}, @2, 'test {id}', {duration_ms}, @now, @now)"
        ))
        .await
        .unwrap();
    }
    (client, json!({ "f": Rows::id("feature", 2), "p": Rows::id("project", 1) }))
}

async fn a_handed_down_parent_may_select_its_list_again(backend: Backend) {
    let (client, ids) = small(backend).await;
    for (again, expected) in [
        ("totalCount", json!({ "totalCount": 4 })),
        ("pageInfo { hasNextPage }", json!({ "pageInfo": { "hasNextPage": true } })),
        ("nodes { name }", json!({ "nodes": [{ "name": "test 3" }, { "name": "test 4" }] })),
    ] {
        let document = format!(
            "query($f: ID!) {{ feature(id: $f) {{ tests(first: 2) {{ nodes {{ feature {{ tests(first: 2) {{ {again} }} }} }} }} }} }}"
        );
        client.statements.take();
        let data = client.data_with(&document, json!({ "f": ids["f"] })).await;
        assert_eq!(data["feature"]["tests"]["nodes"][1]["feature"]["tests"], expected);
        assert!(client.statements.count() <= 3, "{again}");
    }
    let document = "query($p: ID!) { project(id: $p) { features(first: 2) { nodes { tests(first: 1) { nodes { feature {
        project { features(first: 2) { totalCount } } } } } } } } }";
    let data = client.data_with(document, json!({ "p": ids["p"] })).await;
    let test = &data["project"]["features"]["nodes"][0]["tests"]["nodes"][0];
    assert_eq!(test["feature"]["project"]["features"]["totalCount"], 1);
}

async fn fields_that_cannot_be_merged_are_refused(backend: Backend) {
    let (client, ids) = small(backend).await;
    for document in [
        "{ features(first: 1) { nodes { x: name ... on Feature { x: status } } } }",
        "{ features { nodes { tests(first: 1) { nodes { name } } ... on Feature { tests(first: 2) { nodes { name } } } } } }",
        "{ features { nodes { project { x: name } project { x: id } } } }",
        "{ features(first: 1) { nodes { name } } ... on Query { features(first: 2) { nodes { id } } } }",
        "query($f: ID!) { node(id: $f) { ... on Feature { x: name } ... on Node { x: id } } }",
    ] {
        let variables = if document.contains("$f") { json!({ "f": ids["f"] }) } else { json!({}) };
        let body = client.run(document, variables).await;
        assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{document}: {body}");
        assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{document}: {body}");
    }
    // The same argument in another place is the same field.
    let document = "{ features { nodes { tests(first: 1, after: null) { nodes { name } }
        ... on Feature { tests(after: null, first: 1) { nodes { status } } } } } }";
    client.data(document).await;
}

async fn a_repeated_root_field_is_one_field(backend: Backend) {
    let (client, ids) = small(backend).await;
    let variables = json!({ "f": ids["f"] });
    let body = client
        .run(
            "query($f: ID!) { feature(id: $f) { name } feature(id: $f) { tests(first: -1) { nodes { id } } } }",
            variables.clone(),
        )
        .await;
    assert_eq!(body["data"], json!({ "feature": null }));
    assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{body}");
    for document in [
        "{ feature(id: \"x\") { name } feature(id: \"x\") { id } }",
        "{ ...F ...F } fragment F on Query { feature(id: \"x\") { name } }",
        "{ ...F ...G } fragment F on Query { ...G } fragment G on Query { feature(id: \"x\") { name } }",
    ] {
        let body = client.run(document, json!({})).await;
        assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{document}: {body}");
    }
    let body =
        client.run("{ features(first: -1) { totalCount } features(first: -1) { nodes { id } } }", json!({})).await;
    assert_eq!(body["data"], Value::Null, "what cannot be null is not: {body}");
    assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{body}");
    client.statements.take();
    let document = "query($f: ID!) { a: feature(id: $f) { tests(first: 1) { nodes { name } } } b: __typename a: feature(id: $f) { name } }";
    let answer = client.answer(document, variables).await;
    let expected = r#"{"data":{"a":{"tests":{"nodes":[{"name":"test 3"}]},"name":"two"},"b":"Query"}}"#;
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
    assert_eq!(client.statements.count(), 2);
    // What is left out has no place in the order.
    let document = "query($no: Boolean = false) { a: projects @include(if: $no) { totalCount } b: __typename
        ... @skip(if: true) { c: __typename } a: projects { totalCount } c: __typename }";
    let answer = client.answer(document, json!({})).await;
    let expected = r#"{"data":{"b":"Query","a":{"totalCount":1},"c":"Query"}}"#;
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
}

async fn nulls_and_defaults_of_variables(backend: Backend) {
    let (client, _) = small(backend).await;
    let document = "query($n: Int! = 2) { features { nodes { tests(first: $n) { nodes { name } } } } }";
    let tests = |data: &Value| data["features"]["nodes"][0]["tests"]["nodes"].as_array().unwrap().len();
    assert_eq!(tests(&client.data(document).await), 2);
    assert_eq!(tests(&client.data_with(document, json!({ "n": 3 })).await), 3);
    let error = client.error(document, json!({ "n": null })).await;
    assert_eq!(error["message"], "variable $n of type Int! must not be null");
    let document = "query($n: Int = 2) { features { nodes { tests(first: $n) { nodes { name } } } } }";
    assert_eq!(tests(&client.data_with(document, json!({ "n": null })).await), 4, "null is no limit of one's own");
}

async fn a_parse_error_does_not_repeat_the_document(backend: Backend) {
    let (client, _) = small(backend).await;
    for document in ["{ features(s: \"SECRET\") { nodes { id } ", "SECRET", "{ SECRET", "{ a(b: \"SECRET) }", ""] {
        let error = client.error(document, json!({})).await;
        assert_eq!(error["extensions"]["code"], "GRAPHQL_PARSE_FAILED", "{document}");
        assert!(!error.to_string().contains("SECRET"), "{error}");
        assert!(error["locations"][0]["line"].is_number(), "{error}");
    }
}

async fn one_of_several_operations_runs(backend: Backend) {
    let (client, _) = small(backend).await;
    let error = client.error("query A { __typename } query B { __typename }", json!({})).await;
    assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let body = client.run("mutation { createFeature { id } }", json!({})).await;
    assert_eq!(body.get("data"), None, "{body}");
}

async fn nested_lists_keep_their_order(backend: Backend) {
    let (client, ids) = small(backend).await;
    for (order, expected) in [
        ("{field: DURATION_MS}", json!([null, 0, 2, 3])),
        ("{field: DURATION_MS, direction: DESC}", json!([3, 2, 0, null])),
        ("{field: DURATION_MS, nulls: LAST}", json!([0, 2, 3, null])),
        ("[{field: STATUS}, {field: NAME, direction: DESC}]", json!([0, null, 2, 3])),
    ] {
        let document =
            format!("query($f: ID!) {{ feature(id: $f) {{ tests(orderBy: {order}) {{ nodes {{ durationMs }} }} }} }}");
        let data = client.data_with(&document, json!({ "f": ids["f"] })).await;
        let nodes = data["feature"]["tests"]["nodes"].as_array().unwrap().iter();
        assert_eq!(nodes.map(|node| node["durationMs"].clone()).collect::<Value>(), expected, "{order}");
    }
}

/// Within the size of a body, but far beyond what a thread's stack would bear.
async fn deep_documents_are_refused(backend: Backend) {
    let (client, _) = small(backend).await;
    let last = 30_000;
    let links: Vec<_> = (0..last).map(|i| format!("fragment F{i} on Query{{...F{}}}", i + 1)).collect();
    let chain = format!("{{...F0}}{}fragment F{last} on Query{{__typename}}", links.concat());
    let inline = format!("{}__typename{}", "{...".repeat(30_000), "}".repeat(30_000));
    let fields = format!("{}a{}", "{a".repeat(30_000), "}".repeat(30_000));
    let cycle = "{...A} fragment A on Query{...B} fragment B on Query{...A}".to_owned();
    for document in [chain, inline, fields, cycle] {
        let body = client.run(&document, json!({})).await;
        assert_eq!(body.get("data"), None);
        let code = body["errors"][0]["extensions"]["code"].as_str().unwrap();
        assert!(["LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED"].contains(&code), "{body}");
        client.data("{ __typename }").await;
    }
}

async fn a_mutation_that_fails_is_null_beside_the_others(backend: Backend) {
    let (client, _) = small(backend).await;
    let wrong = "createProject(input: 1, dryRun: true) { version }";
    let right = "createProject(input: { name: \"q\" }, dryRun: true) { version userErrors { code } }";
    let body = client.run(&format!("mutation {{ a: {right} b: {wrong} c: {right} }}"), json!({})).await;
    let made = json!({ "version": 1, "userErrors": [] });
    assert_eq!(body["data"], json!({ "a": made, "b": null, "c": made }), "{body}");
    assert_eq!((body["errors"].as_array().unwrap().len(), &body["errors"][0]["path"]), (1, &json!(["b"])));
    let body = client.run(&format!("mutation {{ b: {wrong} }}"), json!({})).await;
    assert_eq!(body["data"], json!({ "b": null }), "{body}");
}
