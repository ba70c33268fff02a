//! All events, stream by stream, a page at a time.

use entity::event;
use sea_orm::{FromQueryResult as _, IdenStatic as _, Iterable as _};
use uuid::Uuid;

use crate::database::DatabaseError;
use crate::write_transaction::Inspection;

/// How far a walk through all events has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// The events so far.
    pub events: u64,
    /// All events that there are.
    pub total: u64,
}

/// A walk through all events in the order of their streams and versions.
pub(super) struct Walk<'i> {
    inspection: &'i Inspection,
    after: (Uuid, i32),
    pub(super) walked: Walked,
}

/// Few enough that their text is held at once, many enough that the statements cost nothing beside them.
const PAGE: usize = 2000;

impl<'i> Walk<'i> {
    pub(super) async fn begin(inspection: &'i Inspection) -> Result<Self, DatabaseError> {
        let rows = inspection.query(|_| "SELECT count(*) FROM events".to_owned()).await?;
        let total: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let walked = Walked { events: 0, total: u64::try_from(total).unwrap_or_default() };
        Ok(Self { inspection, after: (Uuid::nil(), 0), walked })
    }

    /// The next events; none at the end.
    pub(super) async fn next_page(&mut self) -> Result<Vec<event::Model>, DatabaseError> {
        let columns: Vec<_> = event::Column::iter().map(|column| column.as_str()).collect();
        let rows = self.inspection.query(|parameters| {
            let (id, version) = (parameters.add(self.after.0), parameters.add(self.after.1));
            format!(
                "SELECT {} FROM events WHERE (aggregate_id, version) > ({id}, {version}) \
                 ORDER BY aggregate_id, version LIMIT {PAGE}",
                columns.join(", ")
            )
        });
        let rows = rows.await?;
        let events = rows.iter().map(|row| event::Model::from_query_result(row, ""));
        let events: Vec<_> = events.collect::<Result<_, _>>()?;
        if let Some(last) = events.last() {
            self.after = (last.aggregate_id, last.version);
            self.walked.events += events.len() as u64;
        }
        Ok(events)
    }
}
