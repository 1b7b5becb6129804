//! Writes of a tenant that share a batch: its lock is held while they gather.

use crate::app::{Answer, Client, TestApp, send};
use devstack::wait::{SOON, until};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

/// The lock every accept transaction of the tenant takes first.
pub(crate) const ACCEPT_LOCK_CLASS: i64 = 0x5c1d << 40;

/// Holds up the tenant's accept transactions until told to go on.
pub(crate) struct Gate {
    connection: PgConnection,
    key: i64,
}

impl Gate {
    pub(crate) async fn close(client: &Client<'_>) -> Gate {
        let mut connection = PgConnection::connect(client.app.database_url()).await.unwrap();
        let key = ACCEPT_LOCK_CLASS + client.tenant;
        sqlx::query("select pg_advisory_lock($1)")
            .bind(key)
            .execute(&mut connection)
            .await
            .unwrap();
        Gate { connection, key }
    }

    /// Wait until an accept transaction is held up.
    pub(crate) async fn occupied(&mut self) {
        until("a transaction waits for the tenant's lock", SOON, async || {
            let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                 and database = (select oid from pg_database where datname = current_database()))";
            sqlx::query_scalar(waiting)
                .fetch_one(&mut self.connection)
                .await
                .unwrap()
        })
        .await
        .unwrap();
    }

    pub(crate) async fn open(mut self) {
        let unlock = "select pg_advisory_unlock($1)";
        sqlx::query(unlock)
            .bind(self.key)
            .execute(&mut self.connection)
            .await
            .unwrap();
    }
}

/// Send all of these so that they share one batch, in this order; answers theirs.
pub(crate) async fn in_one_batch(client: &Client<'_>, requests: Vec<(Method, String, Value)>) -> Vec<Answer> {
    let mut gate = Gate::close(client).await;
    let first = tokio::spawn(send(
        client
            .request(Method::POST, "/Users")
            .json(&json!({ "userName": "opens-the-batch" })),
    ));
    gate.occupied().await;
    let mut sent = vec![];
    for (number, (method, path, body)) in requests.into_iter().enumerate() {
        sent.push(tokio::spawn(send(client.request(method, &path).json(&body))));
        // In line before the next is sent: the API counts what it has taken in.
        let taken = number + 2;
        until("the write is in line", SOON, async || {
            in_flight(client.app).await >= taken
        })
        .await
        .unwrap();
    }
    gate.open().await;
    first.await.unwrap();
    join_all(sent).await.into_iter().map(Result::unwrap).collect()
}

/// Writes the API has put in line and not yet answered.
pub(crate) async fn in_flight(app: &TestApp) -> usize {
    let text = send(app.request(Method::GET, "/metrics")).await.body;
    let line = text
        .as_str()
        .unwrap()
        .lines()
        .find(|line| line.starts_with("rollcall_accept_waiting_writes "));
    line.and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .unwrap_or(0)
}
