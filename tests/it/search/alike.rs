//! Both databases find the same with the same ranks and marks: in the demo, for words, phrases and beginnings taken from it.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait as _, Statement};
use throughline::database::Database;

use super::{search, total};
use crate::support::{Backend, TestDatabase, leaves_postgres_out};

/// Of each sort of queries, one in so many is asked.
const ONE_IN: usize = 37;

#[tokio::test]
async fn both_databases_tell_the_same_story() {
    if leaves_postgres_out() {
        return;
    }
    let sqlite = TestDatabase::with_demo(Backend::Sqlite).await;
    let postgres = TestDatabase::with_demo(Backend::Postgres).await;
    let queries = queries(&texts(&sqlite.database).await);
    assert!(queries.len() > 500, "{}", queries.len());
    let (mut hits, mut without) = (0, 0);
    for query in &queries {
        let found = hits_of(&sqlite.database, query).await;
        assert_eq!(found, hits_of(&postgres.database, query).await, "{query}");
        hits += found.len();
        without += usize::from(found.is_empty());
    }
    assert!(hits > 5 * queries.len() && without < queries.len() / 20, "{hits} hits, {without} queries without any");
}

/// All hits, by rank and text: the ids are each database's own.
async fn hits_of(database: &Database, query: &str) -> Vec<(u64, String, String)> {
    let page = search(database, query, None, 10_000).await;
    assert_eq!(usize::try_from(total(database, query).await).unwrap(), page.hits.len(), "{query}");
    let mut hits: Vec<_> = page
        .hits
        .into_iter()
        .map(|hit| (hit.rank.to_bits(), hit.title, format!("{:?}: {}", hit.kind, hit.snippet)))
        .collect();
    hits.sort();
    hits
}

/// The name and description of each feature and project, in the order of the alphabet.
async fn texts(database: &Database) -> Vec<String> {
    let sql = "SELECT name FROM features UNION SELECT description FROM features WHERE description IS NOT NULL
               UNION SELECT name FROM projects ORDER BY 1";
    let rows = database.reader().query_all_raw(Statement::from_string(database.backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// What someone might type who has the texts before him.
fn queries(texts: &[String]) -> BTreeSet<String> {
    let one_in = |queries: BTreeSet<String>| queries.into_iter().step_by(ONE_IN);
    let chunks = || texts.iter().map(|text| text.split_whitespace().collect::<Vec<_>>());
    let words = one_in(chunks().flatten().map(str::to_owned).collect());
    let whole = one_in(texts.iter().filter(|text| text.len() < 60).cloned().collect());
    let pairs = || chunks().flat_map(|words| words.windows(2).map(|pair| pair.join(" ")).collect::<Vec<_>>());
    let pairs = one_in(pairs().step_by(8).collect::<BTreeSet<_>>());
    let mut queries = BTreeSet::new();
    for (number, word) in words.enumerate() {
        let beginning: String = word.chars().take(3).collect();
        queries.insert(format!("{beginning}*"));
        if number % 5 == 0 {
            queries.insert(format!("the -{word}"));
        }
        queries.insert(word);
    }
    queries.extend(whole.flat_map(|text| [format!("\"{text}\""), text]));
    queries.extend(pairs.flat_map(|pair| [format!("\"{pair}\""), format!("\"{pair}\"*"), format!("{pair}*"), pair]));
    queries
}
