//! Asks each server again and again what it is and where: each in a task of its own, on a connection of its own, so that neither a busy
//! pool nor a dead neighbour keeps the answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, Connection as _, PgConnection};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::All;
use super::known::{Known, Role, ask};
use super::server::Server;
use crate::database::WalPosition;

/// How often a server is asked while nobody waits for its answer.
const EVERY: Duration = Duration::from_millis(200);
/// How long it has to answer. One that takes longer counts as lost, and queries go elsewhere.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// The least time between two questions, however many wait.
const PAUSE: Duration = Duration::from_millis(2);

/// The tasks, which end with the value.
pub(super) struct Watching(Vec<AbortHandle>);

impl Watching {
    pub(super) fn begin(all: &Arc<All>) -> Self {
        // One server is what it is.
        let places = if all.servers.len() > 1 { 0..all.servers.len() } else { 0..0 };
        Self(places.map(|place| tokio::spawn(watch(Arc::clone(all), place)).abort_handle()).collect())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

async fn watch(all: Arc<All>, place: usize) {
    let server = &all.servers[place];
    let mut connection = None;
    loop {
        let had_one = connection.is_some();
        let mut answer = timeout(ANSWERS_WITHIN, ask_through(&mut connection, &server.options)).await;
        // A connection may end where the server does not.
        if had_one && matches!(answer, Ok(Err(_))) {
            answer = timeout(ANSWERS_WITHIN, ask_through(&mut connection, &server.options)).await;
        }
        let known = match answer {
            Ok(Ok((role, position))) => {
                let is_primary = matches!(role, Role::Primary { .. });
                Known {
                    is_asked: true,
                    role: Some(role),
                    position,
                    lag: if is_primary { Duration::ZERO } else { all.history.lag_at(position) },
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, server = server.number(), "a server does not answer");
                Known { is_asked: true, role: None, ..server.known() }
            }
            Err(_) => Known { is_asked: true, role: None, ..server.known() },
        };
        tell(server, known);
        all.elect();
        if std::ptr::eq(all.primary(), server) && known.role.is_some() {
            all.history.add(known.position);
        }
        sleep(PAUSE).await;
        let _ = timeout(EVERY, server.hurry.notified()).await;
    }
}

/// Asks on the connection that is there, or else on a new one, which is kept where it has answered.
async fn ask_through(
    connection: &mut Option<PgConnection>,
    options: &PgConnectOptions,
) -> Result<(Role, WalPosition), sqlx::Error> {
    // A question that was left in the middle has taken its connection with it.
    let mut open = match connection.take() {
        Some(open) => open,
        None => PgConnection::connect_with(options).await?,
    };
    let answer = ask(&mut open).await?;
    *connection = Some(open);
    Ok(answer)
}

/// Keeps what a server has said. What has changed is worth a line of the log.
fn tell(server: &Server, known: Known) {
    let server_number = server.number();
    if !server.learn(known) {
        return;
    }
    match known.role {
        None => tracing::warn!(server = server_number, "a database server does not answer"),
        Some(Role::Primary { timeline }) => {
            tracing::info!(server = server_number, timeline, "a database server takes writes");
        }
        Some(Role::Replica) => {
            tracing::info!(server = server_number, "a database server replays what another one writes");
        }
    }
}

/// The place of the server that takes writes now, of those that answer in time.
pub(in crate::database) async fn find_primary(options: &[PgConnectOptions], within: Duration) -> Option<usize> {
    let answers = join_all(options.iter().map(async |options| {
        let asked = timeout(within, ask_through(&mut None, options)).await;
        match asked {
            Ok(Ok((Role::Primary { timeline }, _))) => Some(timeline),
            _ => None,
        }
    }));
    let answers = answers.await.into_iter().enumerate();
    // Of several it is the one that was promoted last, and of equals the first.
    let primaries = answers.filter_map(|(place, timeline)| Some((timeline?, std::cmp::Reverse(place))));
    primaries.max().map(|(_, std::cmp::Reverse(place))| place)
}
