//! Places in the order of all events, as clients see them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The place of an event among all events: opaque to clients, and the same for ever.
#[must_use]
pub fn place_of(transaction_id: i64, position: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{transaction_id}:{position}"))
}
