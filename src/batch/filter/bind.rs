//! Reads a filter from an argument's value: its shape, and the values to compare with.
//!
//! async-graphql has validated the value against the input types that [`super::sdl`] registers; what validation does not
//! know is refused here, each with the path inside of the argument: a null, an id of another type, a number that is too
//! great, and a filter that is too deep or too long to be worth a statement.
//!
//! **Invariant:** fields are bound in the order of the declaration, not in that of the document, so that equal filters have
//! equal shapes.

use std::fmt::Write as _;

use async_graphql::Name;
use async_graphql::Value as GraphQlValue;
use async_graphql::indexmap::IndexMap;
use sea_orm::sea_query::Value;

use super::operator::{Operator, Test, may_equal};
use super::{Declared, Filter, Quantity};
use crate::batch::column::Column;
use crate::batch::object::{FieldKind, Fields, Object};
use crate::batch::row::{Cell, Kind};
use crate::batch::{BatchError, id};

/// The most inputs of objects inside of each other.
const MOST_DEPTH: usize = 8;
/// The most conditions of one filter.
const MOST_CONDITIONS: usize = 100;
/// The most values of one list.
const MOST_VALUES: usize = 1000;

type Input = IndexMap<Name, GraphQlValue>;

/// What is read, and how far it has come.
struct Binder<'v> {
    /// The path of what is being read, from the argument's name on.
    path: String,
    values: &'v mut Vec<Value>,
    depth: usize,
    conditions: usize,
}

impl Filter {
    /// Reads the filter that `argument` holds, and appends what it compares with to `values`: lists as
    /// [`Value::Array`], for whichever database.
    ///
    /// # Errors
    /// [`BatchError::InvalidArgument`] or [`BatchError::InvalidId`], with the path inside of the argument.
    pub(crate) fn bind(
        object: &'static Object,
        argument: &str,
        value: &GraphQlValue,
        values: &mut Vec<Value>,
    ) -> Result<Self, BatchError> {
        Binder { path: argument.to_owned(), values, depth: 0, conditions: 0 }.object(object, value)
    }
}

