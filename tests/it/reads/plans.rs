//! The planner is asked whether the hot queries use the indexes that were made for them.

use sea_orm::{DbBackend, Statement};
use serde_json::{Value, json};
use throughline::database::Database;

use crate::support::{Backend, Client, Rows, TestDatabase, plan_of};

on_both!(lists_in_each_order_use_its_index, searches_use_their_indexes);

/// A list, its order, and the index that serves it: its name on SQLite and on PostgreSQL. SQLite numbers the index of a
/// constraint.
pub(crate) const LISTS: &[(&str, &str, &str, &str)] = &[
    ("projects", "NAME", "sqlite_autoindex_projects_2", "projects_name_unique"),
    ("projects", "CREATED_AT", "projects_created_at", "projects_created_at"),
    ("projects", "UPDATED_AT", "projects_updated_at", "projects_updated_at"),
    ("features", "NAME", "features_by_name", "features_by_name"),
    ("features", "PRIORITY", "features_by_priority", "features_by_priority"),
    ("features", "STATUS", "features_by_status_position", "features_by_status_position"),
    ("features", "CREATED_AT", "features_by_created_at", "features_by_created_at"),
    ("features", "UPDATED_AT", "features_by_updated_at", "features_by_updated_at"),
    ("features", "DEPLOYMENT_STATUS", "features_view_by_deployment_status", "features_view_by_deployment_status"),
    (
        "project.features",
        "DEPLOYMENT_STATUS",
        "features_view_of_project_by_deployment_status",
        "features_view_of_project_by_deployment_status",
    ),
    ("features", "TEST_COUNT", "features_view_by_test_count", "features_view_by_test_count"),
    (
        "project.features",
        "TEST_COUNT",
        "features_view_of_project_by_test_count",
        "features_view_of_project_by_test_count",
    ),
    ("features", "FAILED_COUNT", "features_view_by_failed_count", "features_view_by_failed_count"),
    (
        "project.features",
        "FAILED_COUNT",
        "features_view_of_project_by_failed_count",
        "features_view_of_project_by_failed_count",
    ),
    ("features", "LATEST_DEPLOYED_AT", "features_view_by_latest_deployed_at", "features_view_by_latest_deployed_at"),
    (
        "project.features",
        "LATEST_DEPLOYED_AT",
        "features_view_of_project_by_latest_deployed_at",
        "features_view_of_project_by_latest_deployed_at",
    ),
    ("project.features", "", "features_of_project", "features_of_project"),
    ("project.features", "NAME", "sqlite_autoindex_features_2", "features_project_name_unique"),
    ("project.features", "PRIORITY", "features_of_project_by_priority", "features_of_project_by_priority"),
    ("project.features", "STATUS", "features_of_project_by_status_position", "features_of_project_by_status_position"),
    ("project.features", "CREATED_AT", "features_of_project_by_created_at", "features_of_project_by_created_at"),
    ("project.features", "UPDATED_AT", "features_of_project_by_updated_at", "features_of_project_by_updated_at"),
    ("feature.tests", "", "tests_of_feature", "tests_of_feature"),
    ("feature.tests", "NAME", "sqlite_autoindex_tests_2", "tests_feature_name_unique"),
    ("feature.tests", "STATUS", "tests_of_feature_by_status", "tests_of_feature_by_status"),
    ("feature.tests", "DURATION_MS", "tests_of_feature_by_duration_ms", "tests_of_feature_by_duration_ms"),
    ("feature.tests", "CREATED_AT", "tests_of_feature_by_created_at", "tests_of_feature_by_created_at"),
    ("feature.tests", "UPDATED_AT", "tests_of_feature_by_updated_at", "tests_of_feature_by_updated_at"),
    ("feature.deployments", "", "deployments_of_feature", "deployments_of_feature"),
    (
        "feature.deployments",
        "DEPLOYED_AT",
        "deployments_of_feature_by_deployed_at",
        "deployments_of_feature_by_deployed_at",
    ),
    (
        "feature.deployments",
        "ENVIRONMENT",
        "deployments_of_feature_by_environment",
        "deployments_of_feature_by_environment",
    ),
    (
        "feature.deployments",
        "CREATED_AT",
        "deployments_of_feature_by_created_at",
        "deployments_of_feature_by_created_at",
    ),
    ("feature.deployments", "VERSION", "deployments_of_feature_by_version", "deployments_of_feature_by_version"),
    ("feature.deployments", "STATUS", "deployments_of_feature_by_status", "deployments_of_feature_by_status"),
    (
        "feature.deployments",
        "UPDATED_AT",
        "deployments_of_feature_by_updated_at",
        "deployments_of_feature_by_updated_at",
    ),
];

