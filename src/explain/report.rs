//! What is told of a request: its fields as a tree, its statements as a list, and warnings.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::field::{Field, Part};
use super::recorder::{Record, Recorded};
use super::sqlite::Step;
use super::warning::{self, Warning};
use super::{Analysis, postgres};

/// How a request was read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `postgres` or `sqlite`.
    pub database: &'static str,
    /// The fields that bring objects or count them.
    pub fields: Vec<ExplainedField>,
    /// What was run for them, each statement once, however many fields it served.
    pub statements: Vec<ExplainedStatement>,
    /// What will not stay fast.
    pub warnings: Vec<Warning>,
}

/// A field that brings objects, or counts them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedField {
    /// The response keys that lead to it, with dots between them.
    pub path: String,
    /// The loader, as metrics call it; null where the field needs no statement.
    pub loader: Option<&'static str>,
    /// What it brings, in words.
    pub brings: String,
    /// For how many parents or ids it asked.
    pub keys: usize,
    /// The numbers of its statements.
    pub statements: Vec<usize>,
    /// What is selected of it.
    pub fields: Vec<ExplainedField>,
}

/// A statement that was run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedStatement {
    /// The fields that it served.
    pub paths: Vec<String>,
    /// The loader, as metrics call it.
    pub loader: &'static str,
    /// The size of the batch: for how many parents or ids.
    pub keys: usize,
    /// Its text. What clients send are its parameters, which are not told but where a plan of PostgreSQL compares with them.
    pub sql: String,
    /// The rows that it returned; null where it failed.
    pub rows: Option<usize>,
    /// How long it took in the request, with the wait for a connection, in ms.
    pub duration_ms: f64,
    /// What is measured when it is run again; null where that was not done.
    pub measured: Option<Measured>,
    /// Why nothing was measured, or nothing but the plan is there.
    pub problem: Option<String>,
}

/// What is measured of a statement when it is run again.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Measured {
    /// By PostgreSQL.
    Postgres {
        /// In ms.
        planning_ms: f64,
        /// In ms.
        execution_ms: f64,
        /// The rows that its scans read, those among them that a filter threw away.
        rows_read: u64,
        /// Pages of 8 KiB that were in memory.
        pages_hit: u64,
        /// Pages that were not.
        pages_read: u64,
        /// Pages of temporary files that were written.
        temporary_pages: u64,
        /// The plan as PostgreSQL tells it.
        plan: Value,
    },
    /// By SQLite.
    Sqlite {
        /// In ms.
        execution_ms: f64,
        /// Steps of the virtual machine: some for each row that it looks at.
        vm_steps: u64,
        /// Rows that were passed in walks over a whole table or index.
        full_scan_steps: u64,
        /// How often something was sorted.
        sorts: u64,
        /// The rows of indexes that were made for this statement alone.
        automatic_index_rows: u64,
        /// `EXPLAIN QUERY PLAN`.
        plan: Vec<Step>,
    },
    /// Nothing, since the statement has failed in the request.
    Planned {
        /// How the database would run it.
        plan: Planned,
    },
}

/// A plan, as the database tells it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Planned {
    /// By PostgreSQL.
    Postgres(Value),
    /// By SQLite.
    Sqlite(Vec<Step>),
}

impl Report {
    /// Tells of a record, with what came of looking at each of its statements.
    #[must_use]
    pub fn new(database: &'static str, record: &Record, analyses: Vec<Result<Analysis, String>>) -> Self {
        let fields: Vec<_> = record.fields.iter().map(|field| explain_field(field, record)).collect();
        let mut paths = vec![Vec::new(); record.statements.len()];
        for field in &fields {
            field.put_paths(&mut paths);
        }
        let (mut statements, mut warnings) = (Vec::new(), Vec::new());
        for (number, (recorded, analysis)) in record.statements.iter().zip(analyses).enumerate() {
            let paths = std::mem::take(&mut paths[number]);
            let about = warning::About {
                path: paths.first().map_or("", String::as_str),
                statement: number,
                keys: recorded.keys,
                rows: recorded.rows.unwrap_or_default(),
                counts: recorded.place.is_some_and(|place| place.part == Part::Count),
                adds_up: adds_up(&recorded.sql),
            };
            if let Ok(analysis) = &analysis {
                warnings.extend(warning::look_at(analysis, about));
            }
            statements.push(explain_statement(recorded, paths, analysis));
        }
        Self { database, fields, statements, warnings }
    }
}

fn explain_field(field: &Field, record: &Record) -> ExplainedField {
    let mut statements: Vec<_> = field.places.iter().flat_map(|place| record.statements_of(*place)).collect();
    statements.sort_unstable();
    statements.dedup();
    ExplainedField {
        path: field.path.clone(),
        loader: field.loader,
        brings: field.brings.as_str().to_owned(),
        keys: field.places.iter().filter_map(|place| record.asked.get(place)).sum(),
        statements,
        fields: field.fields.iter().map(|field| explain_field(field, record)).collect(),
    }
}

impl ExplainedField {
    fn put_paths(&self, paths: &mut [Vec<String>]) {
        for statement in &self.statements {
            paths[*statement].push(self.path.clone());
        }
        for field in &self.fields {
            field.put_paths(paths);
        }
    }
}

/// Whether a statement counts or groups rows, so that it reads more of them than it returns by its nature.
fn adds_up(sql: &str) -> bool {
    ["COUNT(", "count(", "GROUP BY"].iter().any(|word| sql.contains(word))
}

/// A time in milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "a time that long is a bound, not a time")]
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// Why a statement is only planned.
const FAILED: &str = "it failed in the request, and is planned alone";

fn explain_statement(
    recorded: &Recorded,
    paths: Vec<String>,
    analysis: Result<Analysis, String>,
) -> ExplainedStatement {
    let (measured, problem) = match analysis {
        Ok(Analysis::Postgres(answer)) => (Some(postgres::measured(answer)), None),
        Ok(Analysis::Sqlite(work)) => (Some(work.into_measured()), None),
        Ok(Analysis::Planned(plan)) => (Some(Measured::Planned { plan }), Some(FAILED.to_owned())),
        Err(problem) => (None, Some(problem)),
    };
    ExplainedStatement {
        paths,
        loader: recorded.loader,
        keys: recorded.keys,
        sql: recorded.sql.to_string(),
        rows: recorded.rows,
        duration_ms: milliseconds(recorded.took),
        measured,
        problem,
    }
}
