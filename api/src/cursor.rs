//! Cursors of lists (RFC 9865): the place where the next page begins, sealed, so that nobody can
//! read the values in it or make one up, and only its tenant can use it, for the same query.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngCore as _;
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{ScimError, ScimType};
use rollcall_shared::store::search::Position;
use rollcall_shared::store::{PgConnection, StoreError, secrets};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// What a cursor holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Where the next page begins.
    pub position: Position,
    /// Resources in a page.
    pub count: i64,
    /// How many matched when the walk began.
    pub total: i64,
    /// In seconds of the database's time.
    pub expires_at: i64,
}

/// What a cursor can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope<'a> {
    pub tenant: TenantId,
    /// The endpoint and everything that was asked but cursor and count.
    pub query: &'a [u8],
}

impl Scope<'_> {
    fn bytes(&self) -> Vec<u8> {
        [b"cursor 1 ".as_slice(), &self.tenant.0.to_be_bytes(), self.query].concat()
    }
}

/// The seal, the same in all processes of a deployment.
#[derive(Default)]
pub(crate) struct Cursors(OnceCell<Seal>);

impl Cursors {
    /// The seal; its key is made by the first process of a deployment that needs it.
    pub(crate) async fn seal(&self, connection: &mut PgConnection) -> Result<&Seal, StoreError> {
        let fetched = self.0.get_or_try_init(|| async move {
            let mut candidate = [0; KEY_BYTES];
            rand::rng().fill_bytes(&mut candidate);
            let key = secrets::shared(connection, "cursors", &candidate).await?;
            Seal::new(&key).ok_or_else(StoreError::refused)
        });
        fetched.await
    }
}

pub(crate) struct Seal(XChaCha20Poly1305);

impl Seal {
    fn new(key: &[u8]) -> Option<Seal> {
        XChaCha20Poly1305::new_from_slice(key).ok().map(Seal)
    }

    /// The cursor of a list under /scim.
    pub(crate) fn close(&self, cursor: &Cursor, scope: Scope<'_>) -> Option<String> {
        self.close_any(cursor, scope)
    }

    /// As text of unreserved characters (RFC 3986 §2.3); `None` only when the cursor is too large
    /// to be encrypted.
    pub(crate) fn close_any<T: Serialize>(&self, cursor: &T, scope: Scope<'_>) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload {
            msg: &serde_json::to_vec(cursor).ok()?,
            aad: &scope.bytes(),
        };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// # Errors
    /// 400 `invalidCursor` for what was not closed by this seal for this scope, `expiredCursor`
    /// for what is too old.
    pub(crate) fn open(&self, text: &str, scope: Scope<'_>, now: i64) -> Result<Cursor, ScimError> {
        let cursor: Cursor = self.open_any(text, scope).ok_or_else(|| {
            ScimError::bad_request(
                ScimType::InvalidCursor,
                "cursor is not one that this query was answered with; an empty one asks for the first page",
            )
        })?;
        match now < cursor.expires_at {
            true => Ok(cursor),
            false => Err(ScimError::bad_request(
                ScimType::ExpiredCursor,
                "cursor is older than the cursorTimeout in ServiceProviderConfig",
            )),
        }
    }

    /// What was closed for this scope; `None` for anything else.
    pub(crate) fn open_any<T: DeserializeOwned>(&self, text: &str, scope: Scope<'_>) -> Option<T> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: sealed,
            aad: &scope.bytes(),
        };
        let opened = self.0.decrypt(&XNonce::from(*nonce), payload).ok()?;
        serde_json::from_slice(&opened).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: Scope<'_> = Scope {
        tenant: TenantId(1),
        query: b"/Users",
    };

    fn seal(key: u8) -> Seal {
        Seal::new(&[key; KEY_BYTES]).unwrap()
    }

    fn cursor() -> Cursor {
        let position = serde_json::json!({"seq": 7, "number": null, "text": "ADA"});
        Cursor {
            position: serde_json::from_value(position).unwrap(),
            count: 10,
            total: 100,
            expires_at: 1_000,
        }
    }

    /// RFC 9865 §2: a cursor has only unreserved characters and tells nothing about its structure.
    #[test]
    fn close_then_open_is_the_cursor_in_unreserved_characters() {
        let text = seal(1).close(&cursor(), SCOPE).unwrap();
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        );
        assert_eq!(seal(1).open(&text, SCOPE, 999), Ok(cursor()));
        assert_ne!(seal(1).close(&cursor(), SCOPE).unwrap(), text);
    }

    /// RFC 9865 §2.1: a cursor that the server did not hand out for this query is invalidCursor.
    #[test]
    fn open_what_was_changed_or_belongs_elsewhere_is_invalid_cursor() {
        let text = seal(1).close(&cursor(), SCOPE).unwrap();
        let refused = |seal: &Seal, text: &str, scope| seal.open(text, scope, 0).unwrap_err().scim_type;
        let elsewhere = Scope {
            tenant: TenantId(2),
            ..SCOPE
        };
        let other = Scope {
            query: b"/Groups",
            ..SCOPE
        };
        assert_eq!(refused(&seal(1), &text, elsewhere), Some(ScimType::InvalidCursor));
        assert_eq!(refused(&seal(1), &text, other), Some(ScimType::InvalidCursor));
        assert_eq!(refused(&seal(2), &text, SCOPE), Some(ScimType::InvalidCursor));
        for place in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(
                refused(&seal(1), &forged, SCOPE),
                Some(ScimType::InvalidCursor),
                "{place}"
            );
            assert_eq!(
                refused(&seal(1), &text[..place], SCOPE),
                Some(ScimType::InvalidCursor),
                "{place}"
            );
        }
    }

    /// RFC 9865 §2.1: a cursor that was kept longer than cursorTimeout is expiredCursor.
    #[test]
    fn open_at_its_end_is_expired_cursor() {
        let text = seal(1).close(&cursor(), SCOPE).unwrap();
        let error = seal(1).open(&text, SCOPE, 1_000).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::ExpiredCursor));
    }
}
