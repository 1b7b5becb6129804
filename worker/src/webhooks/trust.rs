//! Whose certificates are believed, and what was wrong with one that is not.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// Why nothing can be delivered over TLS.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("ROLLCALL_WEBHOOKS_CA_FILE cannot be read")]
    Unreadable(#[source] pem::Error),
    #[error("ROLLCALL_WEBHOOKS_CA_FILE holds no certificate")]
    Empty,
    #[error("ROLLCALL_WEBHOOKS_CA_FILE holds a certificate that cannot be used")]
    Unusable(#[source] rustls::Error),
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
    for certificate in ca_file.map(read).transpose()?.unwrap_or_default() {
        roots.add(certificate).map_err(TrustError::Unusable)?;
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

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let certificates: Result<Vec<_>, pem::Error> =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(TrustError::Empty),
        certificates => certificates.map_err(TrustError::Unreadable),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<ClientConfig, TrustError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, text).unwrap();
        client(Some(&file))
    }

    #[test]
    fn file_that_holds_no_authorities_cannot_be_used() {
        let nowhere = client(Some(Path::new("/nowhere/ca.pem"))).unwrap_err();
        assert!(matches!(nowhere, TrustError::Unreadable(_)), "{nowhere:?}");
        assert!(matches!(with(""), Err(TrustError::Empty)));
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert!(matches!(with(&key), Err(TrustError::Empty)));
        let begin = "-----BEGIN CERTIFICATE-----\n";
        assert!(matches!(with(begin), Err(TrustError::Unreadable(_))));
        let nonsense = format!("{begin}bm9uc2Vuc2U=\n-----END CERTIFICATE-----\n");
        assert!(matches!(with(&nonsense), Err(TrustError::Unusable(_))));
        let name = ["receivers.example".to_owned()];
        let authority = rcgen::generate_simple_self_signed(name).unwrap();
        assert!(with(&authority.cert.pem()).is_ok());
    }
}
