//! Makes up documents: mostly right, sometimes wrong in one place.

use std::fmt::Write as _;

use async_graphql::parser::types::{BaseType, InputValueDefinition, Type, TypeKind};
use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::types::{Types, named};

/// A document with one operation.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) variables: Map<String, Value>,
    pub(super) root: &'static str,
    pub(super) selections: Vec<Selection>,
}

/// What is selected.
pub(super) enum Selection {
    /// A field under a key of its own; what is selected of it, and of which type its parent is.
    Field { key: String, name: String, below: Vec<Selection> },
    /// What is selected where the object is of a type.
    On { ty: String, below: Vec<Selection> },
}

pub(super) struct Generator<'g> {
    types: &'g Types,
    ids: &'g [String],
    random: Rng,
    variables: Map<String, Value>,
    declared: String,
    keys: usize,
    /// The fields that may still be selected.
    fuel: usize,
}

/// Texts that have broken something somewhere.
const TEXTS: [&str; 18] = [
    "",
    "a",
    "p",
    "t",
    "'",
    "\"",
    "\\",
    "%",
    "_",
    "\u{0}",
    "\u{feff}",
    "\u{202e}x",
    "💥",
    "' OR 1=1 --",
    "\r\n\t",
    "null",
    "2020-01-01T00:00:00Z",
    "$ref:p",
];

impl<'g> Generator<'g> {
    pub(super) fn new(types: &'g Types, ids: &'g [String], random: Rng) -> Self {
        Self { types, ids, random, variables: Map::new(), declared: String::new(), keys: 0, fuel: 40 }
    }

    pub(super) fn document(&mut self) -> Document {
        let (root, keyword) = if self.random.u8(..5) == 0 { ("Mutation", "mutation") } else { ("Query", "query") };
        let mut body = String::new();
        let count = self.random.usize(1..=3);
        let mut selections = Vec::new();
        for _ in 0..count {
            selections.extend(self.field(root, 0, &mut body));
        }
        if selections.is_empty() {
            body.push_str("__typename");
        }
        let declared = if self.declared.is_empty() { String::new() } else { format!("({})", self.declared) };
        let text = format!("{keyword} Q{declared} {{ {body} }}");
        Document { text, variables: std::mem::take(&mut self.variables), root, selections }
    }

    /// Whether something goes wrong here.
    fn errs(&mut self) -> bool {
        self.random.u16(..200) == 0
    }

    fn set(&mut self, of: &str, depth: usize, text: &mut String) -> Vec<Selection> {
        // By the name of its type, what is selected of it can be told.
        text.push_str("{ __typename ");
        let mut selections = Vec::new();
        let is_abstract = matches!(self.types.get(of), Some(TypeKind::Interface(_) | TypeKind::Union(_)));
        for _ in 0..self.random.usize(1..=4) {
            if is_abstract && self.random.bool() {
                let mut possible: Vec<_> = self.types.possible(of).into_iter().collect();
                possible.sort();
                let ty = possible.swap_remove(self.random.usize(..possible.len()));
                let _ = write!(text, "... on {ty} ");
                let below = self.set(&ty, depth + 1, text);
                selections.push(Selection::On { ty, below });
            } else {
                selections.extend(self.field(of, depth, text));
            }
        }
        text.push_str("} ");
        selections
    }

    /// One field, unless there are none or enough was selected.
    fn field(&mut self, of: &str, depth: usize, text: &mut String) -> Option<Selection> {
        let types = self.types;
        let fields = types.fields(of);
        self.fuel = self.fuel.checked_sub(1)?;
        if fields.is_empty() {
            return None;
        }
        let field = fields[self.random.usize(..fields.len())];
        let ty = named(&field.ty.node).to_owned();
        let is_leaf = matches!(types.get(&ty), None | Some(TypeKind::Scalar | TypeKind::Enum(_)));
        if !is_leaf && depth > 8 {
            return None;
        }
        // A key of its own, so that no field is merged with another one; few, since aliases are limited.
        self.keys += 1;
        let key = if self.keys > 25 { return None } else { format!("k{}", self.keys) };
        let name = if self.errs() { "noSuchField".to_owned() } else { field.name.node.to_string() };
        let _ = write!(text, "{key}: {name}");
        let arguments: Vec<_> = field.arguments.iter().map(|argument| &argument.node).collect();
        self.arguments(&arguments, text);
        if self.random.u8(..30) == 0 {
            text.push_str(" @include(if: true)");
        }
        text.push(' ');
        let below = if is_leaf { Vec::new() } else { self.set(&ty, depth + 1, text) };
        Some(Selection::Field { key, name, below })
    }

    fn arguments(&mut self, declared: &[&InputValueDefinition], text: &mut String) {
        let mut given = Vec::new();
        for argument in declared {
            let required = !argument.ty.node.nullable && argument.default_value.is_none();
            if !required && self.random.u8(..3) > 0 || self.errs() {
                continue;
            }
            let name = &argument.name.node;
            let value = self.value(&argument.ty.node, name, 0);
            if self.random.u8(..3) == 0 {
                let variable = format!("v{}", self.variables.len());
                let _ = write!(self.declared, "${variable}: {} ", argument.ty.node);
                self.variables.insert(variable.clone(), value);
                given.push(format!("{name}: ${variable}"));
            } else {
                given.push(format!("{name}: {}", self.literal(&argument.ty.node, &value)));
            }
        }
        if !given.is_empty() {
            let _ = write!(text, "({})", given.join(", "));
        }
    }

