//! How a selection set is executed, in the words of the GraphQL specification
//! (<https://spec.graphql.org/October2021/#sec-Executing-Selection-Sets>): one object, one field after the other.
//!
//! **This is the place where async-graphql's own executor is mended**, so that it can say what is right. Left to itself it
//! resolves a response key that is selected twice twice, and reports its errors twice; leaves a field out that cannot be
//! null and has an error, instead of letting the error rise; refuses an argument whose variable has no value; answers
//! null for an object of which all fields are skipped; and cuts the path of an error that rises through a list. The schema,
//! validation, arguments, leaves and the resolvers themselves are its own.

use std::borrow::Cow;
use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, Name, ObjectType, OutputType, Positioned, QueryEnv, ServerResult, Value};
use async_graphql_value::Value as RawValue;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// An object whose selection is executed here.
#[derive(Clone)]
pub(super) struct Spec<T>(pub(super) T);

impl<T: ObjectType> OutputType for Spec<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        execute_selection_set(ctx, &self.0).await
    }
}

/// The product's root, executed here as well: an error that rises out of it leaves no data, but all of its fields are asked,
/// so that all errors are told.
pub(super) struct SpecRoot<T>(pub(super) T);

impl<T: ObjectType> OutputType for SpecRoot<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let (mut result, mut is_null) = (IndexMap::new(), false);
        for (key, fields) in collect(ctx, &T::type_name()) {
            match execute_field(ctx, &self.0, &fields).await {
                Ok(value) => drop(result.insert(key.clone(), value)),
                Err(error) => {
                    ctx.add_error(error);
                    is_null = true;
                }
            }
        }
        Ok(if is_null { Value::Null } else { Value::Object(result) })
    }
}

/// A list. async-graphql would cut the path of an error that rises through it off at the item.
pub(super) struct SpecList<T>(pub(super) Vec<T>);

impl<T: OutputType> OutputType for SpecList<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut values = Vec::with_capacity(self.0.len());
        for (index, item) in self.0.iter().enumerate() {
            values.push(item.resolve(&ctx.with_index(index), field).await?);
        }
        Ok(Value::List(values))
    }
}

/// `ExecuteSelectionSet`, where an error of a field that cannot be null is at once an error of the object.
pub(super) fn execute_selection_set<'c, T: ObjectType>(
    ctx: &'c ContextSelectionSet<'c>,
    object: &'c T,
) -> BoxFuture<'c, ServerResult<Value>> {
    async move {
        let mut result = IndexMap::new();
        for (key, fields) in collect(ctx, &T::type_name()) {
            result.insert(key.clone(), execute_field(ctx, object, &fields).await?);
        }
        Ok(Value::Object(result))
    }
    .boxed()
}

/// `ExecuteField`.
async fn execute_field<T: ObjectType>(
    ctx: &ContextSelectionSet<'_>,
    object: &T,
    fields: &[&Positioned<Field>],
) -> ServerResult<Value> {
    if fields[0].node.name.node == "__typename" {
        return Ok(Value::String(T::type_name().into_owned()));
    }
    let field = merge_selection_sets(ctx.query_env, fields);
    Ok(object.resolve_field(&ctx.with_field(&field)).await?.unwrap_or_default())
}

/// The fields that share a response key.
type Groups<'c> = IndexMap<&'c Name, Vec<&'c Positioned<Field>>>;

fn collect<'c>(ctx: &ContextSelectionSet<'c>, object_type: &str) -> Groups<'c> {
    let mut groups = IndexMap::new();
    collect_fields(ctx, object_type, &ctx.item.node, &mut HashSet::new(), &mut groups);
    groups
}

/// `CollectFields`; `@skip` and `@include` were applied before.
fn collect_fields<'c>(
    ctx: &ContextSelectionSet<'c>,
    object_type: &str,
    set: &'c SelectionSet,
    visited: &mut HashSet<&'c Name>,
    groups: &mut Groups<'c>,
) {
    let applies = |fragment_type: &Name| {
        let known = ctx.schema_env.registry.types.get(fragment_type.as_str());
        known.is_some_and(|known| known.is_possible_type(object_type))
    };
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => groups.entry(&field.node.response_key().node).or_default().push(field),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if visited.insert(name)
                    && let Some(fragment) = ctx.query_env.fragments.get(name)
                    && applies(&fragment.node.type_condition.node.on.node)
                {
                    collect_fields(ctx, object_type, &fragment.node.selection_set.node, visited, groups);
                }
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                    collect_fields(ctx, object_type, &fragment.node.selection_set.node, visited, groups);
                }
            }
        }
    }
}

/// `MergeSelectionSets` and the variables' part of `CoerceArgumentValues`: the one field that `fields` are.
fn merge_selection_sets(request: &QueryEnv, fields: &[&Positioned<Field>]) -> Positioned<Field> {
    let mut merged = fields[0].clone();
    for field in &fields[1..] {
        merged.node.selection_set.node.items.extend(field.node.selection_set.node.items.iter().cloned());
    }
    let arguments = std::mem::take(&mut merged.node.arguments);
    merged.node.arguments = arguments
        .into_iter()
        .filter_map(|(name, value)| {
            let pos = value.pos;
            put_in(value.node, request).map(|value| (name, Positioned::new(value, pos)))
        })
        .collect();
    merged
}

/// The value with the variables' values in it; nothing where it is a variable without one.
fn put_in(value: RawValue, request: &QueryEnv) -> Option<RawValue> {
    Some(match value {
        RawValue::Variable(name) => return request.variables.get(&name).cloned().map(Value::into_value),
        RawValue::List(items) => {
            RawValue::List(items.into_iter().map(|item| put_in(item, request).unwrap_or(RawValue::Null)).collect())
        }
        RawValue::Object(fields) => RawValue::Object(
            fields.into_iter().filter_map(|(name, value)| Some((name, put_in(value, request)?))).collect(),
        ),
        constant => constant,
    })
}
