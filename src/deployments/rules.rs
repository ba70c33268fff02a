//! What a deployment may be.

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use entity::deployment::{DeploymentStatus, Model};

use crate::clock::whole_microseconds;
use crate::closed_set::{UnknownWord, parse_word};
use crate::text::Text;

/// Where to: 1 to 255 characters.
pub type Environment = Text<1, 255>;

/// What: 1 to 255 characters.
pub type Version = Text<1, 255>;

/// When a deployment was in place, in whole microseconds, in the years 1 to 9999 (UTC): outside of them the text that
/// SQLite stores no longer sorts by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeployedAt(DateTime<Utc>);

/// A text or time that says no usable moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeployedAtError {
    /// It is not spelled as a date or a time.
    #[error("must be a date (2026-11-23) or an RFC 3339 time (2026-11-23T10:00:00Z), is {0:?}")]
    Spelling(String),
    /// It is too far away.
    #[error("must be in the years 1 to 9999 (UTC), is in the year {0}")]
    Year(i32),
}

impl DeployedAt {
    /// The time.
    #[must_use]
    pub fn get(self) -> DateTime<Utc> {
        self.0
    }
}

impl TryFrom<DateTime<Utc>> for DeployedAt {
    type Error = DeployedAtError;

    fn try_from(time: DateTime<Utc>) -> Result<Self, DeployedAtError> {
        let time = whole_microseconds(time);
        if (1..=9999).contains(&time.year()) { Ok(Self(time)) } else { Err(DeployedAtError::Year(time.year())) }
    }
}

/// Reads `YYYY-MM-DD`, which means midnight in UTC, or an RFC 3339 time.
impl FromStr for DeployedAt {
    type Err = DeployedAtError;

    fn from_str(text: &str) -> Result<Self, DeployedAtError> {
        let spelling = || DeployedAtError::Spelling(text.chars().take(40).collect());
        // chrono's `%Y-%m-%d` takes `2026-1-2` and ` 2026-1-2` as well.
        let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let time = if is_date {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| spelling())?;
            date.and_time(NaiveTime::MIN).and_utc()
        } else {
            DateTime::parse_from_rfc3339(text).map_err(|_| spelling())?.to_utc()
        };
        Self::try_from(time)
    }
}

/// Reads a status as the tables and files spell it: `rolled_back`.
///
/// # Errors
/// When there is no such status.
pub fn parse_status(word: &str) -> Result<DeploymentStatus, UnknownWord> {
    parse_word(word)
}

/// All that a deployment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentValues {
    /// Where to.
    pub environment: Environment,
    /// What.
    pub version: Version,
    /// How far it has come.
    pub status: DeploymentStatus,
    /// When it was in place; nothing while it is not.
    pub deployed_at: Option<DeployedAt>,
}

impl DeploymentValues {
    /// The row, saying this of itself.
    #[must_use]
    pub fn put_into(&self, row: &Model) -> Model {
        Model {
            environment: self.environment.as_str().to_owned(),
            version: self.version.as_str().to_owned(),
            status: self.status,
            deployed_at: self.deployed_at.map(DeployedAt::get),
            ..*row
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_and_times() {
        let read = |text: &str| text.parse::<DeployedAt>().map(|at| at.get().to_rfc3339());
        assert_eq!(read("2015-07-29").unwrap(), "2015-07-29T00:00:00+00:00");
        assert_eq!(read("2015-07-29T01:30:00.1234567+02:00").unwrap(), "2015-07-28T23:30:00.123456+00:00");
        for wrong in ["", "2015-02-30", "2015-7-29", " 2015-7-29", "29.07.2015", "2015-07-29T25:00:00Z", "yesterday"] {
            assert!(matches!(read(wrong), Err(DeployedAtError::Spelling(_))), "{wrong:?}");
        }
    }

    #[test]
    fn refuses_years_that_do_not_sort() {
        let read = |text: &str| text.parse::<DeployedAt>().unwrap_err();
        assert_eq!(read("9999-12-31T23:59:59-01:00"), DeployedAtError::Year(10000));
        assert_eq!(read("0000-12-31"), DeployedAtError::Year(0));
    }
}
