//! Any text as a document: it is refused, or it is within the limits. The recount here shares nothing with what it checks: it
//! walks through the parsed document with every fragment put in where it is spread, and remembers nothing.

#![no_main]

use async_graphql::Positioned;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use libfuzzer_sys::fuzz_target;
use throughline::graphql::{Limits, check_document};

fuzz_target!(|text: &str| {
    for limits in [Limits::default(), narrow()] {
        if check_document(text, &limits).is_ok() {
            let document = parse_query(text).expect("what passes is GraphQL");
            recount(&document, text, &limits);
        }
    }
});

/// Limits that a short text exceeds.
fn narrow() -> Limits {
    Limits {
        tokens: 60,
        nesting: 6,
        depth: 3,
        aliases: 2,
        root_fields: 4,
        directives: 2,
        operations: 2,
        selections: 16,
        ..Limits::default()
    }
}

/// What was counted of one operation or fragment, and of the document so far.
struct Count<'d> {
    document: &'d ExecutableDocument,
    limits: &'d Limits,
    selections: usize,
    aliases: usize,
    directives: usize,
    root_fields: usize,
}

fn recount(document: &ExecutableDocument, text: &str, limits: &Limits) {
    // A token is a byte at least, and what is no white space, comma or comment is part of one; a word is one or more.
    let without_comments = !text.contains(['#', '"']);
    let words =
        text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').filter(|word| !word.is_empty());
    assert!(!without_comments || words.count() <= limits.tokens, "more tokens than the limit");
    assert!(document.operations.iter().count() <= limits.operations, "more operations than the limit");
    let mut count = Count { document, limits, selections: 0, aliases: 0, directives: 0, root_fields: 0 };
    for (_, operation) in document.operations.iter() {
        (count.aliases, count.directives, count.root_fields) = (0, operation.node.directives.len(), 0);
        count.set(&operation.node.selection_set, 0, 1);
        assert!(count.aliases <= limits.aliases, "more aliases than the limit");
        assert!(count.directives <= limits.directives, "more directives than the limit");
        assert!(count.root_fields <= limits.root_fields, "more fields at the root than the limit");
    }
}

impl Count<'_> {
    /// `depth` is of fields, `level` of selection sets. The first assertion also ends a walk in a circle.
    fn set(&mut self, set: &Positioned<SelectionSet>, depth: usize, level: usize) {
        if set.node.items.is_empty() {
            return;
        }
        assert!(level <= self.limits.nesting, "selections deeper in each other than the limit");
        for item in &set.node.items {
            self.selections += 1;
            assert!(self.selections <= self.limits.selections, "more selections than the limit");
            match &item.node {
                Selection::Field(field) => {
                    assert!(depth < self.limits.depth, "deeper than the limit");
                    self.root_fields += usize::from(depth == 0);
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.directives += field.node.directives.len();
                    self.set(&field.node.selection_set, depth + 1, level + 1);
                }
                Selection::InlineFragment(fragment) => {
                    self.directives += fragment.node.directives.len();
                    self.set(&fragment.node.selection_set, depth, level + 1);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives += spread.node.directives.len();
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        self.directives += fragment.node.directives.len();
                        self.set(&fragment.node.selection_set, depth, level + 1);
                    }
                }
            }
        }
    }
}
