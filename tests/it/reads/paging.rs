//! Pages: every row exactly once, in every order, from both ends, and exact words about what lies beyond.

use std::collections::HashSet;

use entity::test_case::TestStatus;
use entity::{deployment, feature, test_case};
use sea_orm::{ActiveEnum as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use throughline::batch::id;

use crate::support::{Backend, Client, Rows, TestDatabase};

on_both!(
    every_row_once_in_every_order,
    nested_lists_page_like_root_lists,
    nulls_stand_where_they_are_put,
    orders_of_the_read_model_are_those_of_the_rows,
    the_edges_of_a_page_are_told_exactly,
    both_databases_have_one_order
);

const ORDERS: &[&str] = &["NAME", "PRIORITY", "STATUS", "CREATED_AT", "UPDATED_AT"];

/// The orders that walk the read model.
const VIEW_ORDERS: &[&str] = &["DEPLOYMENT_STATUS", "TEST_COUNT", "FAILED_COUNT", "LATEST_DEPLOYED_AT"];

/// Pages through a list and gives the ids in the order in which they came, in the list's order.
async fn page_through(client: &Client, order_by: &Value, size: usize, backward: bool) -> Vec<String> {
    let document = if backward {
        "query($o: [FeatureOrder!], $n: Int, $c: String) { features(orderBy: $o, last: $n, before: $c) {
            nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    } else {
        "query($o: [FeatureOrder!], $n: Int, $c: String) { features(orderBy: $o, first: $n, after: $c) {
            nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    };
    let (more, edge, behind) = if backward {
        ("hasPreviousPage", "startCursor", "hasNextPage")
    } else {
        ("hasNextPage", "endCursor", "hasPreviousPage")
    };
    let (mut ids, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut data = client.data_with(document, json!({ "o": order_by, "n": size, "c": cursor })).await;
        let page = data["features"].take();
        assert_eq!(page["pageInfo"][behind], json!(cursor != Value::Null), "what lies behind a page");
        let nodes = page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned());
        let nodes: Vec<_> = nodes.collect();
        let has_more = page["pageInfo"][more].as_bool().unwrap();
        assert!(nodes.len() == size || !has_more, "a page that is not the last one is full");
        if backward {
            ids.splice(0..0, nodes);
        } else {
            ids.extend(nodes);
        }
        if !has_more {
            return ids;
        }
        cursor = page["pageInfo"][edge].clone();
        assert!(ids.len() <= 1204, "the pages go on for ever");
    }
}

async fn every_row_once_in_every_order(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let mut orders = vec![json!([])];
    for field in ORDERS {
        for direction in ["ASC", "DESC"] {
            orders.push(json!([{ "field": field, "direction": direction }]));
        }
    }
    // Terms that sort in different ways cannot be one comparison of row values.
    orders.push(json!([{ "field": "PRIORITY", "direction": "DESC" }, { "field": "NAME" }]));
    orders
        .push(json!([{ "field": "STATUS" }, { "field": "PRIORITY", "direction": "DESC" }, { "field": "UPDATED_AT" }]));
    for field in VIEW_ORDERS {
        orders.push(json!([{ "field": field }]));
        orders.push(json!([{ "field": field, "direction": "DESC", "nulls": "FIRST" }, { "field": "NAME" }]));
        orders.push(json!([{ "field": "PRIORITY" }, { "field": field }]));
    }
    let mut requests = 0;
    for order in &orders {
        let whole = page_through(&client, order, 1000, false).await;
        assert_eq!(whole.len(), 1204, "{order}");
        assert_eq!(whole.iter().collect::<HashSet<_>>().len(), 1204, "{order}");
        let by_view = VIEW_ORDERS.iter().any(|field| order.to_string().contains(field));
        for size in if by_view { &[7, 100][..] } else { &[1, 7, 100] }.iter().copied() {
            for backward in [false, true] {
                assert_eq!(page_through(&client, order, size, backward).await, whole, "{order}, {size}, {backward}");
                requests += 1204_usize.div_ceil(size);
            }
        }
    }
    println!("{backend:?}: {} orders, {requests} pages", orders.len());
}

