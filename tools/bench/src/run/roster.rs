//! The nightly roster: everybody sent again, unchanged or nearly so.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sqlx::Row;

use super::Scale;
use super::rates::{all_replaced, apply, bulk, send_bulk};
use super::report::{Measure, Report, Target, Unit};
use super::stack::{Stack, Tenant};
use crate::company::Company;
use crate::converge::{self, State};
use crate::send::create_body;

/// One of so many people differs the second time.
const CHANGED: usize = 100;

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    eprintln!("roster: storing {} people", scale.people);
    let tenant = stack.tenant().await?;
    let mut company = Company::roster(scale.people, 1);
    bulk(stack, &tenant, &company, scale.bulk_size).await?;
    apply(stack, &tenant, scale.people, usize::MAX >> 1).await?;
    let ids = ids(stack, &tenant).await?;

    let mut unchanged = vec![];
    for _ in 0..scale.runs {
        let before = new_changes(stack, &tenant).await?;
        unchanged.push(resend(stack, &tenant, &company, &ids, scale).await?);
        let written = new_changes(stack, &tenant).await? - before;
        ensure!(written == 0, "an unchanged roster left {written} changes");
    }
    let measure = Measure::new(
        "roster resent unchanged, people",
        Unit::PerSecond,
        &unchanged,
        &[],
    );
    report.add(
        measure
            .with(format!("PUTs, {} a bulk request", scale.bulk_size))
            .target(Target::AtLeast(15_000.0)),
    );

    let mut worker = stack.start_worker()?;
    worker.ready().await?;
    let mut changed = vec![];
    let mut differing = 0;
    for run in 0..scale.runs {
        let people = company.people.iter_mut().skip(run).step_by(CHANGED);
        differing = 0;
        for person in people {
            person.title = format!("Moved on {run}");
            differing += 1;
        }
        let before = new_changes(stack, &tenant).await?;
        let started = Instant::now();
        resend(stack, &tenant, &company, &ids, scale).await?;
        let deadline = Instant::now() + Duration::from_secs(60);
        let state = converge::wait(&stack.pool, tenant.id, usize::MAX >> 1, deadline).await?;
        let State::Converged(at) = state else {
            bail!("the changes of a roster are not applied: {state:?}");
        };
        changed.push(scale.people as f64 / (at - started).as_secs_f64());
        let written = new_changes(stack, &tenant).await? - before;
        ensure!(
            written == differing,
            "{differing} people changed, {written} changes were kept"
        );
    }
    worker.stop().await?;
    let measure = Measure::new(
        "roster resent with 1 % changed, people",
        Unit::PerSecond,
        &changed,
        &[],
    );
    report.add(measure.with(format!("until all {differing} are applied")));
    Ok(())
}

/// SCIM ids by externalId, as a script reads them first.
async fn ids(stack: &Stack, tenant: &Tenant) -> Result<HashMap<String, String>> {
    let users = "select id::text as id, document ->> 'externalId' as external from scim_resources
         where tenant_id = $1 and kind = 1 and deleted_seq is null";
    let users = sqlx::query(users).bind(tenant.id).fetch_all(&stack.pool).await?;
    users
        .iter()
        .map(|user| Ok((user.try_get("external")?, user.try_get("id")?)))
        .collect()
}

/// How many changes asserted something new.
async fn new_changes(stack: &Stack, tenant: &Tenant) -> Result<i64> {
    let new = "select count(*) from changes where tenant_id = $1 and not unchanged";
    Ok(sqlx::query_scalar(new)
        .bind(tenant.id)
        .fetch_one(&stack.pool)
        .await?)
}

/// Everybody as a PUT in bulk requests; people per second.
async fn resend(
    stack: &Stack,
    tenant: &Tenant,
    company: &Company,
    ids: &HashMap<String, String>,
    scale: &Scale,
) -> Result<f64> {
    let mut operations = Vec::with_capacity(company.people.len());
    for (place, person) in company.people.iter().enumerate() {
        let id = ids.get(&person.external_id).context("somebody is not stored")?;
        let data = create_body(company, place)?;
        operations.push(json!({ "method": "PUT", "path": format!("/Users/{id}"), "data": data }));
    }
    let bodies = operations.chunks(scale.bulk_size).map(|operations| {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
        Ok::<Value, anyhow::Error>(json!({ "schemas": schemas, "Operations": operations }))
    });
    send_bulk(stack, tenant, bodies, company.people.len(), all_replaced).await
}
