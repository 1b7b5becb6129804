//! Versions as entity tags (RFC 7644 §3.14).

/// The weak entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// Whether an `If-Match` or `If-None-Match` header (a tag, a list of tags or `*`) names this
/// version. Tags compare by their opaque value, weak or not, quoted or not.
pub fn etag_matches(header: &str, version: i64) -> bool {
    let version = version.to_string();
    header.split(',').map(str::trim).any(|tag| {
        let opaque = tag
            .strip_prefix("W/")
            .or_else(|| tag.strip_prefix("w/"))
            .unwrap_or(tag);
        tag == "*" || opaque.trim_matches('"') == version
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_matches_weak_strong_bare_list_and_star() {
        for header in ["W/\"7\"", "\"7\"", "7", "\"3\", W/\"7\"", "*"] {
            assert!(etag_matches(header, 7), "{header}");
        }
        assert_eq!(etag(7), "W/\"7\"");
    }

    #[test]
    fn etag_matches_another_version_is_false() {
        for header in ["W/\"77\"", "\"\"", "", "W/", "\"3\", \"4\""] {
            assert!(!etag_matches(header, 7), "{header}");
        }
    }
}
