//! Forms: JSON that shows what an answer looks like, with the type of a value in its place. The tests hold
//! every answer against them, so a form is as true as a type.
//!
//! - `"uuid"`, `"time"`, `"date"`, `"string"`, `"integer"`, `"number"`, `"boolean"`, `"object"`, `"any"`; with `?`
//!   behind it the value may be null, after `: ` comes what it means: `"integer?: seconds left"`
//! - `"one|of|these"`, or `"=this"` alone: texts; likewise with `?` and a meaning
//! - `[form]`: a list; `[form, "meaning"]`
//! - `{ "member": form }`: an object; a member `"name?"` may be missing, `"*"` stands for any other name
//! - `of::<Other>()`: another description; `maybe::<Other>()`: or null; `any_of([…])`: one of several forms

use serde_json::{Map, Value, json};
use std::borrow::Cow;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

/// Something that is described by a form.
pub(crate) trait Described {
    const NAME: &'static str;
    const MEANING: &'static str;

    fn form() -> Value;
}

/// A named form: `described!(/// Its meaning. NameForm, { "member": form })`; clients see `Name`.
macro_rules! described {
    ($(#[doc = $meaning:literal])* $name:ident, $form:tt) => {
        $(#[doc = $meaning])*
        pub(crate) enum $name {}

        impl $crate::openapi::form::Described for $name {
            const NAME: &'static str = stringify!($name);
            const MEANING: &'static str = concat!($($meaning),*);

            fn form() -> serde_json::Value {
                use $crate::openapi::form::{any_of, maybe, of};
                // Not every form refers to others.
                let _ = (any_of::<0>, maybe::<$name>, of::<$name>);
                serde_json::json!($form)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::openapi::form::schema::<$name>()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $crate::openapi::form::name::<$name>()
            }

            fn schemas(all: &mut $crate::openapi::form::Schemas) {
                $crate::openapi::form::nested(&<$name as $crate::openapi::form::Described>::form(), all);
            }
        }
    };
}
pub(crate) use described;

pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

const OTHER: &str = "$other";
const ANY_OF: &str = "$anyOf";

/// Another description in a form.
pub(crate) fn of<T: Described>() -> Value {
    json!({ OTHER: name::<T>(), "meaning": T::MEANING, "form": T::form() })
}

/// Another description, or null.
pub(crate) fn maybe<T: Described>() -> Value {
    any_of([of::<T>(), json!("null")])
}

/// One of these forms.
pub(crate) fn any_of<const N: usize>(forms: [Value; N]) -> Value {
    json!({ ANY_OF: forms.to_vec() })
}

pub(crate) fn name<T: Described>() -> Cow<'static, str> {
    Cow::Borrowed(T::NAME.trim_end_matches("Form"))
}

pub(crate) fn schema<T: Described>() -> RefOr<Schema> {
    with_meaning(read(&T::form()), T::MEANING)
}

/// The descriptions that a form refers to, and those they refer to.
pub(crate) fn nested(form: &Value, all: &mut Schemas) {
    match form {
        Value::Array(items) => items.iter().for_each(|item| nested(item, all)),
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get(OTHER) {
                let meaning = members["meaning"].as_str().unwrap_or_default();
                all.push((name.clone(), with_meaning(read(&members["form"]), meaning)));
            }
            members.values().for_each(|form| nested(form, all));
        }
        _ => {}
    }
}

fn with_meaning(schema: RefOr<Schema>, meaning: &str) -> RefOr<Schema> {
    let meaning = Some(meaning.trim()).filter(|meaning| !meaning.is_empty());
    match (schema, meaning) {
        (RefOr::T(Schema::Object(mut object)), Some(meaning)) => {
            object.description = Some(meaning.to_owned());
            Schema::Object(object).into()
        }
        (RefOr::T(Schema::Array(mut array)), Some(meaning)) => {
            array.description = Some(meaning.to_owned());
            Schema::Array(array).into()
        }
        (RefOr::T(Schema::AnyOf(mut any)), Some(meaning)) => {
            any.description = Some(meaning.to_owned());
            Schema::AnyOf(any).into()
        }
        (schema, _) => schema,
    }
}

fn read(form: &Value) -> RefOr<Schema> {
    match form {
        Value::String(text) => Schema::Object(value(text)).into(),
        Value::Array(parts) => {
            let meaning = parts.get(1).and_then(Value::as_str);
            let items = parts.first().map(read).unwrap_or_default();
            let list = ArrayBuilder::new().items(items).description(meaning);
            Schema::Array(list.build()).into()
        }
        Value::Object(members) => object(members),
        // Nothing else is a form; a schema that nothing meets makes every test of it fail.
        _ => Schema::Object(ObjectBuilder::new().schema_type(Type::Null).build()).into(),
    }
}

