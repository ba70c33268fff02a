//! One connection to PostgreSQL, for statements that are a transaction each; for [`super::statement_pool`] alone.
//!
//! sqlx makes a stream of futures around each row, and `tokio-postgres` allocates for each (docs/decisions/0022, 0024): so the messages of a
//! statement are read here, in place. Where to connect, and how, is what sqlx made of the URL and of the environment
//! ([`options`]), so that both connect alike; the start of a connection is left to `tokio-postgres`.
//!
//! **Invariant:** the answers to a statement whose future was dropped are taken for those of no other one: whoever reads next is
//! refused, until [`PostgresConnection::settle`] has waited for all of them.

mod failure;
mod line;
mod messages;
mod options;
mod received;
mod socket;
mod tls;
mod wire;

use std::sync::Arc;

use hashlink::LruCache;
use postgres_protocol::message::backend;
use postgres_protocol::message::frontend;
use sea_orm::{Values, sqlx};
use serde_json::Value;
use tokio_postgres::CancelToken;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::failure::{driver_failure, malformed, too_large, unsayable};
use self::line::{Line, Place, Securing};
use self::messages::{copy_row, read_count};
pub(super) use self::options::PostgresServer;
use self::wire::{Malformed, Wire};
use super::connect::PREPARED_STATEMENTS;
use super::row::{Copied, Row};

/// A connection.
pub(super) struct PostgresConnection {
    wire: Wire,
    statements: LruCache<Arc<str>, Prepared>,
    /// How many statements were prepared so far.
    prepared: u64,
    canceller: Canceller,
}

/// A statement that the server keeps.
struct Prepared {
    name: String,
    /// How many columns its rows have.
    width: usize,
}

/// What asks the server to cancel what a connection runs.
#[derive(Clone)]
struct Canceller {
    token: CancelToken,
    place: Place,
    host: String,
    tls: MakeRustlsConnect,
}

impl PostgresConnection {
    pub(super) async fn open(server: &PostgresServer) -> Result<Self, sqlx::Error> {
        let tls = server.secured().await?;
        let host = server.host();
        let (line, place) = Line::open(server.place()).await?;
        let securing = Securing::new(&tls, host);
        let secured = securing.secured();
        let begun = server.config().connect_raw(line.clone(), securing).await;
        let (client, connection) = begun.map_err(driver_failure)?;
        let canceller = Canceller { token: client.cancel_token(), place, host: host.to_owned(), tls };
        // From here on it is spoken to without them; neither says goodbye.
        drop((client, connection));
        let wire = Wire::new(secured.get().cloned().unwrap_or(line));
        Ok(Self { wire, statements: LruCache::new(PREPARED_STATEMENTS), prepared: 0, canceller })
    }

    /// Whether the server has ended it, or it failed.
    pub(super) fn has_ended(&self) -> bool {
        self.wire.has_ended()
    }

    /// Whether the server has not ended it, as far as it was heard of by now.
    pub(super) fn is_standing(&mut self) -> bool {
        self.wire.listen();
        !self.has_ended()
    }

    /// Runs a statement, which stays prepared, and gives its rows.
    pub(super) async fn run(&mut self, sql: &Arc<str>, values: &Values) -> Result<Vec<Row>, sqlx::Error> {
        self.wire.expect_silence()?;
        let Some(Prepared { name, width }) = self.statements.get(&**sql) else {
            // Apart: it is seldom needed, and each statement would carry it along.
            return Box::pin(self.prepare_and_run(sql, values)).await;
        };
        self.wire.ask(|out| messages::run(name, values, out)).map_err(unsayable)?;
        let mut copied = Copied::new(*width);
        let rows = self.wire.exchange(|message| match message.tag {
            backend::DATA_ROW_TAG => copy_row(message.body, &mut copied),
            _ => Ok(()),
        });
        rows.await?;
        copied.into_rows().map_err(too_large)
    }

