//! Certificate authorities in files, as settings name them.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use std::path::Path;

/// Why a file of certificate authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    #[error("the file cannot be read")]
    Unreadable(#[source] pem::Error),
    #[error("the file holds no certificate")]
    Empty,
    #[error("the file holds a certificate that cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// The authorities in this PEM file, at least one.
///
/// # Errors
/// When the file cannot be used.
pub fn in_file(file: &Path) -> Result<RootCertStore, AuthoritiesError> {
    let certificates: Vec<CertificateDer> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(AuthoritiesError::Unreadable)?;
    let mut authorities = RootCertStore::empty();
    for certificate in certificates {
        authorities.add(certificate).map_err(AuthoritiesError::Unusable)?;
    }
    match authorities.is_empty() {
        true => Err(AuthoritiesError::Empty),
        false => Ok(authorities),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<RootCertStore, AuthoritiesError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, text).unwrap();
        in_file(&file)
    }

    #[test]
    fn file_that_holds_no_authorities_cannot_be_used() {
        let nowhere = in_file(Path::new("/nowhere/ca.pem")).unwrap_err();
        assert!(matches!(nowhere, AuthoritiesError::Unreadable(_)), "{nowhere:?}");
        assert!(matches!(with(""), Err(AuthoritiesError::Empty)));
        let authority = devstack::Authority::new().unwrap();
        let key = authority.certify(&["receivers.example"]).unwrap().key;
        assert!(matches!(with(&key), Err(AuthoritiesError::Empty)));
        let begin = "-----BEGIN CERTIFICATE-----\n";
        assert!(matches!(with(begin), Err(AuthoritiesError::Unreadable(_))));
        let nonsense = format!("{begin}bm9uc2Vuc2U=\n-----END CERTIFICATE-----\n");
        assert!(matches!(with(&nonsense), Err(AuthoritiesError::Unusable(_))));
        assert_eq!(with(authority.pem()).unwrap().len(), 1);
    }
}
