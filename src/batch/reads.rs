//! What the reads of one request share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_graphql::Pos;

use super::dispatch::Dispatcher;
use super::loader::RowLoader;
use super::page::PageLimits;
use super::resolve::ObjectPlan;
use crate::access::Caller;
use crate::database::Database;

/// What the reads of one request share; put it into the request's data as an [`Arc`]. Nothing of it is shared between requests.
pub struct Reads {
    pub(super) dispatcher: Dispatcher<RowLoader>,
    pub(super) database: Database,
    pub(super) caller: Arc<Caller>,
    pub(super) limits: PageLimits,
    /// What is selected of the objects that ordinary resolvers return, by their type and by the field's place.
    pub(super) object_plans: Mutex<HashMap<(&'static str, Pos), Arc<ObjectPlan>>>,
}

impl Reads {
    /// Reads for `caller`.
    #[must_use]
    pub fn new(database: Database, caller: Arc<Caller>, limits: PageLimits) -> Self {
        let dispatcher = Dispatcher::new(RowLoader::new(database.clone()));
        Self { dispatcher, database, caller, limits, object_plans: Mutex::default() }
    }
}
