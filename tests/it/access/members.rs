//! Memberships: who may change them, and that a project keeps an owner.

use std::collections::BTreeMap;

use entity::user::InstanceRole;
use serde_json::{Value, json};
use throughline::access::{ActorKind, Caller, Rights, Role};
use throughline::batch::id;
use uuid::Uuid;

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    who_makes_a_project_owns_it_and_it_keeps_an_owner,
    what_is_not_seen_is_not_told_from_what_is_not_there,
    a_membership_is_an_event_with_an_audit_row
);

/// A user that is there, as a caller with what the memberships say.
async fn user(client: &Client, name: &str) -> Uuid {
    let made = client
        .data_with(
            "mutation($name: String!) { createUser(input: { name: $name }) { user { id } userErrors { message } } }",
            json!({ "name": name }),
        )
        .await;
    id::parse("id", made["createUser"]["user"]["id"].as_str().unwrap(), &["user"]).unwrap().1
}

fn with_roles(name: &str, user: Uuid, projects: BTreeMap<Uuid, Role>) -> Caller {
    let rights =
        Rights { instance: InstanceRole::Member, everywhere: None, projects, makes_projects: true, own_deeds: true };
    Caller::new(name, ActorKind::Person, rights).known_as(user)
}

fn key(text: &Value) -> Uuid {
    id::parse("id", text.as_str().unwrap(), &["project", "project_member"]).unwrap().1
}

const CREATE: &str = "mutation { createProject(input: { name: \"p\" }) { project { id viewerRole members { nodes { id role user { name } } } } } }";
const ADD: &str = "mutation($project: ID!, $name: String!, $role: ProjectRole!) { addProjectMember(input: { projectId: $project, \
    userName: $name, role: $role }) { projectMember { id role } userErrors { code field } } }";
const CHANGE: &str = "mutation($id: ID!, $role: ProjectRole!) { changeProjectRole(input: { id: $id, role: $role }) \
    { projectMember { role } userErrors { code field } } }";
const REMOVE: &str = "mutation($id: ID!) { removeProjectMember(input: { id: $id }) { projectMember { role } userErrors { code field } } }";

