//! Filters: which rows they leave, counted here from the plain rows and not by the product's SQL.

use std::collections::HashSet;

use entity::deployment::DeploymentStatus;
use entity::feature::FeatureStatus;
use entity::test_case::TestStatus;
use entity::{deployment, feature, project, test_case};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use throughline::batch::id;
use throughline::database::Database;

use crate::support::{Backend, Client, Rows, TestDatabase};

on_both!(
    each_filter_leaves_the_rows_that_fit,
    filters_of_other_lists,
    a_filtered_list_is_paged_like_any_other,
    a_filtered_list_is_one_statement
);

/// The plain rows.
struct World {
    projects: Vec<project::Model>,
    features: Vec<feature::Model>,
    tests: Vec<test_case::Model>,
    deployments: Vec<deployment::Model>,
}

impl World {
    async fn read(database: &Database) -> Self {
        let reader = database.reader();
        let mut world = Self {
            projects: project::Entity::find().all(reader).await.unwrap(),
            features: feature::Entity::find().all(reader).await.unwrap(),
            tests: test_case::Entity::find().all(reader).await.unwrap(),
            deployments: deployment::Entity::find().all(reader).await.unwrap(),
        };
        world.features.retain(|feature| feature.deleted_at.is_none());
        world.features.sort_by_key(|feature| feature.id);
        world
    }

    fn project(&self, feature: &feature::Model) -> &project::Model {
        self.projects.iter().find(|project| project.id == feature.project_id).unwrap()
    }

    fn tests(&self, feature: &feature::Model) -> impl Iterator<Item = &test_case::Model> {
        self.tests.iter().filter(|test| test.feature_id == feature.id)
    }

    fn count(&self, feature: &feature::Model, status: TestStatus) -> usize {
        self.tests(feature).filter(|test| test.status == status).count()
    }

    fn deployments(&self, feature: &feature::Model) -> impl Iterator<Item = &deployment::Model> {
        self.deployments.iter().filter(|deployment| deployment.feature_id == feature.id)
    }

    fn latest(&self, feature: &feature::Model) -> Option<DeploymentStatus> {
        let latest = self.deployments(feature).max_by_key(|row| (row.deployed_at, row.id));
        latest.map(|deployment| deployment.status)
    }

    fn others(&self, project: &project::Model) -> impl Iterator<Item = &feature::Model> {
        self.features.iter().filter(|feature| feature.project_id == project.id)
    }
}

/// The demo, and what it has not: a project without features, features without anything, deleted ones, odd names.
pub(super) async fn client(backend: Backend) -> Client {
    let test = TestDatabase::with_demo(backend).await;
    let rows = Rows::of(&test.database);
    rows.add_project().await;
    rows.run("INSERT INTO projects (id, name, created_at, updated_at) VALUES (@2, 'empty', @now, @now)").await.unwrap();
    let names =
        ["Straße", "STRASSE", "strasse", "Äpfel", "äpfel", "100%", "100x", "a_b", "a'b", "\u{10ffff}\u{10ffff}"];
    for (place, name) in (10..).zip(names) {
        rows.add_feature(place, &name.replace('\'', "''"), if place % 2 == 0 { "Even" } else { "odd" }).await;
    }
    for sql in [
        "UPDATE features SET description = NULL WHERE id = @12 OR id = @13",
        "INSERT INTO tests (id, feature_id, name, status, duration_ms, message, created_at, updated_at) VALUES
            (@30, @10, 'fails', 'failed', 7, 'No', @now, @now), (@31, @10, 'holds', 'passed', NULL, NULL, @now, @now),
            (@32, @12, 'fails', 'failed', NULL, NULL, @now, @now)",
        "INSERT INTO features_view (id, name, priority, project_id, test_count, passed_count, failed_count, deployment_status)
            VALUES (@10, 'Straße', 5, @1, 2, 1, 1, 'rolled_back'), (@12, 'strasse', 5, @1, 1, 0, 1, NULL)",
        "INSERT INTO deployments (id, feature_id, environment, version, status, deployed_at, created_at, updated_at)
            VALUES (@40, @10, 'production', '1', 'rolled_back', @now, @now, @now)",
        "UPDATE features SET status = 'blocked' WHERE id = @11",
        "UPDATE features SET deleted_at = @now, status = 'blocked' WHERE id = @16",
    ] {
        rows.run(sql).await.unwrap();
    }
    Client::new(test)
}

