//! Links settle as a pure function of what is asserted, of everyone who ever held the asserted
//! values, and of whether the person or group meant is in the directory. Reconcile, wake and retry all
//! end here, so it does not matter which of them came last.

mod members;
mod people;
mod resolver;
mod settlement;

pub(super) use members::{plan_members, settle_members};
pub(super) use people::{AssertedLink, Subject, plan_people, settle_people};
pub(super) use resolver::{Asked, Decision, Resolver};
pub(super) use settlement::{LinkChange, LinkPlan, Settlement, Turn};
