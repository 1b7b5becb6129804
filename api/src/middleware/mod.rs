//! What happens to a request before and after its handler, from the outside in: observed
//! (request id, log line, metrics), kept from panicking, admitted (concurrency, time), and
//! authorised (token, scope, rate); what operators do is recorded.

mod admit;
mod audit;
mod authorize;
mod drain;
mod observe;
mod panic;

pub(crate) use admit::admit;
pub(crate) use audit::{Outcome, record};
pub(crate) use authorize::{Allowed, authorize};
pub(crate) use drain::drain;
pub(crate) use observe::{SET_TXN, observe};
pub(crate) use panic::catch_panic;
