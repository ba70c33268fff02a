//! How many rows are read for the rows that are returned, and which indexes lead to them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use serde_json::{Value, json};
use throughline::database::{Database, PoolOptions};

use crate::support::{Backend, Client, Rows, TestDatabase};

on_both!(pages_of_many_parents_read_their_own_rows, filters_and_lists_that_go_on_read_their_own_rows);

/// The orders in which a page of tests is one walk along an index.
const ORDERS: &[&str] = &["NAME", "STATUS", "DURATION_MS", "CREATED_AT", "UPDATED_AT"];

/// 50 parents x 5 of 2,000 children, in every order, from both ends and from the middle.
async fn pages_of_many_parents_read_their_own_rows(backend: Backend) {
    let many = Client::new(TestDatabase::new(backend).await);
    fill(&many, 2000).await;
    let few = Client::new(TestDatabase::new(backend).await);
    fill(&few, 12).await;
    let cursors = "query($o: [TestCaseOrder!]) { features(first: 1) { nodes {
        tests(first: 6, orderBy: $o) { edges { cursor } } } } }";
    let mut table = format!("\nRows read for 250 returned on {backend:?} (SQLite: steps, against lists of 12)\n");
    let mut orders: Vec<_> = ORDERS.iter().map(|order| json!([{ "field": order }])).collect();
    orders.push(json!([]));
    for order in orders {
        let cursor = many.data_with(cursors, json!({ "o": order })).await;
        let cursor = &cursor["features"]["nodes"][0]["tests"]["edges"][5]["cursor"];
        for arguments in ["first: 5", "last: 5", "first: 5, after: $c"] {
            let document = format!(
                "query($o: [TestCaseOrder!]{}) {{ features(first: 50) {{ nodes {{
                    tests({arguments}, orderBy: $o) {{ nodes {{ name status }} }} }} }} }}",
                if arguments.contains("$c") { ", $c: String" } else { "" }
            );
            let variables = json!({ "o": order, "c": cursor });
            let statement = statement_of_tests(&many, &document, &variables).await;
            if backend == Backend::Postgres {
                let read = rows_read(&many.test.database, &statement).await;
                writeln!(table, "{read:>8}  {order} {arguments}").unwrap();
                assert!(
                    read <= 2.0 * 250.0,
                    "{read} rows are read for 250 in {order}, {arguments}:\n{}",
                    statement.sql
                );
            } else {
                let steps = [steps(&many.test, &statement).await, steps(&few.test, &statement).await];
                writeln!(table, "{:>8} against {:>8}  {order} {arguments}", steps[0], steps[1]).unwrap();
                assert!(2 * steps[0] <= 3 * steps[1], "{steps:?} in {order}, {arguments}:\n{}", statement.sql);
            }
        }
    }
    println!("{table}");
}

