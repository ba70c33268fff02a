//! What is found, and in which order.

use throughline::access::Caller;
use throughline::search::{Hit, Kind, Page, Place, Query, count, find};

use super::{end, search, thousandths, total};
use crate::support::{Backend, Rows, TestDatabase};

on_both!(
    where_terms_stand_ranks_a_hit,
    terms_phrases_prefixes_and_exclusions,
    letters_of_all_alphabets,
    what_is_deleted_or_changed_is_not_found,
    pages_follow_each_other,
    text_comes_back_with_marks,
    odd_input_is_no_error,
    long_text_is_kept_and_found,
);

async fn names(test: &TestDatabase, query: &str) -> Vec<String> {
    let page = search(&test.database, query, None, 100).await;
    assert_eq!(total(&test.database, query).await, i64::try_from(page.hits.len()).unwrap(), "{query}");
    let plain = |hit: &Hit| hit.title.replace("<mark>", "").replace("</mark>", "");
    page.hits.iter().map(plain).collect()
}

async fn where_terms_stand_ranks_a_hit(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    rows.run(
        "INSERT INTO projects (id, name, description, created_at, updated_at) VALUES (@1, 'Grid', NULL, @now, @now)",
    )
    .await
    .unwrap();
    for (id, name, description) in [
        (10, "Flexbox", "Not a grid layout"),
        (11, "Layout", "Of a grid"),
        (12, "Subgrid in a grid", ""),
        (13, "Grid layout", "Rows and columns"),
        (14, "The grid layout", "grid layout"),
        (15, "A layout with a grid", ""),
        (16, "Grid layout animations", "More"),
        (17, "Boxes", "A layout without any grid"),
    ] {
        rows.add_feature(id, name, description).await;
    }
    let found = names(&test, "grid layout").await;
    assert_eq!(
        found,
        [
            "Grid layout",
            "Grid layout animations",
            "The grid layout",
            "A layout with a grid",
            "Layout",
            "Flexbox",
            "Boxes"
        ]
    );
    let page = search(&test.database, "grid", None, 100).await;
    let ranks: Vec<_> = page.hits.iter().map(thousandths).collect();
    assert_eq!(ranks, [1000, 849, 833, 733, 724, 719, 200, 200, 200]);
    assert_eq!((page.hits[0].kind, page.hits[1].kind), (Kind::Project, Kind::Feature));
    // One word of two in the name, and a prefix where the name is longer.
    assert_eq!(thousandths(&search(&test.database, "layout rows", None, 1).await.hits[0]), 300 + 100 + 99);
    assert_eq!(names(&test, "grid lay*").await[..2], ["Grid layout", "Grid layout animations"]);
    assert_eq!(names(&test, "gri* lay*").await[0], "Grid layout");
}

async fn terms_phrases_prefixes_and_exclusions(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    rows.add_project().await;
    for (id, name, description) in [
        (10, "<a>", "The <a> element makes a hyperlink."),
        (11, ":is()", "Matches api.Document.querySelector, e.g. :is(a)"),
        (12, "-webkit-line-clamp", "Cuts lines"),
        (13, "Service workers", "A worker in service; see https://example.org/a/b?c=d"),
        (14, "3d-transforms", "Version 1.5e3 of 2026-01-02 is -5 % of a@example.com"),
        (15, "Don''t", "well-known, it''s"),
        (16, "Split", "the end"),
    ] {
        rows.add_feature(id, name, description).await;
    }
    let every = ["&lt;a&gt;", "Service workers", "3d-transforms", ":is()"];
    for (query, expected) in [
        ("<a>", &["&lt;a&gt;", ":is()", "Service workers", "3d-transforms"] as &[&str]),
        ("\"api document\"", &[":is()"]),
        ("api.Document.querySel*", &[":is()"]),
        ("document api", &[":is()"]),
        ("\"document api\"", &[]),
        ("-webkit-line", &["-webkit-line-clamp"]),
        ("service worker", &["Service workers"]),
        ("\"service worker\"", &[]),
        ("\"service worker\"*", &["Service workers"]),
        ("https://example.org/a", &["Service workers"]),
        ("\"example org a b\" -service", &[]),
        ("example -service", &["3d-transforms"]),
        ("example -\"in service\"", &["3d-transforms"]),
        ("example -serv*", &["3d-transforms"]),
        ("a -\"service in\" -example", &["&lt;a&gt;", ":is()"]),
        ("a@example.com", &["3d-transforms"]),
        ("1.5e3 2026-01-02 -6", &["3d-transforms"]),
        ("5e3", &["3d-transforms"]),
        ("don't", &["Don&#39;t"]),
        ("known it", &["Don&#39;t"]),
        // A phrase does not begin in the name and end in the description.
        ("\"split the\"", &[]),
        ("split the", &["Split"]),
        ("ONE", &["one"]),
        ("nowhere", &[]),
        ("", &[]),
    ] {
        assert_eq!(names(&test, query).await, expected, "{query}");
    }
    assert_eq!(names(&test, "a").await.len(), every.len());
    let (database, caller) = (&test.database, Caller::local_owner());
    for (kinds, expected) in [(&[Kind::Project] as &[Kind], 1), (&[Kind::Feature], 0), (&[], 0), (&Kind::ALL, 1)] {
        let query = Query::parse("one");
        assert_eq!(find(database, &caller, &query, kinds, None, 9).await.unwrap().hits.len(), expected);
        let counted = count(database, &caller, &query, kinds).await.unwrap();
        assert_eq!(counted, i64::try_from(expected).unwrap());
    }
}

