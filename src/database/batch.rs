//! Statements that write together. PostgreSQL gets them as one statement, whose parts all see the database as it was before:
//! one round trip, and all or nothing without a word more. SQLite gets them one after the other, in one text: a writer's connection has a
//! thread of its own, which is then woken once.
//!
//! **Invariant:** no part reads what another part writes. [`crate::write_transaction`] alone runs a batch.

use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value};

use super::row_set::RowSet;

/// Statements that write together.
#[derive(Debug)]
pub struct Batch {
    backend: DbBackend,
    parts: Vec<Part>,
    parameters: Parameters,
}

/// The parameters of a statement that is being written.
#[derive(Debug)]
pub struct Parameters {
    backend: DbBackend,
    values: Vec<Value>,
}

#[derive(Debug)]
struct Part {
    text: String,
    /// The values of its own statement, on SQLite.
    values: Vec<Value>,
    /// How many rows it must return, or the database is not what the writer has read.
    expected: Option<usize>,
}

impl Parameters {
    fn new(backend: DbBackend) -> Self {
        Self { backend, values: Vec::new() }
    }

    /// A statement with its parameters.
    pub fn statement(backend: DbBackend, write: impl FnOnce(&mut Self) -> String) -> Statement {
        let mut parameters = Self::new(backend);
        let text = write(&mut parameters);
        Statement::from_sql_and_values(backend, text, parameters.values)
    }

    /// Adds a value, and gives what stands for it in the text. It stands there once, in the order of the additions.
    pub fn add(&mut self, value: impl Into<Value>) -> String {
        let placeholder = self.next();
        self.values.push(value.into());
        placeholder
    }

    /// Adds the parameters of a [`RowSet`], and gives the set as an item of a `FROM`, called `d`.
    pub fn add_rows(&mut self, rows: RowSet) -> String {
        if rows.len() == 1 {
            return rows.only_row(self.backend, |value| self.add(value));
        }
        let placeholder = match self.backend {
            // It would take the parameter for text.
            DbBackend::Postgres => format!("{}::json", self.next()),
            _ => self.next(),
        };
        let table = rows.table(self.backend, &placeholder);
        self.values.push(rows.into_parameter().into());
        table
    }

    fn next(&self) -> String {
        match self.backend {
            DbBackend::Postgres => format!("${}", self.values.len() + 1),
            _ => "?".to_owned(),
        }
    }
}

impl Batch {
    /// No statement yet.
    #[must_use]
    pub fn new(backend: DbBackend) -> Self {
        Self { backend, parts: Vec::new(), parameters: Parameters::new(backend) }
    }

    /// The database that it is for.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Whether there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds a statement.
    pub fn add(&mut self, write: impl FnOnce(&mut Parameters) -> String) {
        self.push(None, write);
    }

    /// Adds a statement that must return `rows` rows; it ends with a `RETURNING`, or selects. On SQLite, where nobody else writes
    /// meanwhile, it is not asked.
    pub fn add_expecting(&mut self, rows: usize, write: impl FnOnce(&mut Parameters) -> String) {
        self.push(Some(rows), write);
    }

    fn push(&mut self, expected: Option<usize>, write: impl FnOnce(&mut Parameters) -> String) {
        let (text, values) = match self.backend {
            DbBackend::Postgres => (write(&mut self.parameters), Vec::new()),
            backend => {
                let mut own = Parameters::new(backend);
                (write(&mut own), own.values)
            }
        };
        self.parts.push(Part { text, values, expected });
    }

    /// The statement to run, if there is anything to do. On PostgreSQL it is a transaction by itself, on SQLite it has to be within one.
    #[must_use]
    pub fn into_statement(mut self) -> Option<Statement> {
        let backend = self.backend;
        if self.parts.is_empty() {
            return None;
        }
        if backend != DbBackend::Postgres {
            let (texts, values): (Vec<_>, Vec<_>) = self.parts.into_iter().map(|part| (part.text, part.values)).unzip();
            return Some(Statement::from_sql_and_values(backend, texts.join(";\n"), values.concat()));
        }
        let mut text = String::with_capacity(self.parts.iter().map(|part| part.text.len() + 16).sum::<usize>() + 64);
        let mut checks = Vec::new();
        for (place, part) in self.parts.iter().enumerate() {
            text.push_str(if place == 0 { "WITH " } else { ", " });
            let _ = write!(text, "w{place} AS ({})", part.text);
            if let Some(expected) = part.expected {
                let expected = self.parameters.add(i64::try_from(expected).unwrap_or(i64::MAX));
                checks.push(format!("expect_rows((SELECT count(*) FROM w{place}), {expected})"));
            }
        }
        let checks = if checks.is_empty() { "1".to_owned() } else { checks.join(", ") };
        text.push_str(" SELECT ");
        text.push_str(&checks);
        Some(Statement::from_sql_and_values(backend, text, self.parameters.values))
    }
}
