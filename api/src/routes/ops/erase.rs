use super::dead_letters;
use super::people::find;
use super::push::push;
use crate::error::Problem;
use crate::extract::Caller;
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use rollcall_shared::directory::Lane;
use rollcall_shared::store::erasure::{self, Cause, Erasure};
use rollcall_shared::store::{StoreError, people};
use serde_json::{Value, json};

described!(
    /// What was erased.
    ErasedForm, {
        "id": "uuid",
        "erasedAt": "time?",
        "receipt": "uuid?: null when nothing was left to do",
        "references": "integer: documents of others that named them",
        "members": "integer: groups that had them as a member",
        "queued": "boolean: whether Redis has taken what follows; if not, a worker finds it within seconds",
    }
);

/// `DELETE /ops/v1/people/{id}/data`: erase a person, deleting them first if they are still there.
/// Answers what was done; asked again, that nothing is left to do.
#[utoipa::path(delete, path = "/people/{id}/data", responses((status = 200, body = ErasedForm)))]
pub(crate) async fn erase(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = find(&mut connection, tenant, &id).await?;
    drop(connection);
    let erasure = erasure::erase(&app.writes, tenant, &[id], Cause::Asked(caller.0.id)).await?;
    let erased = !erasure.people.is_empty();
    if erased {
        tracing::info!(%tenant, person = %id, token = %caller.0.id, txn = %erasure.txn, "a person was erased");
    }
    let queued = push(&app, tenant, &erasure.keys, Lane::Live).await;
    // Jobs that were given up on may name the person as a group did; tried again, they find nothing.
    dead_letters::requeue_naming(&app, tenant, &erasure.values).await;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let person = people::person(&mut connection, tenant, id).await?;
    Ok(Json(shown(id, person.as_ref(), &erasure, erased && queued)))
}

fn shown(id: uuid::Uuid, person: Option<&people::Person>, erasure: &Erasure, queued: bool) -> Value {
    json!({
        "id": id,
        "erasedAt": person.and_then(|person| person.erased_at),
        "receipt": (!erasure.people.is_empty()).then_some(erasure.txn),
        "references": erasure.references,
        "members": erasure.members,
        "queued": queued,
    })
}
