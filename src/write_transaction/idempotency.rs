//! Idempotency keys: a command that is sent again with the same key is not carried out again.
//!
//! **Invariant:** a key's row is written in the transaction of its command, so that there is the one if and only if there is the
//! other; two that arrive at once meet in the primary key. Keys are the actor's own.

use chrono::{DateTime, Utc};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::connection::Connection;
use super::refusal::UserError;
use crate::database::{Batch, DatabaseError, Parameters};

/// A key, and what it was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// What the client calls it: 1 to 255 characters.
    pub key: String,
    /// SHA-256 of the command's name and its input; of an input that holds secrets, an HMAC of these under a key of the key ring.
    pub input_hash: [u8; 32],
    /// What may have been stored instead of it when another key of the ring was the first.
    pub earlier_hashes: Vec<[u8; 32]>,
}

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The object of each item, in the input's order; none for an item that was not carried out.
    pub ids: Vec<Option<Uuid>>,
    /// What kind of object each of them is, where that differs: the prefixes of their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The version that each of them had afterwards; none for what is gone.
    #[serde(default)]
    pub versions: Vec<Option<i32>>,
    /// What was wrong with items that were not carried out while others were.
    pub errors: Vec<UserError>,
    /// How many events made an object.
    #[serde(default)]
    pub created: usize,
    /// How many events changed one.
    #[serde(default)]
    pub changed: usize,
    /// The ids of the first and the last event.
    pub events: Option<(Uuid, Uuid)>,
    /// The ids of the first and the last audit row.
    pub audit_logs: Option<(Uuid, Uuid)>,
    /// The projects that it made: they are the caller's, which the caller's rights do not know yet.
    #[serde(skip)]
    pub made_projects: Vec<Uuid>,
}

/// What is known of a key.
pub(super) enum Known {
    /// It was used for the same input, which came to this.
    Same(Box<Receipt>),
    /// It was used for something else.
    Other,
}

/// What is known of a key that this actor may have used before.
pub(super) async fn find(
    connection: &Connection,
    actor_id: &str,
    key: &IdempotencyKey,
) -> Result<Option<Known>, DatabaseError> {
    let statement = Parameters::statement(connection.backend(), |parameters| {
        let (actor, key) = (parameters.add(actor_id), parameters.add(key.key.as_str()));
        format!("SELECT input_hash, receipt FROM idempotency_keys WHERE actor_id = {actor} AND key = {key}")
    });
    let Some(row) = connection.query_all(statement).await?.pop() else { return Ok(None) };
    let input_hash: Vec<u8> = row.try_get("", "input_hash")?;
    let is_same = |hash: &[u8; 32]| input_hash == hash;
    if !is_same(&key.input_hash) && !key.earlier_hashes.iter().any(is_same) {
        return Ok(Some(Known::Other));
    }
    let receipt: String = row.try_get("", "receipt")?;
    let receipt = serde_json::from_str(&receipt).map_err(|error| sea_orm::DbErr::Custom(error.to_string()))?;
    Ok(Some(Known::Same(receipt)))
}

/// Writes what the key stands for from now on.
pub(super) fn insert(
    batch: &mut Batch,
    actor_id: &str,
    key: &IdempotencyKey,
    command: &str,
    receipt: &Receipt,
    now: DateTime<Utc>,
) {
    batch.add(|parameters| {
        let values = [
            Value::from(actor_id),
            key.key.as_str().into(),
            command.into(),
            key.input_hash.to_vec().into(),
            serde_json::to_string(receipt).unwrap_or_default().into(),
            now.into(),
        ];
        let values = values.map(|value| parameters.add(value)).join(", ");
        format!(
            "INSERT INTO idempotency_keys (actor_id, key, command, input_hash, receipt, created_at) VALUES ({values})"
        )
    });
}