    /// A value of a type, as JSON has it.
    fn value(&mut self, ty: &Type, name: &str, depth: usize) -> Value {
        if ty.nullable && self.random.u8(..12) == 0 {
            return Value::Null;
        }
        if self.errs() {
            let wrong =
                [json!(null), json!(-1), json!(1e300), json!("x"), json!([[]]), json!({ "x": {} }), json!(true)];
            return wrong[self.random.usize(..wrong.len())].clone();
        }
        match &ty.base {
            BaseType::List(item) => {
                let length = if depth > 4 { 0 } else { self.random.usize(0..=3) };
                Value::Array((0..length).map(|_| self.value(item, name, depth + 1)).collect())
            }
            BaseType::Named(named) => self.named_value(named, name, depth),
        }
    }

    fn named_value(&mut self, ty: &str, name: &str, depth: usize) -> Value {
        if let Some((fields, is_one_of)) = self.types.inputs(ty) {
            let chosen = is_one_of.then(|| self.random.usize(..fields.len()));
            let mut object = Map::new();
            for (place, field) in fields.iter().enumerate() {
                let required = !field.ty.node.nullable && field.default_value.is_none();
                let wanted = match chosen {
                    Some(chosen) => place == chosen,
                    None => required || depth < 5 && self.random.u8(..4) == 0,
                };
                if wanted {
                    let name = field.name.node.to_string();
                    let value = self.value(&field.ty.node, &name, depth + 1);
                    object.insert(name, value);
                }
            }
            return Value::Object(object);
        }
        match (ty, self.types.get(ty)) {
            ("Int", _) if matches!(name, "first" | "last") => json!(self.random.i32(0..=4)),
            ("Int", _) => {
                let numbers = [0, 1, 2, 5, 13, 14, -1, i32::MAX, i32::MIN];
                json!(numbers[self.random.usize(..numbers.len())])
            }
            ("Float", _) => json!(self.random.f64() * 10.0 - 1.0),
            ("Boolean", _) => json!(self.random.bool()),
            ("ID", _) if self.random.u8(..6) > 0 => json!(self.ids[self.random.usize(..self.ids.len())]),
            (_, Some(TypeKind::Enum(declared))) => {
                json!(declared.values[self.random.usize(..declared.values.len())].node.value.node.as_str())
            }
            ("DateTime", _) if self.random.u8(..8) > 0 => {
                json!(format!("20{:02}-01-02T03:04:05Z", self.random.u8(..40)))
            }
            _ if self.random.u8(..10) == 0 => json!("x".repeat(self.random.usize(..3000))),
            _ if self.random.bool() => json!(format!("n{}", self.random.u16(..200))),
            _ => json!(TEXTS[self.random.usize(..TEXTS.len())]),
        }
    }

    /// The value as it stands in a document.
    fn literal(&self, ty: &Type, value: &Value) -> String {
        match (value, &ty.base) {
            (Value::Array(items), BaseType::List(item)) => {
                let items: Vec<_> = items.iter().map(|value| self.literal(item, value)).collect();
                format!("[{}]", items.join(", "))
            }
            (value, BaseType::List(item)) => self.literal(item, value),
            (Value::Object(object), BaseType::Named(name)) => {
                let declared = self.types.inputs(name).map(|(fields, _)| fields).unwrap_or_default();
                let any = Type { base: BaseType::Named(async_graphql::Name::new("String")), nullable: true };
                let entries: Vec<_> = object
                    .iter()
                    .map(|(name, value)| {
                        let ty = declared.iter().find(|field| field.name.node == name.as_str());
                        format!("{name}: {}", self.literal(ty.map_or(&any, |field| &field.ty.node), value))
                    })
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            (Value::String(text), BaseType::Named(name)) => match self.types.get(name) {
                Some(TypeKind::Enum(_)) => text.clone(),
                _ => json!(text).to_string().replace('\u{7f}', "\\u007f"),
            },
            (Value::Array(items), _) => {
                let items: Vec<_> = items.iter().map(|value| self.literal(ty, value)).collect();
                format!("[{}]", items.join(", "))
            }
            (value, _) => value.to_string(),
        }
    }
}

/// Adds the ids that stand in an answer, as long as there are not too many.
pub(super) fn collect_ids(answer: &Value, ids: &mut Vec<String>) {
    match answer {
        Value::String(text) if ids.len() < 400 => {
            let is_id = text.rsplit_once('_').is_some_and(|(_, rest)| rest.len() == 26);
            if is_id && !ids.contains(text) {
                ids.push(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        Value::Object(fields) => fields.values().for_each(|value| collect_ids(value, ids)),
        _ => {}
    }
}
