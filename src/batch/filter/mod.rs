//! Filters: which rows of a list are wanted, generated from the object's declaration.
//!
//! A filter is read in two parts: its *shape* ([`Filter`]: the columns, the operators, how they are put together) and the
//! values to compare with. Filters of one shape have one SQL text, whatever their values. A list of values is one value.
//!
//! **Invariants:** [`Filter::condition`] takes its parameters in the order in which [`Filter::bind`] gave the values, and
//! its text names them in that order; a condition never multiplies rows, since other tables are asked by `EXISTS`; what it
//! asks of another table starts from that table's `visible`. Logic has two values: a comparison with nothing does not hold,
//! and `not` is the complement. Only tables that are next to each other in a filter are compared, so that the way back
//! (`project.features.project`) may use a name again: the inner one hides the outer one.

mod bind;
mod operator;
mod sdl;

use std::fmt;
use std::ops::Deref;

use async_graphql::Value as GraphQlValue;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Query, SelectStatement};
use sea_orm::{DbBackend, Value};

use super::BatchError;
use super::arguments::Arguments;
use super::column::Column;
use super::object::Object;
use super::statement::Slot;
use crate::access::Sight;
use operator::Test;

pub(crate) use sdl::register_filter;

/// The shape of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    /// All of them hold; every row fits none of them.
    All(Vec<Filter>),
    /// One of them holds; no row fits none of them.
    Any(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// All tests of one column hold.
    Column {
        column: Declared<Column>,
        /// Whether A to Z count as a to z.
        folded: bool,
        tests: Vec<Test>,
        /// Whether they hold where the column's table has no row for the object.
        hold_for_nothing: bool,
    },
    /// It holds for so many of the rows of `target` whose column `theirs` equals `own`.
    Related {
        own: Declared<Column>,
        theirs: Declared<Column>,
        target: Declared<Object>,
        quantity: Quantity,
        filter: Box<Filter>,
    },
}

/// How many of the related rows fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// At least one.
    Some,
    /// Not one.
    None,
    /// All, of which there may be none.
    Every,
}

/// Something of a declaration, which is there once, so that it is known by its address.
pub(crate) struct Declared<T: 'static>(&'static T);

impl<T> Clone for Declared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Declared<T> {}

impl<T> PartialEq for Declared<T> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl<T> fmt::Debug for Declared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.0, f)
    }
}

impl<T> Deref for Declared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl Filter {
    /// The condition that holds for the rows that fit. Each call of `parameter` gives the place of the next value.
    pub(crate) fn condition(&self, sight: &Sight, backend: DbBackend, parameter: &mut dyn FnMut() -> Expr) -> Expr {
        match self {
            Self::All(parts) => {
                let parts = parts.iter().map(|part| part.condition(sight, backend, parameter));
                parts.reduce(Expr::and).unwrap_or_else(|| Expr::cust("TRUE"))
            }
            Self::Any(parts) => {
                let parts = parts.iter().map(|part| part.condition(sight, backend, parameter));
                parts.reduce(Expr::or).unwrap_or_else(|| Expr::cust("FALSE"))
            }
            Self::Not(filter) => filter.complement(sight, backend, parameter),
            Self::Column { column, folded, tests, hold_for_nothing } => {
                let tested = match column.join {
                    None if !column.is_ranked() => column.select(sight),
                    _ => column.compared().clone(),
                };
                let tested = || if *folded { Func::lower(tested.clone()).into() } else { tested.clone() };
                let id = column.kind.is_id();
                let tests = tests.iter().map(|test| test.condition(tested(), id, backend, parameter));
                let condition = tests.reduce(Expr::and).unwrap_or_else(|| Expr::cust("TRUE"));
                let Some(join) = column.join else { return condition };
                let rows = Query::select().from(join().table).and_where(join().on()).take();
                if *hold_for_nothing {
                    exists(rows, complement_of(condition, column.nullable)).not()
                } else {
                    exists(rows, condition)
                }
            }
            Self::Related { own, theirs, target, quantity, filter } => {
                let mut rows = (target.table.visible)(sight);
                rows.and_where(theirs.expr.clone().eq(own.expr.clone()));
                match quantity {
                    Quantity::Some => exists(rows, filter.condition(sight, backend, parameter)),
                    Quantity::None => exists(rows, filter.condition(sight, backend, parameter)).not(),
                    Quantity::Every => exists(rows, filter.complement(sight, backend, parameter)).not(),
                }
            }
        }
    }

    /// The condition that holds for the rows that do not fit.
    fn complement(&self, sight: &Sight, backend: DbBackend, parameter: &mut dyn FnMut() -> Expr) -> Expr {
        complement_of(self.condition(sight, backend, parameter), self.may_be_unknown())
    }

    /// Whether the condition may be neither true nor false.
    fn may_be_unknown(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::may_be_unknown),
            Self::Column { column, .. } => column.nullable && column.join.is_none(),
            Self::Not(_) | Self::Related { .. } => false,
        }
    }

    /// Whether every row fits, so that there is nothing to ask.
    pub(crate) fn holds_always(&self) -> bool {
        matches!(self, Self::All(parts) if parts.iter().all(Self::holds_always))
    }
}

fn complement_of(condition: Expr, may_be_unknown: bool) -> Expr {
    if may_be_unknown { Expr::from(Func::coalesce([condition, Expr::cust("FALSE")])).not() } else { condition.not() }
}

fn exists(mut rows: SelectStatement, condition: Expr) -> Expr {
    Expr::exists(rows.expr(Expr::cust("1")).and_where(condition).take())
}

/// A filter, and where its values are filled in: one slot after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filtered {
    filter: Filter,
    first_slot: usize,
}

impl Filtered {
    /// Reads the argument `filter` of a list of `object`s, and adds its values to `slots`; nothing where every row fits.
    ///
    /// # Errors
    /// Where the argument is no filter; it is said where in it.
    pub(crate) fn bind(
        arguments: &Arguments,
        object: &'static Object,
        slots: &mut Vec<Value>,
    ) -> Result<Option<Self>, BatchError> {
        arguments.raw("filter").map_or(Ok(None), |value| Self::of(value, object, slots))
    }

    /// The filter that has this value, if it has any.
    pub(crate) fn of(
        value: &GraphQlValue,
        object: &'static Object,
        slots: &mut Vec<Value>,
    ) -> Result<Option<Self>, BatchError> {
        if *value == GraphQlValue::Null {
            return Ok(None);
        }
        let first_slot = slots.len();
        let filter = Filter::bind(object, "filter", value, slots)?;
        Ok((!filter.holds_always()).then_some(Self { filter, first_slot }))
    }

    /// The condition that holds for the rows that fit.
    pub(crate) fn condition(&self, sight: &Sight, backend: DbBackend) -> Expr {
        let mut slots = self.first_slot..;
        let mut next = || slots.next().map_or(Expr::cust("NULL"), |slot| Slot::at(slot).expr());
        self.filter.condition(sight, backend, &mut next)
    }
}
