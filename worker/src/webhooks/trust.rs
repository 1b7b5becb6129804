//! Whose certificates are believed, and what was wrong with one that is not.

use rollcall_shared::authorities::{self, AuthoritiesError};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// Why nothing can be delivered over TLS.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("ROLLCALL_WEBHOOKS_CA_FILE cannot be used")]
    File(#[source] AuthoritiesError),
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Believe the certificate authorities of the system, or of `SSL_CERT_FILE`, and those in this file.
///
/// # Errors
/// When the file cannot be used.
pub(super) fn client(ca_file: Option<&Path>) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        roots.extend(authorities::in_file(file).map_err(TrustError::File)?.roots);
    }
    if roots.is_empty() {
        tracing::warn!("no certificate authorities were found: no webhook can be delivered over https");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Of what kind an error of TLS is.
pub(super) fn class(error: &rustls::Error) -> &'static str {
    let rustls::Error::InvalidCertificate(error) = error else {
        return "tls";
    };
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "wrong_certificate_name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired_certificate",
        // Of an unknown authority; or not what the authority signed, or not for a server.
        _ => "untrusted_certificate",
    }
}