/// A filter of features, and the index that serves a page of it on SQLite and on PostgreSQL. Where many rows fit, that is
/// the index that has the page's order; where few do, the one that finds them.
const FILTERS: &[(&str, &str, &str)] = &[
    ("{status: {eq: CANCELLED}}", "features_by_status_position", "features_by_status_position"),
    ("{priority: {gte: 13}}", "features_by_priority", "features_live"),
    ("{name: {eq: \"FEATURE 777\", ignoreCase: true}}", "features_lower_name", "features_lower_name"),
    ("{name: {startsWith: \"Feature 777\", ignoreCase: true}}", "features_lower_name", "features_lower_name"),
    ("{name: {startsWith: \"feature 777\"}}", "features_by_name", "features_by_name"),
    ("{project: {id: {eq: \"@project\"}}}", "features_of_project", "features_of_project"),
    ("{tests: {some: {status: {eq: FAILED}}}}", "tests_of_feature_by_status", "tests_of_feature_by_status"),
    ("{testSummary: {failed: {gt: 0}}}", "sqlite_autoindex_features_view_1", "features_view_pkey"),
    ("{deploymentStatus: {eq: FAILED}}", "sqlite_autoindex_features_view_1", "features_view_pkey"),
];

async fn lists_in_each_order_use_its_index(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    if backend == Backend::Sqlite {
        // Nobody need have told SQLite's planner how many rows there are.
        let rows = Rows::of(&client.test.database);
        rows.add_project().await;
        rows.add_feature(2, "two", "").await;
        check_lists(&client, backend, true).await;
        rows.run("DELETE FROM projects").await.unwrap();
    }
    fill(&client.test.database, 1000, 100).await;
    // SQLite's planner, once it has counted, skips through the projects to sort the rest of a list by status.
    check_lists(&client, backend, backend == Backend::Postgres).await;
    check_filters(&client, backend).await;
    client.statements.take();
    client
        .data("{ features(first: 20) { nodes { latestDeployment(environment: \"production\") { version } } } }")
        .await;
    let plan = plan_of(&client.test.database, &client.statements.take_whole().remove(1), "EXPLAIN").await;
    assert!(uses(&plan, "deployments_latest"), "{plan}");
    client.statements.take();
    client.data("{ projects(first: 20) { nodes { progress } } }").await;
    let plan = plan_of(&client.test.database, &client.statements.take_whole().remove(0), "EXPLAIN").await;
    assert!(uses(&plan, "features_of_project_by_status"), "{plan}");
    client.statements.take();
    client.data("{ projects(first: 3) { nodes { featureCounts(groupBy: [STATUS]) { status count } } } }").await;
    let plan = plan_of(&client.test.database, &client.statements.take_whole().remove(1), "EXPLAIN").await;
    assert!(uses(&plan, "features_of_project_by_status"), "{plan}");
}

