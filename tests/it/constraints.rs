//! What the product promises about a row holds in the database itself, whoever writes it.

use throughline::database::DatabaseError;

use crate::support::{Backend, Rows, TestDatabase};

on_both!(each_constraint_refuses, the_closed_sets_are_accepted, a_deleted_parent_takes_its_children_along);

/// Begins the insertion of event `@42` of feature `@10`; its version follows.
const EVENT: &str = "INSERT INTO events (id, aggregate_type, request_id, created_at, aggregate_id, version, event_type, payload, \
                     actor_id, actor_kind, hash) VALUES (@42, 'feature', 'r', @now, @10";

/// What is refused: the constraint's name, or for SQLite what it says where it tells no name, and a statement.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "projects_name_unique",
        "projects.name",
        "INSERT INTO projects (id, name, created_at, updated_at) VALUES (@2, 'one', @now, @now)",
    ),
    (
        "projects_pkey",
        "projects.id",
        "INSERT INTO projects (id, name, created_at, updated_at) VALUES (@1, 'two', @now, @now)",
    ),
    ("projects_name_length", "", "UPDATE projects SET name = ''"),
    ("projects_name_length", "", "UPDATE projects SET name = '{256}'"),
    ("projects_row_version_positive", "", "UPDATE projects SET row_version = 0"),
    ("features_project_fk", "FOREIGN KEY", "UPDATE features SET project_id = @9"),
    ("features_project_name_unique", "features.project_id, features.name", "UPDATE features SET name = 'same'"),
    ("features_name_length", "", "UPDATE features SET name = '' WHERE id = @10"),
    ("features_name_length", "", "UPDATE features SET name = '{256}' WHERE id = @10"),
    ("features_priority_range", "", "UPDATE features SET priority = 0"),
    ("features_priority_range", "", "UPDATE features SET priority = 14"),
    ("features_status_known", "", "UPDATE features SET status = 'done'"),
    ("features_status_known", "", "UPDATE features SET status = 'Completed'"),
    ("features_row_version_positive", "", "UPDATE features SET row_version = 0"),
    ("features_confidential_notes_encrypted", "", "UPDATE features SET confidential_notes = 'for few'"),
    (
        "data_keys_wrapped_as_a_whole",
        "",
        "INSERT INTO data_keys (project_id, wrapped_key, created_at) VALUES (@1, 'gAAAAA', @now)",
    ),
    ("data_keys_wrapped_unless_erased", "", "INSERT INTO data_keys (project_id, created_at) VALUES (@1, @now)"),
    (
        "data_keys_generation_positive",
        "",
        "INSERT INTO data_keys (project_id, generation, created_at, erased_at) VALUES (@1, 0, @now, @now)",
    ),
    ("tests_feature_fk", "FOREIGN KEY", "UPDATE tests SET feature_id = @9"),
    ("tests_feature_name_unique", "tests.feature_id, tests.name", "UPDATE tests SET name = 'same'"),
    ("tests_name_length", "", "UPDATE tests SET name = '' WHERE id = @20"),
    ("tests_name_length", "", "UPDATE tests SET name = '{651}' WHERE id = @20"),
    ("tests_status_known", "", "UPDATE tests SET status = 'error'"),
    ("tests_duration_range", "", "UPDATE tests SET duration_ms = -1"),
    ("tests_row_version_positive", "", "UPDATE tests SET row_version = 0"),
    ("deployments_feature_fk", "FOREIGN KEY", "UPDATE deployments SET feature_id = @9"),
    ("deployments_environment_length", "", "UPDATE deployments SET environment = ''"),
    ("deployments_environment_length", "", "UPDATE deployments SET environment = '{256}'"),
    ("deployments_version_length", "", "UPDATE deployments SET version = ''"),
    ("deployments_version_length", "", "UPDATE deployments SET version = '{256}'"),
    ("deployments_status_known", "", "UPDATE deployments SET status = 'deployed'"),
    ("deployments_row_version_positive", "", "UPDATE deployments SET row_version = 0"),
    (
        "events_aggregate_version_unique",
        "events.aggregate_id, events.version",
        "{event}, 2, 'e', '{}', 'a', 'person', @hash)",
    ),
    ("events_version_positive", "", "{event}, 0, 'e', '{}', 'a', 'person', @hash)"),
    ("events_actor_kind_known", "", "{event}, 3, 'e', '{}', 'a', 'robot', @hash)"),
    ("append-only", "append-only", "UPDATE events SET version = 7"),
    ("append-only", "append-only", "DELETE FROM events WHERE id = @41"),
    (
        "audit_logs_actor_kind_known",
        "",
        "INSERT INTO audit_logs (id, actor_id, actor_kind, action, entity_type, entity_id, request_id, changes, \
         created_at) VALUES (@51, 'someone', 'robot', 'feature.create', 'feature', @10, 'r', '{}', @now)",
    ),
    ("append-only", "append-only", "UPDATE audit_logs SET actor_id = 'somebody else'"),
    ("append-only", "append-only", "DELETE FROM audit_logs"),
    (
        "idempotency_keys_key_length",
        "",
        "INSERT INTO idempotency_keys (actor_id, key, command, input_hash, receipt, created_at) \
         VALUES ('a', '', 'c', @hash, '{}', @now)",
    ),
    (
        "features_view_feature_fk",
        "FOREIGN KEY",
        "INSERT INTO features_view (id, name, priority, project_id) VALUES (@9, 'x', 1, @1)",
    ),
    ("features_view_counts_add_up", "", "UPDATE features_view SET passed_count = 1"),
    ("features_view_deployment_status_known", "", "UPDATE features_view SET deployment_status = 'deployed'"),
    ("webhooks_project_fk", "FOREIGN KEY", "UPDATE webhooks SET project_id = @9"),
    ("webhooks_url_encrypted", "", "UPDATE webhooks SET url = 'https://example.org/'"),
    ("webhooks_secret_encrypted", "", "UPDATE webhooks SET secret = 'whsec_'"),
    ("webhooks_types_length", "", "UPDATE webhooks SET types = ''"),
    ("webhooks_status_known", "", "UPDATE webhooks SET status = 'stopped'"),
    ("webhooks_row_version_positive", "", "UPDATE webhooks SET row_version = 0"),
    (
        "webhook_deliveries_event_unique",
        "webhook_deliveries.webhook_id, webhook_deliveries.event_id",
        "INSERT INTO webhook_deliveries SELECT @62, webhook_id, event_id, aggregate_id, transaction_id, position, status, attempts, \
         next_attempt_at, first_attempt_at, last_attempt_at, last_status_code, last_error, last_duration_ms, delivered_at, created_at \
         FROM webhook_deliveries",
    ),
    ("webhook_deliveries_status_known", "", "UPDATE webhook_deliveries SET status = 'sent', next_attempt_at = NULL"),
    ("webhook_deliveries_attempts_counted", "", "UPDATE webhook_deliveries SET attempts = -1"),
    ("webhook_deliveries_pending_has_time", "", "UPDATE webhook_deliveries SET next_attempt_at = NULL"),
    (
        "webhook_deliveries_delivered_has_time",
        "",
        "UPDATE webhook_deliveries SET status = 'delivered', next_attempt_at = NULL",
    ),
    // A column that must be there says so by its name.
    (
        "priority",
        "features.priority",
        "INSERT INTO features (id, project_id, name, created_at, updated_at) VALUES (@12, @1, 'x', @now, @now)",
    ),
    ("status", "features.status", "UPDATE features SET status = NULL"),
];

