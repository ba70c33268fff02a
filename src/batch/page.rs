//! Pages: the arguments of a connection, and the cursors that name a place in an order.
//!
//! The pages are those of the Relay cursor connections specification
//! (<https://relay.dev/graphql/connections.htm>).

use async_graphql::{InputType as _, Value};
use sea_orm::Value as Parameter;

use super::BatchError;
use super::arguments::Arguments;
use super::filter::Filtered;
use super::object::{DefaultOrder, Object};
use super::order::{At, Direction, Nulls, OrderTerm, Ordering, Place, WantedTerm};
use super::row::Kind;
use super::statement::Slot;
use crate::database::dialect::Beside;

mod select;

/// How long a page is.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Rows of a page where the client does not say.
    pub default_size: u32,
    /// The most rows of one page.
    pub max_size: u32,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { default_size: 20, max_size: 1000 }
    }
}

impl PageLimits {
    /// Refuses a list of arguments that is longer than a page.
    pub(crate) fn check_count<T>(self, argument: &str, list: Vec<T>) -> Result<Vec<T>, BatchError> {
        if list.len() > self.max_size as usize {
            return Err(invalid(argument, &format!("must have at most {} items, has {}", self.max_size, list.len())));
        }
        Ok(list)
    }
}

/// Which rows of a list are asked for; the values of its cursors are filled in by each request.
#[derive(Clone, PartialEq)]
pub(crate) struct Page {
    pub(crate) ordering: Ordering,
    pub(crate) after: Option<Box<Place>>,
    pub(crate) before: Option<Box<Place>>,
    pub(crate) size: u32,
    /// Counted from the end of the list.
    pub(crate) backward: bool,
    /// Which rows the list has.
    pub(crate) filter: Option<Filtered>,
}

impl Page {
    /// Reads the page arguments of a connection of `object`s, and adds the values of its cursors to `slots`.
    pub(crate) fn bind(
        arguments: &Arguments,
        object: &'static Object,
        order: DefaultOrder,
        limits: PageLimits,
        slots: &mut Vec<Parameter>,
    ) -> Result<Self, BatchError> {
        let mut terms = read_order_by(arguments.raw("orderBy"))?;
        if terms.is_empty() {
            terms = order.iter().map(|(name, direction)| (*name, *direction, None)).collect();
        }
        let ordering = Ordering::new(object, terms)?;
        let mut cursor = |name| match arguments.get::<Option<String>>(name)? {
            Some(text) => {
                let cells = ordering.read_cursor(name, &text, object)?;
                let terms = ordering.terms.iter().zip(&cells);
                let place = terms.map(|(term, cell)| Some(At::Slot(Slot::give(term.parameter(cell)?, slots))));
                Ok::<_, BatchError>(Some(place.collect()))
            }
            None => Ok(None),
        };
        let (after, before) = (cursor("after")?, cursor("before")?);
        let (first, last) = (size(arguments, "first", limits)?, size(arguments, "last", limits)?);
        let (size, backward) = match (first, last) {
            (Some(_), Some(_)) => return Err(invalid("last", "cannot be given together with first")),
            (None, Some(last)) => (last, true),
            (first, None) => (first.unwrap_or(limits.default_size.min(limits.max_size)), false),
        };
        let filter = match &object.listing {
            Some(listing) => Filtered::of(&(listing.filter)(arguments)?, object, slots)?,
            None => Filtered::bind(arguments, object, slots)?,
        };
        Ok(Self { ordering, after, before, size, backward, filter })
    }

    /// The same page, but after a place whose values stand beside each key.
    pub(crate) fn after_beside(mut self, has_value: &[bool]) -> Self {
        let place = has_value.iter().enumerate().map(|(term, has_value)| has_value.then_some(At::Beside(term)));
        self.after = Some(place.collect());
        self
    }

    /// The lists that stand beside the keys: what [`Page::after_beside`] compares with.
    pub(crate) fn beside(&self) -> Vec<Beside> {
        let terms = self.ordering.terms.iter().enumerate();
        let list = |(place, term): (usize, &OrderTerm)| Beside {
            list: Slot::Beside(u8::try_from(place).unwrap_or(u8::MAX)).expr(),
            is_uuid: matches!(term.column.kind, Kind::Id(_) | Kind::AnyId(_)),
        };
        terms.map(list).collect()
    }

    /// The values of a cursor of the page's order, one for each term, as they are compared with; nothing for a term that has
    /// none.
    pub(crate) fn read_cursor(
        &self,
        argument: &str,
        text: &str,
        object: &Object,
    ) -> Result<Vec<Option<Parameter>>, BatchError> {
        let cells = self.ordering.read_cursor(argument, text, object)?;
        Ok(self.ordering.terms.iter().zip(&cells).map(|(term, cell)| term.parameter(cell)).collect())
    }

    /// The first row in a fixed order.
    pub(crate) fn first(ordering: Ordering) -> Self {
        Self { ordering, after: None, before: None, size: 1, backward: false, filter: None }
    }
}

pub(super) fn size(arguments: &Arguments, name: &'static str, limits: PageLimits) -> Result<Option<u32>, BatchError> {
    let Some(size) = arguments.get::<Option<i64>>(name)? else { return Ok(None) };
    match u32::try_from(size) {
        Ok(size) if size <= limits.max_size => Ok(Some(size)),
        _ => Err(invalid(name, &format!("must be 0 to {}, is {size}", limits.max_size))),
    }
}

/// Reads `[{field, direction, nulls}]`; a single term stands for a list of one, as GraphQL has it.
fn read_order_by(value: Option<&Value>) -> Result<Vec<WantedTerm<'_>>, BatchError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(items)) => items.iter().map(read_order_term).collect(),
        Some(item) => Ok(vec![read_order_term(item)?]),
    }
}

fn read_order_term(item: &Value) -> Result<WantedTerm<'_>, BatchError> {
    let malformed = |part: &str| invalid("orderBy", &format!("has a term whose {part} is not valid"));
    let Value::Object(term) = item else { return Err(malformed("form")) };
    let field = match term.get("field") {
        Some(Value::Enum(name)) => name.as_str(),
        Some(Value::String(name)) => name.as_str(),
        _ => return Err(malformed("field")),
    };
    let direction = <Option<Direction>>::parse(term.get("direction").cloned()).map_err(|_| malformed("direction"))?;
    let nulls = <Option<Nulls>>::parse(term.get("nulls").cloned()).map_err(|_| malformed("nulls"))?;
    Ok((field, direction.unwrap_or(Direction::Asc), nulls))
}

fn invalid(argument: &str, reason: &str) -> BatchError {
    BatchError::InvalidArgument { argument: argument.to_owned(), reason: reason.to_owned() }
}
