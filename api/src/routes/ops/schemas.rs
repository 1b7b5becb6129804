//! Extension schemas that the tenant's operators define (RFC 7643 §7).

use super::preconditions;
use crate::error::{Failure, Problem};
use crate::extract::Caller;
use crate::openapi::{IfMatch, Preconditions, described};
use crate::schemas::set_of;
use crate::state::App;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::scim::schema::{Definition, Returned, Schema, SchemaSet, definition};
use rollcall_shared::scim::{ScimError, discovery, etag};
use rollcall_shared::store::schemas::{self, DefinedSchema};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};

described!(
    /// A schema that operators defined, as `/scim/v2/Schemas` shows it.
    DefinedSchemaForm, {
        "schemas": ["string"],
        "id": "string: its URN",
        "name": "string",
        "description?": "string?",
        "extends": "User|Group",
        "attributes": ["object: as in RFC 7643 §7"],
        "meta": { "resourceType": "=Schema", "created": "time", "lastModified": "time", "version": "string: as the ETag has it" },
    }
);
described!(
    /// The tenant's own schemas.
    DefinedSchemasForm, { "schemas": [of::<DefinedSchemaForm>()] }
);
described!(
    /// The definition of a schema (RFC 7643 §7) and what it extends.
    SchemaDefinitionForm, {
        "schemas?": ["string"],
        "id?": "string: the URN, as in the path",
        "name?": "string",
        "description?": "string",
        "extends?": "User|Group: User unless told",
        "attributes": ["object: as in RFC 7643 §7"],
        "meta?": "object: is ignored",
    }
);

/// `GET /ops/v1/schemas`: the tenant's own schemas; the built-in ones are at `/scim/v2/Schemas`.
#[utoipa::path(get, path = "/schemas", responses((status = 200, body = DefinedSchemasForm)))]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let stored = schemas::list(&mut connection, caller.0.tenant).await?;
    let shown: Vec<Value> = stored.iter().map(represent).collect();
    Ok(Json(json!({ "schemas": shown })))
}

/// `GET /ops/v1/schemas/{urn}`: a schema of the tenant.
#[utoipa::path(
    get,
    path = "/schemas/{urn}",
    responses((status = 200, body = DefinedSchemaForm, headers(("ETag"))))
)]
pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(urn): Path<String>,
) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let all = schemas::list(&mut connection, caller.0.tenant).await?;
    let stored = named(&all, &urn).ok_or_else(not_found)?;
    Ok(answer(StatusCode::OK, stored))
}

