//! The order of a list: terms over columns, closed by the id, so that no two rows tie.
//!
//! `NULL` is the smallest value unless a term says otherwise: first when ascending, last when descending. That is what an
//! index scanned forwards or backwards can give on both databases.

use sea_orm::sea_query::{Expr, ExprTrait, NullOrdering, Order, SelectStatement, Value};

use super::BatchError;
use super::column::{Column, Join, Nothing};
use super::cursor;
use super::listing::Listing;
use super::object::Object;
use super::row::Cell;
use super::statement::Slot;
use crate::database::dialect;

/// Which way a term sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "OrderDirection")]
pub enum Direction {
    /// The smallest value first.
    Asc,
    /// The greatest value first.
    Desc,
}

/// Where rows without a value stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "NullsOrder")]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// One term of an order.
#[derive(Clone, Copy)]
pub(crate) struct OrderTerm {
    /// The enum value, or `ID` for the term that closes the order.
    pub(crate) name: &'static str,
    pub(crate) column: &'static Column,
    pub(crate) direction: Direction,
    pub(crate) nulls: Nulls,
    /// The table whose index gives the rows in the order; it has a copy of the id, which stands in that index.
    along: Option<fn() -> Join>,
}

/// A term as it is asked for: the enum value, the direction, and where nulls stand if that was said.
pub(crate) type WantedTerm<'n> = (&'n str, Direction, Option<Nulls>);

/// Terms over one object type's columns; the last one is its id.
#[derive(Clone, PartialEq)]
pub(crate) struct Ordering {
    pub(crate) terms: Vec<OrderTerm>,
}

/// A place in an order: where each term's value comes from; nothing for a term that has no value there.
pub(crate) type Place = [Option<At>];
/// A term, and where its value comes from.
type Placed<'o> = (&'o OrderTerm, &'o Option<At>);

/// Where the value of a cursor comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum At {
    /// From the request: one value for the lists of all parents.
    Slot(Slot),
    /// From beside the key: each parent's list has its own.
    Beside(usize),
}

impl At {
    fn expr(self) -> Expr {
        match self {
            Self::Slot(slot) => slot.expr(),
            Self::Beside(place) => dialect::beside_key(place),
        }
    }
}

impl PartialEq for OrderTerm {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.column, other.column) && self.direction == other.direction && self.nulls == other.nulls
    }
}

impl Direction {
    fn reversed(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }

    /// Where nothing stands when nothing is the smallest value.
    fn natural_nulls(self) -> Nulls {
        match self {
            Self::Asc => Nulls::First,
            Self::Desc => Nulls::Last,
        }
    }
}

impl OrderTerm {
    /// What the rows are sorted by.
    fn expr(&self) -> Expr {
        let repeated = self.along.and_then(|along| along().repeated(&self.column.expr).cloned());
        let nothing = || self.nothing().map(|nothing| nothing.expr.clone());
        repeated.or_else(nothing).unwrap_or_else(|| self.column.compared().clone())
    }

    /// A cell as the value to compare with; nothing where the database has nothing to compare with.
    pub(crate) fn parameter(&self, cell: &Cell) -> Option<Value> {
        match (cell, self.nothing()) {
            (Cell::Null, Some(nothing)) => nothing.cell.to_parameter(),
            (cell, _) => self.column.compared_cell(cell.clone())?.to_parameter(),
        }
    }

    /// What stands for nothing, where nothing stands where the smallest value does.
    fn nothing(&self) -> Option<&'static Nothing> {
        let column = self.column;
        column.nothing.as_ref().filter(|_| column.nullable && self.nulls == self.direction.natural_nulls())
    }

    /// Whether rows may have nothing to compare with.
    fn has_nulls(&self) -> bool {
        self.column.nullable && self.nothing().is_none()
    }
}

