//! Test reports as JUnit XML, in the dialects of those who write them.

use std::fmt::Write;

use entity::feature::FeatureStatus;
use entity::test_case::TestStatus;
use throughline::import::{ImportOptions, Report, Tally};

use super::{Tables, created, import_text, left, of_project};
use crate::support::{Backend, TestDatabase};

on_both!(
    a_large_report_comes_in_once,
    pytest,
    nextest,
    surefire,
    vitest,
    go_junit_report,
    other_dialects,
    a_feature_that_is_there_is_left_alone,
    a_class_may_go_on_in_any_batch,
    a_long_message_is_cut,
);

async fn a_large_report_comes_in_once(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let text = include_str!("../data/networkx-junit.xml");
    let report = import_text(database, "networkx-junit.xml", text, &of_project("networkx")).await.unwrap();
    let expected = Report {
        dry_run: false,
        projects: created(1),
        features: created(129),
        tests: created(1988),
        deployments: Tally::default(),
    };
    assert_eq!(report, expected);
    let tables = Tables::read(database).await;
    let count = |status| tables.tests.iter().filter(|test| test.status == status).count();
    assert_eq!((count(TestStatus::Passed), count(TestStatus::Skipped), tables.tests.len()), (1920, 68, 1988));
    assert!(tables.view == tables.expected_view(), "the read model differs from the tables");
    let skipped = tables.test("networkx.algorithms.tree.tests.test_branchings");
    assert_eq!(
        skipped.message.as_deref().unwrap(),
        "collection skipped\n('networkx/algorithms/tree/tests/test_branchings.py', 9, \
         \"Skipped: could not import 'numpy': No module named 'numpy'\")"
    );

    let report = import_text(database, "networkx-junit.xml", text, &of_project("networkx")).await.unwrap();
    assert_eq!((report.projects, report.features, report.tests), (left(1), left(129), left(1988)));
    assert!(tables == Tables::read(database).await, "a second import changed something");
}

/// What a report says of its tests, in the order of the file: feature, name, status, milliseconds, message.
type Expected = (&'static str, &'static str, TestStatus, Option<i32>, Option<&'static str>);

async fn expect(backend: Backend, text: &str, expected: &[Expected]) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    import_text(database, "report.xml", text, &of_project("P")).await.unwrap();
    let tables = Tables::read(database).await;
    let feature = |id| tables.features.iter().find(|feature| feature.id == id).unwrap().name.as_str();
    let mut actual: Vec<_> = tables
        .tests
        .iter()
        .map(|test| {
            let (name, message) = (test.name.as_str(), test.message.as_deref());
            (feature(test.feature_id), name, test.status, test.duration_ms, message)
        })
        .collect();
    let mut expected = expected.to_vec();
    // A batch writes feature by feature, so that tests of one feature follow each other.
    actual.sort_by_key(|test| (test.0, test.1));
    expected.sort_by_key(|test| (test.0, test.1));
    assert_eq!(actual, expected);
    assert_eq!(tables.view, tables.expected_view());
}

async fn pytest(backend: Backend) {
    let cart = "shop.test_cart";
    let expected = [
        (cart, "test_total[EUR-1]", TestStatus::Passed, Some(2), None),
        (
            cart,
            "test_discount",
            TestStatus::Failed,
            Some(4),
            Some(
                "AssertionError: assert 9 == 10\n +  where 9 = total()\n\
                 def test_discount():\n>       assert total() == 10\nE       assert 9 == 10",
            ),
        ),
        (
            cart,
            "test_teardown",
            TestStatus::Failed,
            Some(1),
            Some("failed on teardown with \"OSError\"\nOSError: gone"),
        ),
        (
            "pytest",
            "shop.test_numpy",
            TestStatus::Skipped,
            Some(0),
            Some("collection skipped\n('shop/test_numpy.py', 9, 'no numpy')"),
        ),
    ];
    expect(backend, include_str!("../data/pytest.xml"), &expected).await;
}

async fn nextest(backend: Backend) {
    let it = "ledger::it";
    let expected = [
        (it, "posts::balances", TestStatus::Passed, Some(10), None),
        (it, "posts::flaky", TestStatus::Passed, Some(12), None),
        (
            it,
            "posts::broken",
            TestStatus::Failed,
            Some(13),
            // The text begins with the message.
            Some("thread 'posts::broken' panicked at tests/it.rs:4:5:\nleft: 1, right: 2"),
        ),
    ];
    expect(backend, include_str!("../data/nextest.xml"), &expected).await;
}

async fn surefire(backend: Backend) {
    let class = "org.example.OrderTest";
    let expected = [
        (class, "longRun", TestStatus::Passed, Some(1_234_500), None),
        (
            class,
            "refuses",
            TestStatus::Failed,
            Some(4),
            Some(
                "no <order>\njava.lang.IllegalStateException: no <order>\n\
                 \tat org.example.OrderTest.refuses(OrderTest.java:12)",
            ),
        ),
        (class, "later", TestStatus::Skipped, Some(0), Some("not yet")),
    ];
    expect(backend, include_str!("../data/surefire.xml"), &expected).await;
}

