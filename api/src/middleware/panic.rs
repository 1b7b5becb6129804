use crate::error::{Failure, Surface};
use axum::response::Response;
use std::any::Any;

/// The answer to a request whose handler panicked.
pub(crate) fn catch_panic(surface: Surface) -> impl Fn(Box<dyn Any + Send>) -> Response + Clone {
    move |panic| {
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = message.unwrap_or("unknown"), "a handler panicked");
        surface.response(Failure::internal())
    }
}
