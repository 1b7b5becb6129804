use anyhow::{Context, Result};
use std::net::{Ipv4Addr, TcpListener};

/// A port of 127.0.0.1 nobody listens on now. Another process may take it before it is used:
/// whoever starts a server on it tries again with another one.
///
/// # Errors
/// When the system has no port to give.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
