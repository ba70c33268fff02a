//! Connections to PostgreSQL with TLS, and how one proves there who one is: reads and writes have drivers of their own, which do
//! alike.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{CertificateParams, CertifiedIssuer, DnType, Issuer, KeyPair};
use reqwest::Url;
use tempfile::TempDir;
use throughline::access::Caller;
use throughline::database::{Database, PoolOptions};
use throughline::graphql::{Api, Request, Settings};

use super::cluster::Cluster;
use crate::support::{as_server_user, leaves_postgres_out};

/// A server that is reached by TCP, with TLS.
struct Secured {
    cluster: Cluster,
    port: u16,
    files: TempDir,
    authority: Authority,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

/// As whom the program is known to the server.
const NAME: &str = "those of this test";
/// As whom it comes: a name that a URL has to escape, as the password has.
const USER: &str = "some@one/else%41";
const PASSWORD: &str = "p@ss:w/rd %41?&#";

const READ: &str = "{ projects(first: 1) { totalCount } }";

impl Secured {
    /// The server, with a certificate for `localhost`.
    fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Cluster::start_at(port);
        let secured = Self { cluster, port, files: tempfile::tempdir().unwrap(), authority: authority() };
        fs::write(secured.file("authority.pem"), secured.authority.pem()).unwrap();
        secured.install(&secured.authority, "localhost");
        let folder = secured.cluster.folder_of(port);
        fs::copy(secured.file("authority.pem"), folder.join("authority.pem")).unwrap();
        let rules = "local all all trust\n\
            hostssl all certified 127.0.0.1/32 cert\n\
            hostssl all old 127.0.0.1/32 md5\n\
            hostssl all plain 127.0.0.1/32 password\n\
            hostssl all all 127.0.0.1/32 scram-sha-256\n\
            hostnossl all open 127.0.0.1/32 trust\n";
        fs::write(folder.join("pg_hba.conf"), rules).unwrap();
        for setting in ["listen_addresses = '127.0.0.1'", "ssl = on", "ssl_ca_file = 'authority.pem'"] {
            secured.sql(&format!("ALTER SYSTEM SET {setting}"));
        }
        secured.sql(&format!("CREATE ROLE \"{USER}\" SUPERUSER LOGIN PASSWORD '{PASSWORD}'"));
        secured.sql("CREATE ROLE certified SUPERUSER LOGIN; CREATE ROLE open SUPERUSER LOGIN");
        secured.sql(&format!("CREATE ROLE plain SUPERUSER LOGIN PASSWORD '{PASSWORD}'"));
        secured.sql(&format!("SET password_encryption = md5; CREATE ROLE old SUPERUSER LOGIN PASSWORD '{PASSWORD}'"));
        secured.cluster.stop(port);
        secured.cluster.start_again(port);
        secured
    }

