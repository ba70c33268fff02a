//! The server's loop: takes connections, serves each, and ends without cutting a request.
//!
//! axum's own loop has no time limit for headers, no bound on connections, and ends a connection whose request has arrived
//! but was not read yet.
//!
//! **Invariants:** a request of which a byte has arrived when the server is told to stop is answered, unless it takes longer than the
//! shutdown may; so is one whose connection the kernel has taken by then; nothing but a stop ends the loop.

use std::io::ErrorKind;
use std::net::TcpListener as StdListener;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

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
/// How long to wait where there is no file handle or memory for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop` is done; then takes the connections that the kernel has taken, and lets all
/// running requests finish. From the stop on each answer ends its connection.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &ConnectionLimits,
    telemetry: &Telemetry,
    stop: impl Future<Output = ()>,
) -> Stopped {
    let (stopping, stopped) = watch::channel(false);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(BUFFER_BYTES);
    let server = Server { http, router, telemetry, stopped, write_timeout: limits.write_timeout };
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            (connection, permit) = accept(&listener, &permits) => server.spawn(connection, permit),
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
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let permit = Arc::clone(permits).acquire_owned().await.ok();
    let mut said = false;
    loop {
        match listener.accept().await {
            Ok((connection, _)) => return (connection, permit),
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
    stopped: watch::Receiver<bool>,
    write_timeout: Duration,
}

impl Server<'_> {
    fn spawn(&self, connection: TcpStream, permit: Option<OwnedSemaphorePermit>) {
        // Answers are written whole: waiting for more to send would only delay them.
        let _ = connection.set_nodelay(true);
        let open = self.telemetry.open_connection();
        let mut connection = TimeoutStream::new(connection);
        connection.set_write_timeout(Some(self.write_timeout));
        let (http, router, stopped) = (self.http.clone(), self.router.clone(), self.stopped.clone());
        tokio::spawn(async move {
            serve_connection(&http, connection, router, stopped).await;
            drop((open, permit));
        });
    }

    /// Takes the connections that the kernel has taken: their clients believe that they are served.
    fn take_the_rest(&self, listener: &StdListener) {
        loop {
            match listener.accept() {
                Ok((connection, _)) => {
                    let connection = connection.set_nonblocking(true).and_then(|()| TcpStream::from_std(connection));
                    if let Ok(connection) = connection {
                        self.spawn(connection, None);
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                // There is none left, or no room for them.
                Err(_) => return,
            }
        }
    }
}

async fn serve_connection(
    http: &http1::Builder,
    connection: TimeoutStream<TcpStream>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let unanswered = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Watched { connection: Box::pin(connection), unanswered: Arc::clone(&unanswered) });
    let is_stopped = stopped.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (router, is_stopped) = (router.clone(), is_stopped.clone());
        async move {
            let mut answer = router.oneshot(request.map(Body::new)).await?;
            if *is_stopped.borrow() {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut serving = pin!(http.serve_connection(io, service).with_upgrades());
    tokio::select! {
        ended = &mut serving => return log_end(ended),
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

/// Clients go away and send what is no HTTP: nobody needs to know, but who looks for the cause of something.
fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// A connection that knows whether something has come which was not answered.
struct Watched {
    connection: Pin<Box<TimeoutStream<TcpStream>>>,
    unanswered: Arc<AtomicBool>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.connection.as_mut().poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.unanswered.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.unanswered.store(false, Ordering::Relaxed);
        self.connection.as_mut().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.unanswered.store(false, Ordering::Relaxed);
        self.connection.as_mut().poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.connection.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.connection.as_mut().poll_shutdown(context)
    }
}
