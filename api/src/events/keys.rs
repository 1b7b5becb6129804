use super::KeysFileError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _};
use p256::{PublicKey, SecretKey};
use rollcall_shared::store::event_keys::KeyRow;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A new P-256 key, PKCS #8 in DER; `None` when the system has no randomness to give.
pub(crate) fn new_key() -> Option<Vec<u8>> {
    let key = SecretKey::try_generate().ok()?;
    Some(key.to_pkcs8_der().ok()?.as_bytes().to_vec())
}

/// The key that signs, and all that receivers may meet.
pub(crate) struct KeySet {
    signing: SigningKey,
    /// Of the key that signs.
    id: String,
    published: Vec<Value>,
}

impl KeySet {
    /// From a file: the first block is the private key that signs, the others (private or
    /// public) are only published.
    ///
    /// # Errors
    /// Which block cannot be used.
    pub(super) fn from_pem(text: &str) -> Result<KeySet, KeysFileError> {
        let mut signing = None;
        let mut public = vec![];
        for (place, block) in blocks(text).enumerate() {
            let unusable = || KeysFileError::Block(place + 1);
            if block.starts_with("-----BEGIN PUBLIC KEY-----") {
                public.push(PublicKey::from_public_key_pem(block).map_err(|_| unusable())?);
            } else {
                let key = SecretKey::from_pem(block).map_err(|_| unusable())?;
                public.push(key.public_key());
                if place == 0 {
                    signing = Some(key);
                }
            }
        }
        let signing = signing.ok_or(KeysFileError::NoPrivateKey)?;
        Ok(KeySet::new(&signing, &public))
    }

    /// From the database, newest first; `None` when one of them is no key, or none signs.
    pub(super) fn from_rows(rows: &[KeyRow]) -> Option<KeySet> {
        let keys: Vec<SecretKey> = rows
            .iter()
            .map(|row| SecretKey::from_pkcs8_der(&row.private_key).ok())
            .collect::<Option<_>>()?;
        let signing = keys.iter().zip(rows).find(|(_, row)| row.signs)?.0;
        let public: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
        Some(KeySet::new(signing, &public))
    }

    fn new(signing: &SecretKey, public: &[PublicKey]) -> KeySet {
        KeySet {
            id: thumbprint(&coordinates(&signing.public_key())),
            signing: SigningKey::from(signing),
            published: public.iter().map(jwk).collect(),
        }
    }

    /// The public keys (RFC 7517 §5).
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": self.published })
    }

    /// A security event token with these claims: a JWT (RFC 7519) in compact form, signed with
    /// ES256 (RFC 7518 §3.4), explicitly typed (RFC 8417 §2.3).
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "secevent+jwt", "kid": self.id });
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let signed = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        // Deterministic (RFC 6979): the same event is the same token, to the byte.
        let signature: Signature = self.signing.sign(signed.as_bytes());
        format!("{signed}.{}", encode(&signature.to_bytes()))
    }
}

/// Names the key that signs: the private ones are never printed.
impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet")
            .field("signing", &"<redacted>")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The PEM blocks of a text. What OpenSSL writes before a key to name its curve is left out:
/// the key names it again.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("-----BEGIN ").map(|(start, _)| start);
    let ends = starts.clone().skip(1).chain([text.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| text[start..end].trim_end())
        .filter(|block| !block.starts_with("-----BEGIN EC PARAMETERS"))
}

/// x and y in base64url, as JWK has them (RFC 7518 §6.2.1).
fn coordinates(key: &PublicKey) -> (String, String) {
    let point = key.to_sec1_point(false);
    let encode = |half: Option<&p256::FieldBytes>| URL_SAFE_NO_PAD.encode(half.copied().unwrap_or_default());
    (encode(point.x()), encode(point.y()))
}

/// The id of a key: its thumbprint (RFC 7638), so that every process calls it the same.
fn thumbprint((x, y): &(String, String)) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

