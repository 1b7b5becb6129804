//! Definitions made part of the process for good, so that attributes are `&'static` whether
//! they are built in or a tenant's: whoever looks one up neither counts references nor locks.
//!
//! Each distinct definition is leaked once. What that may cost is bounded twice: by the limits
//! on a definition, and by a budget for the process, over which a changed schema waits for a
//! restart. An operator would have to store a thousand different large schemas to get there.

use super::definition::{AttributeDefinition, Definition};
use super::{Attribute, Schema, SchemaSet, TenantSchema, Uniqueness};
use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Bytes of definitions one process keeps.
const BUDGET: usize = 64 * 1024 * 1024;

/// There is no room for another definition before the process is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this process has seen too many different schemas and must be restarted to take another")]
pub struct NoRoom;

#[derive(Default)]
struct Interned {
    schemas: HashMap<Definition, &'static Schema>,
    sets: HashSet<&'static [TenantSchema]>,
    bytes: usize,
}

static INTERNED: LazyLock<Mutex<Interned>> = LazyLock::new(Mutex::default);

impl SchemaSet {
    /// The built-in schemas and these.
    ///
    /// # Errors
    /// [`NoRoom`] when a definition was never seen before and the budget is used up.
    pub fn with(definitions: &[Definition]) -> Result<SchemaSet, NoRoom> {
        // Every change to it leaves it whole, so a panic elsewhere does too.
        let mut interned = INTERNED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut set = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let schema = interned.schema(definition)?;
            set.push(TenantSchema {
                extends: definition.extends,
                schema,
            });
        }
        let defined = match interned.sets.get(set.as_slice()) {
            Some(known) => known,
            None => {
                interned.spend(size_of_val(set.as_slice()))?;
                let leaked: &'static [TenantSchema] = Vec::leak(set);
                interned.sets.insert(leaked);
                leaked
            }
        };
        Ok(SchemaSet { defined })
    }
}

impl Interned {
    fn schema(&mut self, definition: &Definition) -> Result<&'static Schema, NoRoom> {
        if let Some(known) = self.schemas.get(definition) {
            return Ok(known);
        }
        // Kept twice: leaked, and as the key it is found by.
        self.spend(
            2 * size_of_all(&definition.attributes) + 4 * definition.urn.len() + definition.description.len(),
        )?;
        let schema: &'static Schema = Box::leak(Box::new(Schema {
            id: leak(&definition.urn),
            name: leak(&definition.name),
            description: leak(&definition.description),
            attributes: leak_attributes(&definition.attributes),
        }));
        self.schemas.insert(definition.clone(), schema);
        Ok(schema)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let spent = self.bytes + bytes;
        if spent > BUDGET {
            return Err(NoRoom);
        }
        self.bytes = spent;
        Ok(())
    }
}

fn size_of_all(attributes: &[AttributeDefinition]) -> usize {
    let of = |texts: &[String]| {
        texts
            .iter()
            .map(|text| text.len() + size_of::<String>())
            .sum::<usize>()
    };
    let one = |attribute: &AttributeDefinition| {
        size_of::<AttributeDefinition>()
            + attribute.name.len()
            + attribute.description.len()
            + of(&attribute.canonical_values)
            + of(&attribute.reference_types)
            + size_of_all(&attribute.sub_attributes)
    };
    attributes.iter().map(one).sum()
}

fn leak_attributes(definitions: &[AttributeDefinition]) -> &'static [Attribute] {
    let attributes = definitions.iter().map(|definition| Attribute {
        name: leak(&definition.name),
        kind: definition.kind,
        multi_valued: definition.multi_valued,
        description: leak(&definition.description),
        required: definition.required,
        case_exact: definition.case_exact,
        mutability: definition.mutability,
        returned: definition.returned,
        uniqueness: Uniqueness::None,
        canonical_values: leak_all(&definition.canonical_values),
        reference_types: leak_all(&definition.reference_types),
        sub_attributes: leak_attributes(&definition.sub_attributes),
    });
    Vec::leak(attributes.collect())
}

fn leak_all(texts: &[String]) -> &'static [&'static str] {
    Vec::leak(texts.iter().map(|text| leak(text)).collect())
}

fn leak(text: &str) -> &'static str {
    String::leak(text.to_owned())
}
