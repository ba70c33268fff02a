//! What a wrong argument, a wrong id or a broken database answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    wrong_ids_are_named,
    wrong_cursors_are_refused,
    wrong_page_arguments_are_refused,
    a_failing_relation_nulls_the_nearest_field_that_may_be_null,
    a_failing_field_that_may_be_null_is_null_by_itself,
    an_error_of_a_list_leaves_no_data,
    missing_variables_are_named,
    variables_of_other_types_are_refused,
    a_database_that_is_gone_is_said_to_be
);

fn code(error: &Value) -> &str {
    error["extensions"]["code"].as_str().unwrap()
}

async fn wrong_ids_are_named(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let project = client.data("{ projects(first: 1) { nodes { id } } }").await;
    let project = &project["projects"]["nodes"][0]["id"];
    let nobody = "feature_01h455vb4pex5vsknk084sn02q";
    for id in
        ["", "x", "feature_", "feature_0", "feature_01h455vb4pex5vsknk084sn02q0", "person_01h455vb4pex5vsknk084sn02q"]
    {
        for field in ["feature", "node"] {
            let error =
                client.error(&format!("query($id: ID!) {{ {field}(id: $id) {{ id }} }}"), json!({ "id": id })).await;
            assert_eq!(code(&error), "INVALID_ID", "{id}: {error}");
            assert_eq!(error["path"], json!([field]));
        }
    }
    let error = client.error("query($id: ID!) { feature(id: $id) { id } }", json!({ "id": project })).await;
    assert_eq!(error["message"], "id names something else; expected feature_…");
    let data = client.data(&format!("{{ feature(id: {nobody:?}) {{ id }} node(id: {nobody:?}) {{ id }} }}")).await;
    assert_eq!(data, json!({ "feature": null, "node": null }));
    let body = client
        .run(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }",
            json!({ "ids": [project, "x", nobody, project] }),
        )
        .await;
    let project = json!({ "id": project, "__typename": "Project" });
    assert_eq!(body["data"]["nodes"], json!([project, null, null, project]));
    assert_eq!(body["errors"][0]["path"], json!(["nodes", 1]));
    let ids = vec![nobody; 1001];
    let error = client.error("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    assert_eq!(code(&error), "INVALID_ARGUMENT");
}

