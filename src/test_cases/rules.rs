//! What a test case may be.

use entity::test_case::{Model, TestStatus};

use crate::closed_set::{UnknownWord, parse_word};
use crate::text::{FreeText, Text};

/// A test case's name, unique in its feature: 1 to 650 characters.
pub type TestName = Text<1, 650>;

/// How long a run took, in whole milliseconds: 0 to 2,147,483,647, which is 24 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationMs(i32);

/// A number that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 0 to 2147483647 milliseconds, is {0}")]
pub struct DurationError(pub i64);

impl DurationMs {
    /// The number of milliseconds.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i64> for DurationMs {
    type Error = DurationError;

    fn try_from(number: i64) -> Result<Self, DurationError> {
        match i32::try_from(number) {
            Ok(small) if small >= 0 => Ok(Self(small)),
            _ => Err(DurationError(number)),
        }
    }
}

/// Reads a status as the tables and files spell it: `passed`.
///
/// # Errors
/// When there is no such status.
pub fn parse_status(word: &str) -> Result<TestStatus, UnknownWord> {
    parse_word(word)
}

/// All that a test case and its latest run say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestValues {
    /// Unique in the feature.
    pub name: TestName,
    /// The latest result.
    pub status: TestStatus,
    /// How long the latest run took, where that is known.
    pub duration_ms: Option<DurationMs>,
    /// What the latest run said.
    pub message: Option<FreeText>,
}

impl TestValues {
    /// The row, saying this of itself.
    #[must_use]
    pub fn put_into(&self, row: &Model) -> Model {
        Model {
            name: self.name.as_str().to_owned(),
            status: self.status,
            duration_ms: self.duration_ms.map(DurationMs::get),
            message: self.message.as_ref().map(|text| text.as_str().to_owned()),
            ..*row
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_not_negative() {
        assert_eq!(DurationMs::try_from(0).unwrap().get(), 0);
        assert_eq!(DurationMs::try_from(i64::from(i32::MAX)).unwrap().get(), i32::MAX);
        let error = DurationMs::try_from(-1).unwrap_err();
        assert_eq!(error.to_string(), "must be 0 to 2147483647 milliseconds, is -1");
        assert!(DurationMs::try_from(i64::from(i32::MAX) + 1).is_err());
    }
}
