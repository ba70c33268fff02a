//! A report as a person reads it in a terminal: a tree of fields, each with its statements, plans and warnings.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use super::postgres::{rows_of, times};
use super::report::{ExplainedField, ExplainedStatement, Measured, Planned, Report};
use super::sqlite::Step;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut writer = Writer { report: self, told: vec![false; self.statements.len()] };
        for field in &self.fields {
            writer.field(f, field, 0)?;
        }
        for number in 0..self.statements.len() {
            if !writer.told[number] {
                writeln!(f, "(no field)")?;
                writer.statement(f, number, 1)?;
            }
        }
        match self.warnings.len() {
            0 => writeln!(f, "No warnings."),
            1 => writeln!(f, "1 warning."),
            count => writeln!(f, "{count} warnings."),
        }
    }
}

struct Writer<'r> {
    report: &'r Report,
    /// Which statements were told of.
    told: Vec<bool>,
}

impl Writer<'_> {
    fn field(&mut self, f: &mut Formatter<'_>, field: &ExplainedField, depth: usize) -> fmt::Result {
        writeln!(f, "{}{}: {}", Indent(depth), field.path, field.brings)?;
        if field.loader.is_some() && field.statements.is_empty() {
            writeln!(f, "{}nothing to read: no statement", Indent(depth + 1))?;
        }
        for number in &field.statements {
            self.statement(f, *number, depth + 1)?;
        }
        field.fields.iter().try_for_each(|field| self.field(f, field, depth + 1))
    }

    fn statement(&mut self, f: &mut Formatter<'_>, number: usize, depth: usize) -> fmt::Result {
        let (statement, indent) = (&self.report.statements[number], Indent(depth));
        if std::mem::replace(&mut self.told[number], true) {
            let first = statement.paths.first().map_or("", String::as_str);
            return writeln!(f, "{indent}in the statement of {first}");
        }
        write_summary(f, statement, indent)?;
        writeln!(f, "{indent}{}", statement.sql)?;
        if let Some(problem) = &statement.problem {
            writeln!(f, "{indent}not measured: {problem}")?;
        }
        if let Some(measured) = &statement.measured {
            write_measured(f, measured, depth)?;
        }
        for warning in self.report.warnings.iter().filter(|warning| warning.statement == number) {
            writeln!(f, "{indent}! {} {}: {}", warning.code.as_str(), warning.path, warning.message)?;
            writeln!(f, "{indent}  {}", warning.advice)?;
        }
        Ok(())
    }
}

fn write_summary(f: &mut Formatter<'_>, statement: &ExplainedStatement, indent: Indent) -> fmt::Result {
    let rows = statement.rows.map_or_else(|| "failed".to_owned(), |rows| Counted(rows, "row").to_string());
    let (loader, keys) = (statement.loader, Counted(statement.keys, "key"));
    writeln!(f, "{indent}loader {loader}, {keys}, {rows}, {:.2} ms", statement.duration_ms)
}

fn write_measured(f: &mut Formatter<'_>, measured: &Measured, depth: usize) -> fmt::Result {
    let indent = Indent(depth);
    match measured {
        Measured::Planned { plan: Planned::Postgres(plan) } => write_node(f, plan, depth + 1),
        Measured::Planned { plan: Planned::Sqlite(plan) } => write_steps(f, plan, 0, depth + 1),
        Measured::Postgres { planning_ms, execution_ms, rows_read, pages_hit, pages_read, temporary_pages, plan } => {
            write!(
                f,
                "{indent}run again: planned in {planning_ms:.2} ms, run in {execution_ms:.2} ms; {rows_read} rows read, "
            )?;
            writeln!(f, "{pages_hit} pages in memory, {pages_read} from disk, {temporary_pages} temporary")?;
            write_node(f, plan, depth + 1)
        }
        Measured::Sqlite { execution_ms, vm_steps, full_scan_steps, sorts, automatic_index_rows, plan } => {
            write!(
                f,
                "{indent}run again: {execution_ms:.2} ms; {vm_steps} steps, {full_scan_steps} rows of full scans, "
            )?;
            writeln!(f, "{sorts} sorts, {automatic_index_rows} rows of automatic indexes")?;
            write_steps(f, plan, 0, depth + 1)
        }
    }
}

/// A node of a plan of PostgreSQL, and those below.
fn write_node(f: &mut Formatter<'_>, node: &Value, depth: usize) -> fmt::Result {
    let text = |name: &str| node[name].as_str();
    write!(f, "{}{}", Indent(depth), text("Node Type").unwrap_or_default())?;
    if let Some(index) = text("Index Name") {
        write!(f, " using {index}")?;
    }
    if let Some(table) = text("Relation Name") {
        write!(f, " on {table}")?;
    }
    if node["Actual Loops"].is_null() {
        writeln!(f, ": about {} rows", node["Plan Rows"])?;
        return write_nodes_below(f, node, depth);
    }
    write!(f, ": {}", Counted(usize::try_from(rows_of(node)).unwrap_or(usize::MAX), "row"))?;
    match node["Actual Loops"].as_u64() {
        Some(0) => write!(f, ", never run")?,
        Some(loops) if loops > 1 => write!(f, " in {loops} loops")?,
        _ => {}
    }
    let thrown_away = times(node, "Rows Removed by Filter") + times(node, "Rows Removed by Index Recheck");
    if thrown_away > 0 {
        write!(f, ", {thrown_away} thrown away")?;
    }
    if let (Some(method), Some(kind)) = (text("Sort Method"), text("Sort Space Type")) {
        write!(f, ", {method} ({})", if kind == "Disk" { "on disk" } else { "in memory" })?;
    }
    writeln!(f)?;
    write_nodes_below(f, node, depth)
}

fn write_nodes_below(f: &mut Formatter<'_>, node: &Value, depth: usize) -> fmt::Result {
    node["Plans"].as_array().into_iter().flatten().try_for_each(|child| write_node(f, child, depth + 1))
}

/// The steps of a plan of SQLite that are parts of `parent`.
fn write_steps(f: &mut Formatter<'_>, steps: &[Step], parent: i64, depth: usize) -> fmt::Result {
    for step in steps.iter().filter(|step| step.parent == parent && step.id != parent) {
        writeln!(f, "{}{}", Indent(depth), step.detail)?;
        write_steps(f, steps, step.id, depth + 1)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Indent(usize);

impl Display for Indent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:width$}", "", width = self.0 * 2)
    }
}

/// So many of something.
struct Counted(usize, &'static str);

impl Display for Counted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(count, what) = self;
        write!(f, "{count} {what}{}", if *count == 1 { "" } else { "s" })
    }
}
