//! Compares what clients send: arguments, and the fields of input objects.

use std::collections::BTreeMap;

use super::sdl::{Input, Type};
use super::{Changes, pair};

/// Compares the arguments of a field or directive, or the fields of an input object: `place` gives an input's coordinate,
/// `noun` is what it is called.
pub(super) fn compare_inputs(
    old: &BTreeMap<String, Input>,
    new: &BTreeMap<String, Input>,
    place: &dyn Fn(&str) -> String,
    noun: &str,
    changes: &mut Changes,
) {
    for (name, was, is) in pair(old, new) {
        let coordinate = place(name);
        match (was, is) {
            (Some(was), Some(is)) => compare_input(&coordinate, was, is, changes),
            (Some(_), None) => changes.breaking(coordinate, format!("the {noun} is gone")),
            (None, Some(is)) if is.is_required() => {
                changes.breaking(coordinate, format!("the {noun} is new and required"));
            }
            // A directive is asked for by name; whoever knows the directive sees nothing of an argument that is left out.
            (None, _) if coordinate.starts_with('@') => changes.safe(coordinate, format!("the {noun} is new")),
            (None, _) => changes.dangerous(coordinate, format!("the {noun} is new")),
        }
    }
}

fn compare_input(coordinate: &str, old: &Input, new: &Input, changes: &mut Changes) {
    if !takes_no_less(&old.ty, &new.ty) {
        changes.breaking(coordinate, is_change_of(&old.ty, &new.ty));
    } else if old.ty != new.ty {
        changes.safe(coordinate, is_change_of(&old.ty, &new.ty));
    }
    match (&old.default, &new.default) {
        (Some(was), Some(is)) if was != is => {
            changes.dangerous(coordinate, format!("the default is {is} and was {was}"));
        }
        (Some(was), None) if new.is_required() => {
            changes.breaking(coordinate, format!("it is required now: the default {was} is gone"));
        }
        (Some(was), None) => changes.dangerous(coordinate, format!("the default {was} is gone")),
        (None, Some(is)) => changes.safe(coordinate, format!("there is a default: {is}")),
        _ => {}
    }
    changes.deprecation(coordinate, old.deprecation.as_deref(), new.deprecation.as_deref());
}

impl Input {
    /// Whether a client that leaves it out is refused.
    fn is_required(&self) -> bool {
        matches!(self.ty, Type::NonNull(_)) && self.default.is_none()
    }
}

/// Whether the new type of an input takes all that the old one took: it may become nullable at any depth.
fn takes_no_less(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::NonNull(old), Type::NonNull(new)) | (Type::List(old), Type::List(new)) => takes_no_less(old, new),
        (_, Type::NonNull(_)) => false,
        (Type::NonNull(old), new) => takes_no_less(old, new),
        (old, new) => old == new,
    }
}

/// The words for a change of a type.
pub(super) fn is_change_of(old: &Type, new: &Type) -> String {
    format!("the type is {new} and was {old}")
}