impl Binder<'_> {
    fn object(&mut self, object: &'static Object, value: &GraphQlValue) -> Result<Filter, BatchError> {
        let input = self.input(value)?;
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(
                self.invalid(&format!("is the filter of an object inside of {MOST_DEPTH} others, which is the most"))
            );
        }
        let before = self.conditions;
        let mut parts = self.fields(object, &object.fields, input)?;
        if let Some(filters) = self.named("and", input, |binder, value| binder.objects(object, value))? {
            parts.extend(filters);
        }
        if let Some(filters) = self.named("or", input, |binder, value| binder.objects(object, value))? {
            parts.push(Filter::Any(filters));
        }
        if let Some(filter) = self.named("not", input, |binder, value| binder.object(object, value))? {
            parts.push(Filter::Not(Box::new(filter)));
        }
        if self.conditions == before {
            // What asks for nothing still takes a place in the statement.
            self.count()?;
        }
        self.depth -= 1;
        Ok(all(parts))
    }

    fn objects(&mut self, object: &'static Object, value: &GraphQlValue) -> Result<Vec<Filter>, BatchError> {
        self.each(value, |binder, value| binder.object(object, value))
    }

    /// What the input says of the fields of an object, or of an embedded one.
    fn fields(
        &mut self,
        object: &'static Object,
        fields: &'static Fields,
        input: &Input,
    ) -> Result<Vec<Filter>, BatchError> {
        let mut parts = Vec::new();
        for field in &fields.list {
            let part = self.named(field.name, input, |binder, value| match &field.kind {
                FieldKind::Id => binder.column(&object.table.id, value),
                FieldKind::Leaf { column, .. } => binder.column(column, value),
                FieldKind::Embedded(part) => {
                    let input = binder.input(value)?;
                    Ok(all(binder.fields(object, part, input)?))
                }
                FieldKind::One { key, target } => {
                    let filter = binder.object(target(), value)?;
                    Ok(one(key, target(), filter))
                }
                FieldKind::Reference { key, .. } => binder.column(key, value),
                FieldKind::Connection { by, target, .. } => binder.list(&object.table.id, by, target(), value),
                FieldKind::First { .. }
                | FieldKind::Groups { .. }
                | FieldKind::Entries { .. }
                | FieldKind::Secret(_)
                | FieldKind::Words(_)
                | FieldKind::Cursor(_) => Err(binder.invalid("cannot be asked for")),
            });
            parts.extend(part?);
        }
        Ok(parts)
    }

    fn list(
        &mut self,
        own: &'static Column,
        theirs: &'static Column,
        target: &'static Object,
        value: &GraphQlValue,
    ) -> Result<Filter, BatchError> {
        let input = self.input(value)?;
        let mut parts = Vec::new();
        for (name, quantity) in Quantity::NAMED {
            let filter = self.named(name, input, |binder, value| binder.object(target, value))?;
            parts.extend(filter.map(|filter| related(own, theirs, target, *quantity, filter)));
        }
        Ok(all(parts))
    }

    /// The tests of one column.
    fn column(&mut self, column: &'static Column, value: &GraphQlValue) -> Result<Filter, BatchError> {
        let input = self.input(value)?;
        let folded = column.kind == Kind::Text
            && self.named("ignoreCase", input, |binder, value| match value {
                GraphQlValue::Boolean(flag) => Ok(*flag),
                _ => Err(binder.invalid("must be true or false")),
            })? == Some(true);
        let mut tests = Vec::new();
        let mut hold_for_zero = true;
        for operator in Operator::of(column.kind) {
            let from = self.values.len();
            let test = self.named(operator.name(), input, |binder, value| {
                binder.count()?;
                binder.test(column, operator, folded, value)
            })?;
            if let Some(test) = test {
                hold_for_zero &= test.holds_for_zero(self.values.get(from));
                tests.push(test);
            }
        }
        if tests.is_empty() {
            return Ok(Filter::All(Vec::new()));
        }
        let hold_for_nothing =
            if column.or_zero { hold_for_zero } else { tests.iter().all(|test| *test == Test::IsNull(true)) };
        Ok(Filter::Column { column: Declared(column), folded, tests, hold_for_nothing })
    }

    fn test(
        &mut self,
        column: &Column,
        operator: Operator,
        folded: bool,
        value: &GraphQlValue,
    ) -> Result<Test, BatchError> {
        match (operator, value) {
            (Operator::IsNull, GraphQlValue::Boolean(flag)) => Ok(Test::IsNull(*flag)),
            (Operator::IsNull, _) => Err(self.invalid("must be true or false")),
            (Operator::In, value) => {
                let cells = self.each(value, |binder, value| binder.compared(column, folded, value))?;
                let list = cells.iter().filter(|cell| may_equal(cell)).filter_map(Cell::to_parameter).collect();
                self.values.push(Value::Array(column.compared_kind().array_type(), Some(Box::new(list))));
                Ok(Test::In)
            }
            (operator, value) => {
                let (test, cells) = operator.test(self.compared(column, folded, value)?);
                self.values.extend(cells.iter().filter_map(Cell::to_parameter));
                Ok(test)
            }
        }
    }

    /// What rows are compared with for this value of the column.
    fn compared(&self, column: &Column, folded: bool, value: &GraphQlValue) -> Result<Cell, BatchError> {
        let cell = self.cell(column.kind, folded, value)?;
        column.compared_cell(cell).ok_or_else(|| self.invalid("must be a value of the enum"))
    }

    fn cell(&self, kind: Kind, folded: bool, value: &GraphQlValue) -> Result<Cell, BatchError> {
        let own;
        let prefixes = match kind {
            Kind::Id(prefix) => {
                own = [prefix];
                Some(&own[..])
            }
            Kind::AnyId(prefixes) => Some(prefixes),
            _ => None,
        };
        if let Some(prefixes) = prefixes {
            let text = match value {
                GraphQlValue::String(text) => text.clone(),
                other => other.to_string(),
            };
            return id::parse(&self.path, &text, prefixes).map(|(_, uuid)| Cell::Uuid(uuid));
        }
        kind.read_value(value, folded).map_err(|reason| self.invalid(reason))
    }

    /// Reads the field `name` of an input, if it is given.
    fn named<T>(
        &mut self,
        name: &str,
        input: &Input,
        read: impl FnOnce(&mut Self, &GraphQlValue) -> Result<T, BatchError>,
    ) -> Result<Option<T>, BatchError> {
        let Some(value) = input.get(name) else { return Ok(None) };
        self.at(format_args!(".{name}"), value, read).map(Some)
    }

    /// Reads the items of a list; a single one stands for a list of one, as GraphQL has it.
    fn each<T>(
        &mut self,
        value: &GraphQlValue,
        mut read: impl FnMut(&mut Self, &GraphQlValue) -> Result<T, BatchError>,
    ) -> Result<Vec<T>, BatchError> {
        let items = match value {
            GraphQlValue::List(items) => items.as_slice(),
            item => std::slice::from_ref(item),
        };
        if items.len() > MOST_VALUES {
            return Err(self.invalid(&format!("must have at most {MOST_VALUES} items, has {}", items.len())));
        }
        items.iter().enumerate().map(|(place, item)| self.at(format_args!("[{place}]"), item, &mut read)).collect()
    }

    /// Reads one part, whose path is longer by `step`.
    fn at<T>(
        &mut self,
        step: std::fmt::Arguments<'_>,
        value: &GraphQlValue,
        read: impl FnOnce(&mut Self, &GraphQlValue) -> Result<T, BatchError>,
    ) -> Result<T, BatchError> {
        let length = self.path.len();
        // Writing to a string does not fail.
        let _ = self.path.write_fmt(step);
        if *value == GraphQlValue::Null {
            return Err(self.invalid("must not be null: leave it out, or use isNull"));
        }
        let result = read(self, value)?;
        self.path.truncate(length);
        Ok(result)
    }

    fn input<'i>(&self, value: &'i GraphQlValue) -> Result<&'i Input, BatchError> {
        match value {
            GraphQlValue::Object(input) => Ok(input),
            _ => Err(self.invalid("must be an input object")),
        }
    }

    fn count(&mut self) -> Result<(), BatchError> {
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS {
            return Err(self.invalid(&format!("is one condition too many: a filter has at most {MOST_CONDITIONS}")));
        }
        Ok(())
    }

    fn invalid(&self, reason: &str) -> BatchError {
        BatchError::InvalidArgument { argument: self.path.clone(), reason: reason.to_owned() }
    }
}

