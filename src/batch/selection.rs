//! What a document selects on one object type: fragments are put in, fields with one response key are merged.

use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use super::arguments::RawArguments;
use super::source::Source;

/// The fields that share one response key: one field with equal arguments. What they select is merged by going through
/// all of their selection sets.
pub(crate) struct Selected<'d> {
    pub(crate) key: &'d Name,
    pub(crate) fields: Vec<&'d Positioned<Field>>,
}

impl<'d> Selected<'d> {
    /// The first of the fields; its name and arguments are those of all.
    pub(crate) fn field(&self) -> &'d Positioned<Field> {
        self.fields[0]
    }

    /// The first field that cannot share the key with the one before it. async-graphql validates that fields can be
    /// merged, but not below fields that are merged themselves, nor through fragments with a type condition.
    pub(crate) fn conflict(&self) -> Option<&'d Positioned<Field>> {
        let first = &self.field().node;
        self.fields.iter().copied().find(|field| {
            let field = &field.node;
            field.name.node != first.name.node || !equal_arguments(&field.arguments, &first.arguments)
        })
    }

    pub(crate) fn selection_sets(&self) -> impl Iterator<Item = &'d SelectionSet> + use<'d, '_> {
        self.fields.iter().map(|field| &field.node.selection_set.node)
    }
}

/// Whether the arguments are written alike, in whatever order: then they are equal for all variables.
pub(crate) fn equal_arguments(some: &RawArguments, others: &RawArguments) -> bool {
    let given = |(name, value): &(Positioned<Name>, Positioned<Value>)| {
        others.iter().any(|(known, other)| known.node == name.node && other.node == value.node)
    };
    some.len() == others.len() && some.iter().all(given)
}

/// Collects what `sets` select on a type that goes by any of `names`: its own and those of its interfaces and unions. In
/// the order of the first appearance, as the specification's `CollectFields` has it
/// (<https://spec.graphql.org/October2021/#sec-Field-Collection>).
pub(crate) fn collect<'d>(
    sets: impl IntoIterator<Item = &'d SelectionSet>,
    names: &[&str],
    source: &Source<'d>,
) -> Vec<Selected<'d>> {
    // A fragment is put in once: what spreads itself many times over must not take as many steps.
    let (mut collected, mut visited) = (IndexMap::new(), HashSet::new());
    for set in sets {
        collect_set(set, names, source, &mut visited, &mut collected);
    }
    collected.into_iter().map(|(key, fields)| Selected { key, fields }).collect()
}

fn collect_set<'d>(
    set: &'d SelectionSet,
    names: &[&str],
    source: &Source<'d>,
    visited: &mut HashSet<&'d Name>,
    collected: &mut IndexMap<&'d Name, Vec<&'d Positioned<Field>>>,
) {
    for item in set.items.iter().filter(|item| !source.is_skipped(item.node.directives())) {
        match &item.node {
            Selection::Field(field) => {
                collected.entry(&field.node.response_key().node).or_default().push(field);
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| names.contains(&condition.node.on.node.as_str())) {
                    collect_set(&fragment.node.selection_set.node, names, source, visited, collected);
                }
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let Some(fragment) = source.fragments.get(name).filter(|_| visited.insert(name)) else {
                    continue;
                };
                if names.contains(&fragment.node.type_condition.node.on.node.as_str()) {
                    collect_set(&fragment.node.selection_set.node, names, source, visited, collected);
                }
            }
        }
    }
}
