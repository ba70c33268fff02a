//! Writes the values that every row of an answer has as JSON, without a formatter, a copy or a check that was made before:
//! text whose UTF-8 the database has checked, and times.

use std::cell::Cell;

use chrono::SecondsFormat;

use crate::database::{DatabaseError, Row};

/// Appends text as a JSON string.
pub(crate) fn push_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut written = 0;
    for (place, byte) in text.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0C => b"\\f",
            control @ 0..0x20 => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (DIGITS[usize::from(control >> 4)], DIGITS[usize::from(control & 15)]);
                &[b'\\', b'u', b'0', b'0', high, low]
            }
            _ => continue,
        };
        out.extend_from_slice(&text[written..place]);
        out.extend_from_slice(escape);
        written = place + 1;
    }
    out.extend_from_slice(&text[written..]);
    out.push(b'"');
}

/// Appends the time in a cell: RFC 3339 in UTC, with as many digits of the fraction as say something, by threes. SQLite
/// keeps times as just this text, but for how it spells UTC.
pub(super) fn write_time(row: &Row, index: usize, out: &mut Vec<u8>) -> Result<Option<()>, DatabaseError> {
    if let Some(written) = row.unix_micros(index).and_then(|micros| push_micros(micros, out)) {
        return Ok(Some(written));
    }
    if let Some(text) = row.time_text(index)
        && let Some(local) = text.strip_suffix(b"+00:00")
    {
        out.push(b'"');
        out.extend_from_slice(local);
        out.extend_from_slice(b"Z\"");
        return Ok(Some(()));
    }
    Ok(row.time(index)?.map(|time| {
        out.push(b'"');
        out.extend_from_slice(time.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes());
        out.push(b'"');
    }))
}

/// Appends a time of the years 0 to 9999.
///
/// Pieces of four and eight bytes are put together in registers and written one after the other: a text of single bytes, copied as
/// a whole, would wait for each of them to reach memory.
fn push_micros(unix_micros: i64, out: &mut Vec<u8>) -> Option<()> {
    const DAY_MICROS: i64 = 86_400_000_000;
    let (day, of_day) = (unix_micros.div_euclid(DAY_MICROS), unix_micros.rem_euclid(DAY_MICROS));
    // Both are less than a day of seconds, or a second of microseconds.
    let seconds = u32::try_from(of_day / 1_000_000).ok()?;
    let micros = u32::try_from(of_day % 1_000_000).ok()?;
    let Date { year_and_month, day_of_month, .. } = date_of(day)?;
    out.extend_from_slice(&year_and_month.to_le_bytes());
    out.extend_from_slice(&day_of_month.to_le_bytes());
    let [hour, minute, second] = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(|part| u64::from(two(part)));
    out.extend_from_slice(&(EMPTY_CLOCK | hour | minute << 24 | second << 48).to_le_bytes());
    if micros > 0 {
        let (thousands, rest) = (micros / 1000, micros % 1000);
        out.extend_from_slice(&fraction(thousands).to_le_bytes());
        if rest > 0 {
            out.extend_from_slice(&fraction(rest).to_le_bytes()[1..]);
        }
    }
    out.extend_from_slice(b"Z\"");
    Some(())
}

/// The first byte is the lowest.
const EMPTY_CLOCK: u64 = u64::from_le_bytes(*b"\0\0:\0\0:\0\0");

/// A point and three digits.
fn fraction(thousandths: u32) -> u32 {
    let (tens, ones) = (two(thousandths / 10), thousandths % 10);
    u32::from(b'.') | tens << 8 | (u32::from(b'0') + ones) << 24
}

/// A day, as an answer has it.
#[derive(Clone, Copy)]
struct Date {
    unix_day: i64,
    /// The quotation mark, the year and the month: `"2026-01`.
    year_and_month: u64,
    /// The rest: `-01T`.
    day_of_month: u32,
}

/// The days that were written last, each at its number modulo theirs: most times of a page are of a few.
type Known = [Cell<Date>; 16];

