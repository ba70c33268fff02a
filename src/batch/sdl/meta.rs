//! The forms of async-graphql's registry, without what we never say.

use async_graphql::CacheControl;
use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::registry::{Deprecation, MetaEnumValue, MetaField, MetaInputValue, MetaType};

/// A field of an object type.
pub(crate) fn field(name: &str, description: &str, ty: String, arguments: Vec<MetaInputValue>) -> MetaField {
    MetaField {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        args: arguments.into_iter().map(|argument| (argument.name.clone(), argument)).collect(),
        ty,
        deprecation: Deprecation::NoDeprecated,
        cache_control: CacheControl::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// An argument, or a field of an input object.
pub(crate) fn input(name: &str, description: &str, ty: String) -> MetaInputValue {
    MetaInputValue {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        ty,
        deprecation: Deprecation::NoDeprecated,
        default_value: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}

/// An object type.
pub(crate) fn object_type(name: &str, description: &str, fields: impl IntoIterator<Item = MetaField>) -> MetaType {
    MetaType::Object {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        fields: by_name(fields),
        cache_control: CacheControl::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

pub(crate) fn union_type(name: &str, description: &str, possible_types: IndexSet<String>) -> MetaType {
    MetaType::Union {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        possible_types,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
    }
}

pub(crate) fn enum_value(name: &str, description: String) -> MetaEnumValue {
    MetaEnumValue {
        name: name.to_owned(),
        description: Some(description),
        deprecation: Deprecation::NoDeprecated,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        directive_invocations: Vec::new(),
    }
}

pub(crate) fn enum_type(
    name: &str,
    description: Option<String>,
    enum_values: IndexMap<String, MetaEnumValue>,
) -> MetaType {
    MetaType::Enum {
        name: name.to_owned(),
        description,
        enum_values,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// An input object type.
pub(crate) fn input_type(name: &str, description: &str, fields: impl IntoIterator<Item = MetaInputValue>) -> MetaType {
    MetaType::InputObject {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        input_fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        oneof: false,
        directive_invocations: Vec::new(),
    }
}

pub(crate) fn by_name(fields: impl IntoIterator<Item = MetaField>) -> IndexMap<String, MetaField> {
    fields.into_iter().map(|field| (field.name.clone(), field)).collect()
}
