//! The role matrix: every field of every type that has rows, every field of the roots, and every mutation, as every role.
//!
//! What is decided stands in `decisions.txt`, a line for each: who is the least that may. The schema is asked for what there is, so that
//! a field without a decision fails the test, and so does a decision about what there is no more. Everybody who is decided to may
//! not is to see nothing of the project, whatever the answer says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entity::user::InstanceRole;
use serde_json::{Value, json};
use throughline::access::{Caller, Role};

use super::{MARK, World, caller};
use crate::support::Backend;

on_both!(every_field_is_decided_for_every_role);

/// Who is asked as, the least first; and what a line of the decisions calls the least that may.
const ROLES: [&str; 7] = ["stranger", "viewer", "contributor", "maintainer", "owner", "auditor", "admin"];

/// What somebody came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// It was shown, or would have been done.
    May,
    /// It was not there, or was refused.
    MayNot,
}

/// Whether a role may, where the least that may is this one. Auditors and admins stand beside the roles in a project.
fn may(role: &str, least: &str) -> bool {
    let place = |role: &str| ROLES.iter().position(|known| *known == role).unwrap();
    match (role, least) {
        ("admin", _) | (_, "stranger") => true,
        ("auditor", least) => least == "auditor",
        (_, "auditor" | "admin") => false,
        (role, least) => place(role) >= place(least),
    }
}

async fn every_field_is_decided_for_every_role(backend: Backend) {
    let world = World::new(backend).await;
    let decisions = read_decisions();
    let schema = Schema::read(&world).await;
    let mut found = Vec::new();
    for (name, asks) in schema.asks(&world) {
        let Some(least) = decisions.get(name.as_str()) else {
            found.push(format!("{name} is undecided"));
            continue;
        };
        for role in ROLES {
            let expected = if may(role, least) { Cell::May } else { Cell::MayNot };
            let cell = asks.cell(&world, &who(&world, role)).await;
            if cell != Ok(expected) {
                found.push(format!("{name} as {role}: {cell:?}, decided is {expected:?}"));
            }
        }
    }
    let known: Vec<String> = schema.asks(&world).into_iter().map(|(name, _)| name).collect();
    let gone = decisions.keys().filter(|name| !known.iter().any(|known| known == *name));
    found.extend(gone.map(|name| format!("{name} is decided, but there is none")));
    println!("{}", print(&decisions));
    assert!(found.is_empty(), "{} cells:\n{}", found.len(), found.join("\n"));
}

fn read_decisions() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("decisions.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, least) = line.split_once(' ').unwrap_or_else(|| panic!("no decision: {line}"));
            assert!(ROLES.contains(&least.trim()), "no role: {line}");
            (name, least.trim())
        })
        .collect()
}

/// The matrix, for a person to read.
fn print(decisions: &BTreeMap<&str, &str>) -> String {
    let mut text = format!("{:<40}{}\n", "", ROLES.map(|role| format!("{role:<12}")).concat());
    for (name, least) in decisions {
        let cells = ROLES.map(|role| format!("{:<12}", if may(role, least) { "yes" } else { "-" }));
        let _ = writeln!(text, "{name:<40}{}", cells.concat());
    }
    let _ = writeln!(text, "{} rows, {} cells, 0 undecided", decisions.len(), decisions.len() * ROLES.len());
    text
}

fn who(world: &World, role: &str) -> Caller {
    match role {
        "stranger" => world.caller(None),
        "viewer" => world.caller(Some(Role::Viewer)),
        "contributor" => world.caller(Some(Role::Contributor)),
        "maintainer" => world.caller(Some(Role::Maintainer)),
        "owner" => world.caller(Some(Role::Owner)),
        "auditor" => caller("somebody", InstanceRole::Auditor, BTreeMap::new()),
        _ => caller("somebody", InstanceRole::Admin, BTreeMap::new()),
    }
}

