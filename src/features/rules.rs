//! What a feature may be.

use entity::feature::{FeatureStatus, Model};
use sea_orm::ActiveEnum as _;

use crate::closed_set::{UnknownWord, parse_word};
use crate::text::{FreeText, Text};

/// A feature's name, unique in its project: 1 to 255 characters.
pub type FeatureName = Text<1, 255>;

/// How much a feature matters: 1 (least) to 13 (most).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i32);

/// A number that is no priority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 13, is {0}")]
pub struct PriorityError(pub i64);

impl Priority {
    /// The priority of what matters least.
    pub const LEAST: Self = Self(1);
    /// The priority of what matters most.
    pub const MOST: Self = Self(13);

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i64> for Priority {
    type Error = PriorityError;

    fn try_from(number: i64) -> Result<Self, PriorityError> {
        match i32::try_from(number) {
            Ok(small) if (Self::LEAST.0..=Self::MOST.0).contains(&small) => Ok(Self(small)),
            _ => Err(PriorityError(number)),
        }
    }
}

/// Reads a status as the tables and files spell it: `in_progress`.
///
/// # Errors
/// When there is no such status.
pub fn parse_status(word: &str) -> Result<FeatureStatus, UnknownWord> {
    parse_word(word)
}

/// A status that cannot follow another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot follow {}; what can is {}", word(*.to), word(*.from), join_words(successors(*.from)))]
pub struct TransitionError {
    /// The present status.
    pub from: FeatureStatus,
    /// The status that was asked for.
    pub to: FeatureStatus,
}

/// The statuses that can follow a status. Work can be given up until it is done, and taken up again at any time.
fn successors(from: FeatureStatus) -> &'static [FeatureStatus] {
    use FeatureStatus::{Blocked, Cancelled, Completed, InProgress, NotStarted};
    match from {
        NotStarted => &[InProgress, Blocked, Cancelled],
        InProgress => &[NotStarted, Blocked, Completed, Cancelled],
        Blocked => &[NotStarted, InProgress, Cancelled],
        Completed => &[InProgress],
        Cancelled => &[NotStarted, InProgress],
    }
}

/// Lets every status follow itself, and others as the work goes.
///
/// # Errors
/// When `to` cannot follow `from`.
pub fn check_transition(from: FeatureStatus, to: FeatureStatus) -> Result<(), TransitionError> {
    if from == to || successors(from).contains(&to) { Ok(()) } else { Err(TransitionError { from, to }) }
}

/// A status in the words of the API.
fn word(status: FeatureStatus) -> String {
    status.to_value().to_uppercase()
}

fn join_words(statuses: &[FeatureStatus]) -> String {
    statuses.iter().copied().map(word).collect::<Vec<_>>().join(", ")
}

/// All that a feature says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureValues {
    /// Unique in the project.
    pub name: FeatureName,
    /// Free text.
    pub description: Option<FreeText>,
    /// How much it matters.
    pub priority: Priority,
    /// How far the work has come.
    pub status: FeatureStatus,
}

impl FeatureValues {
    /// The row, saying this of itself.
    #[must_use]
    pub fn put_into(&self, row: &Model) -> Model {
        Model {
            name: self.name.as_str().to_owned(),
            description: self.description.as_ref().map(|text| text.as_str().to_owned()),
            priority: self.priority.get(),
            status: self.status,
            confidential_notes: row.confidential_notes.clone(),
            ..*row
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_1_to_13() {
        assert_eq!(Priority::try_from(1).unwrap(), Priority::LEAST);
        assert_eq!(Priority::try_from(13).unwrap(), Priority::MOST);
        for number in [0, 14, -1, 99, i64::MAX, i64::MIN, (1 << 32) + 5] {
            assert_eq!(Priority::try_from(number).unwrap_err().to_string(), format!("must be 1 to 13, is {number}"));
        }
    }

    #[test]
    fn a_status_is_spelled_in_snake_case() {
        assert_eq!(parse_status("not_started").unwrap(), FeatureStatus::NotStarted);
        assert!(parse_status("NOT_STARTED").is_err());
    }

    #[test]
    fn work_that_is_done_can_only_be_taken_up_again() {
        use FeatureStatus::{Cancelled, Completed, InProgress};
        check_transition(Completed, Completed).unwrap();
        check_transition(Completed, InProgress).unwrap();
        let error = check_transition(Completed, Cancelled).unwrap_err();
        assert_eq!(error.to_string(), "CANCELLED cannot follow COMPLETED; what can is IN_PROGRESS");
    }
}
