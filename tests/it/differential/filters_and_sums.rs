//! What the oracle knows of filters and sums, by itself: hand-made cases, and the laws that any filter keeps.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema, Value, value};
use entity::feature::FeatureStatus;
use fastrand::Rng;

use super::data;
use super::generate::{Known, filter};
use super::oracle::filter::{Row, check, fits};
use super::oracle::filter_types::{DeploymentFilter, FILTERS, FeatureFilter, ProjectFilter, TestCaseFilter};
use super::oracle::summaries::{count_features, count_tests, deployments_by_environment, feature_counts};
use super::world::World;
use crate::support::{Backend, Client, TestDatabase};

on_both!(filters_keep_their_laws, sums_add_up);

async fn world(backend: Backend) -> (World, Client) {
    let test = TestDatabase::new(backend).await;
    data::fill(&test.database).await;
    (World::load(&test.database).await, Client::new(test))
}

fn rows<'w>(world: &'w World, object: &str) -> Vec<Row<'w>> {
    match object {
        "Project" => world.projects.iter().map(Row::Project).collect(),
        "Feature" => world.features().map(Row::Feature).collect(),
        "TestCase" => world.features().flat_map(|feature| world.tests_of(feature.id)).map(Row::TestCase).collect(),
        _ => world.features().flat_map(|feature| world.deployments_of(feature.id)).map(Row::Deployment).collect(),
    }
}

async fn filters_keep_their_laws(backend: Backend) {
    let (world, client) = world(backend).await;
    let known = Known::collect(&world, &client).await;
    let mut rng = Rng::with_seed(1);
    let (mut some, mut split) = (0, 0);
    for (object, _) in FILTERS {
        let rows = rows(&world, object);
        for _ in 0..150 {
            let (one, other) = (filter(&mut rng, &known, object, 3), filter(&mut rng, &known, object, 2));
            check(object, &one, "filter").unwrap();
            let held = rows.iter().filter(|row| fits(&world, **row, &one)).count();
            some += usize::from(held > 0);
            split += usize::from(held > 0 && held < rows.len());
            for row in &rows {
                let holds = |filter: Value| fits(&world, *row, &filter);
                let (a, b) = (holds(one.clone()), holds(other.clone()));
                assert_eq!(holds(value!({ "not": (one.clone()) })), !a, "{one}");
                assert_eq!(holds(value!({ "and": [(one.clone()), (other.clone())] })), a && b, "{one} {other}");
                assert_eq!(holds(value!({ "or": [(one.clone()), (other.clone())] })), a || b, "{one} {other}");
            }
        }
    }
    assert!(some > 200 && split > 100, "{some} filters hold for some row, {split} for some and not for all");
}

async fn sums_add_up(backend: Backend) {
    let (world, _client) = world(backend).await;
    let all = world.features().count();
    for group_by in [&["STATUS"][..], &["PRIORITY", "STATUS"], &["DEPLOYMENT_STATUS"]] {
        let counts = feature_counts(&world, world.features(), group_by);
        assert!(counts.is_sorted(), "in the order of the groups' values");
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), all);
    }
    for project in &world.projects {
        let statuses = ["not_started", "in_progress", "blocked", "completed", "cancelled"];
        let counted = statuses.map(|status| count_features(world.features_of(project.id), Some(status)));
        assert_eq!(counted.iter().sum::<usize>(), count_features(world.features_of(project.id), None));
        let counted =
            ["passed", "failed", "pending", "skipped"].map(|status| count_tests(&world, project.id, Some(status)));
        assert_eq!(counted.iter().sum::<usize>(), count_tests(&world, project.id, None));
    }
    for feature in world.features() {
        let environments = deployments_by_environment(&world, feature.id);
        assert!(environments.is_sorted_by(|one, other| one.0 < other.0));
        let counted: usize = environments.iter().map(|(_, count, _)| count).sum();
        assert_eq!(counted, world.deployments_of(feature.id).count());
        let latest = environments.iter().filter_map(|(_, _, latest)| *latest).max();
        assert_eq!(latest, world.latest_deployment(feature.id, None).and_then(|row| row.deployed_at));
    }
}

