//! Compares what a type is one of, or what is one of it: interfaces, members of unions, values of enums.

use std::collections::BTreeSet;

use super::sdl::Definition;
use super::{Changes, pair};

/// Compares the values of an enum.
pub(super) fn compare_values(type_name: &str, old: &Definition, new: &Definition, changes: &mut Changes) {
    for (name, was, is) in pair(&old.values, &new.values) {
        let coordinate = format!("{type_name}.{name}");
        match (was, is) {
            (Some(was), Some(is)) => changes.deprecation(&coordinate, was.as_deref(), is.as_deref()),
            (Some(_), None) => changes.breaking(coordinate, "the value is gone"),
            (None, _) => changes.dangerous(coordinate, "the value is new"),
        }
    }
}

/// Compares the members of a union.
pub(super) fn compare_members(type_name: &str, old: &Definition, new: &Definition, changes: &mut Changes) {
    let (gone, added) = difference(&old.members, &new.members);
    gone.for_each(|member| changes.breaking(type_name, format!("{member} is no member any more")));
    added.for_each(|member| changes.dangerous(type_name, format!("{member} is a new member")));
}

/// Compares the interfaces of an object or an interface.
pub(super) fn compare_interfaces(type_name: &str, old: &Definition, new: &Definition, changes: &mut Changes) {
    let (gone, added) = difference(&old.interfaces, &new.interfaces);
    gone.for_each(|interface| changes.breaking(type_name, format!("it is no {interface} any more")));
    added.for_each(|interface| changes.dangerous(type_name, format!("it is a {interface} now")));
}

/// What is only in the old set, and what is only in the new one.
pub(super) fn difference<'s, T: Ord>(
    old: &'s BTreeSet<T>,
    new: &'s BTreeSet<T>,
) -> (impl Iterator<Item = &'s T>, impl Iterator<Item = &'s T>) {
    (old.difference(new), new.difference(old))
}
