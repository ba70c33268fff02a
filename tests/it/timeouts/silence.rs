//! A PostgreSQL server that is gone without a word: its machine, or the network between.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Url;
use sea_orm::sqlx::postgres::PgConnectOptions;
use serde_json::json;
use throughline::access::{Authenticator, Unidentified};
use throughline::database::{Database, PoolOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use super::callers::make_token;
use super::{CREATE, PROJECTS, SHORT, SOON, patient, tables};
use crate::support::{Backend, Client, TestDatabase, leaves_postgres_out};

/// What goes between the server and who asks it, until it falls silent.
#[derive(Clone)]
struct Wire {
    server: PgConnectOptions,
    is_silent: Arc<AtomicBool>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Wire {
    fn lay(server_url: &str, folder: &Path) -> Self {
        let wire = Self {
            server: PgConnectOptions::from_str(server_url).unwrap(),
            is_silent: Arc::new(AtomicBool::new(false)),
        };
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{}", wire.server.get_port()))).unwrap();
        tokio::spawn({
            let wire = wire.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(wire.clone().carry(client));
                }
            }
        });
        wire
    }

    async fn carry(self, client: UnixStream) {
        let port = self.server.get_port();
        let server: Box<dyn Stream> = match self.server.get_socket() {
            Some(folder) => Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await.unwrap()),
            None => Box::new(TcpStream::connect((self.server.get_host(), port)).await.unwrap()),
        };
        let (client, server) = (split(client), split(server));
        tokio::join!(self.pass_on(client.0, server.1), self.pass_on(server.0, client.1));
    }

    async fn pass_on(&self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut bytes = vec![0; 8192];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            while self.is_silent.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if to.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    }

    fn set_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for() {
    if leaves_postgres_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut test = TestDatabase::with_demo(Backend::Postgres).await;
    let wire = Wire::lay(&test.url, folder.path());
    let mut url = Url::parse(&test.url).unwrap();
    url.query_pairs_mut().clear().append_pair("host", &folder.path().to_string_lossy());
    let pool = PoolOptions { statement_timeout: Some(SHORT), acquire_timeout: SHORT, ..patient() };
    test.database = Database::connect(url.as_str(), &pool).await.unwrap();
    let client = Client::new(test);
    // Connections that stand, and a statement that is prepared.
    client.data(PROJECTS).await;
    client.data_with(CREATE, json!({ "key": "before" })).await;
    let authenticator = Authenticator::new(client.test.database.clone(), Unidentified::Refused, None);
    let secret = make_token(&client).await;
    authenticator.identify(Some(secret.reveal())).await.unwrap();
    let before = tables(&client.test).await;

    wire.set_silent(true);
    for _ in 0..2 {
        let asked = tokio::time::timeout(SOON, authenticator.identify(Some(secret.reveal()))).await;
        let denied = asked.expect("who asks is waited for without an end").unwrap_err();
        assert!(denied.is_ours(), "{denied}");
    }
    let message = "the database cannot be reached; try again later";
    for (document, variables) in [(PROJECTS, json!({})), (CREATE, json!({ "key": "during" })), (PROJECTS, json!({}))] {
        super::assert_told(&client, document, variables, "DATABASE_UNAVAILABLE", message).await;
    }
    wire.set_silent(false);
    // What was not answered may have been carried out all the same; sent again, it is carried out once.
    tokio::time::sleep(SHORT).await;
    for _ in 0..2 {
        let data = client.data_with(CREATE, json!({ "key": "during" })).await;
        assert_eq!(data["createProject"]["project"]["name"], "during", "{data}");
    }
    let after = tables(&client.test).await;
    after.assert_tell_one_story();
    assert_eq!(after.projects.len(), before.projects.len() + 1);
}
