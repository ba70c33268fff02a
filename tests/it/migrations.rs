//! Each migration can be undone, and done again, and nothing of it stays behind.

use migration::{CONTRACTIONS, Migrator, MigratorTrait};
use sea_orm::ConnectionTrait as _;
use throughline::database::{Database, DatabaseError, MigrationState};

use crate::support::{Backend, Rows, RunningServer, TestDatabase, query_texts};

on_both!(
    tables_of_a_newer_program_are_served_and_not_undone,
    down_undoes_up,
    a_step_that_fails_leaves_nothing_of_itself,
    the_read_model_is_filled_for_its_orders
);

/// Steps that one of the databases needs and the other does not.
const OF_THE_OTHER: &[(Backend, &str)] =
    &[(Backend::Postgres, "m20261129_000021_order_events"), (Backend::Sqlite, "m20261129_000022_cut_words_in_sets")];

async fn down_undoes_up(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let database = &test.database;
    let all = Migrator::migrations();
    let whole = describe_schema(database).await;
    assert!(whole.len() > 50, "{whole:#?}");

    // One step further down each time, so that each step is undone from just above and from the top.
    let mut smaller = whole.clone();
    for steps in 1..=u32::try_from(all.len()).unwrap() {
        Migrator::down(database.writer(), Some(steps)).await.unwrap();
        let rest = describe_schema(database).await;
        let name = all[all.len() - steps as usize].name();
        if OF_THE_OTHER.contains(&(backend, name)) {
            assert_same(&rest, &smaller);
        } else if CONTRACTIONS.contains(&name) {
            assert!(rest.len() > smaller.len(), "what step {steps} from the top took is not back:\n{rest:#?}");
        } else {
            assert!(rest.len() < smaller.len(), "step {steps} from the top left everything:\n{rest:#?}");
            // The step that put another table of events in the place of the first brings that one back.
            let is_known =
                |line: &String| smaller.contains(line) || line.contains("events") || line.contains("words_follow");
            assert!(rest.iter().all(is_known), "step {steps} from the top added something");
        }
        smaller = rest;
        Migrator::up(database.writer(), None).await.unwrap();
        assert_same(&describe_schema(database).await, &whole);
    }
    assert_eq!(smaller, Vec::<String>::new(), "the last step down left something");
}

fn assert_same(left: &[String], right: &[String]) {
    let missing: Vec<_> = right.iter().filter(|line| !left.contains(line)).collect();
    let added: Vec<_> = left.iter().filter(|line| !right.contains(line)).collect();
    assert!(missing.is_empty() && added.is_empty(), "missing: {missing:#?}\nadded: {added:#?}");
}

