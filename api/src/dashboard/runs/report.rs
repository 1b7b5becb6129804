//! What a run found, as its page shows it.

use super::words;
use rollcall_shared::store::runs::NamedSample;
use serde_json::Value;

/// The report of a run that compared the directory with what was asserted.
pub(super) struct Report {
    pub(super) figures: Vec<Figure>,
    pub(super) fields: Vec<Bar>,
    pub(super) seconds: f64,
    /// Runs of before did not tell.
    pub(super) people_per_second: Option<i64>,
}

pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) count: i64,
    pub(super) note: &'static str,
}

/// How often a field differed.
pub(super) struct Bar {
    pub(super) field: String,
    pub(super) count: i64,
    /// Of the longest bar, in hundredths; never nothing.
    pub(super) length: i64,
}

impl Report {
    /// `None` for the report of a preview, which is about a mapping.
    pub(super) fn read(report: &Value, dry_run: bool) -> Option<Report> {
        let count = |name: &str| report[name].as_i64();
        let differing = match dry_run {
            true => "would be put right",
            false => "put right",
        };
        let created = match dry_run {
            true => "would be created",
            false => "created",
        };
        let figures = [
            ("checked", "Checked", "people, teams and members"),
            ("unchanged", "In step", "exactly as asserted"),
            ("differing", "Differing", differing),
            ("inFlight", "On their way", "left to their own change"),
            ("linksResolved", "Links made", "they had waited"),
            ("stillWaiting", "Links that wait", "their target is not there"),
            ("teamsCreated", "Teams", created),
            ("teamsEmptied", "Teams emptied", "nobody is left in them"),
            ("rejected", "Rejected", "values that cannot be used"),
            ("failed", "Failed", "could not be put right"),
        ];
        count("checked")?;
        Some(Report {
            figures: figures
                .into_iter()
                .filter_map(|(key, name, note)| {
                    let count = count(key)?;
                    Some(Figure { name, count, note })
                })
                .collect(),
            fields: bars(
                report["fields"]
                    .as_object()?
                    .iter()
                    .filter_map(|(field, count)| Some((field.replace('_', " "), count.as_i64()?))),
            ),
            seconds: report["seconds"].as_f64().unwrap_or_default(),
            people_per_second: report["peoplePerSecond"].as_f64().map(|pace| pace as i64),
        })
    }
}

/// Bars, the longest first.
fn bars(counts: impl Iterator<Item = (String, i64)>) -> Vec<Bar> {
    let mut counts: Vec<(String, i64)> = counts.filter(|(_, count)| *count > 0).collect();
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    let most = counts.first().map_or(1, |(_, count)| *count);
    counts
        .into_iter()
        .map(|(field, count)| Bar {
            field,
            count,
            length: (count * 100 / most).max(1),
        })
        .collect()
}

/// Samples of one kind.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) samples: Vec<Shown>,
}

/// A difference by name.
pub(super) struct Shown {
    /// The page of the person or team.
    pub(super) address: String,
    pub(super) name: String,
    pub(super) field: String,
    pub(super) old: String,
    pub(super) new: String,
}

/// Samples, which come in the order of their kinds.
pub(super) fn kinds(samples: Vec<NamedSample>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = vec![];
    for sample in samples {
        let name = words::kind(&sample.kind);
        let page = match sample.kind.as_str() {
            "team" => "teams",
            _ => "people",
        };
        let shown = Shown {
            address: format!("/{page}/{}", sample.subject_id),
            name: sample.name.unwrap_or_else(|| "without a name".to_owned()),
            field: sample.field.replace('_', " "),
            old: text(sample.old.as_ref()),
            new: text(sample.new.as_ref()),
        };
        match kinds.last_mut().filter(|kind| kind.name == name) {
            Some(kind) => kind.samples.push(shown),
            None => kinds.push(Kind {
                name,
                samples: vec![shown],
            }),
        }
    }
    kinds
}

/// A value as people read it.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn report_shows_fields_as_bars_the_longest_first() {
        let report =
            json!({ "checked": 10, "differing": 3, "fields": { "login": 1, "start_date": 200, "email": 0 } });
        let report = Report::read(&report, true).unwrap();
        let bars: Vec<(&str, i64)> = report
            .fields
            .iter()
            .map(|bar| (bar.field.as_str(), bar.length))
            .collect();
        assert_eq!(bars, [("start date", 100), ("login", 1)]);
        let differing = report
            .figures
            .iter()
            .find(|figure| figure.name == "Differing")
            .unwrap();
        assert_eq!((differing.count, differing.note), (3, "would be put right"));
    }

    #[test]
    fn report_of_a_preview_is_another() {
        assert!(Report::read(&json!({ "effect": {}, "seconds": 1.0 }), true).is_none());
    }

    #[test]
    fn values_are_shown_as_people_read_them() {
        assert_eq!(text(None), "nothing");
        assert_eq!(text(Some(&json!("Ada"))), "Ada");
        assert_eq!(text(Some(&json!({ "a": 1 }))), r#"{"a":1}"#);
    }
}
