//! A token that is limited to a project or a role: it tells nothing of what its user does elsewhere.

use serde_json::{Value, json};
use throughline::access::token::{self, NewToken};
use throughline::access::{Authenticator, Caller, Role, Unidentified};
use throughline::batch::id;

use super::World;
use crate::support::Backend;

on_both!(a_limited_token_reads_no_deeds_but_those_of_its_own_commands);

const ALL: &str = "{ auditLogs { totalCount nodes { action changes { after } } } }";
const MAKE: &str = "mutation($project: ID!, $name: String!) { createFeature(input: { projectId: $project, name: $name }, idempotencyKey: $name) \
                    { feature { auditLogs { totalCount } } auditLogs { id action changes { field after } } isReplay userErrors { code } } }";

async fn a_limited_token_reads_no_deeds_but_those_of_its_own_commands(backend: Backend) {
    let world = World::new(backend).await;
    let change =
        "mutation($id: ID!) { changeProjectRole(input: { id: $id, role: MAINTAINER }) { userErrors { code } } }";
    world.client.data_with(change, json!({ "id": world.id("ProjectMember") })).await;
    let whole = caller(&world, None, None).await;
    let document = "mutation { createProject(input: { name: \"Payroll\" }) { project { id } userErrors { code } } }";
    let made = world.client.run_as(&whole, document, json!({})).await;
    let payroll = made["data"]["createProject"]["project"]["id"].clone();
    // The user's rights have grown.
    let whole = caller(&world, None, None).await;
    let made = world.client.run_as(&whole, MAKE, json!({ "project": payroll, "name": "wages" })).await;
    assert_eq!(made["data"]["createFeature"]["auditLogs"][0]["action"], "feature.create", "{made}");
    let row = made["data"]["createFeature"]["auditLogs"][0]["id"].clone();
    assert!(world.client.run_as(&whole, ALL, json!({})).await.to_string().contains("wages"));

    let project = id::parse("id", world.id("Project"), &["project"]).unwrap().1;
    for (only_in, at_most) in
        [(Some(project), None), (None, Some(Role::Maintainer)), (Some(project), Some(Role::Maintainer))]
    {
        let limited = caller(&world, only_in, at_most).await;
        let run = async |document: &str, variables: Value| {
            let mut answer = world.client.run_as(&limited, document, variables).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            answer["data"].take()
        };
        let no_rows = json!({ "auditLogs": { "totalCount": 0, "nodes": [] } });
        assert_eq!(run(ALL, json!({})).await, no_rows, "{only_in:?}, {at_most:?}");
        let node = run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": row })).await;
        assert_eq!(node["node"], Value::Null);
        // What it does itself it is told, in the answer; again under the same key, too.
        for is_replay in [false, true] {
            let name = format!("{only_in:?}, {at_most:?}");
            let variables = json!({ "project": world.id("Project"), "name": name });
            let payload = run(MAKE, variables).await["createFeature"].take();
            assert_eq!((&payload["isReplay"], &payload["userErrors"]), (&json!(is_replay), &json!([])), "{payload}");
            let logged = &payload["auditLogs"][0];
            assert_eq!(logged["action"], "feature.create", "{payload}");
            assert!(logged["changes"].to_string().contains(&name), "{payload}");
            assert_eq!(payload["feature"]["auditLogs"]["totalCount"], 0);
        }
        // A key that another token of the user has used elsewhere tells nothing of what happened there.
        let replay = run(MAKE, json!({ "project": payroll, "name": "wages" })).await["createFeature"].take();
        let shown = usize::from(only_in.is_none());
        assert_eq!(replay["isReplay"], true, "{replay}");
        assert_eq!(replay["auditLogs"].as_array().unwrap().len(), shown, "{replay}");
    }
}

/// Whom a new token of the member lets in.
async fn caller(world: &World, project: Option<uuid::Uuid>, role: Option<Role>) -> Caller {
    let user = id::parse("id", world.id("User"), &["user"]).unwrap().1;
    let new = NewToken { user, name: "x".to_owned(), project, role, expires_at: None };
    let database = &world.client.test.database;
    let (_, secret) = token::create(database, new).await.unwrap();
    let authenticator = Authenticator::new(database.clone(), Unidentified::Refused, None);
    authenticator.identify(Some(secret.reveal())).await.unwrap().caller
}
