//! What an aggregate is: a row that changes by events and by nothing else.
//!
//! **Invariant:** a row's version is the version of its latest event, and the row is what [`apply`] makes of its events, one
//! after the other. The slices say what their rows are made of; everything that writes, replays or looks back uses it.

use chrono::{DateTime, Utc};
use entity::event::Model as Event;
use sea_orm::{EntityTrait, ModelTrait};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::field::{Field, FieldError};
use crate::encryption::token;

/// A table whose rows change by events.
pub trait Aggregate:
    EntityTrait<Model: ModelTrait<Entity = Self> + Clone + Send + Sync + std::fmt::Debug> + Send + Sync
{
    /// What the rows are called: the prefix of their ids, the first word of their events' types, and what the audit calls them.
    const KIND: &'static str;

    /// What can happen to a row: the last words of its events' types.
    const VERBS: &'static [&'static str];

    /// Whether a deleted row stays, hidden, and can be restored.
    const IS_HIDDEN_BY_DELETE: bool = false;

    /// The fields that events give values to, by the names that clients know.
    fn fields() -> &'static [Field<Self::Column>];

    /// The row's id, version and times.
    fn stamp(row: &Self::Model) -> Stamp;

    /// Puts an id, a version and times into the row.
    fn set_stamp(row: &mut Self::Model, stamp: Stamp);

    /// A row whose fields have no values yet.
    fn blank() -> Self::Model;

    /// What the row belongs to.
    fn owner(row: &Self::Model) -> Owner;

    /// What no two rows may share: the parent's id, nil where there is none, and the name. Nothing where rows may be alike.
    fn natural_key(_row: &Self::Model) -> Option<(Uuid, &str)> {
        None
    }
}

/// What a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// To nothing: it is a project.
    Nothing,
    /// To no project: it is a user.
    Instance,
    /// To the project with this id.
    Project(Uuid),
    /// To the feature with this id, and so to that one's project.
    Feature(Uuid),
}

/// What every aggregate's row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// UUID v7.
    pub id: Uuid,
    /// The version of the latest event.
    pub version: i32,
    /// When the first event happened.
    pub created_at: DateTime<Utc>,
    /// When the latest event happened.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted, where it is deleted softly.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What an event does to a row, told by the second word of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// There is a row now.
    Create,
    /// Fields have other values now.
    Update,
    /// The row is gone.
    Delete,
    /// The row is still there, but hidden.
    Hide,
    /// A hidden row is to be seen again.
    Restore,
}

impl Effect {
    /// The effect of an event of this type on an aggregate of type `A`: `feature.change_status` updates, `feature.delete` hides,
    /// and `feature.purge` ends it.
    #[must_use]
    pub fn of<A: Aggregate>(event_type: &str) -> Self {
        match event_type.rsplit_once('.').map(|(_, verb)| verb) {
            Some("create") => Self::Create,
            Some("delete") if A::IS_HIDDEN_BY_DELETE => Self::Hide,
            Some("delete" | "purge") => Self::Delete,
            Some("restore") => Self::Restore,
            _ => Self::Update,
        }
    }
}

/// What an event says, without who and why.
#[derive(Clone, Copy, Debug)]
pub struct Happened<'e> {
    /// The aggregate's id.
    pub id: Uuid,
    /// The aggregate's version after it.
    pub version: i32,
    /// What it does.
    pub effect: Effect,
    /// The fields that are given a value.
    pub payload: &'e Map<String, Json>,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// An event that does not fit the state that it is applied to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The version is not the one after the state's.
    #[error("the event has version {found}, after version {after}")]
    Version {
        /// The event's.
        found: i32,
        /// The state's; 0 where there is none.
        after: i32,
    },
    /// It changes what is not there, or makes what is.
    #[error("the event does not fit: there is {} such {kind}", if *.exists { "already" } else { "no" })]
    Existence {
        /// What kind of thing.
        kind: &'static str,
        /// Whether it is there.
        exists: bool,
    },
    /// It is of a kind that there is not, or not the aggregate's.
    #[error("the event is of another kind of aggregate")]
    Kind,
    /// The payload is no JSON object.
    #[error("the event's payload is no JSON object")]
    Payload,
    /// A field's value is not of its type.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// The row after an event: the one way in which a row changes.
///
/// # Errors
/// When the event does not fit the row.
pub fn apply<A: Aggregate>(row: Option<&A::Model>, event: Happened<'_>) -> Result<Option<A::Model>, ApplyError> {
    let before = row.map(A::stamp);
    let after = before.map_or(0, |stamp| stamp.version);
    if event.version != after + 1 {
        return Err(ApplyError::Version { found: event.version, after });
    }
    let (mut changed, before) = match (event.effect, row, before) {
        (Effect::Create, None, _) => {
            let Happened { id, at, .. } = event;
            (A::blank(), Stamp { id, version: 0, created_at: at, updated_at: at, deleted_at: None })
        }
        (Effect::Create, ..) => return Err(ApplyError::Existence { kind: A::KIND, exists: true }),
        (_, Some(row), Some(stamp)) => (row.clone(), stamp),
        _ => return Err(ApplyError::Existence { kind: A::KIND, exists: false }),
    };
    let deleted_at = match event.effect {
        Effect::Delete => return Ok(None),
        Effect::Hide => Some(event.at),
        Effect::Restore => None,
        Effect::Create | Effect::Update => before.deleted_at,
    };
    A::set_stamp(&mut changed, Stamp { version: event.version, updated_at: event.at, deleted_at, ..before });
    for (name, value) in event.payload {
        let field = A::fields().iter().find(|field| field.name == name).ok_or_else(|| FieldError::unknown(name))?;
        let value = field.from_json(value)?;
        changed.try_set(field.column, value).map_err(|_| FieldError::of_other_type(name))?;
    }
    Ok(Some(changed))
}

/// The row after an event, as it is stored.
///
/// # Errors
/// As for [`apply`].
pub fn apply_event<A: Aggregate>(row: Option<&A::Model>, event: &Event) -> Result<Option<A::Model>, ApplyError> {
    let payload = serde_json::from_str(&event.payload).map_err(|_| ApplyError::Payload)?;
    let effect = Effect::of::<A>(&event.event_type);
    let Event { aggregate_id: id, version, created_at: at, .. } = *event;
    apply::<A>(row, Happened { id, version, effect, payload: &payload, at })
}

/// The fields in which two rows differ, with their values before and after; from nothing, or to nothing, all that have one.
pub fn changes<A: Aggregate>(before: Option<&A::Model>, after: Option<&A::Model>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for field in A::fields() {
        let value = |row: Option<&A::Model>| row.map_or(Json::Null, |row| field.to_json(&row.get(field.column)));
        let (before, after) = (value(before), value(after));
        if before != after {
            changes.push(FieldChange { field: field.name, before, after });
        }
    }
    changes
}

/// The values of all fields that have one.
pub fn values<A: Aggregate>(row: &A::Model) -> Map<String, Json> {
    let values = A::fields().iter().map(|field| (field.name.to_owned(), field.to_json(&row.get(field.column))));
    values.filter(|(_, value)| !value.is_null()).collect()
}

/// A field whose value is another one now.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The name that clients know.
    pub field: &'static str,
    /// The value before; null where there was none.
    pub before: Json,
    /// The value after; null where there is none.
    pub after: Json,
}

impl FieldChange {
    /// The change as it may be shown: of secrets, that there are some.
    #[must_use]
    pub fn shown(self) -> Json {
        json!({ "field": self.field, "before": token::hide(self.before), "after": token::hide(self.after) })
    }
}
