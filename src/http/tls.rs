//! TLS, by rustls: the certificate and its key, the handshake, and how a certificate is replaced while the server runs.
//!
//! **Invariants:** a certificate that cannot be used replaces none; a handshake takes no longer than a request's headers may, and counts as
//! a connection while it takes place; no text holds the key.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::signal::unix::Signal;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::connection::Connection;

/// A certificate, and the connections that are made with it. Cloning is cheap, and clones share it.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    certificate: PathBuf,
    key: PathBuf,
}

/// The certificate that handshakes get.
#[derive(Debug)]
struct Current(RwLock<Loaded>);

#[derive(Clone, Debug)]
struct Loaded {
    certified: Arc<CertifiedKey>,
    /// By which it is known whether the files hold another one.
    hash: [u8; 32],
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct TlsError {
    file: PathBuf,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("holds no certificate in PEM, or a broken one")]
    NoCertificate,
    #[error("holds no private key in PEM, or one of a kind that is not known")]
    NoKey,
    #[error("is not the key of the certificate")]
    OtherKey,
    #[error("{0}")]
    Tls(Error),
}

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_mins(1);

impl Tls {
    /// With the certificate, and those that vouch for it, in one file, and its key in another or the same.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub async fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = ring::default_provider();
        let loaded = load(certificate, key, &provider).await?;
        let current = Arc::new(Current(RwLock::new(loaded)));
        let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        let config = config.map_err(|error| TlsError { file: certificate.into(), reason: Reason::Tls(error) })?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(&current) as Arc<_>);
        // The loop speaks no other version.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self(Arc::new(Shared { acceptor, current, certificate: certificate.into(), key: key.into() })))
    }

    /// Takes what the files hold now; tells whether that is another certificate.
    ///
    /// # Errors
    /// Where it cannot be used; the one before stays.
    pub async fn reload(&self) -> Result<bool, TlsError> {
        let Shared { current, certificate, key, .. } = &*self.0;
        let loaded = load(certificate, key, &ring::default_provider()).await?;
        let mut current = current.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_another = current.hash != loaded.hash;
        if is_another {
            *current = loaded;
        }
        Ok(is_another)
    }

    /// Takes a new certificate when it is there, and at once when the process is told by a signal; without end.
    pub async fn keep_up_to_date(self, mut told: Signal) {
        let mut said = String::new();
        loop {
            tokio::select! {
                _ = told.recv() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            match self.reload().await {
                Ok(is_another) => {
                    if is_another {
                        tracing::info!("the certificate was replaced");
                    }
                    said.clear();
                }
                // Each minute the same would hide the rest.
                Err(error) => {
                    let error = error.to_string();
                    if error != said {
                        tracing::error!("the certificate was not replaced: {error}");
                    }
                    said = error;
                }
            }
        }
    }

    /// Makes a connection one that nobody else can read. Nothing comes of it where the client does not do its part in time.
    pub(super) async fn shake_hands(&self, connection: Connection, timeout: Duration) -> Option<Secured> {
        match tokio::time::timeout(timeout, self.0.acceptor.accept(connection)).await {
            Ok(Ok(stream)) => Some(Secured { stream, unanswered: Arc::default() }),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!("a handshake took too long");
                None
            }
        }
    }
}

async fn load(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Loaded, TlsError> {
    let of_certificate = |reason| TlsError { file: certificate.into(), reason };
    let of_key = |reason| TlsError { file: key.into(), reason };
    let chain = tokio::fs::read(certificate).await.map_err(|error| of_certificate(error.into()))?;
    let secret = tokio::fs::read(key).await.map_err(|error| of_key(error.into()))?;
    let hash = Sha256::new().chain_update(Sha256::digest(&chain)).chain_update(Sha256::digest(&secret)).finalize();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| of_certificate(Reason::NoCertificate))?;
    let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|_| of_key(Reason::NoKey))?;
    let certified = CertifiedKey::from_der(chain, secret, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => of_key(Reason::OtherKey),
        Error::InvalidCertificate(_) => of_certificate(Reason::NoCertificate),
        _ => of_key(Reason::NoKey),
    })?;
    Ok(Loaded { certified: Arc::new(certified), hash: hash.into() })
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).certified))
    }
}

/// A connection that nobody else can read. What was not answered is counted in what the client says, not in what the handshake takes.
pub(super) struct Secured {
    stream: TlsStream<Connection>,
    unanswered: Arc<AtomicBool>,
}

impl Secured {
    /// Whether something has come which was not answered, for as long as the connection lasts.
    pub(super) fn unanswered(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.unanswered)
    }

    fn answers(&mut self) -> Pin<&mut TlsStream<Connection>> {
        self.unanswered.store(false, Ordering::Relaxed);
        Pin::new(&mut self.stream)
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.unanswered.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.answers().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.answers().poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
