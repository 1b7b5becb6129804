//! Why the links of people and groups are as they are: what operators ask, answered from the directory, the
//! waiting links and the ledger.

mod lines;
mod links;
mod nearest;
mod retry;
mod teams;
mod waiting;

pub use lines::managers_above;
pub use links::{
    Asserted, GroupLink, LinkedManager, LinkedTeam, WaitingLink, linked_managers, linked_teams,
    waiting_links, waiting_members,
};
pub use nearest::{Holder, Nearest, holders, nearest};
pub use retry::{Place, make_due, places_after, places_waiting_for};
pub use teams::{Nesting, Side, TeamBrief, nestings, team, team_briefs, teams_above};
pub use waiting::{Blocked, Target, blocked, count_targets, targets};
