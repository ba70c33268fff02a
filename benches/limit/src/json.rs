//! JSON by hand: each kind of value that the answers hold, appended to the bytes of an answer.
//!
//! **Invariant:** the bytes are those that Throughline writes for the same value.

/// Appends text. What needs no escape, which is nearly all there is, is copied in one piece.
pub fn text(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (place, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..place]);
        copied = place + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends text that may be nothing.
pub fn optional_text(value: Option<&str>, out: &mut Vec<u8>) {
    match value {
        Some(value) => text(value, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends an integer.
pub fn int(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends the value of an enum, whose rows hold it in small letters.
pub fn word(value: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.extend_from_slice(value.as_bytes());
    out[start..].make_ascii_uppercase();
    out.push(b'"');
}

/// Appends a TypeID (<https://github.com/jetify-com/typeid>): the prefix, an underscore, the UUID in Crockford's base 32.
pub fn id(prefix: &str, uuid: [u8; 16], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(prefix.as_bytes());
    out.push(b'_');
    out.extend_from_slice(&base_32(uuid));
    out.push(b'"');
}

/// The UUID's 128 bits in 26 digits, the first of which has three bits.
#[must_use]
pub fn base_32(uuid: [u8; 16]) -> [u8; 26] {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let number = u128::from_be_bytes(uuid);
    // 14 digits are more bits than a word has, 12 are fewer: so it is done in three words.
    let mut digits = [0; 26];
    for (places, shift) in [(0..2, 120), (2..14, 60), (14..26, 0)] {
        let mut bits = (number >> shift & ((1 << 60) - 1)) as u64;
        for place in places.rev() {
            digits[place] = DIGITS[(bits & 31) as usize];
            bits >>= 5;
        }
    }
    digits
}

/// A point in time as a database keeps it.
#[derive(Clone, Copy)]
pub enum Time<'r> {
    /// PostgreSQL's: microseconds since the beginning of 2000.
    Microseconds(i64),
    /// SQLite's: RFC 3339 text that ends in `+00:00`.
    Text(&'r str),
}

/// Appends a point in time, in UTC, with as many threes of digits of a second as it has.
pub fn time(value: Time<'_>, out: &mut Vec<u8>) {
    const SECONDS_TO_2000: i64 = 946_684_800;
    match value {
        Time::Text(text) => {
            out.push(b'"');
            out.extend_from_slice(text.strip_suffix("+00:00").unwrap_or(text).as_bytes());
            out.extend_from_slice(b"Z\"");
        }
        Time::Microseconds(value) => {
            let (seconds, fraction) = (value.div_euclid(1_000_000) + SECONDS_TO_2000, value.rem_euclid(1_000_000));
            let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
            let (year, month, day) = civil(days);
            out.push(b'"');
            digits::<4>(year, out);
            out.push(b'-');
            digits::<2>(month, out);
            out.push(b'-');
            digits::<2>(day, out);
            out.push(b'T');
            digits::<2>(second / 3600, out);
            out.push(b':');
            digits::<2>(second / 60 % 60, out);
            out.push(b':');
            digits::<2>(second % 60, out);
            if fraction % 1000 != 0 {
                out.push(b'.');
                digits::<6>(fraction, out);
            } else if fraction != 0 {
                out.push(b'.');
                digits::<3>(fraction / 1000, out);
            }
            out.extend_from_slice(b"Z\"");
        }
    }
}

/// Year, month and day of a day counted from 1970-01-01
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

/// Appends `COUNT` decimal digits.
fn digits<const COUNT: usize>(value: i64, out: &mut Vec<u8>) {
    let mut value = value.unsigned_abs();
    let mut text = [b'0'; COUNT];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_escaped_as_serde_json_does_it() {
        for value in ["", "plain", "\"a\\b\"", "tab\tline\nreturn\r\u{8}\u{c}\u{1}\u{1f}", "ü€😀"] {
            assert_eq!(written(|out| text(value, out)), serde_json::to_string(value).unwrap());
        }
    }

    #[test]
    fn ids_are_those_of_the_specification() {
        let uuid = uuid::uuid!("01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(written(|out| id("prefix", *uuid.as_bytes(), out)), "\"prefix_01h455vb4pex5vsknk084sn02q\"");
        assert_eq!(&base_32([0xff; 16]), b"7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    #[test]
    fn times_are_written_alike_from_both() {
        for (micros, text, expected) in [
            (0, "2000-01-01T00:00:00+00:00", "\"2000-01-01T00:00:00Z\""),
            (830_521_845_120_000, "2026-04-26T12:30:45.120+00:00", "\"2026-04-26T12:30:45.120Z\""),
            (-1, "1999-12-31T23:59:59.999999+00:00", "\"1999-12-31T23:59:59.999999Z\""),
        ] {
            assert_eq!(written(|out| time(Time::Microseconds(micros), out)), expected);
            assert_eq!(written(|out| time(Time::Text(text), out)), expected);
        }
    }
}
