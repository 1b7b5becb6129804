//! Between the command line and the server: busy servers, redirects, TLS.

use super::{ops, said};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc;

/// A server that gives these answers, one connection each, and tells of each request.
fn scripted(answers: &[&str]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            // Not everybody wants to know.
            let _ = tell.send(request(&mut stream));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, told)
}

/// Line and headers of a request.
fn request(stream: &mut (impl std::io::Read + ?Sized)) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    head
}

const DONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{\"tokens\":[]}";
const BUSY: &str = "HTTP/1.1 503 \r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const TOO_MANY: &str = "HTTP/1.1 429 \r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn busy_server_is_asked_again_when_it_says_but_not_for_what_may_have_been_done() {
    let with_token = |url: &str, arguments: &[&str]| {
        let mut command = ops(url, arguments);
        command.env("ROLLCALL_TOKEN", "rc_operator_x");
        said(command)
    };
    let (url, requests) = scripted(&[BUSY, TOO_MANY, DONE]);
    let patient = with_token(&url, &["token", "list"]).await.exits(0);
    assert_eq!(requests.iter().count(), 3);
    assert_eq!(
        patient.err.matches("trying again in 1 s").count(),
        2,
        "{patient:?}"
    );

    let create = ["token", "create", "--name", "x", "--scope", "scim"];
    let (url, requests) = scripted(&[TOO_MANY, BUSY]);
    with_token(&url, &create).await.exits(3);
    assert_eq!(requests.iter().count(), 2);

    let (url, _) = scripted(&["HTTP/1.1 503 \r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"]);
    let begun = std::time::Instant::now();
    with_token(&url, &["token", "list"]).await.exits(3);
    assert!(begun.elapsed().as_secs() < 30);
}

#[tokio::test]
async fn token_is_not_carried_to_where_a_server_redirects() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = elsewhere.local_addr().unwrap();
    let answer = format!(
        "HTTP/1.1 307 \r\nLocation: http://{location}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (url, _) = scripted(&[&answer]);
    let mut command = ops(&url, &["overview"]);
    command.env("ROLLCALL_TOKEN", "rc_operator_x");
    let refused = said(command).await.exits(1);
    assert!(refused.err.contains("redirects elsewhere"), "{refused:?}");
    assert!(elsewhere.accept().is_err(), "somebody came");
}

/// A server over TLS that answers one request; its address and the file of its certificate.
fn over_tls(folder: &tempfile::TempDir) -> (String, PathBuf) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, own.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream: rustls::StreamOwned<_, TcpStream> =
                rustls::StreamOwned::new(connection, stream.unwrap());
            // A client that does not trust us hangs up.
            if stream.read(&mut []).is_ok() && stream.conn.complete_io(&mut stream.sock).is_ok() {
                request(&mut stream);
                stream.write_all(DONE.as_bytes()).unwrap();
                stream.conn.send_close_notify();
                stream.conn.complete_io(&mut stream.sock).unwrap();
            }
        }
    });
    (url, file)
}

#[tokio::test]
async fn server_over_tls_is_believed_only_by_a_certificate_the_machine_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let (url, certificate) = over_tls(&folder);
    let stranger = folder.path().join("stranger.pem");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&stranger, other.cert.pem()).unwrap();
    let list = async |trusted: &std::path::Path| {
        let mut command = ops(&url, &["token", "list"]);
        command
            .env("ROLLCALL_TOKEN", "rc_operator_x")
            .env("SSL_CERT_FILE", trusted);
        said(command).await
    };
    list(&certificate).await.exits(0);
    let refused = list(&stranger).await.exits(3);
    assert!(refused.err.contains("cannot be reached"), "{refused:?}");
    let none = list(&folder.path().join("none.pem")).await.exits(3);
    assert!(none.err.contains("SSL_CERT_FILE"), "{none:?}");
}
