//! What will not stay fast: which field, why, and what to do.

use serde::Serialize;

use super::{Analysis, postgres};

/// Something that will not stay fast.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Which kind.
    pub code: WarningCode,
    /// The first field that the statement serves; empty where no field asked for it.
    pub path: String,
    /// The statement's number.
    pub statement: usize,
    /// What was seen.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
}

/// Kinds of warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WarningCode {
    /// A table, or an index, is read from end to end.
    FullScan,
    /// Many rows are read for those that are returned.
    ManyRowsRead,
    /// What is sorted does not fit into memory, or is large.
    Sort,
    /// SQLite makes an index for one statement.
    AutomaticIndex,
}

/// A table of fewer rows is read from end to end in a millisecond or two, and rightly so: any planner prefers that to an index. It is
/// also the largest batch of keys, which a statement is handed and has to go through.
pub const MANY_ROWS: u64 = 10_000;
/// So few rows are read in some hundred microseconds, however few of them are returned; it is also the longest page.
pub(super) const LEAST_ROWS: u64 = 1_000;
/// Where nine of ten rows are thrown away, an index that knows the condition would be faster at any size.
pub(super) const FACTOR: u64 = 10;

/// Whose statement is looked at.
#[derive(Clone, Copy)]
pub(super) struct About<'r> {
    pub(super) path: &'r str,
    pub(super) statement: usize,
    pub(super) keys: usize,
    pub(super) rows: usize,
    /// Whether it counts a list.
    pub(super) counts: bool,
    /// Whether it counts or groups rows in whatever way.
    pub(super) adds_up: bool,
}

/// What was found.
pub(super) struct Found {
    pub(super) code: WarningCode,
    pub(super) message: String,
}

/// What will not stay fast of a statement.
pub(super) fn look_at<'r>(analysis: &Analysis, about: About<'r>) -> impl Iterator<Item = Warning> + use<'r> {
    let found = match analysis {
        Analysis::Postgres(answer) => postgres::look(answer, &about),
        Analysis::Sqlite(work) => work.look(&about),
        // What it would read is a guess.
        Analysis::Planned(_) => Vec::new(),
    };
    found.into_iter().map(move |Found { code, message }| Warning {
        code,
        path: about.path.to_owned(),
        statement: about.statement,
        message,
        advice: code.advice(about.counts),
    })
}

impl WarningCode {
    /// As reports have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullScan => "FULL_SCAN",
            Self::ManyRowsRead => "MANY_ROWS_READ",
            Self::Sort => "SORT",
            Self::AutomaticIndex => "AUTOMATIC_INDEX",
        }
    }

    fn advice(self, counts: bool) -> &'static str {
        match self {
            Self::FullScan | Self::ManyRowsRead if counts => {
                "A count looks at every row that it counts: leave totalCount out, or ask for pageInfo { hasNextPage } instead."
            }
            Self::FullScan | Self::ManyRowsRead => {
                "Filter and order by what an index knows, or ask within a project; if many ask this, make an index of the \
                 columns of the filter and the order."
            }
            Self::Sort => {
                "Order by what an index has, or let the filter leave fewer rows; on PostgreSQL, a larger work_mem sorts more in \
                 memory."
            }
            Self::AutomaticIndex => "Make the index that is missing on the table that the plan names.",
        }
    }
}
