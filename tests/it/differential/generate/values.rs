//! Other values for the variables of a document, so that it can be asked again: what was kept of the first request must not
//! show in the second.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};
use fastrand::Rng;

use super::arguments::{ENVIRONMENTS, GROUPS, MALFORMED, MISSING, NO_CURSORS, SEARCHES, TYPES};
use super::fields::ORDERS;
use super::{Document, Known, Variable, filter, pick};
use crate::differential::oracle::filter_types::FILTERS;

/// The values that a request gives to variables.
pub(crate) type Values = Vec<(String, Value)>;

/// Values like those that the document has.
pub(crate) fn other_values(document: &Document, known: &Known, rng: &mut Rng) -> Values {
    let orders: Vec<_> = known.orders.iter().map(|(ty, orders)| (*ty, rng.usize(..orders.len()))).collect();
    let mut other = Other { known, rng, orders };
    let mut values = Vec::new();
    for variable in document.operations.iter().flat_map(|operation| &operation.variables) {
        let given = document.values.iter().find(|(name, _)| *name == variable.name).map(|(_, value)| value);
        let value = other.value(variable, given);
        values.extend(value.map(|value| (variable.name.clone(), value)));
    }
    values
}

struct Other<'k, 'r> {
    known: &'k Known,
    rng: &'r mut Rng,
    /// For each type, the order that most lists of it are to have, whose cursors then fit.
    orders: Vec<(&'static str, usize)>,
}

impl Other<'_, '_> {
    fn value(&mut self, variable: &Variable, given: Option<&Value>) -> Option<Value> {
        let nullable = !variable.ty.ends_with('!');
        let may_lack = (nullable && variable.may_be_null) || variable.default.is_some();
        match self.rng.u32(..100) {
            0..30 => given.cloned(),
            30..45 if may_lack => None,
            45..53 if nullable && variable.may_be_null => Some(Value::Null),
            53 => Some(Value::Boolean(true)),
            54 => None,
            _ => Some(self.of(variable.ty.trim_end_matches('!'), given.or(variable.default.as_ref()))),
        }
    }

    /// A value of the type, of the kind of `like`.
    fn of(&mut self, ty: &str, like: Option<&Value>) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        let word = |word: &str| Value::Enum(Name::new(word));
        match (ty, like) {
            ("Boolean", _) => Value::Boolean(self.rng.bool()),
            ("Int", _) => match self.rng.u32(..40) {
                0 => Value::from(-1),
                1 => Value::from(1001),
                2 => Value::from(i64::from(i32::MAX) + 1),
                3..6 => Value::from(1000),
                _ => Value::from(self.rng.u32(..=6)),
            },
            ("ID", like) => self.id(like),
            ("[ID!]", _) => Value::List((0..self.rng.usize(..=6)).map(|_| self.id(None)).collect()),
            ("String", Some(Value::String(like))) => {
                if ENVIRONMENTS.contains(&like.as_str()) {
                    text(pick::<&str>(self.rng, ENVIRONMENTS))
                } else if SEARCHES.contains(&like.as_str()) {
                    text(pick::<&str>(self.rng, SEARCHES))
                } else {
                    Value::String(self.cursor(like))
                }
            }
            ("String", _) => text(pick::<&str>(self.rng, NO_CURSORS)),
            ("OrderDirection", _) => word(pick::<&str>(self.rng, &["ASC", "DESC"])),
            ("NullsOrder", _) => word(pick::<&str>(self.rng, &["FIRST", "LAST"])),
            ("[FeatureGroup!]", _) => {
                Value::List((0..self.rng.usize(..=3)).map(|_| word(pick::<&str>(self.rng, GROUPS))).collect())
            }
            ("[SearchType!]", _) => {
                Value::List((0..self.rng.usize(..=2)).map(|_| word(pick::<&str>(self.rng, TYPES))).collect())
            }
            ("[MorePage!]", Some(Value::List(pages))) if !pages.is_empty() => {
                Value::List((0..self.rng.usize(..=4)).map(|_| self.page(pages)).collect())
            }
            (ty, _) if FILTERS.iter().any(|(object, _)| ty.strip_suffix("Filter") == Some(*object)) => {
                let depth = self.rng.usize(..=3);
                filter(self.rng, self.known, ty.trim_end_matches("Filter"), depth)
            }
            (ty, like) => self.order(ty).unwrap_or_else(|| like.cloned().unwrap_or_default()),
        }
    }

    fn order(&mut self, ty: &str) -> Option<Value> {
        if let Some(ty) = ty.strip_suffix("OrderField") {
            let (_, names) = ORDERS.iter().find(|(known, _)| *known == ty)?;
            return Some(Value::Enum(Name::new(pick(self.rng, names))));
        }
        let ty = ty.strip_prefix('[')?.strip_suffix("Order!]")?;
        let (_, most) = *self.orders.iter().find(|(known, _)| *known == ty)?;
        let orders = self.known.orders_of(ty);
        let place = if self.rng.u32(..5) == 0 { self.rng.usize(..orders.len()) } else { most };
        Some(orders[place].0.clone())
    }

    fn id(&mut self, like: Option<&Value>) -> Value {
        let known = self.known;
        let prefix = match like {
            Some(Value::String(like)) => like.rsplit_once('_').map(|(prefix, _)| prefix),
            _ => None,
        };
        let own = known.ids.iter().find(|(known, _)| Some(*known) == prefix && self.rng.u32(..6) > 0);
        Value::String(match self.rng.u32(..20) {
            0 => pick(self.rng, &known.hidden).clone(),
            1 => (*pick(self.rng, MISSING)).to_owned(),
            2 => (*pick(self.rng, MALFORMED)).to_owned(),
            _ => {
                let (_, ids) = own.unwrap_or_else(|| pick(self.rng, &known.ids));
                pick(self.rng, ids).clone()
            }
        })
    }

    /// A cursor of a list of the same type: in the same order, in the one that most lists are to have, or in any.
    fn cursor(&mut self, like: &str) -> String {
        let known = self.known;
        if self.rng.u32(..20) == 0 {
            return (*pick(self.rng, NO_CURSORS)).to_owned();
        }
        if known.hits.iter().any(|cursor| cursor == like) {
            return pick(self.rng, &known.hits).clone();
        }
        for (ty, orders) in &known.orders {
            let Some(own) = orders.iter().position(|(_, cursors)| cursors.iter().any(|cursor| cursor == like)) else {
                continue;
            };
            let most = self.orders.iter().find(|(known, _)| known == ty).map_or(own, |(_, most)| *most);
            let place = match self.rng.u32(..10) {
                0 => self.rng.usize(..orders.len()),
                1..6 => own,
                _ => most,
            };
            return pick(self.rng, &orders[place].1).clone();
        }
        like.to_owned()
    }

    fn page(&mut self, like: &[Value]) -> Value {
        let Value::Object(like) = pick(self.rng, like) else { return Value::Null };
        let mut page = IndexMap::new();
        if let Some(parent) = like.get("parent") {
            page.insert(Name::new("parent"), self.id(Some(parent)));
        }
        if let Some(Value::String(after)) = like.get("after") {
            page.insert(Name::new("after"), Value::String(self.cursor(after)));
        }
        Value::Object(page)
    }
}
