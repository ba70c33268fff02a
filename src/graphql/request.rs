//! One request, as any transport hands it over.

use async_graphql::Variables;
use serde_json::{Map, Value};

use crate::database::WalPosition;
use crate::rate_limit::Meter;

/// What is to be run, and with which values.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The document's text, unless it is named by a hash or an id alone.
    pub(super) query: Option<String>,
    /// The SHA-256 of the document's text, in hexadecimal digits: automatic persisted queries
    /// (<https://www.apollographql.com/docs/apollo-server/performance/apq>).
    pub(super) sha256: Option<String>,
    /// The id of a trusted document.
    pub(super) document_id: Option<String>,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Variables,
    /// Whether only a query may be run, since the transport is one that must not change anything.
    pub(super) is_safe: bool,
    /// Where a subscription goes on, whatever its arguments say: its transport remembers what came last.
    pub(super) resume_after: Option<String>,
    /// What its reads must see: all up to the position of a mutation, wherever they are read from.
    pub(super) min_position: Option<WalPosition>,
    /// What the answer tells besides.
    pub(super) tells: Tells,
    /// What it is paid with; nothing is measured without.
    pub(super) meter: Option<Meter>,
}

/// What an answer tells besides data and errors, in its extensions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tells {
    /// What was asked for, and what that came to.
    pub(super) cost: bool,
    /// Where it was read.
    pub(super) source: bool,
    /// How it was read, to an instance administrator.
    pub(super) explanation: bool,
}

impl Request {
    /// A request to run a document.
    #[must_use]
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: Some(query.into()), ..Self::default() }
    }

    /// Gives the operation that is to be run, where the document has several.
    #[must_use]
    pub fn operation_name(self, name: impl Into<String>) -> Self {
        Self { operation_name: Some(name.into()), ..self }
    }

    /// Gives the variables.
    #[must_use]
    pub fn variables(self, variables: Variables) -> Self {
        Self { variables, ..self }
    }

    /// Lets a subscription go on after what came last, whatever its arguments say.
    #[must_use]
    pub fn resume_after(self, cursor: impl Into<String>) -> Self {
        Self { resume_after: Some(cursor.into()), ..self }
    }

    /// Lets only a query be run, or a subscription where that can be.
    #[must_use]
    pub fn only_safe(self) -> Self {
        Self { is_safe: true, ..self }
    }

    /// Has the answer tell how it was read, which only an instance administrator may see: for anybody else it is refused.
    #[must_use]
    pub fn explained(self) -> Self {
        Self { tells: Tells { explanation: true, ..self.tells }, ..self }
    }

    /// Has it paid for, where there is a limit.
    #[must_use]
    pub fn paid_with(self, meter: Option<Meter>) -> Self {
        Self { meter, ..self }
    }

    /// Has its reads see all up to a position, and its answer tell where it was read.
    #[must_use]
    pub fn min_position(self, position: WalPosition) -> Self {
        let tells = Tells { source: true, ..self.tells };
        Self { min_position: self.min_position.max(Some(position)), tells, ..self }
    }

    /// Whether the document is named, and not sent: then the same request comes again and again.
    #[must_use]
    pub fn is_persisted(&self) -> bool {
        self.query.is_none()
    }

    /// Reads a request from JSON as most clients send it: the document's text, a name, variables and extensions. Nothing where it is any
    /// other, or is none: [`Request::from_json`] reads that, or tells what is wrong with it. Objects in variables keep the order of their fields.
    #[must_use]
    pub fn from_plain_json(body: &[u8]) -> Option<Self> {
        // A list would be taken for its fields in their order.
        let body = body.trim_ascii_start().starts_with(b"{").then_some(body)?;
        let Plain { query, operation_name, variables, extensions } = serde_json::from_slice(body).ok()?;
        Self { query: Some(query), operation_name, variables: variables.unwrap_or_default(), ..Self::default() }
            .extended(extensions.unwrap_or_default())
            .ok()
    }

    /// Reads a request from the JSON object in which GraphQL over HTTP and over WebSocket put it: `query`, `operationName`,
    /// `variables`, `extensions`, and `documentId` (or `id`) for a trusted document. Anything else in it is left alone.
    ///
    /// # Errors
    /// What is wrong with it; the text repeats nothing of it.
    pub fn from_json(body: Value) -> Result<Self, &'static str> {
        let Value::Object(mut fields) = body else { return Err("The body must be a JSON object with a `query`.") };
        let query = take_text(&mut fields, "query", "`query` must be a string.")?;
        let document_id = take_text(&mut fields, "documentId", "`documentId` must be a string.")?;
        let document_id = match document_id {
            // Relay's own name for it.
            None if query.is_none() => take_text(&mut fields, "id", "`id` must be a string.")?,
            document_id => document_id,
        };
        let operation_name = take_text(&mut fields, "operationName", "`operationName` must be a string or null.")?;
        let variables = take_object(&mut fields, "variables", "`variables` must be an object or null.")?;
        let extensions = take_object(&mut fields, "extensions", "`extensions` must be an object or null.")?;
        let variables = Variables::from_json(Value::Object(variables));
        Self { query, document_id, operation_name, variables, ..Self::default() }.extended(extensions)
    }

    /// Adds what its extensions say.
    fn extended(self, mut extensions: Map<String, Value>) -> Result<Self, &'static str> {
        let sha256 = read_hash(&mut extensions)?;
        let min_position = read_position(&extensions)?;
        if self.query.is_none() && self.document_id.is_none() && sha256.is_none() {
            return Err("`query` must be there, and a string.");
        }
        let is_wanted = |name| extensions.get(name) == Some(&Value::Bool(true));
        let source = min_position.is_some() || is_wanted("readFrom");
        let tells = Tells { cost: is_wanted("cost"), source, explanation: false };
        // Clients send an empty name for a document with one operation.
        let operation_name = self.operation_name.filter(|name| !name.is_empty());
        Ok(Self { sha256, operation_name, min_position, tells, ..self })
    }
}

