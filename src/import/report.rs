//! What an import did, as numbers and as text.

use std::fmt;

use crate::write_transaction::upsert::{Upsert, Upserted};

/// What became of a file's rows, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether it was all forgotten again.
    pub dry_run: bool,
    /// The projects that the file names, each counted once.
    pub projects: Tally,
    /// The features, each counted once.
    pub features: Tally,
    /// The test cases.
    pub tests: Tally,
    /// The deployments.
    pub deployments: Tally,
}

/// What became of rows of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They are new.
    pub created: u64,
    /// They were there and say something else now.
    pub updated: u64,
    /// They were there and look as they did: they said the same already, or they are deleted and stay so.
    pub left: u64,
}

impl Tally {
    pub(super) fn count(&mut self, rows: &[Upserted]) {
        for row in rows {
            match row.upsert {
                Upsert::Created => self.created += 1,
                Upsert::Updated => self.updated += 1,
                Upsert::UpdatedHidden | Upsert::Left => self.left += 1,
            }
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.created + self.updated + self.left
    }
}

impl fmt::Display for Report {
    /// A small table; of a dry run, a line above it says so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dry_run {
            writeln!(f, "Dry run: nothing was changed. An import would do this:")?;
        }
        write!(f, "{:<12}{:>12}{:>12}{:>12}", "", "created", "updated", "unchanged")?;
        let kinds = [
            ("projects", self.projects),
            ("features", self.features),
            ("tests", self.tests),
            ("deployments", self.deployments),
        ];
        for (kind, tally) in kinds {
            let [created, updated, left] = [tally.created, tally.updated, tally.left].map(grouped);
            write!(f, "\n{kind:<12}{created:>12}{updated:>12}{left:>12}")?;
        }
        Ok(())
    }
}

/// `15487` as `15,487`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_table() {
        let tally = |created| Tally { created, updated: 0, left: 7 };
        let report = Report {
            dry_run: true,
            projects: tally(50),
            features: tally(1204),
            tests: tally(1_234_567),
            deployments: tally(0),
        };
        let expected = "\
Dry run: nothing was changed. An import would do this:
                 created     updated   unchanged
projects              50           0           7
features           1,204           0           7
tests          1,234,567           0           7
deployments            0           0           7";
        assert_eq!(report.to_string(), expected);
    }
}
