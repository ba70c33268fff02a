//! Writers at once: one wins, the others are told.

use serde_json::{Value, json};

use crate::support::{Backend, Client, Tables, TestDatabase};

on_both!(
    one_of_many_gets_the_name,
    versions_count_what_was_acknowledged,
    a_project_ends_with_all_that_is_added_meanwhile
);

async fn client(backend: Backend) -> (Client, Value) {
    let client = Client::new(TestDatabase::new(backend).await);
    let data = client.data("mutation { createProject(input: {name: \"P\"}) { project { id } } }").await;
    let project = data["createProject"]["project"]["id"].clone();
    (client, project)
}

async fn one_of_many_gets_the_name(backend: Backend) {
    let (client, project) = client(backend).await;
    let create = "mutation($p: ID!, $name: String!) {
        createFeature(input: {projectId: $p, name: $name}) { feature { id } userErrors { code message field } } }";
    for writers in [2, 3, 8, 16, 32, 64] {
        let variables = json!({ "p": project, "name": format!("of {writers}") });
        let asked = (0..writers).map(|_| client.data_with(create, variables.clone()));
        let answers = futures_util::future::join_all(asked).await;
        let (made, refused): (Vec<_>, Vec<_>) =
            answers.iter().map(|data| &data["createFeature"]).partition(|payload| payload["userErrors"] == json!([]));
        assert_eq!((made.len(), refused.len()), (1, writers - 1));
        let told = json!([{ "code": "NAME_TAKEN", "field": ["input", "name"],
                            "message": "another feature of the project has this name" }]);
        assert!(refused.iter().all(|payload| payload["userErrors"] == told && payload["feature"].is_null()));
    }
    Tables::read(&client.test.database).await.assert_tell_one_story();
}

async fn versions_count_what_was_acknowledged(backend: Backend) {
    const WRITERS: usize = 16;
    const UPDATES: usize = 6;
    let (client, project) = client(backend).await;
    let create = "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"F\"}) { feature { id } } }";
    let created = client.data_with(create, json!({ "p": project })).await;
    let id = &created["createFeature"]["feature"]["id"];
    let update = "mutation($f: ID!, $version: Int!, $text: String!) {
        updateFeature(input: {id: $f, expectedVersion: $version, description: $text}) {
            version feature { rowVersion } userErrors { code conflict { currentVersion changes { version } } } } }";
    let writers = (0..WRITERS).map(async |writer| {
        let (mut version, mut acknowledged) = (1, 0);
        while acknowledged < UPDATES {
            let text = format!("{writer}.{acknowledged}");
            let variables = json!({ "f": id, "version": version, "text": text });
            let payload = client.data_with(update, variables).await["updateFeature"].take();
            let current = i32::try_from(payload["feature"]["rowVersion"].as_i64().unwrap()).unwrap();
            if payload["userErrors"] == json!([]) {
                assert_eq!(payload["version"], json!(version + 1), "an acknowledged update is the next version");
                assert!(current > version, "the object may be a later one by the time it is read");
                acknowledged += 1;
            } else {
                assert_eq!(payload["userErrors"][0]["code"], "VERSION_CONFLICT");
                let conflict = &payload["userErrors"][0]["conflict"];
                assert!(conflict["currentVersion"].as_i64().unwrap() > i64::from(version));
                assert_eq!(conflict["changes"][0]["version"], json!(version + 1));
            }
            version = current;
        }
    });
    futures_util::future::join_all(writers).await;
    let tables = Tables::read(&client.test.database).await;
    assert_eq!(usize::try_from(tables.features[0].row_version).unwrap(), 1 + WRITERS * UPDATES);
    tables.assert_tell_one_story();
}

async fn a_project_ends_with_all_that_is_added_meanwhile(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    for round in 0..8 {
        let create = "mutation($name: String!) { createProject(input: {name: $name}) { project { id } } }";
        let data = client.data_with(create, json!({ "name": format!("P{round}") })).await;
        let project = &data["createProject"]["project"]["id"];
        let add = "mutation($p: ID!, $name: String!) {
            createFeature(input: {projectId: $p, name: $name}) { feature { id } userErrors { code field } } }";
        let added = (0..12).map(|number| client.data_with(add, json!({ "p": project, "name": format!("F{number}") })));
        let added = futures_util::future::join_all(added);
        let delete = "mutation($p: ID!) { deleteProject(input: {id: $p}) { project { id } userErrors { code } } }";
        let deleted = client.data_with(delete, json!({ "p": project }));
        let (added, deleted) = futures_util::future::join(added, deleted).await;
        assert_eq!(deleted["deleteProject"], json!({ "project": null, "userErrors": [] }));
        for data in added {
            let payload = &data["createFeature"];
            // Each was in time, and went with the project, or found it gone.
            let errors = &payload["userErrors"];
            assert!(
                *errors == json!([]) || *errors == json!([{ "code": "NOT_FOUND", "field": ["input", "projectId"] }]),
                "{payload}"
            );
        }
        let tables = Tables::read(&client.test.database).await;
        assert_eq!(tables.counts(), [0, 0, 0, 0]);
        tables.assert_tell_one_story();
    }
}
