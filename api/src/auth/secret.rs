use super::Scope;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use sha2::{Digest as _, Sha256};

/// A token's secret: 256 random bits behind a prefix that tells people, and secret scanners,
/// what it is. Shown once, never stored, never printed by `Debug`.
pub(crate) struct Secret(String);

/// Length of 32 bytes in base64url without padding.
const RANDOM_LENGTH: usize = 43;

impl Secret {
    /// A new secret from the operating system's randomness.
    ///
    /// # Errors
    /// When the operating system has none to give.
    pub(crate) fn generate(scope: Scope) -> Result<Secret, rand::rand_core::OsError> {
        Secret::of_kind(scope.name())
    }

    /// A new secret that is no token's: `kind` tells what it is.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub(crate) fn of_kind(kind: &str) -> Result<Secret, rand::rand_core::OsError> {
        let mut random = [0_u8; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut random)?;
        Ok(Secret(format!("rc_{kind}_{}", URL_SAFE_NO_PAD.encode(random))))
    }

    /// The secret itself, to be shown to its owner.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The first characters: enough to recognise it by, too few to guess the rest.
    pub(crate) fn prefix(&self) -> &str {
        &self.0[..self.0.len() - RANDOM_LENGTH + 6]
    }

    /// What is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(<redacted>)")
    }
}

/// SHA-256 of a secret. The secret has 256 random bits, so a slow hash would add nothing.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generate_secret_has_recognisable_prefix_and_256_bits() {
        let secret = Secret::generate(Scope::Operator).unwrap();
        let random = secret.reveal().strip_prefix("rc_operator_").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(random).unwrap().len(), 32);
        assert_eq!(secret.prefix(), &secret.reveal()[.."rc_operator_".len() + 6]);
        assert_ne!(secret.hash(), Secret::generate(Scope::Operator).unwrap().hash());
    }

    #[test]
    fn debug_secret_is_redacted() {
        let secret = Secret::generate(Scope::Scim).unwrap();
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }
}
