//! TLS, with certificates of the tests' own.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, CertifiedIssuer, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::{Backend, RunningServer, TestDatabase, program};

/// An authority of the tests' own, and the files of a server that it vouches for.
struct Files {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// The server's name, as its certificate has it.
const NAME: &str = "record.example";
/// Its address, by which it is asked where it knows nobody.
const OWN: &str = "127.0.0.1";

impl Files {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let files = Self { folder: tempfile::tempdir().unwrap(), authority };
        files.issue(1);
        files
    }

    /// Issues another certificate, of this number, in the place of the one before.
    fn issue(&self, number: u64) {
        let key = KeyPair::generate().unwrap();
        let names = vec![NAME.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.serial_number = Some(number.into());
        let issuer: &Issuer<'static, KeyPair> = &self.authority;
        let certificate = params.signed_by(&key, issuer).unwrap();
        std::fs::write(self.key(), key.serialize_pem()).unwrap();
        std::fs::write(self.certificate(), certificate.pem() + &self.authority.pem()).unwrap();
    }

    fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> std::path::PathBuf {
        self.folder.path().join("key.pem")
    }

    fn connector(&self, version: &'static SupportedProtocolVersion, alpn: &[&[u8]]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.der().to_vec())).unwrap();
        let provider = tokio_rustls::rustls::crypto::ring::default_provider();
        let config =
            ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[version]).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&self, server: &RunningServer) -> TlsStream<TcpStream> {
        self.try_connect(server, &TLS13, &[b"http/1.1"]).await.unwrap()
    }

    async fn try_connect(
        &self,
        server: &RunningServer,
        version: &'static SupportedProtocolVersion,
        alpn: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address(server)).await?;
        let name = ServerName::try_from(NAME).unwrap();
        self.connector(version, alpn).connect(name, stream).await
    }

    fn command(&self, database: &str) -> Command {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database", database]);
        command.arg("--tls-certificate").arg(self.certificate()).arg("--tls-key").arg(self.key());
        command
    }

    async fn start(&self, more: &[&str]) -> (TestDatabase, RunningServer) {
        let test = TestDatabase::new(Backend::Sqlite).await;
        let server = RunningServer::start_with(self.command(&test.url).args(more));
        (test, server)
    }
}

fn address(server: &RunningServer) -> &str {
    server.address.strip_prefix("https://").unwrap_or_else(|| panic!("{}", server.address))
}

