//! A count of statements, for tests that promise one, and how the databases run them.

use std::sync::{Arc, Mutex};

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use throughline::database::Database;

/// Each statement that a database ran, in order; `BEGIN` and `COMMIT` are not among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    statements: Arc<Mutex<Vec<Statement>>>,
}

impl Statements {
    /// Begins to record. What was cloned from `database` before is not observed.
    pub(crate) fn observe(database: &mut Database) -> Self {
        let statements = Self::default();
        let seen = Arc::clone(&statements.statements);
        database.observe_statements(move |info| seen.lock().unwrap().push(info.statement.clone()));
        statements
    }

    /// How many there were since the last [`Self::take`].
    pub(crate) fn count(&self) -> usize {
        self.statements.lock().unwrap().len()
    }

    /// Hands out the texts and begins again at none.
    pub(crate) fn take(&self) -> Vec<String> {
        self.take_whole().into_iter().map(|statement| statement.sql).collect()
    }

    /// Hands out the statements with their values, and begins again at none.
    pub(crate) fn take_whole(&self) -> Vec<Statement> {
        std::mem::take(&mut self.statements.lock().unwrap())
    }
}

/// How the planner runs a statement, a line for each step; on PostgreSQL asked for in these words.
pub(crate) async fn plan_of(database: &Database, statement: &Statement, on_postgres: &str) -> String {
    let (words, column) = match database.backend() {
        DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        _ => (on_postgres, 0),
    };
    let explain = Statement { sql: format!("{words} {}", statement.sql), ..statement.clone() };
    let rows = database.reader().query_all_raw(explain).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap() + "\n").collect()
}
