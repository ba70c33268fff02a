//! Where a server is, and how it is connected to: as sqlx has read the URL, the environment and the password file.

use percent_encoding::percent_decode_str;
use sea_orm::sqlx;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::line::Place;
use super::tls::{Certificates, Pem, client_config};

/// A PostgreSQL server, and how it is connected to.
#[derive(Clone)]
pub(in crate::database) struct PostgresServer {
    place: Place,
    config: Config,
    mode: PgSslMode,
    certificates: Certificates,
}

/// What sqlx asks of each connection besides: a time is told without a zone only in UTC.
const SETTINGS: &str = "-c TimeZone=UTC -c DateStyle=ISO,MDY";

impl PostgresServer {
    pub(in crate::database) fn new(options: &PgConnectOptions) -> Self {
        let (host, port) = (options.get_host(), options.get_port());
        let directory = options.get_socket().cloned().or_else(|| host.starts_with('/').then(|| host.into()));
        let place = match &directory {
            Some(directory) => Place::Socket(directory.join(format!(".s.PGSQL.{port}"))),
            None => Place::Host(host.to_owned(), port),
        };
        let mut config = Config::new();
        config.user(options.get_username());
        if let Some(database) = options.get_database() {
            config.dbname(database);
        }
        if let Some(name) = options.get_application_name() {
            config.application_name(name);
        }
        let own = options.get_options().unwrap_or_default();
        config.options(format!("{own} {SETTINGS}").trim_start());
        let mode = match options.get_ssl_mode() {
            // Through a socket there is none.
            PgSslMode::Prefer if directory.is_some() => PgSslMode::Disable,
            mode => mode,
        };
        config.ssl_mode(match mode {
            // As sqlx does: without TLS, though a server may want it.
            PgSslMode::Disable | PgSslMode::Allow => SslMode::Disable,
            PgSslMode::Prefer => SslMode::Prefer,
            PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => SslMode::Require,
        });
        let (password, certificates) = secrets(options);
        if let Some(password) = password {
            config.password(password);
        }
        Self { place, config, mode, certificates }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// What its certificate has to be for.
    pub(super) fn host(&self) -> &str {
        if let Place::Host(host, _) = &self.place { host } else { "" }
    }

    /// As whom, and how, a connection is begun.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// How a connection is secured, where it is.
    pub(super) async fn secured(&self) -> Result<MakeRustlsConnect, sqlx::Error> {
        Ok(MakeRustlsConnect::new(client_config(self.mode, &self.certificates).await?))
    }
}

/// The password and the certificates, which sqlx tells in a URL alone.
fn secrets(options: &PgConnectOptions) -> (Option<Vec<u8>>, Certificates) {
    // In that URL these would stand as they are, and be taken for something else.
    let url = options.clone().username("user").host("host").database("database").to_url_lossy();
    let password = url.password().map(|password| percent_decode_str(password).collect());
    let pem = |name: &str| {
        let (_, value) = url.query_pairs().find(|(key, _)| key == name)?;
        // So it says that it is a file.
        Some(match value.strip_prefix("file: ") {
            Some(path) => Pem::File(path.to_owned()),
            None => Pem::Text(value.into_owned()),
        })
    };
    (password, Certificates { authorities: pem("sslrootcert"), client: pem("sslcert"), client_key: pem("sslkey") })
}
