//! Making a webhook, checking a signature, and making one.

use super::{run, snippets};
use crate::harness::{Options, Stack};
use crate::receiver::{Received, Receiver};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::process::Command;

const GUIDE: &str = include_str!("../../../../docs/guides/webhooks.md");
/// Where the guide's receiver would be; nothing is sent there.
const EXAMPLE: &str = "https://hooks.example.com/rollcall";
/// Says whether what it is told arrived so many seconds later is believed.
const VERIFY: &str = "
import json, sys
told = json.load(sys.stdin)
arrived = time.time() + told['later']
time.time = lambda: arrived
print(verify(told['secret'], told['headers'], told['body'].encode()))
";

/// What a program of the guide says.
fn said(command: &mut Command, input: &str) -> String {
    let output = tokio::task::block_in_place(|| run(command, input));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A shell that stops at the first thing that goes wrong.
fn shell(script: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", script]);
    shell
}

/// Whether the guide's receiver believes this.
fn believed(secret: &str, received: &Received, later: i64) -> bool {
    let told = json!({
        "secret": secret,
        "later": later,
        "body": received.body,
        "headers": {
            "webhook-id": received.id,
            "webhook-timestamp": received.timestamp,
            "webhook-signature": received.signature,
        },
    });
    let program = format!("{}{VERIFY}", snippets(GUIDE, "python")[0]);
    let answer = said(Command::new("python3").args(["-c", &program]), &told.to_string());
    match answer.trim() {
        "True" => true,
        "False" => false,
        other => panic!("neither true nor false: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_of_the_guide_is_made_and_its_receiver_believes_what_is_delivered_and_nothing_else() {
    let receiver = Receiver::start().await;
    let mut stack = Stack::start(Options {
        environment: vec![("ROLLCALL_WEBHOOKS_ALLOW_LOOPBACK", "true".to_owned())],
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("hooks-guide").await;
    let (url, token) = tenant.ops.credentials();
    let make = snippets(GUIDE, "sh")[0].replace(EXAMPLE, &receiver.url);
    let mut make = shell(&make);
    make.env("URL", url.strip_suffix("/ops/v1").unwrap())
        .env("TOKEN", token);
    let made: Value = serde_json::from_str(&said(&mut make, "")).unwrap();
    assert_eq!(
        made["types"],
        json!(["person.created", "person.deactivated"]),
        "{made}"
    );
    let secret = made["secret"].as_str().unwrap();

    let person = json!({ "userName": "ada@example.com" });
    tenant.scim.post("/Users", &person).await.expect(201);
    let delivered = receiver.until(1).await.remove(0);
    assert!(believed(secret, &delivered, 0), "{delivered:?}");
    assert!(believed(secret, &delivered, 290), "{delivered:?}");
    assert!(!believed(secret, &delivered, 310), "it is old");
    let forged = Received {
        body: delivered.body.replace("created", "removed"),
        ..delivered.clone()
    };
    assert!(!believed(secret, &forged, 0), "its body is another");
    let stranger = format!("whsec_{}", BASE64_STANDARD.encode([7; 32]));
    assert!(!believed(&stranger, &delivered, 0), "it is another's");

    let rotate = format!("/webhooks/{}/rotate", made["id"].as_str().unwrap());
    let rotated = tenant.ops.post(&rotate, &json!({})).await.expect(200).body;
    let test = rotate.replace("rotate", "test");
    tenant.ops.post(&test, &json!({})).await.expect(202);
    let twice = receiver.until(2).await.remove(1);
    for secret in [secret, rotated["secret"].as_str().unwrap()] {
        assert!(believed(secret, &twice, 0), "{twice:?}");
    }
    stack.converged(std::time::Duration::from_secs(30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_is_tried_without_rollcall_by_what_the_guide_signs() {
    let receiver = Receiver::start().await;
    let secret = b"0123456789abcdef0123456789abcdef";
    let secret_text = format!("whsec_{}", BASE64_STANDARD.encode(secret));
    let mut sign = shell(snippets(GUIDE, "sh")[1]);
    sign.env("SECRET", &secret_text).env("RECEIVER", &receiver.url);
    let answer = said(&mut sign, "");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let received = receiver.until(1).await.remove(0);
    assert_eq!(received.signed_with(secret), [true], "{received:?}");
    assert_eq!(received.json()["type"], "ping");
    assert!(believed(&secret_text, &received, 0), "{received:?}");
}
