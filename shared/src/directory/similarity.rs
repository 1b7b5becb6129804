//! How alike two values look, for suggesting whom a reference that nobody answers to may have
//! meant. A suggestion is shown to an operator and never applied.

use std::collections::BTreeSet;

/// Below this, two values have too little in common to be worth showing.
pub const ALIKE: f32 = 0.3;

/// How alike a folded reference and a folded value are, from 0 to 1: the share of their trigrams
/// that both have. Of two e-mail addresses the local parts decide, because a whole company has
/// its domain in common.
pub fn similarity(reference: &str, value: &str) -> f32 {
    match (reference.split_once('@'), value.split_once('@')) {
        (Some((local, domain)), Some((other_local, other_domain))) => {
            let of_local = in_common(local, other_local);
            match of_local >= ALIKE {
                true => 0.75 * of_local + 0.25 * in_common(domain, other_domain),
                false => 0.0,
            }
        }
        (Some((local, _)), None) => in_common(local, value),
        (None, Some((local, _))) => in_common(reference, local),
        (None, None) => in_common(reference, value),
    }
}

/// Where to look for values like this one in a list sorted by value: what is alike stands beside
/// one of these. The reference itself; then with a letter too many or two swapped at the
/// beginning, with the parts of the name the other way round, and without letters before a number.
pub fn probes(reference: &str) -> BTreeSet<String> {
    let mut probes = BTreeSet::from([reference.to_owned()]);
    let letters: Vec<char> = reference.chars().collect();
    if letters.len() > 2 {
        probes.insert(letters[1..].iter().collect());
        probes.insert([letters[1], letters[0]].iter().chain(&letters[2..]).collect());
    }
    let local = reference.split('@').next().unwrap_or(reference);
    let parts: Vec<&str> = local
        .split(['.', '_', '-', ' ', ','])
        .filter(|part| !part.is_empty())
        .collect();
    if parts.len() > 1 {
        probes.insert(parts.join("."));
        probes.insert(parts.iter().rev().copied().collect::<Vec<_>>().join("."));
    }
    let number = reference.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    if !number.is_empty() && !reference.contains('@') {
        probes.insert(number.to_owned());
    }
    probes
}

fn in_common(one: &str, other: &str) -> f32 {
    let (one, other) = (trigrams(one), trigrams(other));
    let all = one.union(&other).count();
    if all == 0 {
        return 0.0;
    }
    one.intersection(&other).count() as f32 / all as f32
}

/// The trigrams of each word, two blanks before it and one behind, as pg_trgm counts them.
fn trigrams(text: &str) -> BTreeSet<[char; 3]> {
    let mut trigrams = BTreeSet::new();
    for word in text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let padded: Vec<char> = "  ".chars().chain(word.chars()).chain([' ']).collect();
        trigrams.extend(padded.windows(3).map(|three| [three[0], three[1], three[2]]));
    }
    trigrams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_counts_trigrams_as_pg_trgm_does() {
        // select similarity('word', 'two words')
        assert!((similarity("word", "two words") - 4.0 / 11.0).abs() < 1e-6);
        assert_eq!(similarity("ada", "ada"), 1.0);
        assert_eq!(similarity("", ""), 0.0);
    }

    #[test]
    fn similarity_of_colleagues_is_not_that_of_their_domain() {
        let meant = similarity("ada.lovelcae@example.com", "ada.lovelace@example.com");
        let colleague = similarity("ada.lovelcae@example.com", "zoe.smith@example.com");
        assert!(meant > 0.6, "{meant}");
        assert_eq!(colleague, 0.0);
        assert!(similarity("ada.lovelace@old.example", "ada.lovelace@new.example") > 0.8);
        assert!(similarity("ada lovelace", "ada.lovelace@example.com") > 0.9);
    }

    #[test]
    fn probes_stand_beside_what_was_meant() {
        let expect = |reference: &str, beside: &str| {
            let probes = probes(reference);
            assert!(probes.contains(beside), "{beside} is not among {probes:?}");
        };
        expect("aada@example.com", "ada@example.com");
        expect("daa@example.com", "ada@example.com");
        expect("lovelace, ada", "ada.lovelace");
        expect("lovelace.ada@example.com", "ada.lovelace");
        expect("e-0042", "0042");
        assert_eq!(probes("").len(), 1);
    }
}
