use super::Reach;
use std::net::IpAddr;
use url::{Host, Url};

/// Longest URL, in bytes.
const LONGEST: usize = 2_048;

/// A URL that deliveries may go to, as far as it can be told without resolving its name: what the name
/// leads to is looked at when a connection is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why a URL cannot be a webhook's. Quotes nothing of it: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("is not an absolute URL of at most {LONGEST} bytes")]
    Malformed,
    #[error("must begin with https://")]
    Insecure,
    #[error("must not hold a user name or password")]
    Credentials,
    #[error("must not have a fragment")]
    Fragment,
    #[error("leads to a private, local or reserved address")]
    Unreachable,
}

impl Target {
    /// Read a URL.
    ///
    /// # Errors
    /// When webhooks must not go there.
    pub fn parse(text: &str, reach: Reach) -> Result<Target, TargetError> {
        let url = Url::parse(text).map_err(|_| TargetError::Malformed)?;
        if text.len() > LONGEST || url.as_str().len() > LONGEST {
            return Err(TargetError::Malformed);
        }
        let secure = url.scheme() == "https";
        if !secure && (url.scheme() != "http" || reach == Reach::Public) {
            return Err(TargetError::Insecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let allowed = match url.host().ok_or(TargetError::Malformed)? {
            Host::Ipv4(address) => reach.allows(IpAddr::V4(address), secure),
            Host::Ipv6(address) => reach.allows(IpAddr::V6(address), secure),
            Host::Domain(name) => match is_local(name) {
                true => reach == Reach::PublicAndLoopback,
                false => secure,
            },
        };
        match allowed {
            true => Ok(Target(url)),
            false if secure => Err(TargetError::Unreachable),
            false => Err(TargetError::Insecure),
        }
    }

    /// The URL, in its normal form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// It may hold a secret, which logs must not.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Target(<redacted>)")
    }
}

/// Names of this machine (RFC 6761 §6.3).
fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, reach: Reach) -> TargetError {
        Target::parse(text, reach).unwrap_err()
    }

    #[test]
    fn parse_https_url_keeps_it_in_its_normal_form() {
        let target = Target::parse("HTTPS://Hooks.Example/a b?key=1", Reach::Public).unwrap();
        assert_eq!(target.as_str(), "https://hooks.example/a%20b?key=1");
        assert_eq!(format!("{target:?}"), "Target(<redacted>)");
    }

    #[test]
    fn parse_url_that_must_not_be_called_is_refused_for_its_reason() {
        for (text, reason) in [
            ("", TargetError::Malformed),
            ("hooks.example/path", TargetError::Malformed),
            ("https://", TargetError::Malformed),
            ("https://hooks.example:99999/", TargetError::Malformed),
            ("http://hooks.example/", TargetError::Insecure),
            ("http://127.0.0.1/", TargetError::Insecure),
            ("ftp://hooks.example/", TargetError::Insecure),
            ("file:///etc/passwd", TargetError::Insecure),
            ("https://user@hooks.example/", TargetError::Credentials),
            ("https://:secret@hooks.example/", TargetError::Credentials),
            ("https://hooks.example/#part", TargetError::Fragment),
            ("https://localhost/", TargetError::Unreachable),
            ("https://LOCALHOST./", TargetError::Unreachable),
            ("https://a.localhost/", TargetError::Unreachable),
            ("https://127.0.0.1/", TargetError::Unreachable),
            // Other ways to write it, which every resolver understands.
            ("https://127.1/", TargetError::Unreachable),
            ("https://2130706433/", TargetError::Unreachable),
            ("https://0x7f.0.0.1/", TargetError::Unreachable),
            ("https://0177.0.0.1/", TargetError::Unreachable),
            ("https://①②⑦.0.0.1/", TargetError::Unreachable),
            (
                "https://169.254.169.254/latest/meta-data",
                TargetError::Unreachable,
            ),
            ("https://10.1.2.3:8443/", TargetError::Unreachable),
            ("https://[::1]/", TargetError::Unreachable),
            ("https://[::ffff:10.0.0.1]/", TargetError::Unreachable),
            ("https://[fd00:ec2::254]/", TargetError::Unreachable),
        ] {
            assert_eq!(refused(text, Reach::Public), reason, "{text}");
        }
        let long = format!("https://hooks.example/{}", "x".repeat(LONGEST));
        assert_eq!(refused(&long, Reach::Public), TargetError::Malformed);
    }

    #[test]
    fn parse_where_loopback_is_allowed_takes_http_to_this_machine_only() {
        let reach = Reach::PublicAndLoopback;
        for text in [
            "http://127.0.0.1:8080/hook",
            "http://localhost:8080/",
            "http://[::1]/",
            "https://127.0.0.1/",
            "https://hooks.example/",
        ] {
            assert!(Target::parse(text, reach).is_ok(), "{text}");
        }
        assert_eq!(refused("http://hooks.example/", reach), TargetError::Insecure);
        assert_eq!(refused("http://10.0.0.1/", reach), TargetError::Insecure);
        assert_eq!(refused("https://10.0.0.1/", reach), TargetError::Unreachable);
    }
}
