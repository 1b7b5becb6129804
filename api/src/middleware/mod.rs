//! What happens to a request before and after its handler, from the outside in: observed
//! (request id, log line, metrics), kept from panicking, admitted (concurrency, time), and
//! authorised (token, scope, rate).

mod admit;
mod authorize;
mod drain;
mod observe;
mod panic;

pub use admit::admit;
pub use authorize::{Allowed, authorize};
pub use drain::drain;
pub use observe::{SET_TXN, observe};
pub use panic::catch_panic;
