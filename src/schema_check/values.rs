//! Values that a schema's text holds: defaults, and the reasons of deprecations.

use apollo_parser::cst::{self, CstNode};

/// A value as text, in one form: what is the same value is the same text.
pub(super) fn write_value(value: &cst::Value) -> String {
    match value {
        cst::Value::StringValue(text) => serde_json::Value::String(text.into()).to_string(),
        cst::Value::ListValue(list) => {
            let values: Vec<_> = list.values().map(|value| write_value(&value)).collect();
            format!("[{}]", values.join(", "))
        }
        cst::Value::ObjectValue(object) => {
            let mut fields: Vec<_> = object.object_fields().map(|field| write_field(&field)).collect();
            fields.sort();
            format!("{{{}}}", fields.join(", "))
        }
        _ => value.syntax().first_token().map(|token| token.text().to_owned()).unwrap_or_default(),
    }
}

fn write_field(field: &cst::ObjectField) -> String {
    let name = field.name().map(|name| name.text().to_string()).unwrap_or_default();
    format!("{name}: {}", field.value().map(|value| write_value(&value)).unwrap_or_default())
}

/// The reason why something is deprecated; none where it is not.
pub(super) fn deprecation_of(directives: Option<cst::Directives>) -> Option<String> {
    let mut directives = directives?.directives();
    let deprecated = directives.find(|directive| directive.name().is_some_and(|name| name.text() == "deprecated"))?;
    let arguments = deprecated.arguments();
    let mut arguments = arguments.iter().flat_map(cst::Arguments::arguments);
    let reason = arguments.find(|argument| argument.name().is_some_and(|name| name.text() == "reason"));
    match reason.and_then(|reason| reason.value()) {
        Some(cst::Value::StringValue(reason)) => Some(reason.into()),
        _ => Some("No longer supported".to_owned()),
    }
}
