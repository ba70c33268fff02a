//! A project that has an owner keeps one who gets in; and what somebody owns is not given up by less than an owner's credential.

use serde_json::{Value, json};
use throughline::access::token::{self, NewToken};
use throughline::access::{Authenticator, Caller, Role, Unidentified};
use throughline::batch::id;
use uuid::Uuid;

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    a_limited_token_does_not_end_what_it_is_not_good_for,
    an_owner_who_is_deleted_does_not_count,
    the_last_owner_is_not_deleted
);

const ADD: &str = "mutation($project: ID!, $name: String!, $role: ProjectRole!) { addProjectMember(input: { projectId: $project, \
    userName: $name, role: $role }) { projectMember { id } userErrors { code } } }";
const REMOVE: &str = "mutation($id: ID!) { removeProjectMember(input: { id: $id }) { userErrors { code } } }";
const DELETE_USER: &str = "mutation($id: ID!) { deleteUser(input: { id: $id }) { userErrors { code message } } }";

/// A project, and users who own it: the ids of their memberships and their own.
struct Owned {
    client: Client,
    project: String,
    members: Vec<(String, String)>,
}

impl Owned {
    async fn by(backend: Backend, names: &[&str]) -> Self {
        let client = Client::new(TestDatabase::new(backend).await);
        let made = client.data("mutation { createProject(input: { name: \"p\" }) { project { id } } }").await;
        let project = made["createProject"]["project"]["id"].as_str().unwrap().to_owned();
        let mut members = Vec::new();
        for name in names {
            let document = "mutation($name: String!) { createUser(input: { name: $name }) { user { id } } }";
            let made = client.data_with(document, json!({ "name": name })).await;
            let added = client.data_with(ADD, json!({ "project": project, "name": name, "role": "OWNER" })).await;
            let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
            members.push((id(&added["addProjectMember"]["projectMember"]), id(&made["createUser"]["user"])));
        }
        Self { client, project, members }
    }

    /// Whom a new token of a member lets in.
    async fn caller(&self, number: usize, role: Option<Role>) -> Caller {
        let key = |id: &str, kind| id::parse("id", id, &[kind]).unwrap().1;
        let project: Option<Uuid> = role.map(|_| key(&self.project, "project"));
        let user = key(&self.members[number].1, "user");
        let database = &self.client.test.database;
        let new = NewToken { user, name: "x".to_owned(), project, role, expires_at: None };
        let (_, secret) = token::create(database, new).await.unwrap();
        let authenticator = Authenticator::new(database.clone(), Unidentified::Refused, None);
        authenticator.identify(Some(secret.reveal())).await.unwrap().caller
    }

    /// The codes of what was wrong.
    async fn ask(&self, caller: &Caller, document: &str, id: &str) -> Vec<String> {
        let answer = self.client.run_as(caller, document, json!({ "id": id })).await;
        let payload = answer["data"].as_object().unwrap().values().next().unwrap();
        let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{answer}"));
        errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect()
    }
}

async fn a_limited_token_does_not_end_what_it_is_not_good_for(backend: Backend) {
    let owned = Owned::by(backend, &["ada", "bob"]).await;
    let adas = &owned.members[0].0;
    for role in [Role::Viewer, Role::Contributor, Role::Maintainer] {
        let limited = owned.caller(0, Some(role)).await;
        assert_eq!(owned.ask(&limited, REMOVE, adas).await, ["FORBIDDEN"], "{role:?}");
    }
    assert_eq!(owned.ask(&owned.caller(0, Some(Role::Owner)).await, REMOVE, adas).await, [""; 0]);
    // Who is a viewer and no more gives that up with any token.
    let added = owned.client.data_with(ADD, json!({ "project": owned.project, "name": "ada", "role": "VIEWER" })).await;
    let adas = added["addProjectMember"]["projectMember"]["id"].as_str().unwrap();
    assert_eq!(owned.ask(&owned.caller(0, Some(Role::Viewer)).await, REMOVE, adas).await, [""; 0]);
}

async fn an_owner_who_is_deleted_does_not_count(backend: Backend) {
    let owned = Owned::by(backend, &["ada", "bob"]).await;
    let admin = Caller::local_owner();
    assert_eq!(owned.ask(&admin, DELETE_USER, &owned.members[0].1).await, [""; 0]);
    let bob = owned.caller(1, None).await;
    assert_eq!(owned.ask(&bob, REMOVE, &owned.members[1].0).await, ["LAST_OWNER"]);
    let lower =
        "mutation($id: ID!) { changeProjectRole(input: { id: $id, role: MAINTAINER }) { userErrors { code } } }";
    assert_eq!(owned.ask(&bob, lower, &owned.members[1].0).await, ["LAST_OWNER"]);
    let restore = "mutation($id: ID!) { restoreUser(input: { id: $id }) { userErrors { code } } }";
    assert_eq!(owned.ask(&admin, restore, &owned.members[0].1).await, [""; 0]);
    assert_eq!(owned.ask(&bob, REMOVE, &owned.members[1].0).await, [""; 0]);
}

async fn the_last_owner_is_not_deleted(backend: Backend) {
    let owned = Owned::by(backend, &["ada", "bob"]).await;
    let admin = Caller::local_owner();
    assert_eq!(owned.ask(&admin, DELETE_USER, &owned.members[0].1).await, [""; 0]);
    let refused = owned.client.data_with(DELETE_USER, json!({ "id": owned.members[1].1 })).await;
    let error = &refused["deleteUser"]["userErrors"][0];
    assert_eq!(error["code"], "LAST_OWNER", "{refused}");
    assert!(error["message"].as_str().unwrap().contains(&owned.project), "{refused}");
    // One of whose projects others own, too, may go, as may one who owns none any more.
    let remove = "mutation($id: ID!) { deleteProject(input: { id: $id }) { userErrors { code } } }";
    assert_eq!(owned.ask(&admin, remove, &owned.project).await, [""; 0]);
    assert_eq!(owned.ask(&admin, DELETE_USER, &owned.members[1].1).await, [""; 0]);
}
