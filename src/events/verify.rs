//! Whether the record is as it was written: every stream is gone through, and every row compared with what its events make
//! of it.
//!
//! **Invariant:** of a record that was tampered with, the first fault in the order of ids and versions is named. (Whoever can
//! make a stream's hashes anew from the fault on, and its row, leaves none: keep the hash of a stream's last event elsewhere.)

use std::collections::HashMap;

use entity::event;
use uuid::Uuid;

use super::any_row::{AnyRow, describe};
use super::walk::{Walk, Walked};
use super::{Hash, NO_EVENT, hash_of};
use crate::database::row_set::{CellType, RowSet};
use crate::database::{Database, DatabaseError};
use crate::write_transaction::{Inspection, Others};

/// What was gone through, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many events were gone through.
    pub events: u64,
    /// How many streams.
    pub streams: u64,
    /// What is wrong first; nothing where the record is as it was written.
    pub fault: Option<Fault>,
}

/// Something that was not written by us.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {done}: {reason}")]
pub struct Fault {
    /// What was tampered with: `event 3 of feature_… (position 17)`, `the row of feature_…`.
    pub what: String,
    /// What was done to it.
    pub done: Tampering,
    /// How it shows.
    pub reason: String,
}

/// What was done to a row of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// It says something else.
    Changed,
    /// It is not there any more.
    Removed,
    /// It should not be there.
    Inserted,
}

impl std::fmt::Display for Tampering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Changed => "was changed",
            Self::Removed => "was removed",
            Self::Inserted => "was inserted",
        })
    }
}

/// Goes through all streams, as of one moment; others may write meanwhile. `progress` is told after each page of events.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(database: &Database, progress: impl Fn(Walked)) -> Result<Verified, DatabaseError> {
    let inspection = Inspection::begin(database, Others::MayWrite).await?;
    let verified = verify_in(&inspection, progress).await;
    inspection.roll_back().await?;
    verified
}

/// [`verify`], within a transaction.
pub(crate) async fn verify_in(inspection: &Inspection, progress: impl Fn(Walked)) -> Result<Verified, DatabaseError> {
    let mut walk = Walk::begin(inspection).await?;
    let (mut open, mut streams): (Option<Stream>, u64) = (None, 0);
    loop {
        let page = walk.next_page().await?;
        let is_last = page.is_empty();
        let (mut ended, mut broken) = (Vec::new(), None);
        for event in page {
            if let Some(stream) = open.take_if(|stream| stream.id != event.aggregate_id) {
                ended.push(stream);
            }
            let stream = open.get_or_insert_with(|| Stream::of(&event));
            if let Err(fault) = stream.add(&event) {
                broken = Some((event, fault));
                break;
            }
        }
        if is_last {
            ended.extend(open.take());
        }
        streams += ended.len() as u64;
        let fault = match find_row_fault(inspection, &ended).await? {
            Some(fault) => Some(fault),
            None => match broken {
                Some((event, reason)) => Some(explain(inspection, &event, reason).await?),
                None if is_last => find_row_without_events(inspection).await?,
                None => None,
            },
        };
        progress(walk.walked);
        if is_last || fault.is_some() {
            return Ok(Verified { events: walk.walked.events, streams, fault });
        }
    }
}

/// The stream of one aggregate, as far as it was read.
struct Stream {
    id: Uuid,
    kind: String,
    version: i32,
    hash: Hash,
    row: Option<AnyRow>,
}

/// Why an event does not follow the one before it.
enum Reason {
    Missing(i32),
    Misfit(String),
}

impl Stream {
    fn of(event: &event::Model) -> Self {
        let (id, kind) = (event.aggregate_id, event.aggregate_type.clone());
        Self { id, kind, version: 0, hash: NO_EVENT, row: None }
    }

    fn add(&mut self, event: &event::Model) -> Result<(), Reason> {
        if event.version != self.version + 1 {
            return Err(Reason::Missing(self.version + 1));
        }
        let hash = hash_of(event, &self.hash);
        if event.hash != hash {
            return Err(Reason::Misfit("its hash is not that of what it says and what was before it".to_owned()));
        }
        if event.aggregate_type != self.kind {
            return Err(Reason::Misfit(format!(
                "it is of a {}, in the stream of a {}",
                event.aggregate_type, self.kind
            )));
        }
        if self.row.as_ref().is_some_and(|row| event.created_at < row.stamp().updated_at) {
            return Err(Reason::Misfit("it happened before the event before it".to_owned()));
        }
        self.row = AnyRow::apply(self.row.as_ref(), event).map_err(|error| Reason::Misfit(error.to_string()))?;
        (self.version, self.hash) = (event.version, hash);
        Ok(())
    }