async fn letters_of_all_alphabets(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    rows.add_project().await;
    for (id, name) in [
        (10, "Crème brûlée"),
        (11, "Полнотекстовый ПОИСК"),
        (12, "ΣΟΦΟΣ"),
        (13, "全文検索、日本語"),
        (14, "ŁÓDŹ & Straße"),
        (15, "cafe\u{301} 🎉 party"),
        (16, "हिन्दी खोज"),
        (17, "ＦＵＬＬ width"),
    ] {
        rows.add_feature(id, name, "").await;
    }
    for (query, id) in [
        ("creme BRULEE", 10),
        ("brûl*", 10),
        ("поиск", 11),
        ("полно*", 11),
        ("σοφος", 12),
        ("全文検索", 13),
        ("日本*", 13),
        ("łodz STRASSE*", 0),
        ("łodz straße", 14),
        ("CAFÉ party", 15),
        ("\"café party\"", 15),
        ("🎉 party", 15),
        ("हिन्दी", 16),
        ("ｆｕｌｌ", 17),
    ] {
        let hits = search(&test.database, query, None, 9).await.hits;
        let found: Vec<_> = hits.iter().map(|hit| throughline::batch::id::format("feature", hit.id)).collect();
        let expected: Vec<_> = (id > 0).then(|| Rows::id("feature", id)).into_iter().collect();
        assert_eq!(found, expected, "{query}");
    }
}

async fn what_is_deleted_or_changed_is_not_found(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    rows.add_project().await;
    rows.add_feature(10, "Grid layout", "Rows").await;
    rows.add_feature(11, "Grid lines", "Columns").await;
    assert_eq!(names(&test, "grid").await.len(), 2);
    rows.run("UPDATE features SET deleted_at = @now WHERE id = @10").await.unwrap();
    assert_eq!(names(&test, "grid").await, ["Grid lines"]);
    rows.run("UPDATE features SET deleted_at = NULL, name = 'Flow', description = NULL WHERE id = @10").await.unwrap();
    assert_eq!(names(&test, "grid").await, ["Grid lines"]);
    assert_eq!(names(&test, "rows").await, <[&str; 0]>::default());
    assert_eq!(names(&test, "flow").await, ["Flow"]);
    rows.run("UPDATE projects SET name = 'Two', description = 'Has lines' WHERE id = @1").await.unwrap();
    assert_eq!(names(&test, "one").await, <[&str; 0]>::default());
    assert_eq!(names(&test, "lines").await, ["Grid lines", "Two"]);
    rows.run("DELETE FROM features WHERE id = @11").await.unwrap();
    assert_eq!(names(&test, "lines").await, ["Two"]);
    rows.run("DELETE FROM projects WHERE id = @1").await.unwrap();
    assert_eq!(names(&test, "lines").await.len() + names(&test, "flow").await.len(), 0);
    for table in ["features", "projects"] {
        let left = match backend {
            Backend::Sqlite => {
                let check = format!("INSERT INTO {table}_text ({table}_text, rank) VALUES ('integrity-check', 1)");
                rows.run(&check).await.unwrap();
                rows.count(&format!("SELECT count(*) FROM {table}_text_rows")).await
            }
            Backend::Postgres => rows.count(&format!("SELECT count(*) FROM {table}_words")).await,
        };
        assert_eq!(left, 0);
    }
}

async fn pages_follow_each_other(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let database = &test.database;
    for query in ["the", "css", "a -css", "web api", "gr*", "nowhere"] {
        let whole = search(database, query, None, 10_000).await;
        assert!(!whole.has_next && !whole.has_previous);
        assert!(whole.hits.is_sorted_by_key(|hit| (-thousandths(hit), hit.id)), "{query}");
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = search(database, query, after, 50).await;
            assert_eq!(page.has_previous, after.is_some(), "{query}");
            assert_eq!(page.has_next, paged.len() + page.hits.len() < whole.hits.len(), "{query}");
            after = end(&page);
            paged.extend(page.hits);
            if !page.has_next {
                break;
            }
        }
        assert_eq!(paged, whole.hits, "{query}");
        if let Some(after) = after {
            let beyond = Page { hits: Vec::new(), has_previous: true, has_next: false };
            assert_eq!(search(database, query, Some(after), 10).await, beyond);
        }
    }
    // A place that no hit has, and places that are none.
    for (rank, previous, next) in
        [(2.0, false, true), (f64::NAN, true, false), (-1e9, true, false), (1e99, false, true)]
    {
        let page = search(database, "the", Some(Place { rank, id: uuid::Uuid::nil() }), 1).await;
        assert_eq!((page.has_previous, page.has_next), (previous, next), "{rank}");
    }
    let nothing = search(database, "the", None, 0).await;
    assert_eq!(nothing, Page { hits: Vec::new(), has_previous: false, has_next: true });
}

