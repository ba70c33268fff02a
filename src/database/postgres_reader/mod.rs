//! One connection that reads from PostgreSQL; for [`super::read_pool`] alone.
//!
//! sqlx makes a stream of futures around each row, which took a seventh of a large read (docs/decisions/0022). This one is `tokio-postgres`,
//! whose two halves, the client and the connection, are polled together by whoever waits for the rows: there is no task
//! between them, and nobody to be woken but who waits. Where to connect, and how, is what sqlx made of the URL and of
//! the environment ([`options`]), so that both connect alike.
//!
//! **Invariant:** the answers to a statement whose future was dropped are taken for those of no other one: the connection throws them
//! away, however late they come.

mod failure;
mod link;
mod options;
mod parameter;
mod tls;

use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use hashlink::LruCache;
use sea_orm::{Values, sqlx};
use serde_json::Value;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::failure::driver_failure;
use self::link::Link;
pub(super) use self::options::PostgresServer;
pub(super) use self::parameter::Parameter;
use super::connect::PREPARED_STATEMENTS;
use super::row::{Copied, Row};

/// A connection.
pub(super) struct PostgresReader {
    // Dropped first: a statement that has no client left sends nothing that would close it.
    client: Client,
    link: Link,
    statements: LruCache<Arc<str>, Statement>,
    /// How another connection to the same server is secured.
    tls: MakeRustlsConnect,
}

impl PostgresReader {
    pub(super) async fn open(server: &PostgresServer) -> Result<Self, sqlx::Error> {
        let tls = server.secured().await?;
        let (client, connection) = server.config().connect(tls.clone()).await.map_err(driver_failure)?;
        Ok(Self { client, link: Link::new(connection), statements: LruCache::new(PREPARED_STATEMENTS), tls })
    }

    /// Whether the server has ended it, or it failed.
    pub(super) fn has_ended(&self) -> bool {
        self.link.has_ended()
    }

    /// Runs a statement, which stays prepared, and gives its rows.
    pub(super) async fn read(&mut self, sql: &Arc<str>, values: &Values) -> Result<Vec<Row>, sqlx::Error> {
        let statement = match self.statements.get(&**sql) {
            Some(statement) => statement.clone(),
            // Apart: it is seldom needed, and each statement would carry it along.
            None => Box::pin(self.prepare(sql, values)).await?,
        };
        let Self { client, link, .. } = self;
        let rows = async {
            let mut answer = pin!(client.query_raw(&statement, values.0.iter().map(Parameter)).await?);
            let mut copied = Copied::new(statement.columns().len());
            while let Some(row) = answer.try_next().await? {
                for column in 0..copied.width() {
                    copied.push_binary(row.try_get::<_, Option<Raw<'_>>>(column)?.map(|Raw(bytes)| bytes));
                }
            }
            Ok(copied)
        };
        link.drive(rows).await?.into_rows().map_err(failure::too_large)
    }

    async fn prepare(&mut self, sql: &Arc<str>, values: &Values) -> Result<Statement, sqlx::Error> {
        let kinds: Vec<_> = values.0.iter().map(|value| Parameter(value).kind()).collect();
        let statement = self.link.drive(self.client.prepare_typed(sql, &kinds)).await?;
        self.statements.insert(Arc::clone(sql), statement.clone());
        Ok(statement)
    }

    /// Runs a statement that gives one cell of JSON, in a transaction that cannot write, whatever the statement is.
    pub(super) async fn read_json(&mut self, sql: &str, values: &Values) -> Result<Value, sqlx::Error> {
        let Self { client, link, .. } = self;
        let answer = async {
            client.batch_execute("BEGIN READ ONLY").await?;
            let parameters = values.0.iter().map(|value| (Parameter(value), Parameter(value).kind()));
            let rows: Vec<_> = client.query_typed_raw(sql, parameters).await?.try_collect().await?;
            client.batch_execute("ROLLBACK").await?;
            rows.first().map_or(Ok(Value::Null), |row| row.try_get(0))
        };
        link.drive(answer).await
    }

    /// Asks whether it still stands, and so waits until the statement before it has ended, well or not.
    pub(super) async fn settle(&mut self) -> Result<(), sqlx::Error> {
        let Self { client, link, .. } = self;
        link.drive(client.check_connection()).await
    }

    /// Asks the server, over a connection of its own, to cancel the statement that runs. A request that overtakes its
    /// statement cancels nothing.
    pub(super) fn cancel(&self) -> impl Future<Output = Result<(), sqlx::Error>> + use<> {
        let (token, tls) = (self.client.cancel_token(), self.tls.clone());
        async move { token.cancel_query(tls).await.map_err(driver_failure) }
    }

    /// Says goodbye.
    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        let Self { client, link, statements, .. } = self;
        drop((client, statements));
        link.end().await
    }
}

/// The bytes of a cell, of whatever type.
struct Raw<'r>(&'r [u8]);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, bytes: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
