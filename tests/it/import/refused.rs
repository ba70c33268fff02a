//! A bad file leaves the database as it was, and the error names the place.

use throughline::database::Database;
use throughline::import::{ImportError, ImportOptions};

use super::{Tables, import_text, of_project};
use crate::support::{Backend, TestDatabase};

on_both!(ndjson, junit, wrong_formats_and_options);

/// A good line, to be spoiled; `#` is a number that makes it unlike others.
const GOOD: &str = r#"{"project":"Shop","feature":{"key":null,"name":"Cart #","description":"d","priority":5,"status":"in_progress"},"tests":[{"name":"t0","status":"passed"},{"name":"t1","status":"passed"}],"deployments":[{"environment":"e0","version":"1","status":"failed","deployed_at":"2026-01-02"},{"environment":"e1","version":"1","status":"failed","deployed_at":null}]}"#;

async fn assert_refused(database: &Database, before: &Tables, name: &str, text: Vec<u8>, expected: &str) {
    let options = if name == "r.xml" { of_project("P") } else { ImportOptions::default() };
    let shown: String = String::from_utf8_lossy(&text[text.len().saturating_sub(300)..]).into_owned();
    let error = import_text(database, name, text, &options).await.expect_err(&shown);
    assert!(matches!(error, ImportError::Refused(_)), "{error:?}");
    assert_eq!(error.to_string(), format!("{name}:{expected}"), "of {shown}");
    assert!(Tables::read(database).await == *before, "{expected} changed something");
}