    fn sql(&self, sql: &str) -> String {
        self.cluster.psql(self.port, sql)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Gives the server a certificate for `name`, which new connections are met with.
    fn install(&self, authority: &Authority, name: &str) {
        let folder = self.cluster.folder_of(self.port);
        issue(authority, name, &folder.join("server.crt"), &folder.join("server.key"));
        self.sql("SELECT pg_reload_conf()");
    }

    fn url(&self, user: &str, password: Option<&str>, parameters: &[(&str, &str)]) -> String {
        let mut url = Url::parse(&format!("postgres://localhost:{}/throughline", self.port)).unwrap();
        url.set_username(&escape(user)).unwrap();
        url.set_password(password.map(escape).as_deref()).unwrap();
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// How many connections of the program there are, and how many of them are secured.
    fn connections(&self) -> String {
        self.sql(&format!(
            "SELECT count(*) || ' ' || count(*) FILTER (WHERE ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
             WHERE application_name = '{NAME}'"
        ))
    }

    fn end_connections(&self) {
        self.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{NAME}'"));
    }
}

/// One connection for reads, and one for writes.
async fn open(url: &str) -> Database {
    let pool = PoolOptions { max_connections: 1, application_name: NAME.to_owned(), ..PoolOptions::default() };
    Database::connect(url, &pool).await.unwrap()
}

/// The answer to a query.
async fn read(database: &Database) -> String {
    let api = Api::new(database.clone(), Settings::default());
    let answer = api.execute(Request::new(READ), Caller::local_owner(), "request".to_owned()).await;
    String::from_utf8(answer.body).unwrap()
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority of this test");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for a name, and its key, which nobody but the server may read.
fn issue(authority: &Authority, name: &str, certificate: &Path, key_file: &Path) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let issuer: &Issuer<'static, KeyPair> = authority;
    let signed = params.signed_by(&key, issuer).unwrap();
    fs::write(certificate, signed.pem()).unwrap();
    fs::write(key_file, key.serialize_pem()).unwrap();
    fs::set_permissions(key_file, fs::Permissions::from_mode(0o600)).unwrap();
    if let Some((user, group)) = as_server_user(&mut Command::new("true")) {
        chown(certificate, Some(user), Some(group)).unwrap();
        chown(key_file, Some(user), Some(group)).unwrap();
    }
}

/// `url` leaves some of what it has to escape.
fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02X}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_connection_trusts_is_what_sslmode_says() {
    if leaves_postgres_out() {
        return;
    }
    let server = Secured::start();
    let stranger = authority();
    let trusted = server.file("authority.pem");
    let trusted = trusted.to_str().unwrap();
    let meets = [(&server.authority, "localhost"), (&server.authority, "elsewhere.example"), (&stranger, "localhost")];
    let mut migrated = false;
    for (mode, takes) in [
        ("prefer", [true, true, true]),
        ("require", [true, true, true]),
        ("verify-ca", [true, true, false]),
        ("verify-full", [true, false, false]),
    ] {
        server.install(&server.authority, "localhost");
        let url = server.url(USER, Some(PASSWORD), &[("sslmode", mode), ("sslrootcert", trusted)]);
        let database = open(&url).await;
        if !std::mem::replace(&mut migrated, true) {
            database.migrate().await.unwrap();
        }
        assert_eq!(read(&database).await, r#"{"data":{"projects":{"totalCount":0}}}"#);
        assert_eq!(server.connections(), "2 2", "{mode}");
        for ((authority, name), takes) in meets.into_iter().zip(takes) {
            server.install(authority, name);
            server.end_connections();
            let answer = read(&database).await;
            if takes {
                assert!(answer.starts_with(r#"{"data":{"#), "{mode} meets {name}: {answer}");
            } else {
                assert!(answer.contains("DATABASE_UNAVAILABLE"), "{mode} meets {name}: {answer}");
                assert!(!answer.contains("ertificate"), "{answer}");
            }
        }
        database.close().await.unwrap();
        server.end_connections();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_proves_who_it_is_as_the_server_asks() {
    if leaves_postgres_out() {
        return;
    }
    let server = Secured::start();
    let trusted = server.file("authority.pem");
    let (certificate, key) = (server.file("client.pem"), server.file("client.key"));
    issue(&server.authority, "certified", &certificate, &key);
    let full = [("sslmode", "verify-full"), ("sslrootcert", trusted.to_str().unwrap())];
    let certified = [("sslcert", certificate.to_str().unwrap()), ("sslkey", key.to_str().unwrap())];
    let certified = [&full[..], &certified].concat();
    let mut migrated = false;
    for (user, password, parameters, connections) in [
        (USER, Some(PASSWORD), &full[..], "2 2"),
        ("old", Some(PASSWORD), &full, "2 2"),
        ("plain", Some(PASSWORD), &full, "2 2"),
        ("certified", None, &certified, "2 2"),
        ("open", None, &[("sslmode", "disable")], "2 0"),
    ] {
        let database = open(&server.url(user, password, parameters)).await;
        if !std::mem::replace(&mut migrated, true) {
            database.migrate().await.unwrap();
        }
        assert_eq!(read(&database).await, r#"{"data":{"projects":{"totalCount":0}}}"#, "{user}");
        assert_eq!(server.connections(), connections, "{user}");
        // What was right when the program began may be so no more.
        server.sql(&format!("ALTER ROLE \"{user}\" NOLOGIN"));
        server.end_connections();
        let answer = read(&database).await;
        assert!(answer.contains("DATABASE_UNAVAILABLE") && !answer.contains(user), "{user}: {answer}");
        server.sql(&format!("ALTER ROLE \"{user}\" LOGIN"));
        assert!(read(&database).await.starts_with(r#"{"data":{"#), "{user}");
        database.close().await.unwrap();
        server.end_connections();
    }
}
