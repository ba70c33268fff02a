//! A Unix socket. Whenever the other end reads, whoever waits for room to write is woken: so nobody waits for it, but while there is none.
//! A stream of tokio's always does, and a thread that had gone to sleep until the answer comes would be woken by the question's being read.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// A connected socket.
pub(super) struct Socket {
    readable: AsyncFd<UnixStream>,
    /// The same socket, from when there was no room until there is.
    writable: Option<AsyncFd<UnixStream>>,
}

impl Socket {
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        let stream = tokio::net::UnixStream::connect(path).await?.into_std()?;
        Ok(Self { readable: register(stream, Interest::READABLE)?, writable: None })
    }
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe, for a descriptor may be closed under it; this stream owns its own"
)]
fn register(stream: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(stream, interest)
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.readable.poll_read_ready(context))?;
            let room = buffer.initialize_unfilled();
            let length = room.len();
            let mut stream = self.readable.get_ref();
            match stream.read(room) {
                Ok(read) => {
                    // What has not filled the room was all that there is.
                    if 0 < read && read < length {
                        ready.clear_ready();
                    }
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            let mut stream = this.readable.get_ref();
            match stream.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                written => {
                    this.writable = None;
                    return Poll::Ready(written);
                }
            }
            let writable = match &this.writable {
                Some(writable) => writable,
                None => this.writable.insert(register(stream.try_clone()?, Interest::WRITABLE)?),
            };
            ready!(writable.poll_write_ready(context))?.clear_ready();
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.readable.get_ref().shutdown(Shutdown::Write))
    }
}
