//! The planner is asked whether lists of the past use their indexes.

use sea_orm::DbBackend;

use throughline::events::{Position, Topic, events_after, place_of};
use uuid::Uuid;

use super::Past;
use crate::support::{Backend, Rows, plan_of};

on_both!(lists_of_the_past_use_their_indexes, who_goes_on_after_an_event_seeks_there);

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
        let plan = plan_of(database, &statement, "EXPLAIN").await;
        assert!(plan.contains(index), "{list} does not use {index}:\n{}\n{plan}", statement.sql);
        // Pages of parents are sorted when they have been found.
        let most = usize::from(list.starts_with("feature("));
        let sorts =
            plan.matches("TEMP B-TREE").count() + plan.replace("Incremental Sort", "").matches("Sort  (").count();
        assert!(sorts <= most, "{list} is sorted:\n{}\n{plan}", statement.sql);
    }
}

/// What reads all events in their order begins where it has come to, and not at the first one.
async fn who_goes_on_after_an_event_seeks_there(backend: Backend) {
    let past = Past::make(backend).await;
    fill(&past).await;
    let database = &past.client.test.database;
    let middle = Rows::of(database).count("SELECT max(position) / 2 FROM events").await;
    let after = Position { transaction_id: 0, position: middle };
    let cursor = place_of(after);
    for (topic, index) in [("", "events_in_order"), (", projectId: $p", "events_of_project")] {
        let of_project = Topic { project_id: (!topic.is_empty()).then(Uuid::now_v7), ..Topic::default() };
        past.client.statements.take();
        events_after(database.reader(), after, &of_project, 5).await.unwrap();
        past.data(&format!("query($p: ID!) {{ project(id: $p) {{ id }} changes(first: 5, after: {cursor:?}{topic}) {{ nodes {{ id }} }} }}"))
            .await;
        let statements = past.client.statements.take_whole();
        let statements: Vec<_> =
            statements.iter().filter(|statement| statement.sql.contains("settled_events")).collect();
        assert_eq!(statements.len(), 2, "{statements:?}");
        for statement in statements {
            let plan = plan_of(database, statement, "EXPLAIN").await;
            let seeks = if backend == Backend::Sqlite { "(transaction_id,place)>(?,?)" } else { "ROW(transaction_id" };
            assert!(plan.contains(index) && plan.contains(seeks), "{}\n{plan}", statement.sql);
        }
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
