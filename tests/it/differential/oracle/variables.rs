//! Whether the values of variables are of their types, told by the schema's own text: the oracle's `CoerceVariableValues`
//! (<https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values>).

use std::collections::HashMap;

use async_graphql::Value;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};

/// The types that values can be of.
pub(super) struct Types(HashMap<String, TypeKind>);

impl Types {
    /// Those of a schema; what it does not say is a scalar.
    pub(super) fn of(sdl: &str) -> Self {
        let definitions = parse_schema(sdl).unwrap().definitions;
        let types = definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) => Some((ty.node.name.node.to_string(), ty.node.kind)),
            _ => None,
        });
        Self(types.collect())
    }

    /// What is wrong with the value of the variable `name`.
    pub(super) fn fault(&self, name: &str, ty: &Type, value: &Value) -> Option<String> {
        let (path, reason) = self.check(ty, value).err()?;
        let at = if path.is_empty() { String::new() } else { format!(": ${name}{path}") };
        Some(format!("variable ${name} of type {ty}{at} {reason}"))
    }

    fn check(&self, ty: &Type, value: &Value) -> Result<(), (String, String)> {
        let wrong = |reason: String| Err((String::new(), reason));
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => Ok(()),
            (_, Value::Null) => wrong("must not be null".to_owned()),
            (BaseType::List(item), Value::List(values)) => {
                for (index, value) in values.iter().enumerate() {
                    self.check(item, value).map_err(|(path, reason)| (format!("[{index}]{path}"), reason))?;
                }
                Ok(())
            }
            (BaseType::List(item), value) => self.check(item, value),
            (BaseType::Named(name), value) => match self.0.get(name.as_str()) {
                Some(TypeKind::Enum(declared)) => {
                    let is = |word: &str| declared.values.iter().any(|value| value.node.value.node == word);
                    match value {
                        Value::String(word) if is(word) => Ok(()),
                        Value::Enum(word) if is(word) => Ok(()),
                        _ => wrong(format!("is no value of {name}")),
                    }
                }
                Some(TypeKind::InputObject(declared)) => {
                    let Value::Object(given) = value else { return wrong(format!("must be an object of {name}")) };
                    let is_declared = |field: &str| declared.fields.iter().any(|known| known.node.name.node == field);
                    if !given.keys().all(|field| is_declared(field)) {
                        return wrong(format!("has a field that {name} does not have"));
                    }
                    for field in &declared.fields {
                        let (field, ty) = (&field.node, &field.node.ty.node);
                        let checked = match given.get(&field.name.node) {
                            Some(value) => self.check(ty, value),
                            None if ty.nullable || field.default_value.is_some() => Ok(()),
                            None => wrong("was not given".to_owned()),
                        };
                        checked.map_err(|(path, reason)| (format!(".{}{path}", field.name.node), reason))?;
                    }
                    Ok(())
                }
                _ if is_of_scalar(name, value) => Ok(()),
                _ => wrong(format!("is no {name}")),
            },
        }
    }
}

fn is_of_scalar(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("ID", Value::Number(number)) => !number.is_f64(),
        ("Float", Value::Number(_)) | ("Boolean", Value::Boolean(_)) | ("String" | "ID", Value::String(_)) => true,
        (name, _) => !["Int", "ID", "Float", "Boolean", "String"].contains(&name),
    }
}
