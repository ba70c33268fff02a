//! Places in the order of all events, as clients see them: one text for the cursors of `changes`, of a subscription and of a
//! mutation's payload.

use entity::event::Column as Of;

use super::{Position, reads};
use crate::batch::{BatchError, Listing, read_cursor, write_cursor};

/// What the cursors begin with.
const SIGNATURE: &str = "changes";

/// The place of an event among all events: opaque to clients, and the same for ever.
#[must_use]
pub fn place_of(position: Position) -> String {
    write_cursor(SIGNATURE, [position.transaction_id, position.position])
}

/// The position that a place names.
///
/// # Errors
/// [`BatchError::InvalidCursor`] where `argument` holds none.
pub fn position_of(argument: &str, place: &str) -> Result<Position, BatchError> {
    let [transaction_id, position] = read_cursor(argument, place, SIGNATURE)?;
    Ok(Position { transaction_id, position })
}

/// Lists of events in their order.
pub(super) fn listing() -> Listing {
    Listing::by(SIGNATURE, [reads::column(Of::TransactionId), reads::column(Of::Position)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_position() {
        for position in [Position::default(), Position { transaction_id: i64::MAX, position: 7 }] {
            assert_eq!(position_of("after", &place_of(position)).unwrap(), position);
        }
        for other in ["", "1:2", "WyJjaGFuZ2VzIl0", "WyJFdmVudCArSUQiLDEsMl0"] {
            assert!(position_of("after", other).is_err(), "{other}");
        }
    }
}
