//! Names of people, and the logins and addresses made from them.

use std::collections::HashSet;

use fake::Fake;
use fake::faker::name::raw::{FirstName, LastName};
use fake::locales::{AR_SA, DE_DE, EN, FR_FR, IT_IT, JA_JP, PT_BR, TR_TR, ZH_CN};
use fake::rand::RngExt;
use fake::rand::rngs::StdRng;

pub(super) const DOMAIN: &str = "umbrella-pine.example";

/// An office: where its people's names come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Office {
    pub(super) name: &'static str,
    locale: Locale,
}

#[derive(Debug, Clone, Copy)]
enum Locale {
    Arabic,
    Chinese,
    English,
    French,
    German,
    Italian,
    Japanese,
    Portuguese,
    Turkish,
}

pub(super) const OFFICES: [Office; 10] = [
    Office {
        name: "Berlin",
        locale: Locale::German,
    },
    Office {
        name: "München",
        locale: Locale::German,
    },
    Office {
        name: "New York",
        locale: Locale::English,
    },
    Office {
        name: "London",
        locale: Locale::English,
    },
    Office {
        name: "Paris",
        locale: Locale::French,
    },
    Office {
        name: "São Paulo",
        locale: Locale::Portuguese,
    },
    Office {
        name: "İstanbul",
        locale: Locale::Turkish,
    },
    Office {
        name: "Milano",
        locale: Locale::Italian,
    },
    Office {
        name: "東京",
        locale: Locale::Japanese,
    },
    Office {
        name: "Remote",
        locale: Locale::English,
    },
];

/// Given and family name of somebody working at `office`; a tenth come from elsewhere.
pub(super) fn person(office: Office, rng: &mut StdRng) -> (String, String) {
    let locale = match rng.random_range(0..20) {
        0 => Locale::Arabic,
        1 => Locale::Chinese,
        _ => office.locale,
    };
    macro_rules! names {
        ($locale:expr) => {
            (
                FirstName($locale).fake_with_rng::<String, _>(rng),
                LastName($locale).fake_with_rng::<String, _>(rng),
            )
        };
    }
    let (first, last) = match locale {
        Locale::Arabic => names!(AR_SA),
        Locale::Chinese => names!(ZH_CN),
        Locale::English => names!(EN),
        Locale::French => names!(FR_FR),
        Locale::German => names!(DE_DE),
        Locale::Italian => names!(IT_IT),
        Locale::Japanese => names!(JA_JP),
        Locale::Portuguese => names!(PT_BR),
        Locale::Turkish => names!(TR_TR),
    };
    (first.trim().to_owned(), last.trim().to_owned())
}

/// Hands out local parts of addresses, each once.
#[derive(Default)]
pub(super) struct Mailboxes(HashSet<String>);

impl Mailboxes {
    /// `first.last`, in ASCII letters; a number is appended to the second of a name.
    pub(super) fn take(&mut self, first: &str, last: &str) -> String {
        let wanted = format!("{}.{}", ascii(first), ascii(last));
        let mut mailbox = wanted.clone();
        let mut number = 2;
        while !self.0.insert(mailbox.clone()) {
            mailbox = format!("{wanted}{number}");
            number += 1;
        }
        mailbox
    }
}

fn ascii(name: &str) -> String {
    let plain: String = deunicode::deunicode(name)
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect();
    if plain.is_empty() { "x".to_owned() } else { plain }
}
