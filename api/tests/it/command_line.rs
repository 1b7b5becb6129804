//! The binary, as an operator uses it.

use crate::app::TestApp;
use devstack::{Authority, PostgresSettings, PrivatePostgres, ServerTls, TestDatabase};
use std::process::{Command, Output};

fn rollcall_api(database_url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollcall-api"))
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", database_url)
        .output()
        .unwrap()
}

#[track_caller]
fn stdout(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

#[tokio::test]
async fn token_created_by_command_opens_the_api_until_revoked() {
    let app = TestApp::start().await;
    let run = |arguments: &[&str]| rollcall_api(app.database_url(), arguments);
    stdout(&run(&["migrate"]));
    let tenant = stdout(&run(&["tenant", "create", "acme"]))
        .parse::<i64>()
        .unwrap();
    let secret = stdout(&run(&[
        "token", "create", "--tenant", "acme", "--scope", "scim", "--name", "Entra",
    ]));
    assert!(
        secret.starts_with("rc_scim_") && secret.len() > 50 && !secret.contains('\n'),
        "{secret}"
    );
    let client = crate::app::Client {
        app: &app,
        tenant,
        secret: secret.clone(),
    };
    client.get("/Users").await.expect(200);

    let listed = stdout(&run(&["token", "list", "--tenant", "acme"]));
    assert!(
        listed.contains("Entra") && listed.contains(&secret[..14]),
        "{listed}"
    );
    assert!(!listed.contains(&secret));
    let listed: serde_json::Value =
        serde_json::from_str(&stdout(&run(&["token", "list", "--tenant", "acme", "--json"]))).unwrap();
    let id = listed[0]["id"].as_str().unwrap();
    stdout(&run(&["token", "revoke", id]));
    devstack::wait::until("the revocation to take hold", devstack::wait::SOON, async || {
        client.get("/Users").await.status == 401
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn token_created_as_json_has_id_secret_expiry_and_dialect() {
    let database = TestDatabase::create().await.unwrap();
    stdout(&rollcall_api(database.url(), &["tenant", "create", "acme"]));
    let create = [
        "token",
        "create",
        "--tenant",
        "acme",
        "--scope",
        "operator",
        "--expires-in-days",
        "2",
        "--json",
    ];
    let created: serde_json::Value =
        serde_json::from_str(&stdout(&rollcall_api(database.url(), &create))).unwrap();
    assert_eq!(created["strict"], false);
    let strict = [&create[..], &["--strict", "--name", "Lab"]].concat();
    let strict: serde_json::Value =
        serde_json::from_str(&stdout(&rollcall_api(database.url(), &strict))).unwrap();
    assert_eq!(strict["strict"], true);
    let listed = stdout(&rollcall_api(
        database.url(),
        &["token", "list", "--tenant", "acme"],
    ));
    let line = |word: &str| listed.lines().filter(|line| line.contains(word)).count();
    assert_eq!((line(" strict "), line(" tolerant ")), (1, 1), "{listed}");
    assert!(created["secret"].as_str().unwrap().starts_with("rc_operator_"));
    assert!(created["expires_at"].is_string() && created["id"].is_string());
}

#[tokio::test]
async fn database_over_tls_is_migrated_when_its_certificate_is_believed_and_the_reason_told_when_not() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let settings = PostgresSettings {
        tls: Some(ServerTls {
            certified: authority.certify(&["127.0.0.1"]).unwrap(),
            clients: None,
        }),
        ..PostgresSettings::default()
    };
    let server = PrivatePostgres::start_with(settings).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let migrate = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let url = format!(
            "{}?sslmode=verify-full&sslrootcert={}",
            server.url(),
            file.display()
        );
        rollcall_api(&url, &["migrate"])
    };
    let refused = |output: Output| {
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let stranger = refused(migrate("other.pem", other.pem()));
    assert!(
        stranger.contains("invalid peer certificate: UnknownIssuer"),
        "{stranger}"
    );
    let empty = refused(migrate("empty.pem", ""));
    assert!(
        empty.contains("DATABASE_URL cannot be used") && empty.contains("holds no certificate"),
        "{empty}"
    );
    stdout(&migrate("ca.pem", authority.pem()));
}

#[tokio::test]
async fn command_that_fails_says_why_in_one_line_without_the_password() {
    let database = TestDatabase::create().await.unwrap();
    let failed = |output: Output| {
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let unknown = failed(rollcall_api(
        database.url(),
        &["token", "list", "--tenant", "nobody"],
    ));
    assert!(
        unknown.contains("there is no tenant named \"nobody\""),
        "{unknown}"
    );
    stdout(&rollcall_api(database.url(), &["tenant", "create", "acme"]));
    let twice = failed(rollcall_api(database.url(), &["tenant", "create", "acme"]));
    assert!(twice.contains("already"), "{twice}");
    let port = devstack::free_port().unwrap();
    let down = format!("postgres://user:hunter2@127.0.0.1:{port}/none");
    let unreachable = failed(rollcall_api(&down, &["tenant", "create", "acme"]));
    assert!(
        unreachable.contains("the database cannot be reached"),
        "{unreachable}"
    );
    assert_eq!(unreachable.lines().count(), 1, "{unreachable}");
    assert!(!unreachable.contains("hunter2"));
    let help = stdout(&rollcall_api(&down, &["serve", "--help"]));
    assert!(help.contains("ROLLCALL_LISTEN") && !help.contains("hunter2"));
}

#[tokio::test]
async fn serve_told_to_stop_exits_with_success() {
    let database = TestDatabase::create().await.unwrap();
    let redis = devstack::TestRedis::new().unwrap();
    let address = format!("127.0.0.1:{}", devstack::free_port().unwrap());
    let mut server = Command::new(env!("CARGO_BIN_EXE_rollcall-api"))
        .arg("serve")
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("REDIS_URL", redis.url())
        .env("ROLLCALL_REDIS_PREFIX", redis.prefix())
        .env("ROLLCALL_LISTEN", &address)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    devstack::wait::until("the server to be ready", devstack::wait::SOON, async || {
        let answer = reqwest::get(format!("http://{address}/readyz")).await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await
    .unwrap();
    let kill = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let status = devstack::wait::until_some("the server to stop", devstack::wait::SOON, async || {
        server.try_wait().unwrap()
    })
    .await
    .unwrap();
    assert!(status.success());
    let mut log = String::new();
    std::io::Read::read_to_string(&mut server.stderr.take().unwrap(), &mut log).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.last().unwrap()["message"], "API stopped", "{log}");
}

#[tokio::test]
async fn admin_made_by_command_manages_tenants_that_commands_list_suspend_and_resume() {
    let app = TestApp::start().await;
    let run = |arguments: &[&str]| rollcall_api(app.database_url(), arguments);
    stdout(&run(&["tenant", "create", "acme"]));
    let secret = stdout(&run(&[
        "token", "create", "--scope", "admin", "--name", "Platform",
    ]));
    assert!(secret.starts_with("rc_admin_"), "{secret}");
    let admin = crate::app::Client {
        app: &app,
        tenant: 0,
        secret,
    };
    admin
        .post("/ops/v1/tenants", serde_json::json!({ "name": "globex" }))
        .await
        .expect(201);

    let suspended = || {
        let listed = stdout(&run(&["tenant", "list", "--json"]));
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let of = |place: usize| {
            let tenant = &listed[place];
            (
                tenant["name"].as_str().unwrap().to_owned(),
                tenant["suspendedAt"].is_string(),
            )
        };
        assert_eq!(listed.as_array().unwrap().len(), 2);
        [of(0), of(1)]
    };
    let both = |acme: bool| [("acme".to_owned(), acme), ("globex".to_owned(), false)];
    assert_eq!(suspended(), both(false));
    stdout(&run(&["tenant", "suspend", "acme"]));
    assert_eq!(suspended(), both(true));
    let table = stdout(&run(&["tenant", "list"]));
    assert_eq!(table.lines().count(), 3, "{table}");
    stdout(&run(&["tenant", "resume", "acme"]));
    assert_eq!(suspended(), both(false));

    let admins = stdout(&run(&["token", "list"]));
    assert!(
        admins.contains("Platform") && admins.contains(" admin "),
        "{admins}"
    );
    let none = stdout(&run(&["token", "list", "--tenant", "acme"]));
    assert!(!none.contains("Platform"), "{none}");
    for wrong in [
        &["token", "create", "--scope", "admin", "--tenant", "acme"][..],
        &["token", "create", "--scope", "scim"],
        &["tenant", "suspend", ""],
        &["tenant", "create", ""],
    ] {
        assert!(!run(wrong).status.success(), "{wrong:?}");
    }
}