async fn text_comes_back_with_marks(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    rows.add_project().await;
    rows.add_feature(10, "<grid> & \"co\"", "Of a\nGRID  and <b>more</b>").await;
    rows.add_feature(11, "Subgrid", "No hit but grid-like").await;
    rows.add_feature(12, "Grid", "Nothing here").await;
    let hits = search(&test.database, "grid", None, 9).await.hits;
    let shown: Vec<_> = hits.iter().map(|hit| (hit.title.as_str(), hit.snippet.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("<mark>Grid</mark>", ""),
            ("&lt;<mark>grid</mark>&gt; &amp; &quot;co&quot;", "Of a <mark>GRID</mark> and &lt;b&gt;more&lt;/b&gt;"),
            ("Subgrid", "No hit but <mark>grid</mark>-like"),
        ]
    );
}

async fn odd_input_is_no_error(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let (ends, words) = ("\"a".repeat(50_000), "grid ".repeat(20_000));
    let long = "x".repeat(100_000);
    let odd = [
        "\"",
        "\"\"",
        "\"\"\"",
        "'",
        "''",
        "\\",
        "\\'",
        "*",
        "**",
        "-",
        "--",
        "-*",
        "^",
        "^a",
        "a^",
        "a*b*",
        "(",
        ")",
        "((a)",
        "{a}:b",
        "name:grid",
        "name : grid",
        "- name : grid",
        "{name description} : grid",
        "NEAR",
        "NEAR(a b, 2)",
        "AND",
        "OR",
        "NOT",
        "NOT a",
        "a AND",
        "AND a OR NOT b",
        "a + b",
        "a & b",
        "a | b",
        "!a",
        "!!a",
        "a <-> b",
        "a <2> b",
        "a:*",
        "a:AB*",
        "'a':1A",
        "a\\:b",
        "%",
        "_",
        "$1",
        "?1",
        "?",
        ":a",
        "@a",
        "#a",
        "/* a",
        "-- a",
        "; DROP TABLE features",
        "\0",
        "a\0b",
        "\u{feff}a",
        "\u{301}",
        "a\u{301}\u{301}*",
        "🎉",
        "👩‍👩‍👧",
        "🇩🇪",
        "\u{202e}abc",
        "\u{10ffff}",
        "\u{e000}*",
        "全文検索*",
        "検索",
        "ﷺ",
        "ß",
        "İ",
        "ı",
        "ǅ",
        "ﬀ",
        "Ω*",
        "\r\n\t",
        "null",
        "1e999",
        "-1",
        "0x00",
        &ends,
        &words,
        &long,
    ];
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(below).unwrap()).unwrap()
    };
    let parts = [
        "a", "grid", "\"", "-", "*", " ", "'", "(", ")", ":", "^", "&", "|", "!", "é", "語", "\0", "\\", "<->", "AND",
        "NOT",
    ];
    let random = (0..300).map(|_| (0..next(12)).map(|_| parts[next(parts.len())]).collect::<String>());
    for query in odd.iter().map(|query| (*query).to_owned()).chain(random.collect::<Vec<_>>()) {
        let page = search(&test.database, &query, None, 3).await;
        let shown: String = query.chars().take(60).collect();
        assert_eq!(total(&test.database, &query).await == 0, page.hits.is_empty(), "{shown:?}");
        let marked = |hit: &Hit| hit.title.contains("<mark>") || hit.snippet.contains("<mark>");
        assert!(page.hits.iter().all(marked), "{shown:?}: {:?}", page.hits);
    }
}

/// No text is refused that was not before, and what is too long to be found whole is found by its beginning.
async fn long_text_is_kept_and_found(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    let word = "é".repeat(3_000);
    let many = (0..40_000).fold(String::new(), |text, number| text + &format!("word{number} "));
    let (word, many) = (format!("{word} short"), format!("{many} last words"));
    for (id, text) in [(1, word), (2, many)] {
        rows.run(&format!(
            "INSERT INTO projects (id, name, description, created_at, updated_at) VALUES (@{id}, '{id}', '{text}', @now, @now)"
        ))
        .await
        .unwrap();
    }
    for (query, expected) in [
        (format!("{} short", "e".repeat(3_000)), 1),
        ("e".repeat(100), 0),
        (format!("{}*", "e".repeat(100)), 1),
        ("short".to_owned(), 1),
        ("\"word20000 word20001\"".to_owned(), 1),
        ("\"word20000 word20002\"".to_owned(), 0),
        ("word99".to_owned(), 1),
    ] {
        assert_eq!(total(&test.database, &query).await, expected, "{query:.20}");
    }
    let hit = search(&test.database, "\"word20000 word20001\"", None, 1).await.hits.remove(0);
    assert!(hit.snippet.contains("word19999 <mark>word20000 word20001</mark> word20002"), "{}", hit.snippet);
}
