//! The time, as exactly as both databases keep it.
//!
//! **Invariant:** a time that is stored has whole microseconds, PostgreSQL's precision, so that what is read back equals
//! what was written. Any module may use it.

use chrono::{DateTime, Utc};

/// 1970-01-01, where a time must stand that nobody reads.
pub const EPOCH: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// What time it is, in whole microseconds.
#[must_use]
pub fn now() -> DateTime<Utc> {
    whole_microseconds(Utc::now())
}

/// The time without what is smaller than a microsecond. A leap second becomes the second after it.
#[must_use]
pub fn whole_microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    // chrono knows every microsecond of the times that it can hold, so that the other arm is not reached.
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_nanoseconds() {
        let time: DateTime<Utc> = "2026-11-23T10:00:00.123456789Z".parse().unwrap();
        assert_eq!(whole_microseconds(time).to_rfc3339(), "2026-11-23T10:00:00.123456+00:00");
        let leap: DateTime<Utc> = "2016-12-31T23:59:60Z".parse().unwrap();
        assert_eq!(whole_microseconds(leap).to_rfc3339(), "2017-01-01T00:00:00+00:00");
    }
}
