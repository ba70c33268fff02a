//! Access tokens: what they let their users do, and until when.

use serde_json::{Value, json};
use throughline::access::token::{self, NewToken, TokenSecret};
use throughline::access::{Authenticator, Caller, Role, Unidentified};
use throughline::batch::id;
use uuid::Uuid;

use super::World;
use crate::support::{Backend, Client, Rows, TestDatabase, program, query_texts};

on_both!(
    a_token_lets_in_as_far_as_its_user_and_its_limits_go,
    a_token_ends,
    it_is_one_statement_whoever_asks,
    the_command_line_makes_lists_and_takes_back
);

async fn a_token_lets_in_as_far_as_its_user_and_its_limits_go(backend: Backend) {
    let world = World::new(backend).await;
    let key = |kind: &str, prefix: &'static str| id::parse("id", world.id(kind), &[prefix]).unwrap().1;
    let (user, project) = (key("User", "user"), key("Project", "project"));
    let database = &world.client.test.database;
    let authenticator = Authenticator::new(database.clone(), Unidentified::Refused, None);
    let made = |project: Option<Uuid>, role: Option<Role>| NewToken {
        user,
        name: "x".to_owned(),
        project,
        role,
        expires_at: None,
    };
    let identify = async |token: NewToken| {
        let (_, secret) = token::create(database, token).await.unwrap();
        authenticator.identify(Some(secret.reveal())).await.unwrap().caller
    };
    let change = "mutation($id: ID!) { changeProjectRole(input: { id: $id, role: OWNER }) { userErrors { code } } }";
    world.client.data_with(change, json!({ "id": world.id("ProjectMember") })).await;
    let caller = identify(made(None, None)).await;
    assert_eq!((caller.id(), caller.user(), caller.has(Role::Owner, project)), (super::MARK, Some(user), true));
    assert!(caller.rights().makes_projects && !caller.is_admin());
    let caller = identify(made(None, Some(Role::Contributor))).await;
    assert!(caller.has(Role::Contributor, project) && !caller.has(Role::Maintainer, project));
    assert!(!caller.rights().makes_projects);
    let caller = identify(made(Some(project), None)).await;
    assert!(caller.has(Role::Owner, project));
    let other = world.client.data("mutation { createProject(input: { name: \"other\" }) { project { id } } }").await;
    let other = id::parse("id", other["createProject"]["project"]["id"].as_str().unwrap(), &["project"]).unwrap().1;
    let caller = identify(made(Some(other), None)).await;
    assert!(!caller.has(Role::Viewer, project) && !caller.has(Role::Viewer, other), "not a member there");
    // An admin's token that is limited is no admin's.
    let promote = "mutation($id: ID!) { updateUser(input: { id: $id, instanceRole: ADMIN }) { userErrors { code } } }";
    world.client.data_with(promote, json!({ "id": world.id("User") })).await;
    assert!(identify(made(None, None)).await.is_admin());
    let caller = identify(made(Some(project), Some(Role::Viewer))).await;
    assert!(!caller.is_admin() && caller.has(Role::Viewer, project) && !caller.has(Role::Contributor, project));
}

async fn a_token_ends(backend: Backend) {
    let world = World::new(backend).await;
    let user = id::parse("id", world.id("User"), &["user"]).unwrap().1;
    let database = &world.client.test.database;
    let authenticator = Authenticator::new(database.clone(), Unidentified::LocalOwner, None);
    let made = |expires_at| NewToken { user, name: "x".to_owned(), project: None, role: None, expires_at };
    let refused =
        async |secret: &TokenSecret| authenticator.identify(Some(secret.reveal())).await.unwrap_err().to_string();

    let past = "2026-01-01T00:00:00Z".parse().unwrap();
    let (_, expired) = token::create(database, made(Some(past))).await.unwrap();
    assert_eq!(refused(&expired).await, "the access token has expired");
    let (token, secret) = token::create(database, made(None)).await.unwrap();
    authenticator.identify(Some(secret.reveal())).await.unwrap();
    // The secret is nowhere in the table.
    let column = if backend == Backend::Sqlite { "hex(secret_hash)" } else { "encode(secret_hash, 'hex')" };
    let stored = query_texts(database.reader(), &format!("SELECT {column} FROM access_tokens")).await.join(" ");
    assert!(!stored.contains(secret.reveal()) && stored.len() >= 128, "{stored}");
    assert!(token::revoke(database, token).await.unwrap());
    assert!(!token::revoke(database, token).await.unwrap(), "it was taken back already");
    assert_eq!(refused(&secret).await, "the access token is unknown, or was taken back");
    assert_eq!(refused(&TokenSecret::random().unwrap()).await, "the access token is unknown, or was taken back");
    for wrong in ["", "x", "null", "tl_", "' OR 1=1 --", "a.b.c"] {
        assert!(authenticator.identify(Some(wrong)).await.is_err(), "{wrong}");
    }
    assert_eq!(authenticator.identify(None).await.unwrap().caller, Caller::local_owner());
    // Who is deleted is let in no more.
    let (_, secret) = token::create(database, made(None)).await.unwrap();
    let delete = "mutation($id: ID!) { deleteUser(input: { id: $id }) { userErrors { code } } }";
    world.client.data_with(delete, json!({ "id": world.id("User") })).await;
    assert_eq!(refused(&secret).await, "the access token is unknown, or was taken back");
}

