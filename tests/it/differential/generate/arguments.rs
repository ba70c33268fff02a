//! Arguments: those that have an answer most of the time, and those that have none.

use std::ops::Range;

use async_graphql::{Name, Value};
use async_graphql_value::Value as RawValue;

use super::{Field, Generator, MOST_ROWS, Takes, pick};

pub(super) const MISSING: &[&str] = &[
    "project_01h455vb4pex5vsknk084sn02q",
    "feature_01h455vb4pex5vsknk084sn02q",
    "test_case_01h455vb4pex5vsknk084sn02q",
    "deployment_01h455vb4pex5vsknk084sn02q",
    "feature_00000000000000000000000000",
    "feature_7zzzzzzzzzzzzzzzzzzzzzzzzz",
];

pub(super) const MALFORMED: &[&str] = &[
    "",
    "x",
    "_",
    "feature_",
    "feature_0",
    "feature_8zzzzzzzzzzzzzzzzzzzzzzzzz",
    "feature_01h455vb4pex5vsknk084sn02q0",
    "Feature_01h455vb4pex5vsknk084sn02q",
    "feature_01H455VB4PEX5VSKNK084SN02Q",
    "feature_01h455vb4pex5vsknk084sn02u",
    "user_01h455vb4pex5vsknk084sn02q",
    "_01h455vb4pex5vsknk084sn02q",
    "test_case_é",
    "🦀_\u{0}",
];

pub(super) const NO_CURSORS: &[&str] =
    &["", "x", "=", "é", "W10", "e30", "WyJGZWF0dXJlICtJRCJd", "WyJGZWF0dXJlICtJRCIsIngiXQ", "WzFd", "////", "bnVsbA"];

pub(super) const ENVIRONMENTS: &[&str] =
    &["production", "production", "staging", "Production", "ß", "", "nowhere", "\u{0}"];

pub(super) const SEARCHES: &[&str] = &[
    "a",
    "A",
    "z",
    "🦀",
    "x",
    "x y",
    "\"x y\"",
    "y x",
    "\"y x\"",
    "n*",
    "na*",
    "x -y",
    "-x",
    " ",
    "*",
    "naive",
    "quoted",
    "0",
    "10",
    "nothing like it",
    "\u{0}",
    "b",
];

pub(super) const GROUPS: &[&str] = &["STATUS", "PRIORITY", "DEPLOYMENT_STATUS"];

pub(super) const TYPES: &[&str] = &["FEATURE", "PROJECT"];