async fn nested_lists_page_like_root_lists(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let data = client
        .data("{ projects { nodes { id features(first: 1000, orderBy: {field: PRIORITY}) { nodes { id } } } } }")
        .await;
    let expected: Vec<_> = data["projects"]["nodes"].as_array().unwrap().iter().collect();
    // One cursor serves all parents, since it names a place in the order and not a row of one list.
    let first = client
        .data(
            "{ projects { nodes { features(first: 2, orderBy: {field: PRIORITY}) {
                edges { cursor node { id } } totalCount pageInfo { hasNextPage hasPreviousPage } } } } }",
        )
        .await;
    for (project, whole) in first["projects"]["nodes"].as_array().unwrap().iter().zip(&expected) {
        let whole = whole["features"]["nodes"].as_array().unwrap();
        let (page, length) = (&project["features"], whole.len());
        assert_eq!(page["totalCount"], json!(length));
        assert_eq!(page["pageInfo"], json!({ "hasNextPage": length > 2, "hasPreviousPage": false }));
        for (edge, node) in page["edges"].as_array().unwrap().iter().zip(whole) {
            assert_eq!(edge["node"]["id"], node["id"]);
        }
    }
    let cursor = &first["projects"]["nodes"][1]["features"]["edges"][1]["cursor"];
    let after = client
        .data_with(
            "query($c: String) { projects { nodes { features(first: 3, after: $c, orderBy: {field: PRIORITY}) {
                nodes { id } pageInfo { hasNextPage hasPreviousPage } } } } }",
            json!({ "c": cursor }),
        )
        .await;
    let before = client
        .data_with(
            "query($c: String) { projects { nodes { features(last: 1000, before: $c, orderBy: {field: PRIORITY}) {
                nodes { id } pageInfo { hasNextPage hasPreviousPage } } } } }",
            json!({ "c": cursor }),
        )
        .await;
    for (place, whole) in expected.iter().enumerate() {
        let whole = whole["features"]["nodes"].as_array().unwrap();
        let (after, before) = (&after["projects"]["nodes"][place], &before["projects"]["nodes"][place]);
        let before_nodes = before["features"]["nodes"].as_array().unwrap();
        // The cursor's own row is in one project; in that one it is neither before nor after.
        let own = usize::from(place == 1);
        assert_eq!(before_nodes[..], whole[..before_nodes.len()]);
        let after_nodes = after["features"]["nodes"].as_array().unwrap();
        let start = before_nodes.len() + own;
        assert_eq!(after_nodes[..], whole[start..whole.len().min(start + 3)]);
        let expected = json!({ "hasNextPage": whole.len() > start + 3, "hasPreviousPage": start > 0 });
        assert_eq!(after["features"]["pageInfo"], expected, "project {place}");
        let expected = json!({ "hasNextPage": start < whole.len() || own == 1, "hasPreviousPage": false });
        assert_eq!(before["features"]["pageInfo"], expected, "project {place}");
    }
}

async fn nulls_stand_where_they_are_put(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let rows = Rows::of(&client.test.database);
    rows.add_project().await;
    rows.add_feature(2, "two", "").await;
    for (place, deployed_at) in
        ["'2024-01-02T00:00:00+00:00'", "NULL", "'2024-01-01T00:00:00+00:00'", "NULL"].iter().enumerate()
    {
        rows.run(&format!(
            "INSERT INTO deployments (id, feature_id, environment, version, deployed_at, created_at, updated_at) \
             VALUES (@{}, @2, 'production', '1', {deployed_at}, @now, @now)",
            place + 3
        ))
        .await
        .unwrap();
    }
    let id = Rows::id("feature", 2);
    let orders = [
        ("{field: DEPLOYED_AT}", [None, None, Some("1"), Some("2")]),
        ("{field: DEPLOYED_AT, direction: DESC}", [Some("2"), Some("1"), None, None]),
        ("{field: DEPLOYED_AT, nulls: LAST}", [Some("1"), Some("2"), None, None]),
        ("{field: DEPLOYED_AT, direction: DESC, nulls: FIRST}", [None, None, Some("2"), Some("1")]),
    ];
    for (order, expected) in orders {
        for (size, ends) in [("first", ("after", "endCursor")), ("last", ("before", "startCursor"))] {
            let (mut seen, mut cursor) = (Vec::new(), Value::Null);
            for _ in 0..4 {
                let document = format!(
                    "query($id: ID!, $c: String) {{ feature(id: $id) {{ deployments({size}: 1, {}: $c, orderBy: {order}) {{
                        nodes {{ id deployedAt }} pageInfo {{ {} }} }} }} }}",
                    ends.0, ends.1
                );
                let data = client.data_with(&document, json!({ "id": id, "c": cursor })).await;
                let page = &data["feature"]["deployments"];
                seen.push(page["nodes"][0].clone());
                cursor = page["pageInfo"][ends.1].clone();
            }
            if size == "last" {
                seen.reverse();
            }
            let days = seen.iter().map(|row| row["deployedAt"].as_str().map(|time| &time[9..10]));
            assert_eq!(days.collect::<Vec<_>>(), expected, "{order}, {size}");
            assert_eq!(seen.iter().map(|row| row["id"].as_str()).collect::<HashSet<_>>().len(), 4);
        }
    }
    let data = client
        .data_with("query($id: ID!) { feature(id: $id) { latestDeployment { deployedAt } } }", json!({ "id": id }))
        .await;
    assert_eq!(data["feature"]["latestDeployment"]["deployedAt"], "2024-01-02T00:00:00Z");
}

