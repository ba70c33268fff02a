//! Delivery records as NDJSON.

use std::sync::{Arc, Mutex};

use entity::deployment::DeploymentStatus;
use entity::feature::FeatureStatus;
use entity::test_case::TestStatus;
use throughline::access::Caller;
use throughline::encryption::KeyRing;
use throughline::features::writes::DeleteFeature;
use throughline::import::{ImportOptions, Report, Tally, import_demo};
use throughline::write_transaction::items::Changes;
use throughline::write_transaction::{Outcome, Sent, carry_out};

use super::{Tables, created, import_text, left};
use crate::support::{Backend, TestDatabase};

on_both!(
    the_demo_comes_in_once,
    a_changed_line_changes_its_rows,
    a_line_says_all_of_its_rows,
    a_deleted_feature_stays_deleted,
    a_dry_run_changes_nothing,
    a_byte_order_mark_and_blank_lines_are_passed_over,
    an_empty_file_is_no_fault,
    imports_at_once_take_turns,
);

async fn the_demo_comes_in_once(backend: Backend) {
    let mut test = TestDatabase::new(backend).await;
    let report = import_demo(&test.database, &Caller::local_owner()).await.unwrap();
    let expected = Report {
        dry_run: false,
        projects: created(50),
        features: created(1204),
        tests: created(15487),
        deployments: created(6850),
    };
    assert_eq!(report, expected);
    let tables = Tables::read(&test.database).await;
    assert_eq!(tables.counts(), [50, 1204, 15487, 6850]);
    assert!(tables.view == tables.expected_view(), "the read model differs from the tables");
    // The rows' ids are in the order of the file.
    let demo = include_str!("../../../demo/web-features.ndjson");
    let names = demo.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["feature"]["name"].as_str().unwrap().to_owned()
    });
    assert!(names.eq(tables.features.iter().map(|row| row.name.clone())), "the features are in another order");

    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    test.database.observe_statements(move |info| seen.lock().unwrap().push(info.statement.sql.clone()));
    let report = import_demo(&test.database, &Caller::local_owner()).await.unwrap();
    let expected = Report {
        dry_run: false,
        projects: left(50),
        features: left(1204),
        tests: left(15487),
        deployments: left(6850),
    };
    assert_eq!(report, expected);
    let statements = std::mem::take(&mut *statements.lock().unwrap());
    assert!(!statements.iter().any(|sql| sql.starts_with("INSERT")), "nothing is written again");
    assert!(statements.len() < 100, "{} statements for 23,000 rows", statements.len());
    assert!(tables == Tables::read(&test.database).await, "a second import changed something");
}

const LINE: &str = r#"{"project":"Shop","feature":{"key":"cart","name":"Cart","description":"Holds goods.","priority":5,"status":"in_progress"},"tests":[{"name":"adds","status":"passed","duration_ms":12},{"name":"removes","status":"failed","message":"was empty"}],"deployments":[{"environment":"production","version":"1.0","status":"succeeded","deployed_at":"2026-01-02"},{"environment":"staging","version":"1.1","status":"pending","deployed_at":null}]}"#;