async fn who_makes_a_project_owns_it_and_it_keeps_an_owner(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let (ada, bob) = (user(&client, "ada").await, user(&client, "bob").await);
    let made = client.run_as(&with_roles("ada", ada, BTreeMap::new()), CREATE, json!({})).await;
    assert_eq!(made["data"]["createProject"]["project"]["viewerRole"], "OWNER", "{made}");
    let projects = client.data("{ projects { nodes { id members { nodes { id role user { name } } } } } }").await;
    let project = projects["projects"]["nodes"][0].clone();
    let members = project["members"]["nodes"].as_array().unwrap();
    assert_eq!(members.len(), 1, "{project}");
    assert_eq!((&members[0]["role"], &members[0]["user"]["name"]), (&json!("OWNER"), &json!("ada")));
    let (own, adas) = (key(&project["id"]), members[0]["id"].clone());
    let owner = with_roles("ada", ada, [(own, Role::Owner)].into());

    let code = |answer: &Value, field: &str| answer["data"][field]["userErrors"][0]["code"].clone();
    for (document, field) in [(CHANGE, "changeProjectRole"), (REMOVE, "removeProjectMember")] {
        let answer = client.run_as(&owner, document, json!({ "id": adas, "role": "VIEWER" })).await;
        assert_eq!(code(&answer, field), "LAST_OWNER", "{answer}");
    }
    let add = async |caller: &Caller, name: &str, role: &str| {
        client.run_as(caller, ADD, json!({ "project": project["id"], "name": name, "role": role })).await
    };
    let added = add(&owner, "bob", "MAINTAINER").await;
    let bobs = added["data"]["addProjectMember"]["projectMember"]["id"].clone();
    assert!(bobs.is_string(), "{added}");
    assert_eq!(code(&add(&owner, "bob", "VIEWER").await, "addProjectMember"), "DUPLICATE");
    assert_eq!(code(&add(&owner, "nobody", "VIEWER").await, "addProjectMember"), "NOT_FOUND");

    // A maintainer says who contributes, but not who maintains or owns, not even of himself.
    let maintainer = with_roles("bob", bob, [(own, Role::Maintainer)].into());
    user(&client, "cyd").await;
    assert_eq!(code(&add(&maintainer, "cyd", "OWNER").await, "addProjectMember"), "FORBIDDEN");
    let change = async |caller: &Caller, id: &Value, role: &str| {
        client.run_as(caller, CHANGE, json!({ "id": id, "role": role })).await
    };
    assert_eq!(code(&change(&maintainer, &bobs, "OWNER").await, "changeProjectRole"), "FORBIDDEN");
    assert_eq!(code(&change(&maintainer, &adas, "VIEWER").await, "changeProjectRole"), "FORBIDDEN");
    let added = add(&maintainer, "cyd", "CONTRIBUTOR").await;
    assert_eq!(added["data"]["addProjectMember"]["projectMember"]["role"], "CONTRIBUTOR", "{added}");

    // With another owner the first one may go, by himself.
    assert_eq!(change(&owner, &bobs, "OWNER").await["data"]["changeProjectRole"]["projectMember"]["role"], "OWNER");
    let removed = client.run_as(&owner, REMOVE, json!({ "id": adas })).await;
    assert_eq!(removed["data"]["removeProjectMember"]["userErrors"], json!([]), "{removed}");
    let left = client.data("{ projects { nodes { members(orderBy: { field: ROLE }) { nodes { role } } } } }").await;
    let roles = &left["projects"]["nodes"][0]["members"]["nodes"];
    assert_eq!(*roles, json!([{ "role": "CONTRIBUTOR" }, { "role": "OWNER" }]));

    // Members go with their project, and so does what could be looked up of it.
    let last = with_roles("bob", bob, [(own, Role::Owner)].into());
    let deleted = client
        .run_as(
            &last,
            "mutation($id: ID!) { deleteProject(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": project["id"] }),
        )
        .await;
    assert_eq!(deleted["data"]["deleteProject"]["userErrors"], json!([]), "{deleted}");
    let users = client.data("{ users { nodes { name memberships { totalCount } } } }").await;
    let counts = users["users"]["nodes"].as_array().unwrap().iter();
    assert!(counts.into_iter().all(|user| user["memberships"]["totalCount"] == 0), "{users}");
}

