//! The planner is asked how a search is done, in tables of 30,000 features, and the databases how many rows they read.

use sea_orm::{DbBackend, Statement};
use throughline::access::Caller;
use throughline::search::{Kind, Place, Query, count_statement, page_statement};

use super::{end, fill, search, thousandths, total};
use crate::support::{Backend, TestDatabase, plan_of};

on_both!(a_search_reads_its_hits_only);

async fn a_search_reads_its_hits_only(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let database = &test.database;
    fill(database).await;
    assert_eq!(total(database, "common").await, 30_100);
    assert_eq!(total(database, "rarest").await, 1);
    assert_eq!(total(database, "thousandth42").await, 30);
    let page = search(database, "feature 42", None, 10).await;
    assert!(page.hits[..10].iter().all(|hit| thousandths(hit) == 1000));
    let place = end(&page);
    for (query, after) in [
        ("rarest", None),
        ("rarest feature common", None),
        ("rare* of -text9", None),
        ("\"the rarest\" all", place),
        ("thousandth42", None),
        ("thousandth42 \"project 5\"", place),
    ] {
        for statement in statements(database.backend(), query, after) {
            let plan = plan_of(database, &statement, "EXPLAIN (ANALYZE, TIMING OFF)").await;
            let scans: Vec<_> = plan.lines().filter(|line| is_scan(line)).collect();
            assert!(scans.is_empty(), "{query}: {scans:?}\n{plan}\n{}", statement.sql);
        }
    }
}

fn statements(backend: DbBackend, query: &str, after: Option<Place>) -> [Statement; 2] {
    let (caller, query) = (Caller::local_owner(), Query::parse(query));
    [
        page_statement(backend, &caller, &query, &Kind::ALL, after, 21).unwrap(),
        count_statement(backend, &caller, &query, &Kind::ALL).unwrap(),
    ]
}

/// Whether the step reads a whole table of the features.
fn is_scan(line: &str) -> bool {
    let whole = line.contains("Seq Scan on features");
    whole
        || ["SCAN features", "SCAN features_text_rows", "SCAN features_text_docsize"]
            .iter()
            .any(|scan| line.strip_prefix(scan).is_some_and(|rest| !rest.contains("VIRTUAL TABLE")))
}
