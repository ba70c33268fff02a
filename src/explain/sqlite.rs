//! What SQLite tells of a statement. It counts no rows for each step of a plan, so what its virtual machine did is told instead
//! (<https://www.sqlite.org/c3ref/c_stmtstatus_counter.html>).

use std::time::Duration;

use serde::Serialize;

use super::report::Measured;
use super::warning::{About, FACTOR, Found, LEAST_ROWS, MANY_ROWS, WarningCode};

/// A step of `EXPLAIN QUERY PLAN`.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its number.
    pub id: i64,
    /// The number of the step that it is a part of; 0 for none.
    pub parent: i64,
    /// What it does.
    pub detail: String,
}

/// What a statement did.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Its plan.
    pub plan: Vec<Step>,
    /// Steps of the virtual machine.
    pub vm_steps: u64,
    /// Rows that were passed in walks over a whole table or index.
    pub full_scan_steps: u64,
    /// How often something was sorted.
    pub sorts: u64,
    /// The rows of indexes that were made for it alone.
    pub automatic_index_rows: u64,
    /// How long it took.
    pub took: Duration,
}

/// Steps of the virtual machine that a row takes which is sought, compared and thrown away: measured as 6 to 20 for our statements.
const STEPS_OF_A_ROW: u64 = 20;

impl Work {
    pub(super) fn into_measured(self) -> Measured {
        Measured::Sqlite {
            execution_ms: self.took.as_secs_f64() * 1000.0,
            vm_steps: self.vm_steps,
            full_scan_steps: self.full_scan_steps,
            sorts: self.sorts,
            automatic_index_rows: self.automatic_index_rows,
            plan: self.plan,
        }
    }

    /// What will not stay fast.
    pub(super) fn look(&self, about: &About<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        let scans = self.full_scan_steps > MANY_ROWS;
        if scans {
            let tables = self.tables_that_are_scanned().join(", ");
            let message = format!("{} rows of {tables} are passed in walks from end to end", self.full_scan_steps);
            found.push(Found { code: WarningCode::FullScan, message });
        }
        let rows = self.vm_steps / STEPS_OF_A_ROW;
        let wanted = u64::try_from(about.rows + about.keys).unwrap_or(u64::MAX);
        // A count looks at all rows that it counts, and returns one.
        if !scans && !about.counts && rows > LEAST_ROWS && rows > wanted.saturating_mul(FACTOR) {
            let message = format!("{} steps of the virtual machine for {} rows", self.vm_steps, about.rows);
            found.push(Found { code: WarningCode::ManyRowsRead, message });
        }
        let sorts = self.plan.iter().any(|step| step.detail.starts_with("USE TEMP B-TREE FOR ORDER BY"));
        if sorts && self.sorts > 0 && rows.max(self.full_scan_steps) > MANY_ROWS {
            let message = "rows are sorted in a temporary B-tree, which is written to disk where it is large".to_owned();
            found.push(Found { code: WarningCode::Sort, message });
        }
        // An index over the keys of the batch is one over what the statement was handed.
        if self.automatic_index_rows > LEAST_ROWS.max(u64::try_from(about.keys).unwrap_or(u64::MAX)) {
            let message = format!("an index of {} rows is made for this statement alone", self.automatic_index_rows);
            found.push(Found { code: WarningCode::AutomaticIndex, message });
        }
        found
    }

    fn tables_that_are_scanned(&self) -> Vec<&str> {
        let scans = self.plan.iter().filter_map(|step| step.detail.strip_prefix("SCAN "));
        let tables = scans.filter(|scan| !scan.contains("VIRTUAL TABLE") && !scan.starts_with('('));
        let mut tables: Vec<_> = tables.filter_map(|scan| scan.split(' ').next()).collect();
        tables.dedup();
        tables
    }
}
