//! What the documents of a run were like, so that one sees that they are not trivial.

use std::collections::BTreeMap;
use std::fmt;

use super::compare::Answers;
use super::generate::{Document, What};

/// Counts.
#[derive(Default)]
pub(crate) struct Tally {
    documents: u64,
    requests: u64,
    statements: usize,
    bytes: usize,
    with: BTreeMap<&'static str, u64>,
}

/// What each run has to have, in a hundred requests.
const AT_LEAST: &[(&str, u64)] = &[
    ("rows", 50),
    ("errors with data", 5),
    ("errors without data", 3),
    ("fragments", 20),
    ("inline fragments", 20),
    ("variables", 30),
    ("directives", 20),
    ("cursors", 15),
    ("several operations", 3),
    ("rows, asked again", 30),
];

impl Tally {
    /// Adds the answers to a document that was asked before so often.
    pub(crate) fn add(&mut self, document: &Document, answers: &Answers, before: usize) {
        self.documents += u64::from(before == 0);
        self.requests += 1;
        self.statements += answers.statements;
        self.bytes += answers.engine.len();
        let (errors, data) = (answers.engine.contains("\"errors\":["), !answers.engine.starts_with("{\"errors\""));
        let no_data = !data || answers.engine.starts_with("{\"data\":null");
        let (mut inline, mut directives, mut cursors) = (false, false, false);
        document.each(&mut |selection| {
            directives |= !selection.directives.is_empty();
            match &selection.what {
                What::Inline { .. } => inline = true,
                What::Field { arguments, .. } => {
                    cursors |= arguments.iter().any(|(name, _)| ["after", "before"].contains(name));
                }
                What::Spread { .. } => {}
            }
        });
        for (what, holds) in [
            ("rows", answers.statements > 0 && answers.engine.len() > 100),
            ("errors with data", errors && !no_data),
            ("errors without data", errors && no_data),
            ("refused", !data),
            ("refused to merge", answers.engine_refused_to_merge()),
            ("fragments", !document.fragments.is_empty()),
            ("inline fragments", inline),
            ("variables", document.operations.iter().any(|operation| !operation.variables.is_empty())),
            ("directives", directives),
            ("cursors", cursors),
            ("several operations", document.operations.len() > 1),
            ("rows, asked again", before > 0 && answers.statements > 0),
        ] {
            *self.with.entry(what).or_default() += u64::from(holds);
        }
    }

    /// Fails where a run was so one-sided that it proves little.
    pub(crate) fn assert_covers(&self) {
        let requests = self.requests;
        for (what, in_hundred) in AT_LEAST {
            let seen = self.with.get(what).copied().unwrap_or_default();
            assert!(requests < 1000 || seen * 100 >= in_hundred * requests, "only {seen} of {requests} with {what}");
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} documents, {} requests, {} statements, {} bytes",
            self.documents, self.requests, self.statements, self.bytes
        )?;
        self.with.iter().try_for_each(|(what, count)| write!(f, ", {count} with {what}"))
    }
}
