//! Filters at random, over the table from which the oracle's input types come.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};
use async_graphql_value::Value as RawValue;
use fastrand::Rng;

use super::arguments::MALFORMED;
use super::{Generator, Known, pick};
use crate::differential::oracle::filter_types::{Compares, FILTERS, counts, input_name, operators};

const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "Á",
    "z",
    "ß",
    "🦀",
    "\u{e000}",
    "%",
    "_",
    "\\",
    "x y",
    "production",
    "'",
    "\"",
    "\u{10ffff}",
    "AA",
    "naïve",
];

const TIMES: &[&str] = &[
    "2026-01-02T03:04:05Z",
    "2026-01-02T04:04:05.5+01:00",
    "1970-01-01T00:00:00Z",
    "2026-01-02T03:04:05.000001Z",
    "2026-01-02T03:04:05.0000015Z",
    "1969-12-31T23:59:59.999999Z",
];

/// A filter of objects of this type, at most `depth` inputs of objects deep.
pub(crate) fn filter(rng: &mut Rng, known: &Known, object: &str, depth: usize) -> Value {
    let (_, fields) = FILTERS.iter().find(|(name, _)| *name == object).expect("the object can be filtered");
    let mut chosen = IndexMap::new();
    for _ in 0..rng.usize(0..=2) {
        let (name, compares) = *pick(rng, fields);
        let connective = if depth > 0 { rng.u8(..9) } else { 9 };
        let (name, value) = match connective {
            0 | 1 => {
                let filters = (0..rng.usize(0..=2)).map(|_| filter(rng, known, object, depth - 1)).collect();
                (if connective == 0 { "and" } else { "or" }, Value::List(filters))
            }
            2 => ("not", filter(rng, known, object, depth - 1)),
            _ => (name, field(rng, known, compares, depth)),
        };
        chosen.insert(Name::new(name), value);
    }
    Value::Object(chosen)
}

fn field(rng: &mut Rng, known: &Known, compares: Compares, depth: usize) -> Value {
    let mut chosen = IndexMap::new();
    match compares {
        Compares::One(of) if depth > 0 => return filter(rng, known, of, depth - 1),
        Compares::Many(of) if depth > 0 => {
            let operator = *pick(rng, &["some", "none", "every"]);
            chosen.insert(Name::new(operator), filter(rng, known, of, depth - 1));
        }
        // Without an operator it holds for every row.
        Compares::One(_) | Compares::Many(_) => {}
        Compares::Summary(of) => {
            chosen.insert(Name::new(pick(rng, counts(of))), field(rng, known, Compares::Int, depth));
        }
        compares => {
            for _ in 0..rng.usize(1..=2) {
                let operators = operators(compares);
                let (operator, ty) = pick(rng, &operators);
                let value = match (*operator, ty.as_str()) {
                    ("in", _) => Value::List((0..rng.usize(..=3)).map(|_| operand(rng, known, compares)).collect()),
                    (_, "Boolean") => Value::Boolean(rng.bool()),
                    _ => operand(rng, known, compares),
                };
                chosen.insert(Name::new(operator), value);
            }
        }
    }
    Value::Object(chosen)
}

fn operand(rng: &mut Rng, known: &Known, compares: Compares) -> Value {
    match compares {
        Compares::Id(prefix) => {
            let ids = known.ids.iter().find(|(known, _)| *known == prefix).map(|(_, ids)| ids);
            Value::String(pick(rng, ids.expect("ids of the type are known")).clone())
        }
        Compares::Int => Value::from(*pick(rng, &[0, 1, 2, 3, 5, 13, -1, i32::MAX])),
        Compares::Float => Value::from(*pick(rng, &[0.0, 0.25, 0.5, 1.0, -1.0])),
        Compares::Time => Value::String((*pick(rng, TIMES)).to_owned()),
        Compares::Enum("FeatureStatus") => Value::Enum(Name::new(pick(rng, &["NOT_STARTED", "COMPLETED", "BLOCKED"]))),
        Compares::Enum("TestStatus") => Value::Enum(Name::new(pick(rng, &["PASSED", "FAILED", "PENDING"]))),
        Compares::Enum(_) => Value::Enum(Name::new(pick(rng, &["SUCCEEDED", "FAILED", "ROLLED_BACK"]))),
        _ => Value::String((*pick(rng, TEXTS)).to_owned()),
    }
}

