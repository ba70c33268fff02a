//! Copies of the whole record: made while others write, checked, restored, brought from one database to the other.

mod changed;
mod copied;
mod in_time;
mod older;
mod places;
mod processes;
mod refused;
mod secrets;
mod under_load;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::program;

/// Runs a command of the program.
fn run(arguments: &[&str]) -> Output {
    finish(program().args(arguments))
}

fn finish(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// What a command said that did what it was told.
fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", error_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command said that did not.
fn fail(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", error_of(&output));
    let error = error_of(&output);
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Makes a backup, and gives its folder.
fn create(url: &str, folder: &Path) -> PathBuf {
    let said = succeed(&["backup", "create", text(folder), "--database", url]);
    PathBuf::from(said.lines().next().unwrap())
}

fn restore(backup: &Path, url: &str) {
    succeed(&["backup", "restore", text(backup), "--database", url]);
}

/// Checks a backup; `scratch` is any database of the server, which SQLite does without.
fn verify(backup: &Path, scratch: &str) -> Output {
    let scratch: &[&str] = if scratch.starts_with("postgres") { &["--scratch", scratch] } else { &[] };
    run(&[&["backup", "verify", text(backup)], scratch].concat())
}

fn manifest_of(backup: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(backup.join("manifest.json")).unwrap()).unwrap()
}

/// The file of a backup that has the database.
fn data_of(backup: &Path) -> PathBuf {
    backup.join(manifest_of(backup)["files"][0]["name"].as_str().unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
