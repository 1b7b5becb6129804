use prometheus_client::encoding::{EncodeGaugeValue, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};
use std::sync::{Arc, PoisonError, RwLock};

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