type Fits = fn(&World, &feature::Model) -> bool;

/// A filter of features, and whether a feature fits.
const FILTERS: &[(&str, Fits)] = &[
    ("{}", |_, _| true),
    ("{and: []}", |_, _| true),
    ("{or: []}", |_, _| false),
    ("{not: {}}", |_, _| false),
    ("{not: {or: []}}", |_, _| true),
    ("{name: {}}", |_, _| true),
    ("{name: {in: []}}", |_, _| false),
    ("{status: {eq: BLOCKED}}", |_, f| f.status == FeatureStatus::Blocked),
    ("{status: {in: [BLOCKED, COMPLETED]}}", |_, f| {
        [FeatureStatus::Blocked, FeatureStatus::Completed].contains(&f.status)
    }),
    ("{not: {status: {eq: COMPLETED}}}", |_, f| f.status != FeatureStatus::Completed),
    ("{status: {isNull: true}}", |_, _| false),
    ("{priority: {eq: 5}}", |_, f| f.priority == 5),
    ("{priority: {gte: 5, lt: 8}}", |_, f| (5..8).contains(&f.priority)),
    ("{priority: {gt: 5, in: [5, 6, 7, 2147483647]}}", |_, f| [6, 7].contains(&f.priority)),
    ("{rowVersion: {lte: 0}}", |_, _| false),
    ("{name: {eq: \"strasse\"}}", |_, f| f.name == "strasse"),
    ("{name: {eq: \"StrAsse\", ignoreCase: true}}", |_, f| f.name.eq_ignore_ascii_case("strasse")),
    ("{name: {eq: \"STRASSE\", ignoreCase: false}}", |_, f| f.name == "STRASSE"),
    // Only A to Z are folded, on both databases.
    ("{name: {eq: \"ÄPFEL\", ignoreCase: true}}", |_, f| f.name == "Äpfel"),
    ("{name: {in: [\"STRASSE\", \"grid\"], ignoreCase: true}}", |_, f| {
        ["strasse", "grid"].iter().any(|name| f.name.eq_ignore_ascii_case(name))
    }),
    ("{name: {startsWith: \"100%\"}}", |_, f| f.name.starts_with("100%")),
    ("{name: {startsWith: \"a_\"}}", |_, f| f.name.starts_with("a_")),
    ("{name: {startsWith: \"\"}}", |_, _| true),
    ("{name: {startsWith: \"\u{10ffff}\"}}", |_, f| f.name.starts_with('\u{10ffff}')),
    ("{name: {startsWith: \"STR\", ignoreCase: true}}", |_, f| f.name.to_ascii_lowercase().starts_with("str")),
    ("{name: {contains: \"a'b\"}}", |_, f| f.name.contains("a'b")),
    ("{name: {contains: \"%\"}}", |_, f| f.name.contains('%')),
    ("{name: {contains: \"GRID\", ignoreCase: true}}", |_, f| f.name.to_ascii_lowercase().contains("grid")),
    ("{name: {contains: \"\"}}", |_, _| true),
    ("{name: {gt: \"b\", lte: \"c\"}}", |_, f| f.name.as_str() > "b" && f.name.as_str() <= "c"),
    ("{name: {gte: \"B\", lt: \"D\", ignoreCase: true}}", |_, f| {
        ("b".."d").contains(&f.name.to_ascii_lowercase().as_str())
    }),
    // A comparison with nothing does not hold, and its complement does.
    ("{description: {isNull: true}}", |_, f| f.description.is_none()),
    ("{description: {isNull: false}}", |_, f| f.description.is_some()),
    ("{description: {eq: \"even\", ignoreCase: true}}", |_, f| f.description.as_deref() == Some("Even")),
    ("{not: {description: {eq: \"Even\"}}}", |_, f| f.description.as_deref() != Some("Even")),
    ("{not: {or: [{description: {gt: \"E\"}}, {status: {eq: BLOCKED}}]}}", |_, f| {
        !(f.description.as_deref().is_some_and(|text| text > "E") || f.status == FeatureStatus::Blocked)
    }),
    ("{not: {not: {description: {contains: \"e\"}}}}", |_, f| {
        f.description.as_deref().is_some_and(|text| text.contains('e'))
    }),
    ("{createdAt: {lte: \"2026-01-02T04:04:05+01:00\"}}", |_, f| f.created_at.timestamp() <= 1_767_323_045),
    ("{createdAt: {gt: \"2026-01-02T03:04:05.0000001Z\"}}", |_, f| f.created_at.timestamp() > 1_767_323_045),
    ("{createdAt: {lt: \"2026-01-02T03:04:05.0000001Z\"}}", |_, f| f.created_at.timestamp() <= 1_767_323_045),
    ("{createdAt: {in: [\"2026-01-02T03:04:05Z\", \"2026-01-02T03:04:05.0000001Z\"]}}", |_, f| {
        f.created_at.timestamp() == 1_767_323_045
    }),
    ("{createdAt: {eq: \"2026-01-02T03:04:05.0000001Z\"}}", |_, _| false),
    // The read model: what was not counted is zero.
    ("{testSummary: {failed: {gt: 0}}}", |w, f| w.count(f, TestStatus::Failed) > 0),
    ("{testSummary: {failed: {eq: 0}}}", |w, f| w.count(f, TestStatus::Failed) == 0),
    ("{testSummary: {failed: {in: [0, 1]}, total: {gte: 1}}}", |w, f| {
        w.count(f, TestStatus::Failed) <= 1 && w.tests(f).count() > 0
    }),
    ("{testSummary: {total: {lt: 2}, passed: {lte: 1}}}", |w, f| w.tests(f).count() < 2),
    ("{not: {testSummary: {total: {gt: 1}}}}", |w, f| w.tests(f).count() <= 1),
    ("{testSummary: {total: {isNull: true}}}", |_, _| false),
    ("{testSummary: {total: {isNull: false, lt: 1}}}", |w, f| w.tests(f).count() == 0),
    ("{deploymentStatus: {eq: ROLLED_BACK}}", |w, f| w.latest(f) == Some(DeploymentStatus::RolledBack)),
    ("{deploymentStatus: {isNull: true}}", |w, f| w.latest(f).is_none()),
    ("{deploymentStatus: {isNull: false}}", |w, f| w.latest(f).is_some()),
    ("{not: {deploymentStatus: {in: [SUCCEEDED]}}}", |w, f| w.latest(f) != Some(DeploymentStatus::Succeeded)),
    // Relations.
    ("{project: {name: {eq: \"one\"}}}", |w, f| w.project(f).name == "one"),
    ("{project: {}}", |_, _| true),
    ("{not: {project: {description: {contains: \"x\"}}}}", |w, f| {
        !w.project(f).description.as_deref().is_some_and(|text| text.contains('x'))
    }),
    ("{project: {featureCount: {gt: 50}, progress: {gte: 0.5}}}", |w, f| {
        let features: Vec<_> = w.others(w.project(f)).collect();
        let counted = features.iter().filter(|f| f.status != FeatureStatus::Cancelled).count();
        let completed = features.iter().filter(|f| f.status == FeatureStatus::Completed).count();
        features.len() > 50 && 2 * completed >= counted && counted > 0
    }),
    ("{tests: {some: {}}}", |w, f| w.tests(f).count() > 0),
    ("{tests: {none: {}}}", |w, f| w.tests(f).count() == 0),
    ("{tests: {every: {or: []}}}", |w, f| w.tests(f).count() == 0),
    ("{tests: {some: {status: {eq: FAILED}}}}", |w, f| w.count(f, TestStatus::Failed) > 0),
    ("{tests: {every: {status: {eq: PASSED}}}}", |w, f| w.tests(f).all(|test| test.status == TestStatus::Passed)),
    ("{tests: {every: {durationMs: {gte: 0}}}}", |w, f| w.tests(f).all(|test| test.duration_ms.is_some())),
    ("{tests: {none: {durationMs: {gte: 0}}, some: {durationMs: {isNull: true}}}}", |w, f| {
        w.tests(f).count() > 0 && w.tests(f).all(|test| test.duration_ms.is_none())
    }),
    ("{tests: {some: {message: {contains: \"n\", ignoreCase: true}, durationMs: {lt: 8}}}}", |w, f| {
        w.tests(f).any(|test| {
            test.message.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains('n'))
                && test.duration_ms.is_some_and(|duration| duration < 8)
        })
    }),
    ("{deployments: {some: {environment: {eq: \"production\"}, deployedAt: {isNull: false}}}}", |w, f| {
        w.deployments(f).any(|row| row.environment == "production" && row.deployed_at.is_some())
    }),
    // There and back: the inner table hides the outer one.
    ("{project: {features: {some: {status: {eq: BLOCKED}}}}}", |w, f| {
        w.others(w.project(f)).any(|other| other.status == FeatureStatus::Blocked)
    }),
    ("{project: {features: {every: {project: {name: {startsWith: \"o\"}}}}}}", |w, f| {
        w.project(f).name.starts_with('o')
    }),
    ("{tests: {some: {feature: {tests: {some: {status: {eq: FAILED}}}, testSummary: {total: {gt: 1}}}}}}", |w, f| {
        w.count(f, TestStatus::Failed) > 0 && w.tests(f).count() > 1
    }),
    ("{or: [{priority: {eq: 5}}, {and: [{tests: {some: {}}}, {not: {project: {name: {eq: \"one\"}}}}]}]}", |w, f| {
        f.priority == 5 || (w.tests(f).count() > 0 && w.project(f).name != "one")
    }),
    // One item stands for a list of one.
    ("{and: {status: {in: BLOCKED}}}", |_, f| f.status == FeatureStatus::Blocked),
];

