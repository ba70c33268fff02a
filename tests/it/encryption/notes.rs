//! Notes are written and read like any other field, and cost no statement.

use std::collections::BTreeMap;

use entity::user::InstanceRole;
use futures_util::future::join_all;
use serde_json::{Value, json};
use throughline::access::{ActorKind, Caller, Rights, Role};
use throughline::batch::id;

use super::{CREATE, UPDATE, World};
use crate::support::{Backend, Tables};

on_both!(
    notes_are_written_changed_and_cleared,
    notes_are_written_in_bulk_and_in_lists_of_changes,
    notes_cost_no_statement,
    notes_are_for_those_who_maintain_the_project,
    the_first_key_of_a_project_is_made_once,
    nothing_is_asked_for_by_notes,
    a_key_and_its_notes_are_one_command,
    a_dry_run_shows_notes_and_leaves_nothing,
);

async fn notes_are_written_changed_and_cleared(backend: Backend) {
    let world = World::make(backend).await;
    let texts = ["", "\"quoted\"\n\t\\ ünder \u{1f512} embargo", &"long ".repeat(20_000)];
    let feature = world.feature("F", texts[0]).await;
    for (text, version) in texts[1..].iter().zip(2..) {
        let payload = world.update(&feature, Some(text)).await;
        assert_eq!(payload["userErrors"], json!([]));
        assert_eq!(payload["feature"], json!({ "rowVersion": version, "confidentialNotes": text }));
        assert_eq!(world.notes(&feature).await, *text);
        // To say the same again is no change, though it would be another token.
        let payload = world.update(&feature, Some(text)).await;
        assert_eq!(payload["feature"]["rowVersion"], version);
    }
    let other = "mutation($f: ID!) { updateFeature(input: {id: $f, priority: 9}) { feature { confidentialNotes } } }";
    let data = world.client.data_with(other, json!({ "f": feature })).await;
    assert_eq!(data["updateFeature"]["feature"]["confidentialNotes"], texts[2], "what is left out is left alone");
    let payload = world.update(&feature, None).await;
    assert_eq!(payload["feature"]["confidentialNotes"], Value::Null);
    assert_eq!(world.notes(&feature).await, Value::Null);
    let payload = world.update(&feature, Some("a\0b")).await;
    assert_eq!(payload["userErrors"][0]["code"], "INVALID_VALUE");
    assert_eq!(payload["userErrors"][0]["field"], json!(["input", "confidentialNotes"]));
    Tables::read(&world.client.test.database).await.assert_tell_one_story();
}

async fn notes_are_written_in_bulk_and_in_lists_of_changes(backend: Backend) {
    let world = World::make(backend).await;
    let features: Vec<Value> = (0..20)
        .map(|number| json!({ "projectId": world.project, "name": format!("F{number}"), "confidentialNotes": format!("n{number}") }))
        .collect();
    let create = "mutation($features: [CreateFeatureInput!]!) { createFeatures(input: {features: $features}) {
        results { feature { id confidentialNotes } } userErrors { message } } }";
    let data = world.client.data_with(create, json!({ "features": features })).await;
    let results = data["createFeatures"]["results"].as_array().unwrap();
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["feature"]["confidentialNotes"], format!("n{number}"), "{data}");
    }
    let updates: Vec<Value> = results
        .iter()
        .map(|result| json!({ "id": result["feature"]["id"], "confidentialNotes": "same for all" }))
        .collect();
    let update = "mutation($features: [UpdateFeatureInput!]!) { updateFeatures(input: {features: $features}) {
        results { feature { confidentialNotes } } userErrors { message } } }";
    let data = world.client.data_with(update, json!({ "features": updates })).await;
    assert!(
        data["updateFeatures"]["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|result| result["feature"]["confidentialNotes"] == "same for all"),
        "{data}"
    );
    let mut tokens = world.texts("SELECT confidential_notes FROM features").await;
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 20, "equal notes are not equal where they are stored");

    // A feature gets notes from a later step than the one that makes it, in a project of the same list, and in one that has a key.
    let steps = json!([
        { "name": "p", "change": { "createProject": { "name": "Q" } } },
        { "name": "f", "change": { "createFeature": { "projectId": "$ref:p", "name": "F" } } },
        { "change": { "updateFeature": { "id": "$ref:f", "confidentialNotes": "later" } } },
        { "name": "g", "change": { "createFeature": { "projectId": world.project, "name": "G" } } },
        { "change": { "updateFeature": { "id": "$ref:g", "confidentialNotes": "also later" } } },
    ]);
    let apply = "mutation($steps: [ChangeStepInput!]!) { applyChanges(input: {steps: $steps}) {
        results { node { ... on Feature { confidentialNotes } } } userErrors { message } } }";
    let data = world.client.data_with(apply, json!({ "steps": steps })).await;
    let results = &data["applyChanges"]["results"];
    assert_eq!(results[1]["node"]["confidentialNotes"], "later", "{data}");
    assert_eq!(results[4]["node"]["confidentialNotes"], "also later", "{data}");
}

