//! What is checked of a parsed document before it is validated. Every fragment is measured once, whatever spreads it, and
//! what it comes to is added wherever it is spread: the sum is what validation and planning would do.

use std::collections::{BTreeMap, HashMap};

use async_graphql::parser::types::{Directive, ExecutableDocument, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, ServerError};

use super::{Limits, exceeded};
use crate::code::Code;
use crate::graphql::errors::refusal;

/// Checks every operation, and all of the document together.
///
/// # Errors
/// Where a limit is exceeded, or a fragment spreads itself.
pub(in crate::graphql) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), ServerError> {
    let count = document.operations.iter().count();
    if count > limits.operations {
        let position = document.operations.iter().nth(limits.operations).map(|(_, operation)| operation.pos);
        return Err(exceeded("operations", limits.operations, "operations", position));
    }
    let mut measured = Measured { fragments: &document.fragments, known: HashMap::new(), level: 0, limits };
    let mut selections = 0_usize;
    for (_, operation) in document.operations.iter() {
        let mut size = measured.set(&operation.node.selection_set.node)?;
        size.directives = size.directives.saturating_add(operation.node.directives.len());
        let position = Some(operation.pos);
        let found = [
            ("depth", size.depth, limits.depth, "fields in each other"),
            ("rootFields", size.fields_here, limits.root_fields, "fields at the root of an operation"),
            ("aliases", size.aliases, limits.aliases, "aliases"),
            ("directives", size.directives, limits.directives, "directives"),
        ];
        if let Some((limit, _, most, what)) = found.into_iter().find(|(_, found, most, _)| found > most) {
            return Err(exceeded(limit, most, what, position));
        }
        selections = selections.saturating_add(size.selections);
    }
    // Validation also goes through each fragment by itself, spread or not.
    for (name, fragment) in sorted(&document.fragments) {
        selections = selections.saturating_add(measured.fragment(name, fragment)?.selections);
        if selections > limits.selections {
            return Err(too_many(limits));
        }
    }
    if selections > limits.selections { Err(too_many(limits)) } else { Ok(()) }
}

fn too_many(limits: &Limits) -> ServerError {
    exceeded("selections", limits.selections, "fields and spreads, with its fragments put in", None)
}

/// In an order that is the same each time, so that the same document gets the same refusal.
fn sorted(
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
) -> BTreeMap<&Name, &Positioned<FragmentDefinition>> {
    fragments.iter().collect()
}

/// What a selection set comes to with its fragments put in. No number overflows: what is too large stays so.
#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    /// Fields and spreads, at any depth.
    selections: usize,
    /// Fields of the set itself.
    fields_here: usize,
    aliases: usize,
    directives: usize,
}

impl Size {
    /// Adds what stands beside.
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.selections = self.selections.saturating_add(other.selections);
        self.fields_here = self.fields_here.saturating_add(other.fields_here);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
    }
}

struct Measured<'d> {
    fragments: &'d HashMap<Name, Positioned<FragmentDefinition>>,
    /// The sizes of fragments that are known; nothing for one that is being measured.
    known: HashMap<&'d Name, Option<Size>>,
    /// How many selection sets are being measured, one in the other.
    level: usize,
    limits: &'d Limits,
}

impl<'d> Measured<'d> {
    fn set(&mut self, set: &'d SelectionSet) -> Result<Size, ServerError> {
        // A chain of fragments is longer than brackets are deep.
        if self.level == self.limits.nesting {
            let position = set.items.first().map(|item| item.pos);
            return Err(exceeded("nesting", self.limits.nesting, "selections in each other", position));
        }
        self.level += 1;
        let mut size = Size::default();
        for item in &set.items {
            size.add(self.selection(&item.node)?);
        }
        self.level -= 1;
        Ok(size)
    }

