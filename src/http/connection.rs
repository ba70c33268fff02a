//! A connection with a client, as the server's loop holds it: it knows what was not answered yet, and it ends so that the client can
//! read what was said last.
//!
//! **Invariant:** what was written is not lost by the way the connection ends. A socket that is closed while something that came is
//! unread is reset, and a reset takes back what the client has not read yet: the reason why it is sent away.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_io_timeout::TimeoutStream;

use crate::telemetry::OpenConnection;

/// How long a client that was told the end may go on sending until it is cut off (nginx calls it `lingering_timeout`).
const LINGER: Duration = Duration::from_secs(5);
/// How much is read of it at a time.
const BUFFER_BYTES: usize = 16 * 1024;

/// A connection that knows whether something has come which was not answered.
pub(super) struct Connection {
    /// Taken when it ends.
    open: Option<Open>,
    unanswered: Arc<AtomicBool>,
}

struct Open {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    /// Whether the client can say nothing more, or hear nothing more.
    is_over: bool,
    _held: Held,
}

/// What a connection has for as long as it is open, whatever it has become: a WebSocket counts, too.
pub(super) struct Held {
    _open: OpenConnection,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    pub(super) fn new(open: OpenConnection, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { _open: open, _permit: permit }
    }
}

impl Connection {
    /// `write_timeout`: how long the client may read nothing of what is sent to it.
    pub(super) fn new(stream: TcpStream, write_timeout: Duration, held: Held) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(write_timeout));
        let open = Open { stream: Box::pin(stream), is_over: false, _held: held };
        Self { open: Some(open), unanswered: Arc::new(AtomicBool::new(false)) }
    }

    /// Whether something has come which was not answered, for as long as the connection lasts.
    pub(super) fn unanswered(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.unanswered)
    }

    /// Notes that something is said to the client.
    fn answers(&mut self) -> &mut Self {
        self.unanswered.store(false, Ordering::Relaxed);
        self
    }

    fn with<T>(
        &mut self,
        act: impl FnOnce(Pin<&mut TimeoutStream<TcpStream>>) -> Poll<std::io::Result<T>>,
    ) -> Poll<std::io::Result<T>> {
        let Some(open) = &mut self.open else { return Poll::Ready(Err(std::io::ErrorKind::NotConnected.into())) };
        let done = act(open.stream.as_mut());
        open.is_over |= matches!(done, Poll::Ready(Err(_)));
        done
    }
}

impl Open {
    /// Says the end, and reads what still comes, until the client has said the end as well.
    async fn linger(mut self) {
        let drained = async {
            self.stream.shutdown().await?;
            let mut buffer = vec![0; BUFFER_BYTES];
            while self.stream.read(&mut buffer).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        // A client that is gone needs no words, and one that does not end is cut off.
        let _ = tokio::time::timeout(LINGER, drained).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // There is no runtime any more where the process ends.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if let Some(open) = self.open.take().filter(|open| !open.is_over) {
            runtime.spawn(open.linger());
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.with(|stream| stream.poll_read(context, buffer));
        if buffer.filled().len() > before {
            self.unanswered.store(true, Ordering::Relaxed);
        } else if read.is_ready() && buffer.remaining() > 0 {
            self.open.iter_mut().for_each(|open| open.is_over = true);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.answers().with(|stream| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.answers().with(|stream| stream.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.with(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(context))
    }
}
