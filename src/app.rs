//! The running server, from its start to its end.
//!
//! **Invariant:** it starts in the order port, database, tables, schema, so that a port in use is told before anything is
//! changed; it stops in the order not ready, no new connections, running requests, pools. A second signal ends the process
//! whatever it is doing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::access::jwt::Verifier;
use crate::access::{Caller, LOCAL_OWNER, Unidentified, token};
use crate::config::{ServeSettings, TrustedMode};
use crate::database::{Database, DatabaseAddress, PoolOptions};
use crate::encryption::{KeyRing, count_keys};
use crate::graphql::{Api, Settings, TrustedDocuments};
use crate::http::{ConnectionLimits, Health, HttpSettings, Stopped, Streams, Tls};
use crate::webhook_deliveries::{Dispatcher, WebhookSettings};
use crate::{http, import, projects, write_transaction};

/// A server that is ready to answer.
pub struct App {
    listener: TcpListener,
    address: SocketAddr,
    database: Database,
    api: Api,
    http: HttpSettings,
    stop: StopSignals,
    connections: ConnectionLimits,
    tls: Option<(Tls, Signal)>,
    webhooks: Option<WebhookSettings>,
}

/// How long the pools may take to close: a statement that still runs would hold them open.
const POOL_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the database at `url`, whatever state its tables are in.
///
/// # Errors
/// When it cannot be opened; the text tells where it is, without a password.
pub async fn connect(url: &str, pool: &PoolOptions) -> anyhow::Result<Database> {
    Database::connect(url, pool).await.with_context(|| DatabaseAddress::of(url).to_string())
}

/// Opens the database at `url` and brings its tables up to date; rows from before there were events get theirs. However long that
/// takes: only what comes after it has to keep the times of `pool`.
///
/// # Errors
/// When it cannot be opened, or a migration fails.
pub async fn open(url: &str, pool: &PoolOptions) -> anyhow::Result<Database> {
    let database = connect(url, &pool.unhurried()).await?;
    database.migrate().await.with_context(|| format!("{}: a migration failed", DatabaseAddress::of(url)))?;
    let adopted = write_transaction::adopt(&database).await.context("rows from before there were events got none")?;
    if adopted > 0 {
        tracing::info!(rows = adopted, "rows from before there were events have theirs now");
    }
    database.close().await.context("the database was not closed in order")?;
    let database = connect(url, pool).await?;
    database.require_present().await.context("the database's position is not known")?;
    Ok(database)
}

impl App {
    /// Takes the port and opens the database.
    ///
    /// # Errors
    /// When one of them is not to be had.
    pub async fn start(url: &str, pool: &PoolOptions, settings: &ServeSettings) -> anyhow::Result<Self> {
        // From here on a signal waits until the server listens to it.
        let mut stop = StopSignals::listen().context("signals cannot be received")?;
        log_panics();
        let api_settings = api_settings(settings)?;
        let origins = settings.door.origins()?;
        let tls = match settings.door.tls().await.context("the server cannot speak TLS")? {
            // What would end the process otherwise is what tools send that have renewed a certificate.
            Some(tls) => Some((tls, signal(SignalKind::hangup()).context("signals cannot be received")?)),
            None => None,
        };
        let verifier = match settings.jwt.settings()? {
            Some(settings) => Some(Verifier::open(settings).await.context("JSON Web Tokens cannot be checked")?),
            None => None,
        };
        let listen = &settings.server.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr().context("the port is not known")?;
        let database = tokio::select! {
            opened = open(url, pool) => opened?,
            () = stop.received() => anyhow::bail!("told to stop before it had started"),
        };
        let key_ring = settings.encryption.key_ring();
        check_keys(&database, &key_ring).await;
        let unidentified = check_access(address, settings, &database).await?;
        let api = Api::new(database.clone(), api_settings).with_telemetry(settings.server.telemetry());
        let api = api.with_key_ring(key_ring);
        let mut http_settings = settings.limits.http();
        (http_settings.origins, http_settings.trusted_proxies) = (origins, settings.door.trusted_proxies);
        http_settings.verifier = verifier;
        http_settings.unidentified = unidentified;
        http_settings.streams = settings.streams.limits();
        http_settings.allowed_hosts.clone_from(&settings.server.allowed_hosts);
        if http_settings.allowed_hosts.is_empty() && address.ip().to_canonical().is_loopback() {
            http_settings.allowed_hosts = http::LOOPBACK_HOSTS.map(str::to_owned).to_vec();
        }
        let (connections, webhooks) = (settings.server.connections(), settings.webhooks.settings());
        Ok(Self { listener, address, database, api, http: http_settings, stop, connections, tls, webhooks })
    }