async fn it_is_one_statement_whoever_asks(backend: Backend) {
    let world = World::new(backend).await;
    let documents = [
        "query($p: ID!) { project(id: $p) { name features { nodes { name tests { nodes { name } } deployments { nodes { version } } } } } }",
        "query($f: ID!) { feature(id: $f) { name history { nodes { type } } project { viewerRole members { nodes { role user { name } } } } } }",
        "{ projects { nodes { name featureCount progress testSummary { total } } } features(filter: { tests: { some: { name: { contains: \"h\" } } } }) { totalCount nodes { name } } }",
        "query($p: ID!, $f: ID!) { node(id: $f) { id } search(query: \"hush\") { totalCount nodes { title } } changes(projectId: $p) { nodes { type } } }",
        "query($f: ID!) { featureAsOf(id: $f, version: 1) { name } featureDiff(id: $f, from: 0, to: 1) { field } }",
    ];
    let variables = json!({ "p": world.id("Project"), "f": world.id("Feature") });
    let mut figures = Vec::new();
    for document in documents {
        let count = async |caller: &Caller| {
            world.client.statements.take();
            let answer = world.client.run_as(caller, document, variables.clone()).await;
            assert!(answer.get("errors").is_none() && answer.to_string().contains("hush"), "{answer}");
            (world.client.statements.take().len(), answer)
        };
        let (as_owner, shown) = count(&Caller::local_owner()).await;
        let (as_member, to_member) = count(&world.caller(Some(Role::Owner))).await;
        assert_eq!(as_owner, as_member, "{document}");
        assert_eq!(shown, to_member, "{document}");
        figures.push((as_owner, as_member));
    }
    println!("{backend:?}: statements without and with roles: {figures:?}");
    // Who it is costs one more, whatever is asked.
    let client = Client::new(TestDatabase::new(backend).await);
    client.data("mutation { createUser(input: { name: \"ada\" }) { user { id } } }").await;
    let user = client.data("{ users { nodes { id } } }").await["users"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let user = id::parse("id", &user, &["user"]).unwrap().1;
    let new = NewToken { user, name: "x".to_owned(), project: None, role: None, expires_at: None };
    let (_, secret) = token::create(&client.test.database, new).await.unwrap();
    let authenticator = Authenticator::new(client.test.database.clone(), Unidentified::Refused, None);
    client.statements.take();
    authenticator.identify(Some(secret.reveal())).await.unwrap();
    let asked = client.statements.take();
    let selects = asked.iter().filter(|sql| sql.starts_with("SELECT")).count();
    assert_eq!(selects, 1, "{asked:?}");
    assert_eq!(Rows::of(&client.test.database).count("SELECT count(*) FROM access_tokens").await, 1);
}

async fn the_command_line_makes_lists_and_takes_back(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let run = |arguments: &[&str]| {
        let done = program().args(arguments).args(["--database", &test.url]).output().unwrap();
        let read = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), read(done.stdout), read(done.stderr))
    };
    let project =
        query_texts(test.database.reader(), "SELECT name FROM projects ORDER BY name LIMIT 1").await.remove(0);
    let (code, secret, said) = run(&[
        "token",
        "create",
        "--user",
        "ci",
        "--kind",
        "service",
        "--role",
        "contributor",
        "--project",
        &project,
        "--expires",
        "12h",
        "--name",
        "nightly",
    ]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Made the user \"ci\": service, member.") && said.contains("a contributor of"), "{said}");
    assert!(TokenSecret::read(secret.trim()).is_some(), "{secret}");
    let (_, listed, _) = run(&["token", "list"]);
    assert!(
        listed.contains("ci, at most contributor, in project_") && listed.contains("never used: nightly"),
        "{listed}"
    );
    assert!(!listed.contains(secret.trim()));
    let authenticator = Authenticator::new(test.database.clone(), Unidentified::Refused, None);
    let caller = authenticator.identify(Some(secret.trim())).await.unwrap().caller;
    assert_eq!(caller.projects(Role::Contributor).count(), 1);
    let id = listed.split_whitespace().next().unwrap().to_owned();
    let (code, _, said) = run(&["token", "revoke", &id]);
    assert_eq!(code, 0, "{said}");
    assert!(authenticator.identify(Some(secret.trim())).await.is_err());
    assert_eq!(run(&["token", "revoke", &id]).0, 1);
    let (code, _, said) = run(&["token", "create", "--user", "ci", "--role", "owner", "--project", &project]);
    assert!(code == 1 && said.contains("is only a contributor of"), "{said}");
    for (wrong, why) in [
        (vec!["token", "create", "--user", "ci", "--expires", "soon"], "--expires"),
        (vec!["token", "create", "--user", "ci", "--project", "none"], "there is no project"),
        (vec!["token", "create", "--user", "local-owner"], "must not be"),
        (vec!["token", "create", "--user", "ci", "--role", "king"], "must be one of viewer"),
        (vec!["user", "delete", "nobody"], "there is no user"),
        (vec!["user", "create", "ci"], "another user has this name"),
    ] {
        let (code, out, said) = run(&wrong);
        assert!(code != 0 && out.is_empty() && said.contains(why), "{wrong:?}: {said}");
    }
    let (code, _, said) = run(&["user", "set-role", "ci", "auditor"]);
    assert_eq!(code, 0, "{said}");
    let (_, users, _) = run(&["user", "list"]);
    assert_eq!(users, "ci  service, auditor, member of 1 projects\n");
    let client = Client::new(test);
    let audited: Value = client.data("{ auditLogs(last: 1) { nodes { action actorId } } }").await;
    assert_eq!(audited["auditLogs"]["nodes"][0], json!({ "action": "user.update", "actorId": "local-owner" }));
}
