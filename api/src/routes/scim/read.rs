use super::answer::Answer;
use super::present::{location, present, represent_one, selects_derived};
use crate::error::{Failure, ScimFailure};
use crate::extract::{BaseUrl, Caller, Protocol, SearchQuery, Target};
use crate::gather::User;
use crate::openapi::Selected;
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{ResourceType, Rules, ScimError, Selection, etag_matches};
use rollcall_shared::store::search::{self, Stored};
use rollcall_shared::store::{PgConnection, StoreError};
use std::sync::Arc;
use uuid::Uuid;

/// `GET /Users/{id}`: a User, by id or else by externalId. 304 when the client has this version and
/// asks for nothing derived.
#[utoipa::path(
    get,
    path = "/Users/{id}",
    params(
        Selected,
        ("If-None-Match" = Option<String>, Header, description = "The version that the client has.")
    ),
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/User"),
            content_type = "application/scim+json",
            headers(("ETag"), ("Location"), ("Content-Location"))
        ),
        (status = 304, headers(("ETag")))
    )
)]
pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    Target { kind, id }: Target,
    query: SearchQuery,
    headers: HeaderMap,
) -> Result<Answer, ScimFailure> {
    let read = Read {
        app: &app,
        tenant: caller.0.tenant,
        rules,
        base: &base,
        id: &id,
        selection: &query.selection,
        known: headers
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok()),
    };
    let answer = match kind {
        ResourceType::User => read.user().await?,
        ResourceType::Group => read.group().await?,
    };
    Ok(answer.ok_or_else(|| not_found(kind))?)
}

/// What a client asks of one resource.
struct Read<'a> {
    app: &'a App,
    tenant: TenantId,
    rules: Rules,
    base: &'a str,
    id: &'a str,
    selection: &'a Selection,
    /// The versions that it has.
    known: Option<&'a str>,
}

impl Read<'_> {
    /// A User, together with others that are asked for at the same time.
    async fn user(&self) -> Result<Option<Answer>, Failure> {
        let derived = selects_derived(ResourceType::User, self.selection);
        let Some(user) = self.find_user(derived).await? else {
            return Ok(None);
        };
        if !derived && self.is_known(user.resource.version) {
            return Ok(Some(not_modified(user.resource.version)));
        }
        let body = represent_one(self.base, &user.resource, &user.derived, self.selection);
        Ok(Some(self.answer(&user.resource, body)))
    }

    async fn find_user(&self, derived: bool) -> Result<Option<Arc<User>>, Failure> {
        let gather = &self.app.gather;
        if let Ok(id) = Uuid::try_parse(self.id)
            && let Some(user) = gather.user(self.tenant, id, derived).await?
        {
            return Ok(Some(user));
        }
        if !self.rules.dialect.finds_by_external_id() {
            return Ok(None);
        }
        let id = {
            let mut connection = self.app.pool.acquire().await.map_err(StoreError::from)?;
            by_external_id(
                &mut connection,
                self.tenant,
                self.rules,
                ResourceType::User,
                self.id,
            )
            .await?
        };
        match id {
            Some(id) => Ok(gather.user(self.tenant, id, derived).await?),
            None => Ok(None),
        }
    }

    /// A Group: its members, of whom there may be many, go from the database's rows into the answer.
    async fn group(&self) -> Result<Option<Answer>, Failure> {
        let mut connection = self.app.pool.acquire().await.map_err(StoreError::from)?;
        let Some(group) = self.find_group(&mut connection).await? else {
            return Ok(None);
        };
        if self.is_known(group.version) {
            return Ok(Some(not_modified(group.version)));
        }
        let resources = std::slice::from_ref(&group);
        let body = present(
            &mut connection,
            self.tenant,
            self.base,
            resources,
            self.selection,
            vec![],
        )
        .await?;
        Ok(Some(self.answer(&group, body)))
    }

    async fn find_group(&self, connection: &mut PgConnection) -> Result<Option<Stored>, StoreError> {
        let kind = ResourceType::Group;
        if let Ok(id) = Uuid::try_parse(self.id)
            && let Some(group) = search::get(connection, self.tenant, kind, id).await?
        {
            return Ok(Some(group));
        }
        match by_external_id(connection, self.tenant, self.rules, kind, self.id).await? {
            Some(id) => search::get(connection, self.tenant, kind, id).await,
            None => Ok(None),
        }
    }

    fn is_known(&self, version: i64) -> bool {
        self.known.is_some_and(|tags| etag_matches(tags, version))
    }

    fn answer(&self, resource: &Stored, body: Vec<u8>) -> Answer {
        let url = location(self.base, resource.kind, resource.id);
        Answer::json(StatusCode::OK, body)
            .resource(&url)
            .version(resource.version)
    }
}

fn not_modified(version: i64) -> Answer {
    Answer::new(StatusCode::NOT_MODIFIED, None).version(version)
}

/// The resource that has this externalId, where the dialect lets a path hold one.
pub(super) async fn by_external_id(
    connection: &mut PgConnection,
    tenant: TenantId,
    rules: Rules,
    kind: ResourceType,
    external_id: &str,
) -> Result<Option<Uuid>, StoreError> {
    if !rules.dialect.finds_by_external_id() {
        return Ok(None);
    }
    let found = search::by_external_ids(connection, tenant, kind, &[external_id]).await?;
    Ok(found.into_values().next())
}

/// 404 for a resource of this kind.
pub(super) fn not_found(kind: ResourceType) -> ScimError {
    ScimError::not_found(format!("there is no such {}", kind.name()))
}
