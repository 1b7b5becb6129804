//! Receivers over TLS: whose certificate is believed, and what an operator reads where it is not.

use super::{LOOPBACK, SECRET, created, hire, only, time_passes, told, tried, webhook};
use crate::company::Company;
use crate::process::{Worker, until};
use crate::receiver::Receiver;
use axum::serve::Listener;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use uuid::Uuid;

/// A certificate authority of a company's own.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Authority { pem, issuer }
    }

    /// What a server needs for its certificate of this name, good until the end of this year.
    fn certify(&self, name: &str, year: i32) -> ServerConfig {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        server(&certificate, key)
    }
}

fn server(certificate: &Certificate, key: KeyPair) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap()
}

/// A certificate that a server has given itself, as `openssl req -x509` makes it: an authority, too.
fn self_made() -> ServerConfig {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    server(&params.self_signed(&key).unwrap(), key)
}

/// Connections over TLS; a client that does not believe us is not heard of.
struct OverTls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for OverTls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        loop {
            let (stream, client) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, client);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A receiver that is called `localhost`.
async fn receiver(config: ServerConfig) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let url = format!("https://localhost:{port}/hook");
    Receiver::on(OverTls { listener, acceptor }, url)
}

fn write(folder: &Path, authorities: &[&Authority]) -> PathBuf {
    let file = folder.join("ca.pem");
    let pems: Vec<&str> = authorities
        .iter()
        .map(|authority| authority.pem.as_str())
        .collect();
    std::fs::write(&file, pems.concat()).unwrap();
    file
}

/// A worker that believes the authorities in this file.
fn worker(company: &Company, file: &Path) -> Worker {
    let believing = ["--webhooks-ca-file", file.to_str().unwrap()];
    Worker::start(company, &[LOOPBACK, &believing].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_whose_authorities_are_in_the_file_are_delivered_to_over_tls() {
    let company = Company::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Authority::new(), Authority::new());
    let file = write(folder.path(), &[&one, &other]);
    let receivers = [
        receiver(one.certify("localhost", 2096)).await,
        receiver(other.certify("localhost", 2096)).await,
    ];
    for receiver in &receivers {
        webhook(&company, &receiver.url).await;
    }
    hire(&company, "ada").await;
    let worker = worker(&company, &file);
    for receiver in receivers {
        let received = receiver.until(1).await;
        assert_eq!(told(&received), [created(&company, "ada")]);
        assert_eq!(received[0].signed_with(SECRET), [true]);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_with_a_certificate_that_is_not_believed_gets_nothing_and_the_operator_reads_why() {
    let company = Company::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (known, stranger) = (Authority::new(), Authority::new());
    let file = write(folder.path(), &[&known]);
    let mut receivers = vec![];
    let mut expected: HashMap<Uuid, String> = HashMap::new();
    for (certificate, class) in [
        (stranger.certify("localhost", 2096), "untrusted_certificate"),
        (self_made(), "untrusted_certificate"),
        (known.certify("hooks.example", 2096), "wrong_certificate_name"),
        (known.certify("localhost", 2021), "expired_certificate"),
    ] {
        let receiver = receiver(certificate).await;
        expected.insert(webhook(&company, &receiver.url).await, class.to_owned());
        receivers.push(receiver);
    }
    hire(&company, "ada").await;
    let worker = worker(&company, &file);
    let all = "select count(*) = 4 from webhook_deliveries where attempts = 1 and state = 'pending'";
    until(&company, all).await;
    worker.stop().await;
    let found: Vec<(Uuid, String)> = sqlx::query_as("select webhook_id, error from webhook_deliveries")
        .fetch_all(&company.pool)
        .await
        .unwrap();
    assert_eq!(found.into_iter().collect::<HashMap<_, _>>(), expected);
    for receiver in receivers {
        assert!(receiver.received().is_empty(), "{}", receiver.url);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_that_failed_for_its_authority_arrives_once_a_worker_believes_it() {
    let company = Company::new().await;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let receiver = receiver(authority.certify("localhost", 2096)).await;
    webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let unbelieving = Worker::start(&company, LOOPBACK);
    until(&company, &tried(1)).await;
    unbelieving.stop().await;
    let (_, status, error, _) = only(&company, "pending").await;
    assert_eq!((status, error.as_deref()), (None, Some("untrusted_certificate")));
    time_passes(&company).await;
    let worker = worker(&company, &write(folder.path(), &[&authority]));
    let received = receiver.until(1).await;
    worker.stop().await;
    assert_eq!(told(&received), [created(&company, "ada")]);
}
