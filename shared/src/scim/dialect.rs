//! How literally a request is read: the one place that decides which habits of clients are absorbed.

use super::schema::SchemaSet;

/// By what a request is read: the schemas of its tenant, and how literally.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    pub schemas: SchemaSet,
    pub dialect: Dialect,
}

/// Whether the habits of real clients are absorbed (`docs/scim-clients.md` lists them). Every
/// such decision is a method here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// What is meant counts.
    #[default]
    Tolerant,
    /// What the RFCs say counts.
    Strict,
}

impl Dialect {
    fn is_tolerant(self) -> bool {
        self == Dialect::Tolerant
    }

    /// `"True"` is a boolean, one value is an array of one and the other way round, a text is
    /// the `value` of a complex value, and binary values need not be base64. Strict: 400
    /// `invalidValue` (RFC 7643 §2.3).
    pub(super) fn bends_types(self) -> bool {
        self.is_tolerant()
    }

    /// A manager or member is a text, a number or an array of one; managers are one list with
    /// commas. Strict: 400 `invalidValue`, they are complex values (RFC 7643 §4.2, §4.3).
    pub(super) fn takes_bare_references(self) -> bool {
        self.is_tolerant()
    }

    /// `manager`, `additionalManagers` and the fields of the directory may stand outside of the
    /// schema that defines them; in filters and `sortBy`, any attribute of an extension may.
    /// Strict: they are unknown there (RFC 7643 §3.3, RFC 7644 §3.10).
    pub(super) fn takes_names_anywhere(self) -> bool {
        self.is_tolerant()
    }

    /// Attributes that a known schema does not define are kept. Strict: 400 `invalidSyntax`,
    /// the body does "not conform to the request schema" (RFC 7644 §3.12, table 9).
    pub(super) fn keeps_unknown_attributes(self) -> bool {
        self.is_tolerant()
    }

    /// Keys of a body may be paths: `name.givenName`, `urn:…:User:department`. Strict: they are
    /// names of attributes and URNs of extensions (RFC 7643 §3.3), anything else is unknown.
    pub(super) fn takes_paths_as_keys(self) -> bool {
        self.is_tolerant()
    }

    /// A message may leave `schemas` out or name others. Strict: 400 `invalidSyntax`; it names
    /// the message, or the resource's schema and every extension used (RFC 7643 §3, RFC 7644 §3.1).
    pub(super) fn forgives_schemas(self) -> bool {
        self.is_tolerant()
    }

    /// PUT keeps `active` and `members` when the body has none. Strict: it clears them
    /// (RFC 7644 §3.5.1).
    pub(super) fn put_keeps_omitted(self) -> bool {
        self.is_tolerant()
    }

    /// PATCH may be a plain body of attributes. Strict: 400 `invalidSyntax`, a PATCH has
    /// `Operations` (RFC 7644 §3.5.2).
    pub(super) fn takes_plain_patch(self) -> bool {
        self.is_tolerant()
    }

    /// `op` in any case. Strict: "one of `add`, `remove`, or `replace`" (RFC 7644 §3.5.2).
    pub(super) fn folds_op(self) -> bool {
        self.is_tolerant()
    }

    /// `method` of a bulk operation in any case. Strict: one of `POST`, `PUT`, `PATCH`, or
    /// `DELETE` (RFC 7644 §3.7).
    pub(super) fn folds_method(self) -> bool {
        self.is_tolerant()
    }

    /// An empty path is none, and `remove` with values removes those. Strict: 400, neither is
    /// in the grammar (RFC 7644 §3.5.2, figure 1) or in §3.5.2.2.
    pub(super) fn bends_operations(self) -> bool {
        self.is_tolerant()
    }

    /// What the server owns is passed over in the value of an operation without path. Strict:
    /// 400 `mutability` (RFC 7644 §3.5.2).
    pub(super) fn passes_over_read_only(self) -> bool {
        self.is_tolerant()
    }

    /// A value path of equalities that matches nothing creates the value it describes. Strict:
    /// 400 `noTarget` (RFC 7644 §3.5.2.3).
    pub(super) fn creates_by_value_path(self) -> bool {
        self.is_tolerant()
    }

    /// `display` and `$ref` of a member may change; the name of a person does. Strict: 400
    /// `mutability`, they are immutable (RFC 7643 §2.4, §4.2).
    pub fn renames_members(self) -> bool {
        self.is_tolerant()
    }

    /// Removing a member that is not there is done already: clients repeat themselves. Strict:
    /// 400 `noTarget` (RFC 7644 §3.5.2).
    pub fn removes_nobody(self) -> bool {
        self.is_tolerant()
    }

    /// Values in filters may lack their quotes, and `True` is `true`. Strict: 400
    /// `invalidFilter`, a value is JSON (RFC 7644 §3.4.2.2).
    pub(super) fn takes_unquoted_values(self) -> bool {
        self.is_tolerant()
    }

    /// Booleans and numbers in filters may have quotes, `active eq "true"`. Strict: 400
    /// `invalidFilter`, a value is JSON and a text is no boolean (RFC 7644 §3.4.2.2).
    pub fn takes_quoted_values(self) -> bool {
        self.is_tolerant()
    }

    /// A complex attribute without a sub-attribute, `manager eq "x"`, means its `value`. Strict:
    /// 400 `invalidFilter` or `invalidPath`, a sub-attribute MUST be specified; but for a
    /// multi-valued one, since the RFC itself has `emails co "example.com"` (RFC 7644 §3.4.2.2).
    pub(super) fn means_value_of_complex(self) -> bool {
        self.is_tolerant()
    }

    /// `/Users/{externalId}` is the resource of that externalId. Strict: 404, the path holds an
    /// id (RFC 7644 §3.4.1).
    pub fn finds_by_external_id(self) -> bool {
        self.is_tolerant()
    }

    /// A PATCH of a group is answered with 204 where the client asked for no attributes: Entra
    /// expects it, and members may be many. Strict: 200 with the group (RFC 7644 §3.5.2 leaves
    /// the choice).
    pub fn answers_group_patches_briefly(self) -> bool {
        self.is_tolerant()
    }

    /// A client that refuses a ServiceProviderConfig with attributes newer than itself (scim2
    /// from PyPI, told by its `User-Agent`) is not shown `securityEvents`. Strict: all are
    /// (RFC 9967 §4).
    pub fn hides_security_events(self, user_agent: &str) -> bool {
        self.is_tolerant() && user_agent.starts_with("python-httpx2/")
    }
}
