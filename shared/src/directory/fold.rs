//! Normal forms. Done here and not in SQL: uniqueness must not depend on the server's locale.

use unicode_normalization::UnicodeNormalization;

/// The form under which two values count as the same without regard to case:
/// Unicode default case folding between two NFC normalisations, trimmed.
pub fn fold(value: &str) -> String {
    let value = value.trim();
    if value.is_ascii() {
        return value.to_ascii_lowercase();
    }
    caseless::default_case_fold_str(&value.nfc().collect::<String>())
        .nfc()
        .collect()
}

/// [`fold`] for names of teams: runs of white space count as one space too.
pub fn fold_name(name: &str) -> String {
    fold(&name.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_composed_and_decomposed_spellings_are_equal() {
        assert_eq!(fold("Zoe\u{308} STRASSE"), fold("zoë straße"));
    }

    #[test]
    fn fold_name_spacing_differs_is_equal() {
        assert_eq!(fold_name("  Sales \t  EMEA "), fold_name("sales emea"));
    }
}