/// `PUT /ops/v1/schemas/{urn}`: define a schema; 201 for a new schema, else 200. What resources already hold is
/// not measured by it before they are written again.
#[utoipa::path(
    put,
    path = "/schemas/{urn}",
    params(Preconditions),
    request_body = SchemaDefinitionForm,
    responses(
        (status = 200, body = DefinedSchemaForm, headers(("ETag"))),
        (status = 201, body = DefinedSchemaForm, headers(("ETag"))),
        (
            status = 409,
            description = "It contradicts another schema, or there are as many as a tenant may have."
        ),
        (status = 412),
        (status = 413),
        (status = 415)
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    Path(urn): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(|rejection| Failure::new(rejection.status(), rejection.body_text()))?;
    let defined = Definition::parse(&urn, &body)?;
    let tenant = caller.0.tenant;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    schemas::lock(&mut tx, tenant).await?;
    let mut all = schemas::list(&mut tx, tenant).await?;
    let found = named(&all, &urn).map(|stored| stored.version);
    preconditions::check(&headers, found)?;
    let place = all.iter().position(|stored| is_named(stored, &urn));
    let replaced = place.map(|place| all.remove(place));
    let others = set_of(&all)?;
    defined.check_beside(others)?;
    match &replaced {
        Some(replaced) if replaced.definition["extends"] != defined.extends.name() => {
            return Err(conflict("the schema extends another resource type; delete it first").into());
        }
        None if all.len() >= definition::MAX_SCHEMAS => {
            let most = definition::MAX_SCHEMAS;
            return Err(conflict(&format!(
                "there are {most} schemas already, as many as a tenant may have"
            ))
            .into());
        }
        _ => {}
    }
    let schema = only(&defined)?;
    let mut document = discovery::schema_definition(schema);
    document["extends"] = defined.extends.name().into();
    let stored = schemas::put(&mut tx, tenant, &urn.to_ascii_lowercase(), &document).await?;
    tx.commit().await.map_err(StoreError::from)?;
    app.schemas.forget(tenant);
    tracing::info!(token = %caller.0.id, schema = urn, version = stored.version, "a schema was stored");
    let status = match replaced {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    Ok(answer(status, &stored))
}

/// `DELETE /ops/v1/schemas/{urn}`: delete a schema; 204. Values that resources hold stay, as those of an
/// extension nobody described; so a schema that hides some is kept as long as there are any.
#[utoipa::path(
    delete,
    path = "/schemas/{urn}",
    params(IfMatch),
    responses(
        (status = 204),
        (status = 409, description = "Resources hold values that it says are never returned."),
        (status = 412)
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(urn): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let tenant = caller.0.tenant;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    schemas::lock(&mut tx, tenant).await?;
    let all = schemas::list(&mut tx, tenant).await?;
    let stored = named(&all, &urn).ok_or_else(not_found)?;
    preconditions::check(&headers, Some(stored.version))?;
    if hides_values(&mut tx, &caller, stored).await? {
        return Err(conflict("resources hold values that the schema says are never returned").into());
    }
    schemas::delete(&mut tx, tenant, &urn.to_ascii_lowercase()).await?;
    tx.commit().await.map_err(StoreError::from)?;
    app.schemas.forget(tenant);
    tracing::info!(token = %caller.0.id, schema = urn, "a schema was deleted");
    Ok(StatusCode::NO_CONTENT)
}

async fn hides_values(
    connection: &mut PgConnection,
    caller: &Caller,
    stored: &DefinedSchema,
) -> Result<bool, Problem> {
    let set = set_of(std::slice::from_ref(stored))?;
    let urn = stored.definition["id"].as_str().unwrap_or_default();
    let attributes = set.by_urn(urn).map_or(&[][..], |schema| schema.attributes);
    let hidden = attributes.iter().any(|attribute| {
        let subs = attribute.sub_attributes.iter();
        std::iter::once(attribute)
            .chain(subs)
            .any(|attribute| attribute.returned == Returned::Never)
    });
    Ok(hidden && schemas::in_use(connection, caller.0.tenant, urn).await?)
}

/// The definition as a schema.
fn only(defined: &Definition) -> Result<&'static Schema, Problem> {
    let set = SchemaSet::with(std::slice::from_ref(defined)).map_err(crate::schemas::SchemasError::from)?;
    Ok(set.by_urn(defined.urn()).ok_or_else(Failure::internal)?)
}

fn named<'a>(all: &'a [DefinedSchema], urn: &str) -> Option<&'a DefinedSchema> {
    all.iter().find(|stored| is_named(stored, urn))
}

fn is_named(stored: &DefinedSchema, urn: &str) -> bool {
    let id = stored.definition["id"].as_str().unwrap_or_default();
    id.eq_ignore_ascii_case(urn)
}

fn answer(status: StatusCode, stored: &DefinedSchema) -> Response {
    let tag = [(header::ETAG, etag(stored.version))];
    (status, tag, Json(represent(stored))).into_response()
}

/// As `/Schemas` shows it, with the resource type it extends.
fn represent(stored: &DefinedSchema) -> Value {
    let mut schema = stored.definition.clone();
    schema["meta"] = json!({
        "resourceType": "Schema",
        "created": stored.created_at,
        "lastModified": stored.modified_at,
        "version": etag(stored.version),
    });
    schema
}

fn not_found() -> ScimError {
    ScimError::not_found("this tenant has defined no such schema")
}

fn conflict(detail: &str) -> ScimError {
    ScimError::conflict(detail)
}
