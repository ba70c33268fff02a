//! What will not stay fast is told, with its field; what is served by an index is not.

use serde_json::{Value, json};
use throughline::database::PoolOptions;

use super::{explain, warnings};
use crate::reads::plans::{LISTS, fill, node};
use crate::support::{Backend, Client, Rows, TestDatabase};

on_both!(what_no_index_serves_is_told, what_an_index_serves_is_not_told);

/// 100 projects of 1,000 features each, and the first of them has 20,000 more.
async fn large(backend: Backend) -> Client {
    let client = Client::new(TestDatabase::new(backend).await);
    fill(&client.test.database, 1000, 1).await;
    let rows = Rows::of(&client.test.database);
    let id = if backend == Backend::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    rows.run(&format!(
        "INSERT INTO features (id, project_id, name, description, priority, status, created_at, updated_at)
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
         SELECT {id}, projects.id, 'more ' || n, 'of ' || n, 5, 'completed', @now, @now
         FROM numbers CROSS JOIN (SELECT id FROM projects WHERE name = 'project 1') AS projects"
    ))
    .await
    .unwrap();
    rows.run("ANALYZE").await.unwrap();
    client
}

async fn what_no_index_serves_is_told(backend: Backend) {
    let client = large(backend).await;
    check_filters(&client).await;
    check_without_indexes(backend, client).await;
}

async fn check_filters(client: &Client) {
    let nowhere = "filter: { description: { contains: \"nowhere\" } }";
    // A filter over all features, which none fulfils; it is told once, as what it is.
    let document = format!("{{ list: features(first: 5, {nowhere}) {{ nodes {{ name }} }} }}");
    let report = explain(client, &document, json!({})).await;
    assert_eq!(warnings(&report), [("FULL_SCAN", "list")], "{report:#}");
    assert!(report["warnings"][0]["message"].as_str().unwrap().contains("features"), "{report:#}");

    // The same within a project, whose features an index finds: all of them are read for none.
    let document = format!(
        "{{ projects(first: 1, filter: {{ name: {{ eq: \"project 1\" }} }}) {{ nodes {{ id inner: features(first: 5, {nowhere}) {{ nodes {{ name }} }} }} }} }}"
    );
    let report = explain(client, &document, json!({})).await;
    assert_eq!(warnings(&report), [("MANY_ROWS_READ", "projects.nodes.inner")], "{report:#}");

    // A count of what no index knows.
    let document = format!("{{ features(first: 1, {nowhere}) {{ totalCount }} }}");
    let report = explain(client, &document, json!({})).await;
    assert_eq!(warnings(&report), [("FULL_SCAN", "features.totalCount")], "{report:#}");
    assert!(report["warnings"][0]["advice"].as_str().unwrap().contains("totalCount"), "{report:#}");
}

/// Every list in every order that an index was made for, and what hangs on it.
async fn what_an_index_serves_is_not_told(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    fill(&client.test.database, 1000, 100).await;
    for (list, order, _, _) in LISTS {
        let order = if order.is_empty() { json!([]) } else { json!([{ "field": order }]) };
        let page = "(first: 20, orderBy: $o) { nodes { id } pageInfo { hasNextPage } }";
        let (selected, table) = match list.split_once('.') {
            None => (format!("{list}{page}"), *list),
            Some((parent, list)) => (format!("{parent}s(first: 50) {{ nodes {{ {list}{page} }} }}"), list),
        };
        let document = format!("query($o: [{}Order!]) {{ {selected} }}", node(table));
        let report = explain(&client, &document, json!({ "o": order })).await;
        assert_eq!(warnings(&report), [], "{list} by {order}: {report:#}");
    }
    for document in [
        "{ projects(first: 100) { nodes { name progress features(first: 10) { totalCount nodes { name project { name } tests(first: 5) { totalCount nodes { name } } } } } } }",
        // Of several projects, PostgreSQL goes through all features: it takes any list of keys for a thousand.
        "{ projects(first: 1) { nodes { featureCounts(groupBy: [STATUS]) { count } } } }",
        "{ features(first: 5, filter: { name: { startsWith: \"feature 77\" } }) { nodes { name testSummary { failed } } } }",
        "{ features(first: 5, filter: { status: { eq: CANCELLED } }) { totalCount nodes { name } } }",
    ] {
        let report = explain(&client, document, json!({})).await;
        assert_eq!(warnings(&report), [], "{document}: {report:#}");
    }
}

/// Without its index, the read model is walked from end to end; SQLite makes an index for a join, and sorts; PostgreSQL, which has little
/// memory for it, sorts on disk.
async fn check_without_indexes(backend: Backend, mut client: Client) {
    let rows = Rows::of(&client.test.database);
    if backend == Backend::Postgres {
        rows.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''64kB''', current_database()); END $$")
            .await
            .unwrap();
    }
    // A priority in both directions at once is no order of an index.
    let document = "{ features(first: 1000, orderBy: [{ field: PRIORITY, direction: DESC }, { field: NAME }]) { nodes { name description } } }";
    let sorted = |report: &Value| warnings(report).iter().any(|(code, path)| (*code, *path) == ("SORT", "features"));
    for table in ["features_by_priority", "features_by_name"] {
        rows.run(&format!("DROP INDEX {table}")).await.unwrap();
    }
    let pool = PoolOptions::default();
    client = Client::new(client.test.reopened(&pool).await);
    let report = explain(&client, document, json!({})).await;
    assert!(sorted(&report), "{report:#}");

    let rows = Rows::of(&client.test.database);
    rows.run("ALTER TABLE features_view RENAME TO view_with_indexes").await.unwrap();
    rows.run("CREATE TABLE features_view AS SELECT * FROM view_with_indexes").await.unwrap();
    client = Client::new(client.test.reopened(&pool).await);
    let report = explain(&client, "{ features(first: 1000) { nodes { testSummary { failed } } } }", json!({})).await;
    let expected = if backend == Backend::Sqlite { "AUTOMATIC_INDEX" } else { "FULL_SCAN" };
    assert!(warnings(&report).iter().any(|(code, _)| *code == expected), "{report:#}");
}