/// 50 parents x 5 of 2,000 children again: of those in one status, and from a cursor of each list.
async fn filters_and_lists_that_go_on_read_their_own_rows(backend: Backend) {
    let many = Client::new(TestDatabase::new(backend).await);
    fill(&many, 2000).await;
    let few = Client::new(TestDatabase::new(backend).await);
    fill(&few, 12).await;
    let mut table = format!("\nRows read for 250 returned on {backend:?} (SQLite: steps, against lists of 12)\n");
    let pages = many
        .data("{ features(first: 50) { nodes { id tests(first: 6, orderBy: {field: NAME}) { pageInfo { endCursor } } } } }")
        .await;
    let pages = pages["features"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| json!({ "parent": node["id"], "after": node["tests"]["pageInfo"]["endCursor"] }));
    let pages: Value = pages.collect();
    for (what, document, limit) in [
        (
            "those that failed",
            "{ features(first: 50) { nodes { tests(first: 4, filter: {status: {eq: FAILED}}) { nodes { name } } } } }",
            2.0 * 200.0,
        ),
        (
            "those whose names begin so",
            "{ features(first: 50) { nodes { tests(first: 3, orderBy: {field: NAME}, filter: {name: {startsWith: \"test 1\"}})
                 { nodes { name } } } } }",
            2.0 * 150.0,
        ),
        (
            "lists that go on",
            "query($p: [MorePage!]!) { moreFeatureTests(pages: $p, first: 5, orderBy: {field: NAME}) { nodes { name } } }",
            // One row more for each parent: the parent itself.
            2.0 * 250.0 + 50.0,
        ),
    ] {
        many.statements.take();
        let variables = if document.contains("$p") { json!({ "p": pages }) } else { json!({}) };
        many.data_with(document, variables).await;
        let statements = many.statements.take_whole();
        let statement = statements.into_iter().find(|statement| statement.sql.contains(r#""tests""#)).unwrap();
        if backend == Backend::Postgres {
            let read = rows_read(&many.test.database, &statement).await;
            writeln!(table, "{read:>8}  {what}").unwrap();
            assert!(read <= limit, "{read} rows are read for {what}:\n{}", statement.sql);
        } else {
            let [of_many, of_few] = [steps_of(&many.test, &statement).await, steps_of(&few.test, &statement).await];
            writeln!(table, "{:>8} against {:>8}  {what}", of_many.0, of_few.0).unwrap();
            // A list of 12 may have fewer rows to give.
            let (many, few) = (of_many.0 * of_few.1.max(1), of_few.0 * of_many.1);
            assert!(many <= 3 * few, "{of_many:?} {of_few:?} for {what}:\n{}", statement.sql);
        }
    }
    println!("{table}");
}

async fn statement_of_tests(client: &Client, document: &str, variables: &Value) -> Statement {
    client.statements.take();
    let data = client.data_with(document, variables.clone()).await;
    let features = data["features"]["nodes"].as_array().unwrap();
    assert_eq!(features.len(), 50);
    assert!(features.iter().all(|feature| feature["tests"]["nodes"].as_array().unwrap().len() == 5));
    client.statements.take_whole().into_iter().find(|statement| statement.sql.contains(r#""tests""#)).unwrap()
}

/// 50 features with `children` tests each.
async fn fill(client: &Client, children: u32) {
    let rows = Rows::of(&client.test.database);
    rows.add_project().await;
    for feature in 2..52 {
        rows.add_feature(feature, &format!("feature {feature}"), "").await;
    }
    let id = match client.test.database.backend() {
        DbBackend::Sqlite => "randomblob(16)",
        _ => "gen_random_uuid()",
    };
    rows.run(&format!(
        "INSERT INTO tests (id, feature_id, name, status, duration_ms, created_at, updated_at)
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {children})
         SELECT {id}, features.id, 'test ' || n, CASE n % 3 WHEN 0 THEN 'passed' WHEN 1 THEN 'failed' ELSE 'pending' END,
                CASE WHEN n % 5 = 0 THEN NULL ELSE n % 7 END, @now, @now
         FROM features CROSS JOIN numbers"
    ))
    .await
    .unwrap();
    rows.run("ANALYZE").await.unwrap();
}

/// The rows that the scans of a statement read, those among them that a filter threw away.
async fn rows_read(database: &Database, statement: &Statement) -> f64 {
    let explain = Statement {
        sql: format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", statement.sql),
        values: statement.values.clone(),
        db_backend: statement.db_backend,
    };
    let row = database.reader().query_one_raw(explain).await.unwrap().unwrap();
    let plan: Value = row.try_get_by_index(0).unwrap();
    sum_of_scans(&plan[0]["Plan"])
}

fn sum_of_scans(node: &Value) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    // A scan of an index or a table; what scans a subquery or a function reads no table.
    let own = if node["Relation Name"].is_string() {
        let rows = number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        rows * number("Actual Loops")
    } else {
        0.0
    };
    own + node["Plans"].as_array().into_iter().flatten().map(sum_of_scans).sum::<f64>()
}

/// The steps that SQLite's virtual machine takes for a statement that gives 250 rows.
async fn steps(test: &TestDatabase, statement: &Statement) -> u64 {
    let (steps, rows) = steps_of(test, statement).await;
    assert_eq!(rows, 250);
    steps
}

/// The steps that SQLite's virtual machine takes for a statement, and the rows that it gives.
async fn steps_of(test: &TestDatabase, statement: &Statement) -> (u64, u64) {
    let pool = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let database = Database::connect(&test.url, &pool).await.unwrap();
    let steps = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&steps);
    let mut connection = database.reader().get_sqlite_connection_pool().acquire().await.unwrap();
    connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        true
    });
    drop(connection);
    let rows = database.reader().query_all_raw(statement.clone()).await.unwrap();
    (steps.load(Ordering::Relaxed), rows.len() as u64)
}
