//! Compares the operations, the types, and the fields that clients select.

use super::inputs::{compare_inputs, is_change_of};
use super::members::{compare_interfaces, compare_members, compare_values};
use super::sdl::{Definition, Field, Sdl, Type};
use super::{Changes, pair};

/// Compares the types at which operations begin.
pub(super) fn compare_roots(old: &Sdl, new: &Sdl, changes: &mut Changes) {
    for (operation, was, is) in pair(&old.roots, &new.roots) {
        match (was, is) {
            (Some(was), Some(is)) if was != is => {
                changes.breaking(is.as_str(), format!("it is the {operation} root now, which was {was}"));
            }
            (Some(was), None) => changes.breaking(was.as_str(), format!("it is no longer the {operation} root")),
            (None, Some(is)) => changes.safe(is.as_str(), format!("it is the {operation} root, which there was not")),
            _ => {}
        }
    }
}

/// Compares all types.
pub(super) fn compare_types(old: &Sdl, new: &Sdl, changes: &mut Changes) {
    for (name, was, is) in pair(&old.types, &new.types) {
        match (was, is) {
            (Some(was), Some(is)) if was.kind == is.kind => compare_type(name, was, is, changes),
            (Some(was), Some(is)) => changes.breaking(name, format!("it was {} and is {}", was.kind, is.kind)),
            (Some(_), None) => changes.breaking(name, "the type is gone"),
            (None, _) => changes.safe(name, "the type is new"),
        }
    }
}

fn compare_type(name: &str, old: &Definition, new: &Definition, changes: &mut Changes) {
    compare_fields(name, old, new, changes);
    compare_interfaces(name, old, new, changes);
    compare_members(name, old, new, changes);
    compare_values(name, old, new, changes);
    compare_inputs(&old.inputs, &new.inputs, &|input| format!("{name}.{input}"), "field", changes);
    match (old.is_one_of, new.is_one_of) {
        (false, true) => changes.breaking(name, "exactly one of its fields must be given now"),
        (true, false) => changes.safe(name, "more than one of its fields may be given now"),
        _ => {}
    }
}

fn compare_fields(type_name: &str, old: &Definition, new: &Definition, changes: &mut Changes) {
    for (name, was, is) in pair(&old.fields, &new.fields) {
        let coordinate = format!("{type_name}.{name}");
        match (was, is) {
            (Some(was), Some(is)) => compare_field(&coordinate, was, is, changes),
            (Some(_), None) => changes.breaking(coordinate, "the field is gone"),
            (None, _) => changes.safe(coordinate, "the field is new"),
        }
    }
}

fn compare_field(coordinate: &str, old: &Field, new: &Field, changes: &mut Changes) {
    if old.ty != new.ty {
        let change = is_change_of(&old.ty, &new.ty);
        if holds_no_more(&old.ty, &new.ty) {
            changes.safe(coordinate, change);
        } else {
            changes.breaking(coordinate, change);
        }
    }
    let place = |argument: &str| format!("{coordinate}({argument}:)");
    compare_inputs(&old.arguments, &new.arguments, &place, "argument", changes);
    changes.deprecation(coordinate, old.deprecation.as_deref(), new.deprecation.as_deref());
}

/// Whether all that the new type of a field may hold, the old one may hold as well: it may become non-null at any depth.
fn holds_no_more(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::NonNull(old), Type::NonNull(new)) | (Type::List(old), Type::List(new)) => holds_no_more(old, new),
        (Type::NonNull(_), _) => false,
        (old, Type::NonNull(new)) => holds_no_more(old, new),
        (old, new) => old == new,
    }
}
