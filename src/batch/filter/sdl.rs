//! Puts the input types of filters into the registry: one for each object type, one for each list of it, one for each
//! embedded object, and one for each type of leaf.

use async_graphql::registry::{MetaInputValue, Registry};
use async_graphql::{ID, InputType};

use super::operator::Operator;
use crate::batch::object::{Field, FieldKind, Fields, Object};
use crate::batch::row::Kind;
use crate::batch::sdl::{input, input_type};

/// Puts the filter of an object type into the registry, and all that it leads to.
pub(crate) fn register_filter(registry: &mut Registry, object: &'static Object) -> String {
    let node = object.fields.name;
    let filter = format!("{node}Filter");
    if !registry.types.contains_key(&filter) {
        // Filters lead back to each other; one that is being put in counts as known.
        registry.types.insert(filter.clone(), input_type(&filter, "", []));
        let mut fields = vec![
            input("and", "All of these hold; of none, that is so.", format!("[{filter}!]")),
            input("or", "One of these holds; of none, that is not so.", format!("[{filter}!]")),
            input("not", "This does not hold.", filter.clone()),
        ];
        fields.extend(register_fields(registry, &object.fields));
        let description = format!(
            "Which `{node}` are wanted: those for which all of the fields hold. A comparison with nothing does not hold, and \
             `not` is the complement. At most 8 filters of objects inside of each other, and 100 conditions; no field may \
             be null."
        );
        registry.types.insert(filter.clone(), input_type(&filter, &description, fields));
    }
    filter
}

fn register_fields(registry: &mut Registry, fields: &'static Fields) -> Vec<MetaInputValue> {
    fields.list.iter().filter_map(|field| register_field(registry, field)).collect()
}

fn register_field(registry: &mut Registry, field: &'static Field) -> Option<MetaInputValue> {
    let ty = match &field.kind {
        FieldKind::Id | FieldKind::Reference { .. } => {
            let name = <ID as InputType>::create_type_info(registry);
            register_operators(registry, &name, Kind::Key)
        }
        FieldKind::Leaf { column, register, .. } => {
            let name = register(registry);
            register_operators(registry, &name, column.kind)
        }
        FieldKind::Embedded(part) => {
            let filter = format!("{}Filter", part.name);
            let fields = register_fields(registry, part);
            let description = format!("Which `{}` are wanted: those for which all of the fields hold.", part.name);
            registry.types.insert(filter.clone(), input_type(&filter, &description, fields));
            filter
        }
        FieldKind::One { target, .. } => register_filter(registry, target()),
        FieldKind::Connection { target, .. } => register_list_filter(registry, target()),
        FieldKind::First { .. }
        | FieldKind::Groups { .. }
        | FieldKind::Entries { .. }
        | FieldKind::Secret(_)
        | FieldKind::Words(_)
        | FieldKind::Cursor(_) => return None,
    };
    Some(input(field.name, field.description, ty))
}

fn register_list_filter(registry: &mut Registry, target: &'static Object) -> String {
    let node = target.fields.name;
    let (list, filter) = (format!("{node}ListFilter"), register_filter(registry, target));
    let fields = [
        input("some", "This holds for at least one of them.", filter.clone()),
        input("none", "This holds for none of them.", filter.clone()),
        input("every", "This holds for all of them; of none, that is so.", filter),
    ];
    let description = format!("Which lists of `{node}` are wanted: those for which all of the fields hold.");
    registry.types.insert(list.clone(), input_type(&list, &description, fields));
    list
}

/// The input of the operators of leaves of the type `name`, which may have the mark of what is not null.
fn register_operators(registry: &mut Registry, name: &str, kind: Kind) -> String {
    let name = name.trim_end_matches('!');
    let filter = format!("{name}Filter");
    if !registry.types.contains_key(&filter) {
        let boolean = <Option<bool> as InputType>::create_type_info(registry);
        let mut fields: Vec<_> = Operator::of(kind)
            .map(|operator| {
                let ty = match operator {
                    Operator::In => format!("[{name}!]"),
                    Operator::IsNull => boolean.clone(),
                    _ => name.to_owned(),
                };
                input(operator.name(), operator.description(), ty)
            })
            .collect();
        let mut description =
            format!("Which values of the type `{name}` are wanted: those for which all of the fields hold.");
        if kind == Kind::Text {
            description.push_str(" Text is compared by code point.");
            let ignore_case = "Whether `A` to `Z` count as `a` to `z` for all of the fields; no other letters do. By default \
                               they do not.";
            fields.push(input("ignoreCase", ignore_case, boolean));
        }
        registry.types.insert(filter.clone(), input_type(&filter, &description, fields));
    }
    filter
}
