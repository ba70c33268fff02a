//! The planner is asked whether lists of the past use their indexes.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::Past;
use crate::support::{Backend, Rows};

on_both!(lists_of_the_past_use_their_indexes);

/// A list, and the index that serves it: its name on SQLite and on PostgreSQL.
const LISTS: &[(&str, &str, &str)] = &[
    ("auditLogs(first: 5) { nodes { id } }", "sqlite_autoindex_audit_logs_1", "audit_logs_pkey"),
    (
        "auditLogs(first: 5, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { id } }",
        "sqlite_autoindex_audit_logs_1",
        "audit_logs_pkey",
    ),
    (
        "auditLogs(first: 5, filter: {entityId: {eq: $f}}) { nodes { id } }",
        "audit_logs_of_entity",
        "audit_logs_of_entity",
    ),
    (
        "auditLogs(first: 5, filter: {actorId: {eq: \"nobody\"}}) { nodes { id } }",
        "audit_logs_of_actor",
        "audit_logs_of_actor",
    ),
    ("feature(id: $f) { auditLogs(first: 5) { nodes { id } } }", "audit_logs_of_entity", "audit_logs_of_entity"),
    ("events(first: 5) { nodes { id } }", "sqlite_autoindex_events_1", "events_pkey"),
    (
        "events(first: 5, filter: {aggregateId: {eq: $f}}, orderBy: {field: VERSION}) { nodes { id } }",
        "events_aggregate_version_unique",
        "events_aggregate_version_unique",
    ),
    (
        "feature(id: $f) { history(first: 5) { nodes { id } } }",
        "events_aggregate_version_unique",
        "events_aggregate_version_unique",
    ),
    (
        "feature(id: $f) { history(first: 5, orderBy: {field: VERSION, direction: DESC}) { nodes { id } } }",
        "events_aggregate_version_unique",
        "events_aggregate_version_unique",
    ),
];

async fn lists_of_the_past_use_their_indexes(backend: Backend) {
    let past = Past::make(backend).await;
    fill(&past).await;
    let database = &past.client.test.database;
    for (list, sqlite, postgres) in LISTS {
        let index = if backend == Backend::Sqlite { sqlite } else { postgres };
        let variables = if list.contains("$f") { "query($f: ID!) " } else { "" };
        past.client.statements.take();
        past.data(&format!("{variables}{{ {list} }}")).await;
        let statement = past.client.statements.take_whole().pop().unwrap();
        let (prefix, column) = if backend == Backend::Sqlite { ("EXPLAIN QUERY PLAN", 3) } else { ("EXPLAIN", 0) };
        let explain = Statement { sql: format!("{prefix} {}", statement.sql), ..statement.clone() };
        let rows = database.reader().query_all_raw(explain).await.unwrap();
        let plan: String = rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap() + "\n").collect();
        assert!(plan.contains(index), "{list} does not use {index}:\n{}\n{plan}", statement.sql);
        // Pages of parents are sorted when they have been found.
        let most = usize::from(list.starts_with("feature("));
        let sorts =
            plan.matches("TEMP B-TREE").count() + plan.replace("Incremental Sort", "").matches("Sort  (").count();
        assert!(sorts <= most, "{list} is sorted:\n{}\n{plan}", statement.sql);
    }
}

/// 300 streams of 100 events, an audit row for each, and another long stream.
async fn fill(past: &Past) {
    let database = &past.client.test.database;
    let rows = Rows::of(database);
    let (id, bytes, json) = match database.backend() {
        DbBackend::Sqlite => ("randomblob(16)", "zeroblob(32)", "'[]'"),
        _ => ("gen_random_uuid()", "decode(repeat('00', 32), 'hex')", "'[]'::jsonb"),
    };
    let numbers =
        |name: &str, last: u32| format!("{name} (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM {name} WHERE n < {last})");
    for sql in [
        format!("CREATE TABLE streams AS WITH RECURSIVE {} SELECT {id} AS id FROM one", numbers("one", 300)),
        format!(
            "INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, created_at, hash)
             WITH RECURSIVE {} SELECT {id}, 'feature', s.id, n, 'feature.update', '{{}}', 'a', 'agent', 'r', @now, {bytes}
             FROM streams s CROSS JOIN one",
            numbers("one", 100)
        ),
        format!(
            "INSERT INTO audit_logs (id, actor_id, actor_kind, action, entity_type, entity_id, request_id, changes, created_at)
             SELECT {id}, 'a', 'agent', event_type, 'feature', aggregate_id, 'r', {json}, created_at FROM events WHERE actor_id = 'a'"
        ),
        "DROP TABLE streams".to_owned(),
        "ANALYZE".to_owned(),
    ] {
        rows.run(&sql).await.unwrap();
    }
}
