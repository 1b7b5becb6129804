//! Postgres over TLS, by certificates of an authority that no system knows.

use devstack::{Authority, PostgresSettings, PrivatePostgres, ServerTls};
use rollcall_shared::config::PostgresConfig;
use rollcall_shared::store::{self, ConnectError, Plans};
use std::error::Error;
use std::path::{Path, PathBuf};

async fn server(authority: &Authority, clients: Option<&Authority>) -> PrivatePostgres {
    let settings = PostgresSettings {
        tls: Some(ServerTls {
            certified: authority.certify(&["127.0.0.1"]).unwrap(),
            clients: clients.map(|authority| authority.pem().to_owned()),
        }),
        ..PostgresSettings::default()
    };
    PrivatePostgres::start_with(settings).await.unwrap()
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn config(url: String) -> PostgresConfig {
    PostgresConfig {
        database_url: url,
        database_connections: 3,
    }
}

/// Whether the connection is encrypted, or everything that was said of why there is none.
async fn encrypted(url: String) -> Result<bool, String> {
    let pool = store::connect(&config(url), 1, Plans::Free).unwrap();
    let asked = sqlx::query_scalar("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    match asked.fetch_one(&pool).await {
        Ok(encrypted) => Ok(encrypted),
        Err(error) => {
            let mut told = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                told = format!("{told}: {error}");
                cause = error.source();
            }
            Err(told)
        }
    }
}

#[tokio::test]
async fn certificate_is_looked_at_as_far_as_sslmode_says() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let ours = write(folder.path(), "ca.pem", authority.pem());
    let others = write(folder.path(), "other.pem", other.pem());
    let server = server(&authority, None).await;
    let ask = async |mode: &str, file: Option<&Path>| {
        let file = file.map(|file| format!("&sslrootcert={}", file.display()));
        let url = format!("{}?sslmode={mode}{}", server.url(), file.unwrap_or_default());
        encrypted(url).await
    };
    assert_eq!(ask("disable", None).await, Ok(false));
    for mode in ["prefer", "require"] {
        assert_eq!(ask(mode, None).await, Ok(true), "{mode}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        assert_eq!(ask(mode, Some(&ours)).await, Ok(true), "{mode}");
        let stranger = ask(mode, Some(&others)).await.unwrap_err();
        assert!(stranger.contains("UnknownIssuer"), "{mode}: {stranger}");
    }
    let unknown = ask("verify-full", None).await.unwrap_err();
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let elsewhere = server.url().replace("127.0.0.1", "localhost");
    let files = format!("sslrootcert={}", ours.display());
    let name = encrypted(format!("{elsewhere}?sslmode=verify-full&{files}")).await;
    let name = name.unwrap_err();
    assert!(name.contains("not valid for name"), "{name}");
    assert_eq!(
        encrypted(format!("{elsewhere}?sslmode=verify-ca&{files}")).await,
        Ok(true)
    );
}

#[tokio::test]
async fn certificate_of_the_client_is_shown_to_a_server_that_asks() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let server = server(&authority, Some(&authority)).await;
    let ours = authority.certify(&["rollcall"]).unwrap();
    let authorities = write(folder.path(), "ca.pem", authority.pem());
    let certificate = write(folder.path(), "rollcall.pem", &ours.certificate);
    let key = write(folder.path(), "rollcall.key", &ours.key);
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert={}&sslcert={}&sslkey={}",
        server.url(),
        authorities.display(),
        certificate.display(),
        key.display()
    );
    let pool = store::connect(&config(url), 1, Plans::Free).unwrap();
    let shown: Option<String> =
        sqlx::query_scalar("select client_serial::text from pg_stat_ssl where pid = pg_backend_pid()")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(shown.is_some());
}

#[tokio::test]
async fn file_of_authorities_that_cannot_be_used_is_told_before_any_connection() {
    let url = "postgres://joe:secret@127.0.0.1:1/none?sslmode=verify-full&sslrootcert=/nowhere/ca.pem";
    let error = store::connect(&config(url.to_owned()), 1, Plans::Free).unwrap_err();
    assert!(matches!(error, ConnectError::Authorities(_)), "{error:?}");
}
