//! The server's loop: takes connections, serves each, and ends without cutting a request.
//!
//! axum's own loop has no time limit for headers, no bound on connections, and ends a connection whose request has arrived
//! but was not read yet.
//!
//! **Invariants:** a request of which a byte has arrived when the server is told to stop is answered, unless it takes longer than the
//! shutdown may; so is one whose connection the kernel has taken by then; nothing but a stop ends the loop.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

use super::connection::{Connection, Held};
use super::poll_again::PollAgain;
use super::protect::OverTls;
use super::tls::Tls;
use crate::telemetry::Telemetry;

/// How connections are served.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// How long the headers of a request may take, and how long a connection may be without one.
    pub header_timeout: Duration,
    /// How long a client may read nothing of what is sent to it.
    pub write_timeout: Duration,
    /// How many connections are open at once; others wait in the kernel's queue.
    pub max_connections: usize,
    /// How long running requests may take to finish when it is stopped.
    pub shutdown_timeout: Duration,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request was answered.
    InOrder,
    /// Requests were still running when their time was over.
    InPart,
}

/// The most that is read of a request's headers, and held of its body at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long a connection without a request stays open after the stop: one that was sent just before arrives in that time.
const LINGER: Duration = Duration::from_millis(500);
/// How long a handshake may still take after the stop.
const LAST_HANDSHAKE: Duration = Duration::from_secs(2);
/// How long to wait where there is no file handle or memory for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener`, over TLS where there is a certificate, until `stop` is done; then takes the connections that the kernel has taken, and lets all
/// running requests finish. From the stop on each answer ends its connection.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &ConnectionLimits,
    telemetry: &Telemetry,
    tls: Option<Tls>,
    stop: impl Future<Output = ()>,
) -> Stopped {
    let (stopping, stopped) = watch::channel(false);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(BUFFER_BYTES);
    let (write_timeout, handshake_timeout) = (limits.write_timeout, limits.header_timeout);
    let server = Server { http, router, telemetry, tls, stopped, write_timeout, handshake_timeout };
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            (connection, peer, permit) = accept(&listener, &permits) => server.spawn(connection, peer, permit),
        }
    }
    stopping.send_replace(true);
    match listener.into_std() {
        Ok(listener) => server.take_the_rest(&listener),
        Err(error) => tracing::warn!(%error, "connections that wait to be taken are lost"),
    }
    drop(server);
    // Each connection holds a receiver until it has ended.
    let finished = tokio::time::timeout(limits.shutdown_timeout, stopping.closed()).await;
    if finished.is_ok() { Stopped::InOrder } else { Stopped::InPart }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let permit = Arc::clone(permits).acquire_owned().await.ok();
    let mut said = false;
    loop {
        match listener.accept().await {
            Ok((connection, peer)) => return (connection, peer, permit),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut said, true) {
                    tracing::error!(%error, "no connection can be taken; trying again until one can");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the error is of a connection that has gone before it was taken.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
    )
}

/// What all connections share.
struct Server<'s> {
    http: http1::Builder,
    router: Router,
    telemetry: &'s Telemetry,
    tls: Option<Tls>,
    stopped: watch::Receiver<bool>,
    write_timeout: Duration,
    handshake_timeout: Duration,
}

/// What the requests of a connection are served with.
struct Serving {
    http: http1::Builder,
    router: Router,
    peer: SocketAddr,
    is_over_tls: bool,
    stopped: watch::Receiver<bool>,
}

impl Server<'_> {
    fn spawn(&self, connection: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        // Answers are written whole: waiting for more to send would only delay them.
        let _ = connection.set_nodelay(true);
        let held = Held::new(self.telemetry.open_connection(), permit);
        let connection = Connection::new(connection, self.write_timeout, held);
        let serving = Serving {
            http: self.http.clone(),
            router: self.router.clone(),
            peer,
            is_over_tls: self.tls.is_some(),
            stopped: self.stopped.clone(),
        };
        let Some(tls) = self.tls.clone() else {
            let unanswered = connection.unanswered();
            tokio::spawn(serving.serve(connection, unanswered));
            return;
        };
        let timeout = self.handshake_timeout;
        tokio::spawn(async move {
            let mut stopped = serving.stopped.clone();
            let too_late = async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
                tokio::time::sleep(LAST_HANDSHAKE).await;
            };
            let secured = tokio::select! {
                secured = tls.shake_hands(connection, timeout) => secured,
                () = too_late => None,
            };
            if let Some(secured) = secured {
                let unanswered = secured.unanswered();
                serving.serve(secured, unanswered).await;
            }
        });
    }

    /// Takes the connections that the kernel has taken: their clients believe that they are served.
    fn take_the_rest(&self, listener: &StdListener) {
        loop {
            match listener.accept() {
                Ok((connection, peer)) => {
                    let connection = connection.set_nonblocking(true).and_then(|()| TcpStream::from_std(connection));
                    if let Ok(connection) = connection {
                        self.spawn(connection, peer, None);
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                // There is none left, or no room for them.
                Err(_) => return,
            }
        }
    }
}

impl Serving {
    /// Serves a connection, which knows whether something has come on it that was not answered.
    async fn serve(
        self,
        connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        unanswered: Arc<AtomicBool>,
    ) {
        let Self { http, router, peer, is_over_tls, mut stopped } = self;
        let is_stopped = stopped.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (router, is_stopped) = (router.clone(), is_stopped.clone());
            async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                if is_over_tls {
                    request.extensions_mut().insert(OverTls);
                }
                let mut answer = router.oneshot(request).await?;
                if *is_stopped.borrow() {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        let mut serving = pin!(http.serve_connection(TokioIo::new(connection), service).with_upgrades());
        tokio::select! {
            ended = PollAgain::new(serving.as_mut()) => return log_end(ended),
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        // hyper would close a connection that has answered one request, even if the next one has come meanwhile.
        loop {
            tokio::select! {
                ended = &mut serving => return log_end(ended),
                () = tokio::time::sleep(LINGER) => {}
            }
            if !unanswered.load(Ordering::Relaxed) {
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Clients go away and send what is no HTTP: nobody needs to know, but who looks for the cause of something.
fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
