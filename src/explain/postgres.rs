//! What PostgreSQL tells of a statement.

use serde_json::Value;

use super::report::Measured;
use super::warning::{About, FACTOR, Found, LEAST_ROWS, MANY_ROWS, WarningCode};

/// What is told of the whole statement, and its plan.
pub(super) fn measured(mut answer: Value) -> Measured {
    let plan = answer[0]["Plan"].take();
    let milliseconds = |name: &str| answer[0][name].as_f64().unwrap_or_default();
    let pages = |name: &str| plan[name].as_u64().unwrap_or_default();
    Measured::Postgres {
        planning_ms: milliseconds("Planning Time"),
        execution_ms: milliseconds("Execution Time"),
        rows_read: Seen::of(&plan).read,
        pages_hit: pages("Shared Hit Blocks"),
        pages_read: pages("Shared Read Blocks"),
        temporary_pages: pages("Temp Written Blocks"),
        plan,
    }
}

/// What will not stay fast.
pub(super) fn look(answer: &Value, about: &About<'_>) -> Vec<Found> {
    let plan = &answer[0]["Plan"];
    let seen = Seen::of(plan);
    let mut found = Vec::new();
    for (table, rows) in &seen.full_scans {
        let message = format!("{rows} rows of {table} are read from end to end");
        found.push(Found { code: WarningCode::FullScan, message });
    }
    let wanted = seen.used.max(u64::try_from(about.rows).unwrap_or(u64::MAX));
    let wanted = wanted.saturating_add(u64::try_from(about.keys).unwrap_or(u64::MAX));
    if seen.full_scans.is_empty() && seen.read > LEAST_ROWS && seen.read > wanted.saturating_mul(FACTOR) {
        let message = format!("{} rows are read for {}", seen.read, about.rows);
        found.push(Found { code: WarningCode::ManyRowsRead, message });
    }
    let temporary = plan["Temp Written Blocks"].as_u64().unwrap_or_default();
    if seen.sorts_on_disk || temporary > 0 {
        let message = format!("what does not fit into memory is written to disk: {} KiB", temporary * 8);
        found.push(Found { code: WarningCode::Sort, message });
    }
    found
}

/// What the nodes of a plan have done, all in all.
#[derive(Default)]
struct Seen {
    /// Rows that scans have read, those among them that a filter threw away.
    read: u64,
    /// Rows that went into counts and groups.
    used: u64,
    /// Tables that were read from end to end, and so many rows of them that it matters.
    full_scans: Vec<(String, u64)>,
    sorts_on_disk: bool,
}

impl Seen {
    fn of(plan: &Value) -> Self {
        let mut seen = Self::default();
        seen.visit(plan);
        seen
    }

    fn visit(&mut self, node: &Value) {
        let kind = node["Node Type"].as_str().unwrap_or_default();
        if let Some(table) = node["Relation Name"].as_str() {
            let thrown_away = times(node, "Rows Removed by Filter") + times(node, "Rows Removed by Index Recheck");
            let read = rows_of(node) + thrown_away;
            self.read += read;
            let seeks = node["Index Cond"].is_string() || node["Recheck Cond"].is_string();
            let reads_all = kind.ends_with("Seq Scan") || kind.starts_with("Index") && !seeks;
            if reads_all && read > MANY_ROWS {
                self.full_scans.push((table.to_owned(), read));
            }
        }
        let children = || node["Plans"].as_array().into_iter().flatten();
        if kind.ends_with("Aggregate") {
            self.used += children().map(rows_of).sum::<u64>();
        }
        self.sorts_on_disk |= node["Sort Space Type"].as_str() == Some("Disk");
        children().for_each(|child| self.visit(child));
    }
}

/// The rows that a node has given, in all of its loops.
pub(super) fn rows_of(node: &Value) -> u64 {
    times(node, "Actual Rows")
}

/// A number that PostgreSQL tells as the mean of a node's loops.
pub(super) fn times(node: &Value, name: &str) -> u64 {
    let number = node[name].as_f64().unwrap_or_default() * node["Actual Loops"].as_f64().unwrap_or(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts that large are bounds, not counts"
    )]
    let whole = number.round() as u64;
    whole
}
