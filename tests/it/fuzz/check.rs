//! Checks an answer against the document and the schema.

use async_graphql::parser::types::{BaseType, Type, TypeKind};
use serde_json::{Map, Value};
use throughline::code::Code;

use super::generate::{Document, Selection};
use super::types::Types;

pub(super) struct Checker<'c> {
    types: &'c Types,
}

type Checked = Result<(), String>;

impl<'c> Checker<'c> {
    pub(super) fn new(types: &'c Types) -> Self {
        Self { types }
    }

    pub(super) fn answer(&self, document: &Document, answer: &Value) -> Checked {
        let entries = answer.as_object().ok_or("no object")?;
        if let Some(other) = entries.keys().find(|key| !["data", "errors", "extensions"].contains(&key.as_str())) {
            return Err(format!("an entry {other}"));
        }
        let errors = match entries.get("errors") {
            None => &Vec::new(),
            Some(errors) => errors.as_array().filter(|errors| !errors.is_empty()).ok_or("errors that are no list")?,
        };
        for error in errors {
            check_error(error)?;
        }
        match entries.get("data") {
            None if errors.is_empty() => Err("neither data nor errors".to_owned()),
            Some(Value::Null) if errors.is_empty() => Err("null without an error".to_owned()),
            Some(Value::Object(data)) => self.object(document.root, &document.selections, data, document.root),
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err("data that is no object".to_owned()),
        }
    }

    fn object(&self, declared: &str, selections: &[Selection], object: &Map<String, Value>, at: &str) -> Checked {
        let own = object.get("__typename").and_then(Value::as_str).unwrap_or(declared);
        if !self.types.possible(declared).contains(own) {
            return Err(format!("{at}: a {own} where a {declared} is declared"));
        }
        for selection in selections {
            match selection {
                Selection::On { ty, below } if ty == own => self.object(own, below, object, at)?,
                Selection::On { .. } => {}
                Selection::Field { key, name, below } => {
                    let at = format!("{at}.{name}");
                    let fields = self.types.fields(own);
                    let field = fields.iter().find(|field| field.name.node == name.as_str());
                    let field = field.ok_or_else(|| format!("{at}: no such field, but it was answered"))?;
                    let value = object.get(key).ok_or_else(|| format!("{at}: nothing under {key}"))?;
                    self.value(&field.ty.node, below, value, &at)?;
                }
            }
        }
        Ok(())
    }

    fn value(&self, ty: &Type, below: &[Selection], value: &Value, at: &str) -> Checked {
        if value.is_null() {
            return if ty.nullable { Ok(()) } else { Err(format!("{at}: null, but it is declared {ty}")) };
        }
        match &ty.base {
            BaseType::List(item) => {
                let items = value.as_array().ok_or_else(|| format!("{at}: no list"))?;
                items.iter().try_for_each(|value| self.value(item, below, value, at))
            }
            BaseType::Named(name) => self.named(name, below, value, at),
        }
    }

    fn named(&self, name: &str, below: &[Selection], value: &Value, at: &str) -> Checked {
        let fits = match (name, self.types.get(name)) {
            ("Int", _) => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            ("Float", _) => value.is_number(),
            ("Boolean", _) => value.is_boolean(),
            (_, Some(TypeKind::Enum(declared))) => {
                declared.values.iter().any(|known| Some(known.node.value.node.as_str()) == value.as_str())
            }
            ("ID" | "String" | "DateTime", _) => value.is_string(),
            (_, None | Some(TypeKind::Scalar | TypeKind::InputObject(_))) => true,
            _ => {
                let object = value.as_object().ok_or_else(|| format!("{at}: no object"))?;
                return self.object(name, below, object, at);
            }
        };
        if fits { Ok(()) } else { Err(format!("{at}: {value} is no {name}")) }
    }
}

/// An error is typed, and tells nothing of how we work inside.
fn check_error(error: &Value) -> Checked {
    let message = error["message"].as_str().ok_or("an error without a message")?;
    let code = error["extensions"]["code"].as_str().ok_or("an error without a code")?;
    if !Code::ALL.iter().any(|known| known.as_str() == code) {
        return Err(format!("an unknown code {code}"));
    }
    if code == "INTERNAL" {
        return Err("a fault of ours".to_owned());
    }
    let told = ["SELECT ", "INSERT ", "sqlite", "sqlx", "panicked", "constraint failed"];
    match told.iter().find(|word| message.contains(**word)) {
        Some(word) => Err(format!("a message with {word}")),
        None => Ok(()),
    }
}