impl Generator<'_> {
    /// The arguments of a field of about `rows` objects.
    pub(super) fn arguments_of(&mut self, field: &Field, rows: usize) -> Vec<(&'static str, RawValue)> {
        match field.takes {
            Takes::Nothing => Vec::new(),
            Takes::Id(prefix) => {
                let id = self.id(Some(prefix));
                vec![("id", self.required("ID", id))]
            }
            Takes::AnyId => {
                let id = self.id(None);
                vec![("id", self.required("ID", id))]
            }
            Takes::AnyIds => vec![("ids", self.ids())],
            Takes::Page(ty) => self.page(ty, field.many, rows),
            Takes::Groups => {
                let most = if self.one_in(20) { 0..1 } else { 1..4 };
                let groups = self.words(GROUPS, most);
                let mut arguments = vec![("groupBy", self.required("[FeatureGroup!]", groups))];
                self.add_filter("Feature", &mut arguments);
                arguments
            }
            Takes::More(parent, ty) => self.more(parent, ty, rows * field.many),
            Takes::Search => self.search(),
            Takes::Environment if self.rng.bool() => Vec::new(),
            Takes::Environment => {
                let environment = Value::String((*pick(&mut self.rng, ENVIRONMENTS)).to_owned());
                vec![("environment", self.optional("String", environment))]
            }
        }
    }

    fn add_filter(&mut self, ty: &str, arguments: &mut Vec<(&'static str, RawValue)>) {
        if self.one_in(3) {
            let filter = self.filter_argument(ty);
            arguments.push(("filter", filter));
        }
    }

    /// An id; of this type, unless it is a wrong one.
    fn id(&mut self, prefix: Option<&str>) -> Value {
        let known = self.known;
        let types = &known.ids;
        let text = match self.rng.u32(..100) {
            0..6 => pick(&mut self.rng, &known.hidden).clone(),
            6..11 => (*pick(&mut self.rng, MISSING)).to_owned(),
            11..16 => (*pick(&mut self.rng, MALFORMED)).to_owned(),
            16 => return Value::from(5),
            17..21 => {
                let (_, ids) = pick(&mut self.rng, types);
                pick(&mut self.rng, ids).clone()
            }
            _ => {
                let own = types.iter().find(|(known, _)| Some(*known) == prefix);
                let (_, ids) = own.unwrap_or_else(|| pick(&mut self.rng, types));
                pick(&mut self.rng, ids).clone()
            }
        };
        Value::String(text)
    }

    fn ids(&mut self) -> RawValue {
        let mut ids: Vec<_> = (0..self.rng.usize(0..=7)).map(|_| self.id(None)).collect();
        if ids.len() > 2 && self.one_in(3) {
            ids[0] = ids[ids.len() - 1].clone();
        }
        if ids.len() == 1 && self.one_in(4) {
            // One value stands for a list of one.
            return self.required("ID", ids.swap_remove(0));
        }
        if self.one_in(4) {
            return RawValue::List(ids.into_iter().map(|id| self.required("ID", id)).collect());
        }
        self.required("[ID!]", Value::List(ids))
    }

    /// Words of an enum, sometimes without the list around a single one.
    fn words(&mut self, words: &[&str], count: Range<usize>) -> Value {
        let chosen = (0..self.rng.usize(count)).map(|_| Value::Enum(Name::new(pick(&mut self.rng, words))));
        let mut chosen: Vec<_> = chosen.collect();
        if chosen.len() == 1 && self.one_in(3) { chosen.swap_remove(0) } else { Value::List(chosen) }
    }

    fn more(&mut self, parent: &'static str, ty: &'static str, rows: usize) -> Vec<(&'static str, RawValue)> {
        let known = self.known;
        let place = if self.one_in(2) { 0 } else { self.rng.usize(..known.orders_of(ty).len()) };
        let (order, own_cursors) = &known.orders_of(ty)[place];
        let pages = (0..self.rng.usize(0..=4)).map(|_| {
            let cursor = match self.rng.u32(..40) {
                0 => (*pick(&mut self.rng, NO_CURSORS)).to_owned(),
                1 => pick(&mut self.rng, &known.orders_of(ty)[0].1).clone(),
                _ => pick(&mut self.rng, own_cursors).clone(),
            };
            (self.id(Some(parent)), Value::String(cursor))
        });
        let pages: Vec<_> = pages.collect();
        let pages = if self.one_in(2) {
            let pages = pages.into_iter().map(|(parent, after)| {
                Value::Object([(Name::new("parent"), parent), (Name::new("after"), after)].into_iter().collect())
            });
            let pages = Value::List(pages.collect());
            self.required("[MorePage!]", pages)
        } else {
            let pages = pages.into_iter().map(|(parent, after)| {
                let (parent, after) = (self.required("ID", parent), self.required("String", after));
                RawValue::Object([(Name::new("parent"), parent), (Name::new("after"), after)].into_iter().collect())
            });
            RawValue::List(pages.collect())
        };
        let mut arguments = vec![("pages", pages)];
        if place > 0 || self.one_in(8) {
            arguments.push(("orderBy", self.order_by(ty, order)));
        }
        self.add_filter(ty, &mut arguments);
        let crowded = rows > MOST_ROWS;
        if crowded || self.rng.bool() {
            let size = self.size(crowded);
            arguments.push(("first", if crowded { size.into_value() } else { self.optional("Int", size) }));
        }
        self.rng.shuffle(&mut arguments);
        arguments
    }

    fn search(&mut self) -> Vec<(&'static str, RawValue)> {
        let known = self.known;
        let text = Value::String((*pick(&mut self.rng, SEARCHES)).to_owned());
        let mut arguments = vec![("query", self.required("String", text))];
        if self.one_in(3) {
            let types = self.words(TYPES, 0..4);
            arguments.push(("types", self.optional("[SearchType!]", types)));
        }
        if self.one_in(3) {
            let cursor = match self.rng.u32(..20) {
                0 => Value::Null,
                1 => Value::String((*pick(&mut self.rng, NO_CURSORS)).to_owned()),
                _ => Value::String(pick(&mut self.rng, &known.hits).clone()),
            };
            arguments.push(("after", self.optional("String", cursor)));
        }
        if self.rng.bool() {
            let size = self.size(false);
            arguments.push(("first", self.optional("Int", size)));
        }
        self.rng.shuffle(&mut arguments);
        arguments
    }

    fn page(&mut self, ty: &'static str, many: usize, rows: usize) -> Vec<(&'static str, RawValue)> {
        let known = self.known;
        let mut arguments = Vec::new();
        let (order, own_cursors) = if self.one_in(2) {
            &known.orders_of(ty)[0]
        } else {
            let order = pick(&mut self.rng, known.orders_of(ty));
            let value = self.order_by(ty, &order.0);
            arguments.push(("orderBy", value));
            order
        };
        debug_assert!(matches!(order, Value::List(_)), "an order is a list of terms");
        for (name, one_in) in [("after", 4), ("before", 6)] {
            if self.one_in(one_in) {
                let cursor = match self.rng.u32(..20) {
                    0 => Value::Null,
                    1 => Value::String((*pick(&mut self.rng, NO_CURSORS)).to_owned()),
                    2 => {
                        let (_, cursors) = pick(&mut self.rng, known.orders_of(ty));
                        Value::String(pick(&mut self.rng, cursors).clone())
                    }
                    _ => Value::String(pick(&mut self.rng, own_cursors).clone()),
                };
                arguments.push((name, self.optional("String", cursor)));
            }
        }
        self.add_filter(ty, &mut arguments);
        let crowded = rows * many > MOST_ROWS;
        let sizes: &[&'static str] = match self.rng.u32(..100) {
            0..2 => &["first", "last"],
            2..50 => &["first"],
            50..75 => &["last"],
            _ if crowded => &["first"],
            _ => &[],
        };
        for name in sizes {
            let size = self.size(crowded);
            // A crowded list is not left to a variable that may be absent.
            let size = if crowded { size.into_value() } else { self.optional("Int", size) };
            arguments.push((*name, size));
        }
        self.rng.shuffle(&mut arguments);
        arguments
    }

    fn size(&mut self, crowded: bool) -> Value {
        match self.rng.u32(..100) {
            0..4 => Value::from(0),
            4 => Value::from(-1),
            5 => Value::from(1001),
            6 => Value::from(i32::MAX),
            7 => Value::from(i64::from(i32::MAX) + 1),
            _ if crowded => Value::from(self.rng.u32(1..=2)),
            8..12 => Value::Null,
            12..20 => Value::from(1000),
            _ => Value::from(self.rng.u32(1..=6)),
        }
    }

    /// The order, sometimes with a variable inside, and a single term sometimes without its list.
    fn order_by(&mut self, ty: &str, order: &Value) -> RawValue {
        let Value::List(terms) = order else { return order.clone().into_value() };
        if self.plain || !self.one_in(4) {
            let order = match terms.as_slice() {
                [term] if self.one_in(3) => term.clone(),
                _ => order.clone(),
            };
            return self.optional(&format!("[{ty}Order!]"), order);
        }
        let terms = terms.iter().map(|term| {
            let Value::Object(fields) = term else { return term.clone().into_value() };
            let fields = fields.iter().map(|(name, value)| {
                let value = match name.as_str() {
                    "field" => self.required(&format!("{ty}OrderField"), value.clone()),
                    "direction" => self.required("OrderDirection", value.clone()),
                    _ => self.optional("NullsOrder", value.clone()),
                };
                (Name::new(name), value)
            });
            RawValue::Object(fields.collect())
        });
        RawValue::List(terms.collect())
    }
}
