//! The description of the API, taken apart for the page.

use super::markdown;
use crate::openapi;
use serde_json::Value;

/// Operations that belong together.
pub(super) struct Section {
    pub name: String,
    pub about: String,
    pub operations: Vec<Operation>,
}

pub(super) struct Operation {
    pub anchor: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    pub description: String,
    pub tokens: Vec<String>,
    pub parameters: Vec<Parameter>,
    /// Of the body of the request.
    pub body: Option<Form>,
    pub answers: Vec<Answer>,
    pub curl: String,
}

pub(super) struct Parameter {
    pub name: String,
    pub place: String,
    pub kind: String,
    pub required: bool,
    pub about: String,
}

pub(super) struct Answer {
    pub status: String,
    pub about: String,
    pub headers: String,
    pub form: Option<Form>,
}

/// What a body looks like.
pub(super) struct Form {
    pub media_types: String,
    /// A type, with links to the named ones.
    pub kind: String,
}

/// A named type.
pub(super) struct Schema {
    pub name: String,
    pub about: String,
    /// What it is, if it has no members.
    pub kind: Option<String>,
    pub members: Vec<Member>,
}

pub(super) struct Member {
    pub depth: usize,
    pub name: String,
    pub kind: String,
    pub required: bool,
    pub about: String,
}

pub(super) fn about() -> String {
    prose(&openapi::document()["info"]["description"])
}

pub(super) fn sections() -> Vec<Section> {
    let document = openapi::document();
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.map(|tag| Section {
        name: text(&tag["name"]),
        about: prose(&tag["description"]),
        operations: operations()
            .filter(|(_, _, operation)| operation["tags"][0] == tag["name"])
            .map(shown)
            .collect(),
    })
    .filter(|section| !section.operations.is_empty())
    .collect()
}

pub(super) fn schemas() -> Vec<Schema> {
    let schemas = openapi::document()["components"]["schemas"].as_object();
    let mut schemas: Vec<Schema> = schemas
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let mut members = vec![];
            add_members(schema, 0, &mut members);
            Schema {
                name: name.clone(),
                about: prose(&schema["description"]),
                kind: members.is_empty().then(|| kind(schema)),
                members,
            }
        })
        .collect();
    schemas.sort_by(|one, other| one.name.cmp(&other.name));
    schemas
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = openapi::document()["paths"].as_object();
    paths.into_iter().flatten().flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn shown((method, path, operation): (&str, &str, &'static Value)) -> Operation {
    let tokens: Vec<String> = operation["security"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|needed| {
            needed
                .keys()
                .map(|name| name.trim_end_matches("Token").to_owned())
        })
        .collect();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let answers = operation["responses"].as_object().into_iter().flatten();
    Operation {
        anchor: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: prose(&operation["description"]),
        parameters: parameters.map(parameter).collect(),
        body: form(&operation["requestBody"]["content"]),
        answers: answers
            .map(|(status, answer)| self::answer(status, answer))
            .collect(),
        curl: curl(method, path, operation, tokens.first()),
        tokens,
    }
}

fn parameter(parameter: &Value) -> Parameter {
    Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind: kind(&parameter["schema"]),
        required: parameter["required"] == true,
        about: prose(&parameter["description"]),
    }
}

fn answer(status: &str, answer: &'static Value) -> Answer {
    let answer = resolved(answer);
    let headers = answer["headers"].as_object().into_iter().flatten();
    // Every answer has its request's id.
    let headers: Vec<&str> = headers
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != "X-Request-Id")
        .collect();
    Answer {
        status: status.to_owned(),
        about: prose(&answer["description"]),
        headers: headers.join(", "),
        form: form(&answer["content"]),
    }
}

fn resolved(value: &'static Value) -> &'static Value {
    let place = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    place
        .and_then(|place| openapi::document().pointer(place))
        .unwrap_or(value)
}

fn form(content: &Value) -> Option<Form> {
    let content = content.as_object()?;
    let media_types: Vec<&str> = content.keys().map(String::as_str).collect();
    let (_, first) = content.iter().next_back()?;
    Some(Form {
        media_types: media_types.join(" or "),
        kind: kind(&first["schema"]),
    })
}

/// A request to copy. The path's parameters and the body are left to the reader.
fn curl(method: &str, path: &str, operation: &Value, token: Option<&String>) -> String {
    let (url, token) = match token.map(String::as_str) {
        Some("scim") => (path.replacen("/scim/v2", "$SCIM_URL", 1), "$SCIM_TOKEN"),
        Some("content") => (path.replacen("/content/v1", "$CONTENT_URL", 1), "$CONTENT_TOKEN"),
        Some(_) => (path.replacen("/ops/v1", "$OPS_URL", 1), "$OPS_TOKEN"),
        None => (format!("$ROLLCALL_URL{path}"), ""),
    };
    // Braces are left out of a path that a shell and curl take as it is.
    let url = url.replace('{', "$").replace('}', "");
    let mut lines = vec![match method {
        "get" => "curl -sS".to_owned(),
        method => format!("curl -sS -X {}", method.to_uppercase()),
    }];
    if !token.is_empty() {
        lines.push(format!("-H \"Authorization: Bearer {token}\""));
    }
    if operation.get("requestBody").is_some() {
        let media_type = match path.starts_with("/scim/") {
            true => "application/scim+json",
            false => "application/json",
        };
        lines.push(format!("-H \"Content-Type: {media_type}\""));
        lines.push("-d @body.json".to_owned());
    }
    let needs_match = operation["responses"].get("428").is_some();
    if needs_match {
        lines.push("-H \"If-Match: $ETAG\"".to_owned());
    }
    lines.push(format!("\"{url}\""));
    lines.join(" \\\n  ")
}

/// A type in words, as HTML: named types are links.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for combined in ["anyOf", "oneOf"] {
        if let Some(several) = schema[combined].as_array() {
            let several: Vec<String> = several.iter().map(kind).collect();
            return several.join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(literal).collect();
        return values.join(" | ");
    }
    if let Some(value) = schema.get("const") {
        return literal(value);
    }
    let of_type = |name: &str| match (name, schema["format"].as_str()) {
        ("array", _) => format!("list of {}", kind(&schema["items"])),
        ("object", _) => match schema["additionalProperties"].as_object() {
            Some(_) => format!("object of {}", kind(&schema["additionalProperties"])),
            None => "object".to_owned(),
        },
        ("string", Some(format)) => escape(format),
        (name, _) => escape(name),
    };
    match &schema["type"] {
        Value::String(name) => of_type(name),
        Value::Array(names) => {
            let names: Vec<String> = names.iter().filter_map(Value::as_str).map(of_type).collect();
            names.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn literal(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("<code>{}</code>", escape(&text))
}

fn add_members(schema: &Value, depth: usize, members: &mut Vec<Member>) {
    let required = schema["required"].as_array();
    for (name, form) in schema["properties"].as_object().into_iter().flatten() {
        members.push(Member {
            depth,
            name: name.clone(),
            kind: kind(form),
            required: required.is_some_and(|required| required.iter().any(|required| required == name)),
            about: prose(&form["description"]),
        });
        add_members(form, depth + 1, members);
        add_members(&form["items"], depth + 1, members);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn prose(value: &Value) -> String {
    let leads_out = |link: &str| link.starts_with("https://").then(|| link.to_owned());
    markdown::html(value.as_str().unwrap_or_default(), 2, leads_out)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
