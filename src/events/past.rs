//! Aggregates as they were: from their events, never from their rows.
//!
//! **Invariant:** what is read does not grow with the stream: it begins at the latest snapshot before the moment that is
//! asked for, and ends there, or at the next snapshot.

use chrono::{DateTime, Utc};
use entity::event::{self, Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult as _, Iterable as _, QueryResult};
use uuid::Uuid;

use super::{Aggregate, Snapshot, apply_event, reads};
use crate::access::Caller;
use crate::clock::whole_microseconds;
use crate::database::{Database, DatabaseError, Parameters};

/// A moment in the life of an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After the event with this version.
    Version(i32),
    /// At this time: after the last event that had happened by then.
    Time(DateTime<Utc>),
}

/// The state of an aggregate at a moment; nothing where there was none yet, or none any more.
///
/// # Errors
/// When the database does not answer, or the events do not fit each other.
pub async fn state_at<A: Aggregate>(
    database: &Database,
    caller: &Caller,
    id: Uuid,
    moment: Moment,
) -> Result<Option<A::Model>, DatabaseError> {
    let (mut state, since) = match latest_snapshot(database, caller, id, moment).await? {
        None => (None, 0),
        Some((version, state)) => {
            let snapshot: Snapshot = serde_json::from_str(&state).map_err(broken)?;
            (Some(snapshot.into_row::<A>(id, version).map_err(broken)?), version)
        }
    };
    let mut version = since;
    for event in events_after(database, caller, id, since, moment).await? {
        state = apply_event::<A>(state.as_ref(), &event).map_err(broken)?;
        version = event.version;
    }
    Ok(state.filter(|_| !matches!(moment, Moment::Version(wanted) if wanted != version)))
}

/// The version of an aggregate's last event; 0 where there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn last_version(database: &Database, caller: &Caller, id: Uuid) -> Result<i32, DatabaseError> {
    let column = |column| (Entity, column);
    let mut last = reads::visible(&caller.sight(database.backend()));
    last.expr(Expr::col(column(Column::Version)).max()).and_where(Expr::col(column(Column::AggregateId)).eq(id));
    let row = database.reader().query_one_raw(database.backend().build(&last)).await?;
    Ok(row.map(|row| row.try_get_by_index::<Option<i32>>(0)).transpose()?.flatten().unwrap_or_default())
}

/// The latest snapshot by then, of an aggregate whose events the caller may see.
async fn latest_snapshot(
    database: &Database,
    caller: &Caller,
    id: Uuid,
    moment: Moment,
) -> Result<Option<(i32, String)>, DatabaseError> {
    let own = |column: &'static str| Expr::col((SNAPSHOTS, column));
    let event = |column| Expr::col((Entity, column));
    let mut its_event = reads::visible(&caller.sight(database.backend()));
    its_event.expr(Expr::cust("1")).and_where(event(Column::AggregateId).eq(id));
    its_event.and_where(event(Column::Version).eq(own("version")));
    let by_then = match moment {
        Moment::Version(version) => own("version").lte(version),
        Moment::Time(time) => own("created_at").lte(whole_microseconds(time)),
    };
    let mut latest = Query::select();
    latest.columns(["version", "state"].map(|column| (SNAPSHOTS, column))).from(SNAPSHOTS);
    latest.and_where(own("aggregate_id").eq(id)).and_where(by_then).and_where(Expr::exists(its_event));
    latest.order_by((SNAPSHOTS, "version"), Order::Desc).limit(1);
    let row = database.reader().query_one_raw(database.backend().build(&latest)).await?;
    Ok(match row {
        Some(row) => Some((row.try_get_by_index(0)?, row.try_get_by_index(1)?)),
        None => None,
    })
}

/// The table of snapshots.
const SNAPSHOTS: &str = "event_snapshots";

/// The events from a snapshot up to the moment. Times do not go back in a stream, so that the moment is before the next
/// snapshot.
async fn events_after(
    database: &Database,
    caller: &Caller,
    id: Uuid,
    since: i32,
    moment: Moment,
) -> Result<Vec<event::Model>, DatabaseError> {
    let column = |column| Expr::col((Entity, column));
    let mut events = reads::visible(&caller.sight(database.backend()));
    events.columns(Column::iter().map(|column| (Entity, column)));
    events.and_where(column(Column::AggregateId).eq(id)).and_where(column(Column::Version).gt(since));
    events.order_by((Entity, Column::Version), Order::Asc);
    match moment {
        Moment::Version(version) => {
            events.and_where(column(Column::Version).lte(version));
        }
        Moment::Time(time) => {
            let next = query_one(database, |parameters| {
                let (id, since) = (parameters.add(id), parameters.add(since));
                format!("SELECT min(version) FROM event_snapshots WHERE aggregate_id = {id} AND version > {since}")
            });
            let next = next.await?.map(|row| row.try_get_by_index::<Option<i32>>(0)).transpose()?.flatten();
            events.and_where(column(Column::Version).lte(next.unwrap_or(i32::MAX)));
            events.and_where(column(Column::CreatedAt).lte(whole_microseconds(time)));
        }
    }
    let rows = database.reader().query_all_raw(database.backend().build(&events)).await?;
    Ok(rows.iter().map(|row| event::Model::from_query_result(row, "")).collect::<Result<_, _>>()?)
}

async fn query_one(
    database: &Database,
    write: impl FnOnce(&mut Parameters) -> String,
) -> Result<Option<QueryResult>, DatabaseError> {
    Ok(database.reader().query_one_raw(Parameters::statement(database.backend(), write)).await?)
}

/// What was stored does not fit: a fault of ours, or of whoever changed it.
fn broken(error: impl std::fmt::Display) -> DatabaseError {
    DbErr::Custom(error.to_string()).into()
}