/// What most requests are, read without a tree of JSON in between.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Plain {
    query: String,
    operation_name: Option<String>,
    variables: Option<Variables>,
    extensions: Option<Map<String, Value>>,
}

/// `minPosition`, as `extensions.position` of a mutation's answer gives it.
fn read_position(extensions: &Map<String, Value>) -> Result<Option<WalPosition>, &'static str> {
    match extensions.get("minPosition") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| NO_POSITION),
        Some(_) => Err(NO_POSITION),
    }
}

const NO_POSITION: &str =
    "`extensions.minPosition` must be a position, as `extensions.position` of a mutation gives it.";

/// `persistedQuery: { version: 1, sha256Hash }`.
fn read_hash(extensions: &mut Map<String, Value>) -> Result<Option<String>, &'static str> {
    let Some(persisted) = extensions.remove("persistedQuery").filter(|value| !value.is_null()) else { return Ok(None) };
    if persisted.get("version") != Some(&Value::from(1)) {
        return Err("`extensions.persistedQuery.version` must be 1.");
    }
    match persisted.get("sha256Hash") {
        Some(Value::String(hash)) if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(Some(hash.to_ascii_lowercase()))
        }
        _ => Err("`extensions.persistedQuery.sha256Hash` must be 64 hexadecimal digits."),
    }
}

fn take_text(
    fields: &mut Map<String, Value>,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<String>, &'static str> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(otherwise),
    }
}

