//! What a document selects on one object type: fragments are put in, fields with one response key are merged.

use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, QueryEnv};
use async_graphql_value::Value;

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
            let given = |argument: &Argument| first.arguments.iter().any(|known| equal(known, argument));
            field.name.node != first.name.node
                || field.arguments.len() != first.arguments.len()
                || !field.arguments.iter().all(given)
        })
    }

    pub(crate) fn selection_sets(&self) -> impl Iterator<Item = &'d SelectionSet> + use<'d, '_> {
        self.fields.iter().map(|field| &field.node.selection_set.node)
    }
}

type Argument = (Positioned<Name>, Positioned<Value>);

fn equal(one: &Argument, other: &Argument) -> bool {
    one.0.node == other.0.node && one.1.node == other.1.node
}

/// Collects what `sets` select on a type that goes by any of `names`: its own and those of its interfaces and unions. In
/// the order of the first appearance, as the specification's `CollectFields` has it
/// (<https://spec.graphql.org/October2021/#sec-Field-Collection>). `@skip` and `@include` were applied before.
pub(crate) fn collect<'d>(
    sets: impl IntoIterator<Item = &'d SelectionSet>,
    names: &[&str],
    request: &'d QueryEnv,
) -> Vec<Selected<'d>> {
    let mut collected = IndexMap::new();
    for set in sets {
        collect_set(set, names, request, &mut HashSet::new(), &mut collected);
    }
    collected.into_iter().map(|(key, fields)| Selected { key, fields }).collect()
}

fn collect_set<'d>(
    set: &'d SelectionSet,
    names: &[&str],
    request: &'d QueryEnv,
    visited: &mut HashSet<&'d Name>,
    collected: &mut IndexMap<&'d Name, Vec<&'d Positioned<Field>>>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                collected.entry(&field.node.response_key().node).or_default().push(field);
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| names.contains(&condition.node.on.node.as_str())) {
                    collect_set(&fragment.node.selection_set.node, names, request, visited, collected);
                }
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let Some(fragment) = request.fragments.get(name).filter(|_| visited.insert(name)) else {
                    continue;
                };
                if names.contains(&fragment.node.type_condition.node.on.node.as_str()) {
                    collect_set(&fragment.node.selection_set.node, names, request, visited, collected);
                }
            }
        }
    }
}
