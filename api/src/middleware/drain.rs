use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use std::time::Duration;

/// Most bytes read from a body only to throw them away.
const MOST: usize = 32 * 1024 * 1024;
/// Longest time spent on it.
const LONGEST: Duration = Duration::from_secs(2);

/// Read and drop what a refused request still has to send. A client that is busy sending when
/// the connection closes sees a broken pipe and never the answer.
pub(crate) async fn drain(headers: &HeaderMap, mut body: Body) {
    if headers.contains_key(header::EXPECT) {
        // It waits for our leave before it sends anything.
        return;
    }
    let reading = async {
        let mut left = MOST;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, |data| data.len());
            left = left.saturating_sub(length);
            if left == 0 {
                break;
            }
        }
    };
    // Out of time is as good as read: the answer goes out either way.
    let _ = tokio::time::timeout(LONGEST, reading).await;
}
