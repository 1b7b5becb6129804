use crate::state::App;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// What is left of a request's time for its answer when waiting ends.
const MARGIN: Duration = Duration::from_secs(5);

/// What the client asks of the way it is answered (RFC 7240). Preferences we do not know, or
/// cannot read, are ignored, as the RFC has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// `respond-async`: the answer may come before the write is applied. Without it, it never
    /// is a 202.
    pub asynchronous: bool,
    /// Until when the client would rather wait for the whole answer; bounded by the time a
    /// request may take.
    pub until: Option<Instant>,
    /// The seconds until then, as granted.
    pub wait: Option<u64>,
}

impl FromRequestParts<App> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Prefer, Infallible> {
        let longest = app.http.request_timeout().saturating_sub(MARGIN);
        Ok(Prefer::read(&parts.headers, Instant::now(), longest))
    }
}

impl Prefer {
    fn read(headers: &HeaderMap, now: Instant, longest: Duration) -> Prefer {
        let preferences = preferences(headers);
        let wait = preferences.iter().find(|(name, _)| name == "wait");
        let seconds = wait.and_then(|(_, value)| value.parse::<u64>().ok());
        let granted = seconds.map(|seconds| seconds.min(longest.as_secs()));
        Prefer {
            asynchronous: preferences.iter().any(|(name, _)| name == "respond-async"),
            until: granted.map(|seconds| now + Duration::from_secs(seconds)),
            wait: granted,
        }
    }
}

/// Names, in lower case, and values, in the order sent: of one sent twice the first counts.
fn preferences(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = headers.get_all("prefer").iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| split(line, ','))
        .map(|preference| {
            // Parameters follow after a semicolon; none of ours has any.
            let preference = split(preference, ';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            (name.trim().to_ascii_lowercase(), value.to_owned())
        })
        .collect()
}

/// The parts between separators that are not inside a quoted string.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        letter == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (bool, Option<u64>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("prefer", line.parse().unwrap());
        }
        let now = Instant::now();
        let prefer = Prefer::read(&headers, now, Duration::from_secs(45));
        (
            prefer.asynchronous,
            prefer.until.map(|until| (until - now).as_secs()),
        )
    }

    #[test]
    fn prefer_is_read_in_all_its_spellings() {
        assert_eq!(read(&[]), (false, None));
        assert_eq!(read(&["respond-async"]), (true, None));
        assert_eq!(read(&["Respond-Async , WAIT = 10"]), (true, Some(10)));
        assert_eq!(read(&["wait=10", "respond-async"]), (true, Some(10)));
        assert_eq!(read(&["respond-async=\"\"; x=1, wait=\"3\""]), (true, Some(3)));
        assert_eq!(read(&["return=minimal; a=\",respond-async\""]), (false, None));
        assert_eq!(read(&[r#"x="\",respond-async,""#]), (false, None));
    }

    #[test]
    fn prefer_sent_twice_counts_once_and_nonsense_not_at_all() {
        assert_eq!(read(&["wait=3, wait=9"]), (false, Some(3)));
        for nonsense in ["wait", "wait=", "wait=-1", "wait=soon", ",,;=", "=wait"] {
            assert_eq!(read(&[nonsense]), (false, None), "{nonsense}");
        }
    }

    #[test]
    fn wait_is_bounded_by_the_time_a_request_may_take() {
        assert_eq!(read(&["wait=3600"]), (false, Some(45)));
        assert_eq!(read(&["wait=18446744073709551615"]), (false, Some(45)));
    }
}
