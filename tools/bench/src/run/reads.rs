//! Single requests among many users: one by id, one by userName, a title replaced; and everybody by
//! cursor.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::bare::Bare;
use super::flood::{Flooded, Pace, flood};
use super::rates::bulk;
use super::report::{Measure, Report, Target, Unit};
use super::stack::{Stack, Tenant};
use super::wire::{Endpoint, patch_body};
use super::{Scale, median};
use crate::company::Company;

/// Connections of the floor: more than there are processors gain nothing.
const FLOOR_CONNECTIONS: usize = 8;
/// Users in a page of the walk.
const PAGE: usize = 1_000;

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    eprintln!("reads: storing {} users", scale.stored);
    let tenant = stack.tenant().await?;
    let company = Company::roster(scale.stored, 1);
    bulk(stack, &tenant, &company, scale.bulk_size).await?;
    stack.forget_backlog(&tenant).await?;
    for table in ["scim_resources", "scim_keys"] {
        let analyze = AssertSqlSafe(format!("vacuum analyze {table}"));
        sqlx::query(analyze).execute(&stack.pool).await?;
    }
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    let users = "select id::text as id, document ->> 'userName' as name from scim_resources
         where tenant_id = $1 and kind = 1 and deleted_seq is null order by md5(id::text) limit $2";
    let users = sqlx::query(users)
        .bind(tenant.id)
        .bind(i64::try_from(scale.reads)?);
    for user in users.fetch_all(&stack.pool).await? {
        ids.push(user.try_get::<String, _>("id")?);
        names.push(user.try_get::<String, _>("name")?);
    }

    let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
    let by_id: Vec<_> = ids
        .iter()
        .map(|id| endpoint.get(&format!("/Users/{id}")))
        .collect();
    let by_name: Vec<_> = names
        .iter()
        .map(|name| Ok(endpoint.get(&format!("/Users?{}", filter(name)?))))
        .collect::<Result<_>>()?;
    for connections in scale.connections {
        let count = few_for_one(connections, ids.len());
        let (ids, names) = (&ids[..count], &names[..count]);
        let found = lookups(&endpoint, &by_id[..count], scale, connections, || {
            floor(
                stack,
                &tenant,
                ids,
                "select document from scim_resources where tenant_id = $1 and id = $2::uuid and deleted_seq is null",
            )
        });
        let measure = found
            .await?
            .measure(format!("get by id, {connections} connections"));
        report.add(match connections == scale.most_connections() {
            true => measure.target(Target::AtLeast(12_000.0)),
            false => measure,
        });
        let found = lookups(&endpoint, &by_name[..count], scale, connections, || {
            floor(
                stack,
                &tenant,
                names,
                "select r.document from scim_keys k join scim_resources r on r.tenant_id = k.tenant_id and r.id = k.resource_id
                 where k.tenant_id = $1 and k.kind = 1 and k.attribute = 2 and k.is_unique and k.to_seq is null
                   and k.value = lower($2)",
            )
        });
        report.add(
            found
                .await?
                .measure(format!("filter by userName, {connections} connections")),
        );
        report.add(patches(&endpoint, ids, scale, connections).await?);
    }
    report.add(walk(stack, &tenant, &endpoint, scale).await?);
    report.notes.push(format!(
        "reads and PATCHes among {} users; floor of reads: the same rows by prepared statements; of PATCHes: a bare \
         handler that parses the same JSON",
        scale.stored
    ));
    stack.forget_backlog(&tenant).await
}

#[derive(Default)]
struct Lookups {
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    floors: Vec<f64>,
}

impl Lookups {
    fn add(&mut self, flooded: &Flooded) {
        self.rates.push(flooded.rate());
        self.p50.push(flooded.quantile(0.50));
        self.p99.push(flooded.quantile(0.99));
    }

    fn measure(self, title: String) -> Measure {
        let latency = format!("p50 {:.1} ms, p99 {:.1} ms", median(&self.p50), median(&self.p99));
        Measure::new(title, Unit::PerSecond, &self.rates, &self.floors).with(latency)
    }
}

/// One connection alone is many times slower: it gets by with fewer requests.
fn few_for_one(connections: usize, count: usize) -> usize {
    if connections == 1 { count / 5 } else { count }
}

async fn lookups<F: Future<Output = Result<f64>>>(
    endpoint: &Endpoint,
    requests: &[Vec<u8>],
    scale: &Scale,
    connections: usize,
    floor: impl Fn() -> F,
) -> Result<Lookups> {
    let mut lookups = Lookups::default();
    for _ in 0..scale.runs {
        let check = |status: u16, body: &[u8]| {
            let found = status == 200 && !body.windows(17).any(|part| part == b"\"totalResults\":0,");
            ensure!(
                found,
                "a look-up answered {status}: {}",
                String::from_utf8_lossy(body)
            );
            Ok(())
        };
        let requests = Arc::new(requests.to_vec());
        lookups.add(&flood(endpoint, requests, connections, Pace::Unpaced, check).await?);
        lookups.floors.push(floor().await?);
    }
    Ok(lookups)
}

