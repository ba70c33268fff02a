//! Cursors: the URL-safe base 64 of a JSON array, which holds the signature of an order, then a value for each of its
//! terms, the last of which is the row's id. So a cursor still works when its row has gone, and one from another order is
//! refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::BatchError;
use super::row::{Cell, Kind, write_json};

/// Longer than any cursor that we make: a name has at most 650 characters.
const LONGEST: usize = 16 * 1024;

/// Writes the cursor of a row as JSON.
pub(crate) fn write(signature: &str, cells: &[Cell], out: &mut Vec<u8>) {
    let mut parts = vec![serde_json::Value::from(signature)];
    parts.extend(cells.iter().map(Cell::to_json));
    let mut json = Vec::with_capacity(96);
    write_json(&parts, &mut json);
    out.push(b'"');
    let start = out.len();
    out.resize(start + json.len().div_ceil(3) * 4, 0);
    let written = URL_SAFE_NO_PAD.encode_slice(json, &mut out[start..]).unwrap_or_default();
    out.truncate(start + written);
    out.push(b'"');
}

/// The cursor of a row whose values are integers.
#[must_use]
pub fn write_cursor<const N: usize>(signature: &str, values: [i64; N]) -> String {
    let mut written = Vec::with_capacity(64);
    write(signature, &values.map(Cell::Long), &mut written);
    String::from_utf8_lossy(&written).trim_matches('"').to_owned()
}

/// Reads what [`write_cursor`] wrote.
///
/// # Errors
/// [`BatchError::InvalidCursor`] for anything else.
pub fn read_cursor<const N: usize>(argument: &str, text: &str, signature: &str) -> Result<[i64; N], BatchError> {
    let cells = read(argument, text, signature, std::iter::repeat_n((Kind::Long, false), N))?;
    let mut values = [0; N];
    for (value, cell) in values.iter_mut().zip(cells) {
        if let Cell::Long(number) = cell {
            *value = number;
        }
    }
    Ok(values)
}

/// Reads a cursor of the order with this signature, whose terms are of these kinds and may hold nothing where that is said.
///
/// # Errors
/// [`BatchError::InvalidCursor`] for anything else.
pub(crate) fn read(
    argument: &str,
    text: &str,
    signature: &str,
    terms: impl ExactSizeIterator<Item = (Kind, bool)>,
) -> Result<Vec<Cell>, BatchError> {
    let invalid = |reason: &str| BatchError::InvalidCursor { argument: argument.to_owned(), reason: reason.to_owned() };
    let malformed = || malformed(argument);
    if text.len() > LONGEST {
        return Err(malformed());
    }
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let parts: Vec<serde_json::Value> = serde_json::from_slice(&json).map_err(|_| malformed())?;
    let (given, values) = parts.split_first().ok_or_else(malformed)?;
    if given.as_str().ok_or_else(malformed)? != signature {
        return Err(invalid("comes from a list in another order; use it with the orderBy that it was made with"));
    }
    if values.len() != terms.len() {
        return Err(malformed());
    }
    let cells = terms
        .zip(values)
        .map(|((kind, nullable), value)| kind.parse(value).filter(|cell| nullable || *cell != Cell::Null));
    cells.collect::<Option<Vec<_>>>().ok_or_else(malformed)
}

/// The error of what no list has told as a cursor.
pub(crate) fn malformed(argument: &str) -> BatchError {
    BatchError::InvalidCursor { argument: argument.to_owned(), reason: "is not a cursor of this API".to_owned() }
}
