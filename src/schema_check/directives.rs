//! Compares directives, which clients write into their documents.

use super::inputs::compare_inputs;
use super::members::difference;
use super::sdl::{Directive, Sdl};
use super::{Changes, pair};

/// Compares all directives, but those that GraphQL itself has.
pub(super) fn compare_directives(old: &Sdl, new: &Sdl, changes: &mut Changes) {
    for (name, was, is) in pair(&old.directives, &new.directives) {
        let coordinate = format!("@{name}");
        match (was, is) {
            (Some(was), Some(is)) => compare_directive(&coordinate, was, is, changes),
            (Some(_), None) => changes.breaking(coordinate, "the directive is gone"),
            (None, _) => changes.safe(coordinate, "the directive is new"),
        }
    }
}

fn compare_directive(coordinate: &str, old: &Directive, new: &Directive, changes: &mut Changes) {
    let place = |argument: &str| format!("{coordinate}({argument}:)");
    compare_inputs(&old.arguments, &new.arguments, &place, "argument", changes);
    match (old.is_repeatable, new.is_repeatable) {
        (true, false) => changes.breaking(coordinate, "it may stand only once in a place now"),
        (false, true) => changes.safe(coordinate, "it may stand more than once in a place now"),
        _ => {}
    }
    let (gone, added) = difference(&old.locations, &new.locations);
    gone.for_each(|location| changes.breaking(coordinate, format!("it may no longer stand at {location}")));
    added.for_each(|location| changes.safe(coordinate, format!("it may stand at {location} now")));
}
