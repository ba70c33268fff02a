//! Filters at random, over the table from which the oracle's input types come.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};
use fastrand::Rng;

use super::{Known, pick};
use crate::differential::oracle::filter_types::{COUNTS, Compares, FILTERS, operators};

const TEXTS: &[&str] = &["", "a", "A", "Á", "z", "ß", "🦀", "\u{e000}", "%", "_", "\\", "x y", "production"];

const TIMES: &[&str] = &["2026-01-02T03:04:05Z", "2026-01-02T04:04:05.5+01:00", "1970-01-01T00:00:00Z"];

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
        Compares::Summary => {
            chosen.insert(Name::new(pick(rng, COUNTS)), field(rng, known, Compares::Int, depth));
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
        Compares::Time => Value::String((*pick(rng, TIMES)).to_owned()),
        Compares::Enum("FeatureStatus") => Value::Enum(Name::new(pick(rng, &["NOT_STARTED", "COMPLETED", "BLOCKED"]))),
        Compares::Enum("TestStatus") => Value::Enum(Name::new(pick(rng, &["PASSED", "FAILED", "PENDING"]))),
        Compares::Enum(_) => Value::Enum(Name::new(pick(rng, &["SUCCEEDED", "FAILED", "ROLLED_BACK"]))),
        _ => Value::String((*pick(rng, TEXTS)).to_owned()),
    }
}