fn take_object(
    fields: &mut Map<String, Value>,
    name: &str,
    otherwise: &'static str,
) -> Result<Map<String, Value>, &'static str> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The two ways to read a request agree wherever both can.
    #[test]
    fn what_is_plain_is_read_alike() {
        let plain = [
            r#"{"query":"{ a }"}"#,
            r#"{"query":"{ \"a\" }","operationName":null,"variables":null}"#,
            r#"{"operationName":"","query":"{ a }","variables":{},"extensions":{}}"#,
            r#" {"query":"{ a }","extensions":{"cost":true,"clientLibrary":{"name":"a"}}} "#,
            r#"{"query":"{ a }","operationName":"A","variables":{"b":[1,-2,3.5,1e3,18446744073709551615,null,true,"x",{"c":{}}],"a":1,"a":2}}"#,
        ];
        for body in plain {
            let other = Request::from_json(serde_json::from_str(body).unwrap()).unwrap();
            let request = Request::from_plain_json(body.as_bytes()).unwrap();
            assert_eq!(format!("{request:?}"), format!("{other:?}"), "{body}");
        }
        let others = [
            "",
            "[]",
            r#"{"query":"{ a }"} x"#,
            r#"{"query":"{ a }","variables":[]}"#,
            r#"{"query":"{ a }","extensions":{"minPosition":7}}"#,
            r#"{"query":"{ a }","unknown":[]}"#,
            r#"{"query":null}"#,
            r#"{"query":7}"#,
            r#"[{"query":"{ a }"}]"#,
            r#"["{ a }",null,null]"#,
            r#"{"query":"{ a }","query":"{ b }"}"#,
            r#"{"documentId":"x"}"#,
        ];
        for body in others {
            assert!(Request::from_plain_json(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn an_object_becomes_a_request() {
        let request = Request::from_json(json!({
            "query": "query A($x: Int) { a }", "operationName": "A", "variables": { "x": 1 },
            "extensions": { "k": { "v": 2 }, "cost": true }, "unknown": [],
        }));
        let request = request.unwrap();
        assert_eq!(request.query.as_deref(), Some("query A($x: Int) { a }"));
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(serde_json::to_string(&request.variables).unwrap(), r#"{"x":1}"#);
        assert!(request.tells.cost && !request.is_persisted());
        let nulls = json!({ "query": "{ a }", "operationName": null, "variables": null, "extensions": null });
        assert_eq!(Request::from_json(nulls).unwrap().operation_name, None);
        let empty = json!({ "query": "{ a }", "operationName": "" });
        assert_eq!(Request::from_json(empty).unwrap().operation_name, None);
    }

    #[test]
    fn a_position_may_be_asked_for() {
        let read = |position: Value| {
            Request::from_json(json!({ "query": "{ a }", "extensions": { "minPosition": position } }))
        };
        let request = read(json!("00000000000000FF")).unwrap();
        assert_eq!(request.min_position, "00000000000000ff".parse().ok());
        let later = "0000000000000100".parse().unwrap();
        assert_eq!(request.clone().min_position(later).min_position, Some(later));
        assert_eq!(
            request.min_position("0000000000000001".parse().unwrap()).min_position,
            "00000000000000FF".parse().ok()
        );
        assert!(!read(Value::Null).unwrap().tells.source);
        for wrong in [json!("0/FF"), json!(255), json!("")] {
            assert_eq!(read(wrong).unwrap_err(), NO_POSITION);
        }
    }

    #[test]
    fn a_document_may_be_named() {
        let persisted = |hash: Value, version: Value| {
            let persisted = json!({ "version": version, "sha256Hash": hash });
            Request::from_json(json!({ "extensions": { "persistedQuery": persisted } }))
        };
        let hash = "A".repeat(64);
        assert_eq!(persisted(json!(hash), json!(1)).unwrap().sha256, Some("a".repeat(64)));
        for (hash, version) in
            [(json!(hash), json!(2)), (json!("a"), json!(1)), (json!("é".repeat(32)), json!(1)), (json!(1), json!(1))]
        {
            assert!(persisted(hash, version).is_err());
        }
        for field in ["documentId", "id"] {
            assert_eq!(Request::from_json(json!({ field: "x" })).unwrap().document_id.as_deref(), Some("x"));
        }
        assert_eq!(Request::from_json(json!({ "query": "{ a }", "id": 7 })).unwrap().document_id, None);
    }
}