/// The first page of each list, and with `after` the next one, but of the projects, which are few.
async fn check_lists(client: &Client, backend: Backend, after: bool) {
    for (list, order, sqlite, postgres) in LISTS {
        let index = if backend == Backend::Sqlite { sqlite } else { postgres };
        let order = if order.is_empty() { json!([]) } else { json!([{ "field": order }]) };
        let page = "(first: 5, after: $c, orderBy: $o) { nodes { id } pageInfo { endCursor } }";
        let (selected, table) = match list.split_once('.') {
            None => (format!("{list}{page}"), *list),
            Some((parent, list)) => (format!("{parent}s(first: 20) {{ nodes {{ {list}{page} }} }}"), list),
        };
        let document = format!("query($o: [{}Order!], $c: String) {{ {selected} }}", node(table));
        let mut cursor = Value::Null;
        for _ in 0..if after && *list != "projects" { 2 } else { 1 } {
            client.statements.take();
            let data = client.data_with(&document, json!({ "o": order, "c": cursor })).await;
            let statements = client.statements.take_whole();
            let statement = statements.iter().rfind(|s| s.sql.contains(&format!(r#""{table}""#))).unwrap();
            let plan = plan_of(&client.test.database, statement, "EXPLAIN").await;
            assert!(uses(&plan, index), "{list} by {order} does not use {index}:\n{}\n{plan}", statement.sql);
            // Of many parents, the pages are sorted when they have been found.
            let most = usize::from(list.contains('.'));
            assert!(sorts(&plan) <= most, "{list} by {order} is sorted:\n{}\n{plan}", statement.sql);
            let seeks = ["SEARCH", "Index Cond"].iter().any(|word| plan.contains(word));
            let seeks = seeks || cursor.is_null();
            assert!(seeks, "{list} by {order} after a row is not sought:\n{}\n{plan}", statement.sql);
            let place = match list.split_once('.') {
                None => format!("/{list}/pageInfo/endCursor"),
                Some((parent, list)) => format!("/{parent}s/nodes/0/{list}/pageInfo/endCursor"),
            };
            cursor = data.pointer(&place).unwrap().clone();
        }
    }
}

async fn check_filters(client: &Client, backend: Backend) {
    let project = client.data("{ projects(first: 1) { nodes { id } } }").await;
    let project = project["projects"]["nodes"][0]["id"].as_str().unwrap();
    for (filter, sqlite, postgres) in FILTERS {
        let filter = filter.replace("@project", project);
        client.statements.take();
        client.data(&format!("{{ features(first: 5, filter: {filter}) {{ nodes {{ id }} }} }}")).await;
        let statement = client.statements.take_whole().remove(0);
        let plan = plan_of(&client.test.database, &statement, "EXPLAIN").await;
        let index = if backend == Backend::Sqlite { sqlite } else { postgres };
        assert!(uses(&plan, index), "{filter} does not use {index}:\n{}\n{plan}", statement.sql);
    }
}

async fn searches_use_their_indexes(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let database = &client.test.database;
    fill(database, 200, 500).await;
    let both = [
        ("SELECT count(*) FROM features WHERE status = 'cancelled'", "features_status"),
        ("SELECT id FROM features WHERE LOWER(name) = 'feature 77'", "features_lower_name"),
        ("SELECT count(*) FROM features_view WHERE project_id = @1", "features_view_of_project"),
    ];
    let own = match backend {
        Backend::Sqlite => {
            vec![("SELECT rowid FROM features_text WHERE features_text MATCH '\"number 7\"'", "VIRTUAL TABLE INDEX")]
        }
        Backend::Postgres => vec![
            (
                "SELECT id FROM features WHERE to_tsvector('simple', name || ' ' || coalesce(description, '')) \
                 @@ phraseto_tsquery('simple', 'number 7')",
                "features_text",
            ),
            (
                "SELECT count(*) FROM deployments WHERE created_at >= '2026-06-01' AND created_at < '2026-06-02'",
                "deployments_created_at",
            ),
        ],
    };
    for (sql, index) in both.into_iter().chain(own) {
        let sql = sql.replace(
            "@1",
            if backend == Backend::Sqlite { "zeroblob(16)" } else { "'0198f2c4-0000-7000-8000-000000000001'" },
        );
        let plan = plan_of(database, &Statement::from_string(database.backend(), sql.clone()), "EXPLAIN").await;
        assert!(plan.contains(index), "{sql} does not use {index}:\n{plan}");
    }
}

pub(crate) fn node(list: &str) -> &str {
    match list {
        "projects" => "Project",
        "features" => "Feature",
        "tests" => "TestCase",
        _ => "Deployment",
    }
}

/// Whether the plan names the index, and not only one whose name begins as its name does.
fn uses(plan: &str, index: &str) -> bool {
    plan.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == index)
}

/// How often rows are read to be sorted. PostgreSQL's incremental sort is of those that tie.
fn sorts(plan: &str) -> usize {
    plan.matches("TEMP B-TREE").count() + plan.replace("Incremental Sort", "").matches("Sort  (").count()
}

/// 100 projects with so many features each; the first 200 features have 100 tests and so many deployments each.
pub(crate) async fn fill(database: &Database, features: u32, deployments: u32) {
    let rows = Rows::of(database);
    if database.backend() == DbBackend::Sqlite {
        // Keys in no order touch all pages of an index.
        rows.run("PRAGMA cache_size = -262144").await.unwrap();
    }
    let (id, day) = match database.backend() {
        DbBackend::Sqlite => {
            ("randomblob(16)", "strftime('%Y-%m-%dT%H:%M:%S+00:00', '2026-01-01', '+' || n || ' days')")
        }
        _ => ("gen_random_uuid()", "timestamptz '2026-01-01' + n * interval '1 day'"),
    };
    let numbers = |last: u32| {
        format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})")
    };
    for sql in [
        format!("INSERT INTO projects (id, name, created_at, updated_at) {} SELECT {id}, 'project ' || n, @now, @now FROM numbers", numbers(100)),
        format!(
            "INSERT INTO features (id, project_id, name, description, priority, status, created_at, updated_at) {}
             SELECT {id}, projects.id, 'feature ' || n, 'of number ' || n, n % 13 + 1,
                    CASE WHEN n = 1 THEN 'cancelled' WHEN n % 2 = 0 THEN 'completed' ELSE 'not_started' END, {day}, {day}
             FROM projects CROSS JOIN numbers",
            numbers(features)
        ),
        format!(
            "INSERT INTO tests (id, feature_id, name, status, duration_ms, created_at, updated_at) {}
             SELECT {id}, f.id, 'test ' || n, CASE n % 2 WHEN 0 THEN 'passed' ELSE 'failed' END, n, {day}, {day}
             FROM (SELECT id FROM features ORDER BY id LIMIT 200) f CROSS JOIN numbers",
            numbers(100)
        ),
        format!(
            "INSERT INTO deployments (id, feature_id, environment, version, deployed_at, created_at, updated_at) {}
             SELECT {id}, f.id, CASE n % 4 WHEN 0 THEN 'production' ELSE 'staging ' || n % 4 END, n, {day}, {day}, {day}
             FROM numbers CROSS JOIN (SELECT id FROM features ORDER BY id LIMIT 200) f ORDER BY n",
            numbers(deployments)
        ),
        "INSERT INTO features_view (id, name, priority, project_id, test_count, failed_count, deployment_status, latest_deployed_at)
             SELECT id, name, priority, project_id, length(name) % 10, length(name) % 10,
                    CASE priority WHEN 1 THEN NULL WHEN 2 THEN 'failed' ELSE 'succeeded' END,
                    CASE priority WHEN 1 THEN NULL ELSE created_at END
             FROM features".to_owned(),
    ] {
        rows.run(&sql).await.unwrap();
    }
    match database.backend() {
        DbBackend::Sqlite => rows.run("ANALYZE").await.unwrap(),
        _ => vacuum(&rows).await,
    }
}

/// PostgreSQL reads an index alone only where it knows that all rows are visible, which a vacuum cannot tell as long as
/// another one looks at the same tables: the server's own does, after so many inserts.
async fn vacuum(rows: &Rows<'_>) {
    for _ in 0..50 {
        rows.run("VACUUM ANALYZE").await.unwrap();
        let unseen = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
                      AND relpages > relallvisible";
        if rows.count(unseen).await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the vacuum did not see all rows");
}
