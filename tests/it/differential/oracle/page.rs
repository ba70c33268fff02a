//! Orders, cursors and pages over rows in memory, by their definitions.

use std::cmp::Ordering as Compared;

use async_graphql::{Error, ErrorExtensions as _, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use entity::feature::FeatureStatus;
use sea_orm::{ActiveEnum as _, Iterable as _};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::filter::check;
use super::inputs::{Direction, Nulls};

/// A value that rows are compared by. Nothing is the smallest, text sorts by code point (as UTF-8's bytes do).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Nothing,
    Int(i32),
    Float(Fraction),
    Time(DateTime<Utc>),
    Text(String),
    /// A word of a set that has an order of its own, after its place there.
    Word(usize, String),
    Id(Uuid),
}

impl Cell {
    /// The status that a word names.
    pub(super) fn status(word: &str) -> Option<Self> {
        let place = FeatureStatus::iter().position(|status| status.to_value() == word)?;
        Some(Self::Word(place, word.to_owned()))
    }

    pub(crate) fn count(count: usize) -> Self {
        Self::Int(i32::try_from(count).expect("there are few rows"))
    }
}

/// A number that can be compared: it is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fraction(pub(crate) f64);

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Compared {
        self.0.partial_cmp(&other.0).expect("JSON has numbers only")
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Compared> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Fraction {}

/// What a cursor may hold for a term.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Time,
    Text,
    Status,
    Id,
}

/// A row of a list.
pub(super) trait Listed {
    /// The object type.
    const TYPE: &'static str;

    fn key(&self) -> Uuid;
    /// Whether it fits a filter that has been checked.
    fn fits(&self, _: &Value) -> bool {
        panic!("lists of {} are not filtered", Self::TYPE)
    }
    /// What it has where lists are ordered by `term`.
    fn cell(&self, term: &str) -> Cell;
    /// What the cells of `term` are, and whether there may be none.
    fn kind(term: &str) -> (Kind, bool);
}

/// A term of an order.
#[derive(Clone)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) direction: Direction,
    pub(super) nulls: Nulls,
}

/// The arguments of a page.
#[derive(Default)]
pub(super) struct PageArguments {
    pub(super) first: Option<i64>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i64>,
    pub(super) before: Option<String>,
    pub(super) filter: Option<Value>,
}

/// A page, and what is said of it.
pub(super) struct Page<R> {
    pub(super) rows: Vec<(String, R)>,
    pub(super) total: usize,
    pub(super) has_next: bool,
    pub(super) has_previous: bool,
}

