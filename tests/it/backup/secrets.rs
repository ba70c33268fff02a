//! A password is in no manifest, no message and no list of processes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::{error_of, finish, text};
use crate::support::{Backend, Place, TestDatabase, leaves_postgres_out, program, server_program};

on_both!(nobody_else_may_read_a_backup);

const SECRET: &str = "SECRET-7c1e";

#[tokio::test]
async fn a_password_goes_by_the_environment() {
    if leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::with_demo(Backend::Postgres).await;
    let place = Place::empty(Backend::Postgres).await;
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("programs");
    let heard = record_programs(&programs);
    let run = |arguments: &[&str], url: &str| {
        let mut command = program();
        command.args(arguments).args(["--postgres-programs", text(&programs)]);
        finish(command.env("DATABASE_URL", with_password(url)).env("THROUGHLINE_SCRATCH", with_password(&test.url)))
    };
    let mut said = Vec::new();
    let made = run(&["backup", "create", text(folder.path())], &test.url);
    assert!(made.status.success(), "{}", error_of(&made));
    let stdout = String::from_utf8(made.stdout.clone()).unwrap();
    let backup = PathBuf::from(stdout.lines().next().unwrap());
    said.push(made);
    let restored = run(&["backup", "restore", text(&backup)], &place.url);
    assert!(restored.status.success(), "{}", error_of(&restored));
    said.push(restored);
    let verified = finish(
        program()
            .args(["backup", "verify", text(&backup), "--postgres-programs", text(&programs)])
            .env("THROUGHLINE_SCRATCH", with_password(&test.url)),
    );
    assert!(verified.status.success(), "{}", error_of(&verified));
    said.push(verified);
    // A program that tells what it knows, and one whose server is not there.
    std::fs::write(programs.join("pg_dump"), "#!/bin/sh\necho \"password $PGPASSWORD is wrong\" >&2; exit 1\n")
        .unwrap();
    let refused = run(&["backup", "create", text(folder.path())], &test.url);
    assert!(error_of(&refused).contains("password [secret] is wrong"), "{}", error_of(&refused));
    said.push(refused);
    let nowhere = format!("postgres://me:{SECRET}@127.0.0.1:1/none?connect_timeout=1");
    said.push(run(&["backup", "create", text(folder.path()), "--acquire-timeout-ms", "200"], &nowhere));
    for output in &said {
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), error_of(output));
        assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "{stdout}{stderr}");
    }
    let heard = std::fs::read_to_string(heard).unwrap();
    let lines: Vec<_> = heard.lines().collect();
    assert_eq!(lines.len(), 5, "{heard}");
    assert!(lines.iter().all(|line| line.ends_with("has the password") && !line.contains(SECRET)), "{heard}");
    for entry in std::fs::read_dir(&backup).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(memchr::memmem::find(&bytes, SECRET.as_bytes()).is_none(), "{}", entry.path().display());
    }
}

/// Programs in a folder that note what is on their command line, and whether their environment has the password, and then do what
/// PostgreSQL's do. Gives the file with the notes.
fn record_programs(folder: &Path) -> PathBuf {
    std::fs::create_dir(folder).unwrap();
    let notes = folder.join("notes");
    for name in ["pg_dump", "pg_restore", "psql"] {
        let script = format!(
            "#!/bin/sh\necho \"$0 $* $([ \"$PGPASSWORD\" = {SECRET} ] && echo has the password)\" >>{}\nexec {} \"$@\"\n",
            notes.display(),
            server_program(name).display()
        );
        let path = folder.join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    notes
}

/// The server asks for none, and takes any.
fn with_password(url: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_password(Some(SECRET)).unwrap();
    url.to_string()
}

async fn nobody_else_may_read_a_backup(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = super::create(&test.url, &folder.path().join("made"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(backup.parent().unwrap()), mode(&backup)), (0o700, 0o700));
    assert_eq!(mode(&super::data_of(&backup)), 0o600);
    assert_eq!(mode(&backup.join("manifest.json")), 0o600);
}