impl Quantity {
    /// The fields of a list's filter, in the order in which they are bound.
    pub(super) const NAMED: &[(&'static str, Self)] =
        &[("some", Self::Some), ("none", Self::None), ("every", Self::Every)];
}

fn all(mut parts: Vec<Filter>) -> Filter {
    match parts.len() {
        1 => parts.remove(0),
        _ => Filter::All(parts),
    }
}

fn related(
    own: &'static Column,
    theirs: &'static Column,
    target: &'static Object,
    quantity: Quantity,
    filter: Filter,
) -> Filter {
    let (own, theirs) = (Declared(own), Declared(theirs));
    Filter::Related { own, theirs, target: Declared(target), quantity, filter: Box::new(filter) }
}

/// A filter of the one object whose id stands in `key`. What it asks of the id is asked of `key`, too, where an index may
/// serve it; the object's own table is asked whether the object may be seen.
fn one(key: &'static Column, target: &'static Object, filter: Filter) -> Filter {
    let id = Declared(&target.table.id);
    let mut parts = match filter {
        Filter::All(parts) => parts,
        part => vec![part],
    };
    // The id is declared first, so that its values are the first ones, here as there.
    match parts.first_mut() {
        Some(Filter::Column { column, .. }) if *column == id => *column = Declared(key),
        _ => return related(key, &target.table.id, target, Quantity::Some, all(parts)),
    }
    let rest = parts.split_off(1);
    parts.push(related(key, &target.table.id, target, Quantity::Some, all(rest)));
    Filter::All(parts)
}
