//! Places in the order of all events, as clients see them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Position;

/// The place of an event among all events: opaque to clients, and the same for ever.
#[must_use]
pub fn place_of(position: Position) -> String {
    let Position { transaction_id, position } = position;
    URL_SAFE_NO_PAD.encode(format!("{transaction_id}:{position}"))
}
