//! What is set to a variable without a value was not given, as the specification's `CoerceArgumentValues` has it
//! (<https://spec.graphql.org/October2021/#sec-Coercing-Field-Arguments>). async-graphql takes it for null, which would clear
//! what is to be left alone; so it is taken out of a mutation's document before that is run.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Variables};
use async_graphql_value::Value;

/// Leaves the operation that is run in the document, without what is set to a variable that has no value. The other operations go
/// then, since they may give the same variable another type. Tells whether there was such a variable.
pub(super) fn leave_out(
    document: &mut ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
) -> bool {
    let is_run = |known: Option<&Name>| operation_name.is_none_or(|name| known.is_some_and(|known| known == name));
    let Some((_, run)) = document.operations.iter().find(|(known, _)| is_run(*known)) else { return false };
    let declared = run.node.variable_definitions.iter().map(|definition| &definition.node.name.node);
    let absent: HashSet<Name> = declared.filter(|name| !variables.contains_key(*name)).cloned().collect();
    if absent.is_empty() {
        return false;
    }
    let operation = match &mut document.operations {
        DocumentOperations::Single(operation) => operation,
        DocumentOperations::Multiple(operations) => {
            operations.retain(|known, _| is_run(Some(known)));
            // Where no name is given there is only one; execution says so if that is not true.
            let Some(operation) = operations.values_mut().next() else { return true };
            operation
        }
    };
    operation.node.variable_definitions.retain(|definition| !absent.contains(&definition.node.name.node));
    let mut without = Without { absent, spreads: Vec::new() };
    without.selection(&mut operation.node.selection_set.node);
    let mut fragments = HashMap::new();
    while let Some(name) = without.spreads.pop() {
        if let Some(mut fragment) = document.fragments.remove(&name) {
            without.selection(&mut fragment.node.selection_set.node);
            fragments.insert(name, fragment);
        }
    }
    document.fragments = fragments;
    true
}

/// Takes out what is set to variables without a value.
struct Without {
    absent: HashSet<Name>,
    /// The fragments that were met.
    spreads: Vec<Name>,
}

impl Without {
    fn selection(&mut self, set: &mut SelectionSet) {
        for item in &mut set.items {
            match &mut item.node {
                Selection::Field(field) => {
                    let field = &mut field.node;
                    field.arguments.retain(|(_, value)| !self.is_absent(&value.node));
                    field.arguments.iter_mut().for_each(|(_, value)| self.value(&mut value.node));
                    self.selection(&mut field.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.selection(&mut fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.spreads.push(spread.node.fragment_name.node.clone()),
            }
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|_, value| !self.is_absent(value));
                fields.values_mut().for_each(|value| self.value(value));
            }
            Value::List(items) => {
                for item in items {
                    // An item cannot be left out.
                    if self.is_absent(item) {
                        *item = Value::Null;
                    }
                    self.value(item);
                }
            }
            _ => {}
        }
    }

    fn is_absent(&self, value: &Value) -> bool {
        matches!(value, Value::Variable(name) if self.absent.contains(name))
    }
}
