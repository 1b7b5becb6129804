//! What clients ask: one user by id, one by userName, everybody by cursor; and what one member
//! more costs a large group.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::TryStreamExt;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::rates::{bulk, flood};
use super::report::{Measure, Report, Unit};
use super::stack::{Stack, Tenant};
use super::wire::Endpoint;
use super::{Scale, median};
use crate::company::Company;

/// Connections of the floor: more than there are processors gain nothing.
const FLOOR_CONNECTIONS: usize = 8;
/// Users in a page of the walk.
const PAGE: usize = 1_000;
/// Members of the small group.
const FEW: usize = 10;
/// Members in one PATCH that fills a group.
const FILL: usize = 5_000;
/// How many times the cost of the small group the large one may have.
const MOST: f64 = 1.5;

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
    let by_id = ids
        .iter()
        .map(|id| endpoint.get(&format!("/Users/{id}")))
        .collect();
    let by_id = lookups(&endpoint, by_id, scale, || {
        floor(
            stack,
            &tenant,
            &ids,
            "select document from scim_resources where tenant_id = $1 and id = $2::uuid and deleted_seq is null",
        )
    });
    let title = format!("get by id, {} connections", scale.connections);
    report.add(by_id.await?.measure(title));

    let by_name = names
        .iter()
        .map(|name| Ok(endpoint.get(&format!("/Users?{}", filter(name)?))))
        .collect::<Result<_>>()?;
    let by_name = lookups(&endpoint, by_name, scale, || {
        floor(
            stack,
            &tenant,
            &names,
            "select r.document from scim_keys k join scim_resources r on r.tenant_id = k.tenant_id and r.id = k.resource_id
             where k.tenant_id = $1 and k.kind = 1 and k.attribute = 2 and k.is_unique and k.to_seq is null
               and k.value = lower($2)",
        )
    });
    let title = format!("filter by userName, {} users", scale.stored);
    report.add(by_name.await?.measure(title));
    report.add(walk(stack, &tenant, &endpoint, scale).await?);
    report.add(members(&endpoint, scale).await?);
    report.notes.push(
        "floor of reads: the same rows by prepared statements; of a member added: the same in a group of 10"
            .to_owned(),
    );
    stack.forget_backlog(&tenant).await
}

struct Lookups {
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    floors: Vec<f64>,
}

impl Lookups {
    fn measure(self, title: String) -> Measure {
        let latency = format!("p50 {:.1} ms, p99 {:.1} ms", median(&self.p50), median(&self.p99));
        Measure::new(title, Unit::PerSecond, &self.rates, &self.floors).with(latency)
    }
}

async fn lookups<F: Future<Output = Result<f64>>>(
    endpoint: &Endpoint,
    requests: Vec<Vec<u8>>,
    scale: &Scale,
    floor: impl Fn() -> F,
) -> Result<Lookups> {
    let mut lookups = Lookups {
        rates: vec![],
        p50: vec![],
        p99: vec![],
        floors: vec![],
    };
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
        let (elapsed, latency) = flood(endpoint, requests.clone(), scale.connections, check).await?;
        lookups.rates.push(requests.len() as f64 / elapsed.as_secs_f64());
        lookups.p50.push(latency.value_at_quantile(0.50) as f64 / 1_000.0);
        lookups.p99.push(latency.value_at_quantile(0.99) as f64 / 1_000.0);
        lookups.floors.push(floor().await?);
    }
    Ok(lookups)
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

/// Members added one by one to a large group, beside a small one.
async fn members(endpoint: &Endpoint, scale: &Scale) -> Result<Measure> {
    let mut wire = endpoint.connect().await?;
    let large = group(endpoint, "large", scale.stored).await?;
    let small = group(endpoint, "small", FEW).await?;
    let (mut of_large, mut of_small) = (vec![], vec![]);
    for run in 0..scale.runs {
        let (mut in_large, mut in_small) = (Duration::ZERO, Duration::ZERO);
        // By turns, so that whatever else the machine does meets both.
        for number in 0..scale.members {
            for (group, taken) in [(&large, &mut in_large), (&small, &mut in_small)] {
                let request = endpoint.patch(group, &add([format!("more-{run}-{number}")].iter())?);
                let started = Instant::now();
                let (status, _) = wire.exchange(&request).await?;
                *taken += started.elapsed();
                ensure!(status == 204, "a member added answered {status}");
            }
        }
        of_large.push(scale.members as f64 / in_large.as_secs_f64());
        of_small.push(scale.members as f64 / in_small.as_secs_f64());
    }
    let ratio = median(&of_small) / median(&of_large);
    if ratio > MOST {
        bail!(
            "one member more costs a large group {ratio:.2} times what it costs a small one: at most {MOST}"
        );
    }
    let title = format!("member added, group of {}", scale.stored);
    let detail = format!("floor: in a group of {FEW}; ratio {ratio:.2}, at most {MOST}");
    Ok(Measure::new(title, Unit::PerSecond, &of_large, &of_small).with(detail))
}

/// The path of a new group with this many members.
async fn group(endpoint: &Endpoint, name: &str, size: usize) -> Result<String> {
    let mut wire = endpoint.connect().await?;
    let body = serde_json::to_vec(&json!({"displayName": format!("bench {name}")}))?;
    let (status, answer) = wire.exchange(&endpoint.post("/Groups", &body)).await?;
    ensure!(status == 201, "a group answered {status}");
    let group: Value = serde_json::from_slice(answer)?;
    let id = group
        .get("id")
        .and_then(Value::as_str)
        .context("a group without id")?;
    let path = format!("/Groups/{id}");
    let members: Vec<String> = (0..size).map(|member| format!("{name}-{member}")).collect();
    for members in members.chunks(FILL) {
        let (status, _) = wire
            .exchange(&endpoint.patch(&path, &add(members.iter())?))
            .await?;
        ensure!(status == 204, "{} members answered {status}", members.len());
    }
    Ok(path)
}

/// A PATCH that adds members.
fn add<'a>(members: impl Iterator<Item = &'a String>) -> Result<Vec<u8>> {
    let members: Vec<Value> = members.map(|member| json!({"value": member})).collect();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": members}],
    });
    Ok(serde_json::to_vec(&body)?)
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
