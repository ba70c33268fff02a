//! What the reads of one request share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_graphql::Pos;
use sea_orm::DbBackend;

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
    /// What its plans are made for.
    pub scope: Scope,
    /// What is selected of the objects that ordinary resolvers return, by their type and by the field's place.
    pub(super) object_plans: Mutex<HashMap<(&'static str, Pos), Arc<ObjectPlan>>>,
    /// How many objects were written of what ordinary resolvers return.
    pub(super) objects: AtomicU64,
}

impl Reads {
    /// What is read from.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// How many objects were written so far of what ordinary resolvers return.
    pub(crate) fn objects(&self) -> u64 {
        self.objects.load(Ordering::Relaxed)
    }

    /// Reads for `caller`.
    #[must_use]
    pub fn new(database: Database, caller: Arc<Caller>, limits: PageLimits) -> Self {
        let dispatcher = Dispatcher::new(RowLoader::new(database.clone()));
        let scope = Scope { backend: database.backend(), caller, limits };
        Self { dispatcher, database, scope, object_plans: Mutex::default(), objects: AtomicU64::new(0) }
    }
}

/// What a plan is made for.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The database, whose words its statements are in.
    pub backend: DbBackend,
    /// Who asks: what a caller may see is part of the statements.
    pub caller: Arc<Caller>,
    /// How long pages are.
    pub limits: PageLimits,
}
