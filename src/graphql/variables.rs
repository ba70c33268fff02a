//! Checks the variables of a request against the types that its operation declares, as the specification's
//! `CoerceVariableValues` has it (<https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values>).
//!
//! async-graphql checks values together with the document. Documents are kept, so that their check is not repeated; values
//! are checked here, for every request.

use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Positioned, ServerError, Value, Variables};

use super::errors::refusal;
use crate::code::Code;

/// Puts the defaults of variables among the variables, checks all values, and drops those that the operation does not
/// declare: they may be another operation's.
///
/// # Errors
/// One for each variable whose value is not of its type.
pub(super) fn coerce(
    registry: &Registry,
    operation: &OperationDefinition,
    variables: &mut Variables,
) -> Result<(), Vec<ServerError>> {
    let mut errors = Vec::new();
    let mut given = std::mem::take(variables);
    for Positioned { node: definition, pos } in &operation.variable_definitions {
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let checked = match (given.remove(name), &definition.default_value) {
            (None, Some(default)) => {
                variables.insert(name.clone(), default.node.clone());
                Ok(())
            }
            (None, None) if ty.nullable => Ok(()),
            (None, None) => Err(Invalid::new("was not given")),
            (Some(value), _) => {
                let checked = check(registry, ty, &value);
                variables.insert(name.clone(), value);
                checked
            }
        };
        if let Err(Invalid { path, reason }) = checked {
            let message = if path.is_empty() {
                format!("variable ${name} of type {ty} {reason}")
            } else {
                format!("variable ${name} of type {ty}: ${name}{path} {reason}")
            };
            errors.push(refusal(Code::ValidationFailed, message, Some(*pos)));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// What is wrong with a value, and where in it.
struct Invalid {
    path: String,
    reason: String,
}

impl Invalid {
    fn new(reason: impl Into<String>) -> Self {
        Self { path: String::new(), reason: reason.into() }
    }

    fn inside(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

fn check(registry: &Registry, ty: &Type, value: &Value) -> Result<(), Invalid> {
    if *value == Value::Null {
        return if ty.nullable { Ok(()) } else { Err(Invalid::new("must not be null")) };
    }
    match (&ty.base, value) {
        (BaseType::List(item), Value::List(values)) => values.iter().enumerate().try_for_each(|(index, value)| {
            check(registry, item, value).map_err(|invalid| invalid.inside(&format!("[{index}]")))
        }),
        // One value stands for a list of one.
        (BaseType::List(item), value) => check(registry, item, value),
        (BaseType::Named(name), value) => check_named(registry, name, value),
    }
}

fn check_named(registry: &Registry, name: &str, value: &Value) -> Result<(), Invalid> {
    match registry.types.get(name) {
        Some(MetaType::Scalar { .. }) => {
            let valid = match (name, value) {
                ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                ("Float", Value::Number(_)) | ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => {
                    true
                }
                ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
                ("Int" | "Float" | "String" | "ID" | "Boolean", _) => false,
                // A scalar of ours says what is wrong with a value where it is read.
                _ => true,
            };
            if valid { Ok(()) } else { Err(Invalid::new(format!("is no {name}"))) }
        }
        Some(MetaType::Enum { enum_values, .. }) => {
            let known = match value {
                Value::Enum(word) => enum_values.contains_key(word.as_str()),
                Value::String(word) => enum_values.contains_key(word),
                _ => false,
            };
            if known { Ok(()) } else { Err(Invalid::new(format!("is no value of {name}"))) }
        }
        Some(MetaType::InputObject { input_fields, .. }) => {
            let Value::Object(fields) = value else { return Err(Invalid::new(format!("must be an object of {name}"))) };
            if fields.keys().any(|field| !input_fields.contains_key(field.as_str())) {
                return Err(Invalid::new(format!("has a field that {name} does not have")));
            }
            input_fields.values().try_for_each(|declared| {
                let Some(ty) = Type::new(&declared.ty) else { return Ok(()) };
                let checked = match fields.get(declared.name.as_str()) {
                    Some(value) => check(registry, &ty, value),
                    None if ty.nullable || declared.default_value.is_some() => Ok(()),
                    None => Err(Invalid::new("was not given")),
                };
                checked.map_err(|invalid| invalid.inside(&format!(".{}", declared.name)))
            })
        }
        // Validation tells of a type that is not there, or is none for values.
        _ => Ok(()),
    }
}
