//! What one version says otherwise than another, rule by rule.

use serde_json::Value;

/// A rule, or what holds for a kind of team, that is not as it was.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub name: String,
    /// As JSON; `None`: it was not there.
    pub old: Option<String>,
    /// As JSON; `None`: it is gone.
    pub new: Option<String>,
}

/// In the order of the new version, what is gone last. Rules that only changed places say the same.
pub(super) fn between(old: &Value, new: &Value) -> Vec<Difference> {
    let (before, after) = (parts(old), parts(new));
    let find = |parts: &[(String, Value)], name: &str| {
        let found = parts.iter().find(|(other, _)| other == name);
        found.map(|(_, part)| part.clone())
    };
    let kept = after.iter().filter_map(|(name, part)| {
        let was = find(&before, name);
        (was.as_ref() != Some(part)).then(|| difference(name, was, Some(part.clone())))
    });
    let gone = before.iter().filter(|(name, _)| find(&after, name).is_none());
    let gone = gone.map(|(name, part)| difference(name, Some(part.clone()), None));
    kept.chain(gone).collect()
}

fn difference(name: &str, old: Option<Value>, new: Option<Value>) -> Difference {
    let text = |part: Option<Value>| part.map(|part| format!("{part:#}"));
    Difference {
        name: name.to_owned(),
        old: text(old),
        new: text(new),
    }
}

fn parts(mapping: &Value) -> Vec<(String, Value)> {
    let rules = mapping["rules"].as_array().into_iter().flatten();
    let rules = rules.map(|rule| (rule["name"].as_str().unwrap_or_default().to_owned(), rule.clone()));
    let kinds = mapping["teams"].as_object().into_iter().flatten();
    let kinds = kinds.map(|(kind, what)| (format!("teams of the kind {kind}"), what.clone()));
    rules.chain(kinds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn difference_tells_what_came_went_and_changed_and_not_what_moved() {
        let old = json!({ "rules": [{ "name": "a", "to": 1 }, { "name": "b" }, { "name": "c" }] });
        let new = json!({
            "rules": [{ "name": "c" }, { "name": "a", "to": 2 }, { "name": "d" }],
            "teams": { "department": { "create": false } },
        });
        let told: Vec<(String, bool, bool)> = between(&old, &new)
            .into_iter()
            .map(|difference| {
                (
                    difference.name,
                    difference.old.is_some(),
                    difference.new.is_some(),
                )
            })
            .collect();
        let wanted = [
            ("a", true, true),
            ("d", false, true),
            ("teams of the kind department", false, true),
            ("b", true, false),
        ];
        assert_eq!(told, wanted.map(|(name, old, new)| (name.to_owned(), old, new)));
        assert_eq!(between(&old, &old), []);
    }
}
