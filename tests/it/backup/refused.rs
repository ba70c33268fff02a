//! Where something is, nothing is restored.

use super::{create, fail, restore, text};
use crate::support::{Backend, Place, Rows, Tables, TestDatabase};

on_both!(where_something_is_nothing_is_restored, an_empty_record_is_restored, what_cannot_be_restored_is_told);

async fn where_something_is_nothing_is_restored(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    Rows::of(&test.database).run("DELETE FROM features WHERE priority > 5").await.unwrap();
    let before = Tables::read(&test.database).await;
    let error = fail(&["backup", "restore", text(&backup), "--database", &test.url]);
    assert!(error.contains("there is something in it already"), "{error}");
    assert_eq!(Tables::read(&test.database).await, before);

    // Tables without a row are something as well.
    let migrated = TestDatabase::new(backend).await;
    fail(&["backup", "restore", text(&backup), "--database", &migrated.url]);
    assert_eq!(Rows::of(&migrated.database).count("SELECT count(*) FROM events").await, 0);
}

async fn an_empty_record_is_restored(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    assert!(super::verify(&backup, &test.url).status.success());
    let place = Place::empty(backend).await;
    restore(&backup, &place.url);
    assert!(super::succeed(&["verify", "--database", &place.url]).starts_with("0 events"));
}

async fn what_cannot_be_restored_is_told(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    let other = match backend {
        Backend::Sqlite => "postgres://me:SECRET@127.0.0.1:1/none".to_owned(),
        Backend::Postgres => format!("sqlite://{}", folder.path().join("new.db").display()),
    };
    let error = fail(&["backup", "restore", text(&backup), "--database", &other]);
    assert!(error.contains("throughline copy") && !error.contains("SECRET"), "{error}");
    let error = fail(&["backup", "restore", text(folder.path()), "--database", &test.url]);
    assert!(error.contains("is no backup: it has no manifest.json"), "{error}");
    if backend == Backend::Postgres {
        let error = fail(&["backup", "verify", text(&backup)]);
        assert!(error.contains("--scratch"), "{error}");
    } else {
        // The log of a file that was there would be taken for the log of the new one.
        std::fs::write(folder.path().join("place.db-wal"), "").unwrap();
        let url = format!("sqlite://{}", folder.path().join("place.db").display());
        let error = fail(&["backup", "restore", text(&backup), "--database", &url]);
        assert!(error.contains("place.db-wal"), "{error}");
    }
}
