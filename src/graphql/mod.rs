//! The schema, and the one way to run a request against it.
//!
//! **Invariants:** every request goes through [`Api::execute`] or [`Api::open`]; an answer's errors carry a code of [`Code`](crate::code::Code); what
//! is our fault says nothing but that, and is logged once, here, under the request's id.

mod absent;
mod charge;
mod complete;
mod document;
mod errors;
mod explain;
mod framework;
mod introspection;
mod limits;
pub(crate) mod mutation;
mod persisted;
mod request;
mod respond;
mod run;
mod schema;
mod settings;
mod subscription;
mod variables;

use std::sync::Arc;

use async_graphql::registry::Registry;
use async_graphql::{SDLExportOptions, ServerError};

use self::document::{Document, Documents};
use self::errors::no_subscription;
pub(crate) use self::errors::{error_chain, refusal, rights_ended};
pub use self::limits::Limits;
use self::limits::introspection::SchemaSize;
use self::persisted::PersistedDocuments;
pub use self::persisted::{ManifestError, TrustedDocuments};
pub use self::request::Request;
pub use self::respond::Answer;
pub(crate) use self::respond::errors_to_json;
use self::schema::ThroughlineSchema;
pub use self::settings::Settings;
use self::subscription::Feeds;
pub use self::subscription::{Payload, Subscription};
use crate::access::Caller;
pub use crate::batch::PageLimits;
use crate::database::Database;
use crate::encryption::KeyRing;
use crate::events::bus::Bus;
use crate::rate_limit::RateLimits;
use crate::telemetry::Telemetry;

/// The GraphQL API over one database. Cloning is cheap.
#[derive(Clone)]
pub struct Api {
    schema: ThroughlineSchema,
    /// The schema's types, to check variables by.
    types: Arc<Registry>,
    schema_size: Arc<SchemaSize>,
    documents: Documents,
    persisted: PersistedDocuments,
    database: Database,
    settings: Arc<Settings>,
    telemetry: Telemetry,
    feeds: Feeds,
    rate_limits: RateLimits,
    key_ring: Arc<KeyRing>,
}

/// What a request has led to.
pub enum Opened {
    /// It was answered.
    Answer(Answer),
    /// It asked to be answered again and again.
    Subscription(Box<Subscription>),
}

impl Api {
    /// The API over `database`.
    #[must_use]
    pub fn new(database: Database, settings: impl Into<Settings>) -> Self {
        let mut settings = settings.into();
        let types = Arc::new(schema::types());
        Self {
            schema: schema::build(settings.suggestions),
            schema_size: Arc::new(SchemaSize::of(&types)),
            types,
            documents: Documents::new(),
            persisted: PersistedDocuments::new(std::mem::take(&mut settings.trusted)),
            feeds: Feeds::new(Bus::new(database.clone()), settings.max_subscriptions),
            database,
            rate_limits: RateLimits::new(settings.rate),
            settings: Arc::new(settings),
            telemetry: Telemetry::default(),
            key_ring: KeyRing::none(),
        }
    }

    /// The same, observed by `telemetry`.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry, ..self }
    }

    /// The same, with the keys that encrypt and open secrets.
    #[must_use]
    pub fn with_key_ring(self, key_ring: Arc<KeyRing>) -> Self {
        Self { key_ring, ..self }
    }

    /// What is observed of it.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// How much callers may ask for: what a [`Request`] is [paid with](Request::paid_with) comes from here.
    pub fn rate_limits(&self) -> &RateLimits {
        &self.rate_limits
    }

    /// The database that it is over.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// What encrypts and opens secrets.
    pub(crate) fn key_ring(&self) -> &Arc<KeyRing> {
        &self.key_ring
    }

    /// What tells of events.
    pub(crate) fn bus(&self) -> &Bus {
        self.feeds.bus()
    }

    /// The schema in GraphQL's schema definition language, as `schema.graphql` holds it.
    #[must_use]
    pub fn sdl() -> String {
        schema::build(true).sdl_with_options(SDLExportOptions::new().include_specified_by())
    }

    /// Runs one request for `caller`. The answer's errors name `request_id` where the log has more. A subscription is refused:
    /// see [`Api::open`].
    pub async fn execute(&self, request: Request, caller: Caller, request_id: String) -> Answer {
        // Apart: the futures around it would each be as large, and be moved.
        match Box::pin(self.run(request, caller, request_id, false)).await {
            Opened::Answer(answer) => answer,
            Opened::Subscription(_) => Answer::refused(vec![no_subscription()]).finish(1),
        }
    }

    /// Runs one request for `caller`, or begins a subscription.
    pub async fn open(&self, request: Request, caller: Caller, request_id: String) -> Opened {
        self.run(request, caller, request_id, true).await
    }
}

/// Checks what a document is refused for before it is validated: where it is not GraphQL, or beyond a limit. What passes may
/// still ask for fields that there are not, and cost too much. It is for who writes a manifest, and for the fuzzer.
///
/// # Errors
/// What the server would answer.
pub fn check_document(text: &str, limits: &Limits) -> Result<(), ServerError> {
    Document::parse_within(text, limits).map(drop)
}
