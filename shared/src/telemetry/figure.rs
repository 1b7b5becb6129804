use prometheus_client::encoding::{EncodeGaugeValue, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// A gauge that is left out while its value is not known: unknown is not 0. Clones share it.
#[derive(Debug)]
pub struct Figure<V>(Arc<RwLock<Option<V>>>);

impl<V> Figure<V> {
    pub fn set(&self, value: Option<V>) {
        // A plain assignment: a panic elsewhere cannot leave it half done.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

impl<V> Default for Figure<V> {
    fn default() -> Figure<V> {
        Figure(Arc::default())
    }
}

impl<V> Clone for Figure<V> {
    fn clone(&self) -> Figure<V> {
        Figure(Arc::clone(&self.0))
    }
}

impl<V> TypedMetric for Figure<V> {
    const TYPE: MetricType = MetricType::Gauge;
}

impl<V: EncodeGaugeValue> EncodeMetric for Figure<V> {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), std::fmt::Error> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Some(value) => encoder.encode_gauge(value),
            None => Ok(()),
        }
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// What is read at some scrapes only.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether it was last taken at least `every` ago; if so, it is taken now.
    pub(super) fn take(&self, now: Instant, every: Duration) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now.saturating_duration_since(last) >= every);
        if due {
            *last = Some(now);
        }
        due
    }

    /// Let it be taken the next time.
    pub(super) fn give_back(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seldom_within_its_time_is_taken_once_unless_it_was_given_back() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        let minute = Duration::from_secs(60);
        assert!(seldom.take(now, minute));
        assert!(!seldom.take(now + minute / 2, minute));
        assert!(seldom.take(now + minute, minute));
        seldom.give_back();
        assert!(seldom.take(now + minute, minute));
    }
}
