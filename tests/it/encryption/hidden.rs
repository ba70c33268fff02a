//! What tells of notes without telling them: the history, the audit, conflicts; and the record, which is whole all the same.

use serde_json::{Value, json};
use throughline::events::{replay, verify};

use super::{UPDATE, World};
use crate::support::{Backend, Tables};

on_both!(the_past_tells_that_notes_changed, the_record_is_verified_and_replayed, the_table_holds_tokens_alone);

/// Fails where the answer holds a token or a text.
fn assert_hidden(answer: &Value) {
    let text = answer.to_string();
    for hidden in ["gAAAA", "first text", "second text"] {
        assert!(!text.contains(hidden), "{hidden} is shown: {text}");
    }
}

async fn the_past_tells_that_notes_changed(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "first text").await;
    let left = "mutation($f: ID!, $notes: String) { updateFeature(input: {id: $f, confidentialNotes: $notes}) {
        events { type changes { name value } } auditLogs { changes { field before after } } } }";
    let payload = world.client.data_with(left, json!({ "f": feature, "notes": "second text" })).await;
    assert_hidden(&payload);
    let payload = &payload["updateFeature"];
    assert_eq!(
        payload["events"],
        json!([{ "type": "feature.update", "changes": [{ "name": "confidentialNotes", "value": "[secret]" }] }])
    );
    let changed = json!([{ "field": "confidentialNotes", "before": "[secret]", "after": "[secret]" }]);
    assert_eq!(payload["auditLogs"][0]["changes"], changed);
    world.update(&feature, None).await;
    let document = "query($f: ID!) {
        feature(id: $f) {
            history { nodes { version changes { name value } } }
            auditLogs { nodes { action changes { field before after } } }
        }
        events { nodes { changes { name value } } }
        changes { nodes { changes { name value } } }
        auditLogs { nodes { changes { field before after } } }
        all: featureDiff(id: $f, from: 0, to: 2) { field before after }
        changed: featureDiff(id: $f, from: 1, to: 2) { field before after }
        cleared: featureDiff(id: $f, from: 2, to: 3) { field before after }
        featureAsOf(id: $f, version: 2) { name description rowVersion }
    }";
    let data = world.client.data_with(document, json!({ "f": feature })).await;
    assert_hidden(&data);
    let history = &data["feature"]["history"]["nodes"];
    assert_eq!(history[2]["changes"], json!([{ "name": "confidentialNotes", "value": null }]));
    assert!(history[0]["changes"].to_string().contains("[secret]"), "{history}");
    assert_eq!(data["changed"], changed);
    assert_eq!(data["cleared"], json!([{ "field": "confidentialNotes", "before": "[secret]", "after": null }]));
    assert_eq!(data["featureAsOf"]["name"], "F");

    let conflict =
        "mutation($f: ID!) { updateFeature(input: {id: $f, expectedVersion: 1, confidentialNotes: \"mine\"}) {
        userErrors { code message conflict { changes { fields } } } } }";
    let data = world.client.data_with(conflict, json!({ "f": feature })).await;
    assert_hidden(&data);
    let fields = &data["updateFeature"]["userErrors"][0]["conflict"]["changes"][0]["fields"];
    assert_eq!(*fields, json!(["confidentialNotes"]));
}

async fn the_record_is_verified_and_replayed(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "first text").await;
    // Past a snapshot.
    for number in 0..105 {
        world.update(&feature, Some(&format!("text {number}"))).await;
    }
    let database = &world.client.test.database;
    let before = Tables::read(database).await;
    before.assert_tell_one_story();
    assert_eq!(verify(database, |_| ()).await.unwrap().fault, None);
    let replayed = replay(database, false, |_| ()).await.unwrap();
    assert!(replayed.is_equal(), "{replayed:?}");
    replay(database, true, |_| ()).await.unwrap();
    assert_eq!(Tables::read(database).await, before);
    assert_eq!(world.notes(&feature).await, "text 104", "the keys are still there");
    let document = "query($f: ID!) { featureDiff(id: $f, from: 101, to: 103) { field before after } }";
    let data = world.client.data_with(document, json!({ "f": feature })).await;
    assert_eq!(data["featureDiff"][0]["after"], "[secret]", "from a snapshot, too");
}

async fn the_table_holds_tokens_alone(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "first text").await;
    let token = world.texts("SELECT confidential_notes FROM features").await.remove(0);
    let refused = crate::support::Rows::of(&world.client.test.database)
        .run("UPDATE features SET confidential_notes = 'plain'")
        .await;
    assert!(refused.is_err());
    // What somebody else has put there is told, and not taken for what was written.
    let middle = token.len() / 2;
    let other = if &token[middle..=middle] == "x" { "y" } else { "x" };
    let changed = format!("{}{other}{}", &token[..middle], &token[middle + 1..]);
    world.execute(&format!("UPDATE features SET confidential_notes = '{changed}'")).await;
    assert_eq!(world.code(&feature).await, "SECRET_UNREADABLE");
    let data = world.client.data_with(UPDATE, json!({ "f": feature, "notes": "second text" })).await;
    assert_eq!(data["updateFeature"]["feature"]["confidentialNotes"], "second text");
}
