//! A count of statements, for tests that promise one.

use std::sync::{Arc, Mutex};

use throughline::database::Database;

/// The text of each statement that a database ran, in order; `BEGIN` and `COMMIT` are not among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    texts: Arc<Mutex<Vec<String>>>,
}

impl Statements {
    /// Begins to record. What was cloned from `database` before is not observed.
    pub(crate) fn observe(database: &mut Database) -> Self {
        let statements = Self::default();
        let texts = Arc::clone(&statements.texts);
        database.observe_statements(move |info| texts.lock().unwrap().push(info.statement.sql.clone()));
        statements
    }

    /// How many there were since the last [`Self::take`].
    pub(crate) fn count(&self) -> usize {
        self.texts.lock().unwrap().len()
    }

    /// Hands out the texts and begins again at none.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.texts.lock().unwrap())
    }
}