fn jwk(key: &PublicKey) -> Value {
    let point = coordinates(key);
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": point.0,
        "y": point.1,
        "use": "sig",
        "alg": "ES256",
        "kid": thumbprint(&point),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier as _;
    use p256::pkcs8::{EncodePublicKey as _, LineEnding};

    fn private_pem() -> (SecretKey, String) {
        let key = SecretKey::try_generate().unwrap();
        let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
        (key, pem)
    }

    /// An ES256 signature is R and S, 32 bytes each, over header and payload (RFC 7518 §3.4).
    #[test]
    fn signed_token_verifies_with_the_published_key_and_not_when_changed() {
        let (key, pem) = private_pem();
        let keys = KeySet::from_pem(&pem).unwrap();
        let token = keys.sign(&json!({ "txn": "a" }));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert_eq!(signature.len(), 64);
        let signature = Signature::from_slice(&signature).unwrap();
        let verifying = VerifyingKey::from(&key.public_key());
        assert!(verifying.verify(signed.as_bytes(), &signature).is_ok());
        let changed = signed.replace('.', ".e");
        assert!(verifying.verify(changed.as_bytes(), &signature).is_err());
        assert_eq!(
            token,
            keys.sign(&json!({ "txn": "a" })),
            "the same event is the same token"
        );
    }

    #[test]
    fn keys_file_first_signs_others_are_published() {
        let (first, pem) = private_pem();
        let (second, second_pem) = private_pem();
        let third = SecretKey::try_generate().unwrap();
        let third_pem = third.public_key().to_public_key_pem(LineEnding::LF).unwrap();
        let keys = KeySet::from_pem(&format!("# ours\n{pem}\n{second_pem}{third_pem}")).unwrap();
        let expected: Vec<Value> = [&first, &second, &third]
            .map(|key| jwk(&key.public_key()))
            .to_vec();
        assert_eq!(keys.jwks()["keys"], json!(expected));
        assert_eq!(keys.id, expected[0]["kid"]);
        assert!(expected.iter().all(|key| key.get("d").is_none()));
    }

    #[test]
    fn keys_file_as_openssl_writes_it_is_taken() {
        let pem = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let key = SecretKey::try_generate().unwrap();
        let sec1 = key.to_sec1_pem(LineEnding::LF).unwrap();
        assert!(KeySet::from_pem(&format!("{pem}{}", *sec1)).is_ok());
    }

    #[test]
    fn keys_file_that_cannot_be_used_names_the_block_and_shows_nothing_of_it() {
        let (key, pem) = private_pem();
        let public = key.public_key().to_public_key_pem(LineEnding::LF).unwrap();
        let failed = |text: &str| KeySet::from_pem(text).map(|_| ()).unwrap_err().to_string();
        assert!(failed("").contains("private key"));
        assert!(failed(&public).contains("private key"));
        let broken = failed(&format!("{pem}{}", pem.replace("MIG", "MIX")));
        assert!(broken.contains("block 2"), "{broken}");
        let inside = pem.lines().nth(1).unwrap();
        assert!(!broken.contains(inside));
    }

    #[test]
    fn debug_of_keys_shows_no_private_key() {
        let (key, pem) = private_pem();
        let shown = format!("{:?}", KeySet::from_pem(&pem).unwrap());
        let secret = format!("{:02x?}", key.to_bytes());
        assert!(shown.contains("<redacted>") && !shown.contains(secret.trim_matches(['[', ']'])));
    }

    /// The key of the example in RFC 7515 §A.3; its thumbprint computed by other software.
    #[test]
    fn key_of_the_rfc_has_its_coordinates_and_its_thumbprint_as_id() {
        let private = URL_SAFE_NO_PAD
            .decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")
            .unwrap();
        let key = SecretKey::from_slice(&private).unwrap();
        let published = jwk(&key.public_key());
        assert_eq!(published["x"], "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        assert_eq!(published["y"], "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        assert_eq!(published["kid"], "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
        assert_eq!(
            KeySet::from_pem(&pem).unwrap().id,
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
        );
    }
}
