//! The statements of the queue: what is to be sent to a webhook, in which order, and what came of it.
//!
//! **Invariant:** rows are put in before the place is moved on, and putting in what is there does nothing: whatever stops it in between, and
//! whoever goes on, each event is queued once. No statement here needs another one's transaction.

use chrono::{DateTime, Utc};
use entity::webhook::{self, WebhookStatus};
use entity::{event, webhook_delivery};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, FromQueryResult as _, QueryFilter as _, Statement,
};
use uuid::{NoContext, Timestamp, Uuid};

use crate::access::Caller;
use crate::clock;
use crate::database::row_set::{CellType, RowSet};
use crate::database::{Database, DatabaseError, Parameters};
use crate::encryption::sealed;
use crate::events::{Position, Topic, events_after};

/// A webhook, as it is to be served.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) project: Uuid,
    pub(super) status: WebhookStatus,
    /// As [`Secrets`](crate::encryption::Secrets) opens them.
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) types: Option<String>,
    /// Up to where events are queued.
    pub(super) queued: Position,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) at: DateTime<Utc>,
    pub(super) duration_ms: i32,
    pub(super) status_code: Option<i32>,
    pub(super) error: Option<String>,
    pub(super) next: Next,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The receiver has taken it.
    Delivered,
    /// It is tried again then.
    Again(DateTime<Utc>),
    /// It is given up.
    GivenUp,
}

/// The most that waits for a webhook: what happens beyond it is queued when there is room.
const MOST_PENDING: i64 = 5000;
/// How many events are queued at once.
const EVENTS: u32 = 500;
/// How many rows are swept away at once.
const SWEPT: u32 = 5000;

