//! Pages: the arguments of a connection, and the cursors that name a place in an order.
//!
//! The pages are those of the Relay cursor connections specification
//! (<https://relay.dev/graphql/connections.htm>). A cursor is the URL-safe base 64 of a JSON array: the order's
//! signature, then the value of each term, the last of which is the row's id. So a cursor still works when its row has
//! gone, and one from another order is refused.

use async_graphql::{InputType as _, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::BatchError;
use super::arguments::Arguments;
use super::filter::{Bound, Filter};
use super::object::Object;
use super::order::{Direction, Nulls, Ordering, WantedTerm};
use super::row::Cell;

mod select;

pub(crate) use self::select::Flags;

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

/// Which rows of a list are asked for.
#[derive(Clone, PartialEq)]
pub(crate) struct Page {
    pub(crate) ordering: Ordering,
    pub(crate) after: Option<Vec<Cell>>,
    pub(crate) before: Option<Vec<Cell>>,
    pub(crate) size: u32,
    /// Counted from the end of the list.
    pub(crate) backward: bool,
    /// Which rows the list has.
    pub(crate) filter: Option<Bound>,
}

/// Longer than any cursor that we make: a name has at most 650 characters.
const LONGEST_CURSOR: usize = 16 * 1024;

impl Page {
    /// Reads the page arguments of a connection of `object`s.
    pub(crate) fn of(arguments: &Arguments, object: &'static Object, limits: PageLimits) -> Result<Self, BatchError> {
        let ordering = Ordering::new(object, read_order_by(arguments.raw("orderBy"))?)?;
        let cursor = |name| match arguments.get::<Option<String>>(name)? {
            Some(text) => read_cursor(name, &text, object, &ordering).map(Some),
            None => Ok(None),
        };
        let (after, before) = (cursor("after")?, cursor("before")?);
        let (first, last) = (size(arguments, "first", limits)?, size(arguments, "last", limits)?);
        let (size, backward) = match (first, last) {
            (Some(_), Some(_)) => return Err(invalid("last", "cannot be given together with first")),
            (None, Some(last)) => (last, true),
            (first, None) => (first.unwrap_or(limits.default_size.min(limits.max_size)), false),
        };
        Ok(Self { ordering, after, before, size, backward, filter: read_filter(arguments, object)? })
    }

    /// The first row in a fixed order.
    pub(crate) fn first(ordering: Ordering) -> Self {
        Self { ordering, after: None, before: None, size: 1, backward: false, filter: None }
    }
}

/// Writes the cursor of a row, whose cells of the order's terms are given.
pub(crate) fn write_cursor<'c>(signature: &str, cells: impl Iterator<Item = &'c Cell>, out: &mut Vec<u8>) {
    let mut parts = vec![serde_json::Value::from(signature)];
    parts.extend(cells.map(Cell::to_json));
    let mut json = Vec::with_capacity(96);
    super::row::write_json(&parts, &mut json);
    out.push(b'"');
    out.extend_from_slice(URL_SAFE_NO_PAD.encode(json).as_bytes());
    out.push(b'"');
}

fn read_cursor(
    argument: &'static str,
    text: &str,
    object: &Object,
    ordering: &Ordering,
) -> Result<Vec<Cell>, BatchError> {
    let invalid = |reason: &str| BatchError::InvalidCursor { argument: argument.to_owned(), reason: reason.to_owned() };
    let malformed = || invalid("is not a cursor of this API");
    if text.len() > LONGEST_CURSOR {
        return Err(malformed());
    }
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let parts: Vec<serde_json::Value> = serde_json::from_slice(&json).map_err(|_| malformed())?;
    let (signature, values) = parts.split_first().ok_or_else(malformed)?;
    let signature = signature.as_str().ok_or_else(malformed)?;
    if signature != ordering.signature(object) {
        return Err(invalid("comes from a list in another order; use it with the orderBy that it was made with"));
    }
    let cells =
        ordering.terms.iter().zip(values).map(|(term, value)| {
            term.column.kind.parse(value).filter(|cell| term.column.nullable || *cell != Cell::Null)
        });
    let cells = cells.collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
    if cells.len() == ordering.terms.len() && values.len() == cells.len() { Ok(cells) } else { Err(malformed()) }
}

fn size(arguments: &Arguments, name: &'static str, limits: PageLimits) -> Result<Option<u32>, BatchError> {
    let Some(size) = arguments.get::<Option<i64>>(name)? else { return Ok(None) };
    match u32::try_from(size) {
        Ok(size) if size <= limits.max_size => Ok(Some(size)),
        _ => Err(invalid(name, &format!("must be 0 to {}, is {size}", limits.max_size))),
    }
}

/// Reads the filter of a list; nothing where every row fits.
fn read_filter(arguments: &Arguments, object: &'static Object) -> Result<Option<Bound>, BatchError> {
    let Some(value) = arguments.raw("filter").filter(|value| **value != Value::Null) else { return Ok(None) };
    let mut values = Vec::new();
    let filter = Filter::bind(object, "filter", value, &mut values)?;
    Ok((!filter.holds_always()).then_some(Bound { filter, values }))
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
