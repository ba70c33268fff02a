//! Asks a running server with the types that graphql_client makes of schema.graphql and of the documents of all tools:
//!
//!     cargo run -- http://127.0.0.1:8000/graphql

use graphql_client::{GraphQLQuery, Response};
use reqwest::blocking::Client;

use anything::AnythingNodeOn;
use change_status::UserErrorCode;
use find::FindSearchNodesItem;

type DateTime = String;
#[allow(clippy::upper_case_acronyms, reason = "it is called as the scalar is")]
type JSON = serde_json::Value;

// Each operation's types are in a module of its name.
#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../documents/records.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Clone"
)]
struct Board;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../documents/records.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Clone"
)]
struct ChangeStatus;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../documents/records.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Clone"
)]
struct CreateProject;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../documents/records.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Clone"
)]
struct CreateFeatures;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../documents/records.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Clone"
)]
struct Find;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../documents/records.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Clone"
)]
struct Anything;

/// Asks for `Q`, and takes an answer with errors for a failure.
fn ask<Q: GraphQLQuery>(url: &str, variables: Q::Variables) -> Result<Q::ResponseData, Box<dyn std::error::Error>> {
    let answer = Client::new().post(url).json(&Q::build_query(variables)).send()?;
    let answer: Response<Q::ResponseData> = answer.json()?;
    match (answer.data, answer.errors) {
        (Some(data), None) => Ok(data),
        (_, errors) => Err(format!("{errors:?}").into()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: throughline-client-in-rust URL")?;
    let project_id = make_board(&url)?;
    assert_eq!(read_board(&url, &project_id)?, ["Crab 3", "Crab 2", "Crab 1"]);
    assert_eq!(find(&url, "rust")?, ["project Made in Rust"]);
    assert_eq!(find(&url, "\"crab 2\"")?, ["feature IN_PROGRESS"]);
    change_status_twice(&url, &project_id)
}

/// Makes a project with three features that are in progress, after a dry run that made none.
fn make_board(url: &str) -> Result<String, Box<dyn std::error::Error>> {
    let input = create_project::CreateProjectInput { name: "Made in Rust".to_owned(), description: None };
    let made = ask::<CreateProject>(url, create_project::Variables { input })?.create_project.ok_or("no payload")?;
    let project = made.project.ok_or("no project")?;
    let feature = |at: i64| create_features::CreateFeatureInput {
        project_id: project.id.clone(),
        name: format!("Crab {at}"),
        description: None,
        priority: at,
        status: create_features::FeatureStatus::IN_PROGRESS,
        confidential_notes: None,
    };
    for dry_run in [true, false] {
        let features = [1, 2, 3].map(feature).to_vec();
        let input = create_features::CreateFeaturesInput { features, mode: create_features::BulkMode::ATOMIC };
        let created = ask::<CreateFeatures>(url, create_features::Variables { input, dry_run })?;
        let created = created.create_features.ok_or("no payload")?;
        assert!(created.user_errors.is_empty() && created.is_dry_run == dry_run, "{created:?}");
        assert_eq!(created.results.len(), 3);
    }
    Ok(project.id)
}

/// Reads all pages of a board.
fn read_board(url: &str, project_id: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let variables = board::Variables { project_id: project_id.to_owned(), count: 2, after };
        let features = ask::<Board>(url, variables)?.project.ok_or("no project")?.features;
        assert_eq!(features.total_count, 3);
        names.extend(features.edges.into_iter().map(|edge| edge.node.name));
        if !features.page_info.has_next_page {
            return Ok(names);
        }
        after = features.page_info.end_cursor;
    }
}

/// Says what a search finds, with its kind.
fn find(url: &str, text: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let found = ask::<Find>(url, find::Variables { text: text.to_owned() })?.search;
    let kinds = found.nodes.into_iter().map(|hit| match hit.item {
        FindSearchNodesItem::Feature(feature) => format!("feature {:?}", feature.status),
        FindSearchNodesItem::Project(project) => format!("project {}", project.name),
    });
    Ok(kinds.collect())
}

/// Changes a feature's status, and is told of a conflict the second time.
fn change_status_twice(url: &str, project_id: &str) -> Result<(), Box<dyn std::error::Error>> {
    let variables = board::Variables { project_id: project_id.to_owned(), count: 1, after: None };
    let features = ask::<Board>(url, variables)?.project.ok_or("no project")?.features;
    let feature = features.edges.into_iter().next().ok_or("no feature")?.node;
    let change = |key: &str| change_status::Variables {
        input: change_status::ChangeFeatureStatusInput {
            id: feature.id.clone(),
            expected_version: Some(feature.row_version),
            status: change_status::FeatureStatus::COMPLETED,
        },
        idempotency_key: Some(key.to_owned()),
    };
    let changed = ask::<ChangeStatus>(url, change("rust"))?.change_feature_status.ok_or("no payload")?;
    let status = changed.feature.ok_or("no feature")?.status;
    assert_eq!(status, change_status::FeatureStatus::COMPLETED);
    let late = ask::<ChangeStatus>(url, change("rust, late"))?.change_feature_status.ok_or("no payload")?;
    assert_eq!(late.user_errors[0].code, UserErrorCode::VERSION_CONFLICT);
    let conflict = late.user_errors[0].conflict.as_ref().ok_or("no conflict")?;
    assert_eq!(Some(conflict.current_version), changed.version);

    let node = ask::<Anything>(url, anything::Variables { id: feature.id.clone() })?.node.ok_or("no node")?;
    let AnythingNodeOn::Feature(node) = node.on else { return Err("the node is no feature".into()) };
    let event = node.history.nodes.last().ok_or("no event")?;
    assert_eq!((event.changes[0].name.as_str(), &event.changes[0].value), ("status", &Some("COMPLETED".into())));
    let nothing = anything::Variables { id: "feature_01h455vb4pex5vsknk084sn02q".to_owned() };
    assert_eq!(ask::<Anything>(url, nothing)?.node, None);
    Ok(())
}
