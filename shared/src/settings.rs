//! What a tenant's operators settle once, apart from schemas. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::num::NonZeroU16;

/// The settings of a tenant, as stored and as `/ops/v1/settings` shows them. What is not said is
/// as by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// Where the tenant's days begin and end.
    pub time_zone: Tz,
    /// Whether people are deactivated before their start date and after their end date.
    pub dates_drive_status: bool,
    /// After so many days the data of a deprovisioned person are erased; `None`: never.
    pub deprovisioned_retention_days: Option<NonZeroU16>,
    /// Whether no two groups may have one name.
    pub unique_group_names: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            time_zone: Tz::UTC,
            dates_drive_status: false,
            deprovisioned_retention_days: None,
            unique_group_names: true,
        }
    }
}

/// Every setting, and what it must be.
const EXPECTED: [(&str, &str); 4] = [
    (
        "timeZone",
        "a name of the IANA time zone database, such as Europe/Berlin",
    ),
    ("datesDriveStatus", "true or false"),
    (
        "deprovisionedRetentionDays",
        "a whole number of days from 1 to 65535, or null for ever",
    ),
    ("uniqueGroupNames", "true or false"),
];

/// Why settings are not taken. Names the setting, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("{0} is no setting")]
    Unknown(String),
    #[error("{name} must be {expected}")]
    Invalid {
        name: &'static str,
        expected: &'static str,
    },
}

impl Settings {
    /// These settings with the changes of a JSON merge patch (RFC 7396): null takes one back to
    /// what it is by default.
    ///
    /// # Errors
    /// When a change names no setting, or a value the setting cannot have.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Settings, SettingsError> {
        let mut settings = self.clone();
        for (name, value) in changes {
            let (name, expected) = EXPECTED
                .into_iter()
                .find(|(known, _)| known == name)
                .ok_or_else(|| SettingsError::Unknown(name.clone()))?;
            let mut document = json!(settings);
            if let Value::Object(document) = &mut document {
                match value {
                    Value::Null => document.remove(name),
                    value => document.insert(name.to_owned(), value.clone()),
                };
            }
            settings =
                serde_json::from_value(document).map_err(|_| SettingsError::Invalid { name, expected })?;
        }
        Ok(settings)
    }

    /// The day that start and end dates are compared with `now`; `None`: they decide nothing.
    pub fn deciding_day(&self, now: DateTime<Utc>) -> Option<NaiveDate> {
        let today = || now.with_timezone(&self.time_zone).date_naive();
        self.dates_drive_status.then(today)
    }

    /// Settings as they were stored, be it by another version of the program that knows others
    /// beside.
    ///
    /// # Errors
    /// When a value is none that the setting can have.
    pub fn stored(document: &Value) -> Result<Settings, SettingsError> {
        let mut known = Map::new();
        for (name, value) in document.as_object().into_iter().flatten() {
            if EXPECTED.iter().any(|(known, _)| known == name) {
                known.insert(name.clone(), value.clone());
            }
        }
        Settings::default().with(&known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: Value) -> Result<Settings, SettingsError> {
        Settings::default().with(changes.as_object().expect("an object"))
    }

    #[test]
    fn every_setting_says_what_it_must_be() {
        let document = json!(Settings::default());
        let names: Vec<&String> = document.as_object().expect("an object").keys().collect();
        assert_eq!(names, EXPECTED.map(|(name, _)| name));
    }

    #[test]
    fn change_leaves_other_settings_and_null_takes_one_back() {
        let settings = changed(json!({ "timeZone": "Asia/Tokyo", "deprovisionedRetentionDays": 90 }));
        let settings = settings.expect("settings");
        assert_eq!(
            (settings.time_zone, settings.dates_drive_status),
            (Tz::Asia__Tokyo, false)
        );
        let back = json!({ "timeZone": null, "datesDriveStatus": true });
        let settings = settings
            .with(back.as_object().expect("an object"))
            .expect("settings");
        assert_eq!((settings.time_zone, settings.dates_drive_status), (Tz::UTC, true));
        assert_eq!(settings.deprovisioned_retention_days, NonZeroU16::new(90));
    }

    #[test]
    fn change_to_a_value_it_cannot_have_names_the_setting_and_not_the_value() {
        for (name, value) in [
            ("timeZone", json!("Mars/Olympus")),
            ("timeZone", json!(1)),
            ("timeZone", json!("")),
            ("datesDriveStatus", json!("yes")),
            ("uniqueGroupNames", json!(0)),
            ("deprovisionedRetentionDays", json!(0)),
            ("deprovisionedRetentionDays", json!(-1)),
            ("deprovisionedRetentionDays", json!(65_536)),
            ("deprovisionedRetentionDays", json!(1.5)),
        ] {
            let error = changed(json!({ name: value })).expect_err("refused").to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(!error.contains("Mars"), "{error}");
        }
        assert_eq!(
            changed(json!({ "timezone": "UTC" })),
            Err(SettingsError::Unknown("timezone".into()))
        );
    }

    #[test]
    fn deciding_day_is_that_of_the_zone_and_none_unless_dates_decide() {
        let now = "2026-03-01T11:30:00Z".parse().expect("a time");
        let day = |zone: &str, decide: bool| {
            let settings = changed(json!({ "timeZone": zone, "datesDriveStatus": decide }));
            let day = settings.expect("settings").deciding_day(now);
            day.map(|day| day.to_string())
        };
        assert_eq!(day("UTC", true).as_deref(), Some("2026-03-01"));
        assert_eq!(day("Pacific/Kiritimati", true).as_deref(), Some("2026-03-02"));
        assert_eq!(day("Etc/GMT+12", true).as_deref(), Some("2026-02-28"));
        assert_eq!(day("UTC", false), None);
    }

    #[test]
    fn settings_of_a_newer_version_are_read_without_what_is_unknown() {
        let stored = json!({ "timeZone": "Europe/Berlin", "whatever": 1 });
        let settings = Settings::stored(&stored).expect("settings");
        assert_eq!(settings.time_zone, Tz::Europe__Berlin);
        assert_eq!(Settings::stored(&json!({})), Ok(Settings::default()));
        assert!(Settings::stored(&json!({ "timeZone": "nowhere" })).is_err());
    }
}