fn object(members: &Map<String, Value>) -> RefOr<Schema> {
    if let Some(Value::String(name)) = members.get(OTHER) {
        return RefOr::Ref(Ref::from_schema_name(name));
    }
    if let Some(Value::Array(forms)) = members.get(ANY_OF) {
        let any = forms
            .iter()
            .fold(AnyOfBuilder::new(), |any, form| any.item(read(form)));
        return Schema::AnyOf(any.build()).into();
    }
    let mut object = ObjectBuilder::new().schema_type(Type::Object);
    for (name, form) in members {
        object = match name.strip_suffix('?') {
            _ if name == "*" => object.additional_properties(Some(AdditionalProperties::from(read(form)))),
            Some(optional) => object.property(optional, read(form)),
            None => object.property(name, read(form)).required(name),
        };
    }
    Schema::Object(object.build()).into()
}

fn value(text: &str) -> utoipa::openapi::schema::Object {
    let (kind, meaning) = match text.split_once(": ") {
        Some((kind, meaning)) => (kind, Some(meaning)),
        None => (text, None),
    };
    let (kind, nullable) = match kind.strip_suffix('?') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    let (schema_type, format) = match kind {
        "uuid" => (Type::String, Some("uuid")),
        "time" => (Type::String, Some("date-time")),
        "date" => (Type::String, Some("date")),
        "integer" => (Type::Integer, None),
        "number" => (Type::Number, None),
        "boolean" => (Type::Boolean, None),
        "object" => (Type::Object, None),
        "null" => (Type::Null, None),
        _ => (Type::String, None),
    };
    let schema_type = match (kind, nullable) {
        ("any", _) => SchemaType::AnyValue,
        (_, true) => SchemaType::from_iter([schema_type, Type::Null]),
        (_, false) => SchemaType::new(schema_type),
    };
    let mut object = ObjectBuilder::new()
        .schema_type(schema_type)
        .format(format.map(|format| SchemaFormat::Custom(format.to_owned())))
        .description(meaning);
    if kind == "object" {
        object = object.additional_properties(Some(AdditionalProperties::FreeForm(true)));
    }
    if let Some(values) = texts(kind) {
        let values = values.map(Value::from);
        let null = nullable.then_some(Value::Null);
        object = object.enum_values(Some(values.chain(null)));
    }
    object.build()
}

/// The texts that a kind allows, if it names some.
fn texts(kind: &str) -> Option<impl Iterator<Item = &str>> {
    let single = kind.strip_prefix('=');
    (single.is_some() || kind.contains('|')).then(|| single.unwrap_or(kind).split('|'))
}

#[cfg(test)]
mod tests {
    use super::*;

    described!(
        /// Somebody.
        SomebodyForm, { "id": "uuid", "name?": "string?: as they are called" }
    );

    #[test]
    fn a_form_becomes_the_schema_it_shows() {
        let form = json!({
            "who": maybe::<SomebodyForm>(),
            "state": "running|done?: how far it is",
            "kind": "=user",
            "parts": [{ "at": "time" }, "the newest first"],
            "*": "integer",
        });
        assert_eq!(
            json!(read(&form)),
            json!({
                "type": "object",
                "required": ["who", "state", "kind", "parts"],
                "properties": {
                    "who": { "anyOf": [{ "$ref": "#/components/schemas/Somebody" }, { "type": "null" }] },
                    "state": { "type": ["string", "null"], "enum": ["running", "done", null], "description": "how far it is" },
                    "kind": { "type": "string", "enum": ["user"] },
                    "parts": {
                        "type": "array",
                        "description": "the newest first",
                        "items": {
                            "type": "object",
                            "required": ["at"],
                            "properties": { "at": { "type": "string", "format": "date-time" } },
                        },
                    },
                },
                "additionalProperties": { "type": "integer" },
            })
        );
    }

    #[test]
    fn nested_finds_what_a_form_refers_to() {
        let mut all = vec![];
        nested(&json!({ "people": [of::<SomebodyForm>()] }), &mut all);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].0, "Somebody");
        assert_eq!(json!(all[0].1)["description"], "Somebody.");
        assert_eq!(json!(all[0].1)["required"], json!(["id"]));
    }
}
