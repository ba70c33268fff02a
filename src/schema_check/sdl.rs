//! A schema as its text declares it, with every extension put to what it extends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::read;

/// A schema.
#[derive(Debug, Default)]
pub struct Sdl {
    /// The types of the operations, by `query`, `mutation` and `subscription`.
    pub(super) roots: BTreeMap<&'static str, String>,
    pub(super) types: BTreeMap<String, Definition>,
    pub(super) directives: BTreeMap<String, Directive>,
}

/// A type. What its kind does not have is empty.
#[derive(Debug, Default)]
pub(super) struct Definition {
    /// What kind of type it is, with its article: `an enum`.
    pub(super) kind: &'static str,
    pub(super) interfaces: BTreeSet<String>,
    pub(super) fields: BTreeMap<String, Field>,
    pub(super) members: BTreeSet<String>,
    /// The values of an enum, with the reason why one is deprecated.
    pub(super) values: BTreeMap<String, Option<String>>,
    pub(super) inputs: BTreeMap<String, Input>,
    pub(super) is_one_of: bool,
}

/// A field of an object or an interface.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) ty: Type,
    pub(super) arguments: BTreeMap<String, Input>,
    pub(super) deprecation: Option<String>,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) ty: Type,
    /// The default as text, in the one form that its value has.
    pub(super) default: Option<String>,
    pub(super) deprecation: Option<String>,
}

/// A directive.
#[derive(Debug)]
pub(super) struct Directive {
    pub(super) arguments: BTreeMap<String, Input>,
    pub(super) is_repeatable: bool,
    pub(super) locations: BTreeSet<String>,
}

/// The type of a field or an input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Type {
    Named(String),
    List(Box<Type>),
    NonNull(Box<Type>),
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => formatter.write_str(name),
            Self::List(of) => write!(formatter, "[{of}]"),
            Self::NonNull(of) => write!(formatter, "{of}!"),
        }
    }
}

/// Why a text is no schema.
#[derive(Debug, thiserror::Error)]
pub enum SdlError {
    /// It is wrong at a place.
    #[error("{line}:{column}: {what}")]
    Wrong {
        /// The line, from 1.
        line: usize,
        /// The character of the line, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// There is no query root, without which there is no schema.
    #[error("1:1: it declares no type Query, and names no other as the query root")]
    NoQuery,
}

impl Sdl {
    /// Reads a schema.
    ///
    /// # Errors
    /// Where the text is no schema; the error says where.
    pub fn read(text: &str) -> Result<Self, SdlError> {
        read::read_sdl(text)
    }
}
