//! Search, asked in process: what is found, in which order, and that both databases agree.

mod alike;
mod found;
mod graphql;
mod plans;
mod words;

use sea_orm::DbBackend;
use throughline::access::Caller;
use throughline::database::Database;
use throughline::search::{Hit, Kind, Page, Place, Query, count, find};

use crate::support::Rows;

/// The first hits of a query, over all kinds.
async fn search(database: &Database, query: &str, after: Option<Place>, limit: u64) -> Page {
    find(database, &Caller::local_owner(), &Query::parse(query), &Kind::ALL, after, limit).await.unwrap()
}

/// How many hits a query has, over all kinds.
async fn total(database: &Database, query: &str) -> i64 {
    count(database, &Caller::local_owner(), &Query::parse(query), &Kind::ALL).await.unwrap()
}

/// How well a hit fits, in thousandths.
#[expect(clippy::cast_possible_truncation, reason = "a rank is 0 to 1")]
fn thousandths(hit: &Hit) -> i32 {
    (hit.rank * 1000.0).round() as i32
}

/// The place after a page.
fn end(page: &Page) -> Option<Place> {
    page.hits.last().map(|hit| Place { rank: hit.rank, id: hit.id })
}

/// Projects and features by the thousand: 100 projects with 300 features each, whose words are as common as they say: `common` is
/// in every text, `thousandth42` in one of a thousand.
async fn fill(database: &Database) {
    let rows = Rows::of(database);
    let sqlite = database.backend() == DbBackend::Sqlite;
    let id = if sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let numbers = |last: u32| {
        format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})")
    };
    for sql in [
        format!(
            "INSERT INTO projects (id, name, description, created_at, updated_at) {}
             SELECT {id}, 'project ' || n, 'Common text, and tenth' || (n % 10) || '.', @now, @now FROM numbers",
            numbers(100)
        ),
        format!(
            "INSERT INTO features (id, project_id, name, description, priority, created_at, updated_at) {}
             SELECT {id}, projects.id, 'feature ' || n, 'Common text of <' || projects.name || '>, thousandth' || ((n + 300 * CAST(substr(projects.name, 9) AS integer)) % 1000)
                    || CASE WHEN n = 7 AND projects.name = 'project 5' THEN ', the rarest of all' ELSE '' END,
                    5, @now, @now
             FROM projects CROSS JOIN numbers",
            numbers(300)
        ),
        if sqlite { "ANALYZE".to_owned() } else { "VACUUM ANALYZE".to_owned() },
    ] {
        rows.run(&sql).await.unwrap();
    }
}