/// The webhooks that events are sent to, and their projects.
pub(super) async fn active(database: &Database) -> Result<Vec<(Uuid, Uuid)>, DatabaseError> {
    let sql = "SELECT id, project_id FROM webhooks WHERE status = 'active'";
    let rows = database.reader().query_all_raw(Statement::from_string(database.backend(), sql)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Gives a webhook a place among the events, if it has none: that of its own first one.
pub(super) async fn begin(database: &Database, webhook: Uuid) -> Result<(), DatabaseError> {
    let statement = Parameters::statement(database.backend(), |parameters| {
        format!(
            "INSERT INTO webhook_queues (webhook_id, transaction_id, position) \
             SELECT aggregate_id, transaction_id, position FROM events WHERE aggregate_id = {} AND version = 1 \
             ON CONFLICT (webhook_id) DO NOTHING",
            parameters.add(webhook)
        )
    });
    database.writer().execute_raw(statement).await?;
    Ok(())
}

/// The webhook as it is now; none where it is gone.
pub(super) async fn read(database: &Database, webhook: Uuid) -> Result<Option<Served>, DatabaseError> {
    let sight = Caller::program().sight(database.backend());
    let own = |column| Expr::col((webhook::Entity, column));
    let seal = |column| sealed(&sight, own(column), own(webhook::Column::ProjectId));
    let queue = |column: &'static str| Expr::col(("webhook_queues", column));
    let select = Query::select()
        .exprs([own(webhook::Column::ProjectId), own(webhook::Column::Status), own(webhook::Column::Types)])
        .exprs([seal(webhook::Column::Url), seal(webhook::Column::Secret)])
        .exprs([queue("transaction_id"), queue("position")])
        .from(webhook::Entity)
        .inner_join("webhook_queues", queue("webhook_id").eq(own(webhook::Column::Id)))
        .and_where(own(webhook::Column::Id).eq(webhook))
        .take();
    let Some(row) = database.reader().query_one(&select).await? else { return Ok(None) };
    Ok(Some(Served {
        project: row.try_get_by_index(0)?,
        status: row.try_get_by_index(1)?,
        types: row.try_get_by_index(2)?,
        url: row.try_get_by_index(3)?,
        secret: row.try_get_by_index(4)?,
        queued: Position { transaction_id: row.try_get_by_index(5)?, position: row.try_get_by_index(6)? },
    }))
}

/// Queues events of a topic after the place that has been reached. Whether there was no room for all of them.
pub(super) async fn fill(
    database: &Database,
    webhook: Uuid,
    topic: &Topic,
    mut after: Position,
) -> Result<bool, DatabaseError> {
    loop {
        if count_pending(database, webhook).await? >= MOST_PENDING {
            return Ok(true);
        }
        let events = events_after(database.reader(), after, topic, EVENTS).await?;
        let Some(last) = events.last() else { return Ok(false) };
        after = Position::of(last);
        put_in(database, webhook, &events).await?;
        move_on(database, webhook, after).await?;
        if u32::try_from(events.len()).is_ok_and(|length| length < EVENTS) {
            return Ok(false);
        }
    }
}

async fn put_in(database: &Database, webhook: Uuid, events: &[event::Model]) -> Result<(), DatabaseError> {
    let now = clock::now();
    let columns = [
        ("id", CellType::Id),
        ("webhook_id", CellType::Id),
        ("event_id", CellType::Id),
        ("aggregate_id", CellType::Id),
        ("transaction_id", CellType::Long),
        ("position", CellType::Long),
        ("next_attempt_at", CellType::Time),
        ("created_at", CellType::Time),
    ];
    let mut rows = RowSet::new(columns.to_vec());
    for event in events {
        let ids = [Uuid::now_v7(), webhook, event.id, event.aggregate_id].map(sea_orm::Value::from);
        let place = [event.transaction_id.into(), event.position.into(), now.into(), now.into()];
        rows.push(ids.into_iter().chain(place));
    }
    let columns = rows.column_names();
    let statement = Parameters::statement(database.backend(), |parameters| {
        let rows = parameters.add_rows(rows);
        // Without a condition SQLite takes the `ON` of the conflict for that of a join.
        format!(
            "INSERT INTO webhook_deliveries ({columns}) SELECT {columns} FROM {rows} WHERE true \
             ON CONFLICT (webhook_id, event_id) DO NOTHING"
        )
    });
    database.writer().execute_raw(statement).await?;
    Ok(())
}

async fn move_on(database: &Database, webhook: Uuid, reached: Position) -> Result<(), DatabaseError> {
    let statement = Parameters::statement(database.backend(), |parameters| {
        let (transaction_id, position) = (parameters.add(reached.transaction_id), parameters.add(reached.position));
        let webhook = parameters.add(webhook);
        format!(
            "UPDATE webhook_queues SET transaction_id = {transaction_id}, position = {position} WHERE webhook_id = {webhook}"
        )
    });
    database.writer().execute_raw(statement).await?;
    Ok(())
}

async fn count_pending(database: &Database, webhook: Uuid) -> Result<i64, DatabaseError> {
    let statement = Parameters::statement(database.backend(), |parameters| {
        let webhook = parameters.add(webhook);
        format!("SELECT count(*) FROM webhook_deliveries WHERE webhook_id = {webhook} AND status = 'pending'")
    });
    let row = database.reader().query_one_raw(statement).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

/// Of what waits, the first of each object, what is due first at first.
pub(super) async fn heads(
    database: &Database,
    webhook: Uuid,
    limit: usize,
) -> Result<Vec<webhook_delivery::Model>, DatabaseError> {
    let statement = Parameters::statement(database.backend(), |parameters| {
        let webhook = parameters.add(webhook);
        format!(
            "SELECT d.* FROM webhook_deliveries d WHERE d.webhook_id = {webhook} AND d.status = 'pending' \
             AND NOT EXISTS (SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id \
             AND e.aggregate_id = d.aggregate_id AND e.status = 'pending' \
             AND (e.transaction_id, e.position) < (d.transaction_id, d.position)) \
             ORDER BY d.next_attempt_at, d.transaction_id, d.position LIMIT {limit}"
        )
    });
    let rows = database.reader().query_all_raw(statement).await?;
    let heads = rows.iter().map(|row| webhook_delivery::Model::from_query_result(row, ""));
    Ok(heads.collect::<Result<_, _>>()?)
}

/// The events of deliveries.
pub(super) async fn events(database: &Database, ids: Vec<Uuid>) -> Result<Vec<event::Model>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(event::Entity::find().filter(event::Column::Id.is_in(ids)).all(database.reader()).await?)
}

/// Notes what came of an attempt. Of what was given up or taken meanwhile nothing is changed.
pub(super) async fn note(database: &Database, delivery: Uuid, noted: &Noted) -> Result<(), DatabaseError> {
    let (status, next, delivered_at) = match noted.next {
        Next::Delivered => ("delivered", None, Some(noted.at)),
        Next::Again(at) => ("pending", Some(at), None),
        Next::GivenUp => ("failed", None, None),
    };
    let statement = Parameters::statement(database.backend(), |parameters| {
        let status = parameters.add(status);
        let (first, last) = (parameters.add(noted.at), parameters.add(noted.at));
        let (next, code) = (parameters.add(next), parameters.add(noted.status_code));
        let (error, duration) = (parameters.add(noted.error.clone()), parameters.add(noted.duration_ms));
        let (delivered_at, id) = (parameters.add(delivered_at), parameters.add(delivery));
        format!(
            "UPDATE webhook_deliveries SET status = {status}, attempts = attempts + 1, \
             first_attempt_at = coalesce(first_attempt_at, {first}), last_attempt_at = {last}, next_attempt_at = {next}, \
             last_status_code = {code}, last_error = {error}, last_duration_ms = {duration}, \
             delivered_at = coalesce({delivered_at}, delivered_at) WHERE id = {id} AND status = 'pending'"
        )
    });
    database.writer().execute_raw(statement).await?;
    Ok(())
}

/// Whether the receiver has taken anything since then.
pub(super) async fn has_taken_since(
    database: &Database,
    webhook: Uuid,
    since: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let statement = Parameters::statement(database.backend(), |parameters| {
        let (webhook, since) = (parameters.add(webhook), parameters.add(since));
        format!(
            "SELECT 1 FROM webhook_deliveries WHERE webhook_id = {webhook} AND status = 'delivered' \
             AND delivered_at > {since} LIMIT 1"
        )
    });
    Ok(database.reader().query_one_raw(statement).await?.is_some())
}

/// Sweeps away what came to its end before then, and all that belongs to webhooks that are gone.
pub(super) async fn sweep(database: &Database, before: DateTime<Utc>) -> Result<(), DatabaseError> {
    let backend = database.backend();
    let seconds = u64::try_from(before.timestamp()).unwrap_or_default();
    // Ids sort by creation.
    let oldest_kept = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
    loop {
        let statement = Parameters::statement(backend, |parameters| {
            let oldest_kept = parameters.add(oldest_kept);
            format!(
                "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE id < {oldest_kept} \
                 AND status <> 'pending' ORDER BY id LIMIT {SWEPT})"
            )
        });
        if database.writer().execute_raw(statement).await?.rows_affected() < u64::from(SWEPT) {
            break;
        }
    }
    let sql = "SELECT q.webhook_id FROM webhook_queues q WHERE NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = q.webhook_id)";
    for row in database.reader().query_all_raw(Statement::from_string(backend, sql)).await? {
        forget(database, row.try_get_by_index(0)?).await?;
    }
    Ok(())
}

async fn forget(database: &Database, webhook: Uuid) -> Result<(), DatabaseError> {
    for table in ["webhook_deliveries", "webhook_queues"] {
        let statement = Parameters::statement(database.backend(), |parameters| {
            format!("DELETE FROM {table} WHERE webhook_id = {}", parameters.add(webhook))
        });
        database.writer().execute_raw(statement).await?;
    }
    Ok(())
}
