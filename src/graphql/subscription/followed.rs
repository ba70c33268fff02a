//! What is followed: a topic, and what is selected of its events.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Variables;
use entity::event;
use uuid::Uuid;

use super::super::errors::{code_of, finish_error};
use super::super::respond::Answer;
use super::Payload;
use crate::access::Caller;
use crate::batch::{BatchError, LivePlan, PageLimits, Reads};
use crate::code::Code;
use crate::database::Database;
use crate::encryption::KeyRing;
use crate::events::{Position, Topic, events_after, last_position};
use crate::telemetry::Telemetry;

/// What is followed, by whoever asks for the same.
pub(in crate::graphql) struct Followed {
    pub(in crate::graphql) key: FollowedKey,
    pub(in crate::graphql) topic: Topic,
    pub(in crate::graphql) latest_only: bool,
    pub(in crate::graphql) plan: LivePlan,
    pub(in crate::graphql) database: Database,
    pub(in crate::graphql) telemetry: Telemetry,
    pub(in crate::graphql) pages: PageLimits,
    pub(in crate::graphql) key_ring: Arc<KeyRing>,
    pub(in crate::graphql) most_errors: usize,
    /// How many events are answered in one pass, at least one.
    pub(in crate::graphql) most_at_once: usize,
}

/// What makes two subscriptions ask for the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct FollowedKey {
    pub(in crate::graphql) caller: Arc<Caller>,
    document: Arc<str>,
    operation: Option<String>,
    /// But for the one that says from where on.
    variables: String,
}

/// A page of the past.
pub(super) struct Page {
    pub(super) payloads: Vec<Payload>,
    /// The place up to which there is nothing else of the topic.
    pub(super) reached: Position,
    /// Whether there is nothing after it yet.
    pub(super) is_last: bool,
}

/// The most events that are read at a time.
const PAGE_SIZE: u32 = 100;

/// Failures that may pass, so that what could not be read is read again.
const PASSING: [Code; 5] =
    [Code::DatabaseUnavailable, Code::PoolTimeout, Code::StatementTimeout, Code::LockTimeout, Code::WriteConflict];

impl FollowedKey {
    /// The key of an operation of a document. The variable `after` is left out, where it says nothing but from where on.
    pub(in crate::graphql) fn new(
        caller: Arc<Caller>,
        document: &str,
        operation: Option<&str>,
        variables: &Variables,
        after: Option<&str>,
    ) -> Self {
        let after = after.filter(|name| count_uses(document, name) == 2);
        let mut given: Vec<_> = variables.iter().filter(|(name, _)| Some(name.as_str()) != after).collect();
        given.sort_unstable_by_key(|(name, _)| name.as_str());
        let variables = serde_json::to_string(&given).unwrap_or_default();
        Self { caller, document: document.into(), operation: operation.map(str::to_owned), variables }
    }
}

/// How often `$name` stands in a text: once where it is declared, and once for each use. In a comment or a string it counts, too,
/// which only keeps subscriptions apart.
fn count_uses(document: &str, name: &str) -> usize {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let uses = document
        .split('$')
        .skip(1)
        .filter(|rest| rest.trim_start().strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_name)));
    uses.count()
}

impl Followed {
    /// Where all that has happened ends.
    pub(super) async fn now(&self) -> Result<Position, BatchError> {
        Ok(last_position(self.database.reader()).await?)
    }

    /// The answers to what happened after a place.
    ///
    /// # Errors
    /// When the database fails in a way that may pass.
    pub(super) async fn page_after(&self, after: Position, request_id: &str) -> Result<Page, BatchError> {
        // Before the page: what comes in between is not passed by.
        let now = self.now().await?;
        let events = events_after(self.database.reader(), after, &self.topic, PAGE_SIZE).await?;
        let is_last = events.len() < PAGE_SIZE as usize;
        let last = events.last().map_or(after, Position::of);
        let reached = if is_last { last.max(now) } else { last };
        Ok(Page { payloads: self.answer(events.iter(), request_id).await?, reached, is_last })
    }

    /// The answers to events of the topic.
    ///
    /// # Errors
    /// As for [`Followed::page_after`].
    pub(super) async fn answer<'e>(
        &self,
        events: impl Iterator<Item = &'e event::Model>,
        request_id: &str,
    ) -> Result<Vec<Payload>, BatchError> {
        let mut told: Vec<(Uuid, Position)> = Vec::new();
        let mut of_aggregate: HashMap<Uuid, usize> = HashMap::new();
        for event in events {
            if self.latest_only
                && let Some(earlier) = of_aggregate.insert(event.aggregate_id, told.len())
            {
                told[earlier].0 = Uuid::nil();
            }
            told.push((event.id, Position::of(event)));
        }
        told.retain(|(key, _)| !key.is_nil());
        if told.is_empty() {
            return Ok(Vec::new());
        }
        let mut payloads = Vec::with_capacity(told.len());
        // No more objects at once than one operation may ask for.
        for told in told.chunks(self.most_at_once) {
            payloads.append(&mut self.answer_at_once(told, request_id).await?);
        }
        Ok(payloads)
    }

    async fn answer_at_once(&self, told: &[(Uuid, Position)], request_id: &str) -> Result<Vec<Payload>, BatchError> {
        let observed = self.telemetry.observe_only();
        let database = self.database.observed_by(observed);
        let reads = Reads::new(database, Arc::clone(&self.key.caller), self.pages);
        let reads = reads.with_key_ring(Arc::clone(&self.key_ring));
        let answers = self.plan.run(&reads, told.iter().map(|(key, _)| *key).collect(), Answer::begin).await;
        let mut payloads = Vec::with_capacity(told.len());
        for (data, (_, position)) in answers.into_iter().zip(told) {
            let position = *position;
            let mut answer = Answer::of_query(data);
            for error in &mut answer.errors {
                if let Some(passing) = passing_cause(error) {
                    return Err(passing);
                }
                finish_error(error, request_id);
            }
            let body = String::from_utf8_lossy(&answer.finish(self.most_errors).body).into();
            payloads.push(Payload { body, position });
        }
        Ok(payloads)
    }
}

/// The failure that made a field fail, where it may pass.
fn passing_cause(error: &async_graphql::ServerError) -> Option<BatchError> {
    code_of(error).filter(|code| PASSING.contains(code))?;
    error.source.as_ref()?.downcast_ref::<BatchError>().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_of_a_variable_are_counted() {
        let document = "subscription S($after: String, $a: ID!) { changes(after: $after, projectId: $a) { id } }";
        assert_eq!(count_uses(document, "after"), 2);
        assert_eq!(count_uses(document, "a"), 2);
        assert_eq!(count_uses(document, "aft"), 0);
    }

    #[test]
    fn subscriptions_that_differ_in_where_they_begin_are_one() {
        let document = "subscription S($after: String, $a: ID) { changes(after: $after, projectId: $a) { id } }";
        let key = |document: &str, after: &str, a: &str| {
            let variables = Variables::from_json(serde_json::json!({ "after": after, "a": a }));
            FollowedKey::new(Arc::new(Caller::local_owner()), document, None, &variables, Some("after"))
        };
        assert!(key(document, "1", "x") == key(document, "2", "x"));
        assert!(key(document, "1", "x") != key(document, "1", "y"));
        let twice = "subscription S($after: String) { changes(after: $after, types: [$after]) { id } }";
        assert!(key(twice, "1", "x") != key(twice, "2", "x"));
    }
}
