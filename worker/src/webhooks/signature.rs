//! Signatures as Standard Webhooks has them, symmetric (`v1`).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use uuid::Uuid;

/// What a receiver knows a delivery by: the same in every attempt.
pub(super) fn id(delivery: Uuid) -> String {
    format!("msg_{}", delivery.simple())
}

/// The value of `webhook-signature`: one signature for each secret, so that a receiver may know any of
/// them. `timestamp` is in seconds since 1970.
pub(super) fn sign(secrets: &[Vec<u8>], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let signature = |secret: &Vec<u8>| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, signed.as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(tag))
    };
    secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn sign_is_as_published() {
        let secret = BASE64_STANDARD.decode(SECRET).unwrap();
        assert_eq!(sign(&[secret], ID, TIMESTAMP, BODY), SIGNATURE);
    }

    #[test]
    fn sign_with_two_secrets_is_both_signatures() {
        let secret = BASE64_STANDARD.decode(SECRET).unwrap();
        let both = sign(&[b"another".to_vec(), secret], ID, TIMESTAMP, BODY);
        let (new, old) = both.split_once(' ').unwrap();
        assert_eq!(old, SIGNATURE);
        assert!(new.starts_with("v1,") && new != old, "{new}");
    }
}
