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

use crate::access::Caller;
use crate::config::{ServeSettings, TrustedMode};
use crate::database::{Database, DatabaseAddress, PoolOptions};
use crate::graphql::{Api, Settings, TrustedDocuments};
use crate::http::{ConnectionLimits, Health, HttpSettings, Stopped};
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
    connect(url, pool).await
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
        let listen = &settings.server.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr().context("the port is not known")?;
        let database = tokio::select! {
            opened = open(url, pool) => opened?,
            () = stop.received() => anyhow::bail!("told to stop before it had started"),
        };
        let api = Api::new(database.clone(), api_settings).with_telemetry(settings.server.telemetry());
        let mut http_settings = settings.limits.http();
        http_settings.allowed_hosts.clone_from(&settings.server.allowed_hosts);
        if http_settings.allowed_hosts.is_empty() && address.ip().to_canonical().is_loopback() {
            http_settings.allowed_hosts = http::LOOPBACK_HOSTS.map(str::to_owned).to_vec();
        }
        let connections = settings.server.connections();
        Ok(Self { listener, address, database, api, http: http_settings, stop, connections })
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
        let Self { listener, address, database, api, http: http_settings, mut stop, connections } = self;
        announce(address);
        let (health, telemetry) = (Health::new(&database), api.telemetry().clone());
        let router = http::router_with_operations(api, http_settings, health.clone());
        let stopped = async {
            stop.received().await;
            health.stop();
            tracing::info!("stopping: running requests may finish");
        };
        if http::serve(listener, router, &connections, &telemetry, stopped).await == Stopped::InPart {
            tracing::warn!("requests were still running and are dropped");
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
        timeout: Some(Duration::from_millis(settings.limits.request_timeout_ms)),
    })
}

/// The one line that tells where the server is.
fn announce(address: SocketAddr) {
    // What listens everywhere is reached from here, too.
    let host =
        if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
    if !address.ip().to_canonical().is_loopback() {
        tracing::warn!("{address} can be reached from other machines, and whoever reaches it may see everything");
    }
    tracing::info!("GraphQL at http://{host}/graphql, GraphiQL in the browser at http://{host}/");
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
