//! Statements about links: whom references mean, what is linked, what waits, who is to be woken.

mod claims;
mod lines;
mod members;
mod parts;
mod waiters;
mod wakes;

pub use claims::{Applied, applied, claims};
pub use lines::{Line, delete_lines, lines_of, people_reporting_to_the_gone, upsert_lines};
pub use members::{AssertedMember, MemberOf, asserted_members, member_rows, members_of_the_gone};
pub use parts::{
    AppliedTeam, Part, applied_teams, delete_parts, insert_parts, part_rows, parts_that_are_gone,
};
pub use waiters::{
    Slot, Waiter, WaiterPlace, delete_waiters, member_waiters, upsert_waiters, waiters_of, waiting_for,
};
pub use wakes::{
    Wakes, all_wakes, awaited_values, being_woken, delete_wakes, insert_wakes, keep_wakes, wakes,
};
