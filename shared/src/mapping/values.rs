//! Single values: text, dates and addresses as the directory keeps them.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;

/// Longest text field, in characters.
const MAX_TEXT: usize = 1024;
/// Longest photo address, in bytes.
const MAX_URL: usize = 2048;

/// Text; a number counts as its digits, empty text as nothing.
pub(crate) fn text(value: &Value) -> Result<Option<String>, &'static str> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim(),
        Value::Number(number) => return Ok(Some(number.to_string())),
        _ => return Err("is not text"),
    };
    if text.chars().count() > MAX_TEXT {
        return Err("is longer than 1024 characters");
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// An ISO 8601 calendar date, or the date part of a full timestamp.
pub(crate) fn date(value: &Value) -> Result<Option<NaiveDate>, &'static str> {
    const COMPLAINT: &str = "is not an ISO 8601 date";
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim(),
        _ => return Err(COMPLAINT),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let day = text.get(..10).ok_or(COMPLAINT)?;
    let digits = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let is_timestamp = || {
        DateTime::parse_from_rfc3339(text).is_ok()
            || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok()
            || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").is_ok()
    };
    if !digits || (text.len() > 10 && !is_timestamp()) {
        return Err(COMPLAINT);
    }
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| COMPLAINT)?;
    // Postgres has no year 0.
    if day < NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default() {
        return Err(COMPLAINT);
    }
    Ok(Some(day))
}

/// A web address; anything but http and https could make a reader's browser run it.
pub(crate) fn web_address(value: &Value) -> Result<Option<String>, &'static str> {
    const COMPLAINT: &str = "is not an http or https address";
    let Some(address) = value.as_str().map(str::trim) else {
        return if value.is_null() { Ok(None) } else { Err(COMPLAINT) };
    };
    if address.is_empty() {
        return Ok(None);
    }
    if address.len() > MAX_URL {
        return Err("is longer than 2048 bytes");
    }
    let host = ["https://", "http://"].into_iter().find_map(|scheme| {
        let start = address.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &address[scheme.len()..])
    });
    let well_formed = host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '?', '#', ':']))
        && !address.contains(|c: char| c.is_whitespace() || c.is_control());
    if well_formed {
        Ok(Some(address.to_owned()))
    } else {
        Err(COMPLAINT)
    }
}

/// True and false, also as the text some clients send.
pub(crate) fn boolean(value: &Value) -> Result<Option<bool>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err("is neither true nor false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn date_of_a_timestamp_is_its_date_part() {
        let day = NaiveDate::from_ymd_opt(2024, 2, 29);
        for sent in [
            "2024-02-29",
            "2024-02-29T23:59:59Z",
            "2024-02-29T00:00:00.000+02:00",
            "2024-02-29T08:30",
        ] {
            assert_eq!(date(&json!(sent)), Ok(day), "{sent}");
        }
    }

    #[test]
    fn date_not_on_the_calendar_or_in_another_notation_is_refused() {
        for sent in [
            "2023-02-29",
            "29.02.2024",
            "2024-2-9",
            "20240229",
            "2024-02-29x",
            "0000-01-01",
            "é2024-02-29",
        ] {
            assert!(date(&json!(sent)).is_err(), "{sent}");
        }
        assert!(date(&json!(20240229)).is_err());
        assert_eq!(date(&json!("")), Ok(None));
    }

    #[test]
    fn web_address_of_another_scheme_is_refused() {
        for sent in [
            "javascript:alert(1)",
            "ftp://host/x",
            "https://",
            "http:///x",
            "https://a b",
            "data:image/png",
        ] {
            assert!(web_address(&json!(sent)).is_err(), "{sent}");
        }
        assert_eq!(
            web_address(&json!("HTTPS://host/é.png")),
            Ok(Some("HTTPS://host/é.png".into()))
        );
    }

    #[test]
    fn text_of_another_type_or_too_long_is_refused() {
        assert_eq!(text(&json!(7)), Ok(Some("7".into())));
        assert_eq!(text(&json!("  ")), Ok(None));
        assert!(text(&json!(["a"])).is_err());
        assert!(text(&json!("é".repeat(1025))).is_err());
        assert!(text(&json!("é".repeat(1024))).is_ok());
    }
}
