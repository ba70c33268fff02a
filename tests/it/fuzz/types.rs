//! The schema's types, as `schema.graphql` has them.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};

pub(super) struct Types(HashMap<String, TypeKind>);

impl Types {
    pub(super) fn read() -> Self {
        let document = parse_schema(include_str!("../../../schema.graphql")).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => {
                Some((definition.node.name.node.to_string(), definition.node.kind))
            }
            _ => None,
        });
        Self(types.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&TypeKind> {
        self.0.get(name)
    }

    /// The fields of an object or interface.
    pub(super) fn fields(&self, name: &str) -> Vec<&FieldDefinition> {
        match self.get(name) {
            Some(TypeKind::Object(object)) => object.fields.iter().map(|field| &field.node).collect(),
            Some(TypeKind::Interface(interface)) => interface.fields.iter().map(|field| &field.node).collect(),
            _ => Vec::new(),
        }
    }

    /// The fields of an input object, and whether exactly one of them is given.
    pub(super) fn inputs(&self, name: &str) -> Option<(Vec<&InputValueDefinition>, bool)> {
        let TypeKind::InputObject(input) = self.get(name)? else { return None };
        let fields: Vec<_> = input.fields.iter().map(|field| &field.node).collect();
        // The parser gives no directives of input objects: `@oneOf` has them all nullable, and many.
        let is_one_of = ["ChangeInput"].contains(&name);
        Some((fields, is_one_of))
    }

    /// The object types that a value of this type may have.
    pub(super) fn possible(&self, name: &str) -> HashSet<String> {
        match self.get(name) {
            Some(TypeKind::Union(union)) => union.members.iter().map(|member| member.node.to_string()).collect(),
            Some(TypeKind::Interface(_)) => {
                let implements = |kind: &TypeKind| matches!(kind, TypeKind::Object(object) if object.implements.iter().any(|known| known.node == name));
                self.0.iter().filter(|(_, kind)| implements(kind)).map(|(name, _)| name.clone()).collect()
            }
            _ => HashSet::from([name.to_owned()]),
        }
    }
}

/// The name of a type without its lists.
pub(super) fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => named(item),
    }
}
