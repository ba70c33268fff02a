//! Reads the values of an input into the types of the rules, and notes all that is wrong with them.

#![expect(clippy::option_option, reason = "what may be null is left alone, cleared, or given a value")]

use std::collections::HashMap;
use std::fmt::Display;

use async_graphql::{ID, MaybeUndefined};
use uuid::Uuid;

use crate::batch::id;
use crate::deployments::rules::DeployedAtError;
use crate::features::rules::PriorityError;
use crate::test_cases::rules::DurationError;
use crate::text::{FreeText, Text, TextError};
use crate::users::rules::UserNameError;
use crate::webhooks::rules::{EventTypesError, WebhookSecretError, WebhookUrlError};
use crate::write_transaction::items::Place;
use crate::write_transaction::{UserError, UserErrorCode};

/// What is wrong with an input so far, and what its references to earlier steps mean.
#[derive(Debug, Default)]
pub(crate) struct Checks<'r> {
    errors: Vec<UserError>,
    /// The earlier steps, by their names.
    references: Option<&'r References>,
    /// The steps that were referred to.
    needs: Vec<usize>,
}

/// Steps by their names.
pub(crate) type References = HashMap<String, Reference>;

/// A step that later ones can refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// Its number.
    pub(crate) step: usize,
    /// What it makes or changes: the prefix of its id, and its key. Nothing where the step is wrong.
    pub(crate) object: Option<(&'static str, Uuid)>,
}

/// What an id starts with that stands for the object of an earlier step.
const REFERENCE: &str = "$ref:";

/// A value that a rule refuses.
pub(crate) trait Mistake: Display {
    /// What kind of mistake it is.
    fn code(&self) -> UserErrorCode;
}

impl Mistake for UserNameError {
    fn code(&self) -> UserErrorCode {
        match self {
            Self::Text(error) => error.code(),
            Self::Reserved => UserErrorCode::NameTaken,
        }
    }
}

impl Mistake for TextError {
    fn code(&self) -> UserErrorCode {
        match self {
            Self::Length { .. } => UserErrorCode::InvalidLength,
            Self::Nul { .. } => UserErrorCode::InvalidValue,
        }
    }
}

impl Mistake for PriorityError {
    fn code(&self) -> UserErrorCode {
        UserErrorCode::OutOfRange
    }
}

impl Mistake for WebhookUrlError {
    fn code(&self) -> UserErrorCode {
        match self {
            Self::Text(error) => error.code(),
            _ => UserErrorCode::InvalidValue,
        }
    }
}

impl Mistake for WebhookSecretError {
    fn code(&self) -> UserErrorCode {
        UserErrorCode::InvalidValue
    }
}

impl Mistake for EventTypesError {
    fn code(&self) -> UserErrorCode {
        UserErrorCode::InvalidValue
    }
}

impl Mistake for DurationError {
    fn code(&self) -> UserErrorCode {
        UserErrorCode::OutOfRange
    }
}

impl Mistake for DeployedAtError {
    fn code(&self) -> UserErrorCode {
        match self {
            Self::Spelling(_) => UserErrorCode::InvalidValue,
            Self::Year(_) => UserErrorCode::OutOfRange,
        }
    }
}

impl<'r> Checks<'r> {
    /// Checks of an input whose ids may refer to earlier steps.
    pub(crate) fn with_references(references: &'r References) -> Self {
        Self { references: Some(references), ..Self::default() }
    }

