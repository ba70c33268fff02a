//! Rows from before there were events get theirs, once.

use serde_json::json;
use throughline::write_transaction::adopt;

use crate::support::{Backend, Client, Rows, Tables, TestDatabase};

on_both!(rows_without_events_are_adopted);

async fn rows_without_events_are_adopted(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let database = &client.test.database;
    assert_eq!(adopt(database).await.unwrap(), 0, "there is nothing yet");
    let rows = Rows::of(database);
    rows.add_project().await;
    rows.add_feature(10, "first", "text").await;
    rows.add_feature(11, "deleted", "").await;
    let deleted = "UPDATE features SET deleted_at = '2026-02-02T00:00:00+00:00', row_version = 7 WHERE id = @11";
    for sql in [
        deleted,
        "UPDATE features SET updated_at = '2026-01-03T00:00:00.5+00:00', row_version = 5 WHERE id = @10",
        "INSERT INTO tests (id, feature_id, name, status, duration_ms, created_at, updated_at) \
         VALUES (@20, @10, 'test', 'passed', 12, @now, @now)",
        "INSERT INTO deployments (id, feature_id, environment, version, status, deployed_at, created_at, updated_at) \
         VALUES (@30, @10, 'staging', '1.0', 'succeeded', '2026-01-03T00:00:00+00:00', @now, @now)",
        "INSERT INTO features_view (id, name, priority, project_id, test_count, passed_count, deployment_status, \
         latest_deployed_at) VALUES (@10, 'first', 5, @1, 1, 1, 'succeeded', '2026-01-03T00:00:00+00:00')",
    ] {
        rows.run(sql).await.unwrap();
    }
    let before = Tables::read(database).await;
    assert_eq!(adopt(database).await.unwrap(), 5);
    let after = Tables::read(database).await;
    after.assert_tell_one_story_of_events();
    let versions = |tables: &Tables| tables.features.iter().map(|feature| feature.row_version).collect::<Vec<_>>();
    assert_eq!((versions(&before), versions(&after)), (vec![5, 7], vec![2, 2]));
    for (old, new) in before.features.iter().zip(&after.features) {
        let is_same =
            entity::feature::Model { row_version: old.row_version, updated_at: old.updated_at, ..new.clone() };
        assert_eq!(*old, is_same, "but for what counts its events");
    }
    assert_eq!(adopt(database).await.unwrap(), 0, "once");
    let id = Rows::id("feature", 10);
    let update = "mutation($f: ID!) {
        updateFeature(input: {id: $f, expectedVersion: 2, priority: 1}) { feature { rowVersion } userErrors { code } } }";
    let data = client.data_with(update, json!({ "f": id })).await;
    assert_eq!(data["updateFeature"], json!({ "feature": { "rowVersion": 3 }, "userErrors": [] }));
}