async fn ndjson(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    import_text(database, "before.ndjson", GOOD.replace('#', "0"), &ImportOptions::default()).await.unwrap();
    let before = Tables::read(database).await;

    // What is spoiled in the good line, how, and what is said of line 3.
    let long_name = format!(r#""name":"{}""#, "ä".repeat(651));
    let spoiled: &[(&str, &str, &str)] = &[
        (r#""priority":5"#, r#""priority":99"#, "feature.priority: must be 1 to 13, is 99"),
        (r#""priority":5"#, r#""priority":"5""#, r#"feature.priority: invalid type: string "5", expected i64"#),
        (r#""priority":5"#, r#""priority":5.5"#, "feature.priority: invalid type: floating point `5.5`, expected i64"),
        (r#""priority":5,"#, "", "feature: missing field `priority`"),
        (
            "in_progress",
            "done",
            "feature.status: must be one of not_started, in_progress, blocked, completed, cancelled, is \"done\"",
        ),
        (r#""project":"Shop""#, r#""project":"""#, "project: must have 1 to 255 characters, has 0"),
        ("Cart #", "Car\\u0000t", "feature.name: must not hold the NUL character, which stands at character 4"),
        (r#""d""#, "\"\\u0000\"", "feature.description: must not hold the NUL character, which stands at character 1"),
        (r#""name":"t1""#, &long_name, "tests[1].name: must have 1 to 650 characters, has 651"),
        (r#""name":"t1""#, r#""name":"t0""#, r#"tests[1].name: "t0" is the name of tests[0] already"#),
        (
            r#""name":"t1""#,
            r#""name":"t1","duration_ms":-1"#,
            "tests[1].duration_ms: must be 0 to 2147483647 milliseconds, is -1",
        ),
        (
            r#""name":"t1","status":"passed""#,
            r#""name":"t1","status":"skiped""#,
            r#"tests[1].status: must be one of pending, passed, failed, skipped, is "skiped""#,
        ),
        (
            "\"2026-01-02\"",
            "\"02.01.2026\"",
            "deployments[0].deployed_at: must be a date (2026-11-23) or an RFC 3339 time (2026-11-23T10:00:00Z), \
             is \"02.01.2026\"",
        ),
        (
            r#"{"environment":"e1","version":"1","status":"failed","deployed_at":null}"#,
            r#"{"environment":"e0","version":"1","status":"failed","deployed_at":"2026-01-02T01:00:00+01:00"}"#,
            "deployments[1]: has the environment, version and time of deployments[0]",
        ),
        (
            r#""tests":["#,
            r#""owner":"me","tests":["#,
            "owner: unknown field `owner`, expected one of `project`, `feature`, `tests`, `deployments`",
        ),
        (
            r#""name":"t1""#,
            r#""name":"t1","seconds":1"#,
            "tests[1].seconds: unknown field `seconds`, expected one of `name`, `status`, `duration_ms`, `message`",
        ),
        (r#""tests":["#, r#""tests":7,"x":["#, "tests: invalid type: integer `7`, expected a sequence"),
        ("}]}", "}]}}", "column 354: is not JSON: trailing characters"),
        (r#""Shop","#, r#""Shop""#, "column 18: is not JSON: expected `,` or `}`"),
    ];
    for (good, bad, expected) in spoiled {
        assert!(GOOD.contains(good), "{good}");
        let lines = [GOOD.replace('#', "1"), String::new(), GOOD.replacen(good, bad, 1), GOOD.replace('#', "4")];
        assert_refused(database, &before, "a.ndjson", lines.join("\n").into(), &format!("3: {expected}")).await;
    }

    let first = GOOD.replace('#', "1");
    let cut = format!("{first}\n{}", &GOOD[..130]);
    let expected = "2: tests[0].name: the line ends inside its record, as it does where a file was cut off \
                    (EOF while parsing a string)";
    assert_refused(database, &before, "a.ndjson", cut.into(), expected).await;

    let twice = [&*first, &*GOOD.replace('#', "2"), &*first].join("\n");
    let expected = r#"3: feature.name: the feature "Cart 1" of the project "Shop" stands in line 1 already"#;
    assert_refused(database, &before, "a.ndjson", twice.into(), expected).await;

    let mut latin1 = format!("{first}\n{{\"project\":\"").into_bytes();
    latin1.extend(b"Caf\xe9\"}\n");
    assert_refused(database, &before, "a.ndjson", latin1, "2: byte 16 of the line is not UTF-8").await;

    // Far behind the first batch, which has been written by then.
    let mut many: Vec<String> = (0..5000).map(|number| GOOD.replace('#', &format!("n{number}"))).collect();
    many.push(GOOD.replace(":5,", ":0,"));
    let expected = "5001: feature.priority: must be 1 to 13, is 0";
    assert_refused(database, &before, "a.ndjson", many.join("\n").into(), expected).await;
}

async fn junit(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    import_text(database, "before.ndjson", GOOD.replace('#', "0"), &ImportOptions::default()).await.unwrap();
    let before = Tables::read(database).await;

    let in_suite = |inside: &str| {
        format!(
            "<testsuites>\n<testsuite name=\"s\">\n<testcase classname=\"c\" name=\"n\"/>\n{inside}\n</testsuite></testsuites>"
        )
    };
    let long = "x".repeat(651);
    let spoiled: &[(&str, &str)] = &[
        (r#"<testcase classname="c" name="n"/>"#, r#"4: testcase.name: "n" of "c" stands in line 3 already"#),
        (r#"<testcase classname="c"/>"#, "4: testcase.name: is missing"),
        (r#"<testcase classname="c" name=""/>"#, "4: testcase.name: must have 1 to 650 characters, has 0"),
        (r#"<testcase classname="c" name="m" time="-1"/>"#, r#"4: testcase.time: must not be negative, is "-1""#),
        (
            r#"<testcase classname="c" name="m" time="NaN"/>"#,
            r#"4: testcase.time: must be a number of seconds, is "NaN""#,
        ),
        (
            "<testcase\n classname='c' name='m'>\n<failed/></testcase>",
            "6: <failed> is not known inside <testcase>, so it cannot be said what it means",
        ),
        (
            "<testcase name='m'><failure><b>x</b></failure></testcase>",
            "4: <b> is not known inside <failure>, so it cannot be said what it means",
        ),
        ("<!-- a\nb -->stray", r#"5: there is text where only elements may stand: "stray""#),
        ("<testcase name='m'><failure>&who;</failure></testcase>", "4: the entity &who; is not known"),
        (
            "<testcase name='m'><failure>&#0;</failure></testcase>",
            "4: &#0; is no character: invalid character reference: 0x0 character is not permitted in XML",
        ),
        (
            "<testcase name='m'><failure>a\0b</failure></testcase>",
            "4: message: must not hold the NUL character, which stands at character 2",
        ),
        ("<testcase name='a&lol;'/>", "4: testcase.name: at 2..5: unrecognized entity `lol`"),
        ("</testcase>", "4: is not XML: ill-formed document: expected `</testsuite>`, but `</testcase>` was found"),
        (
            "<testcase name='m' name='o'/>",
            "4: is not XML: position 18: duplicated attribute, previous declaration at position 9",
        ),
    ];
    for (bad, expected) in spoiled {
        assert_refused(database, &before, "r.xml", in_suite(bad).into(), expected).await;
    }
    let too_long = in_suite(&format!("<testcase name='{long}'/>"));
    let expected = "4: testcase.name: must have 1 to 650 characters, has 651";
    assert_refused(database, &before, "r.xml", too_long.into(), expected).await;
    let too_long = in_suite(&format!("<testcase classname='{}' name='m'/>", &long[..256]));
    let expected = "4: testcase.classname: must have 1 to 255 characters, has 256";
    assert_refused(database, &before, "r.xml", too_long.into(), expected).await;

    let whole: &[(&[u8], &str)] = &[
        (b"", "1: the file holds no report"),
        (b"\n<html>\n</html>", "2: <html> begins no JUnit report; <testsuites> or <testsuite> does"),
        (b"<testsuite/>\n<testsuite/>", "2: <testsuite> begins a second report in the same file"),
        (
            b"<testsuite>\n<testcase name='n'/></testsuite>",
            "2: testcase.classname: is missing or empty, and no <testsuite> around has a name that could stand for it",
        ),
        (
            b"<testsuites>\n<testsuite name='s'>\n<testcase name='n'/>\n",
            "4: the file ends inside <testsuite>, which begins in line 2",
        ),
        (
            b"<testsuites>\n<testsuite name='s'>\n<testcase name=",
            "3: is not XML: tag not closed: `>` not found before end of input",
        ),
        (
            b"<testsuite name='s'>\n<testcase name='n'><failure>\n\nab\xff</failure></testcase></testsuite>",
            "4: the byte 0xFF is not UTF-8",
        ),
        (
            b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite/>",
            "1: the file says that it is in \"ISO-8859-1\"; it must be in UTF-8",
        ),
        (
            b"<?xml version='1.0'?>\n<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<testsuite/>",
            "2: a document type (<!DOCTYPE …>) is not allowed",
        ),
    ];
    for (text, expected) in whole {
        assert_refused(database, &before, "r.xml", text.to_vec(), expected).await;
    }
    let deep = "<testsuite>".repeat(1000);
    assert_refused(database, &before, "r.xml", deep.into(), "1: elements are nested more than 100 deep").await;
}

async fn wrong_formats_and_options(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let report = r#"<testsuite name="s"><testcase name="n"/></testsuite>"#;
    for (name, text, options, expected) in [
        (
            "standard input",
            "name;status",
            ImportOptions::default(),
            "standard input: is neither NDJSON, which begins with '{', nor JUnit XML, which begins with '<'; \
             if it is one of them, say which format it has (--format)",
        ),
        (
            "r.xml",
            report,
            ImportOptions::default(),
            "r.xml: a JUnit report names no project; say which project it belongs to (--project)",
        ),
        (
            "a.ndjson",
            GOOD,
            of_project("P"),
            "a.ndjson: NDJSON names a project in each line, so no other project can be given for it",
        ),
    ] {
        let error = import_text(database, name, text, &options).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(Tables::read(database).await.counts(), [0; 4]);
}