async fn wrong_cursors_are_refused(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let cursor = client.data("{ features(first: 1, orderBy: {field: NAME}) { pageInfo { endCursor } } }").await;
    let cursor = cursor["features"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    let page = "query($c: String) { features(after: $c, orderBy: {field: NAME}) { nodes { id } } }";
    client.data_with(page, json!({ "c": cursor })).await;
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let uuid = "0190a0a0-0000-7000-8000-000000000000";
    let forged = [
        String::new(),
        "x".to_owned(),
        "é".to_owned(),
        "=".repeat(10_000),
        "A".repeat(100_000),
        cursor[1..].to_owned(),
        cursor[..cursor.len() - 2].to_owned(),
        URL_SAFE_NO_PAD.encode([0xff, 0xfe, 0]),
        URL_SAFE_NO_PAD.encode("[".repeat(5_000)),
        encode(&json!({})),
        encode(&json!([])),
        encode(&json!(["Feature +NAME +ID"])),
        encode(&json!(["Feature +NAME +ID", "a"])),
        encode(&json!(["Feature +NAME +ID", "a", uuid, uuid])),
        encode(&json!(["Feature +NAME +ID", 1, uuid])),
        encode(&json!(["Feature +NAME +ID", null, uuid])),
        encode(&json!(["Feature +NAME +ID", "a", null])),
        encode(&json!(["Feature +NAME +ID", "a", "x"])),
        encode(&json!(["Feature +NAME +ID", "\u{0}", uuid])),
        encode(&json!(["Feature -NAME -ID", "a", uuid])),
        encode(&json!(["Project +NAME +ID", "a", uuid])),
        encode(&json!([{ "Feature +NAME +ID": 1 }, "a", uuid])),
    ];
    for cursor in &forged {
        for argument in ["after", "before"] {
            let page = page.replace("after", argument);
            let error = client.error(&page, json!({ "c": cursor })).await;
            assert_eq!(code(&error), "INVALID_CURSOR", "{cursor}");
            assert!(error["message"].as_str().unwrap().starts_with(argument), "{error}");
        }
    }
    // A cursor of another list in the same order names a place all the same; so does one whose row is gone.
    client
        .data_with(page, json!({ "c": encode(&json!(["Feature +NAME +ID", "'; DROP TABLE features; --", uuid])) }))
        .await;
    for other in ["{field: PRIORITY}", "{field: NAME, direction: DESC}", "[]"] {
        let document = format!("query($c: String) {{ features(after: $c, orderBy: {other}) {{ nodes {{ id }} }} }}");
        let error = client.error(&document, json!({ "c": cursor })).await;
        assert_eq!(code(&error), "INVALID_CURSOR");
    }
    for (order, values) in [
        ("PRIORITY", vec![json!(99_999_999_999_i64), json!(1.5), json!("1"), json!(-1e300)]),
        ("CREATED_AT", vec![json!("x"), json!("+262000-01-01T00:00:00Z"), json!("-0001-01-01T00:00:00Z"), json!(0)]),
    ] {
        for value in values {
            let cursor = encode(&json!([format!("Feature +{order} +ID"), value, uuid]));
            let document = format!(
                "query($c: String) {{ features(after: $c, orderBy: {{field: {order}}}) {{ nodes {{ id }} }} }}"
            );
            assert_eq!(
                code(&client.error(&document, json!({ "c": cursor })).await),
                "INVALID_CURSOR",
                "{order} {value}"
            );
        }
    }
}

async fn wrong_page_arguments_are_refused(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    for (arguments, message) in [
        ("first: -1", "first must be 0 to 1000, is -1"),
        ("first: 1001", "first must be 0 to 1000, is 1001"),
        ("last: 2147483647", "last must be 0 to 1000, is 2147483647"),
        ("first: 1, last: 1", "last cannot be given together with first"),
    ] {
        let root = client.run(&format!("{{ features({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(root["data"], Value::Null, "{arguments}");
        assert_eq!(root["errors"][0]["message"], message);
        assert_eq!(code(&root["errors"][0]), "INVALID_ARGUMENT");
        // Deeper down the error rises to the one feature, and costs no statement for the tests.
        let id = client.data("{ features(first: 1) { nodes { id } } }").await;
        let id = &id["features"]["nodes"][0]["id"];
        let nested = format!(
            "query($id: ID!) {{ ok: feature(id: $id) {{ id }} feature(id: $id) {{ tests({arguments}) {{ nodes {{ id }} }} }} }}"
        );
        let body = client.run(&nested, json!({ "id": id })).await;
        assert_eq!(body["data"], json!({ "ok": { "id": id }, "feature": null }));
        assert_eq!(body["errors"][0]["path"], json!(["feature", "tests"]));
        assert_eq!(body["errors"][0]["message"], message);
    }
    let error = client.error("{ features(orderBy: {field: DESCRIPTION}) { nodes { id } } }", json!({})).await;
    assert_eq!(code(&error), "GRAPHQL_VALIDATION_FAILED");
    let id = client.data("{ features(first: 1) { nodes { id } } }").await;
    let id = &id["features"]["nodes"][0]["id"];
    let body = client
        .run(
            "query($id: ID!) { feature(id: $id) { name latestDeployment(environment: \"\\u0000\") { version } } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(body["data"]["feature"]["latestDeployment"], Value::Null);
    assert!(body["data"]["feature"]["name"].is_string());
    assert_eq!(body["errors"][0]["path"], json!(["feature", "latestDeployment"]));
}

async fn a_failing_relation_nulls_the_nearest_field_that_may_be_null(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let ids = client.data("{ features(first: 3) { nodes { id } } }").await;
    let ids: Vec<_> = ids["features"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect();
    client.test.database.writer().execute_unprepared("ALTER TABLE tests RENAME TO gone").await.unwrap();
    let document = "query($ids: [ID!]!) { projects(first: 1) { nodes { name } }
        nodes(ids: $ids) { id ... on Feature { name t: tests { nodes { name } } } } }";
    let body = client.run(document, json!({ "ids": ids })).await;
    assert_eq!(body["data"]["nodes"], json!([null, null, null]));
    assert!(body["data"]["projects"]["nodes"][0]["name"].is_string(), "the sibling is whole: {body}");
    let errors = body["errors"].as_array().unwrap();
    let paths: Vec<_> = errors.iter().map(|error| error["path"].clone()).collect();
    assert_eq!(paths, [0, 1, 2].map(|place| json!(["nodes", place, "t"])));
    for error in errors {
        assert_eq!(error["message"], "internal error");
        assert_eq!(error["extensions"], json!({ "code": "INTERNAL", "requestId": "request-1" }));
    }
    assert!(!body.to_string().contains("SELECT"), "no SQL in an answer");
}

async fn a_failing_field_that_may_be_null_is_null_by_itself(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.test.database.writer().execute_unprepared("ALTER TABLE deployments RENAME TO gone").await.unwrap();
    let document =
        "{ features(first: 2, orderBy: {field: NAME}) { nodes { name latestDeployment { version } priority } } }";
    let body = client.run(document, json!({})).await;
    let nodes = body["data"]["features"]["nodes"].as_array().unwrap();
    for node in nodes {
        assert_eq!(node["latestDeployment"], Value::Null);
        assert!(node["name"].is_string() && node["priority"].is_number());
    }
    let paths: Vec<_> = body["errors"].as_array().unwrap().iter().map(|error| error["path"].clone()).collect();
    assert_eq!(paths, [0, 1].map(|place| json!(["features", "nodes", place, "latestDeployment"])));
}

async fn an_error_of_a_list_leaves_no_data(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.test.database.writer().execute_unprepared("ALTER TABLE tests RENAME TO gone").await.unwrap();
    let document =
        "{ a: projects(first: 1) { nodes { name } } features(first: 2) { nodes { tests { nodes { name } } } } }";
    let body = client.run(document, json!({})).await;
    assert_eq!(body["data"], Value::Null);
    assert_eq!(body["errors"].as_array().unwrap().len(), 1);
    assert_eq!(body["errors"][0]["path"], json!(["features", "nodes", 0, "tests"]));
}

async fn missing_variables_are_named(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let document = "query($id: ID!, $n: Int!) { feature(id: $id) { tests(first: $n) { nodes { id } } } }";
    let body = client.run(document, json!({ "n": null })).await;
    assert_eq!(body.get("data"), None);
    assert_eq!(body["errors"][0]["message"], "variable $id of type ID! was not given");
    assert_eq!(body["errors"][1]["message"], "variable $n of type Int! must not be null");
}

/// Each is refused before anything runs, and told the same when the document is known already.
async fn variables_of_other_types_are_refused(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let document = "query($n: Int, $s: String, $b: Boolean = false, $i: [ID!]!, $o: [FeatureOrder!]) {
        features(first: $n, after: $s, orderBy: $o) { nodes { id @skip(if: $b) name } } nodes(ids: $i) { id } }";
    client.data_with(document, json!({ "i": [] })).await;
    for (variables, message) in [
        (json!({ "i": [], "n": "5" }), "variable $n of type Int is no Int"),
        (json!({ "i": [], "n": 5.5 }), "variable $n of type Int is no Int"),
        (json!({ "i": [], "n": 3_000_000_000_u32 }), "variable $n of type Int is no Int"),
        (json!({ "i": [], "s": 5 }), "variable $s of type String is no String"),
        (json!({ "i": [], "b": 1 }), "variable $b of type Boolean is no Boolean"),
        (json!({ "i": ["a", null] }), "variable $i of type [ID!]!: $i[1] must not be null"),
        (json!({ "i": [[]] }), "variable $i of type [ID!]!: $i[0] is no ID"),
        (
            json!({ "i": [], "o": [{ "field": "NAME" }, { "field": "COLOUR" }] }),
            "variable $o of type [FeatureOrder!]: $o[1].field is no value of FeatureOrderField",
        ),
        (json!({ "i": [], "o": {} }), "variable $o of type [FeatureOrder!]: $o.field was not given"),
        (json!({ "i": [], "o": "NAME" }), "variable $o of type [FeatureOrder!] must be an object of FeatureOrder"),
        (
            json!({ "i": [], "o": { "field": "NAME", "colour": 1 } }),
            "variable $o of type [FeatureOrder!] has a field that FeatureOrder does not have",
        ),
    ] {
        let body = client.run(document, variables.clone()).await;
        assert_eq!(body.get("data"), None, "{variables}");
        assert_eq!(body["errors"][0]["message"], message, "{variables}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    }
    // An integer is an id as well, and a value stands for a list of one.
    let body = client.run(document, json!({ "i": 7, "o": { "field": "NAME" } })).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "INVALID_ID", "{body}");
}

async fn a_database_that_is_gone_is_said_to_be(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.test.database.clone().close().await.unwrap();
    let error = client.error("{ projects { nodes { name } } }", json!({})).await;
    assert_eq!(code(&error), "DATABASE_UNAVAILABLE");
    assert_eq!(error["message"], "the database cannot be reached; try again later");
    assert_eq!(error["extensions"]["requestId"], "request-1");
}