impl Ordering {
    /// The order by `terms`, closed by the object's id in the direction of the last term, so that an order by one
    /// column is one scan of one index.
    pub(crate) fn new<'n>(
        object: &'static Object,
        terms: impl IntoIterator<Item = WantedTerm<'n>>,
    ) -> Result<Self, BatchError> {
        if let Some(listing) = &object.listing {
            return Ok(Self::listed(listing));
        }
        let mut ordering = Self { terms: Vec::new() };
        for (name, direction, nulls) in terms {
            let Some((name, _, column)) = object.orders().find(|(known, _, _)| *known == name) else {
                return Err(BatchError::InvalidArgument {
                    argument: "orderBy.field".to_owned(),
                    reason: format!("cannot be {name}"),
                });
            };
            // A column that has ordered the rows already has nothing to add.
            if !ordering.terms.iter().any(|term| std::ptr::eq(term.column, column)) {
                let nulls = nulls.unwrap_or(direction.natural_nulls());
                ordering.terms.push(OrderTerm { name, column, direction, nulls, along: None });
            }
        }
        if ordering.terms.iter().any(|term| *term.column == object.table.id) {
            return Ok(ordering);
        }
        let direction = ordering.terms.last().map_or(Direction::Asc, |term| term.direction);
        let along = ordering.terms.first().and_then(|term| term.column.join);
        let id = OrderTerm { name: "ID", column: &object.table.id, direction, nulls: direction.natural_nulls(), along };
        ordering.terms.push(id);
        Ok(ordering)
    }

    fn listed(listing: &'static Listing) -> Self {
        let (direction, nulls) = (Direction::Asc, Nulls::First);
        let term = |column: &'static Column| OrderTerm { name: "", column, direction, nulls, along: None };
        Self { terms: listing.order.iter().map(term).collect() }
    }

    /// The tables that the rows are sorted by besides their own, each once. Every row of the list has one of theirs.
    pub(crate) fn joins(&self) -> Vec<Join> {
        let mut joins: Vec<Join> = Vec::new();
        for join in self.terms.iter().filter_map(|term| term.column.join) {
            let join = join();
            if !joins.iter().any(|known| known.table == join.table) {
                joins.push(join);
            }
        }
        joins
    }

    /// Whether the first of [`Self::joins`] has an index in this order.
    pub(crate) fn is_along_join(&self) -> bool {
        self.terms.first().is_some_and(|term| term.column.join.is_some())
    }

    /// The same rows from the other end.
    pub(crate) fn reversed(&self) -> Self {
        let reversed = |term: &OrderTerm| OrderTerm {
            direction: term.direction.reversed(),
            nulls: match term.nulls {
                Nulls::First => Nulls::Last,
                Nulls::Last => Nulls::First,
            },
            ..*term
        };
        Self { terms: self.terms.iter().map(reversed).collect() }
    }

    /// Says which order it is; a cursor carries it.
    pub(crate) fn signature(&self, object: &Object) -> String {
        match &object.listing {
            Some(listing) => listing.signature.to_owned(),
            None => format!("{} {}", object.fields.name, self.signature_of_terms()),
        }
    }

    /// The terms in one line, with `+` where they ascend, `-` where they descend, `*` where nothing stands at the other end
    /// than by nature, and `#` where the values have an order of their own.
    pub(crate) fn signature_of_terms(&self) -> String {
        let terms = self.terms.iter().map(|term| {
            let direction = if term.direction == Direction::Asc { '+' } else { '-' };
            let moved = term.column.nullable && term.nulls != term.direction.natural_nulls();
            let ranked = if term.column.is_ranked() { "#" } else { "" };
            format!("{direction}{}{ranked}{}", term.name, if moved { "*" } else { "" })
        });
        terms.collect::<Vec<_>>().join(" ")
    }

    /// The values of a cursor of this order, one for each term.
    pub(crate) fn read_cursor(&self, argument: &str, text: &str, object: &Object) -> Result<Vec<Cell>, BatchError> {
        let terms = self.terms.iter().map(|term| (term.column.kind, term.column.nullable));
        let cells = cursor::read(argument, text, &self.signature(object), terms)?;
        let is_comparable = |(term, cell): (&OrderTerm, &Cell)| term.column.compared_cell(cell.clone()).is_some();
        if self.terms.iter().zip(&cells).all(is_comparable) { Ok(cells) } else { Err(cursor::malformed(argument)) }
    }

    /// Sorts a statement by what `spell` makes of each term.
    pub(crate) fn apply(&self, statement: &mut SelectStatement, spell: impl Fn(Expr) -> Expr) {
        for term in &self.terms {
            let order = match term.direction {
                Direction::Asc => Order::Asc,
                Direction::Desc => Order::Desc,
            };
            if term.has_nulls() {
                let nulls = match term.nulls {
                    Nulls::First => NullOrdering::First,
                    Nulls::Last => NullOrdering::Last,
                };
                statement.order_by_expr_with_nulls(spell(term.expr()), order, nulls);
            } else {
                statement.order_by_expr(spell(term.expr()), order);
            }
        }
    }

    /// The condition that holds for the rows that come after the place `at`; nothing where no row can.
    pub(crate) fn after(&self, at: &Place) -> Option<Expr> {
        let terms: Vec<_> = self.terms.iter().zip(at).collect();
        if let Some(row_values) = compare_row_values(&terms) {
            return Some(row_values);
        }
        let condition = after_terms(&terms)?;
        // The alternatives hide from the planner where the first column starts; said once more, it can seek there.
        Some(match terms.first() {
            Some((term, Some(value))) if term.nulls == Nulls::First || !term.has_nulls() => {
                let column = term.expr();
                let bound = match term.direction {
                    Direction::Asc => column.gte(value.expr()),
                    Direction::Desc => column.lte(value.expr()),
                };
                bound.and(condition)
            }
            _ => condition,
        })
    }

    /// The condition that holds for the row at the place `at`.
    pub(crate) fn at(&self, at: &Place) -> Expr {
        let equal = self.terms.iter().zip(at).map(|(term, value)| match value {
            Some(value) => term.expr().eq(value.expr()),
            None => term.expr().is_null(),
        });
        equal.reduce(ExprTrait::and).unwrap_or_else(|| Expr::cust("FALSE"))
    }
}