/// What a server answers to one request, as it stands on the wire.
async fn ask(stream: &mut TlsStream<TcpStream>, host: &str) -> String {
    let body = json!({ "query": "{ __typename }" }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // It ends in order, or what came before its end could have been cut off by anybody.
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The number of the certificate that a connection was made with.
fn number(stream: &TlsStream<TcpStream>) -> u64 {
    let (_, session) = stream.get_ref();
    let der = session.peer_certificates().unwrap()[0].to_vec();
    // SEQUENCE, SEQUENCE, [0] version 3, then INTEGER, here of one byte.
    let place = der.windows(6).position(|bytes| bytes[..5] == [0xa0, 3, 2, 1, 2] && bytes[5] == 2).unwrap();
    assert_eq!(der[place + 6], 1);
    der[place + 7].into()
}

#[tokio::test]
async fn a_certificate_makes_it_speak_tls() {
    let files = Files::new();
    let (_test, server) = files.start(&[]).await;
    for (version, alpn) in [(&TLS13, &[&b"h2"[..], b"http/1.1"][..]), (&TLS12, &[b"http/1.1"]), (&TLS13, &[])] {
        let mut stream = files.try_connect(&server, version, alpn).await.unwrap();
        let expected = (!alpn.is_empty()).then_some(&b"http/1.1"[..]);
        assert_eq!(stream.get_ref().1.alpn_protocol(), expected);
        let answer = ask(&mut stream, OWN).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"data":{"__typename":"Query"}}"#),
            "{answer}"
        );
        // A machine's own address is not pinned.
        assert!(!answer.contains("strict-transport-security"), "{answer}");
    }
    // A name is, even one under which the server is not asked here.
    let answer = ask(&mut files.connect(&server).await, NAME).await;
    assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("HOST_NOT_ALLOWED"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    // What speaks no TLS, or another protocol within it, is not answered, and not left waiting.
    assert!(files.try_connect(&server, &TLS13, &[b"h2"]).await.is_err());
    let mut plain = TcpStream::connect(address(&server)).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: record.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(8), plain.read_to_end(&mut answer)).await;
    assert!(read.is_ok() && !answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_websocket_goes_over_tls() {
    use futures_util::{SinkExt as _, StreamExt as _};
    let files = Files::new();
    let (_test, server) = files.start(&[]).await;
    let mut request = format!("wss://{}/graphql/ws", address(&server)).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    request.headers_mut().insert("origin", server.address.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, files.connect(&server).await).await.unwrap();
    for message in [
        json!({ "type": "connection_init" }),
        json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ __typename }" } }),
    ] {
        socket.send(Message::text(message.to_string())).await.unwrap();
    }
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            kinds.push(serde_json::from_str::<serde_json::Value>(&text).unwrap()["type"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(kinds, ["connection_ack", "next", "complete"]);
}

#[tokio::test]
async fn a_certificate_is_replaced_while_it_serves() {
    let files = Files::new();
    let (_test, server) = files.start(&[]).await;
    let mut open = files.connect(&server).await;
    assert_eq!(number(&open), 1);
    let until = async |expected: u64, what: &str| {
        let began = Instant::now();
        while number(&files.connect(&server).await) != expected || !server.log().contains(what) {
            assert!(began.elapsed() < Duration::from_secs(10), "{what}: {}", server.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    files.issue(2);
    server.hang_up();
    until(2, "the certificate was replaced").await;
    // One that cannot be used replaces none.
    let key = std::fs::read(files.key()).unwrap();
    std::fs::write(files.key(), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    server.hang_up();
    until(2, "key.pem: is not the key of the certificate").await;
    std::fs::write(files.key(), "half a ke").unwrap();
    server.hang_up();
    until(2, "key.pem: holds no private key").await;
    std::fs::write(files.key(), key).unwrap();
    files.issue(3);
    server.hang_up();
    until(3, "the certificate was replaced").await;
    // Connections from before stay.
    assert!(ask(&mut open, OWN).await.starts_with("HTTP/1.1 200 OK"));
    assert!(!server.log().contains("PRIVATE KEY") && !server.log().contains("half a ke"), "{}", server.log());
}

#[tokio::test]
async fn a_handshake_has_an_end_and_counts_as_a_connection() {
    let files = Files::new();
    let (_test, server) = files.start(&["--header-timeout-ms", "700", "--max-client-connections", "2"]).await;
    let began = Instant::now();
    // They say nothing, and take the place of others for as long as they may.
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(address(&server)).await.unwrap());
    }
    let answer = ask(&mut files.connect(&server).await, OWN).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let waited = began.elapsed();
    assert!((Duration::from_millis(600)..Duration::from_secs(8)).contains(&waited), "{waited:?}");
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ =
            tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut rest)).await.expect("it is cut off");
    }
}

#[tokio::test]
async fn a_stop_waits_for_no_handshake_and_answers_what_has_come() {
    let files = Files::new();
    let (_test, mut server) = files.start(&[]).await;
    let _silent = TcpStream::connect(address(&server)).await.unwrap();
    let mut idle = files.connect(&server).await;
    let mut asks = files.connect(&server).await;
    let body = json!({ "query": "{ __typename }" }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {OWN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    asks.write_all(head.as_bytes()).await.unwrap();
    asks.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.terminate();
    tokio::time::sleep(Duration::from_secs(1)).await;
    asks.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    asks.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("connection: close"), "{answer}");
    let mut nothing = Vec::new();
    idle.read_to_end(&mut nothing).await.unwrap();
    assert!(nothing.is_empty());
    let status = server.wait(Duration::from_secs(9)).unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log());
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_at_the_start() {
    let files = Files::new();
    let refused = |certificate: Option<&Path>, key: Option<&Path>| {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database", "sqlite::memory:"]);
        for (flag, file) in [("--tls-certificate", certificate), ("--tls-key", key)] {
            if let Some(file) = file {
                command.arg(flag).arg(file);
            }
        }
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let (certificate, key) = (files.certificate(), files.key());
    let other = files.folder.path().join("other.pem");
    std::fs::write(&other, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let nowhere = files.folder.path().join("nowhere.pem");
    for (told, expected) in [
        (refused(Some(&certificate), None), "--tls-key"),
        (refused(None, Some(&key)), "--tls-certificate"),
        (refused(Some(&nowhere), Some(&key)), "nowhere.pem: cannot be read"),
        (refused(Some(&certificate), Some(&nowhere)), "nowhere.pem: cannot be read"),
        (refused(Some(&key), Some(&key)), "key.pem: holds no certificate"),
        (refused(Some(&certificate), Some(&certificate)), "certificate.pem: holds no private key"),
        (refused(Some(&certificate), Some(&other)), "other.pem: is not the key of the certificate"),
    ] {
        assert!(told.contains(expected) && !told.contains("BEGIN"), "{expected}: {told}");
    }
}
