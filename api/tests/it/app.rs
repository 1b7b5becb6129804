//! One API process's worth of the service, in this process, over a database of its own.

use crate::described;
use clap::Parser as _;
use devstack::{TestDatabase, TestRedis};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[derive(clap::Parser)]
struct Settings {
    #[command(flatten)]
    config: rollcall_api::Config,
}

pub(crate) struct TestApp {
    /// Without a path.
    pub url: String,
    pub pool: PgPool,
    pub http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Result<(), rollcall_api::ServeError>>,
    // Dropped last: the database can only go when nothing uses it any more.
    database: Option<TestDatabase>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Null when there was no body.
    pub body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The receipt of an accepted write.
    pub(crate) fn txn(&self) -> &str {
        self.header("set-txn")
    }

    pub(crate) fn id(&self) -> &str {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {self:?}"))
    }

    /// Assert that this is a SCIM error of this status; answers its detail.
    #[track_caller]
    pub(crate) fn scim_error(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/scim+json");
        assert_eq!(
            self.body["schemas"][0],
            "urn:ietf:params:scim:api:messages:2.0:Error"
        );
        assert_eq!(self.body["status"], status.to_string());
        self.body["detail"].as_str().unwrap()
    }

    /// Assert that this is a problem document of this status; answers its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        self.body["detail"].as_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }
}

impl TestApp {
    pub(crate) async fn start() -> TestApp {
        TestApp::start_with(&[]).await
    }

    /// With further flags of `serve`.
    pub(crate) async fn start_with(flags: &[&str]) -> TestApp {
        let database = TestDatabase::create().await.unwrap();
        let redis = TestRedis::new().unwrap();
        let redis = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
        let mut app = TestApp::start_on(database.url(), &[&redis[..], flags].concat()).await;
        app.database = Some(database);
        app
    }

    /// Over any migrated database.
    pub(crate) async fn start_on(database_url: &str, flags: &[&str]) -> TestApp {
        let settings = [
            "test",
            "--database-url",
            database_url,
            "--database-connections",
            "5",
        ];
        let settings = Settings::parse_from(settings.iter().chain(flags));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // A dropped sender stops the server too.
            let _ = stopped.await;
        };
        TestApp {
            url,
            pool: sqlx::postgres::PgPoolOptions::new()
                .max_connections(2)
                .connect_lazy(database_url)
                .unwrap(),
            http: reqwest::Client::new(),
            stop: Some(stop),
            server: tokio::spawn(rollcall_api::run(settings.config, listener, shutdown)),
            database: None,
        }
    }

    /// Stop in good order, keeping the database.
    pub(crate) async fn stop(&mut self) {
        self.stop.take();
        (&mut self.server).await.unwrap().unwrap();
    }

    pub(crate) fn database_url(&self) -> &str {
        self.database.as_ref().unwrap().url()
    }

    pub(crate) async fn tenant(&self, name: &str) -> i64 {
        let insert = "insert into tenants (name) values ($1) returning id";
        sqlx::query_scalar(insert)
            .bind(name)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// A new token of this tenant.
    pub(crate) async fn token(&self, tenant: i64, scope: &str) -> String {
        let secret = format!("rc_{scope}_{}", uuid::Uuid::new_v4().simple());
        sqlx::query(
            "insert into tokens (tenant_id, id, name, scope, source, secret_hash, prefix)
             values ($1, $2, 'test', $3, 'test', sha256($4), 'rc_')",
        )
        .bind(tenant)
        .bind(uuid::Uuid::now_v7())
        .bind(scope)
        .bind(secret.as_bytes())
        .execute(&self.pool)
        .await
        .unwrap();
        secret
    }

    /// A client of a new tenant.
    pub(crate) async fn scim(&self) -> Client<'_> {
        let tenant = self.tenant(&uuid::Uuid::new_v4().to_string()).await;
        self.client(tenant, "scim").await
    }

    pub(crate) async fn client(&self, tenant: i64, scope: &str) -> Client<'_> {
        let secret = self.token(tenant, scope).await;
        Client {
            app: self,
            tenant,
            secret,
        }
    }

    /// A client of a new tenant whose requests are read as the RFCs say.
    pub(crate) async fn strict_scim(&self) -> Client<'_> {
        let client = self.scim().await;
        sqlx::query("update tokens set strict = true where tenant_id = $1")
            .bind(client.tenant)
            .execute(&self.pool)
            .await
            .unwrap();
        client
    }

    /// A request without a token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }
}

/// Somebody with a token. Paths without a leading `/ops`, `/scim` or the like are under `/scim/v2`.
pub(crate) struct Client<'a> {
    pub app: &'a TestApp,
    pub tenant: i64,
    pub secret: String,
}

impl<'a> Client<'a> {
    /// Somebody of the same tenant with another token.
    pub(crate) fn with_secret(&self, secret: &str) -> Client<'a> {
        Client {
            secret: secret.to_owned(),
            ..*self
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let rooted = ["/ops", "/content", "/scim"];
        let root = match rooted.iter().any(|root| path.starts_with(root)) {
            true => "",
            false => "/scim/v2",
        };
        self.app
            .request(method, &format!("{root}{path}"))
            .bearer_auth(&self.secret)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// `GET` with a filter.
    pub(crate) async fn find(&self, path: &str, filter: &str) -> Answer {
        let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.get(&format!("{path}?filter={encoded}")).await
    }

    /// A new user; answers its representation.
    pub(crate) async fn user(&self, user_name: &str) -> Answer {
        self.post("/Users", serde_json::json!({ "userName": user_name }))
            .await
            .expect(201)
    }
}

/// Send it, and hold the answer against the description of the API.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let body = match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned())),
    };
    let answer = Answer {
        status,
        headers,
        body,
    };
    described::check(&method, &path, &answer);
    answer
}