#[tokio::test]
async fn filters_mean_what_they_say() {
    let (world, _client) = world(Backend::Sqlite).await;
    let count = |object: &str, filter: Value| {
        check(object, &filter, "filter").unwrap();
        rows(&world, object).into_iter().filter(|row| fits(&world, *row, &filter)).count()
    };
    let features = |filter| count("Feature", filter);
    let all = world.features().count();
    for everything in [value!({}), value!({ "and": [] }), value!({ "name": {} }), value!({ "not": { "or": [] } })] {
        assert_eq!(features(everything), all);
    }
    assert_eq!(features(value!({ "or": [] })), 0);
    assert_eq!(features(value!({ "name": { "in": [] } })), 0);
    let completed = world.features().filter(|feature| feature.status == FeatureStatus::Completed).count();
    assert_eq!(features(value!({ "status": { "eq": "COMPLETED" } })), completed);
    // A comparison with nothing does not hold, and its opposite does.
    let described = world.features().filter(|feature| feature.description.is_some()).count();
    assert_eq!(features(value!({ "description": { "gte": "" } })), described);
    assert_eq!(features(value!({ "not": { "description": { "gte": "" } } })), all - described);
    assert_eq!(features(value!({ "description": { "isNull": true } })), all - described);
    // `ignoreCase` folds A to Z and no other letter.
    let named = |names: &[&str]| world.features().filter(|feature| names.contains(&feature.name.as_str())).count();
    assert_eq!(features(value!({ "name": { "eq": "A", "ignoreCase": true } })), named(&["a", "A"]));
    assert_eq!(features(value!({ "name": { "eq": "Á", "ignoreCase": true } })), 0);
    assert_eq!(features(value!({ "name": { "contains": "%" } })), named(&["%"]));
    // `every` holds where there is none; `some` does not.
    let tested = world.features().filter(|feature| world.tests_of(feature.id).next().is_some()).count();
    assert_eq!(features(value!({ "tests": { "some": {} } })), tested);
    assert_eq!(features(value!({ "tests": { "every": { "or": [] } } })), all - tested);
    assert_eq!(features(value!({ "tests": { "none": {} } })), all - tested);
    assert_eq!(features(value!({ "testSummary": { "total": { "gt": 0 } } })), tested);
    assert_eq!(features(value!({ "project": { "name": { "eq": "none" } } })), 0);
    let with_features = world.projects.iter().filter(|project| world.features_of(project.id).next().is_some()).count();
    assert!(with_features < world.projects.len());
    assert_eq!(count("Project", value!({ "features": { "some": {} } })), with_features);
}

#[test]
fn filters_without_meaning_are_refused_at_their_place() {
    for (filter, message) in [
        (value!({ "name": { "eq": null } }), "filter.name.eq must not be null: leave it out, or use isNull"),
        (value!({ "and": [{}, { "not": null }] }), "filter.and[1].not must not be null: leave it out, or use isNull"),
        (
            value!({ "tests": { "some": { "name": null } } }),
            "filter.tests.some.name must not be null: leave it out, or use isNull",
        ),
        (value!({ "id": { "in": ["x"] } }), "filter.id.in[0] is not an id; expected feature_…"),
        (value!({ "name": { "contains": "\u{0}" } }), "filter.name.contains must not hold the character U+0000"),
    ] {
        assert_eq!(check("Feature", &filter, "filter").unwrap_err().message, message);
    }
}

/// Lists that take filters.
struct Lists;

#[Object]
impl Lists {
    async fn projects(&self, filter: Option<ProjectFilter>) -> String {
        filter.map(|filter| filter.0.to_string()).unwrap_or_default()
    }

    async fn features(&self, filter: Option<FeatureFilter>) -> String {
        filter.map(|filter| filter.0.to_string()).unwrap_or_default()
    }

    async fn tests(&self, filter: Option<TestCaseFilter>) -> String {
        filter.map(|filter| filter.0.to_string()).unwrap_or_default()
    }

    async fn deployments(&self, filter: Option<DeploymentFilter>) -> String {
        filter.map(|filter| filter.0.to_string()).unwrap_or_default()
    }
}

#[tokio::test]
async fn the_schema_checks_the_form_of_a_filter() {
    let schema = Schema::new(Lists, EmptyMutation, EmptySubscription);
    let sdl = schema.sdl();
    for part in ["input FeatureFilter {", "tests: TestCaseListFilter", "eq: FeatureStatus", "ignoreCase: Boolean"] {
        assert!(sdl.contains(part), "{part} in {sdl}");
    }
    for (document, is_valid) in [
        ("{ features(filter: { name: { eq: \"a\" }, or: [{ status: { in: [BLOCKED] } }] }) }", true),
        ("{ projects(filter: { features: { none: { priority: { gt: 3 } } } }) }", true),
        ("{ tests(filter: { createdAt: { lt: \"2026-01-01T00:00:00Z\" } }) deployments(filter: null) }", true),
        ("{ features(filter: { nonsense: { eq: 1 } }) }", false),
        ("{ features(filter: { status: { eq: NONSENSE } }) }", false),
        ("{ features(filter: { project: { name: { eq: 1 } } }) }", false),
    ] {
        assert_eq!(schema.execute(document).await.is_ok(), is_valid, "{document}");
    }
}