/// `(a, b) > (x, y)` where all terms sort one way and no row without a value follows: one seek of an index.
fn compare_row_values(terms: &[Placed<'_>]) -> Option<Expr> {
    let direction = terms.first()?.0.direction;
    let seekable = |term: &OrderTerm| term.direction == direction && (!term.has_nulls() || term.nulls == Nulls::First);
    if !terms.iter().all(|(term, _)| seekable(term)) {
        return None;
    }
    let values = terms.iter().map(|(_, value)| value.map(At::expr)).collect::<Option<Vec<_>>>()?;
    let columns = terms.iter().map(|(term, _)| term.expr());
    let (left, right) = match <[_; 1]>::try_from(values) {
        Ok([value]) => (terms[0].0.expr(), value),
        Err(values) => (Expr::tuple(columns), Expr::tuple(values)),
    };
    Some(match direction {
        Direction::Asc => left.gt(right),
        Direction::Desc => left.lt(right),
    })
}

/// After in the first term, or equal in it and after in the rest.
fn after_terms(terms: &[Placed<'_>]) -> Option<Expr> {
    let ((term, value), rest) = terms.split_first()?;
    let column = || term.expr();
    let (after, equal) = match value {
        Some(value) => {
            let after = match term.direction {
                Direction::Asc => column().gt(value.expr()),
                Direction::Desc => column().lt(value.expr()),
            };
            let nulls_follow = term.has_nulls() && term.nulls == Nulls::Last;
            let after = if nulls_follow { after.or(column().is_null()) } else { after };
            (Some(after), column().eq(value.expr()))
        }
        None => ((term.nulls == Nulls::First).then(|| column().is_not_null()), column().is_null()),
    };
    let equal_and_after = after_terms(rest).map(|rest| equal.and(rest));
    match (after, equal_and_after) {
        (Some(after), Some(equal)) => Some(after.or(equal)),
        (after, equal) => after.or(equal),
    }
}
