//! Limits: what is within them passes, and a refusal tells what would.

use std::time::{Duration, Instant};

use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use serde_json::{Value, json};
use throughline::access::Caller;
use throughline::database::Database;
use throughline::graphql::{Api, Limits, Request, Settings};

use crate::support::{Backend, Client, TestDatabase, repeat};

on_both! {
    the_cost_tells_what_was_asked_for_and_what_came,
    what_costs_too_much_is_refused_with_what_would_fit,
    an_answer_tells_so_many_errors,
    a_request_that_takes_too_long_is_ended,
}

async fn ask(api: &Api, body: Value) -> Value {
    let request = Request::from_json(body).unwrap();
    let answer = api.execute(request, Caller::local_owner(), "request-1".to_owned()).await;
    serde_json::from_slice(&answer.body).unwrap()
}

fn api_of(database: &Database, limits: Limits) -> Api {
    Api::new(database.clone(), Settings { limits, ..Settings::default() })
}

/// Two projects, with three features of two tests each in the first.
async fn with_rows(backend: Backend) -> Client {
    let client = Client::new(TestDatabase::new(backend).await);
    let document = r#"mutation {
        applyChanges(input: { steps: [
            { name: "p", change: { createProject: { name: "p" } } }
            { name: "q", change: { createProject: { name: "q" } } }
            { name: "a", change: { createFeature: { projectId: "$ref:p", name: "a" } } }
            { name: "b", change: { createFeature: { projectId: "$ref:p", name: "b" } } }
            { name: "c", change: { createFeature: { projectId: "$ref:p", name: "c" } } }
            { name: "t", change: { createTestCase: { featureId: "$ref:a", name: "t" } } }
            { name: "u", change: { createTestCase: { featureId: "$ref:a", name: "u" } } }
        ] }) { userErrors { code message field } }
    }"#;
    assert_eq!(client.data(document).await, json!({ "applyChanges": { "userErrors": [] } }));
    client
}

