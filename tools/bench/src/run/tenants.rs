//! Many tenants at once, one of them flooding: how long the quiet ones wait for what they write.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::Scale;
use super::rates::bulk;
use super::report::{Measure, Report, Target, Unit};
use super::stack::{Stack, Tenant};
use super::wire::Endpoint;
use crate::company::Company;
use crate::converge::{self, State};

/// Writes a second of each quiet tenant.
const PACE: Duration = Duration::from_secs(2);
/// Below this nobody minds, whatever the undisturbed figure is.
const MOST: f64 = 250.0;

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    let count = scale.tenants;
    eprintln!("tenants: {count} of them");
    let mut quiet = Vec::with_capacity(count);
    for _ in 1..count {
        quiet.push(stack.tenant().await?);
    }
    let mut worker = stack.start_worker()?;
    worker.ready().await?;
    let undisturbed = round(stack, &quiet, scale, 0).await?;
    let flooding = stack.tenant().await?;
    let company = Company::roster(scale.people, 1);
    let mut writes = std::pin::pin!(round(stack, &quiet, scale, 1));
    let mut flooded = 0;
    let disturbed = loop {
        tokio::select! {
            disturbed = &mut writes => break disturbed?,
            rate = bulk(stack, &flooding, &company, scale.bulk_size), if flooded == 0 => {
                rate?;
                flooded = company.people.len();
            }
        }
    };
    worker.stop().await?;
    stack.forget_backlog(&flooding).await?;
    let title = format!("quiet ones of {count} tenants, p99 applied");
    let measure = Measure::new(title, Unit::Milliseconds, &[disturbed], &[undisturbed]);
    let allowed = (2.0 * undisturbed).max(MOST);
    report.add(measure.target(Target::AtMost(allowed)).with(format!(
        "one floods with {} people; floor: nobody floods",
        scale.people
    )));
    Ok(())
}

/// Everybody writes for a while; milliseconds from acknowledgement to apply, below which 99 % lie.
async fn round(stack: &Stack, tenants: &[Tenant], scale: &Scale, round: usize) -> Result<f64> {
    let mut writers = tokio::task::JoinSet::new();
    let started = Instant::now();
    for (place, tenant) in tenants.iter().enumerate() {
        let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
        let first = started + PACE * u32::try_from(place)? / u32::try_from(tenants.len())?;
        let count = scale.tenant_writes;
        writers.spawn(async move {
            let mut pace = tokio::time::interval_at(first.into(), PACE);
            let mut wire = endpoint.connect().await?;
            for number in 0..count {
                pace.tick().await;
                let name = format!("quiet-{round}-{number}");
                let body = serde_json::to_vec(&json!({ "userName": name, "displayName": name }))?;
                let (status, _) = wire.exchange(&endpoint.post("/Users", &body)).await?;
                ensure!(status == 201, "a quiet tenant's write answered {status}");
            }
            anyhow::Ok(())
        });
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    let ids: Vec<i64> = tenants.iter().map(|tenant| tenant.id).collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    for id in &ids {
        let state = converge::wait(&stack.pool, *id, 0, deadline).await?;
        if let State::Late(backlog) = state {
            bail!("a quiet tenant's writes are not applied: {backlog}");
        }
    }
    let lag = sqlx::query_scalar::<_, f64>(
        "select percentile_cont(0.99) within group (order by lag) from (
             select 1000 * extract(epoch from h.applied_at - c.accepted_at)::float8 as lag
             from changes c join history h
                 on h.tenant_id = c.tenant_id and h.key_id = c.directory_id and h.seq = c.seq
             where c.tenant_id = any($1) and c.accepted_at >= now() - make_interval(secs => $2)) lags",
    );
    let lag = lag.bind(ids).bind(started.elapsed().as_secs_f64());
    Ok(lag.fetch_one(&stack.pool).await?)
}