/// An error with its code.
pub(super) fn refuse(code: &str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// The order by `terms`: a term over a column that has ordered the rows already says nothing, and the id decides the rest in
/// the direction of the last term.
pub(super) fn close(terms: impl IntoIterator<Item = (String, Direction, Option<Nulls>)>) -> Vec<Term> {
    let mut order: Vec<Term> = Vec::new();
    for (name, direction, nulls) in terms {
        if order.iter().all(|term| term.name != name) {
            order.push(Term { name, direction, nulls: nulls.unwrap_or(natural(direction)) });
        }
    }
    let direction = order.last().map_or(Direction::Asc, |term| term.direction);
    order.push(Term { name: "ID".to_owned(), direction, nulls: natural(direction) });
    order
}

fn natural(direction: Direction) -> Nulls {
    if direction == Direction::Asc { Nulls::First } else { Nulls::Last }
}

fn cell_of<R: Listed>(row: &R, term: &Term) -> Cell {
    if term.name == "ID" { Cell::Id(row.key()) } else { row.cell(&term.name) }
}

fn kind_of<R: Listed>(term: &Term) -> (Kind, bool) {
    if term.name == "ID" { (Kind::Id, false) } else { R::kind(&term.name) }
}

fn place<R: Listed>(row: &R, order: &[Term]) -> Vec<Cell> {
    order.iter().map(|term| cell_of(row, term)).collect()
}

fn compare(one: &[Cell], other: &[Cell], order: &[Term]) -> Compared {
    order.iter().zip(one.iter().zip(other)).fold(Compared::Equal, |decided, (term, (one, other))| {
        decided.then_with(|| match (one == &Cell::Nothing, other == &Cell::Nothing) {
            (true, true) => Compared::Equal,
            (true, false) if term.nulls == Nulls::First => Compared::Less,
            (true, false) => Compared::Greater,
            (false, true) if term.nulls == Nulls::First => Compared::Greater,
            (false, true) => Compared::Less,
            (false, false) if term.direction == Direction::Asc => one.cmp(other),
            (false, false) => other.cmp(one),
        })
    })
}

/// All of `rows` in order.
pub(super) fn sort<R: Listed>(rows: &mut [R], order: &[Term]) {
    rows.sort_by(|one, other| compare(&place(one, order), &place(other, order), order));
}

/// The page of `rows` that the arguments ask for.
pub(super) fn page<R: Listed>(mut rows: Vec<R>, order: &[Term], arguments: &PageArguments) -> Result<Page<R>, Error> {
    let after = read_cursor::<R>("after", arguments.after.as_deref(), order)?;
    let before = read_cursor::<R>("before", arguments.before.as_deref(), order)?;
    let first = size("first", arguments.first)?;
    let last = size("last", arguments.last)?;
    if first.is_some() && last.is_some() {
        return Err(refuse("INVALID_ARGUMENT", "last cannot be given together with first"));
    }
    if let Some(filter) = &arguments.filter {
        check(R::TYPE, filter, "filter")?;
        rows.retain(|row| row.fits(filter));
    }
    sort(&mut rows, order);
    let total = rows.len();
    // Before the page stand the rows up to `after`, after it those from `before` on, and on each side what is cut off.
    let up_to_after = |row: &R| after.as_ref().is_some_and(|at| compare(&place(row, order), at, order).is_le());
    let from_before = |row: &R| before.as_ref().is_some_and(|at| compare(&place(row, order), at, order).is_ge());
    let mut has_previous = rows.iter().any(up_to_after);
    let mut has_next = rows.iter().any(from_before);
    rows.retain(|row| !up_to_after(row) && !from_before(row));
    if let Some(last) = last {
        has_previous |= rows.len() > last;
        rows.drain(..rows.len().saturating_sub(last));
    } else {
        let first = first.unwrap_or(20);
        has_next |= rows.len() > first;
        rows.truncate(first);
    }
    let rows = rows.into_iter().map(|row| (write_cursor(&row, order), row)).collect();
    Ok(Page { rows, total, has_next, has_previous })
}

pub(super) fn size(argument: &str, value: Option<i64>) -> Result<Option<usize>, Error> {
    let refused = |value| refuse("INVALID_ARGUMENT", format!("{argument} must be 0 to 1000, is {value}"));
    value
        .map(|value| usize::try_from(value).ok().filter(|size| *size <= 1000).ok_or_else(|| refused(value)))
        .transpose()
}

fn signature<R: Listed>(order: &[Term]) -> String {
    order.iter().fold(R::TYPE.to_owned(), |text, term| {
        let sign = if term.direction == Direction::Asc { "+" } else { "-" };
        let put = if kind_of::<R>(term).1 && term.nulls != natural(term.direction) { "*" } else { "" };
        let ranked = if kind_of::<R>(term).0 == Kind::Status { "#" } else { "" };
        format!("{text} {sign}{}{ranked}{put}", term.name)
    })
}

/// The URL-safe base 64 of a JSON array: the order's signature, then the row's value in each term.
pub(super) fn write_cursor<R: Listed>(row: &R, order: &[Term]) -> String {
    let values = order.iter().map(|term| match cell_of(row, term) {
        Cell::Nothing => Json::Null,
        Cell::Int(number) => json!(number),
        Cell::Float(Fraction(number)) => json!(number),
        Cell::Time(time) => json!(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        Cell::Text(text) | Cell::Word(_, text) => json!(text),
        Cell::Id(id) => json!(id.to_string()),
    });
    let parts: Vec<_> = std::iter::once(json!(signature::<R>(order))).chain(values).collect();
    URL_SAFE_NO_PAD.encode(Json::Array(parts).to_string())
}

/// The place that a cursor names.
pub(super) fn read_cursor<R: Listed>(
    argument: &str,
    text: Option<&str>,
    order: &[Term],
) -> Result<Option<Vec<Cell>>, Error> {
    let malformed = || refuse("INVALID_CURSOR", format!("{argument} is not a cursor of this API"));
    let Some(text) = text else { return Ok(None) };
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let parts: Vec<Json> = serde_json::from_slice(&json).map_err(|_| malformed())?;
    let said = parts.first().and_then(Json::as_str).ok_or_else(malformed)?;
    if said != signature::<R>(order) {
        let reason = "comes from a list in another order; use it with the orderBy that it was made with";
        return Err(refuse("INVALID_CURSOR", format!("{argument} {reason}")));
    }
    if parts.len() != order.len() + 1 {
        return Err(malformed());
    }
    let cells = order.iter().zip(&parts[1..]).map(|(term, value)| read_cell(kind_of::<R>(term), value));
    cells.collect::<Option<_>>().map(Some).ok_or_else(malformed)
}

fn read_cell((kind, nullable): (Kind, bool), value: &Json) -> Option<Cell> {
    match (kind, value) {
        (_, Json::Null) => nullable.then_some(Cell::Nothing),
        (Kind::Int, Json::Number(number)) => i32::try_from(number.as_i64()?).ok().map(Cell::Int),
        (Kind::Text, Json::String(text)) => (!text.contains('\0')).then(|| Cell::Text(text.clone())),
        (Kind::Status, Json::String(text)) => Cell::status(text),
        (Kind::Id, Json::String(text)) => Uuid::parse_str(text).ok().map(Cell::Id),
        (Kind::Time, Json::String(text)) => {
            let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
            (1..=9999).contains(&time.year()).then_some(Cell::Time(time))
        }
        _ => None,
    }
}
