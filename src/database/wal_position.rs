//! Places in the write-ahead log of a PostgreSQL server, by which it is known what a replica has seen.

use std::fmt;
use std::str::FromStr;

/// A place in the write-ahead log: a log sequence number (<https://www.postgresql.org/docs/current/datatype-pg-lsn.html>), in bytes from
/// the log's beginning.
///
/// As text it has sixteen hexadecimal digits, so that of two places the later one is the greater text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WalPosition(pub(super) u64);

/// A text that is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position has 16 hexadecimal digits, as `extensions.position` of a mutation gives it")]
pub struct NoPosition;

const DIGITS: usize = 16;

impl fmt::Display for WalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl FromStr for WalPosition {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let is_one = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_one.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(NoPosition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_position() {
        let position = WalPosition(0x16_B374_D848);
        assert_eq!(position.to_string(), "00000016B374D848");
        assert_eq!("00000016b374d848".parse(), Ok(position));
        for wrong in ["", "16/B374D848", "+0000016B374D848", "00000016B374D84", "00000016B374D84É", "00000016B374D84Z"]
        {
            assert_eq!(wrong.parse::<WalPosition>(), Err(NoPosition), "{wrong}");
        }
    }

    #[test]
    fn the_later_is_the_greater_text() {
        let positions = [0, 9, 10, 0xFF, 0x100, u64::MAX].map(|number| WalPosition(number).to_string());
        assert!(positions.is_sorted());
    }
}