/// The day with this number since 1970-01-01, of the years 0 to 9999.
fn date_of(unix_day: i64) -> Option<Date> {
    thread_local! {
        static KNOWN: Known = const {
            [const { Cell::new(Date { unix_day: i64::MIN, year_and_month: 0, day_of_month: 0 }) }; 16]
        };
    }
    KNOWN.with(|known| {
        let place = &known[usize::try_from(unix_day.rem_euclid(16)).ok()?];
        if place.get().unix_day != unix_day {
            place.set(find_date(unix_day)?);
        }
        Some(place.get())
    })
}

/// A day since 1970-01-01. It is found in the proleptic Gregorian calendar as in
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>: years begin in March, so that the day that is
/// not always there is the last one.
fn find_date(unix_day: i64) -> Option<Date> {
    /// Of 400 years, after which the calendar repeats itself.
    const ERA_DAYS: u32 = 146_097;
    /// From March of the year -400, so that no day of the year 0 is negative.
    const FROM_MARCH: i64 = 719_468 + ERA_DAYS as i64;
    let from_march = u32::try_from(unix_day + FROM_MARCH).ok()?;
    let (era, day_of_era) = (from_march / ERA_DAYS, from_march % ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = (year_of_era + era * 400 + u32::from(month <= 2)).checked_sub(400).filter(|year| *year <= 9999)?;
    let year = u64::from(two(year / 100) | two(year % 100) << 16);
    let day_of_month = u32::from_le_bytes(*b"-\0\0T") | two(day) << 8;
    Some(Date {
        unix_day,
        year_and_month: u64::from(b'"') | year << 8 | u64::from(b'-') << 40 | u64::from(two(month)) << 48,
        day_of_month,
    })
}

/// Two digits of a number below 100.
fn two(number: u32) -> u32 {
    let digits = usize::try_from(number).ok().and_then(|number| TWO_DIGITS.get(number));
    digits.map_or(0, |digits| u16::from_le_bytes(*digits).into())
}

/// 00 to 99.
const TWO_DIGITS: [[u8; 2]; 100] = {
    let mut all = [*b"00"; 100];
    let (mut tens, mut place) = (b'0', 0);
    while tens <= b'9' {
        let mut ones = b'0';
        while ones <= b'9' {
            all[place] = [tens, ones];
            place += 1;
            ones += 1;
        }
        tens += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    proptest::proptest! {
        #[test]
        fn text_is_written_as_serde_writes_it(text in any_text()) {
            let mut out = Vec::new();
            push_text(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn a_time_is_written_as_chrono_writes_it(
            seconds in -62_167_219_200_i64..253_402_300_800, micros in 0_i64..1_000_000, cut in 0_u32..3
        ) {
            let micros = micros / 1000_i64.pow(cut) * 1000_i64.pow(cut);
            let time = DateTime::from_timestamp_micros(seconds * 1_000_000 + micros).unwrap();
            let mut out = Vec::new();
            push_micros(time.timestamp_micros(), &mut out).unwrap();
            let expected = format!("\"{}\"", time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    fn any_text() -> impl proptest::strategy::Strategy<Value = String> {
        proptest::collection::vec(proptest::char::range('\0', '\u{2fff}'), 0..40).prop_map(String::from_iter)
    }

    use proptest::strategy::Strategy as _;

    #[test]
    fn a_day_is_remembered_as_long_as_it_lasts() {
        let mut out = Vec::new();
        for time in
            ["2026-02-28T23:59:59.999999Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z", "1969-12-31T23:59:59Z"]
        {
            push_micros(DateTime::parse_from_rfc3339(time).unwrap().timestamp_micros(), &mut out).unwrap();
        }
        let expected =
            r#""2026-02-28T23:59:59.999999Z""2026-02-28T00:00:00Z""2026-03-01T00:00:00Z""1969-12-31T23:59:59Z""#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn other_years_are_left_to_chrono() {
        for micros in [i64::MAX, i64::MIN, 253_402_300_800_000_000, -62_167_219_200_000_001] {
            assert_eq!(push_micros(micros, &mut Vec::new()), None);
        }
    }

    #[test]
    fn every_character_that_has_to_be_is_escaped() {
        let text: String = ('\0'..='\u{80}').collect();
        let mut out = Vec::new();
        push_text(text.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
    }
}