async fn each_constraint_refuses(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    add_one_of_each(&rows).await;
    for (name, sqlite_says, sql) in REFUSED {
        let sql = sql.replace("{256}", &"é".repeat(256)).replace("{651}", &"é".repeat(651));
        let sql = sql.replace("{event}", EVENT);
        let error = rows.run(&sql).await.expect_err(&sql);
        let expected = if backend == Backend::Sqlite && !sqlite_says.is_empty() { sqlite_says } else { name };
        let said = error.to_string();
        assert!(said.contains(expected), "{sql}\nshould be refused by {expected}, but: {said}");
        assert!(matches!(DatabaseError::from(error), DatabaseError::Constraint(_)), "{sql}: {said}");
    }
}

async fn the_closed_sets_are_accepted(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    add_one_of_each(&rows).await;
    assert_eq!(rows.count("SELECT count(*) FROM features WHERE status = 'not_started'").await, 2, "the default");
    for (column, values) in [
        ("features SET status", &["not_started", "in_progress", "blocked", "completed", "cancelled"][..]),
        ("tests SET status", &["pending", "passed", "failed", "skipped"]),
        ("deployments SET status", &["pending", "in_progress", "succeeded", "failed", "rolled_back"]),
        ("webhooks SET status", &["active", "paused", "failed"]),
    ] {
        for value in values {
            rows.run(&format!("UPDATE {column} = '{value}'")).await.unwrap();
        }
    }
    for priority in 1..=13 {
        rows.run(&format!("UPDATE features SET priority = {priority}")).await.unwrap();
    }
    // Characters are counted, not bytes.
    rows.run(&format!("UPDATE projects SET name = '{}'", "é".repeat(255))).await.unwrap();
}

