//! The characteristics of an attribute (RFC 7643 §2.2, §7).

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

impl Type {
    pub const ALL: [Type; 8] = [
        Type::String,
        Type::Boolean,
        Type::Decimal,
        Type::Integer,
        Type::DateTime,
        Type::Binary,
        Type::Reference,
        Type::Complex,
    ];

    /// As `/Schemas` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::Boolean => "boolean",
            Type::Decimal => "decimal",
            Type::Integer => "integer",
            Type::DateTime => "dateTime",
            Type::Binary => "binary",
            Type::Reference => "reference",
            Type::Complex => "complex",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
    WriteOnly,
}

impl Mutability {
    pub const ALL: [Mutability; 4] = [
        Mutability::ReadWrite,
        Mutability::ReadOnly,
        Mutability::Immutable,
        Mutability::WriteOnly,
    ];

    /// As `/Schemas` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Mutability::ReadWrite => "readWrite",
            Mutability::ReadOnly => "readOnly",
            Mutability::Immutable => "immutable",
            Mutability::WriteOnly => "writeOnly",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returned {
    Always,
    Default,
    Never,
    Request,
}

impl Returned {
    pub const ALL: [Returned; 4] = [
        Returned::Always,
        Returned::Default,
        Returned::Never,
        Returned::Request,
    ];

    /// As `/Schemas` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Returned::Always => "always",
            Returned::Default => "default",
            Returned::Never => "never",
            Returned::Request => "request",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    None,
    Server,
    Global,
}

impl Uniqueness {
    pub fn name(self) -> &'static str {
        match self {
            Uniqueness::None => "none",
            Uniqueness::Server => "server",
            Uniqueness::Global => "global",
        }
    }
}

/// One attribute and how it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attribute {
    pub name: &'static str,
    pub kind: Type,
    pub multi_valued: bool,
    pub description: &'static str,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    pub uniqueness: Uniqueness,
    /// Suggested values; others are accepted.
    pub canonical_values: &'static [&'static str],
    pub reference_types: &'static [&'static str],
    pub sub_attributes: &'static [Attribute],
}

impl Attribute {
    /// The sub-attribute of this name, whatever its case.
    pub fn sub_attribute(&self, name: &str) -> Option<&'static Attribute> {
        super::find(self.sub_attributes, name)
    }

    const fn of(kind: Type, name: &'static str, description: &'static str) -> Attribute {
        Attribute {
            name,
            kind,
            multi_valued: false,
            description,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: &[],
        }
    }

    pub(super) const fn string(name: &'static str, description: &'static str) -> Attribute {
        Attribute::of(Type::String, name, description)
    }

    pub(super) const fn boolean(name: &'static str, description: &'static str) -> Attribute {
        Attribute::of(Type::Boolean, name, description)
    }

    pub(super) const fn reference(
        name: &'static str,
        description: &'static str,
        to: &'static [&'static str],
    ) -> Attribute {
        let mut attribute = Attribute::of(Type::Reference, name, description);
        attribute.reference_types = to;
        attribute.case_exact = true;
        attribute
    }

    pub(super) const fn binary(name: &'static str, description: &'static str) -> Attribute {
        let mut attribute = Attribute::of(Type::Binary, name, description);
        attribute.case_exact = true;
        attribute
    }

    pub(super) const fn complex(
        name: &'static str,
        description: &'static str,
        sub_attributes: &'static [Attribute],
    ) -> Attribute {
        let mut attribute = Attribute::of(Type::Complex, name, description);
        attribute.sub_attributes = sub_attributes;
        attribute
    }

    pub(super) const fn multi_valued(mut self) -> Attribute {
        self.multi_valued = true;
        self
    }

    pub(super) const fn required(mut self) -> Attribute {
        self.required = true;
        self
    }

    pub(super) const fn case_exact(mut self) -> Attribute {
        self.case_exact = true;
        self
    }

    pub(super) const fn mutability(mut self, mutability: Mutability) -> Attribute {
        self.mutability = mutability;
        self
    }

    pub(super) const fn returned(mut self, returned: Returned) -> Attribute {
        self.returned = returned;
        self
    }

    pub(super) const fn unique(mut self) -> Attribute {
        self.uniqueness = Uniqueness::Server;
        self
    }

    pub(super) const fn canonical(mut self, values: &'static [&'static str]) -> Attribute {
        self.canonical_values = values;
        self
    }
}

const META: &[Attribute] = &[
    Attribute::string("resourceType", "The resource type.")
        .case_exact()
        .mutability(Mutability::ReadOnly),
    Attribute::of(Type::DateTime, "created", "When the resource was created.")
        .mutability(Mutability::ReadOnly),
    Attribute::of(Type::DateTime, "lastModified", "When the resource last changed.")
        .mutability(Mutability::ReadOnly),
    Attribute::reference("location", "The URL of the resource.", &["uri"]).mutability(Mutability::ReadOnly),
    Attribute::string("version", "The entity tag of the resource.")
        .case_exact()
        .mutability(Mutability::ReadOnly),
];

/// Attributes of every resource (RFC 7643 §3.1).
pub(super) const COMMON: &[Attribute] = &[
    Attribute::reference("schemas", "The schemas of the resource.", &["uri"])
        .multi_valued()
        .required()
        .returned(Returned::Always),
    Attribute::string("id", "The identifier this server gave the resource.")
        .case_exact()
        .mutability(Mutability::ReadOnly)
        .returned(Returned::Always)
        .unique(),
    Attribute::string("externalId", "The identifier the client gave the resource.")
        .case_exact()
        .unique(),
    Attribute::complex("meta", "What the server knows about the resource.", META)
        .mutability(Mutability::ReadOnly),
];
