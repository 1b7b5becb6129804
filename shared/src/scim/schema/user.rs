//! The core User (RFC 7643 §4.1).

use super::attribute::{Attribute, Mutability, Returned};
use super::{Schema, USER};

const NAME: &[Attribute] = &[
    Attribute::string("formatted", "The full name, formatted for display."),
    Attribute::string("familyName", "The family name or last name."),
    Attribute::string("givenName", "The given name or first name."),
    Attribute::string("middleName", "The middle names."),
    Attribute::string("honorificPrefix", "The honorific prefixes or title."),
    Attribute::string("honorificSuffix", "The honorific suffixes."),
];

const DISPLAY: Attribute = Attribute::string("display", "A name for display.");
const KIND: Attribute = Attribute::string("type", "What the value is used for.");
const PRIMARY: Attribute = Attribute::boolean(
    "primary",
    "Whether this is the preferred value; true at most once.",
);
const TYPES: &[&str] = &["work", "home", "other"];

const EMAILS: &[Attribute] = &[
    Attribute::string("value", "The e-mail address."),
    DISPLAY,
    KIND.canonical(TYPES),
    PRIMARY,
];

const PHONE_NUMBERS: &[Attribute] = &[
    Attribute::string("value", "The phone number."),
    DISPLAY,
    KIND.canonical(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

const IMS: &[Attribute] = &[
    Attribute::string("value", "The instant messaging address."),
    DISPLAY,
    KIND.canonical(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

const PHOTOS: &[Attribute] = &[
    Attribute::reference("value", "The URL of the photo.", &["external"]),
    DISPLAY,
    KIND.canonical(&["photo", "thumbnail"]),
    PRIMARY,
];

const ADDRESSES: &[Attribute] = &[
    Attribute::string("formatted", "The full address, formatted for display."),
    Attribute::string("streetAddress", "Street, house number and further lines."),
    Attribute::string("locality", "The city or locality."),
    Attribute::string("region", "The state or region."),
    Attribute::string("postalCode", "The postal code."),
    Attribute::string("country", "The country."),
    KIND.canonical(TYPES),
    PRIMARY,
];

const GROUPS: &[Attribute] = &[
    Attribute::string("value", "The id of the group.").mutability(Mutability::ReadOnly),
    Attribute::reference("$ref", "The URL of the group.", &["User", "Group"])
        .mutability(Mutability::ReadOnly),
    DISPLAY.mutability(Mutability::ReadOnly),
    KIND.canonical(&["direct", "indirect"])
        .mutability(Mutability::ReadOnly),
];

const LABELS: &[Attribute] = &[Attribute::string("value", "The value."), DISPLAY, KIND, PRIMARY];

const CERTIFICATES: &[Attribute] = &[
    Attribute::binary("value", "The DER certificate in base64."),
    DISPLAY,
    KIND,
    PRIMARY,
];

pub(super) static SCHEMA: Schema = Schema {
    id: USER,
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::string("userName", "The unique name the user signs in with.")
            .required()
            .unique(),
        Attribute::complex("name", "The parts of the user's name.", NAME),
        Attribute::string("displayName", "The user's name for display."),
        Attribute::string("nickName", "The casual name of the user."),
        Attribute::reference("profileUrl", "The URL of the user's profile.", &["external"]),
        Attribute::string("title", "The user's position."),
        Attribute::string("userType", "The user's relation to the organisation."),
        Attribute::string("preferredLanguage", "The user's preferred languages."),
        Attribute::string("locale", "The user's locale."),
        Attribute::string("timezone", "The user's time zone."),
        Attribute::boolean("active", "Whether the user's account is active."),
        Attribute::string("password", "Accepted and dropped: never stored.")
            .case_exact()
            .mutability(Mutability::WriteOnly)
            .returned(Returned::Never),
        Attribute::complex("emails", "E-mail addresses.", EMAILS).multi_valued(),
        Attribute::complex("phoneNumbers", "Phone numbers.", PHONE_NUMBERS).multi_valued(),
        Attribute::complex("ims", "Instant messaging addresses.", IMS).multi_valued(),
        Attribute::complex("photos", "URLs of photos.", PHOTOS).multi_valued(),
        Attribute::complex("addresses", "Postal addresses.", ADDRESSES).multi_valued(),
        Attribute::complex("groups", "The groups the user is a member of.", GROUPS)
            .multi_valued()
            .mutability(Mutability::ReadOnly),
        Attribute::complex("entitlements", "Things the user is entitled to.", LABELS).multi_valued(),
        Attribute::complex("roles", "The user's roles.", LABELS).multi_valued(),
        Attribute::complex("x509Certificates", "The user's certificates.", CERTIFICATES).multi_valued(),
    ],
};
