//! Shapes: object types whose values are JSON that is at hand, and no rows: the entries of a list that a column holds, and
//! what ordinary code computes for a field of the query root.
//!
//! **Invariant:** a field of a shape has no arguments and leads nowhere; its value is the one that the JSON has under its name.

use async_graphql::registry::{MetaField, MetaType, Registry};
use async_graphql::{ID, OutputType};
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::BatchError;
use super::arguments::{Argument, Arguments};
use super::column::LeafType;
use super::sdl::{field, object_type};
use crate::access::Caller;
use crate::database::Database;
use crate::encryption::token;

/// Gives the declaration of a shape.
pub type ShapeRef = fn() -> &'static Shape;

/// An object type whose values are JSON objects.
pub struct Shape {
    pub(crate) name: &'static str,
    description: &'static str,
    fields: Vec<ShapeField>,
}

/// A field of a shape.
pub(crate) struct ShapeField {
    pub(crate) name: &'static str,
    description: &'static str,
    pub(crate) nullable: bool,
    register: fn(&mut Registry) -> String,
}

/// How a column holds a list of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    /// A list of objects.
    List,
    /// An object: each of its names, with its value, is an entry. Of a secret is told that there is one.
    Pairs {
        /// The field of an entry that has the name.
        name: &'static str,
        /// The field that has the value.
        value: &'static str,
    },
}

/// A field of the query root that ordinary code computes: the exception, for what no statement of a plan can tell.
pub struct Computed {
    /// What it gives.
    pub shape: ShapeRef,
    /// Whether it gives a list of them; else one, or nothing.
    pub is_list: bool,
    /// What it takes.
    pub arguments: Vec<Argument>,
    /// Who computes it.
    pub compute: &'static dyn Compute,
}

/// Computes the value of a field.
pub trait Compute: Send + Sync {
    /// The value, as JSON: a list, an object or null. It reads a bounded number of rows, whatever the arguments.
    ///
    /// # Errors
    /// What is wrong with the arguments, or that the database does not answer.
    fn compute<'f>(
        &'f self,
        database: &'f Database,
        caller: &'f Caller,
        arguments: &'f Arguments,
    ) -> BoxFuture<'f, Result<Json, BatchError>>;
}

impl Shape {
    /// Begins the declaration of the object type `name`.
    #[must_use]
    pub fn of(name: &'static str, description: &'static str) -> Self {
        Self { name, description, fields: Vec::new() }
    }

    /// A leaf of type `T`.
    #[must_use]
    pub fn leaf<T: LeafType>(self, name: &'static str, description: &'static str) -> Self {
        self.add(name, description, T::NULLABLE, T::register)
    }

    /// An id.
    #[must_use]
    pub fn id(self, name: &'static str, description: &'static str) -> Self {
        self.add(name, description, false, <ID as OutputType>::create_type_info)
    }

    /// A truth value.
    #[must_use]
    pub fn flag(self, name: &'static str, description: &'static str) -> Self {
        self.add(name, description, false, <bool as OutputType>::create_type_info)
    }

    /// Any JSON value.
    #[must_use]
    pub fn json(self, name: &'static str, description: &'static str) -> Self {
        self.add(name, description, true, register_json)
    }

    fn add(
        mut self,
        name: &'static str,
        description: &'static str,
        nullable: bool,
        register: fn(&mut Registry) -> String,
    ) -> Self {
        self.fields.push(ShapeField { name, description, nullable, register });
        self
    }

    /// The field `name`; validation has made sure that there is one.
    pub(crate) fn field(&self, name: &str) -> Option<&ShapeField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Puts the type into the registry, and gives its name.
    pub(crate) fn register(&self, registry: &mut Registry) -> &'static str {
        let fields: Vec<MetaField> = self
            .fields
            .iter()
            .map(|declared| field(declared.name, declared.description, (declared.register)(registry), Vec::new()))
            .collect();
        registry.types.insert(self.name.to_owned(), object_type(self.name, self.description, fields));
        self.name
    }
}

impl Entries {
    /// The entries in a column's text.
    pub(crate) fn read(self, text: &str) -> Result<Json, BatchError> {
        const BROKEN: BatchError = BatchError::Broken("a column does not hold the JSON that its field is made of");
        let json = serde_json::from_str(text).map_err(|_| BROKEN)?;
        match (self, json) {
            (Self::List, list @ Json::Array(_)) => Ok(list),
            (Self::Pairs { name, value }, Json::Object(pairs)) => {
                let entry = |(key, of)| {
                    let shown = [(name.to_owned(), Json::String(key)), (value.to_owned(), token::hide(of))];
                    Json::Object(shown.into_iter().collect())
                };
                Ok(Json::Array(pairs.into_iter().map(entry).collect()))
            }
            _ => Err(BROKEN),
        }
    }
}

/// Puts the scalar of JSON values into the registry; the framework's own description is about its code.
fn register_json(registry: &mut Registry) -> String {
    registry.types.entry("JSON".to_owned()).or_insert_with(|| MetaType::Scalar {
        name: "JSON".to_owned(),
        description: Some(
            "A JSON value: text, a number, a truth value or null, a list or an object of them.".to_owned(),
        ),
        is_valid: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        specified_by_url: Some("https://www.rfc-editor.org/rfc/rfc8259".to_owned()),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    });
    "JSON".to_owned()
}
