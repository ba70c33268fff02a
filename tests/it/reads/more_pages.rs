//! Many lists that go on, each from a cursor of its own, in one statement.

use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    each_list_goes_on_where_it_was,
    cursors_with_and_without_values_stand_side_by_side,
    what_is_wrong_is_said_at_its_place
);

/// The first page of each list, then all further ones, against each list asked for alone.
async fn each_list_goes_on_where_it_was(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    for order in [json!([]), json!([{ "field": "PRIORITY", "direction": "DESC" }, { "field": "NAME" }])] {
        let first = client
            .data_with(
                "query($o: [FeatureOrder!]) { projects(first: 50) { nodes { id features(first: 3, orderBy: $o) {
                     pageInfo { endCursor } } } } }",
                json!({ "o": order }),
            )
            .await;
        let mut pages: Vec<Value> = first["projects"]["nodes"].as_array().unwrap().iter().map(page_after).collect();
        let mut rounds = 0;
        while !pages.is_empty() {
            client.statements.take();
            let data = client
                .data_with(
                    "query($p: [MorePage!]!, $o: [FeatureOrder!]) { moreProjectFeatures(pages: $p, first: 3, orderBy: $o) {
                         totalCount nodes { name project { id } }
                         pageInfo { hasNextPage hasPreviousPage endCursor } } }",
                    json!({ "p": pages, "o": order }),
                )
                .await;
            assert_eq!(client.statements.count(), 3, "the pages, their counts, the projects");
            let more = data["moreProjectFeatures"].as_array().unwrap();
            assert_eq!(more.len(), pages.len());
            for (page, given) in more.iter().zip(&pages).take(5) {
                let alone = client
                    .data_with(
                        "query($id: ID!, $after: String!, $o: [FeatureOrder!]) { project(id: $id) {
                             features(first: 3, after: $after, orderBy: $o) { totalCount nodes { name project { id } }
                                 pageInfo { hasNextPage hasPreviousPage endCursor } } } }",
                        json!({ "id": given["parent"], "after": given["after"], "o": order }),
                    )
                    .await;
                assert_eq!(*page, alone["project"]["features"]);
                assert_eq!(page["pageInfo"]["hasPreviousPage"], true);
            }
            let next = more.iter().zip(&pages).filter(|(page, _)| page["pageInfo"]["hasNextPage"] == true);
            pages = next
                .map(|(page, given)| json!({ "parent": given["parent"], "after": page["pageInfo"]["endCursor"] }))
                .collect();
            rounds += 1;
        }
        assert_eq!(rounds, 115, "the longest list has 348 features");
    }
}

/// One list stands before its rows without a value, one behind them.
async fn cursors_with_and_without_values_stand_side_by_side(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let rows = crate::support::Rows::of(&client.test.database);
    rows.run("UPDATE tests SET duration_ms = length(name) WHERE length(name) % 3 > 0").await.unwrap();
    for (order, statements) in [("{field: DURATION_MS}", 1), ("{field: DURATION_MS, nulls: LAST}", 2)] {
        let mut pages = Vec::new();
        for first in [1, 30, 60] {
            let data = client
                .data(&format!(
                    "{{ features(first: 20, orderBy: {{field: NAME}}) {{ nodes {{ id
                         features: tests(first: {first}, orderBy: {order}) {{ pageInfo {{ endCursor }} }} }} }} }}"
                ))
                .await;
            let nodes = data["features"]["nodes"].as_array().unwrap().iter();
            pages.extend(nodes.filter(|node| !node["features"]["pageInfo"]["endCursor"].is_null()).map(page_after));
        }
        client.statements.take();
        let data = client
            .data_with(
                &format!(
                    "query($p: [MorePage!]!) {{ moreFeatureTests(pages: $p, first: 4, orderBy: {order}) {{
                         nodes {{ name durationMs }} }} }}"
                ),
                json!({ "p": pages }),
            )
            .await;
        assert_eq!(client.statements.count(), statements, "one for each form of a cursor");
        for (page, given) in data["moreFeatureTests"].as_array().unwrap().iter().zip(&pages) {
            let alone = client
                .data_with(
                    &format!(
                        "query($id: ID!, $after: String!) {{ feature(id: $id) {{
                             tests(first: 4, after: $after, orderBy: {order}) {{ nodes {{ name durationMs }} }} }} }}"
                    ),
                    json!({ "id": given["parent"], "after": given["after"] }),
                )
                .await;
            assert_eq!(*page, alone["feature"]["tests"], "{given}");
        }
    }
}

async fn what_is_wrong_is_said_at_its_place(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let data = client
        .data("{ features(first: 2) { nodes { id tests(first: 1) { pageInfo { endCursor } } features: tests(first: 1) { pageInfo { endCursor } } } } }")
        .await;
    let nodes = &data["features"]["nodes"];
    let (known, cursor) = (&nodes[0]["id"], &nodes[0]["tests"]["pageInfo"]["endCursor"]);
    let pages = json!([
        { "parent": known, "after": cursor },
        { "parent": "feature_01h455vb4pex5vsknk084sn02q", "after": cursor },
        { "parent": "project_01h455vb4pex5vsknk084sn02q", "after": cursor },
        { "parent": known, "after": "nonsense" },
        page_after(&nodes[1]),
    ]);
    let document = "query($p: [MorePage!]!) { moreFeatureTests(pages: $p, first: 1) { totalCount nodes { id } } }";
    let body = client.run(document, json!({ "p": pages })).await;
    let more = body["data"]["moreFeatureTests"].as_array().unwrap();
    assert_eq!(more.len(), 5);
    assert!(more[0].is_object() && more[4].is_object(), "{body}");
    assert_eq!(more[1..4], [Value::Null, Value::Null, Value::Null]);
    let errors = body["errors"].as_array().unwrap();
    let said: Vec<_> = errors
        .iter()
        .map(|error| (error["path"].clone(), error["message"].as_str().unwrap(), error["extensions"]["code"].clone()))
        .collect();
    assert_eq!(
        said,
        [
            (
                json!(["moreFeatureTests", 2]),
                "pages[2].parent names something else; expected feature_…",
                json!("INVALID_ID")
            ),
            (json!(["moreFeatureTests", 3]), "pages[3].after is not a cursor of this API", json!("INVALID_CURSOR")),
        ]
    );
    // The parent of a deleted feature is not to be had, nor are its tests.
    let rows = crate::support::Rows::of(&client.test.database);
    rows.run("UPDATE features SET deleted_at = @now").await.unwrap();
    let body = client.run(document, json!({ "p": [{ "parent": known, "after": cursor }] })).await;
    assert_eq!(body, json!({ "data": { "moreFeatureTests": [null] } }));
    let pages: Vec<_> = (0..1001).map(|_| json!({ "parent": known, "after": cursor })).collect();
    let error = client.error(document, json!({ "p": pages })).await;
    assert_eq!(error["message"], "pages must have at most 1000 items, has 1001");
}

/// The page after the first one of a parent.
fn page_after(parent: &Value) -> Value {
    json!({ "parent": parent["id"], "after": parent["features"]["pageInfo"]["endCursor"] })
}