async fn vitest(backend: Backend) {
    let file = "src/cart.test.ts";
    let expected = [
        (file, "cart > adds \"one\"", TestStatus::Passed, Some(1), None),
        (
            file,
            "cart > takes \u{1F6D2}",
            TestStatus::Failed,
            Some(3),
            Some(
                "expected 1 to be 2 // Object.is equality\n\
                 AssertionError: expected 1 to be 2 // Object.is equality\n ❯ src/cart.test.ts:8:15",
            ),
        ),
        (file, "cart > later", TestStatus::Skipped, Some(0), None),
    ];
    expect(backend, include_str!("../data/vitest.xml"), &expected).await;
}

async fn go_junit_report(backend: Backend) {
    let package = "example.org/queue";
    let expected = [
        (package, "TestPush", TestStatus::Passed, Some(10), None),
        (package, "TestPop/empty", TestStatus::Failed, Some(100), Some("Failed\nqueue_test.go:21: got 1")),
        (package, "TestSlow", TestStatus::Skipped, Some(0), Some("Skipped\nqueue_test.go:30: short mode")),
    ];
    expect(backend, include_str!("../data/go-junit-report.xml"), &expected).await;
}

async fn other_dialects(backend: Backend) {
    let text = r#"<!-- made by hand -->
<?hint none?>
<testsuites>
  <testcase classname="direct" name="in testsuites"/>
  <testsuite name="outer">
    <testsuite name="">
      <testsuite>
        <testcase name="of the nearest suite with a name"/>
      </testsuite>
    </testsuite>
    <testcase classname="gtest" name="DISABLED_one" status="notrun" time="0."/>
    <testcase classname="gtest" name="run" status="run" time="1">
      <skipped/>
      <failure message="one"/>
      <failure>two <![CDATA[<&>]]> &amp;&#33;</failure>
    </testcase>
  </testsuite>
</testsuites>
"#;
    let expected = [
        ("direct", "in testsuites", TestStatus::Passed, None, None),
        ("outer", "of the nearest suite with a name", TestStatus::Passed, None, None),
        ("gtest", "DISABLED_one", TestStatus::Skipped, Some(0), None),
        ("gtest", "run", TestStatus::Failed, Some(1000), Some("one\ntwo <&> &!")),
    ];
    expect(backend, text, &expected).await;
}

async fn a_feature_that_is_there_is_left_alone(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let line = r#"{"project":"P","feature":{"name":"there","description":"d","priority":9,"status":"completed"}}"#;
    import_text(database, "a.ndjson", line, &ImportOptions::default()).await.unwrap();
    let before = Tables::read(database).await;
    let text = r#"<testsuite><testcase classname="there" name="t"/><testcase classname="new" name="t"/></testsuite>"#;
    let report = import_text(database, "report.xml", text, &of_project("P")).await.unwrap();
    assert_eq!(report.projects, left(1));
    assert_eq!(report.features, Tally { created: 1, updated: 0, left: 1 });
    let after = Tables::read(database).await;
    assert_eq!(after.features[0], before.features[0]);
    assert_eq!((after.features[1].priority, after.features[1].status), (1, FeatureStatus::InProgress));
    assert_eq!(after.view, after.expected_view());
}

async fn a_class_may_go_on_in_any_batch(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let report = |outcome: &str| {
        let mut text = "<testsuites><testsuite>\n".to_owned();
        for number in 0..3500 {
            let class = ["one", "other", "third"][number % 3];
            writeln!(text, r#"<testcase classname="{class}" name="test {number}">{outcome}</testcase>"#).unwrap();
        }
        text + "</testsuite></testsuites>"
    };
    let first = import_text(database, "report.xml", report(""), &of_project("P")).await.unwrap();
    assert_eq!((first.projects, first.features, first.tests), (created(1), created(3), created(3500)));
    let second = import_text(database, "report.xml", report("<skipped/>"), &of_project("P")).await.unwrap();
    assert_eq!((second.projects, second.features), (left(1), left(3)));
    assert_eq!(second.tests, Tally { created: 0, updated: 3500, left: 0 });
    let tables = Tables::read(database).await;
    assert!(tables.tests.iter().all(|test| test.row_version == 2 && test.status == TestStatus::Skipped));
    assert_eq!(tables.view, tables.expected_view());
}

async fn a_long_message_is_cut(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let log = "0123456789&amp;".repeat(20_000);
    let text = format!(
        r#"<testsuite name="s"><testcase name="t"><failure message="m">{log}</failure></testcase></testsuite>"#
    );
    import_text(database, "report.xml", text, &of_project("P")).await.unwrap();
    let message = Tables::read(database).await.tests.remove(0).message.unwrap();
    assert!(message.starts_with("m\n0123456789&0123456789&"));
    assert!(message.ends_with("\n[cut after 64 KiB]"));
    assert_eq!(message.len(), 64 * 1024 + "\n[cut after 64 KiB]".len());
}
