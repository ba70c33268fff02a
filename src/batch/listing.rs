//! Listings: lists with one order of their own, and with arguments of their own to say which rows are wanted.
//!
//! **Invariant:** the columns of the order tell any two rows apart, so that the order needs no id to close it, and its cursors are
//! the same whatever the arguments.

use async_graphql::Value;

use super::BatchError;
use super::arguments::{Argument, Arguments};
use super::column::Column;
use super::row::Kind;

/// A list in an order that clients cannot change.
pub struct Listing {
    /// Says in cursors which order it is.
    pub(crate) signature: &'static str,
    pub(crate) order: Vec<Column>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) filter: ToFilter,
}

/// Makes a filter of the listing's arguments, as `filter` would have it.
pub(crate) type ToFilter = fn(&Arguments) -> Result<Value, BatchError>;

impl Listing {
    /// A list by these columns of 64-bit integers, rising. Its cursors begin with `signature`.
    #[must_use]
    pub fn by(signature: &'static str, order: impl IntoIterator<Item = Column>) -> Self {
        let order = order.into_iter().map(|column: Column| column.holding(Kind::Long)).collect();
        Self { signature, order, arguments: Vec::new(), filter: |_| Ok(Value::Null) }
    }

    /// Lets clients say which rows are wanted.
    #[must_use]
    pub fn narrowed_by(self, arguments: Vec<Argument>, filter: fn(&Arguments) -> Result<Value, BatchError>) -> Self {
        Self { arguments, filter, ..self }
    }
}
