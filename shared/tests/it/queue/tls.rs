//! Redis over TLS, by certificates of an authority that no system knows.

use super::support::*;
use devstack::{Authority, PrivateRedis, RedisSettings, ServerTls};
use rollcall_shared::config::{RedisConfig, RedisFiles};
use rollcall_shared::queue::{QueueConfig, QueueError};
use std::error::Error;
use std::path::{Path, PathBuf};

async fn server(authority: &Authority, name: &str, clients: Option<&Authority>) -> PrivateRedis {
    let settings = RedisSettings {
        tls: Some(ServerTls {
            certified: authority.certify(&[name]).unwrap(),
            clients: clients.map(|authority| authority.pem().to_owned()),
        }),
        ..RedisSettings::default()
    };
    PrivateRedis::start_with(settings).await.unwrap()
}

fn scope(server: &PrivateRedis, files: RedisFiles<'_>) -> Scope {
    let url = format!("rediss://127.0.0.1:{}", server.tls_port());
    let config = RedisConfig::new(url, "tls").with_files(files);
    Scope::of(config, QueueConfig::default())
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

async fn works(scope: &Scope) {
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 2, &record);
    pushed(scope.live(), 0..50).await;
    record.reaches(50).await;
    // an idle worker is woken over a connection of its own
    pushed(scope.live(), 50..51).await;
    record.reaches(51).await;
    worker.stop().await;
}

async fn refusal(scope: &Scope) -> String {
    let error = scope.live().depth().await.unwrap_err();
    assert!(matches!(error, QueueError::Unavailable(_)), "{error:?}");
    error.source().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn queue_over_tls_works_with_a_private_authority() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let server = server(&authority, "127.0.0.1", None).await;
    let authorities = write(folder.path(), "ca.pem", authority.pem());
    works(&scope(
        &server,
        RedisFiles {
            authorities: Some(&authorities),
            ..RedisFiles::default()
        },
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_whose_certificate_is_not_believed_is_refused_and_the_reason_told() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let authorities = write(folder.path(), "ca.pem", authority.pem());
    let others = write(folder.path(), "other.pem", other.pem());
    let with = |file| RedisFiles {
        authorities: Some(file),
        ..RedisFiles::default()
    };
    let right = server(&authority, "127.0.0.1", None).await;
    let stranger = refusal(&scope(&right, with(&others))).await;
    assert!(stranger.contains("UnknownIssuer"), "{stranger}");
    let unknown = refusal(&scope(&right, RedisFiles::default())).await;
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let elsewhere = server(&authority, "redis.example", None).await;
    let elsewhere = refusal(&scope(&elsewhere, with(&authorities))).await;
    assert!(elsewhere.contains("not valid for name"), "{elsewhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_asks_for_a_certificate_is_shown_one() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let server = server(&authority, "127.0.0.1", Some(&authority)).await;
    let ours = authority.certify(&["rollcall"]).unwrap();
    let authorities = write(folder.path(), "ca.pem", authority.pem());
    let certificate = write(folder.path(), "rollcall.pem", &ours.certificate);
    let key = write(folder.path(), "rollcall.key", &ours.key);
    let files = RedisFiles {
        authorities: Some(&authorities),
        certificate: Some(&certificate),
        key: Some(&key),
    };
    works(&scope(&server, files)).await;
    let without = RedisFiles {
        authorities: Some(&authorities),
        ..RedisFiles::default()
    };
    let refused = refusal(&scope(&server, without)).await;
    assert!(!refused.is_empty());
}