    fn selection(&mut self, selection: &'d Selection) -> Result<Size, ServerError> {
        let directives = |directives: &[Positioned<Directive>]| directives.len();
        let (mut size, directives) = match selection {
            Selection::Field(field) => {
                let below = self.set(&field.node.selection_set.node)?;
                let aliases = below.aliases.saturating_add(field.node.alias.is_some().into());
                let size = Size { depth: below.depth.saturating_add(1), fields_here: 1, aliases, ..below };
                (size, directives(&field.node.directives))
            }
            Selection::InlineFragment(fragment) => {
                (self.set(&fragment.node.selection_set.node)?, directives(&fragment.node.directives))
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                // Validation tells of one that is not there.
                let fragment = self.fragments.get_key_value(name);
                let size = fragment.map(|(name, fragment)| self.fragment(name, fragment)).transpose()?;
                (size.unwrap_or_default(), directives(&spread.node.directives))
            }
        };
        size.selections = size.selections.saturating_add(1);
        size.directives = size.directives.saturating_add(directives);
        Ok(size)
    }

    fn fragment(&mut self, name: &'d Name, fragment: &'d Positioned<FragmentDefinition>) -> Result<Size, ServerError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                let message = format!("the fragment {name} spreads itself");
                return Err(refusal(Code::ValidationFailed, message, Some(fragment.pos)));
            }
            None => {}
        }
        self.known.insert(name, None);
        let mut size = self.set(&fragment.node.selection_set.node)?;
        size.directives = size.directives.saturating_add(fragment.node.directives.len());
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;

    fn refusal(text: &str) -> Option<String> {
        let error = check(&parse_query(text).unwrap(), &Limits::default()).err()?;
        let extensions = serde_json::to_value(error.extensions).unwrap();
        Some(extensions["limit"].as_str().map_or(error.message, str::to_owned))
    }

    fn repeat(count: usize, make: impl Fn(usize) -> String) -> String {
        (0..count).fold(String::new(), |mut text, number| {
            let _ = write!(text, "{} ", make(number));
            text
        })
    }

    #[test]
    fn each_limit_holds_to_the_last() {
        for (limit, most, document) in [
            ("depth", 15, (|n| format!("{} {}", "{ a".repeat(n), "}".repeat(n))) as fn(usize) -> String),
            ("rootFields", 20, |n| format!("{{ {} }}", "a ".repeat(n))),
            ("aliases", 30, |n| format!("{{ a {{ {} }} }}", repeat(n, |i| format!("a{i}: a")))),
            ("directives", 30, |n| format!("{{ a {{ b {} }} }}", "@x ".repeat(n))),
            ("operations", 20, |n| repeat(n, |i| format!("query Q{i} {{ a }}"))),
            ("selections", 5000, |n| format!("{{ a {{ {} }} }}", "a ".repeat(n - 1))),
        ] {
            assert_eq!(refusal(&document(most)), None, "{limit}");
            assert_eq!(refusal(&document(most + 1)).as_deref(), Some(limit));
        }
    }

    #[test]
    fn fragments_count_where_they_are_spread() {
        let bomb = |levels: usize| {
            let mut text = "{ a { ...F0 } }".to_owned();
            for level in 0..levels {
                let _ = write!(text, " fragment F{level} on T {{ ...F{0} ...F{0} }}", level + 1);
            }
            text + &format!(" fragment F{levels} on T {{ a }}")
        };
        assert_eq!(refusal(&bomb(8)), None);
        assert_eq!(refusal(&bomb(31)).as_deref(), Some("selections"));
        // A longer chain is more than the stack can hold.
        assert_eq!(refusal(&bomb(1000)).as_deref(), Some("nesting"));
        // Nobody spreads it.
        assert_eq!(refusal(&bomb(31).replace("...F0 }", "a }")).as_deref(), Some("selections"));
        let aliases = format!("{{ {} }} fragment F on T {{ x: a }}", "a { ...F } ".repeat(16));
        assert_eq!(refusal(&aliases), None);
        assert_eq!(refusal(&aliases.replace("x: a", "x: a y: a")).as_deref(), Some("aliases"));
        assert_eq!(
            refusal("{ ...F } fragment F on T { a { ...G } } fragment G on T { a { ...F } }").unwrap(),
            "the fragment F spreads itself"
        );
        assert_eq!(refusal("{ ...Nowhere }"), None);
    }
}