async fn each_filter_leaves_the_rows_that_fit(backend: Backend) {
    let client = client(backend).await;
    let world = World::read(&client.test.database).await;
    for (filter, fits) in FILTERS {
        let expected: Vec<_> = world.features.iter().filter(|feature| fits(&world, feature)).collect();
        let document = format!(
            "{{ features(filter: {filter}, first: 1000) {{ totalCount nodes {{ id name }} pageInfo {{ hasNextPage }} }} }}"
        );
        let data = client.data(&document).await;
        let list = &data["features"];
        assert_eq!(list["totalCount"], json!(expected.len()), "{filter}");
        assert_eq!(list["pageInfo"]["hasNextPage"], json!(expected.len() > 1000), "{filter}");
        let found = list["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap());
        assert!(found.eq(expected.iter().take(1000).map(|feature| feature.name.as_str())), "{filter}");
    }
    // What a filter does not ask for is seen by one project's list as by the whole one.
    let (filter, _) = FILTERS[7];
    let data = client
        .data(&format!(
            "{{ projects(first: 1000) {{ nodes {{ features(filter: {filter}) {{ totalCount nodes {{ status }} }} }} }} }}"
        ))
        .await;
    let projects = data["projects"]["nodes"].as_array().unwrap();
    let total: i64 = projects.iter().map(|project| project["features"]["totalCount"].as_i64().unwrap()).sum();
    let expected = world.features.iter().filter(|feature| feature.status == FeatureStatus::Blocked).count();
    assert_eq!(total, i64::try_from(expected).unwrap());
}

async fn filters_of_other_lists(backend: Backend) {
    let client = client(backend).await;
    let world = World::read(&client.test.database).await;
    let id = |number| Rows::id("feature", number);
    let document = format!(
        "{{ features(filter: {{id: {{in: [{:?}, {:?}, {:?}]}}}}) {{ nodes {{ name
             tests(filter: {{status: {{eq: FAILED}}}}) {{ totalCount nodes {{ name }} }}
             deployments(filter: {{version: {{eq: \"1\"}}}}) {{ nodes {{ environment }} }} }} }} }}",
        id(10),
        id(12),
        id(16)
    );
    let data = client.data(&document).await;
    let fails = json!({ "totalCount": 1, "nodes": [{ "name": "fails" }] });
    let expected = json!([
        { "name": "Straße", "tests": fails, "deployments": { "nodes": [{ "environment": "production" }] } },
        { "name": "strasse", "tests": fails, "deployments": { "nodes": [] } },
    ]);
    assert_eq!(data["features"]["nodes"], expected, "a deleted feature is not to be had by its id");
    let projects = [
        ("{features: {none: {}}}", vec!["empty"]),
        ("{featureCount: {eq: 0}}", vec!["empty"]),
        ("{features: {some: {name: {eq: \"a_b\"}}}}", vec!["one"]),
        ("{features: {some: {name: {eq: \"100x\"}}}}", vec![]),
        ("{name: {in: [\"one\", \"empty\"]}, description: {isNull: true}}", vec!["empty", "one"]),
    ];
    for (filter, expected) in projects {
        let data = client
            .data(&format!(
                "{{ projects(filter: {filter}, orderBy: {{field: NAME}}) {{ nodes {{ name }} totalCount }} }}"
            ))
            .await;
        let names: Vec<_> =
            data["projects"]["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
        assert_eq!(data["projects"]["totalCount"], json!(names.len()));
        assert_eq!(names, expected, "{filter}");
    }
    let one = world.features.last().unwrap();
    let data = client
        .data(&format!(
            "{{ features(filter: {{project: {{id: {{eq: {:?}}}}}, not: {{id: {{eq: {:?}}}}}}}) {{ totalCount }} }}",
            id::format("project", one.project_id),
            id::format("feature", one.id),
        ))
        .await;
    assert_eq!(data["features"]["totalCount"], json!(world.others(world.project(one)).count() - 1));
}

async fn a_filtered_list_is_paged_like_any_other(backend: Backend) {
    let client = client(backend).await;
    let world = World::read(&client.test.database).await;
    let filter =
        json!({ "or": [{ "priority": { "gte": 5 } }, { "tests": { "some": { "status": { "eq": "FAILED" } } } }] });
    let fits = |f: &&feature::Model| f.priority >= 5 || world.count(f, TestStatus::Failed) > 0;
    let expected: HashSet<_> = world.features.iter().filter(fits).map(|f| id::format("feature", f.id)).collect();
    for order in ["[]", "{field: NAME}", "[{field: PRIORITY, direction: DESC}, {field: NAME}]"] {
        let whole = page_through(&client, &filter, order, 1000, false).await;
        assert_eq!(whole.iter().cloned().collect::<HashSet<_>>(), expected, "{order}");
        assert_eq!(whole.len(), expected.len(), "{order}");
        for backward in [false, true] {
            assert_eq!(page_through(&client, &filter, order, 97, backward).await, whole, "{order} {backward}");
        }
    }
}

/// Pages through a filtered list; on each page, what lies beyond is told of the filtered list.
async fn page_through(client: &Client, filter: &Value, order: &str, size: usize, backward: bool) -> Vec<String> {
    let (size_of, from, more, behind, edge) = if backward {
        ("last", "before", "hasPreviousPage", "hasNextPage", "startCursor")
    } else {
        ("first", "after", "hasNextPage", "hasPreviousPage", "endCursor")
    };
    let document = format!(
        "query($f: FeatureFilter, $n: Int, $c: String) {{
            features(filter: $f, orderBy: {order}, {size_of}: $n, {from}: $c) {{
                nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    let (mut ids, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let data = client.data_with(&document, json!({ "f": filter, "n": size, "c": cursor })).await;
        let page = &data["features"];
        assert_eq!(page["pageInfo"][behind], json!(cursor != Value::Null));
        let nodes = page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned());
        let nodes: Vec<_> = nodes.collect();
        let place = if backward { 0 } else { ids.len() };
        ids.splice(place..place, nodes);
        if page["pageInfo"][more] == false {
            return ids;
        }
        cursor = page["pageInfo"][edge].clone();
    }
}

async fn a_filtered_list_is_one_statement(backend: Backend) {
    let client = client(backend).await;
    for (filter, _) in FILTERS {
        for (document, most) in [
            (
                format!("{{ features(filter: {filter}, first: 3) {{ nodes {{ name }} pageInfo {{ hasNextPage }} }} }}"),
                1,
            ),
            (
                format!(
                    "{{ projects(first: 50) {{ nodes {{ features(filter: {filter}, first: 3) {{ nodes {{ name }} }} }} }} }}"
                ),
                2,
            ),
        ] {
            client.statements.take();
            client.data(&document).await;
            assert_eq!(client.statements.count(), most, "{document}");
        }
    }
}
