//! The arguments of a field inside a read. async-graphql has validated them; here variables are put in, which it leaves to
//! whoever reads a raw selection.

use async_graphql::registry::Registry;
use async_graphql::{InputType, Name, Positioned, Value, Variables};
use async_graphql_value::Value as RawValue;

use super::BatchError;

/// A declared argument.
pub struct Argument {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) register: fn(&mut Registry) -> String,
}

impl Argument {
    /// An argument of type `T`; an `Option` may be left out.
    #[must_use]
    pub fn of<T: InputType>(name: &'static str, description: &'static str) -> Self {
        Self { name, description, register: T::create_type_info }
    }
}

/// A field's arguments as they stand in the document.
pub(crate) type RawArguments = [(Positioned<Name>, Positioned<RawValue>)];

/// Whether what a field's arguments are depends on variables.
pub(crate) fn has_variables(raw: &RawArguments) -> bool {
    raw.iter().any(|(_, value)| holds_variable(&value.node))
}

/// Whether a value depends on variables.
pub(crate) fn holds_variable(value: &RawValue) -> bool {
    match value {
        RawValue::Variable(_) => true,
        RawValue::List(items) => items.iter().any(holds_variable),
        RawValue::Object(fields) => fields.values().any(holds_variable),
        _ => false,
    }
}

/// The arguments that were given: an argument set to a variable without a value was not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments(Vec<(Name, Value)>);

impl Arguments {
    /// The arguments as they stand in the document, with variables put in.
    pub(crate) fn of(raw: &RawArguments, variables: &Variables) -> Self {
        let given = raw.iter();
        Self(given.filter_map(|(name, value)| Some((name.node.clone(), put_in(&value.node, variables)?))).collect())
    }

    /// The argument `name` as a `T`; what `T` makes of nothing where it was not given.
    ///
    /// # Errors
    /// [`BatchError::InvalidArgument`] where the value is not a `T`.
    pub fn get<T: InputType>(&self, name: &'static str) -> Result<T, BatchError> {
        T::parse(self.raw(name).cloned()).map_err(|error| BatchError::InvalidArgument {
            argument: name.to_owned(),
            reason: format!("is not valid: {}", error.into_server_error(async_graphql::Pos::default()).message),
        })
    }

    /// The argument `name` as it was given.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// A text argument that a statement may carry: PostgreSQL's text cannot hold the NUL character.
    ///
    /// # Errors
    /// [`BatchError::InvalidArgument`] where the value is not such a text.
    pub fn get_text(&self, name: &'static str) -> Result<Option<String>, BatchError> {
        match self.get::<Option<String>>(name)? {
            Some(text) if text.contains('\0') => Err(BatchError::InvalidArgument {
                argument: name.to_owned(),
                reason: "must not hold the character U+0000".to_owned(),
            }),
            text => Ok(text),
        }
    }
}

/// The value with variables put in; nothing for a variable without a value. A variable's default was put among the
/// variables before execution began.
pub(crate) fn put_in(value: &RawValue, variables: &Variables) -> Option<Value> {
    Some(match value {
        RawValue::Variable(name) => return variables.get(name).cloned(),
        RawValue::List(items) => {
            Value::List(items.iter().map(|item| put_in(item, variables).unwrap_or(Value::Null)).collect())
        }
        RawValue::Object(fields) => Value::Object(
            fields.iter().filter_map(|(name, value)| Some((name.clone(), put_in(value, variables)?))).collect(),
        ),
        RawValue::Null => Value::Null,
        RawValue::Number(number) => Value::Number(number.clone()),
        RawValue::String(text) => Value::String(text.clone()),
        RawValue::Boolean(flag) => Value::Boolean(*flag),
        RawValue::Binary(bytes) => Value::Binary(bytes.clone()),
        RawValue::Enum(name) => Value::Enum(name.clone()),
    })
}