async fn a_changed_line_changes_its_rows(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let options = ImportOptions::default();
    import_text(database, "a.ndjson", LINE, &options).await.unwrap();
    let before = Tables::read(database).await;
    assert_eq!(before.view[0].deployment_status, Some(DeploymentStatus::Succeeded), "no time is before every time");

    let changed = LINE
        .replace(
            r#""name":"removes","status":"failed","message":"was empty""#,
            r#""name":"removes","status":"skipped""#,
        )
        .replace(r#""status":"succeeded""#, r#""status":"rolled_back""#)
        .replace("in_progress", "completed");
    let report = import_text(database, "a.ndjson", changed, &options).await.unwrap();
    let one_of = |rows: u64| Tally { updated: 1, left: rows - 1, created: 0 };
    let expected =
        Report { dry_run: false, projects: left(1), features: one_of(1), tests: one_of(2), deployments: one_of(2) };
    assert_eq!(report, expected);

    let after = Tables::read(database).await;
    assert_eq!(after.test("adds"), before.test("adds"));
    let (was, is) = (before.test("removes"), after.test("removes"));
    assert_eq!((is.id, is.created_at, is.row_version), (was.id, was.created_at, 2));
    assert!(is.updated_at > was.updated_at);
    assert_eq!((is.status, &is.message), (TestStatus::Skipped, &None));
    assert_eq!((after.features[0].status, after.features[0].row_version), (FeatureStatus::Completed, 2));
    assert_eq!(after.features[0].description.as_deref(), Some("Holds goods."));
    assert_eq!((after.deployments[0].status, after.deployments[0].row_version), (DeploymentStatus::RolledBack, 2));
    assert_eq!(after.deployments[1], before.deployments[1]);
    assert_eq!(after.projects, before.projects);
    assert_eq!(after.view, after.expected_view());
    assert_eq!(after.view[0].deployment_status, Some(DeploymentStatus::RolledBack));
}

/// What a line does not mention is unset, but rows that it does not mention stay.
async fn a_line_says_all_of_its_rows(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let options = ImportOptions::default();
    import_text(database, "a.ndjson", LINE, &options).await.unwrap();
    let short = r#"{"project":"Shop","feature":{"name":"Cart","priority":5,"status":"in_progress"},"tests":[{"name":"adds","status":"passed"}]}"#;
    let report = import_text(database, "a.ndjson", short, &options).await.unwrap();
    assert_eq!((report.features.updated, report.tests.updated, report.deployments.total()), (1, 1, 0));
    let tables = Tables::read(database).await;
    assert_eq!(tables.counts(), [1, 1, 2, 2]);
    assert_eq!(tables.features[0].description, None);
    assert_eq!(tables.test("adds").duration_ms, None);
    assert_eq!(tables.view, tables.expected_view());
}

async fn a_deleted_feature_stays_deleted(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let options = ImportOptions::default();
    import_text(database, "a.ndjson", LINE, &options).await.unwrap();
    let id = Tables::read(database).await.features[0].id;
    let delete = Changes::one(Ok(DeleteFeature { id, expected_version: Some(1) }));
    let sent = Sent { caller: &Caller::local_owner(), request_id: "request-1", key: None, key_ring: &KeyRing::none() };
    assert!(matches!(carry_out(database, sent, &delete).await.unwrap(), Outcome::Done { .. }));
    let row = Tables::read(database).await.features.remove(0);
    assert!(row.deleted_at.is_some());

    let changed = LINE.replace(r#""priority":5"#, r#""priority":6"#);
    let report = import_text(database, "a.ndjson", changed, &options).await.unwrap();
    assert_eq!(report.features, left(1));
    let tables = Tables::read(database).await;
    let is = &tables.features[0];
    assert_eq!((is.deleted_at, is.priority, is.row_version), (row.deleted_at, 6, 3));
    assert_eq!(tables.view, tables.expected_view());
}

async fn a_dry_run_changes_nothing(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let options = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let report = import_text(database, "a.ndjson", LINE, &options).await.unwrap();
    let expected = Report {
        dry_run: true,
        projects: created(1),
        features: created(1),
        tests: created(2),
        deployments: created(2),
    };
    assert_eq!(report, expected);
    assert_eq!(Tables::read(database).await.counts(), [0; 4]);
}

async fn a_byte_order_mark_and_blank_lines_are_passed_over(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let text = format!("\u{feff}\r\n{LINE}\r\n  \n\n");
    // No ending in the name: the first character tells the format.
    let report = import_text(database, "standard input", text, &ImportOptions::default()).await.unwrap();
    assert_eq!(report.features, created(1));
}

async fn an_empty_file_is_no_fault(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    for (name, text) in
        [("a.ndjson", ""), ("standard input", ""), ("standard input", " \n\n"), ("a.ndjson", "\u{feff}")]
    {
        let report = import_text(database, name, text, &ImportOptions::default()).await.unwrap();
        assert_eq!(report, Report::default());
    }
}

async fn imports_at_once_take_turns(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let options = ImportOptions::default();
    let (one, other) = tokio::join!(
        import_text(database, "a.ndjson", LINE, &options),
        import_text(database, "b.ndjson", LINE, &options)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.tests.created + other.tests.created, one.tests.left + other.tests.left), (2, 2));
}
