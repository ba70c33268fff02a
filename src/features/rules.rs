//! What a feature may be.

use entity::feature::FeatureStatus;

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
}
