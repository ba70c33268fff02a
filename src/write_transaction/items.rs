//! Commands over any number of objects: what is to happen to each, and whether one bad item spoils the others.
//!
//! **Invariant:** the number of statements does not depend on the number of items; every bad item is named, with all that is
//! wrong with it.

use std::collections::{HashMap, HashSet};

use entity::event;
use uuid::Uuid;

use super::records::Written;
use super::refusal::{Conflict, ConflictChange, Refusal, UserError, UserErrorCode};
use super::session::Session;
use super::{Command, Decision};
use crate::access::Needs;
use crate::database::DatabaseError;
use crate::database::row_set::{CellType, RowSet};
use crate::encryption::SecretText;
use crate::events::Aggregate;

/// What is to happen to one object.
pub trait Change: Send + Sync + Sized {
    /// What it is called: `feature.create`.
    const NAME: &'static str;

    /// What it asks of the caller.
    const NEEDS: Needs;

    /// Whether more than the rows that change must be locked before it is decided.
    const LOCKS: bool = false;

    /// What it is about, if no other item of a command may be about the same.
    fn target(&self) -> Option<Target<'_>> {
        None
    }

    /// Reads what deciding on these items needs, with a number of statements that does not depend on theirs.
    fn prepare(items: &[&Self], session: &mut Session<'_>) -> impl Future<Output = Result<(), DatabaseError>> + Send;

    /// Lets it happen, or says all that is wrong with it. Gives the object's id.
    ///
    /// # Errors
    /// What is wrong; nothing has happened then.
    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal>;
}

/// What one item of a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target<'c> {
    /// The object with this id.
    Id(Uuid),
    /// The object of this name in that parent, whether it is there already or not.
    Name(Uuid, &'c str),
}

impl Target<'_> {
    /// That another item is about the same.
    fn duplicate(self, place: &Place) -> UserError {
        let (field, message) = match self {
            Self::Id(_) => ("id", "an earlier item has the same id"),
            Self::Name(..) => ("name", "an earlier item has the same name in the same place"),
        };
        place.at(field).error(UserErrorCode::Duplicate, message)
    }
}

/// Where in the arguments something stands: `input.features.3.name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(Vec<String>);

impl Place {
    /// The argument that all mutations have.
    #[must_use]
    pub fn input() -> Self {
        Self(vec!["input".to_owned()])
    }

    /// A place in this one.
    #[must_use]
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        let mut path = self.0.clone();
        path.push(name.to_string());
        Self(path)
    }

    /// A mistake at this place.
    pub fn error(&self, code: UserErrorCode, message: impl Into<String>) -> UserError {
        UserError::new(code, &self.0, message)
    }
}

/// What one bad item does to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is written.
    #[default]
    Atomic,
    /// The others are written.
    BestEffort,
}

/// A change for each of many objects, or what was wrong with it before anything was read.
#[derive(Debug)]
pub struct Changes<C> {
    /// The items and where they stand, in the input's order.
    pub items: Vec<(Place, Result<C, Vec<UserError>>)>,
    /// What one bad item does to the others.
    pub mode: Mode,
}

impl<C> Changes<C> {
    /// One change, of the whole input.
    pub fn one(change: Result<C, Vec<UserError>>) -> Self {
        Self { items: vec![(Place::input(), change)], mode: Mode::Atomic }
    }
}

impl<C: Change> Command for Changes<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn length(&self) -> usize {
        self.items.len()
    }

    fn locks(&self) -> bool {
        C::LOCKS
    }

    async fn decide(&self, session: &mut Session<'_>) -> Result<Decision, Refusal> {
        let good: Vec<&C> = self.items.iter().filter_map(|(_, item)| item.as_ref().ok()).collect();
        session.require(C::NEEDS);
        C::prepare(&good, session).await?;
        let mut decision = Decision::default();
        let mut targets = HashSet::new();
        for (place, item) in &self.items {
            let performed = match item {
                Ok(change) => match change.target() {
                    Some(target) if !targets.insert(target) => Err(target.duplicate(place).into()),
                    _ => change.perform(session, place),
                },
                Err(errors) => Err(Refusal::Refused(errors.clone())),
            };
            decision.add(performed)?;
        }
        decision.settle(session, self.mode).await
    }
}

impl Decision {
    /// Adds what became of an item.
    ///
    /// # Errors
    /// When the database failed.
    pub fn add(&mut self, performed: Result<Uuid, Refusal>) -> Result<(), DatabaseError> {
        match performed {
            Ok(id) => self.ids.push(Some(id)),
            Err(Refusal::Refused(errors)) => {
                self.ids.push(None);
                self.errors.extend(errors);
            }
            Err(Refusal::Database(error)) => return Err(error),
        }
        Ok(())
    }

    /// Says what the mistakes come to: nothing is carried out where one item spoils it.
    ///
    /// # Errors
    /// All mistakes; or when the database failed.
    pub async fn settle(mut self, session: &Session<'_>, mode: Mode) -> Result<Self, Refusal> {
        explain_conflicts(session, &mut self.errors).await?;
        let is_spoilt = match mode {
            Mode::Atomic => !self.errors.is_empty(),
            Mode::BestEffort => self.ids.iter().all(Option::is_none) && !self.errors.is_empty(),
        };
        if is_spoilt { Err(Refusal::Refused(self.errors)) } else { Ok(self) }
    }
}

/// # Errors
/// When the caller may see the row, but lacks what the command asks for.
pub fn check_rights<A: Written>(session: &Session<'_>, row: &A::Model, place: &Place) -> Result<(), UserError> {
    let missing = session.missing_for::<A>(row);
    missing.map_or(Ok(()), |needs| Err(place.error(UserErrorCode::Forbidden, needs.missing())))
}