impl Generator<'_> {
    /// The argument `filter` of a list: most of the time one that has a meaning, as it is, by a variable, or by variables of
    /// its parts.
    pub(super) fn filter_argument(&mut self, object: &str) -> RawValue {
        let depth = self.rng.usize(0..=4);
        let mut value = filter(&mut self.rng, self.known, object, depth);
        if self.one_in(12) {
            spoil(&mut self.rng, &mut value);
        }
        let ty = format!("{object}Filter");
        if self.plain || self.one_in(2) {
            return self.optional(&ty, value);
        }
        self.parts(object, value)
    }

    fn parts(&mut self, object: &str, value: Value) -> RawValue {
        let own = format!("{object}Filter");
        let (_, fields) = FILTERS.iter().find(|(name, _)| *name == object).expect("the object can be filtered");
        self.each_field(value, |generator, name, value| {
            let compares = fields.iter().find(|(field, _)| *field == name).map(|(_, compares)| *compares);
            match (compares, value) {
                (_, Value::Null) => RawValue::Null,
                (None, Value::List(filters)) => {
                    let each = |filter| match filter {
                        Value::Object(_) => generator.parts(object, filter),
                        filter => filter.into_value(),
                    };
                    RawValue::List(filters.into_iter().map(each).collect())
                }
                (None, value) if generator.one_in(8) => generator.optional(&own, value),
                (None, value) => generator.parts(object, value),
                (Some(compares), value) if generator.one_in(8) => generator.optional(&input_name(compares), value),
                (Some(Compares::One(of)), value) => generator.parts(of, value),
                (Some(Compares::Many(of)), value) => generator.each_field(value, |generator, _, filter| match filter {
                    Value::Object(_) => generator.parts(of, filter),
                    filter => filter.into_value(),
                }),
                (Some(Compares::Summary(_)), value) => {
                    generator.each_field(value, |generator, _, tests| generator.operator_parts(Compares::Int, tests))
                }
                (Some(compares), value) => generator.operator_parts(compares, value),
            }
        })
    }

    fn operator_parts(&mut self, compares: Compares, tests: Value) -> RawValue {
        let operators = operators(compares);
        self.each_field(tests, |generator, name, value| {
            let (_, ty) = operators.iter().find(|(operator, _)| *operator == name).expect("the operator is known");
            if generator.one_in(2) { generator.optional(ty, value) } else { value.into_value() }
        })
    }

    fn each_field(&mut self, value: Value, mut each: impl FnMut(&mut Self, &str, Value) -> RawValue) -> RawValue {
        let Value::Object(fields) = value else { return value.into_value() };
        let fields = fields.into_iter().map(|(name, value)| {
            let value = each(self, &name, value);
            (name, value)
        });
        RawValue::Object(fields.collect())
    }
}

/// Puts something without a meaning in some place: null, or a text that cannot be an id or be held.
fn spoil(rng: &mut Rng, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let place = rng.usize(..fields.len());
            let (_, value) = fields.get_index_mut(place).expect("it is one of them");
            if rng.u8(..4) == 0 { *value = Value::Null } else { spoil(rng, value) }
        }
        Value::List(items) if !items.is_empty() => {
            let place = rng.usize(..items.len());
            spoil(rng, &mut items[place]);
        }
        Value::String(text) if !text.contains('T') => (*pick(rng, MALFORMED)).clone_into(text),
        Value::Object(_) | Value::List(_) => {}
        value => *value = Value::Null,
    }
}
