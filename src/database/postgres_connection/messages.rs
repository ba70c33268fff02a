//! What is said of a statement, and what is read of its rows.

use std::error::Error;

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend::{self, BindError};
use sea_orm::Values;
use tokio_postgres::types::{self, ToSql as _};

use super::wire::Malformed;
use crate::database::parameter::Parameter;
use crate::database::row::Copied;

/// The formats of all values, and of all cells: binary.
const BINARY: [i16; 1] = [1];

/// Prepares a statement under a name, asks for its columns, and lets it run.
pub(super) fn prepare_and_run(name: &str, sql: &str, values: &Values, out: &mut BytesMut) -> Result<(), BindError> {
    frontend::parse(name, sql, values.0.iter().map(|value| Parameter(value).kind().oid()), out)?;
    frontend::describe(b'S', name, out)?;
    run(name, values, out)
}

/// Puts a statement's values to it, and lets it run.
pub(super) fn run(name: &str, values: &Values, out: &mut BytesMut) -> Result<(), BindError> {
    let parameters = values.0.iter().map(Parameter);
    frontend::bind("", name, BINARY, parameters, |parameter, out| write(&parameter, out), BINARY, out)?;
    frontend::execute("", 0, out)?;
    frontend::sync(out);
    Ok(())
}

fn write(parameter: &Parameter<'_>, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Send + Sync>> {
    Ok(match parameter.to_sql(&parameter.kind(), out)? {
        types::IsNull::Yes => IsNull::Yes,
        types::IsNull::No => IsNull::No,
    })
}

/// Copies the cells of a row.
pub(super) fn copy_row(body: &[u8], copied: &mut Copied) -> Result<(), Malformed> {
    let (count, mut rest) = read_count(body)?;
    if count != copied.width() {
        return Err(Malformed);
    }
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk().ok_or(Malformed)?;
        // What holds nothing has the length -1.
        let (cell, after) = match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) => after.split_at_checked(length).map(|(cell, after)| (Some(cell), after)).ok_or(Malformed)?,
            Err(_) => (None, after),
        };
        copied.push_binary(cell);
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(Malformed) }
}

/// How many columns there are, and what is said of them.
pub(super) fn read_count(body: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (count, rest) = body.split_first_chunk().ok_or(Malformed)?;
    Ok((usize::from(u16::from_be_bytes(*count)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_copied_or_refused() {
        let row = b"\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0";
        let mut copied = Copied::new(3);
        copy_row(row, &mut copied).unwrap();
        let rows = copied.into_rows().unwrap();
        let [row_of_three] = &rows[..] else { panic!("there are {} rows", rows.len()) };
        assert_eq!(row_of_three.text(0).unwrap(), Some("ab"));
        assert_eq!((row_of_three.is_null(1), row_of_three.is_null(2)), (true, false));
        for length in 0..row.len() {
            assert!(copy_row(&row[..length], &mut Copied::new(3)).is_err(), "{length}");
        }
        let longer = [&row[..], b"x"].concat();
        assert!(copy_row(&longer, &mut Copied::new(3)).is_err());
        assert!(copy_row(row, &mut Copied::new(2)).is_err());
    }
}