    /// Reads an input, and gives it or all that is wrong with it.
    pub(crate) fn read<T>(self, read: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Vec<UserError>> {
        self.read_step(read).0
    }

    /// Reads an input, and also tells the numbers of the steps that it refers to. Where one of these is wrong, nothing need be wrong
    /// with the input itself.
    pub(crate) fn read_step<T>(
        mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> (Result<T, Vec<UserError>>, Vec<usize>) {
        let value = read(&mut self);
        let read = value.filter(|_| self.errors.is_empty()).ok_or(self.errors);
        (read, self.needs)
    }

    /// Notes a mistake.
    pub(crate) fn refuse(&mut self, error: UserError) {
        self.errors.push(error);
    }

    /// The value, or a note of what is wrong with it.
    pub(crate) fn value<T, E: Mistake>(&mut self, place: &Place, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.refuse(place.error(error.code(), error.to_string()))).ok()
    }

    /// A name.
    pub(crate) fn text<const MIN: usize, const MAX: usize>(
        &mut self,
        place: &Place,
        text: String,
    ) -> Option<Text<MIN, MAX>> {
        self.value(place, Text::try_from(text))
    }

    /// A value that may be missing: nothing is wrong with none.
    pub(crate) fn optional<V, T, E: Mistake>(
        &mut self,
        place: &Place,
        value: Option<V>,
        read: impl FnOnce(V) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match value {
            None => Some(None),
            Some(value) => self.value(place, read(value)).map(Some),
        }
    }

    /// Text that may be missing.
    pub(crate) fn optional_text(&mut self, place: &Place, text: Option<String>) -> Option<Option<FreeText>> {
        self.optional(place, text, Text::try_from)
    }

    /// The new value of something that may not be null: nothing where it is left alone.
    pub(crate) fn kept<T>(&mut self, place: &Place, value: MaybeUndefined<T>) -> Option<T> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Value(value) => Some(value),
            MaybeUndefined::Null => {
                let message = "must not be null; leave it out to leave it as it is";
                self.refuse(place.error(UserErrorCode::InvalidValue, message));
                None
            }
        }
    }

    /// The new value of text that may not be null.
    pub(crate) fn kept_text<const MIN: usize, const MAX: usize>(
        &mut self,
        place: &Place,
        text: MaybeUndefined<String>,
    ) -> Option<Text<MIN, MAX>> {
        self.kept(place, text).and_then(|text| self.text(place, text))
    }

    /// The new value of something that may be null: nothing where it is left alone.
    pub(crate) fn patched<V, T, E: Mistake>(
        &mut self,
        place: &Place,
        value: MaybeUndefined<V>,
        read: impl FnOnce(V) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(value) => self.optional(place, Some(value), read),
        }
    }

    /// The new value of text that may be null: nothing where it is left alone.
    pub(crate) fn patched_text(&mut self, place: &Place, text: MaybeUndefined<String>) -> Option<Option<FreeText>> {
        self.patched(place, text, Text::try_from)
    }

    /// The key that an id names, or that an earlier step made.
    pub(crate) fn id(&mut self, place: &Place, prefix: &'static str, text: &ID) -> Option<Uuid> {
        if let (Some(references), Some(name)) = (self.references, text.strip_prefix(REFERENCE)) {
            return self.reference(place, prefix, name, references.get(name));
        }
        match id::parse("it", text, &[prefix]) {
            Ok((_, key)) => Some(key),
            Err(error) => {
                self.refuse(place.error(UserErrorCode::InvalidId, error.to_string()));
                None
            }
        }
    }

    /// The key of what the step of this name makes or changes.
    fn reference(
        &mut self,
        place: &Place,
        prefix: &'static str,
        name: &str,
        found: Option<&Reference>,
    ) -> Option<Uuid> {
        let name = || name.chars().take(40).collect::<String>();
        let Some(Reference { step, object }) = found else {
            self.refuse(place.error(UserErrorCode::NotFound, format!("no earlier step is called {:?}", name())));
            return None;
        };
        self.needs.push(*step);
        // What is wrong with a step is told there.
        let (kind, key) = (*object)?;
        if kind != prefix {
            let message = format!("the step {:?} is about a {kind}_…; expected {prefix}_…", name());
            self.refuse(place.error(UserErrorCode::InvalidId, message));
            return None;
        }
        Some(key)
    }
}
