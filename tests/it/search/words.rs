//! The words of a text are the same to FTS5, to PostgreSQL and to us.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, Statement};
use throughline::database::Database;
use throughline::search::{Query, mark};

use crate::support::{Backend, TestDatabase, leaves_postgres_out};

/// The code points to be asked of: what is beyond is not assigned, or ideographs, and part of a word like these.
const ASKED: &str = "n BETWEEN 1 AND 55295 OR n BETWEEN 57344 AND 140000 OR n BETWEEN 917504 AND 920000";

/// Each code point between two letters, and what words it makes of them, where that is not one word with the code point
/// in it as it is.
type Exceptions = BTreeMap<i64, String>;

#[tokio::test]
async fn all_agree_on_each_code_point() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let writer = test.database.writer();
    for sql in [
        "CREATE VIRTUAL TABLE texts USING fts5 (text)".to_owned(),
        "CREATE VIRTUAL TABLE words USING fts5vocab (texts, instance)".to_owned(),
        format!(
            "WITH RECURSIVE codes (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM codes WHERE n < 920000)
             INSERT INTO texts (rowid, text) SELECT n, 'b' || char(n) || 'b' FROM codes WHERE {ASKED}"
        ),
    ] {
        writer.execute_unprepared(&sql).await.unwrap();
    }
    let sqlite = exceptions(
        &test.database,
        "SELECT doc, group_concat(term, ', ' ORDER BY offset) FROM words GROUP BY doc
         HAVING count(*) > 1 OR min(term) <> 'b' || char(doc) || 'b'",
    )
    .await;
    assert!(sqlite.len() > 5_000, "{}", sqlite.len());
    assert_eq!(sqlite[&i64::from(u32::from('É'))], "beb");

    let ours: Exceptions = ('\u{1}'..='\u{222e0}')
        .chain('\u{e0000}'..='\u{e09c0}')
        .filter_map(|c| {
            let typed = format!("b{c}b");
            let query = Query::parse(&format!("\"{typed}\""));
            let words = query.terms()[0].words().join(", ");
            (words != typed).then(|| (i64::from(u32::from(c)), words))
        })
        .collect();
    // A quotation ends at a quote, which separates words as well.
    let quotes = ['"', '“', '”', '„'].map(|c| i64::from(u32::from(c)));
    let without_quotes = |of: &Exceptions| {
        of.iter().filter(|(code, _)| !quotes.contains(code)).map(|(code, text)| (*code, text.clone())).collect()
    };
    assert_same(&without_quotes(&ours), &without_quotes(&sqlite));
    for quote in ['"', '“', '”', '„'] {
        assert!(mark(&format!("b{quote}b"), &Query::parse("b")).matches("<mark>b</mark>").count() == 2);
    }

    if !leaves_postgres_out() {
        let test = TestDatabase::new(Backend::Postgres).await;
        let postgres = exceptions(
            &test.database,
            &format!(
                "SELECT n::bigint, replace(btrim(words), '  ', ', ') FROM (
                SELECT n, search_words('b' || chr(n) || 'b') AS words
                FROM generate_series(1, 920000) AS n WHERE {ASKED} OFFSET 0) AS w
             WHERE words <> ' b' || chr(n) || 'b '"
            ),
        )
        .await;
        assert_same(&postgres, &sqlite);
    }
}

async fn exceptions(database: &Database, sql: &str) -> Exceptions {
    let statement = Statement::from_string(database.backend(), sql);
    let rows = database.writer().query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

fn assert_same(left: &Exceptions, right: &Exceptions) {
    let differ: Vec<_> = left.iter().filter(|(code, text)| right.get(code) != Some(text)).take(10).collect();
    let missing: Vec<_> = right.iter().filter(|(code, _)| !left.contains_key(code)).take(10).collect();
    assert!(differ.is_empty() && missing.is_empty(), "differ: {differ:x?}\nmissing: {missing:x?}");
}