    /// Imports the demo's data, unless the database holds a project: what somebody changed in the demo stays, and the
    /// demo is never mixed into somebody's records.
    ///
    /// # Errors
    /// When the import fails.
    pub async fn import_demo(&self) -> anyhow::Result<()> {
        let caller = Caller::local_owner();
        let any = projects::reads::any_exist(&self.database, &caller).await;
        if any.context("the projects cannot be read")? {
            tracing::debug!("the database holds projects: the demo is not imported");
            return Ok(());
        }
        let report =
            import::import_demo(&self.database, &caller).await.context("the demo's data cannot be imported")?;
        tracing::info!(
            projects = report.projects.created,
            features = report.features.created,
            tests = report.tests.created,
            deployments = report.deployments.created,
            "the demo's data is imported"
        );
        Ok(())
    }

    /// Answers requests until SIGTERM or Ctrl-C, then lets the running ones finish.
    ///
    /// # Errors
    /// When the pools cannot be closed in order.
    pub async fn serve_until_stopped(self) -> anyhow::Result<()> {
        let Self { listener, address, database, api, http: http_settings, mut stop, connections, tls, webhooks } = self;
        let dispatcher = webhooks.map(|settings| Dispatcher::start(&api, settings)).transpose()?;
        announce(address, tls.is_some(), http_settings.unidentified);
        let (health, telemetry) = (Health::new(&database), api.telemetry().clone());
        let streams = Streams::default();
        let router = http::router_with_operations(api, http_settings, health.clone(), streams.clone());
        let stopped = async {
            stop.received().await;
            health.stop();
            streams.stop();
            tracing::info!("stopping: running requests may finish");
        };
        let (tls, hangup) = tls.unzip();
        let renewing = tls.clone().zip(hangup).map(|(tls, hangup)| tokio::spawn(tls.keep_up_to_date(hangup)));
        let ended = http::serve(listener, router, &connections, &telemetry, tls, stopped).await;
        if let Some(renewing) = renewing {
            renewing.abort();
        }
        if ended == Stopped::InPart {
            tracing::warn!("requests were still running and are dropped");
        }
        let sent = async {
            if let Some(dispatcher) = dispatcher {
                dispatcher.stop().await;
            }
        };
        let (streams_ended, sent) = tokio::join!(
            tokio::time::timeout(connections.shutdown_timeout, streams.ended()),
            tokio::time::timeout(connections.shutdown_timeout, sent)
        );
        if streams_ended.is_err() {
            tracing::warn!("WebSockets were still open and are dropped");
        }
        if sent.is_err() {
            tracing::warn!("events were still on their way to webhooks, and are sent again");
        }
        let close = async {
            health.close().await;
            database.close().await
        };
        if let Ok(closed) = tokio::time::timeout(POOL_CLOSE_TIMEOUT, close).await {
            closed.context("the database was not closed in order")?;
        } else {
            tracing::warn!("statements were still running when the server ended");
        }
        Ok(())
    }
}