    /// What is wrong with the row that the stream should have made.
    fn check(&self, row: Option<&AnyRow>) -> Option<Fault> {
        let name = describe(&self.kind, self.id);
        let version = row.map_or(0, |row| row.stamp().version);
        let of_row = |done, reason: String| Some(Fault { what: format!("the row of {name}"), done, reason });
        let of_event =
            |number, done, reason: String| Some(Fault { what: format!("event {number} of {name}"), done, reason });
        match (row, &self.row) {
            (Some(row), Some(expected)) if row == expected => None,
            (None, None) => None,
            (Some(_), _) if version > self.version => {
                of_event(self.version + 1, Tampering::Removed, format!("the row has version {version}"))
            }
            (Some(_), None) => of_row(Tampering::Inserted, format!("event {} has ended it", self.version)),
            (Some(_), Some(_)) if version < self.version => {
                of_event(version + 1, Tampering::Inserted, format!("the row has version {version}"))
            }
            (Some(row), Some(expected)) => {
                let fields = match row.differences(expected) {
                    fields if fields.is_empty() => "times".to_owned(),
                    fields => fields.join(", "),
                };
                of_row(Tampering::Changed, format!("its events say something else of: {fields}"))
            }
            (None, Some(_)) => of_row(Tampering::Removed, format!("none of its {} events has ended it", self.version)),
        }
    }
}

/// Compares the rows of streams that were read to their ends, and gives the first fault.
async fn find_row_fault(inspection: &Inspection, ended: &[Stream]) -> Result<Option<Fault>, DatabaseError> {
    let mut rows: HashMap<Uuid, AnyRow> = HashMap::new();
    for table in AnyRow::tables() {
        let mut wanted = RowSet::new(vec![("id", CellType::Id)]);
        ended.iter().filter(|stream| stream.kind == table.kind).for_each(|stream| wanted.push([stream.id.into()]));
        if wanted.is_empty() {
            continue;
        }
        let columns: Vec<_> = table.columns.iter().map(|column| format!("t.{column}")).collect();
        let found = inspection.query(|parameters| {
            let wanted = parameters.add_rows(wanted);
            format!("SELECT {} FROM {} t JOIN {wanted} ON d.id = t.id", columns.join(", "), table.name)
        });
        for row in found.await? {
            let row = AnyRow::read(table.kind, &row)?;
            rows.extend(row.map(|row| (row.stamp().id, row)));
        }
    }
    Ok(ended.iter().find_map(|stream| stream.check(rows.get(&stream.id))))
}

/// What was done where an event does not follow the one before it.
async fn explain(inspection: &Inspection, event: &event::Model, reason: Reason) -> Result<Fault, DatabaseError> {
    let name = describe(&event.aggregate_type, event.aggregate_id);
    let reason = match reason {
        Reason::Missing(version) => {
            let what = format!("event {version} of {name}");
            return Ok(Fault { what, done: Tampering::Removed, reason: format!("event {} follows", event.version) });
        }
        Reason::Misfit(reason) => reason,
    };
    let what = format!("event {} of {name} (position {})", event.version, event.position);
    let table = AnyRow::tables().into_iter().find(|table| table.kind == event.aggregate_type);
    let Some(table) = table else { return Ok(Fault { what, done: Tampering::Changed, reason }) };
    let row = inspection.query(|parameters| {
        let id = parameters.add(event.aggregate_id);
        format!("SELECT row_version FROM {} WHERE id = {id}", table.name)
    });
    let row: Option<i32> = row.await?.first().map(|row| row.try_get_by_index(0)).transpose()?;
    // Nothing in the record knows of it: what was written has left the row in its version.
    let is_known = match row {
        Some(version) => event.version <= version,
        None => has_ended_after(inspection, event).await?,
    };
    let done = if is_known { Tampering::Changed } else { Tampering::Inserted };
    Ok(Fault { what, done, reason })
}

/// Whether an event that ends the aggregate stands at this event's place or after it.
async fn has_ended_after(inspection: &Inspection, event: &event::Model) -> Result<bool, DatabaseError> {
    let rows = inspection.query(|parameters| {
        let (id, version) = (parameters.add(event.aggregate_id), parameters.add(event.version));
        format!(
            "SELECT event_type FROM events WHERE aggregate_id = {id} AND version >= {version} ORDER BY version DESC LIMIT 1"
        )
    });
    let last: Option<String> = rows.await?.first().map(|row| row.try_get_by_index(0)).transpose()?;
    let verb = last.as_deref().and_then(|last| last.rsplit_once('.')).map(|(_, verb)| verb);
    Ok(matches!(verb, Some("delete" | "purge")))
}

/// A row that no event has made.
async fn find_row_without_events(inspection: &Inspection) -> Result<Option<Fault>, DatabaseError> {
    for table in AnyRow::tables() {
        let rows = inspection.query(|_| {
            format!(
                "SELECT t.id FROM {} t WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.aggregate_id = t.id) \
                 ORDER BY t.id LIMIT 1",
                table.name
            )
        });
        if let Some(row) = rows.await?.first() {
            let what = format!("the row of {}", describe(table.kind, row.try_get_by_index(0)?));
            let reason = "it has no events, unless all of them were removed".to_owned();
            return Ok(Some(Fault { what, done: Tampering::Inserted, reason }));
        }
    }
    Ok(None)
}