/// What is asked to find a cell out.
enum Ask {
    /// A field of an object that is asked for by its id.
    Field { document: String, id: String, is_null_to_others: bool },
    /// A field of the query root: whether the answer shows something of the project.
    Root { document: String },
    /// A mutation, tried out: its mistakes.
    Mutation { document: String, input: Value },
}

impl Ask {
    async fn cell(&self, world: &World, caller: &Caller) -> Result<Cell, String> {
        match self {
            Self::Field { document, id, is_null_to_others } => {
                let answer = world.client.run_as(caller, document, json!({ "id": id })).await;
                if answer.get("errors").is_some() {
                    return Err(answer.to_string());
                }
                if answer["data"]["node"].is_null() {
                    return if answer.to_string().contains(MARK) {
                        Err("it leaks".to_owned())
                    } else {
                        Ok(Cell::MayNot)
                    };
                }
                let shown = &answer["data"]["node"]["field"];
                let is_empty = shown["edges"].as_array().is_some_and(Vec::is_empty);
                let is_hidden = *is_null_to_others && shown.is_null();
                Ok(if is_empty || is_hidden { Cell::MayNot } else { Cell::May })
            }
            Self::Root { document } => {
                let answer = world.client.run_as(caller, document, json!({})).await;
                let Some(errors) = answer.get("errors") else {
                    return Ok(if shows(&answer["data"], world) { Cell::May } else { Cell::MayNot });
                };
                // What is not there has no versions to compare.
                let is_absent = errors[0]["message"] == "to must be a version that there was, 0 to 0, is 1";
                if is_absent { Ok(Cell::MayNot) } else { Err(answer.to_string()) }
            }
            Self::Mutation { document, input } => {
                let answer = world.client.run_as(caller, document, json!({ "input": input })).await;
                let payload =
                    answer["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
                let codes: Vec<_> =
                    payload["userErrors"].as_array().into_iter().flatten().map(|error| error["code"].clone()).collect();
                match codes.first().and_then(Value::as_str) {
                    None if payload.is_object() => Ok(Cell::May),
                    Some("FORBIDDEN" | "NOT_FOUND") if !answer.to_string().contains(MARK) => Ok(Cell::MayNot),
                    _ => Err(answer.to_string()),
                }
            }
        }
    }
}

/// Whether an answer shows something of the project: its texts, an id, or that it counts something.
fn shows(data: &Value, world: &World) -> bool {
    let text = data.to_string();
    // It says nothing of any project, and nothing at all where nobody measures.
    data.get("rateLimit").is_some()
        || text.contains(MARK)
        || world.ids.values().any(|id| text.contains(id.as_str()))
        || text.contains(r#""totalCount":1"#)
        || text.contains(r#""field":"name""#)
        || text.contains(r#""count":1"#)
        // What is left to who asks, where there is a limit.
        || data.get("rateLimit").is_some()
        // What is said of who asks, and a page that goes on, even if nothing follows.
        || text.contains(r#""name":"somebody""#)
        || data.as_object().unwrap().values().any(|field| field.get(0).is_some_and(Value::is_object))
}

/// The schema, as introspection tells it.
struct Schema {
    types: BTreeMap<String, Value>,
}

/// Types whose objects stand for themselves: each has an id, by which `node` finds it.
const OBJECTS: [&str; 10] = [
    "Project",
    "Feature",
    "TestCase",
    "Deployment",
    "User",
    "ProjectMember",
    "Webhook",
    "WebhookDelivery",
    "Event",
    "AuditLog",
];

impl Schema {
    async fn read(world: &World) -> Self {
        let document = "{ __schema { types { name kind possibleTypes { name } fields { name args { name type { ...T } } type { ...T } } } } } \
            fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
        let data = world.client.data(document).await;
        let types = data["__schema"]["types"].as_array().unwrap().iter();
        Self { types: types.map(|known| (known["name"].as_str().unwrap().to_owned(), known.clone())).collect() }
    }

    fn fields(&self, name: &str) -> Vec<&Value> {
        self.types[name]["fields"].as_array().into_iter().flatten().collect()
    }

    /// Everything that there is to decide, and what is asked to see it.
    fn asks(&self, world: &World) -> Vec<(String, Ask)> {
        let mut asks = Vec::new();
        for object in OBJECTS {
            for field in self.fields(object) {
                let name = field["name"].as_str().unwrap();
                let arguments = if name == "featureCounts" { "(groupBy: [STATUS])" } else { "" };
                let document = format!(
                    "query($id: ID!) {{ node(id: $id) {{ ... on {object} {{ field: {name}{arguments} {} }} }} }}",
                    self.select(&field["type"], 1)
                );
                let is_null_to_others = name == "confidentialNotes";
                let ask = Ask::Field { document, id: world.id(object).to_owned(), is_null_to_others };
                asks.push((format!("{object}.{name}"), ask));
            }
        }
        for field in self.fields("Query") {
            let name = field["name"].as_str().unwrap();
            let arguments = root_arguments(name, world);
            let document = format!("{{ {name}{arguments} {} }}", self.select(&field["type"], 3));
            asks.push((format!("Query.{name}"), Ask::Root { document }));
        }
        for field in self.fields("Mutation") {
            let name = field["name"].as_str().unwrap();
            let input = field["args"].as_array().unwrap().iter().find(|argument| argument["name"] == "input").unwrap();
            let input_type = input["type"]["ofType"]["name"].as_str().unwrap();
            let document = format!(
                "mutation($input: {input_type}!) {{ {name}(input: $input, dryRun: true) {{ userErrors {{ code message }} }} }}"
            );
            let input = mutation_input(name, world);
            asks.push((format!("Mutation.{name}"), Ask::Mutation { document, input }));
        }
        asks
    }

    /// Selects what there is of a type, so deep.
    fn select(&self, given: &Value, depth: usize) -> String {
        let named = named(given);
        match named["kind"].as_str().unwrap() {
            "OBJECT" => {
                let fields = self.fields(named["name"].as_str().unwrap()).into_iter().filter_map(|field| {
                    let name = field["name"].as_str().unwrap();
                    if is_leaf(&field["type"]) {
                        return Some(name.to_owned());
                    }
                    let is_plain = field["args"].as_array().unwrap().is_empty();
                    (is_plain && depth > 0).then(|| format!("{name} {}", self.select(&field["type"], depth - 1)))
                });
                format!("{{ __typename {} }}", fields.collect::<Vec<_>>().join(" "))
            }
            "INTERFACE" => "{ __typename id }".to_owned(),
            "UNION" => "{ __typename ... on Node { id } }".to_owned(),
            _ => String::new(),
        }
    }
}

/// The type without the marks of lists and of what is not null.
fn named(given: &Value) -> &Value {
    if given["ofType"].is_null() { given } else { named(&given["ofType"]) }
}

fn is_leaf(given: &Value) -> bool {
    matches!(named(given)["kind"].as_str(), Some("SCALAR" | "ENUM"))
}

/// What the fields of the query root are asked with.
fn root_arguments(name: &str, world: &World) -> String {
    let kind = ["project", "feature", "testCase", "deployment", "user", "webhook"]
        .into_iter()
        .find(|kind| name.starts_with(kind));
    let id = |kind: &str| world.id(&format!("{}{}", kind[..1].to_uppercase(), &kind[1..])).to_owned();
    let more = |kind: &str, after: &str| {
        format!("(pages: [{{ parent: \"{}\", after: \"{}\" }}])", world.id(kind), world.id(after))
    };
    match name {
        "node" => format!("(id: \"{}\")", world.id("Feature")),
        "nodes" => format!("(ids: [\"{}\"])", world.id("Feature")),
        "search" => format!("(query: \"{MARK}\")"),
        "events" => format!("(filter: {{ aggregateId: {{ eq: \"{}\" }} }})", world.id("Feature")),
        "auditLogs" => format!("(filter: {{ entityId: {{ eq: \"{}\" }} }})", world.id("Feature")),
        "changes" => format!("(projectId: \"{}\")", world.id("Project")),
        name if name.ends_with("AsOf") => format!("(id: \"{}\", version: 1)", id(kind.unwrap())),
        name if name.ends_with("Diff") => format!("(id: \"{}\", from: 0, to: 1)", id(kind.unwrap())),
        "project" | "feature" | "user" | "webhook" => format!("(id: \"{}\")", id(name)),
        "moreProjectFeatures" => more("Project", "after features"),
        "moreFeatureTests" => more("Feature", "after tests"),
        "moreFeatureDeployments" => more("Feature", "after deployments"),
        "featureCounts" => "(groupBy: [STATUS])".to_owned(),
        _ => String::new(),
    }
}

/// What is tried out of each mutation: something that its least role may do.
#[expect(clippy::match_same_arms, reason = "a line for each mutation")]
fn mutation_input(name: &str, world: &World) -> Value {
    let id = |kind: &str| world.id(kind).to_owned();
    match name {
        "createProject" => json!({ "name": "another" }),
        "updateProject" => json!({ "id": id("Project"), "description": "x" }),
        "deleteProject" => json!({ "id": id("Project") }),
        "createFeature" => json!({ "projectId": id("Project"), "name": "another" }),
        "createFeatures" => json!({ "features": [{ "projectId": id("Project"), "name": "another" }] }),
        "updateFeature" => json!({ "id": id("Feature"), "priority": 9 }),
        "updateFeatures" => json!({ "features": [{ "id": id("Feature"), "priority": 9 }] }),
        "updateFeaturePriorities" => json!({ "features": [{ "id": id("Feature"), "priority": 9 }] }),
        "changeFeatureStatus" => json!({ "id": id("Feature"), "status": "IN_PROGRESS" }),
        "deleteFeature" => json!({ "id": id("Feature") }),
        "deleteFeatures" => json!({ "features": [{ "id": id("Feature") }] }),
        "restoreFeature" => json!({ "id": id("DeletedFeature") }),
        "createTestCase" => json!({ "featureId": id("Feature"), "name": "another" }),
        "updateTestCase" => json!({ "id": id("TestCase"), "name": "another" }),
        "deleteTestCase" => json!({ "id": id("TestCase") }),
        "recordTestRuns" => {
            json!({ "results": [{ "featureId": id("Feature"), "name": "another", "status": "PASSED" }] })
        }
        "createDeployment" => json!({ "featureId": id("Feature"), "environment": "x", "version": "1" }),
        "updateDeployment" => json!({ "id": id("Deployment"), "version": "2" }),
        "deleteDeployment" => json!({ "id": id("Deployment") }),
        "applyChanges" => {
            json!({ "steps": [{ "change": { "updateFeature": { "id": id("Feature"), "priority": 9 } } }] })
        }
        "createUser" => json!({ "name": "another" }),
        "updateUser" => json!({ "id": id("User"), "instanceRole": "AUDITOR" }),
        "deleteUser" => json!({ "id": id("User") }),
        "restoreUser" => json!({ "id": id("DeletedUser") }),
        "addProjectMember" => json!({ "projectId": id("Project"), "userName": "spare", "role": "CONTRIBUTOR" }),
        "changeProjectRole" => json!({ "id": id("ProjectMember"), "role": "CONTRIBUTOR" }),
        "removeProjectMember" => json!({ "id": id("ProjectMember") }),
        "createWebhook" => json!({ "projectId": id("Project"), "url": "https://example.org/" }),
        "updateWebhook" => json!({ "id": id("Webhook"), "types": ["feature"] }),
        "pauseWebhook" | "resumeWebhook" | "deleteWebhook" => json!({ "id": id("Webhook") }),
        "redeliverWebhookDelivery" => json!({ "id": id("WebhookDelivery") }),
        _ => json!({}),
    }
}