/// What the API is set to, with the manifests that are named.
fn api_settings(settings: &ServeSettings) -> anyhow::Result<Settings> {
    let documents = &settings.documents;
    let mut trusted = TrustedDocuments::default();
    trusted.only = documents.trusted_documents == TrustedMode::Only;
    for file in &documents.document_manifest {
        let manifest = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        trusted.add_manifest(&manifest).with_context(|| format!("{} is no manifest of documents", file.display()))?;
    }
    anyhow::ensure!(
        !trusted.only || !trusted.is_empty(),
        "only trusted documents are to be run, but there are none: name their manifest with --document-manifest"
    );
    Ok(Settings {
        pages: settings.server.page_limits(),
        limits: settings.limits.limits(),
        trusted,
        introspection: documents.introspection,
        suggestions: documents.suggestions,
        rate: settings.door.rate(),
        max_subscriptions: settings.streams.max_subscriptions,
        timeout: Some(Duration::from_millis(settings.limits.request_timeout_ms)),
    })
}

/// Says what the keys that are set do not open. The server starts all the same: one field fails, and all others answer.
async fn check_keys(database: &Database, ring: &KeyRing) {
    if !ring.malformed().is_empty() {
        let places = ring.malformed();
        tracing::warn!(
            ?places,
            "of the encryption keys that are set, those in these places are none: 32 bytes in base 64"
        );
        if ring.first().is_none() {
            tracing::warn!("the first encryption key is none: no project gets a key of its own");
        }
    }
    match count_keys(database).await {
        Ok(counts) if counts.unknown_to(ring) > 0 => tracing::warn!(
            projects = counts.unknown_to(ring),
            "the confidential notes of these projects cannot be read: their keys are wrapped by a key that is not set; \
             `throughline keys status` tells which"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the data keys could not be counted"),
    }
}

/// What becomes of requests that do not say who sends them. They are the local owner's where nobody else can send one: where the
/// server listens on this machine's own address, and is asked by no other name.
///
/// # Errors
/// When others could reach the server, and nobody could tell it who they are.
async fn check_access(
    address: SocketAddr,
    settings: &ServeSettings,
    database: &Database,
) -> anyhow::Result<Unidentified> {
    // A proxy that is believed stands there for others.
    let is_private = address.ip().to_canonical().is_loopback()
        && settings.server.allowed_hosts.is_empty()
        && settings.door.trusted_proxies == 0;
    if is_private && !settings.server.require_authentication {
        return Ok(Unidentified::LocalOwner);
    }
    if settings.jwt.settings()?.is_some() {
        return Ok(Unidentified::Refused);
    }
    let any_token = token::any_is_good(database).await.context("the access tokens cannot be read")?;
    anyhow::ensure!(
        any_token,
        "others can reach {address}, and nobody could say who they are: make a token first, with \
         `throughline token create --user NAME --instance-role admin`, trust an issuer of JWTs (--jwt-issuer), or listen on 127.0.0.1"
    );
    Ok(Unidentified::Refused)
}

/// The lines that tell where the server is, and who is let in.
fn announce(address: SocketAddr, is_over_tls: bool, unidentified: Unidentified) {
    let scheme = if is_over_tls { "https" } else { "http" };
    // What listens everywhere is reached from here, too.
    let host =
        if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
    tracing::info!("GraphQL at {scheme}://{host}/graphql, GraphiQL in the browser at {scheme}://{host}/");
    match unidentified {
        Unidentified::LocalOwner => {
            tracing::info!(
                "whoever sits at this machine is {LOCAL_OWNER}, and may do everything; nobody else is let in"
            );
        }
        Unidentified::Refused => tracing::info!("requests need a token: Authorization: Bearer TOKEN"),
    }
}

/// What tells a process to stop.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// The code that a process leaves with when it was told twice to stop.
const STOPPED_TWICE: i32 = 1;

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        // The second signal is seen to by the process itself: threads that are busy could not.
        let told = Arc::new(AtomicBool::new(false));
        for number in [SIGTERM, SIGINT] {
            signal_hook::flag::register_conditional_shutdown(number, STOPPED_TWICE, Arc::clone(&told))?;
            signal_hook::flag::register(number, Arc::clone(&told))?;
        }
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Panics go to the log, within the span of the request that they ended; `http` answers the request.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(place, %backtrace, "panicked: {message}");
    }));
}