async fn the_cost_tells_what_was_asked_for_and_what_came(backend: Backend) {
    let client = with_rows(backend).await;
    let api = api_of(&client.test.database, Limits::default());
    for (document, requested, actual) in [
        ("{ __typename }", 0, 0),
        ("{ projects(first: 5) { totalCount } }", 1, 1),
        ("{ projects(first: 5) { nodes { name } pageInfo { hasNextPage } } }", 1 + 5, 1 + 2),
        ("{ projects(first: 5) { edges { cursor node { name } } } }", 1 + 5, 1 + 2),
        ("{ projects { nodes { name } } }", 1 + 20, 1 + 2),
        (
            "{ projects(last: 3) { nodes { features(first: 10) { nodes { name testSummary { total } } } } } }",
            1 + 3 * (1 + 1 + 10 * 2),
            1 + 2 + 2 + 3 * 2,
        ),
        ("{ a: projects(first: 2) { nodes { name } } b: projects(first: 2) { nodes { name } } }", 6, 6),
        // Two fragments select the same: it is asked for once.
        (
            "{ ...A ...B } fragment A on Query { projects(first: 2) { nodes { id } } } fragment B on Query { projects(first: 2) { nodes { name } } }",
            3,
            3,
        ),
        ("{ projects(first: 2) @skip(if: true) { nodes { name } } __typename }", 0, 0),
        ("{ featureCounts(groupBy: [STATUS]) { count } }", 10, 1),
        ("{ featureCounts(groupBy: [STATUS], filter: { priority: { in: [] } }) { count } }", 10, 0),
        ("{ nodes(ids: \"project_01h455vb4pex5vsknk084sn02q\") { id } }", 1, 0),
    ] {
        let body = ask(&api, json!({ "query": document, "extensions": { "cost": true } })).await;
        assert_eq!(
            body["extensions"],
            json!({ "cost": { "requested": requested, "actual": actual } }),
            "{document}: {body}"
        );
        // Asked again, from a plan that is there; and nothing is told that was not asked for.
        let again = ask(&api, json!({ "query": document, "extensions": { "cost": true } })).await;
        assert_eq!(again, body);
        assert_eq!(ask(&api, json!({ "query": document })).await.get("extensions"), None);
    }
    // The page is as long as a variable says.
    let document = "query($n: Int!, $ids: [ID!]!) { projects(first: $n) { nodes { name } } nodes(ids: $ids) { id } }";
    for (n, ids) in [(1, 0), (7, 3), (7, 30), (1, 0)] {
        let ids: Vec<_> = (0..ids).map(|_| "project_01h455vb4pex5vsknk084sn02q").collect();
        let variables = json!({ "n": n, "ids": ids });
        let body =
            ask(&api, json!({ "query": document, "variables": variables, "extensions": { "cost": true } })).await;
        assert_eq!(body["extensions"]["cost"]["requested"], 1 + n + ids.len(), "{body}");
    }
    // A single value stands for a list of one, and the plan that it made does not remember its cost for longer ones.
    let document =
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Project { features(first: 9) { nodes { id } } } } }";
    for ids in [json!("project_01h455vb4pex5vsknk084sn02q"), json!(vec!["project_01h455vb4pex5vsknk084sn02q"; 50])] {
        let count = ids.as_array().map_or(1, Vec::len);
        let body =
            ask(&api, json!({ "query": document, "variables": { "ids": ids }, "extensions": { "cost": true } })).await;
        assert_eq!(body["extensions"]["cost"]["requested"], count * 11, "{body}");
    }
    // What a mutation gives back costs as a query does, for each of its items.
    let document = "mutation($n: [CreateFeatureInput!]!) {
        createFeatures(input: { features: $n }, dryRun: true) { results { feature { project { name } } userErrors { code } } }
    }";
    let item = json!({ "projectId": "project_01h455vb4pex5vsknk084sn02q", "name": "x" });
    let body = json!({ "query": document, "variables": { "n": [item, item, item] }, "extensions": { "cost": true } });
    let body = ask(&api, body).await;
    assert_eq!(body["extensions"]["cost"]["requested"], 3 * (1 + 1 + 1 + 1), "{body}");
    // As many as there may be fit into the budget.
    let document = "mutation($n: [CreateFeatureInput!]!) {
        createFeatures(input: { features: $n }, dryRun: true) { results { version } userErrors { code } } }";
    let body = json!({ "query": document, "variables": { "n": [item, item, item] }, "extensions": { "cost": true } });
    let body = ask(&api, body).await;
    assert_eq!(body["extensions"]["cost"]["requested"], 3, "{body}");
    let document = document.replace("results { version }", "results { version } again: results { version }");
    let body = json!({ "query": document, "variables": { "n": [item, item, item] }, "extensions": { "cost": true } });
    assert_eq!(ask(&api, body).await["extensions"]["cost"]["requested"], 6);
}

async fn what_costs_too_much_is_refused_with_what_would_fit(backend: Backend) {
    let client = with_rows(backend).await;
    let api = api_of(&client.test.database, Limits { cost: 1000, ..Limits::default() });
    let document = "query($n: Int!) { projects(first: 10) { nodes { features(first: $n) { nodes { tests(first: 4) { nodes { name } } } } } } }";
    // 1 + 10 * (1 + 1 + n * (1 + 1 + 4))
    let of = |n: u64| 1 + 10 * (2 + n * 6);
    assert!(of(16) <= 1000 && of(17) > 1000);
    client.statements.take();
    for _ in 0..2 {
        let body = ask(&api, json!({ "query": document, "variables": { "n": 50 } })).await;
        let error = &body["errors"][0];
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX", "{body}");
        assert_eq!((&error["extensions"]["cost"], &error["extensions"]["budget"]), (&json!(of(50)), &json!(1000)));
        let lists = json!([
            { "path": "projects", "pageSize": 10, "cost": of(50) - 1, "pageSizeThatFits": 3 },
            { "path": "projects.nodes.features", "pageSize": 50, "cost": of(50) - of(0), "pageSizeThatFits": 16 },
            { "path": "projects.nodes.features.nodes.tests", "pageSize": 4, "cost": 10 * 50 * 4, "pageSizeThatFits": null },
        ]);
        assert_eq!(error["extensions"]["lists"], lists);
        assert_eq!(
            error["message"],
            "the operation asks for 3021 objects, 1000 are allowed; pages of 3 at projects would fit"
        );
    }
    assert_eq!(client.statements.take().len(), 0);
    assert!(ask(&api, json!({ "query": document, "variables": { "n": 16 } })).await["data"].is_object());
    assert!(ask(&api, json!({ "query": document, "variables": { "n": 17 } })).await.get("data").is_none());
    // A mutation is refused before it writes.
    let mutation =
        "mutation { createProject(input: { name: \"z\" }) { project { features(first: 1000) { nodes { id } } } } }";
    let body = ask(&api, json!({ "query": mutation })).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX", "{body}");
    assert_eq!(client.data("{ projects { totalCount } }").await, json!({ "projects": { "totalCount": 2 } }));
}