/// Everything that the migrations make, a line each, sorted; what SeaORM keeps for itself is left out.
async fn describe_schema(database: &Database) -> Vec<String> {
    let queries: &[&str] = match database.backend() {
        sea_orm::DbBackend::Sqlite => &["SELECT type, tbl_name, name, sql FROM sqlite_schema \
             WHERE tbl_name NOT IN ('seaql_migrations', 'sqlite_sequence')"],
        _ => &[
            "SELECT 'column', table_name::text, column_name::text, data_type::text, collation_name::text, \
             is_nullable::text, column_default::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'",
            "SELECT 'index', indexdef FROM pg_indexes \
             WHERE schemaname = 'public' AND tablename <> 'seaql_migrations'",
            "SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'seaql_migrations'",
            "SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        ],
    };
    let mut lines = Vec::new();
    for query in queries {
        lines.extend(query_texts(database.reader(), query).await);
    }
    lines = lines.iter().flat_map(|line| split_table(line)).collect();
    lines.sort();
    lines
}

/// SQLite tells a table as one text, which another column changes: a line for each part of it.
fn split_table(line: &str) -> Vec<String> {
    let Some((start, parts)) = line.split_once('(').filter(|(start, _)| start.contains("CREATE TABLE")) else {
        return vec![line.to_owned()];
    };
    let (mut depth, mut lines) = (1, vec![String::new()]);
    for character in parts.chars() {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if (character == ',' && depth == 1) || depth == 0 {
            lines.push(String::new());
        } else {
            lines.last_mut().unwrap().push(character);
        }
    }
    let lines = lines.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.map(|part| format!("{start} {part}")).collect()
}

/// A step is one transaction with the record that it has run, so that it can be run again.
async fn a_step_that_fails_leaves_nothing_of_itself(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let database = &test.database;
    let all = database.migrations().await.unwrap().len();
    // Back to before the table `tests`, with the name of its second statement's index taken.
    database.migrate_down(u32::try_from(all - 2).unwrap()).await.unwrap();
    let writer = database.writer();
    writer.execute_unprepared("CREATE TABLE other (id integer)").await.unwrap();
    writer.execute_unprepared("CREATE INDEX tests_of_feature ON other (id)").await.unwrap();
    database.migrate().await.unwrap_err();
    let pending =
        database.migrations().await.unwrap().iter().filter(|step| step.state != MigrationState::Applied).count();
    assert_eq!(pending, all - 2);
    writer.execute_unprepared("SELECT count(*) FROM tests").await.unwrap_err();
    writer.execute_unprepared("DROP TABLE other").await.unwrap();
    database.migrate().await.unwrap();
    assert_eq!(database.pending_migrations().await.unwrap(), 0);
}

/// Orders of the read model walk it, so that the step that brings them makes a row for each feature that is not deleted.
async fn the_read_model_is_filled_for_its_orders(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let (database, rows) = (&test.database, Rows::of(&test.database));
    let steps = database.migrations().await.unwrap().len() - 8;
    database.migrate_down(u32::try_from(steps).unwrap()).await.unwrap();
    rows.add_project().await;
    for (id, name) in [(10, "counted"), (11, "not counted"), (12, "deleted"), (13, "without anything")] {
        rows.add_feature(id, name, "").await;
    }
    for sql in [
        "INSERT INTO tests (id, feature_id, name, status, created_at, updated_at) VALUES \
         (@20, @11, 'a', 'failed', @now, @now), (@21, @11, 'b', 'passed', @now, @now)",
        "INSERT INTO deployments (id, feature_id, environment, version, status, deployed_at, created_at, updated_at) VALUES \
         (@30, @10, 'a', '1', 'succeeded', @now, @now, @now), (@31, @10, 'a', '2', 'pending', NULL, @now, @now), \
         (@32, @11, 'a', '3', 'failed', NULL, @now, @now)",
        "INSERT INTO features_view (id, name, priority, project_id, deployment_status) VALUES \
         (@10, 'counted', 5, @1, 'succeeded'), (@12, 'deleted', 5, @1, NULL)",
        "UPDATE features SET deleted_at = @now WHERE id = @12",
    ] {
        rows.run(sql).await.unwrap();
    }
    database.migrate().await.unwrap();
    let view = "SELECT name, CAST(test_count AS text), CAST(failed_count AS text), deployment_status, deployment_status_order, \
                CASE WHEN latest_deployed_at IS NULL THEN 'never' ELSE 'once' END, \
                CASE WHEN latest_deployed_order = '0001-01-01T00:00:00+00:00' THEN 'first' ELSE 'later' END \
                FROM features_view ORDER BY id";
    let expected = [
        "counted | 0 | 0 | succeeded | succeeded | once | later",
        "not counted | 2 | 1 | failed | failed | never | first",
        "without anything | 0 | 0 | NULL |  | never | first",
    ];
    assert_eq!(query_texts(database.reader(), view).await, expected);
}

/// Servers of the version before start again beside newer ones.
async fn tables_of_a_newer_program_are_served_and_not_undone(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let database = &test.database;
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_of_a_newer_program', 0)";
    database.writer().execute_unprepared(newer).await.unwrap();
    database.migrate().await.unwrap();
    assert_eq!(database.pending_migrations().await.unwrap(), 0);
    let whole = describe_schema(database).await;
    for undone in [database.migrate_down(1).await, database.migrate_fresh().await] {
        let DatabaseError::Failed(cause) = undone.unwrap_err() else { panic!("it is no other error") };
        assert!(cause.to_string().contains("m29990101_000001_of_a_newer_program"), "{cause}");
    }
    assert_same(&describe_schema(database).await, &whole);
    let server = RunningServer::start(&test.url);
    let answer = server.graphql("{ projects { totalCount } }", serde_json::json!({})).await;
    assert_eq!(answer["data"]["projects"]["totalCount"], 0, "{answer}");
}
