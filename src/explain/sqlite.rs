//! What SQLite tells of a statement. It counts no rows for each step of a plan, so what its virtual machine did is told instead
//! (<https://www.sqlite.org/c3ref/c_stmtstatus_counter.html>).

use std::time::Duration;

use serde::Serialize;

use super::report::{Measured, milliseconds};
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
            execution_ms: milliseconds(self.took),
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
        // A count looks at all rows that it counts, and returns one; how many those are, SQLite does not tell.
        if !scans && !about.adds_up && rows > LEAST_ROWS && rows > wanted.saturating_mul(FACTOR) {
            let message = format!("{} steps of the virtual machine for {} rows", self.vm_steps, about.rows);
            found.push(Found { code: WarningCode::ManyRowsRead, message });
        }
        let sorts = |step: &Step| step.detail.contains("TEMP B-TREE") && step.detail.ends_with("ORDER BY");
        let looked_at = rows.max(self.full_scan_steps);
        // What is returned has to be put in order, whatever the index.
        let sorts_much = looked_at > MANY_ROWS && looked_at > wanted.saturating_mul(FACTOR);
        if self.sorts > 0 && sorts_much && self.plan.iter().any(sorts) {
            let message =
                "rows are sorted in a temporary B-tree, which is written to disk where it is large".to_owned();
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
        let named = |begin: &'static str| {
            let details = self.plan.iter().filter_map(move |step| step.detail.strip_prefix(begin));
            details.filter(|detail| !detail.contains("VIRTUAL TABLE")).filter_map(|detail| detail.split(' ').next())
        };
        let subqueries: Vec<_> = named("CO-ROUTINE ").chain(named("MATERIALIZE ")).chain(["CONSTANT"]).collect();
        let mut tables: Vec<_> = named("SCAN ").filter(|name| !subqueries.contains(name)).collect();
        tables.dedup();
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(work: &Work, keys: usize, adds_up: bool) -> Vec<WarningCode> {
        let about = About { path: "", statement: 0, keys, rows: 5, counts: false, adds_up };
        work.look(&about).into_iter().map(|found| found.code).collect()
    }

    #[test]
    fn a_scan_is_told_once_and_with_its_table() {
        let step = |detail: &str| Step { id: 1, parent: 0, detail: detail.to_owned() };
        let plan =
            vec![step("CO-ROUTINE k"), step("SCAN CONSTANT ROW"), step("SCAN k"), step("SCAN features USING INDEX x")];
        let work = Work { plan, full_scan_steps: MANY_ROWS + 1, vm_steps: 10 * MANY_ROWS, ..Work::default() };
        assert_eq!(codes(&work, 1, false), [WarningCode::FullScan]);
        assert_eq!(work.tables_that_are_scanned(), ["features"]);
    }

    #[test]
    fn an_index_over_the_keys_of_a_batch_is_none_that_is_missing() {
        let work = Work { automatic_index_rows: 5000, ..Work::default() };
        assert_eq!(codes(&work, 1, false), [WarningCode::AutomaticIndex]);
        assert_eq!(codes(&work, 5000, false), []);
    }

    #[test]
    fn a_count_looks_at_what_it_counts() {
        let work = Work { vm_steps: STEPS_OF_A_ROW * MANY_ROWS, ..Work::default() };
        assert_eq!(codes(&work, 1, false), [WarningCode::ManyRowsRead]);
        assert_eq!(codes(&work, 1, true), []);
    }
}
