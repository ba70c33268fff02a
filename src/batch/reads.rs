//! What the reads of one request share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::Name;
use tokio::sync::OnceCell;

use super::dispatch::Dispatcher;
use super::loader::RowLoader;
use super::page::PageLimits;
use crate::access::Caller;
use crate::database::Database;

/// What the reads of one request share; put it into the request's data as an [`Arc`]. Nothing of it is shared between requests.
pub struct Reads {
    pub(super) dispatcher: Dispatcher<RowLoader>,
    pub(super) limits: PageLimits,
    /// Whether root fields travel as JSON bytes.
    pub(super) spliced: bool,
    /// Root fields that are selected more than once, and whether they have been resolved.
    pub(super) repeated: HashMap<Name, OnceCell<()>>,
    /// Whether an error has risen out of a root field that cannot be null.
    pub(super) without_data: AtomicBool,
}

impl Reads {
    /// Reads for `caller`.
    #[must_use]
    pub fn new(database: Database, caller: Arc<Caller>, limits: PageLimits) -> Self {
        let dispatcher = Dispatcher::new(RowLoader::new(database, caller));
        Self { dispatcher, limits, spliced: false, repeated: HashMap::new(), without_data: AtomicBool::new(false) }
    }

    /// Lets root fields answer as [`async_graphql::Value::Binary`] that holds JSON, for a responder that splices it in.
    #[must_use]
    pub fn spliced(mut self) -> Self {
        self.spliced = true;
        self
    }

    /// Whether the answer has no data: a root field that cannot be null has an error.
    pub fn are_without_data(&self) -> bool {
        self.without_data.load(Ordering::Relaxed)
    }

    /// Names the response keys that the operation selects more than once at its root. async-graphql would resolve each
    /// selection by itself and merge the values in the order in which they are done; this way they are one field.
    #[must_use]
    pub fn merging(mut self, repeated: impl IntoIterator<Item = Name>) -> Self {
        self.repeated = repeated.into_iter().map(|key| (key, OnceCell::new())).collect();
        self
    }
}
