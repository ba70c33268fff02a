//! Signatures of Standard Webhooks: an HMAC over the id, the time and the body, so that none of them can be another one
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The value of `webhook-signature`; `timestamp` is in seconds since 1970.
pub(super) fn sign(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    // Every length is a key's.
    let mac = Hmac::<Sha256>::new_from_slice(key).ok()?.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries (<https://github.com/standard-webhooks/standard-webhooks>, `test_webhook.py`).
    #[test]
    fn signs_as_others_do() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
