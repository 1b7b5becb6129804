use anyhow::{Context, Result};
use std::net::{Ipv4Addr, TcpListener};

/// A port of 127.0.0.1 nobody listens on now. Another process may take it before it is used:
/// whoever starts a server on it tries again with another one.
///
/// # Errors
/// When the system has no port to give.
pub fn free_port() -> Result<u16> {
    free_port_of(Ipv4Addr::LOCALHOST)
}

/// [`free_port`] of another of this machine's addresses.
pub(crate) fn free_port_of(host: Ipv4Addr) -> Result<u16> {
    let listener = TcpListener::bind((host, 0)).with_context(|| format!("no free port on {host}"))?;
    Ok(listener.local_addr()?.port())
}

/// An address of this machine that nobody else is likely to use: a port that is free there stays
/// free. Elsewhere than on Linux it is 127.0.0.1.
#[must_use]
pub fn own_host() -> Ipv4Addr {
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST;
    }
    let [a, b, c, ..] = *uuid::Uuid::new_v4().as_bytes();
    Ipv4Addr::new(127, a.clamp(1, 254), b, c.clamp(1, 254))
}
