//! What Rollcall deliberately does not support, and why. Each has a test that shows what happens
//! instead, with the statement above it.

pub(crate) struct Unsupported {
    pub rfc: u16,
    pub section: &'static str,
    pub test: &'static str,
    pub reason: &'static str,
}

pub(crate) const UNSUPPORTED: &[Unsupported] = &[
    Unsupported {
        rfc: 7643,
        section: "5",
        test: "config_says_that_passwords_cannot_be_changed",
        reason: "nobody signs in at Rollcall: passwords are accepted, dropped and never stored",
    },
    Unsupported {
        rfc: 7644,
        section: "3.4.2.1",
        test: "query_of_the_root_by_get_is_404",
        reason: "the root is queried by POST to .search; filters hold personal data, which belongs into no URL",
    },
    Unsupported {
        rfc: 7644,
        section: "3.11",
        test: "me_is_501",
        reason: "a token speaks for a system, not for a person",
    },
];
