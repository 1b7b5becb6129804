//! What workers keep of how fast everything goes.

use crate::company::{Company, user};
use crate::process::{Worker, until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn worker_keeps_what_was_accepted_and_applied_beside_the_depths() {
    let company = Company::new().await;
    let first = company.put("a", user("a", json!({}))).await;
    company.put("b", user("b", json!({}))).await;
    company.apply(&[first]).await;
    // One of them in the time of the sample that is due, the other in that of the next.
    company
        .execute(
            "with placed as (select seq, date_bin('15 seconds', now(), 'epoch')
                    + case when seq = min(seq) over () then interval '-6 seconds' else interval '1 second' end as at
                 from changes)
             update changes c set accepted_at = placed.at from placed where placed.seq = c.seq",
        )
        .await;
    company
        .execute(
            "update history set applied_at = date_bin('15 seconds', now(), 'epoch') - interval '6 seconds'",
        )
        .await;
    let worker = Worker::start(&company, &[]);
    until(
        &company,
        "select coalesce(bool_or(accepted = 1) and bool_or(applied >= 1), false)
         from pace_samples join queue_samples using (taken_at)",
    )
    .await;
    worker.stop().await;
}
