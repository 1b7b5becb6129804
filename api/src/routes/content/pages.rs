//! Where pages of a list begin, as sealed cursors of one tenant and one question.

use crate::cursor::{Scope, Seal};
use crate::error::Failure;
use crate::extract::Asked;
use crate::state::App;
use axum::http::StatusCode;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::{PgConnection, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Items in a page when the client does not say, and at most.
pub(super) const USUAL: i64 = 100;
pub(super) const MOST: i64 = 1_000;

/// The cursors of one question.
pub(super) struct Pages<'a> {
    seal: &'a Seal,
    tenant: TenantId,
    question: Vec<u8>,
}

impl<'a> Pages<'a> {
    /// Of a list at this path, asked for like this.
    pub(super) async fn of(
        app: &'a App,
        connection: &mut PgConnection,
        tenant: TenantId,
        path: &str,
        asked: &Asked,
    ) -> Result<Pages<'a>, StoreError> {
        Ok(Pages {
            seal: app.cursors.seal(connection).await?,
            tenant,
            question: [
                b"/content/v1",
                path.as_bytes(),
                &asked.question(&["cursor", "limit"]),
            ]
            .concat(),
        })
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            tenant: self.tenant,
            query: &self.question,
        }
    }

    /// Where the client goes on; `None` at the beginning.
    ///
    /// # Errors
    /// 400 for a cursor that is not of this question.
    pub(super) fn open<T: DeserializeOwned>(&self, asked: &Asked) -> Result<Option<T>, Failure> {
        let open = |cursor| {
            let detail = "cursor is not one that this list was answered with, asked for in the same way; \
                without it, the list begins anew";
            self.seal
                .open_any(cursor, self.scope())
                .ok_or_else(|| Failure::new(StatusCode::BAD_REQUEST, detail))
        };
        asked.text("cursor").map(open).transpose()
    }

    /// The cursor of a place.
    pub(super) fn close<T: Serialize>(&self, place: Option<&T>) -> Option<String> {
        self.seal.close_any(place?, self.scope())
    }
}