/// # Errors
/// When the caller may not do what is no project's yet.
pub fn check_allowed(session: &Session<'_>, place: &Place) -> Result<(), UserError> {
    let missing = session.missing();
    missing.map_or(Ok(()), |needs| Err(place.error(UserErrorCode::Forbidden, needs.missing())))
}

/// Shows a row again that was deleted: it is there, hidden, the caller may change it, and it has the version that is expected.
///
/// # Errors
/// What is wrong.
pub fn restore<A: Written>(
    session: &mut Session<'_>,
    id: Uuid,
    expected_version: Option<i32>,
    place: &Place,
) -> Result<Uuid, Refusal> {
    let Some(row) = session.get_hidden::<A>(id) else { return Err(not_found::<A>(&place.at("id")).into()) };
    check_rights::<A>(session, row, &place.at("id"))?;
    if A::stamp(row).deleted_at.is_none() {
        let message = format!("the {} is not deleted", A::KIND.replace('_', " "));
        return Err(place.at("id").error(UserErrorCode::NotDeleted, message).into());
    }
    check_version::<A>(row, expected_version, place)?;
    session.mark::<A>("restore", id)?;
    Ok(id)
}

/// Encrypts a text for a project's object, unless what is `present` is of the same text already: each encryption is another token.
///
/// # Errors
/// When the server has no key for it.
pub fn seal(
    session: &mut Session<'_>,
    project: Uuid,
    present: Option<&str>,
    text: &SecretText,
    place: &Place,
) -> Result<String, UserError> {
    if let Some(token) = present.filter(|token| session.is_token_of(project, token, text)) {
        return Ok(token.to_owned());
    }
    session.encrypt(project, text).map_err(|_| {
        let message =
            "the server has no key to encrypt this with; it can be stored once whoever runs the server has set one";
        place.error(UserErrorCode::EncryptionKeyMissing, message)
    })
}

/// The row to change: it is there, not hidden, the caller may change it, and it has the version that is expected.
///
/// # Errors
/// What is wrong.
pub fn find<A: Written>(
    session: &Session<'_>,
    id: Uuid,
    expected_version: Option<i32>,
    place: &Place,
) -> Result<A::Model, UserError> {
    let Some(row) = session.get::<A>(id) else { return Err(not_found::<A>(&place.at("id"))) };
    check_rights::<A>(session, row, &place.at("id"))?;
    check_version::<A>(row, expected_version, place)?;
    Ok(row.clone())
}

/// That the object is not there to which something is to be added, or that the caller may not. Where constraints tell, it is not looked up: then only what
/// happened in the transaction counts.
pub fn check_parent<P: Written>(session: &Session<'_>, id: Uuid, place: &Place) -> Option<UserError> {
    match session.get_hidden::<P>(id) {
        Some(row) if P::stamp(row).deleted_at.is_none() => check_rights::<P>(session, row, place).err(),
        None if session.relies_on_parents::<P>() => None,
        _ => Some(not_found::<P>(place)),
    }
}

/// That there is no object of this kind.
pub fn not_found<A: Aggregate>(place: &Place) -> UserError {
    place.error(UserErrorCode::NotFound, format!("there is no such {}", A::KIND.replace('_', " ")))
}

/// # Errors
/// When the row has another version than the caller expects.
pub fn check_version<A: Aggregate>(
    row: &A::Model,
    expected_version: Option<i32>,
    place: &Place,
) -> Result<(), UserError> {
    let current = A::stamp(row);
    let Some(expected) = expected_version.filter(|expected| *expected != current.version) else { return Ok(()) };
    let message = format!("expected version {expected}, but it has version {}", current.version);
    let mut error = place.at("expectedVersion").error(UserErrorCode::VersionConflict, message);
    error.conflict = Some(Box::new(Conflict {
        kind: A::KIND.to_owned(),
        id: current.id,
        expected_version: expected,
        current_version: current.version,
        changes: Vec::new(),
    }));
    Err(error)
}

/// Says what happened since the versions that were expected.
async fn explain_conflicts(session: &Session<'_>, errors: &mut [UserError]) -> Result<(), DatabaseError> {
    let mut wanted = RowSet::new(vec![("aggregate_id", CellType::Id), ("since", CellType::Integer)]);
    let conflicts = || errors.iter().filter_map(|error| error.conflict.as_ref());
    conflicts().for_each(|conflict| wanted.push([conflict.id.into(), conflict.expected_version.into()]));
    if wanted.is_empty() {
        return Ok(());
    }
    let mut by_id: HashMap<Uuid, Vec<event::Model>> = HashMap::new();
    for event in session.events_since(wanted).await? {
        by_id.entry(event.aggregate_id).or_default().push(event);
    }
    for conflict in errors.iter_mut().filter_map(|error| error.conflict.as_mut()) {
        let events = by_id.get(&conflict.id).into_iter().flatten();
        let events = events.filter(|event| event.version > conflict.expected_version);
        conflict.changes = events.map(describe).collect();
    }
    Ok(())
}

fn describe(event: &event::Model) -> ConflictChange {
    let payload: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&event.payload).unwrap_or_default();
    ConflictChange {
        version: event.version,
        event_type: event.event_type.clone(),
        fields: payload.into_iter().map(|(field, _)| field).collect(),
        actor_id: event.actor_id.clone(),
        actor_kind: event.actor_kind.clone(),
        at: event.created_at,
    }
}
