//! Rows by raw SQL, for tests that ask the database itself rather than the product.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TryGetable};
use throughline::database::Database;

/// Inserts by raw SQL that reads the same on both databases.
pub(crate) struct Rows<'a> {
    connection: &'a DatabaseConnection,
}

impl<'a> Rows<'a> {
    /// Writes to `database`.
    pub(crate) fn of(database: &'a Database) -> Self {
        Self { connection: database.writer() }
    }

    /// The id of row `@number`, as clients name it.
    pub(crate) fn id(prefix: &'static str, number: u32) -> String {
        throughline::batch::id::format(prefix, uuid(number).parse().unwrap())
    }

    /// Runs one statement in which `@1` … stand for ids, `@now` for a time, and `@hash` for the hash of an
    /// event.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), DbErr> {
        let sqlite = self.connection.get_database_backend() == DbBackend::Sqlite;
        let hash = "00".repeat(32);
        let hash = if sqlite { format!("x'{hash}'") } else { format!("'\\x{hash}'") };
        let mut spelled = sql.replace("@now", "'2026-01-02T03:04:05+00:00'").replace("@hash", &hash);
        // From the last, or `@1` would be found in `@12`.
        for number in (1..=99).rev() {
            let id = uuid(number);
            let literal = if sqlite { format!("x'{}'", id.replace('-', "")) } else { format!("'{id}'") };
            spelled = spelled.replace(&format!("@{number}"), &literal);
        }
        self.connection.execute_unprepared(&spelled).await.map(drop)
    }

    /// Project `@1`.
    pub(crate) async fn add_project(&self) {
        self.run("INSERT INTO projects (id, name, created_at, updated_at) VALUES (@1, 'one', @now, @now)")
            .await
            .unwrap();
    }

    /// Feature `@{id}` of project `@1`.
    pub(crate) async fn add_feature(&self, id: u32, name: &str, description: &str) {
        self.run(&format!(
            "INSERT INTO features (id, project_id, name, description, priority, created_at, updated_at) \
             VALUES (@{id}, @1, '{name}', '{description}', 5, @now, @now)"
        ))
        .await
        .unwrap();
    }

    /// The one number that a query answers.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.connection.get_database_backend(), sql);
        self.connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }
}

fn uuid(number: u32) -> String {
    format!("0198f2c4-0000-7000-8000-0000000000{number:02}")
}

/// Each row of a query, its columns joined by ` | `.
pub(crate) async fn query_texts(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| {
            let columns = 0..row.column_names().len();
            let texts = columns.map(|index| {
                Option::<String>::try_get_by_index(row, index).unwrap().unwrap_or_else(|| "NULL".to_owned())
            });
            texts.collect::<Vec<_>>().join(" | ")
        })
        .collect()
}
