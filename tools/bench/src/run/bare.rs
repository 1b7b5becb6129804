//! The floor of HTTP: a bare axum handler, in a process of its own, that only parses the same JSON.

use std::process::Stdio;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::wire::Endpoint;

/// Serve until killed; prints the port.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    axum::serve(listener, Router::new().fallback(parse)).await?;
    Ok(())
}

async fn parse(body: Bytes) -> Response {
    if body.is_empty() {
        return (StatusCode::OK, "{}").into_response();
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(_) => (StatusCode::CREATED, "{}").into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The server's process; it ends with this.
pub(super) struct Bare {
    _process: Child,
    pub(super) endpoint: Endpoint,
}

impl Bare {
    pub(super) async fn start() -> Result<Bare> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("bare")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the bare server")?;
        let stdout = process.stdout.take().context("no output")?;
        let port = BufReader::new(stdout).lines().next_line().await?;
        let port = port.context("the bare server tells no port")?;
        let endpoint = Endpoint::new(&format!("http://127.0.0.1:{port}/scim/v2"), "none")?;
        Ok(Bare {
            _process: process,
            endpoint,
        })
    }
}
