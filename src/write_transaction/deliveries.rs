//! What waits to be sent to webhooks, as a command changes it. Deliveries are no aggregates: that somebody asked for one again is an event
//! of its webhook.

use std::collections::HashMap;

use uuid::Uuid;

use super::session::Session;
use crate::database::row_set::RowSet;
use crate::database::{Batch, DatabaseError, Parameters};

/// The deliveries that a session has read, and what is to become of them.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// The webhook of each.
    webhooks: HashMap<Uuid, Uuid>,
    /// Those that are sent again, whatever came of them.
    sent_again: Vec<Uuid>,
    /// The webhooks of which all that wait are tried at once.
    retried: Vec<Uuid>,
}

impl Session<'_> {
    /// Reads deliveries. Whatever is not there is not there afterwards.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load_deliveries(&mut self, ids: impl IntoIterator<Item = Uuid>) -> Result<(), DatabaseError> {
        let wanted = RowSet::of_ids("id", ids);
        if wanted.is_empty() {
            return Ok(());
        }
        let statement = Parameters::statement(self.connection.backend(), |parameters| {
            let wanted = parameters.add_rows(wanted);
            format!("SELECT t.id, t.webhook_id FROM {wanted} JOIN webhook_deliveries t ON t.id = d.id")
        });
        for row in self.connection.query_all(statement).await? {
            self.deliveries.webhooks.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
        Ok(())
    }

    /// The webhook of a delivery, if that was read.
    #[must_use]
    pub fn webhook_of(&self, delivery: Uuid) -> Option<Uuid> {
        self.deliveries.webhooks.get(&delivery).copied()
    }

    /// Sends an event again, whatever came of it before.
    pub fn send_again(&mut self, delivery: Uuid) {
        self.deliveries.sent_again.push(delivery);
    }

    /// Lets all that waits for a webhook be tried at once.
    pub fn retry_deliveries(&mut self, webhook: Uuid) {
        self.deliveries.retried.push(webhook);
    }
}

/// Writes what is to become of them.
pub(super) fn write(batch: &mut Batch, session: &Session<'_>) {
    let Deliveries { sent_again, retried, .. } = &session.deliveries;
    if !sent_again.is_empty() {
        let rows = RowSet::of_ids("id", sent_again.iter().copied());
        batch.add(|parameters| {
            let now = parameters.add(session.now);
            format!(
                "UPDATE webhook_deliveries SET status = 'pending', attempts = 0, first_attempt_at = NULL, next_attempt_at = {now} \
                 WHERE id IN (SELECT d.id FROM {})",
                parameters.add_rows(rows)
            )
        });
    }
    if !retried.is_empty() {
        let rows = RowSet::of_ids("id", retried.iter().copied());
        batch.add(|parameters| {
            let now = parameters.add(session.now);
            format!(
                "UPDATE webhook_deliveries SET attempts = 0, first_attempt_at = NULL, next_attempt_at = {now} \
                 WHERE status = 'pending' AND webhook_id IN (SELECT d.id FROM {})",
                parameters.add_rows(rows)
            )
        });
    }
}
