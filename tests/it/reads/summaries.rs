//! Summaries and grouped counts: they say what the rows say, and cost one statement for all parents of a level.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    a_project_s_summaries_add_up_its_features,
    features_are_counted_by_what_they_have_in_common,
    deployments_are_counted_by_environment,
    wrong_groups_are_refused
);

const STATUSES: [(&str, &str); 5] = [
    ("notStarted", "NOT_STARTED"),
    ("inProgress", "IN_PROGRESS"),
    ("blocked", "BLOCKED"),
    ("completed", "COMPLETED"),
    ("cancelled", "CANCELLED"),
];

async fn a_project_s_summaries_add_up_its_features(backend: Backend) {
    let client = Client::new(demo_with_a_deleted_feature(backend).await);
    client.statements.take();
    let data = client
        .data(
            "{ projects(first: 50) { nodes { name
                 featureSummary { total notStarted inProgress blocked completed cancelled }
                 testSummary { total passed failed pending skipped } } } }",
        )
        .await;
    assert_eq!(client.statements.count(), 1);
    let projects = features_of_projects(&client).await;
    let mut seen = 0;
    for project in nodes(&data["projects"]) {
        let features = &projects[project["name"].as_str().unwrap()];
        seen += features.len();
        assert_eq!(project["featureSummary"]["total"], features.len());
        for (field, status) in STATUSES {
            let expected = features.iter().filter(|feature| feature["status"] == status).count();
            assert_eq!(project["featureSummary"][field], expected, "{field} of {project}");
        }
        for field in ["total", "passed", "failed", "pending", "skipped"] {
            let expected: i64 = features.iter().map(|feature| feature["testSummary"][field].as_i64().unwrap()).sum();
            assert_eq!(project["testSummary"][field], expected, "{field} of {project}");
        }
    }
    assert_eq!(seen, 1203, "the demo's features but for the deleted one");
}

async fn features_are_counted_by_what_they_have_in_common(backend: Backend) {
    let client = Client::new(demo_with_a_deleted_feature(backend).await);
    let projects = features_of_projects(&client).await;
    let all: Vec<_> = projects.values().flatten().cloned().collect();
    for (groups, fields) in [
        ("STATUS", &["status"][..]),
        ("[PRIORITY]", &["priority"]),
        ("[DEPLOYMENT_STATUS, STATUS]", &["deploymentStatus", "status"]),
        ("[STATUS, PRIORITY, STATUS]", &["status", "priority"]),
    ] {
        client.statements.take();
        let data = client
            .data(&format!(
                "{{ featureCounts(groupBy: {groups}) {{ __typename status priority deploymentStatus count }}
                    projects(first: 50) {{ nodes {{ name
                      featureCounts(groupBy: {groups}) {{ __typename status priority deploymentStatus count }} }} }} }}"
            ))
            .await;
        assert_eq!(client.statements.count(), 3, "all features, the projects, their features");
        assert_eq!(data["featureCounts"], counts(&all, fields), "{groups}");
        for project in nodes(&data["projects"]) {
            assert_eq!(
                project["featureCounts"],
                counts(&projects[project["name"].as_str().unwrap()], fields),
                "{groups}"
            );
        }
    }
    // What is grouped by need not be selected.
    let data = client.data("{ featureCounts(groupBy: [PRIORITY, DEPLOYMENT_STATUS]) { count } }").await;
    let data_too = client.data("{ featureCounts(groupBy: [PRIORITY, DEPLOYMENT_STATUS]) { __typename } }").await;
    let expected = counts(&all, &["priority", "deploymentStatus"]);
    let expected = expected.as_array().unwrap().iter().map(|entry| entry["count"].clone());
    let given = data["featureCounts"].as_array().unwrap();
    assert_eq!(data_too["featureCounts"].as_array().unwrap().len(), given.len());
    assert_eq!(given.iter().map(|entry| entry["count"].clone()).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

async fn deployments_are_counted_by_environment(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.statements.take();
    let data = client
        .data(
            "{ features(first: 300) { nodes { name
                 deploymentsByEnvironment { environment count latestDeployedAt }
                 deployments(first: 100) { totalCount nodes { environment deployedAt } } } } }",
        )
        .await;
    assert_eq!(client.statements.count(), 4);
    for feature in nodes(&data["features"]) {
        let mut expected: BTreeMap<&str, (u32, Value)> = BTreeMap::new();
        for deployment in nodes(&feature["deployments"]) {
            let (count, latest) = expected.entry(deployment["environment"].as_str().unwrap()).or_default();
            *count += 1;
            if latest.as_str() < deployment["deployedAt"].as_str() {
                *latest = deployment["deployedAt"].clone();
            }
        }
        let expected = expected.into_iter().map(|(environment, (count, latest))| {
            json!({ "environment": environment, "count": count, "latestDeployedAt": latest })
        });
        assert_eq!(feature["deploymentsByEnvironment"], expected.collect::<Value>());
    }
}

async fn wrong_groups_are_refused(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let error = client.error("{ featureCounts(groupBy: []) { count } }", json!({})).await;
    assert_eq!(error["message"], "groupBy must name something to group by");
    assert_eq!((&error["path"], &error["extensions"]["code"]), (&json!(["featureCounts"]), &json!("INVALID_ARGUMENT")));
    let error = client.error("{ featureCounts(groupBy: COLOUR) { count } }", json!({})).await;
    assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let variables = json!({ "g": ["STATUS", "COLOUR"] });
    let error = client.error("query($g: [FeatureGroup!]!) { featureCounts(groupBy: $g) { count } }", variables).await;
    assert_eq!(error["message"], "variable $g of type [FeatureGroup!]!: $g[1] is no value of FeatureGroup");
}

/// The groups as one would count them by hand.
fn counts(features: &[Value], by: &[&str]) -> Value {
    /// A number or a word, or nothing: sorted as the groups are.
    type Part = (Option<i64>, Option<String>);
    let mut counts: BTreeMap<Vec<Part>, (Value, u32)> = BTreeMap::new();
    for feature in features {
        let key =
            by.iter().map(|field| (feature[field].as_i64(), feature[field].as_str().map(str::to_owned))).collect();
        let entry = counts.entry(key).or_insert_with(|| {
            let mut entry =
                json!({ "__typename": "FeatureCount", "status": null, "priority": null, "deploymentStatus": null });
            for field in by {
                entry[*field] = feature[field].clone();
            }
            (entry, 0)
        });
        entry.1 += 1;
    }
    let entries = counts.into_values().map(|(mut entry, count)| {
        entry["count"] = count.into();
        entry
    });
    entries.collect()
}

fn nodes(connection: &Value) -> &Vec<Value> {
    connection["nodes"].as_array().unwrap()
}

/// All features by their project's name.
async fn features_of_projects(client: &Client) -> BTreeMap<String, Vec<Value>> {
    let data = client
        .data(
            "{ projects(first: 50) { nodes { name features(first: 1000) { nodes {
                 status priority deploymentStatus testSummary { total passed failed pending skipped } } } } } }",
        )
        .await;
    let projects = nodes(&data["projects"]).iter();
    projects
        .map(|project| (project["name"].as_str().unwrap().to_owned(), nodes(&project["features"]).clone()))
        .collect()
}

async fn demo_with_a_deleted_feature(backend: Backend) -> TestDatabase {
    let test = TestDatabase::with_demo(backend).await;
    let rows = crate::support::Rows::of(&test.database);
    rows.run(
        "UPDATE features SET deleted_at = @now
         WHERE id = (SELECT id FROM features WHERE status = 'completed' ORDER BY id LIMIT 1)",
    )
    .await
    .unwrap();
    test
}
