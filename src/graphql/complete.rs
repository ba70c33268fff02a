//! Makes what async-graphql answers to a mutation complete: each selected field is there, in the order of the document, as the
//! specification has it (<https://spec.graphql.org/October2021/#sec-Serialized-Map-Ordering>,
//! <https://spec.graphql.org/October2021/#sec-Handling-Field-Errors>).
//!
//! async-graphql gives fields in the order in which they were ready, and leaves out a field that failed. Here that is null, and
//! where it must not be, its object is. What our own engine has written is complete, and stays as it is.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, SelectionSet};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Value, Variables};

use crate::batch::{Source, collect};

/// Completes the data of a mutation.
pub(super) fn complete(
    types: &Registry,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    data: Value,
) -> Value {
    let completion = Completion { types, source: &Source::new(&document.fragments, variables) };
    // Where every field failed, there is no object.
    let data = if data == Value::Null { Value::Object(IndexMap::new()) } else { data };
    completion.object("Mutation", &[&operation.selection_set.node], data).unwrap_or_default()
}

struct Completion<'c, 'd> {
    types: &'c Registry,
    source: &'c Source<'d>,
}

impl<'d> Completion<'_, 'd> {
    /// The value of a field of type `ty`; nothing where it is null and must not be.
    fn value(&self, ty: &str, sets: &[&'d SelectionSet], value: Option<Value>) -> Option<Value> {
        let is_nullable = !ty.ends_with('!');
        let completed = match value {
            None | Some(Value::Null) => None,
            Some(Value::List(items)) => self.list(ty, sets, items),
            Some(value @ Value::Object(_)) => self.object(ty.trim_matches(['[', ']', '!']), sets, value),
            Some(leaf) => Some(leaf),
        };
        completed.or(is_nullable.then_some(Value::Null))
    }

    fn list(&self, ty: &str, sets: &[&'d SelectionSet], items: Vec<Value>) -> Option<Value> {
        let ty = ty.strip_suffix('!').unwrap_or(ty);
        let item_type = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')).unwrap_or(ty);
        let items = items.into_iter().map(|item| self.value(item_type, sets, Some(item)));
        items.collect::<Option<_>>().map(Value::List)
    }

    /// An object of the type `name`; nothing where one of its fields is null and must not be.
    fn object(&self, name: &str, sets: &[&'d SelectionSet], value: Value) -> Option<Value> {
        let Some(MetaType::Object { fields, .. }) = self.types.types.get(name) else { return Some(value) };
        let is_engines = self.types.implements.get(name).is_some_and(|interfaces| interfaces.contains("Node"));
        let mut given = match value {
            Value::Object(given) if !is_engines => given,
            other => return Some(other),
        };
        let selected = collect(sets.iter().copied(), &[name], self.source);
        let entries = selected.iter().map(|selected| {
            let field = fields.get(selected.field().node.name.node.as_str());
            let ty = field.map_or("String!", |field| field.ty.as_str());
            let sets: Vec<_> = selected.selection_sets().collect();
            Some((selected.key.clone(), self.value(ty, &sets, given.swap_remove(selected.key))?))
        });
        entries.collect::<Option<_>>().map(Value::Object)
    }
}