async fn a_deleted_parent_takes_its_children_along(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    add_one_of_each(&rows).await;
    rows.run("DELETE FROM features WHERE id = @10").await.unwrap();
    for table in ["tests", "deployments", "features_view"] {
        assert_eq!(rows.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table} of a deleted feature");
    }
    rows.run("DELETE FROM projects WHERE id = @1").await.unwrap();
    assert_eq!(rows.count("SELECT count(*) FROM features").await, 0, "features of a deleted project");
    assert_eq!(rows.count("SELECT count(*) FROM webhooks").await, 0, "webhooks of a deleted project");
    // What happened is still known.
    assert_eq!(rows.count("SELECT count(*) FROM events").await, 2);
    assert_eq!(rows.count("SELECT count(*) FROM audit_logs").await, 1);
}

/// Project 1 with features 10 and 11; feature 10 with tests 20 and 21, deployment 30 and a view; events 40 and 41,
/// audit row 50; webhook 60, to which event 40 is sent.
async fn add_one_of_each(rows: &Rows<'_>) {
    rows.add_project().await;
    rows.add_feature(10, "first", "").await;
    rows.add_feature(11, "second", "").await;
    for sql in [
        "INSERT INTO tests (id, feature_id, name, created_at, updated_at) \
         VALUES (@20, @10, 'first', @now, @now), (@21, @10, 'second', @now, @now)",
        "INSERT INTO deployments (id, feature_id, environment, version, created_at, updated_at) \
         VALUES (@30, @10, 'staging', '1.0', @now, @now)",
        "INSERT INTO features_view (id, name, priority, project_id) VALUES (@10, 'first', 5, @1)",
        "INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, \
         created_at, hash) \
         VALUES (@40, 'feature', @10, 1, 'feature.create', '{}', 'a', 'person', 'r', @now, @hash), \
                (@41, 'feature', @10, 2, 'feature.update', '{}', 'a', 'agent', 'r', @now, @hash)",
        "INSERT INTO audit_logs (id, actor_id, actor_kind, action, entity_type, entity_id, request_id, changes, \
         created_at) VALUES (@50, 'someone', 'person', 'feature.create', 'feature', @10, 'r', '{}', @now)",
        "INSERT INTO webhooks (id, project_id, url, secret, created_at, updated_at) \
         VALUES (@60, @1, 'gAAAAA', 'gAAAAA', @now, @now)",
        "INSERT INTO webhook_deliveries (id, webhook_id, event_id, aggregate_id, transaction_id, position, next_attempt_at, created_at) \
         VALUES (@61, @60, @40, @10, 0, 1, @now, @now)",
    ] {
        rows.run(sql).await.unwrap();
    }
}