/// What a feature is sorted by in an order of the read model, from the plain rows.
async fn keys_of_features(client: &Client) -> Vec<(feature::Model, [Option<String>; 4])> {
    let reader = client.test.database.reader();
    let tests = test_case::Entity::find().all(reader).await.unwrap();
    let deployments = deployment::Entity::find().all(reader).await.unwrap();
    let features = feature::Entity::find().filter(feature::Column::DeletedAt.is_null()).all(reader).await.unwrap();
    let keys = features.into_iter().map(|feature| {
        let tests: Vec<_> = tests.iter().filter(|test| test.feature_id == feature.id).collect();
        let failed = tests.iter().filter(|test| test.status == TestStatus::Failed).count();
        let own = deployments.iter().filter(|deployment| deployment.feature_id == feature.id);
        let latest = own.max_by_key(|deployment| (deployment.deployed_at, deployment.id));
        let keys = [
            latest.map(|deployment| deployment.status.to_value()),
            Some(format!("{:09}", tests.len())),
            Some(format!("{failed:09}")),
            latest.and_then(|deployment| deployment.deployed_at).map(|time| time.to_rfc3339()),
        ];
        (feature, keys)
    });
    keys.collect()
}

async fn orders_of_the_read_model_are_those_of_the_rows(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    // One that is deleted is hidden, though here its row of the read model is still there.
    let rows = Rows::of(&client.test.database);
    let delete = "UPDATE features SET deleted_at = @now WHERE name = (SELECT max(name) FROM features)";
    rows.run(delete).await.unwrap();
    let keys = keys_of_features(&client).await;
    for (place, field) in VIEW_ORDERS.iter().enumerate() {
        let mut sorted: Vec<_> = keys.iter().map(|(feature, keys)| (&keys[place], feature)).collect();
        sorted.sort_by_key(|(key, feature)| (*key, feature.id));
        let distinct = sorted.iter().map(|(key, _)| *key).collect::<HashSet<_>>().len();
        assert!(distinct > 1, "{field}: all features tie");
        let id_of = |feature: &feature::Model| id::format("feature", feature.id);
        let ascending: Vec<_> = sorted.iter().map(|(_, feature)| id_of(feature)).collect();
        let descending: Vec<_> = ascending.iter().rev().cloned().collect();
        let nulls_last =
            sorted.iter().filter(|(key, _)| key.is_some()).chain(sorted.iter().filter(|(key, _)| key.is_none()));
        let nulls_last: Vec<_> = nulls_last.map(|(_, feature)| id_of(feature)).collect();
        for (order, expected) in [
            (json!([{ "field": field }]), &ascending),
            (json!([{ "field": field, "direction": "DESC" }]), &descending),
            (json!([{ "field": field, "nulls": "LAST" }]), &nulls_last),
        ] {
            assert_eq!(&page_through(&client, &order, 1000, false).await, expected, "{order}");
            assert_eq!(&page_through(&client, &order, 250, true).await, expected, "{order}");
            // One project's list is the whole one without the others.
            let document = "query($o: [FeatureOrder!], $c: String) { projects(first: 50) { nodes { id
                features(orderBy: $o, first: 1000, after: $c) { nodes { id } pageInfo { hasPreviousPage endCursor } totalCount } } } }";
            let cursor = "query($o: [FeatureOrder!]) { features(orderBy: $o, first: 600) { pageInfo { endCursor } } }";
            let cursor = client.data_with(cursor, json!({ "o": order })).await;
            let cursor = &cursor["features"]["pageInfo"]["endCursor"];
            for (cursor, start) in [(&Value::Null, 0), (cursor, 600)] {
                let data = client.data_with(document, json!({ "o": order, "c": cursor })).await;
                for project in data["projects"]["nodes"].as_array().unwrap() {
                    let own: HashSet<_> = keys
                        .iter()
                        .filter(|(feature, _)| {
                            id::format("project", feature.project_id) == project["id"].as_str().unwrap()
                        })
                        .map(|(feature, _)| id_of(feature))
                        .collect();
                    let list = &project["features"];
                    let found = list["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap());
                    let is_own = |id: &&String| own.contains(*id);
                    assert!(found.eq(expected[start..].iter().filter(is_own).map(String::as_str)), "{order}");
                    let before = expected[..start].iter().filter(is_own).count();
                    assert_eq!(list["pageInfo"]["hasPreviousPage"], json!(before > 0), "{order}");
                    assert_eq!(list["totalCount"], json!(own.len()));
                }
            }
        }
    }
}