async fn an_answer_tells_so_many_errors(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let api = api_of(&client.test.database, Limits::default());
    let ids = vec!["x"; 25];
    let body =
        ask(&api, json!({ "query": "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", "variables": { "ids": ids } }))
            .await;
    assert_eq!(body["data"]["nodes"].as_array().unwrap().len(), 25);
    assert_eq!((body["errors"].as_array().unwrap().len(), &body["extensions"]), (20, &json!({ "omittedErrors": 5 })));
    let unknown = repeat(100, |i| format!("x{i}"));
    let body = ask(&api, json!({ "query": format!("{{ projects {{ {unknown} }} }}") })).await;
    assert_eq!((body["errors"].as_array().unwrap().len(), &body["extensions"]), (20, &json!({ "omittedErrors": 80 })));
}

async fn a_request_that_takes_too_long_is_ended(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    // Somebody else writes and does not come to an end.
    let (mut sqlite, mut postgres);
    match backend {
        Backend::Sqlite => {
            sqlite = SqliteConnection::connect(&test.url).await.unwrap();
            sqlite.execute("BEGIN IMMEDIATE").await.unwrap();
        }
        Backend::Postgres => {
            postgres = PgConnection::connect(&test.url).await.unwrap();
            postgres.execute("BEGIN; LOCK TABLE projects").await.unwrap();
        }
    }
    let timeout = Some(Duration::from_millis(200));
    let api = Api::new(test.database.clone(), Settings { timeout, ..Settings::default() });
    let document = "mutation { createProject(input: { name: \"x\" }) { project { name } } }";
    let began = Instant::now();
    let body = ask(&api, json!({ "query": document })).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "REQUEST_TIMEOUT", "{body}");
    assert!(body.get("data").is_none() && began.elapsed() < Duration::from_secs(1), "{body}");
}

#[tokio::test]
async fn the_schema_may_be_kept_to_itself() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let settings = Settings { introspection: false, suggestions: false, ..Settings::default() };
    let api = Api::new(test.database.clone(), settings);
    for document in
        ["{ __schema { types { name } } }", "{ projects { totalCount } a: __type(name: \"Query\") { name } }"]
    {
        for _ in 0..2 {
            let body = ask(&api, json!({ "query": document })).await;
            assert_eq!(body["errors"][0]["extensions"]["code"], "INTROSPECTION_DISABLED", "{body}");
            assert!(body.get("data").is_none());
        }
    }
    assert_eq!(ask(&api, json!({ "query": "{ __typename }" })).await, json!({ "data": { "__typename": "Query" } }));
    let wrong = json!({ "query": "{ project { id } }" });
    let wrong_name = json!({ "query": "{ projecs { totalCount } }" });
    let told = ask(&api, wrong_name.clone()).await.to_string();
    assert!(!told.contains("projects"), "{told}");
    assert!(!ask(&api, wrong).await.to_string().contains("Did you mean"));
    let open = Api::new(test.database.clone(), Settings::default());
    assert!(ask(&open, wrong_name).await.to_string().contains("projects"));
}

/// What GraphiQL and the generators of client code ask, with everything that they can be set to ask for.
const INTROSPECTION: &str = "query IntrospectionQuery {
  __schema { description queryType { name } mutationType { name } subscriptionType { name } types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } }
}
fragment FullType on __Type { kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef }
    isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[tokio::test]
async fn tools_may_ask_for_the_whole_schema() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let api = Api::new(test.database.clone(), Settings::default());
    let body = ask(&api, json!({ "query": INTROSPECTION })).await;
    assert_eq!(body.get("errors"), None, "{}", body["errors"]);
    assert!(body["data"]["__schema"]["types"].as_array().unwrap().len() > 100);
}
