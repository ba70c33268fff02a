//! What is not as it was written is found when a backup is checked, and named.

use serde_json::{Value, json};

use super::{create, data_of, error_of, fail, manifest_of, text, verify};
use crate::support::{Backend, Place, Rows, TestDatabase};

on_both!(a_flipped_byte_is_named, what_the_manifest_says_otherwise_is_named, a_record_that_was_tampered_with_is_named);

async fn a_flipped_byte_is_named(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    assert!(verify(&backup, &test.url).status.success());
    let data = data_of(&backup);
    let whole = std::fs::read(&data).unwrap();
    for (place, what) in [(whole.len() / 2, "SHA-256"), (whole.len() - 1, "SHA-256"), (whole.len(), "bytes")] {
        let mut flipped = whole.clone();
        match flipped.get_mut(place) {
            Some(byte) => *byte ^= 0x40,
            None => flipped.push(0),
        }
        std::fs::write(&data, &flipped).unwrap();
        let found = verify(&backup, &test.url);
        assert_eq!(found.status.code(), Some(1));
        let error = error_of(&found);
        assert!(error.contains(text(&data)) && error.contains("was changed") && error.contains(what), "{error}");
        // Neither is it restored, and nothing is left of it.
        let empty = Place::empty(backend).await;
        let refused = fail(&["backup", "restore", text(&backup), "--database", &empty.url]);
        assert!(refused.contains("was changed"), "{refused}");
        std::fs::write(&data, &whole).unwrap();
        super::restore(&backup, &empty.url);
    }
}

async fn what_the_manifest_says_otherwise_is_named(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    let written = manifest_of(&backup);
    let says = |path: &[&str], value: Value| {
        let mut manifest = written.clone();
        *path.iter().fold(&mut manifest, |part, name| &mut part[*name]) = value;
        std::fs::write(backup.join("manifest.json"), manifest.to_string()).unwrap();
        let found = verify(&backup, &test.url);
        assert_eq!(found.status.code(), Some(1), "{path:?}");
        error_of(&found)
    };
    let error = says(&["rows", "tests"], json!(7));
    assert!(error.contains("tests has ") && error.contains("its manifest says 7 rows"), "{error}");
    let error = says(&["rows", "secrets"], json!(0));
    assert!(error.contains("secrets has no table"), "{error}");
    let error = says(&["lastEvent", "position"], json!(1));
    assert!(error.contains("its last event is at "), "{error}");
    let error = says(&["schemaVersion"], json!(["m1"]));
    assert!(error.contains("migrations"), "{error}");
    let error = says(&["format"], json!(2));
    assert!(error.contains("format 2"), "{error}");
}

async fn a_record_that_was_tampered_with_is_named(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    Rows::of(&test.database).run("UPDATE features SET priority = 14 - priority WHERE priority <> 7").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    let found = verify(&backup, &test.url);
    assert_eq!(found.status.code(), Some(1));
    let error = error_of(&found);
    assert!(error.contains("the row of feature_") && error.contains("priority"), "{error}");
}
