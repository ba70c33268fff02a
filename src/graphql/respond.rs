//! Writes an answer: JSON that the engine has written is spliced in, the rest is written as values.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Response, ServerError, Value};
use serde_json::json;

use crate::batch::write_json;

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole answer as JSON.
    pub body: Vec<u8>,
    /// Whether anything was run; a request that was refused before has no `data`.
    pub has_data: bool,
}

impl Answer {
    /// The answer of an operation that ran. Its root fields come in the order of the document's `keys`, whichever was
    /// finished first. It is `without_data` where an error has risen out of a root field that cannot be null.
    pub(super) fn new(response: Response, keys: &[Name], without_data: bool) -> Self {
        let ran = !response.errors.iter().any(|error| error.path.is_empty()) || response.data != Value::Null;
        if !ran {
            return Self::refused(&response.errors);
        }
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(b"{\"data\":");
        let fields = match response.data {
            Value::Object(fields) => fields,
            _ => IndexMap::default(),
        };
        if without_data {
            body.extend_from_slice(b"null");
        } else {
            write_fields(fields, keys, &mut body);
        }
        if !response.errors.is_empty() {
            body.extend_from_slice(b",\"errors\":");
            write_json(&response.errors, &mut body);
        }
        body.push(b'}');
        Self { body, has_data: true }
    }

    /// The answer to a request that was not run.
    pub(super) fn refused(errors: &[ServerError]) -> Self {
        let mut body = Vec::new();
        write_json(&json!({ "errors": errors }), &mut body);
        Self { body, has_data: false }
    }
}

/// Writes the root fields; where all of them were skipped there are none.
fn write_fields(mut fields: IndexMap<Name, Value>, keys: &[Name], body: &mut Vec<u8>) {
    body.push(b'{');
    let mut first = true;
    for key in keys {
        if let Some(value) = fields.get_mut(key) {
            body.extend_from_slice(if std::mem::take(&mut first) { b"\"" } else { b",\"" });
            body.extend_from_slice(key.as_bytes());
            body.extend_from_slice(b"\":");
            write_value(&std::mem::take(value), body);
        }
    }
    body.push(b'}');
}

/// Writes a value; bytes in it are JSON already.
fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Binary(json) => out.extend_from_slice(json),
        Value::Object(fields) => {
            out.push(b'{');
            for (place, (key, value)) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_json(key.as_str(), out);
                out.push(b':');
                write_value(value, out);
            }
            out.push(b'}');
        }
        Value::List(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        leaf => write_json(leaf, out),
    }
}
