//! Throughline in another program: what an embedding application builds, mounts and asks.
//!
//! **Invariant:** it reads no environment, starts no task but what a subscription follows, what a commit announces, and what sends to webhooks once it is asked to, and listens to no signal: what runs it is the
//! application's.

use std::sync::Arc;

use axum::Router;

use crate::access::Caller;
use crate::app;
use crate::database::{Database, PoolOptions};
use crate::encryption::KeyRing;
use crate::graphql::{Answer, Api, Opened, Request, Settings};
use crate::http::{self, HttpSettings, Streams};
use crate::telemetry::Telemetry;
use crate::webhook_deliveries::{Dispatcher, SenderError, WebhookSettings};

/// The API over one database, ready to be mounted or asked. Cloning is cheap.
///
/// ```no_run
/// # async fn mount(own: axum::Router) -> Result<axum::Router, Box<dyn std::error::Error>> {
/// use throughline::Throughline;
///
/// let throughline = Throughline::builder().database("sqlite://throughline.db").build().await?;
/// let app = own.nest("/record", throughline.router());
/// # Ok(app)
/// # }
/// ```
#[derive(Clone)]
pub struct Throughline {
    database: Database,
    api: Api,
    http: HttpSettings,
    streams: Streams,
}

/// What a [`Throughline`] is made of.
///
/// There is no `Debug`, since the URL may hold a password.
#[derive(Default)]
pub struct Builder {
    url: Option<String>,
    pool: PoolOptions,
    settings: Settings,
    http: HttpSettings,
    key_ring: KeyRing,
}

/// Why a [`Throughline`] could not be built. No text holds the URL.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// [`Builder::database`] was not called.
    #[error("no database is named")]
    NoDatabase,
    /// It cannot be opened, or its tables cannot be brought up to date.
    #[error("{0}")]
    Database(String),
}

impl Throughline {
    /// Begins with the defaults.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its routes: `/graphql` and what belongs to it, to be nested below a path of an application's own: it has a `/` and a
    /// fallback, as a server of its own would, so it cannot be merged with a router that has them too.
    pub fn router(&self) -> Router {
        http::router(self.api.clone(), self.http.clone(), self.streams.clone())
    }

    /// Runs one request without HTTP, as the server would; the log and the audit tell of it under `request_id`.
    pub async fn execute(&self, request: Request, caller: Caller, request_id: impl Into<String>) -> Answer {
        self.api.execute(request, caller, request_id.into()).await
    }

    /// What is observed of it: its metrics, for an application to show beside its own.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        self.api.telemetry()
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Begins a subscription, or runs a request, without HTTP.
    pub async fn open(&self, request: Request, caller: Caller, request_id: impl Into<String>) -> Opened {
        self.api.open(request, caller, request_id.into()).await
    }

    /// Sends what happens to webhooks, for as long as the value lives; [stopped](Dispatcher::stop), it ends in order. Of all processes over
    /// the database one sends.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn send_to_webhooks(&self, settings: WebhookSettings) -> Result<Dispatcher, SenderError> {
        Dispatcher::start(&self.api, settings)
    }

    /// Tells WebSockets and event streams to end: an application that stops does not get rid of them otherwise.
    pub fn stop_streams(&self) {
        self.streams.stop();
    }

    /// Closes the connections, once the application serves no more.
    ///
    /// # Errors
    /// When one cannot be closed in order.
    pub async fn close(self) -> Result<(), crate::database::DatabaseError> {
        self.database.close().await
    }
}

impl Builder {
    /// Where the records are: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[must_use]
    pub fn database(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// How many connections are kept, and how long they are waited for.
    #[must_use]
    pub fn pool(self, pool: PoolOptions) -> Self {
        Self { pool, ..self }
    }

    /// Pages, limits, trusted documents.
    #[must_use]
    pub fn settings(self, settings: impl Into<Settings>) -> Self {
        Self { settings: settings.into(), ..self }
    }

    /// What is read of a request.
    #[must_use]
    pub fn http(self, http: HttpSettings) -> Self {
        Self { http, ..self }
    }

    /// What secrets are encrypted with; without it they can be neither written nor read.
    #[must_use]
    pub fn key_ring(self, key_ring: KeyRing) -> Self {
        Self { key_ring, ..self }
    }

    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// When no database was named, it cannot be opened, or a migration fails.
    pub async fn build(self) -> Result<Throughline, BuildError> {
        let url = self.url.ok_or(BuildError::NoDatabase)?;
        let opened = app::open(&url, &self.pool).await;
        let database = opened.map_err(|error| BuildError::Database(format!("{error:#}")))?;
        let api = Api::new(database.clone(), self.settings).with_key_ring(Arc::new(self.key_ring));
        Ok(Throughline { database, api, http: self.http, streams: Streams::default() })
    }
}