/// A title replaced, each time of another user.
async fn patches(endpoint: &Endpoint, ids: &[String], scale: &Scale, connections: usize) -> Result<Measure> {
    let bare = Bare::start().await?;
    let mut patched = Lookups::default();
    for run in 0..scale.runs {
        let requests = |endpoint: &Endpoint| -> Result<Arc<Vec<Vec<u8>>>> {
            let request = |id: &String| {
                let title = format!("{connections} at once, round {run}");
                let body = patch_body("replace", "title", Value::from(title));
                Ok(endpoint.patch(&format!("/Users/{id}"), &serde_json::to_vec(&body)?))
            };
            Ok(Arc::new(ids.iter().map(request).collect::<Result<_>>()?))
        };
        let check = |status: u16, _: &[u8]| {
            ensure!(status == 200, "a PATCH answered {status}");
            Ok(())
        };
        let all = flood(endpoint, requests(endpoint)?, connections, Pace::Unpaced, check);
        patched.add(&all.await?);
        let parsed = requests(&bare.endpoint)?;
        let parsed = flood(&bare.endpoint, parsed, connections, Pace::Unpaced, |_, _| Ok(()));
        patched.floors.push(parsed.await?.rate());
    }
    Ok(patched.measure(format!("PATCH, {connections} connections")))
}

/// Look-ups per second of a statement with these parameters.
async fn floor(
    stack: &Stack,
    tenant: &Tenant,
    parameters: &[String],
    statement: &'static str,
) -> Result<f64> {
    let mut connections = Vec::new();
    for _ in 0..FLOOR_CONNECTIONS {
        connections.push(PgConnection::connect(&stack.target.database_url).await?);
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    let share = parameters.len().div_ceil(FLOOR_CONNECTIONS).max(1);
    for (part, mut connection) in parameters.chunks(share).zip(connections) {
        let (part, tenant) = (part.to_vec(), tenant.id);
        tasks.spawn(async move {
            for parameter in part {
                let found = sqlx::query(statement).bind(tenant).bind(parameter);
                let found = found.fetch_all(&mut connection).await?;
                ensure!(found.len() == 1, "a look-up found {} rows", found.len());
            }
            anyhow::Ok(())
        });
    }
    while let Some(finished) = tasks.join_next().await {
        finished??;
    }
    Ok(parameters.len() as f64 / started.elapsed().as_secs_f64())
}

/// The query string that looks for a userName.
fn filter(name: &str) -> Result<String> {
    let mut url = reqwest::Url::parse("http://any")?;
    let filter = format!("userName eq {}", Value::from(name));
    url.query_pairs_mut().append_pair("filter", &filter);
    Ok(url.query().unwrap_or_default().to_owned())
}

/// Users per second from the first page to the last.
async fn walk(stack: &Stack, tenant: &Tenant, endpoint: &Endpoint, scale: &Scale) -> Result<Measure> {
    let (mut rates, mut floors) = (vec![], vec![]);
    for _ in 0..scale.runs {
        let started = Instant::now();
        let mut wire = endpoint.connect().await?;
        let (mut cursor, mut read) = (String::new(), 0);
        loop {
            let page = endpoint.get(&format!("/Users?count={PAGE}&cursor={cursor}"));
            let (status, body) = wire.exchange(&page).await?;
            ensure!(status == 200, "a page answered {status}");
            read += number(body, "itemsPerPage")?;
            match next_cursor(body)? {
                Some(next) => cursor = next,
                None => break,
            }
        }
        ensure!(
            read == scale.stored,
            "a walk of {} users read {read}",
            scale.stored
        );
        rates.push(read as f64 / started.elapsed().as_secs_f64());

        let mut connection = PgConnection::connect(&stack.target.database_url).await?;
        let started = Instant::now();
        let all = "select document from scim_resources
             where tenant_id = $1 and kind = 1 and deleted_seq is null order by created_seq";
        let mut rows = sqlx::query(all).bind(tenant.id).fetch(&mut connection);
        let mut read = 0;
        while rows.try_next().await?.is_some() {
            read += 1;
        }
        floors.push(f64::from(read) / started.elapsed().as_secs_f64());
    }
    let title = format!("cursor walk of {} users", scale.stored);
    let detail = format!("pages of {PAGE}, one connection");
    Ok(Measure::new(title, Unit::PerSecond, &rates, &floors).with(detail))
}

/// The head of a page, before its resources: the client is to be faster than the server.
fn head(body: &[u8]) -> Result<&str> {
    let end = body
        .windows(12)
        .position(|part| part == b"\"Resources\":")
        .context("a list without Resources")?;
    Ok(std::str::from_utf8(&body[..end])?)
}

fn number(body: &[u8], name: &str) -> Result<usize> {
    let (_, rest) = head(body)?
        .split_once(&format!("\"{name}\":"))
        .with_context(|| format!("a list without {name}"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

fn next_cursor(body: &[u8]) -> Result<Option<String>> {
    let next = head(body)?.split_once("\"nextCursor\":\"");
    Ok(next
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(cursor, _)| cursor.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_of_a_page_tells_its_size_and_the_next_cursor() -> Result<()> {
        let page = br#"{"schemas":["x"],"totalResults":5,"itemsPerPage":2,"nextCursor":"a-b_c","Resources":[{"nextCursor":"no"}]}"#;
        assert_eq!(number(page, "itemsPerPage")?, 2);
        assert_eq!(next_cursor(page)?.as_deref(), Some("a-b_c"));
        let last = br#"{"itemsPerPage":0,"Resources":[{"nextCursor":"no"}]}"#;
        assert_eq!(next_cursor(last)?, None);
        assert!(number(b"{}", "itemsPerPage").is_err());
        Ok(())
    }

    #[test]
    fn filter_is_encoded_for_a_query_string() -> Result<()> {
        assert_eq!(filter("a+b@x")?, "filter=userName+eq+%22a%2Bb%40x%22");
        Ok(())
    }
}
