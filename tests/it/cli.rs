//! What a person meets on the command line.

use std::net::TcpListener;
use std::process::Output;

use crate::support::{Backend, TestDatabase, program};

on_both!(migrations_are_listed_undone_and_run_again);

async fn migrations_are_listed_undone_and_run_again(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let migrate = |arguments: &[&str]| run(program().arg("migrate").args(arguments).args(["--database", &test.url]));
    let count = |output: &Output, word: &str| {
        String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with(word)).count()
    };
    let all = count(&migrate(&["status"]), "applied");
    assert!(all >= 8);

    let refused = migrate(&["down"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(error_of(&refused).contains("--yes"), "{}", error_of(&refused));
    assert_eq!(count(&migrate(&["down", "--steps", "2", "--yes"]), "undone"), 2);
    let status = migrate(&["status"]);
    // An SQLite file has no server of the version before, which the last one could harm.
    let held = usize::from(backend == Backend::Postgres);
    let counts = |output: &Output| ["applied", "pending", "held"].map(|word| count(output, word));
    assert_eq!(counts(&status), [all - 2, 2 - held, held]);
    assert_eq!(counts(&migrate(&["up"])), [2 - held, 0, held]);
    let up = String::from_utf8_lossy(&migrate(&["up"]).stdout).into_owned();
    assert!(up.starts_with("The tables are up to date.\n"), "{up}");
    assert_eq!(up.contains("throughline migrate complete"), held == 1, "{up}");
    if held == 1 {
        let refused = migrate(&["complete"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(error_of(&refused).contains("--yes"), "{}", error_of(&refused));
    }
    assert_eq!(counts(&migrate(&["complete", "--yes"])), [held, 0, 0]);
    assert_eq!(String::from_utf8_lossy(&migrate(&["complete"]).stdout), "The tables are complete.\n");
    assert_eq!(counts(&migrate(&["status"])), [all, 0, 0]);

    crate::support::Rows::of(&test.database).add_project().await;
    assert_eq!(migrate(&["fresh"]).status.code(), Some(1));
    assert_eq!(count(&migrate(&["fresh", "--yes"]), "applied"), all);
    assert_eq!(crate::support::Rows::of(&test.database).count("SELECT count(*) FROM projects").await, 0);
}

#[test]
fn a_query_is_explained_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let explain = |document: &str, arguments: &[&str]| {
        std::fs::write(folder.path().join("query.graphql"), document).unwrap();
        run(program().args(["explain", "query.graphql"]).args(arguments).current_dir(folder.path()))
    };
    let document = "query($n: Int!) { projects(first: $n) { nodes { name features { totalCount } } } }";
    for (url, word) in [("sqlite://none.db", "json_each"), ("postgres://nobody@nowhere/none", "unnest")] {
        let output = explain(document, &["--variables", r#"{"n": 7}"#, "--database", url]);
        let plan = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", error_of(&output));
        let lines: Vec<_> = plan.lines().map(str::trim_start).collect();
        assert_eq!(lines[0], "projects: a page of at most 7 Project, ordered by +ID");
        assert!(lines[1].starts_with("SELECT") && lines[1].ends_with("LIMIT 7"), "{plan}");
        assert!(lines[2].starts_with("features: a page of at most 20 Feature") && plan.contains(word), "{plan}");
    }
    for (document, arguments, expected) in [
        ("{ projects { colour } }", &[][..], "query.graphql:1:14: Unknown field"),
        (document, &[], "query.graphql:1:7: variable $n of type Int! was not given"),
        (document, &["--variables", "{"], "--variables is not JSON"),
        ("{ projects {", &[], "query.graphql:1:"),
        ("{ __typename }", &["--database", "mysql://host/db"], "mysql"),
    ] {
        let output = explain(document, arguments);
        assert_eq!(output.status.code(), Some(1), "{document}");
        assert!(error_of(&output).contains(expected), "{}", error_of(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no database was made");
}

#[test]
fn what_cannot_be_done_is_one_line_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.db"), "this is a text and no database at all, as anyone can see").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, expected) in [
        (&["serve", "--listen", &taken][..], "Address already in use"),
        (&["serve", "--listen", "127.0.0.1:0", "--database", "sqlite://other.db"], "other.db"),
        (&["serve", "--listen", "127.0.0.1:0", "--database", "sqlite://no/such/folder.db"], "no/such/folder.db"),
        (
            &["migrate", "up", "--acquire-timeout-ms", "300", "--database", "postgres://me:SECRET@127.0.0.1:1/work"],
            "refused",
        ),
        (&["migrate", "up", "--database", "postgres://me:SEC/RET@127.0.0.1:1/work"], "unknown address"),
        (&["migrate", "up", "--database", "mysql://me:SECRET@127.0.0.1/work"], "mysql"),
        (&["migrate", "status"], "there is no SQLite file throughline.db"),
        (&["schema", "--log", "loud=louder"], "--log"),
    ] {
        let output = run(program().args(arguments).current_dir(folder.path()));
        let error = error_of(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(expected) && !error.contains("SEC") && !error.contains("RET"), "{error}");
    }
    // Nothing was made on the way.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_command_line_that_is_not_understood_is_told_how() {
    for arguments in [&[][..], &["serve", "--max-page-size", "0"], &["serve", "--no-such-setting"], &["dance"]] {
        let output = run(program().args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error_of(&output).contains("--help"), "{arguments:?}: {}", error_of(&output));
    }
}

#[test]
fn help_tells_every_setting_and_no_value_of_the_environment() {
    let output = run(program().args(["serve", "--help"]).env("DATABASE_URL", "postgres://me:SECRET@host/db"));
    let help = String::from_utf8(output.stdout).unwrap();
    for text in ["127.0.0.1:8000", "sqlite://throughline.db", "1000", "DATABASE_URL", "THROUGHLINE_LISTEN"] {
        assert!(help.contains(text), "{text} is missing:\n{help}");
    }
    for flag in help.split_whitespace().filter(|word| word.starts_with("--") && !["--demo", "--help"].contains(word)) {
        let described = help.split_once(&format!("{flag} ")).unwrap().1;
        let setting = described.split("\n      --").next().unwrap();
        assert!(setting.contains("[env: ") && setting.contains("[default: "), "{flag}:\n{help}");
    }
    assert!(!help.contains("me:SECRET"));
}

fn run(command: &mut std::process::Command) -> Output {
    command.stdin(std::process::Stdio::null()).output().unwrap()
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