async fn notes_cost_no_statement(backend: Backend) {
    let world = World::make(backend).await;
    for number in 0..30 {
        world.feature(&format!("F{number}"), "some notes").await;
    }
    let count = async |leaf: &str| {
        let document = format!(
            "{{ projects {{ nodes {{ features(first: 100) {{ nodes {{ {leaf} tests {{ nodes {{ feature {{ {leaf} }} }} }} }} }} }} }}
               features(first: 100, orderBy: {{field: FAILED_COUNT}}) {{ nodes {{ {leaf} }} }}
               search(query: \"F1\") {{ nodes {{ item {{ ... on Feature {{ {leaf} }} }} }} }} }}"
        );
        world.client.statements.take();
        let data = world.client.data(&document).await;
        let notes = data["projects"]["nodes"][0]["features"]["nodes"].as_array().unwrap();
        assert_eq!(notes.len(), 30);
        (world.client.statements.count(), data)
    };
    let (without, _) = count("name").await;
    let (with, data) = count("confidentialNotes").await;
    assert_eq!(with, without);
    assert_eq!(data.to_string().matches("some notes").count(), 61);
    println!("statements with notes: {with}, without: {without}");
}

async fn notes_are_for_those_who_maintain_the_project(backend: Backend) {
    let world = World::make(backend).await;
    let feature = world.feature("F", "for few").await;
    let other = {
        let data = world.client.data("mutation { createProject(input: {name: \"Q\"}) { project { id } } }").await;
        let variables = json!({ "p": data["createProject"]["project"]["id"], "name": "G", "notes": "for others" });
        world.client.data_with(CREATE, variables).await["createFeature"]["feature"]["id"].take()
    };
    let key = |id: &Value, kind| id::parse("id", id.as_str().unwrap(), &[kind]).unwrap().1;
    let data =
        world.client.data_with("query($f: ID!) { feature(id: $f) { project { id } } }", json!({ "f": other })).await;
    let (own, second) = (key(&world.project, "project"), key(&data["feature"]["project"]["id"], "project"));
    let document =
        "query($f: ID!) { feature(id: $f) { confidentialNotes project { features { nodes { confidentialNotes } } } }
        features(orderBy: {field: NAME}) { nodes { confidentialNotes } }
        search(query: \"F\") { nodes { item { ... on Feature { confidentialNotes } } } } }";
    let mut counts = Vec::new();
    for role in [Role::Viewer, Role::Contributor, Role::Maintainer, Role::Owner] {
        // In the other project everybody is a viewer, so that there is something to mix up.
        let projects = BTreeMap::from([(own, role), (second, Role::Viewer)]);
        let rights = Rights {
            instance: InstanceRole::Member,
            everywhere: None,
            projects,
            makes_projects: true,
            own_deeds: true,
        };
        let caller = Caller::new("somebody", ActorKind::Person, rights);
        world.client.statements.take();
        let answer = world.client.run_as(&caller, document, json!({ "f": feature })).await;
        counts.push(world.client.statements.count());
        assert!(answer.get("errors").is_none(), "{answer}");
        let may = role >= Role::Maintainer;
        let seen = if may { json!("for few") } else { Value::Null };
        let data = &answer["data"];
        assert_eq!(data["feature"]["confidentialNotes"], seen, "{role:?}");
        assert_eq!(data["feature"]["project"]["features"]["nodes"], json!([{ "confidentialNotes": seen }]));
        assert_eq!(data["features"]["nodes"], json!([{ "confidentialNotes": seen }, { "confidentialNotes": null }]));
        assert_eq!(data["search"]["nodes"], json!([{ "item": { "confidentialNotes": seen } }]));
        let node = "query($f: ID!) { node(id: $f) { ... on Feature { confidentialNotes } } }";
        let answer = world.client.run_as(&caller, node, json!({ "f": feature })).await;
        assert_eq!(answer["data"]["node"]["confidentialNotes"], seen);
        // To clear them, to say the same again, and to make a feature with some needs the same role, of the one project alone.
        for (f, notes, is_own) in [
            (&feature, Value::Null, true),
            (&feature, json!("for few"), true),
            (&feature, json!("for few"), true),
            (&other, json!("mine"), false),
            (&other, Value::Null, false),
        ] {
            let answer = world.client.run_as(&caller, UPDATE, json!({ "f": f, "notes": notes })).await;
            let errors = &answer["data"]["updateFeature"]["userErrors"];
            if may && is_own {
                assert_eq!(*errors, json!([]), "{role:?}");
            } else {
                assert_eq!(errors[0]["code"], "FORBIDDEN", "{role:?}: {answer}");
                assert!(!answer.to_string().contains("for "), "{answer}");
            }
        }
        let variables = json!({ "p": world.project, "name": format!("{role:?}"), "notes": "new" });
        let answer = world.client.run_as(&caller, CREATE, variables).await;
        let errors = &answer["data"]["createFeature"]["userErrors"];
        assert_eq!(errors[0]["code"], if may { Value::Null } else { "FORBIDDEN".into() }, "{answer}");
        if may {
            let id = &answer["data"]["createFeature"]["feature"]["id"];
            let delete = "mutation($f: ID!) { deleteFeature(input: {id: $f}) { userErrors { code } } }";
            world.client.data_with(delete, json!({ "f": id })).await;
        }
    }
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    // Who makes a project may write notes in the same list of changes, and reads them in its payload.
    let rights = Rights {
        instance: InstanceRole::Member,
        everywhere: None,
        projects: BTreeMap::new(),
        makes_projects: true,
        own_deeds: true,
    };
    let maker = Caller::new("maker", ActorKind::Person, rights);
    let apply = "mutation { applyChanges(input: {steps: [
        {name: \"p\", change: {createProject: {name: \"R\"}}},
        {change: {createFeature: {projectId: \"$ref:p\", name: \"F\", confidentialNotes: \"my own\"}}}]}) {
        results { node { ... on Feature { confidentialNotes } } } userErrors { code } } }";
    let answer = world.client.run_as(&maker, apply, json!({})).await;
    assert_eq!(answer["data"]["applyChanges"]["results"][1]["node"]["confidentialNotes"], "my own", "{answer}");
}

async fn the_first_key_of_a_project_is_made_once(backend: Backend) {
    let world = World::make(backend).await;
    let mut features = Vec::new();
    for number in 0..12 {
        let variables = json!({ "p": world.project, "name": format!("F{number}"), "notes": null });
        let mut data = world.client.data_with(CREATE, variables).await;
        features.push(data["createFeature"]["feature"]["id"].take());
    }
    assert!(world.texts("SELECT wrapped_key FROM data_keys").await.is_empty(), "nobody has asked for a key yet");
    // Some change features, others make them, all at once.
    let updates = join_all(features.iter().map(|feature| world.update(feature, Some("mine"))));
    let creates = join_all((0..12).map(|number| {
        let variables = json!({ "p": world.project, "name": format!("G{number}"), "notes": "mine" });
        world.client.data_with(CREATE, variables)
    }));
    let (updates, creates) = futures_util::join!(updates, creates);
    for payload in updates.iter().chain(creates.iter().map(|data| &data["createFeature"])) {
        assert_eq!(payload["userErrors"], json!([]));
        assert_eq!(payload["feature"]["confidentialNotes"], "mine");
    }
    assert_eq!(world.texts("SELECT wrapped_key FROM data_keys").await.len(), 1);
    let data = world.client.data("{ features(first: 100) { nodes { confidentialNotes } } }").await;
    assert_eq!(data.to_string().matches("mine").count(), 24, "{data}");
}

async fn nothing_is_asked_for_by_notes(backend: Backend) {
    let world = World::make(backend).await;
    world.feature("F", "findable").await;
    let sdl = throughline::graphql::Api::sdl();
    for (kind, name) in [("input", "FeatureFilter"), ("enum", "FeatureOrderField"), ("enum", "FeatureGroup")] {
        let start = sdl.find(&format!("\n{kind} {name} {{")).unwrap_or_else(|| panic!("no {kind} {name}"));
        let text = &sdl[start..start + sdl[start..].find("\n}").unwrap()];
        assert!(!text.to_lowercase().replace('_', "").contains("confidential"), "{text}");
    }
    let data = world.client.data("{ search(query: \"findable\") { totalCount } }").await;
    assert_eq!(data["search"]["totalCount"], 0);
}

async fn a_key_and_its_notes_are_one_command(backend: Backend) {
    let world = World::make(backend).await;
    let ask = async |world: &World, notes: &str| {
        let variables = json!({ "p": world.project, "name": "F", "notes": notes, "key": "k" });
        world.client.data_with(CREATE, variables).await["createFeature"].take()
    };
    assert_eq!(ask(&world, "guess me").await["isReplay"], false);
    assert_eq!(ask(&world, "guess me").await["isReplay"], true);
    assert_eq!(ask(&world, "guess you").await["userErrors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
    // What is stored tells nobody that a guess is right: it is no hash of what everybody knows.
    let sql = match backend {
        Backend::Sqlite => "SELECT lower(hex(input_hash)) FROM idempotency_keys",
        Backend::Postgres => "SELECT encode(input_hash, 'hex') FROM idempotency_keys",
    };
    let stored = world.texts(sql).await;
    let input = json!({ "confidentialNotes": "guess me", "name": "F", "projectId": world.project });
    let guessed = sha256(&format!("createFeature{input}"));
    assert_ne!(stored, [guessed]);
    // The guess would be right if it were hashed plainly.
    let plain =
        "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"G\"}, idempotencyKey: \"l\") { isReplay } }";
    world.client.data_with(plain, json!({ "p": world.project })).await;
    let input = json!({ "name": "G", "projectId": world.project });
    let guessed = sha256(&format!("createFeature{input}"));
    assert!(world.texts(sql).await.contains(&guessed), "the test does not know how inputs are hashed");
    // It is the same command after a rotation.
    let keys = format!("{},{}", throughline::encryption::KeyRing::generate_key(), world.key);
    let world = world.with_keys(&keys);
    assert_eq!(ask(&world, "guess me").await["isReplay"], true);
    assert_eq!(ask(&world, "guess you").await["userErrors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    let [first, second] = *sha2::Sha256::digest(text).as_chunks::<16>().0 else { unreachable!() };
    format!("{:032x}{:032x}", u128::from_be_bytes(first), u128::from_be_bytes(second))
}

async fn a_dry_run_shows_notes_and_leaves_nothing(backend: Backend) {
    let world = World::make(backend).await;
    let feature = {
        let variables = json!({ "p": world.project, "name": "F" });
        world.client.data_with(CREATE, variables).await["createFeature"]["feature"]["id"].take()
    };
    let before = Tables::read(&world.client.test.database).await;
    let dry = UPDATE.replace("notes})", "notes}, dryRun: true)");
    let data = world.client.data_with(&dry, json!({ "f": feature, "notes": "tried out" })).await;
    assert_eq!(data["updateFeature"]["feature"]["confidentialNotes"], "tried out");
    assert_eq!(Tables::read(&world.client.test.database).await, before);
    assert!(world.texts("SELECT wrapped_key FROM data_keys").await.is_empty());
}
