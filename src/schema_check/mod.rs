//! What has changed from one schema to another, and what it does to clients that were written for the old one.
//!
//! The rules are those of graphql-js (`findSchemaChanges`), which the tools of the JavaScript world share. Three changes are
//! told beyond them, since they break clients as surely: a root operation that is another or gone, an input object that
//! becomes `@oneOf`, and a default that is taken from what may not be null, which is required from then on.
//!
//! **Invariant:** it knows two texts in the schema definition language and nothing else of the program. Descriptions are not
//! compared. `cli` uses it.

mod directives;
mod inputs;
mod members;
mod read;
mod sdl;
mod types;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

pub use self::sdl::{Sdl, SdlError};

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Change {
    /// What it does to clients.
    pub severity: Severity,
    /// Where it is, as the GraphQL specification writes places in a schema: `Query.features(first:)`, `FeatureStatus.PAUSED`,
    /// `@include`.
    pub coordinate: String,
    /// What has become of it, in words.
    pub change: String,
}

/// What a change does to a client that was written for the old schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A document may be refused that was valid, or an answer may hold null where there was none.
    Breaking,
    /// Every document stays valid, but an answer may hold what the client does not know, or mean something else.
    Dangerous,
    /// No client can tell.
    Safe,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Breaking => "breaking",
            Self::Dangerous => "dangerous",
            Self::Safe => "safe",
        })
    }
}

/// Compares two schemas: what breaks clients comes first, and what is alike is sorted by its place.
#[must_use]
pub fn compare(old: &Sdl, new: &Sdl) -> Vec<Change> {
    let mut changes = Changes::default();
    types::compare_roots(old, new, &mut changes);
    types::compare_types(old, new, &mut changes);
    directives::compare_directives(old, new, &mut changes);
    changes.0.sort();
    changes.0
}

/// The changes that were found so far.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn breaking(&mut self, coordinate: impl Into<String>, change: impl Into<String>) {
        self.tell(Severity::Breaking, coordinate, change);
    }

    fn dangerous(&mut self, coordinate: impl Into<String>, change: impl Into<String>) {
        self.tell(Severity::Dangerous, coordinate, change);
    }

    fn safe(&mut self, coordinate: impl Into<String>, change: impl Into<String>) {
        self.tell(Severity::Safe, coordinate, change);
    }

    fn tell(&mut self, severity: Severity, coordinate: impl Into<String>, change: impl Into<String>) {
        self.0.push(Change { severity, coordinate: coordinate.into(), change: change.into() });
    }

    /// Tells of a deprecation that was not there, or that is there no more: documents stay valid.
    fn deprecation(&mut self, coordinate: &str, old: Option<&str>, new: Option<&str>) {
        match (old, new) {
            (None, Some(reason)) => self.safe(coordinate, format!("it is deprecated: {reason}")),
            (Some(_), None) => self.safe(coordinate, "it is no longer deprecated"),
            _ => {}
        }
    }
}

/// What two schemas have under each name, those of the old one first.
fn pair<'s, K: Ord, T>(
    old: &'s BTreeMap<K, T>,
    new: &'s BTreeMap<K, T>,
) -> impl Iterator<Item = (&'s K, Option<&'s T>, Option<&'s T>)> {
    let added = new.iter().filter(|(name, _)| !old.contains_key(name)).map(|(name, is)| (name, None, Some(is)));
    old.iter().map(|(name, was)| (name, Some(was), new.get(name))).chain(added)
}
