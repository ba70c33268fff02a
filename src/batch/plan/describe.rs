//! Tells a person what a plan does: each load under the one whose rows it belongs to, with its statements.

use std::fmt::{self, Display, Formatter};

use super::{Find, Keys, Level, Load, Plan};
use crate::batch::loader::Statement;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write_level(f, 0, 0)
    }
}

impl Plan {
    fn write_level(&self, f: &mut Formatter<'_>, level: usize, depth: usize) -> fmt::Result {
        for load in &self.levels[level].loads {
            let below = &self.levels[load.level];
            let indent = Indent(depth);
            writeln!(f, "{indent}{}: {}", load.name, What { load, level: below })?;
            if let Some(statement) = &load.rows {
                write_statement(f, indent, "", statement)?;
            }
            if let Some(statement) = &load.count {
                write_statement(f, indent, "counted by ", statement)?;
            }
            self.write_level(f, load.level, depth + 1)?;
        }
        Ok(())
    }
}

fn write_statement(f: &mut Formatter<'_>, indent: Indent, label: &str, statement: &Statement) -> fmt::Result {
    writeln!(f, "{indent}  {label}{}", statement.many.sql)?;
    match &statement.single {
        Some(single) => writeln!(f, "{indent}  for one key: {}", single.sql),
        None => Ok(()),
    }
}

/// What a load brings, in words.
pub(super) struct What<'p> {
    pub(super) load: &'p Load,
    pub(super) level: &'p Level,
}

impl Display for What<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.level.object.map_or("SearchResult", |object| object.fields.name);
        match &self.load.find {
            Find::One { .. } => write!(f, "the {name}")?,
            Find::First { .. } => write!(f, "the first {name}")?,
            Find::Connection { page, .. } | Find::More { page, .. } => {
                write!(f, "a page of at most {} {name}, ordered by {}", page.size, page.ordering.signature_of_terms())?;
            }
            Find::Groups { groups, .. } => write!(f, "{} over all {name}", groups.entry.name)?,
            Find::Computed { computed, .. } => write!(f, "{}, computed by code of its own", (computed.shape)().name)?,
            Find::Search { .. } => write!(f, "a page of {name}, found by its own statements")?,
        }
        match self.load.keys {
            Keys::None => {}
            Keys::Cell(cell) => write!(f, " for each row above, by its cell {cell}")?,
            Keys::Given { .. } => write!(f, " for each id that is given")?,
            Keys::Member(_) => write!(f, " for each hit of this type")?,
        }
        for joined in &self.level.joins {
            write!(f, ", with its {} beside it", joined.target.fields.name)?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Indent(usize);

impl Display for Indent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:width$}", "", width = self.0 * 2)
    }
}
