//! Puts declarations into async-graphql's registry, from which come the SDL, validation and introspection.

use async_graphql::indexmap::IndexSet;
use async_graphql::registry::{MetaField, MetaInputValue, MetaType, Registry};
use async_graphql::{ID, OutputType};

use super::arguments::Argument;
use super::column::LeafType as _;
use super::object::{Field, FieldKind, Fields, Object};

mod lists;
mod meta;

pub(crate) use self::lists::{
    page_arguments, register_connection, register_groups, register_more_pages, register_search,
};
use self::meta::by_name;
pub(crate) use self::meta::{field, input, input_type, object_type};

/// Puts an object type into the registry, and all that it leads to.
pub(crate) fn register_object(registry: &mut Registry, object: &'static Object) -> String {
    let fields = &object.fields;
    if !registry.types.contains_key(fields.name) {
        // Types lead back to each other; a type that is being put in counts as known.
        registry.types.insert(fields.name.to_owned(), object_type(fields.name, fields.description, []));
        register_node(registry);
        let list = register_fields(registry, fields);
        registry.types.insert(fields.name.to_owned(), object_type(fields.name, fields.description, list));
        registry.add_implements(fields.name, "Node");
        if let Some(MetaType::Interface { possible_types, .. }) = registry.types.get_mut("Node") {
            possible_types.insert(fields.name.to_owned());
        }
    }
    fields.name.to_owned()
}

/// Puts the type of a part of an object into the registry.
pub(crate) fn register_part(registry: &mut Registry, part: &'static Fields) -> String {
    let list = register_fields(registry, part);
    registry.types.insert(part.name.to_owned(), object_type(part.name, part.description, list));
    part.name.to_owned()
}

fn register_fields(registry: &mut Registry, fields: &'static Fields) -> Vec<MetaField> {
    fields.list.iter().map(|field| register_field(registry, field)).collect()
}

fn register_field(registry: &mut Registry, declared: &'static Field) -> MetaField {
    let (ty, arguments) = match &declared.kind {
        FieldKind::Id | FieldKind::Reference { .. } => (<ID as OutputType>::create_type_info(registry), Vec::new()),
        FieldKind::Leaf { register, .. } => (register(registry), Vec::new()),
        FieldKind::Secret(_) => (<Option<String>>::register(registry), Vec::new()),
        FieldKind::Words(_) => (format!("[{}]", String::register(registry)), Vec::new()),
        FieldKind::Entries { shape, .. } => (format!("[{}!]!", shape().register(registry)), Vec::new()),
        FieldKind::Embedded(part) => (format!("{}!", register_part(registry, part)), Vec::new()),
        FieldKind::One { target, .. } => {
            let mark = if declared.nullable { "" } else { "!" };
            (format!("{}{mark}", register_object(registry, target())), Vec::new())
        }
        FieldKind::Cursor(_) => (<String as OutputType>::create_type_info(registry), Vec::new()),
        FieldKind::First { target, equal, .. } => {
            let arguments = equal.iter().map(|equal| register_argument(registry, &equal.argument)).collect();
            (register_object(registry, target()), arguments)
        }
        FieldKind::Groups { groups, .. } => register_groups(registry, groups),
        FieldKind::Connection { target, .. } => {
            (format!("{}!", register_connection(registry, *target)), page_arguments(registry, target()))
        }
    };
    field(declared.name, declared.description, ty, arguments)
}

pub(crate) fn register_argument(registry: &mut Registry, argument: &Argument) -> MetaInputValue {
    input(argument.name, argument.description, (argument.register)(registry))
}

/// Puts the interface of all object types into the registry.
pub(crate) fn register_node(registry: &mut Registry) -> String {
    let id = field("id", "Names the object; opaque.", <ID as OutputType>::create_type_info(registry), Vec::new());
    registry.types.entry("Node".to_owned()).or_insert_with(|| MetaType::Interface {
        name: "Node".to_owned(),
        description: Some("An object that can be fetched again by its id.".to_owned()),
        fields: by_name([id]),
        possible_types: IndexSet::default(),
        extends: false,
        inaccessible: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    });
    "Node".to_owned()
}

/// Puts the scalar of points in time into the registry; the framework's own description is about its code.
pub(crate) fn register_date_time(registry: &mut Registry) -> String {
    registry.types.entry("DateTime".to_owned()).or_insert_with(|| MetaType::Scalar {
        name: "DateTime".to_owned(),
        description: Some("A point in time in UTC, as RFC 3339 has it: `2026-11-23T20:00:00Z`.".to_owned()),
        is_valid: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        specified_by_url: Some("https://www.rfc-editor.org/rfc/rfc3339".to_owned()),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    });
    "DateTime!".to_owned()
}
