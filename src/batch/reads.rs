//! What the reads of one request share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::DbBackend;

use super::dispatch::Dispatcher;
use super::loader::RowLoader;
use super::object_plans::{ObjectPlans, RequestPlans};
use super::page::PageLimits;
use super::statement::Slot;
use crate::access::{Caller, Sight};
use crate::database::Database;
use crate::encryption::{KeyRing, Secrets};

/// What the reads of one request share; put it into the request's data as an [`Arc`]. Nothing of it is shared between requests, but for
/// a statement that several run at the same time ([`super::together`]).
pub struct Reads {
    pub(super) dispatcher: Dispatcher<RowLoader>,
    pub(super) database: Database,
    /// What its plans are made for.
    pub scope: Scope,
    /// What is selected of the objects that ordinary resolvers return.
    pub(super) object_plans: RequestPlans,
    /// The same, of other requests that send the same operation.
    pub(crate) kept_plans: Arc<ObjectPlans>,
    /// What opens the secrets among them.
    pub(super) secrets: Secrets,
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
        let dispatcher = Dispatcher::new(RowLoader::new(database.clone(), Arc::clone(&caller)));
        let scope = Scope { backend: database.backend(), caller, limits };
        let secrets = Secrets::new(KeyRing::none());
        Self {
            dispatcher,
            database,
            scope,
            object_plans: RequestPlans::default(),
            kept_plans: Arc::default(),
            secrets,
            objects: AtomicU64::new(0),
        }
    }

    /// The same, with what other requests that send the same operation have planned.
    #[must_use]
    pub fn with_plans(self, kept_plans: &Arc<ObjectPlans>) -> Self {
        Self { kept_plans: Arc::clone(kept_plans), ..self }
    }

    /// The same, with the keys that open secrets.
    #[must_use]
    pub fn with_key_ring(self, ring: Arc<KeyRing>) -> Self {
        Self { secrets: Secrets::new(ring), ..self }
    }
}

/// What a plan is made for.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The database, whose words its statements are in.
    pub backend: DbBackend,
    /// Who asks. What kinds of rows a caller may see is part of the statements, and whose they are is a value.
    pub caller: Arc<Caller>,
    /// How long pages are.
    pub limits: PageLimits,
}

impl Scope {
    /// What the caller may see, for a plan that serves all callers of the same view.
    #[must_use]
    pub fn sight(&self) -> Sight {
        let projects = |role| Slot::Projects(role).expr();
        Sight::of_view(self.backend, self.caller.view(), projects, Slot::Caller.expr())
    }
}
