//! Phase `report`: adding up what the parts found.

use super::chunk::SAMPLES;
use super::{Step, preview};
use crate::context::Context;
use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::runs::{self as store, Report, Run, Scope};
use rollcall_shared::store::{StoreError, mapping_previews as previews, rules};
use rollcall_shared::telemetry::{RunEnd, RunLabels};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Add up and end the run.
pub(crate) async fn report(context: &Context, tenant: TenantId, run: &Run) -> Result<Step, ReconcileError> {
    let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
    let preview = match run.scope {
        Scope::Preview(preview) => previews::find(&mut tx, tenant, preview).await?,
        _ => None,
    };
    if preview.as_ref().is_some_and(|preview| preview.at_most.is_some()) {
        rules::lock(&mut tx, tenant).await?;
    }
    let Some(found) = store::gather(&mut tx, tenant, run.id).await? else {
        return Ok(Step::Further);
    };
    let mut begun = None;
    let report = if let Some(preview) = &preview {
        let effect = preview::added_up(&mut tx, tenant, run, &found).await?;
        begun = preview::decide(&mut tx, tenant, run, preview, &effect).await?;
        json!({ "effect": effect, "seconds": found.seconds })
    } else {
        let waiting = store::scope_waiting(&mut tx, tenant, run.scope).await?;
        added_up(run, &found, waiting)
    };
    store::finish(&mut tx, tenant, run.id, &report, SAMPLES as i64).await?;
    failpoint!("runs::before_report_commit");
    tx.commit().await.map_err(StoreError::from)?;
    failpoint!("runs::after_report_commit");
    let end = if run.cancelled {
        RunEnd::Cancelled
    } else {
        RunEnd::Finished
    };
    context.metrics.runs.get_or_create(&RunLabels { end }).inc();
    tracing::info!(%tenant, run = %run.id, dry_run = run.dry_run, end = end.name(), "run ended");
    if let Some(begun) = begun {
        super::push_next(context, tenant, begun).await?;
    }
    Ok(Step::End)
}

fn added_up(run: &Run, found: &Report, waiting: i64) -> Value {
    let sum = |name: &str| -> i64 {
        found
            .results
            .iter()
            .filter_map(|result| result[name].as_i64())
            .sum()
    };
    let mut fields: BTreeMap<&str, i64> = BTreeMap::new();
    let mut balance: HashMap<&str, i64> = HashMap::new();
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    for result in &found.results {
        for (field, count) in result["fields"].as_object().into_iter().flatten() {
            *fields.entry(field).or_default() += count.as_i64().unwrap_or_default();
        }
        for (change, sign) in [("lost", -1), ("gained", 1)] {
            for (team, count) in result[change].as_object().into_iter().flatten() {
                *balance.entry(team).or_default() += sign * count.as_i64().unwrap_or_default();
            }
        }
        missing.extend(
            result["missingTeams"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        );
    }
    // A dry run has not taken anybody out yet.
    let emptied = found.members_of.iter().filter(|(team, members)| {
        let balance = balance
            .get(team.to_string().as_str())
            .copied()
            .unwrap_or_default();
        let left = if run.dry_run { members + balance } else { *members };
        left <= 0
    });
    let (checked, people) = (sum("checked"), sum("people"));
    let seconds = found.seconds.max(0.001);
    json!({
        "checked": checked,
        "unchanged": sum("unchanged"),
        "inFlight": sum("inFlight"),
        "differing": sum("repaired"),
        "fields": fields,
        "linksResolved": sum("linksResolved") + i64::from(found.links_resolved),
        "stillWaiting": if run.dry_run { sum("waiting") } else { waiting },
        "teamsCreated": if run.dry_run { missing.len() as i64 } else { found.teams_created },
        "teamsEmptied": emptied.count(),
        "rejected": sum("rejected"),
        "failed": sum("failed"),
        "seconds": seconds,
        "keysPerSecond": (checked as f64 / seconds).round(),
        "people": people,
        "peoplePerSecond": (people as f64 / seconds).round(),
    })
}
