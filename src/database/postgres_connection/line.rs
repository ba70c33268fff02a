//! What a connection's bytes go over: a socket, or TLS over one.
//!
//! `tokio-postgres` says hello over it, and proves who we are. It gives back no stream, so it is lent one: a [`Line`] is shared, and who
//! keeps the other half goes on with it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::socket::Socket;

/// Where a server listens.
#[derive(Clone)]
pub(super) enum Place {
    /// A host by its name or address, and a port.
    Host(String, u16),
    /// An address that a host's name has led to.
    Address(SocketAddr),
    /// A socket's file.
    Socket(PathBuf),
}

/// One end of a connection. Its clones are the same.
#[derive(Clone)]
pub(super) struct Line(Arc<Mutex<dyn Duplex>>);

/// What bytes go over in both directions.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// What proves to a server that nobody stands between, where it is secured.
    fn binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl Duplex for TcpStream {}
impl Duplex for Socket {}

/// TLS over a line.
type Secured = <MakeRustlsConnect as MakeTlsConnect<Line>>::Stream;

impl Duplex for Secured {
    fn binding(&self) -> ChannelBinding {
        self.channel_binding()
    }
}

impl Line {
    /// Connects to a server, and tells where that was.
    pub(super) async fn open(place: &Place) -> io::Result<(Self, Place)> {
        let stream = match place {
            Place::Socket(path) => return Ok((Self::over(Socket::open(path).await?), place.clone())),
            Place::Host(host, port) => TcpStream::connect((host.as_str(), *port)).await?,
            Place::Address(address) => TcpStream::connect(address).await?,
        };
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_keepalive(true)?;
        let address = stream.peer_addr()?;
        Ok((Self::over(stream), Place::Address(address)))
    }

    fn over(stream: impl Duplex + 'static) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    /// Nobody panics with it locked.
    fn lock(&self) -> MutexGuard<'_, dyn Duplex + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_shutdown(context)
    }
}

impl TlsStream for Line {
    fn channel_binding(&self) -> ChannelBinding {
        self.lock().binding()
    }
}

/// Secures a line where the server and the settings want it, and keeps the line that comes of it.
pub(super) struct Securing {
    connector: Connector,
    secured: Arc<OnceLock<Line>>,
}

type Connector = <MakeRustlsConnect as MakeTlsConnect<Line>>::TlsConnect;

impl Securing {
    /// Secures as `tls` says, with a server whose certificate is for this host.
    pub(super) fn new(tls: &MakeRustlsConnect, host: &str) -> Self {
        let Ok::<Connector, Infallible>(connector) = MakeTlsConnect::<Line>::make_tls_connect(&mut tls.clone(), host);
        Self { connector, secured: Arc::default() }
    }

    /// The line that was secured, once one was.
    pub(super) fn secured(&self) -> Arc<OnceLock<Line>> {
        Arc::clone(&self.secured)
    }
}

impl TlsConnect<Line> for Securing {
    type Stream = Line;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Line>>;

    fn connect(self, line: Line) -> Self::Future {
        let Self { connector, secured } = self;
        async move {
            let line = Line::over(connector.connect(line).await?);
            Ok(secured.get_or_init(|| line).clone())
        }
        .boxed()
    }
}