async fn what_is_not_seen_is_not_told_from_what_is_not_there(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let project = client.data("mutation { createProject(input: { name: \"hidden\" }) { project { id } } }").await;
    let hidden = project["createProject"]["project"]["id"].clone();
    let feature = client
        .data_with(
            "mutation($id: ID!) { createFeature(input: { projectId: $id, name: \"f\" }) { feature { id } } }",
            json!({ "id": hidden }),
        )
        .await["createFeature"]["feature"]["id"]
        .clone();
    let stranger = with_roles("eve", user(&client, "eve").await, BTreeMap::new());
    let (no_project, no_feature) = (id::format("project", Uuid::now_v7()), id::format("feature", Uuid::now_v7()));
    let documents = [
        ("query($p: ID!, $f: ID!) { project(id: $p) { name } feature(id: $f) { name } node(id: $f) { id } nodes(ids: [$p, $f]) { id } }"),
        ("query($p: ID!, $f: ID!) { featureAsOf(id: $f, version: 1) { name } projectAsOf(id: $p, at: \"2030-01-01T00:00:00Z\") { name } }"),
        ("query($f: ID!) { featureDiff(id: $f, from: 0, to: 1) { field } }"),
        ("query($p: ID!) { changes(projectId: $p) { totalCount nodes { id } } events(filter: { projectId: { eq: $p } }) { totalCount } }"),
        ("query($p: ID!) { features(filter: { projectId: { eq: $p } }) { totalCount nodes { id } } }"),
        ("mutation($p: ID!) { createFeature(input: { projectId: $p, name: \"f\" }) { feature { id } userErrors { code message field } } }"),
        ("mutation($p: ID!) { updateProject(input: { id: $p, expectedVersion: 9, name: \"x\" }) { project { id } userErrors { code message \
           field conflict { currentVersion } } } }"),
        ("mutation($f: ID!) { deleteFeature(input: { id: $f, expectedVersion: 7 }) { userErrors { code message field conflict { currentVersion } } } }"),
        ("mutation($f: ID!) { restoreFeature(input: { id: $f }) { userErrors { code message field } } }"),
        ("mutation($f: ID!) { recordTestRuns(input: { results: [{ featureId: $f, name: \"t\", status: PASSED }] }) { userErrors { code message field } } }"),
        ("mutation($p: ID!) { addProjectMember(input: { projectId: $p, userName: \"eve\", role: OWNER }) { userErrors { code message field } } }"),
        ("mutation($p: ID!, $f: ID!) { applyChanges(input: { steps: [{ change: { updateFeature: { id: $f, priority: 3 } } }, { change: \
           { deleteProject: { id: $p } } }] }) { results { node { id } userErrors { code message } } } }"),
    ];
    for document in documents {
        let ask = async |p: &Value, f: &Value| {
            client.run_as(&stranger, document, json!({ "p": p, "f": f })).await.to_string()
        };
        let there = ask(&hidden, &feature).await;
        let absent = ask(&json!(no_project), &json!(no_feature)).await;
        assert_eq!(there, absent, "{document}");
    }
    // Users are known by name to whoever may ask; whether there is one of an id, and whether one was deleted, is told to nobody else.
    let gone = id::format("user", user(&client, "gone").await);
    let delete = "mutation($u: ID!) { deleteUser(input: { id: $u }) { userErrors { code } } }";
    client.data_with(delete, json!({ "u": gone })).await;
    let there = id::format("user", user(&client, "there").await);
    for mutation in [
        "updateUser(input: { id: $u, instanceRole: ADMIN, expectedVersion: 9 })",
        "deleteUser(input: { id: $u, expectedVersion: 9 })",
        "restoreUser(input: { id: $u, expectedVersion: 9 })",
    ] {
        let document =
            format!("mutation($u: ID!) {{ {mutation} {{ user {{ id }} userErrors {{ code message field }} }} }}");
        let ask = async |u: &str| client.run_as(&stranger, &document, json!({ "u": u })).await.to_string();
        let absent = ask(&id::format("user", Uuid::now_v7())).await;
        assert!(absent.contains("FORBIDDEN"), "{absent}");
        assert_eq!((ask(&there).await, ask(&gone).await), (absent.clone(), absent), "{mutation}");
    }
    let searched = client.run_as(&stranger, "{ search(query: \"hidden\") { totalCount } }", json!({})).await;
    assert_eq!(searched["data"]["search"]["totalCount"], 0, "{searched}");
}

async fn a_membership_is_an_event_with_an_audit_row(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let made = client.data(CREATE).await;
    let project = &made["createProject"]["project"]["id"];
    assert_eq!(made["createProject"]["project"]["viewerRole"], "OWNER");
    user(&client, "ada").await;
    let added = client.data_with(ADD, json!({ "project": project, "name": "ada", "role": "VIEWER" })).await;
    let member = added["addProjectMember"]["projectMember"]["id"].clone();
    client.data_with(CHANGE, json!({ "id": member, "role": "CONTRIBUTOR" })).await;
    client.data_with(REMOVE, json!({ "id": member })).await;
    let told = client
        .data_with(
            "query($project: ID!, $member: ID!) { changes(projectId: $project, types: [\"project_member\"]) { nodes { type aggregateId } } \
             auditLogs(filter: { entityId: { eq: $member } }) { nodes { action changes { field after } } } }",
            json!({ "project": project, "member": member }),
        )
        .await;
    let types: Vec<_> =
        told["changes"]["nodes"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["project_member.create", "project_member.change_role", "project_member.delete"]);
    let audited = told["auditLogs"]["nodes"].as_array().unwrap();
    assert_eq!(audited.len(), 3, "{told}");
    assert_eq!(audited[1]["changes"], json!([{ "field": "role", "after": "CONTRIBUTOR" }]));
}