    /// The same for a statement that is not prepared: all of it goes in one message, and comes in one answer.
    async fn prepare_and_run(&mut self, sql: &Arc<str>, values: &Values) -> Result<Vec<Row>, sqlx::Error> {
        self.make_room()?;
        let name = format!("s{}", self.prepared);
        self.prepared += 1;
        self.wire.ask(|out| messages::prepare_and_run(&name, sql, values, out)).map_err(unsayable)?;
        let mut is_prepared = false;
        let mut copied = None;
        let answer = self.wire.exchange(|message| {
            match message.tag {
                backend::PARSE_COMPLETE_TAG => is_prepared = true,
                backend::ROW_DESCRIPTION_TAG => copied = Some(Copied::new(read_count(message.body)?.0)),
                backend::NO_DATA_TAG => copied = Some(Copied::new(0)),
                backend::DATA_ROW_TAG => copy_row(message.body, copied.as_mut().ok_or(Malformed)?)?,
                _ => {}
            }
            Ok(())
        });
        let answer = answer.await;
        // Where it fails when it is run, it is prepared all the same.
        if let Some(copied) = copied.as_ref().filter(|_| is_prepared) {
            self.statements.insert(Arc::clone(sql), Prepared { name, width: copied.width() });
        }
        answer?;
        copied.ok_or(Malformed).map_err(malformed)?.into_rows().map_err(too_large)
    }

    /// Forgets the statement that nobody has asked for the longest, where there are as many as are kept.
    fn make_room(&mut self) -> Result<(), sqlx::Error> {
        if self.statements.len() == PREPARED_STATEMENTS
            && let Some((_, Prepared { name, .. })) = self.statements.remove_lru()
        {
            self.wire.put(|out| frontend::close(b'S', &name, out))?;
        }
        Ok(())
    }

    /// Runs a statement that gives one cell of JSON, in a transaction that cannot write, whatever the statement is.
    pub(super) async fn read_json(&mut self, sql: &str, values: &Values) -> Result<Value, sqlx::Error> {
        self.wire.expect_silence()?;
        // Nothing else is said before it has begun.
        self.wire.ask(|out| frontend::query("BEGIN READ ONLY", out))?;
        self.wire.exchange(|_| Ok(())).await?;
        self.wire.ask(|out| messages::prepare_and_run("", sql, values, out)).map_err(unsayable)?;
        self.wire.ask(|out| frontend::query("ROLLBACK", out))?;
        let mut copied = Copied::new(1);
        let answer = self.wire.exchange(|message| match message.tag {
            backend::DATA_ROW_TAG => copy_row(message.body, &mut copied),
            _ => Ok(()),
        });
        answer.await?;
        let rows = copied.into_rows().map_err(too_large)?;
        let json = rows.first().and_then(|row| row.utf8(0).ok().flatten());
        json.map_or(Ok(Value::Null), |json| serde_json::from_slice(json).map_err(|_| malformed(Malformed)))
    }

    /// Asks whether it still stands, and so waits until the statement before it has ended, well or not.
    pub(super) async fn settle(&mut self) -> Result<(), sqlx::Error> {
        self.wire.ask(|out| {
            frontend::sync(out);
            Ok::<_, sqlx::Error>(())
        })?;
        match self.wire.exchange(|_| Ok(())).await {
            Err(sqlx::Error::Database(_)) if !self.has_ended() => Ok(()),
            settled => settled,
        }
    }

    /// Asks the server, over a connection of its own, to cancel the statement that runs. A request that overtakes its
    /// statement cancels nothing.
    pub(super) fn cancel(&self) -> impl Future<Output = Result<(), sqlx::Error>> + use<> {
        let Canceller { token, place, host, tls } = self.canceller.clone();
        async move {
            let (line, _) = Line::open(&place).await?;
            token.cancel_query_raw(line, Securing::new(&tls, &host)).await.map_err(driver_failure)
        }
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) -> Result<(), sqlx::Error> {
        self.wire.put(|out| {
            frontend::terminate(out);
            Ok::<_, sqlx::Error>(())
        })?;
        Ok(self.wire.close().await?)
    }
}