async fn the_edges_of_a_page_are_told_exactly(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let data = client.data("{ projects(orderBy: {field: NAME}, first: 50) { edges { cursor } } }").await;
    let cursors: Vec<_> = data["projects"]["edges"].as_array().unwrap().iter().map(|edge| &edge["cursor"]).collect();
    let at = |place: usize| cursors[place];
    let cases = [
        (json!({ "first": 0 }), 0, true, false),
        (json!({ "last": 0 }), 0, false, true),
        (json!({ "first": 50 }), 50, false, false),
        (json!({ "last": 50 }), 50, false, false),
        (json!({ "first": 49 }), 49, true, false),
        (json!({ "first": 5, "after": at(49) }), 0, false, true),
        (json!({ "first": 5, "after": at(44) }), 5, false, true),
        (json!({ "last": 5, "before": at(0) }), 0, true, false),
        (json!({ "first": 3, "after": at(10), "before": at(14) }), 3, true, true),
        (json!({ "first": 4, "after": at(10), "before": at(14) }), 3, true, true),
        (json!({ "last": 2, "after": at(10), "before": at(14) }), 2, true, true),
        (json!({ "first": 4, "after": at(14), "before": at(10) }), 0, true, true),
        (json!({ "first": 0, "after": at(49) }), 0, false, true),
    ];
    for (variables, rows, has_next, has_previous) in cases {
        let document = "query($first: Int, $last: Int, $after: String, $before: String) {
            projects(orderBy: {field: NAME}, first: $first, last: $last, after: $after, before: $before) {
                nodes { id } totalCount pageInfo { hasNextPage hasPreviousPage } } }";
        let data = client.data_with(document, variables.clone()).await;
        let page = &data["projects"];
        let found = (
            page["nodes"].as_array().unwrap().len(),
            &page["pageInfo"]["hasNextPage"],
            &page["pageInfo"]["hasPreviousPage"],
        );
        assert_eq!(found, (rows, &json!(has_next), &json!(has_previous)), "{variables}");
        assert_eq!(page["totalCount"], 50);
    }
}

/// Both take text by code point, so that one walk through the list fits both.
async fn both_databases_have_one_order(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let rows = Rows::of(&client.test.database);
    rows.add_project().await;
    let mut names =
        ["apple", "Zebra", "zebra", "\u{e4}pfel", "_a", "a b", "a-b", "ab", "\u{1f980}", "\u{fb00}", "10", "9", "<a>"];
    for (place, name) in (2..).zip(names) {
        rows.add_feature(place, name, "").await;
    }
    names.sort_unstable();
    for (order, size) in [("ASC", 100), ("ASC", 1), ("DESC", 1)] {
        let ids = page_through(&client, &json!([{ "field": "NAME", "direction": order }]), size, false).await;
        let data = client
            .data_with("query($ids: [ID!]!) { nodes(ids: $ids) { ... on Feature { name } } }", json!({ "ids": ids }))
            .await;
        let mut found: Vec<_> =
            data["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
        if order == "DESC" {
            found.reverse();
        }
        assert_eq!(found, names);
    }
}
