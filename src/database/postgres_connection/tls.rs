//! What a connection to PostgreSQL trusts, by `sslmode`
//! (<https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION>): as sqlx has it, so that reads and writes
//! are secured alike.

use std::error::Error as StdError;
use std::sync::Arc;

use sea_orm::sqlx;
use sea_orm::sqlx::postgres::PgSslMode;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// The files, or texts, with certificates and a key.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    /// Authorities that are trusted besides the public ones.
    pub(super) authorities: Option<Pem>,
    /// Who we are.
    pub(super) client: Option<Pem>,
    pub(super) client_key: Option<Pem>,
}

/// PEM, or where it is.
#[derive(Clone)]
pub(super) enum Pem {
    Text(String),
    File(String),
}

/// The settings of TLS by an `sslmode`. Files are read whenever a connection is opened, since certificates are renewed.
pub(super) async fn client_config(mode: PgSslMode, certificates: &Certificates) -> Result<ClientConfig, sqlx::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => {
            let roots = Arc::new(authorities(certificates.authorities.as_ref()).await?);
            let full = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            let full = full.build().map_err(failed)?;
            if matches!(mode, PgSslMode::VerifyFull) { full } else { Arc::new(Lenient { known: Some(full), provider }) }
        }
        _ => Arc::new(Lenient { known: None, provider }),
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    if matches!(mode, PgSslMode::Disable | PgSslMode::Allow) {
        return Ok(builder.with_no_client_auth());
    }
    match (&certificates.client, &certificates.client_key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let chain = CertificateDer::pem_slice_iter(&certificate.read().await?).collect::<Result<_, _>>();
            let key = PrivateKeyDer::from_pem_slice(&key.read().await?).map_err(failed)?;
            builder.with_client_auth_cert(chain.map_err(failed)?, key).map_err(failed)
        }
        (None, Some(_)) | (Some(_), None) => {
            Err(sqlx::Error::Configuration("sslcert and sslkey must be given together".into()))
        }
    }
}

/// The public authorities, and those of the file.
async fn authorities(file: Option<&Pem>) -> Result<RootCertStore, sqlx::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = file {
        for certificate in CertificateDer::pem_slice_iter(&file.read().await?) {
            roots.add(certificate.map_err(failed)?).map_err(failed)?;
        }
    }
    Ok(roots)
}

fn failed(error: impl StdError + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Tls(error.into())
}

impl Pem {
    async fn read(&self) -> Result<Vec<u8>, sqlx::Error> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::File(path) => Ok(tokio::fs::read(path).await?),
        }
    }
}

/// Trusts whom an authority knows, by whatever name; or anybody, which keeps out who listens, but not who stands between.
#[derive(Debug)]
struct Lenient {
    /// Knows whom the authorities vouch for, if that matters.
    known: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(known) = &self.known else { return Ok(ServerCertVerified::assertion()) };
        match known.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
