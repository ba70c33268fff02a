//! Puts the fields of an answer into the order in which the document selects them, as the specification has it
//! (<https://spec.graphql.org/October2021/#sec-Serialized-Map-Ordering>): async-graphql, which runs mutations, gives them in
//! the order in which they were ready. What our own engine has written is in order, and stays as it is.

use std::collections::HashMap;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value};

/// The fields of an object in the order of the document.
struct Selected<'d> {
    fields: IndexMap<&'d Name, Vec<&'d Field>>,
    /// The type that fragments are on. With several, which of them apply depends on the object, and only the engine's objects
    /// are of several types.
    condition: Option<&'d Name>,
    is_ambiguous: bool,
}

/// Sorts the fields of `value`, which is what `set` selects.
pub(super) fn sort_fields(document: &ExecutableDocument, set: &SelectionSet, value: &mut Value) {
    sort(document, &[set], value);
}

fn sort(document: &ExecutableDocument, sets: &[&SelectionSet], value: &mut Value) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| sort(document, sets, item)),
        Value::Object(object) => {
            let mut selected = Selected { fields: IndexMap::new(), condition: None, is_ambiguous: false };
            for set in sets {
                selected.add(document, set);
            }
            if selected.is_ambiguous {
                return;
            }
            let places: HashMap<&Name, usize> =
                selected.fields.keys().enumerate().map(|(place, name)| (*name, place)).collect();
            object.sort_by_key(|name, _| places.get(name).copied());
            for (name, value) in object {
                let fields = selected.fields.get(name);
                let sets: Vec<&SelectionSet> =
                    fields.into_iter().flatten().map(|field| &field.selection_set.node).collect();
                sort(document, &sets, value);
            }
        }
        _ => {}
    }
}

impl<'d> Selected<'d> {
    fn add(&mut self, document: &'d ExecutableDocument, set: &'d SelectionSet) {
        for Positioned { node: selection, .. } in &set.items {
            match selection {
                Selection::Field(field) => {
                    self.fields.entry(&field.node.response_key().node).or_default().push(&field.node);
                }
                Selection::InlineFragment(fragment) => {
                    if let Some(condition) = &fragment.node.type_condition {
                        self.note(&condition.node.on.node);
                    }
                    self.add(document, &fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.note(&fragment.node.type_condition.node.on.node);
                        self.add(document, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn note(&mut self, condition: &'d Name) {
        self.is_ambiguous |= self.condition.replace(condition).is_some_and(|known| known != condition);
    }
}
