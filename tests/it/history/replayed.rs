//! All rows are made anew from events, and are those that are there.

use throughline::events::{Found, replay, verify};

use super::Past;
use crate::support::{Backend, Rows, TestDatabase, program, query_texts};

on_both!(what_is_there_is_what_the_events_make, a_difference_is_told_and_swapped, the_program_replays,);

const TABLES: [&str; 8] =
    ["users", "projects", "project_members", "features", "tests", "deployments", "webhooks", "features_view"];

async fn what_is_there_is_what_the_events_make(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let began = std::time::Instant::now();
    let replayed = replay(&test.database, false, |_| {}).await.unwrap();
    println!("{backend:?}: {} events in {:?}", replayed.events, began.elapsed());
    let rows: Vec<_> = replayed.tables.iter().map(|table| (table.table, table.rows)).collect();
    assert_eq!(rows, TABLES.into_iter().zip([0, 50, 0, 1204, 15_487, 6850, 0, 1204]).collect::<Vec<_>>());
    assert!(replayed.is_equal(), "{:#?}", replayed.tables);
    // Nothing is left behind.
    let left = match backend {
        Backend::Sqlite => {
            "SELECT name FROM sqlite_temp_master UNION ALL SELECT name FROM sqlite_master WHERE name LIKE 'replay%'"
        }
        Backend::Postgres => "SELECT relname::text FROM pg_class WHERE relname LIKE 'replay%'",
    };
    assert_eq!(query_texts(test.database.writer(), left).await, Vec::<String>::new());
}

async fn a_difference_is_told_and_swapped(backend: Backend) {
    let past = Past::make(backend).await;
    let items: Vec<_> =
        (0..3).map(|n| serde_json::json!({ "projectId": past.project, "name": format!("n{n}") })).collect();
    let create = "mutation($items: [CreateFeatureInput!]!) { createFeatures(input: {features: $items}) { userErrors { code } } }";
    past.client.data_with(create, serde_json::json!({ "items": items })).await;
    let database = &past.client.test.database;
    let rows = Rows::of(database);
    for sql in [
        "UPDATE features SET priority = 13 WHERE name = 'G'",
        "DELETE FROM features WHERE name = 'n0'",
        "UPDATE features_view SET test_count = 9, passed_count = 9 WHERE name = 'n1'",
    ] {
        rows.run(sql).await.unwrap();
    }
    let feature = past.feature.as_str().unwrap().to_owned();
    let replayed = replay(database, false, |_| {}).await.unwrap();
    assert!(!replayed.is_equal());
    let features = &replayed.tables[3];
    assert_eq!(features.unexplained, Found { count: 1, first: vec![feature.clone()] });
    assert_eq!((features.missing.count, &features.missing.first[0]), (2, &feature));
    let view = &replayed.tables[7];
    assert_eq!((view.unexplained.count, view.missing.count), (1, 2));
    // It was only looked at.
    assert_eq!(rows.count("SELECT count(*) FROM features").await, 3);

    let replayed = replay(database, true, |_| {}).await.unwrap();
    assert!(replayed.is_swapped && !replayed.is_equal());
    assert!(replay(database, false, |_| {}).await.unwrap().is_equal());
    assert_eq!(verify(database, |_| {}).await.unwrap().fault, None);
    let found = past.client.data("{ search(query: \"n0\") { totalCount } features { totalCount } }").await;
    assert_eq!(found, serde_json::json!({ "search": { "totalCount": 1 }, "features": { "totalCount": 4 } }));
    past.change("name: \"H\"").await;
}

async fn the_program_replays(backend: Backend) {
    let past = Past::make(backend).await;
    let run = |arguments: &[&str]| {
        program().arg("replay").args(arguments).args(["--database", &past.client.test.url]).output().unwrap()
    };
    let whole = run(&[]);
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    assert!(String::from_utf8_lossy(&whole.stdout).ends_with("What is there is what the events make.\n"));
    Rows::of(&past.client.test.database).run("UPDATE features SET name = 'x'").await.unwrap();
    let differs = run(&[]);
    assert_eq!(differs.status.code(), Some(1));
    let told = String::from_utf8_lossy(&differs.stdout).into_owned();
    let line = format!("features: 1 rows\n  1 there, but not made by the events: {}\n", past.feature.as_str().unwrap());
    assert!(told.contains(&line), "{told}");
    assert!(run(&["--swap"]).status.success());
    assert!(run(&[]).status.success());
}
