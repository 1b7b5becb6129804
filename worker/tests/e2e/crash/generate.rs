//! Draws the next write of a client.

use super::company::{
    COST_CENTERS, DEPARTMENTS, DIVISIONS, Ids, Link, Reference, comes_and_goes, employee_number, external_id,
    mail, user_name,
};
use super::model::{Group, Possible, User};
use super::write::{GroupChange, GroupWrite, UserChange, UserWrite};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::collections::BTreeMap;

/// Draws from a seeded source; every assertion carries a stamp of its own.
pub(super) struct Generator {
    pub(super) random: StdRng,
    pub(super) client: usize,
    /// How many users the company has.
    pub(super) users: usize,
    pub(super) ids: Ids,
    drawn: u64,
}

impl Generator {
    pub(super) fn new(random: StdRng, client: usize, users: usize, ids: Ids) -> Generator {
        Generator {
            random,
            client,
            users,
            ids,
            drawn: 0,
        }
    }

    fn stamp(&mut self) -> String {
        self.drawn += 1;
        format!("c{}-{}", self.client, self.drawn)
    }

    fn maybe(&mut self, names: &[&str]) -> Option<String> {
        self.random
            .random_bool(0.8)
            .then(|| (*names.choose(&mut self.random).expect("names")).to_owned())
    }

    /// A reference to any user but `not`, by whatever names one for ever.
    fn link(&mut self, not: usize) -> Link {
        let target = loop {
            let target = self.random.random_range(0..self.users);
            if target != not {
                break target;
            }
        };
        let reference = match self.random.random_range(0..6) {
            0 => Reference::Value(external_id(target)),
            1 => Reference::Value(user_name(target)),
            2 => Reference::Value(mail(target).to_uppercase()),
            3 => Reference::Value(employee_number(target)),
            // An id dies with its resource, so only ids of those who stay mean one thing for ever.
            _ => match self.ids.of(target).filter(|_| !comes_and_goes(target)) {
                Some(id) => Reference::Id(id),
                None => Reference::Value(mail(target)),
            },
        };
        Link { target, reference }
    }

    fn manager(&mut self, user: usize) -> Option<Link> {
        self.random.random_bool(0.85).then(|| self.link(user))
    }

    fn additional(&mut self, user: usize) -> Vec<Link> {
        let wanted = *[0, 0, 1, 2, 3].choose(&mut self.random).expect("counts");
        let mut links: Vec<Link> = vec![];
        while links.len() < wanted {
            let link = self.link(user);
            if links.iter().all(|other| other.target != link.target) {
                links.push(link);
            }
        }
        links
    }

    pub(super) fn user(&mut self, user: usize) -> User {
        let stamp = self.stamp();
        User {
            badge: format!("badge {stamp}"),
            stamp,
            active: self.random.random_bool(0.9),
            department: self.maybe(&DEPARTMENTS),
            division: self.maybe(&DIVISIONS),
            cost_center: self.maybe(&COST_CENTERS),
            manager: self.manager(user),
            additional: self.additional(user),
        }
    }

    pub(super) fn user_write(&mut self, user: usize, possible: &Possible<User>, id_known: bool) -> UserWrite {
        if !possible.may_exist() || !id_known {
            return UserWrite::Create(self.user(user));
        }
        match self.random.random_range(0..100) {
            0..10 if comes_and_goes(user) => UserWrite::Delete,
            // A whole PUT settles what earlier unknown outcomes left open.
            0..40 => UserWrite::Replace(self.user(user)),
            _ if possible.states.len() > 6 => UserWrite::Replace(self.user(user)),
            _ => UserWrite::Patch {
                changes: self.user_changes(user),
                without_path: self.random.random_bool(0.4),
            },
        }
    }

    fn user_changes(&mut self, user: usize) -> Vec<UserChange> {
        let mut changes = vec![UserChange::Stamp(self.stamp())];
        let wanted = self.random.random_range(0..4);
        let mut kinds: Vec<u8> = (0..6).collect();
        rand::seq::SliceRandom::shuffle(kinds.as_mut_slice(), &mut self.random);
        for kind in kinds.into_iter().take(wanted) {
            changes.push(match kind {
                0 => UserChange::Active(self.random.random_bool(0.8)),
                1 => UserChange::Department(self.maybe(&DEPARTMENTS)),
                2 => UserChange::Division(self.maybe(&DIVISIONS)),
                3 => UserChange::CostCenter(self.maybe(&COST_CENTERS)),
                4 => UserChange::Manager(self.manager(user)),
                _ => UserChange::Additional(self.additional(user)),
            });
        }
        changes
    }

    /// Members by value, and by the ids that even those who go have at the moment.
    fn members(&mut self, most: usize) -> BTreeMap<String, Link> {
        let wanted = self.random.random_range(0..=most);
        let mut members = BTreeMap::new();
        for _ in 0..wanted {
            let mut link = self.link(usize::MAX);
            if let Some(id) = self.ids.of(link.target).filter(|_| self.random.random_bool(0.3)) {
                link.reference = Reference::Id(id);
            }
            members.insert(link.member_key(), link);
        }
        members
    }

    pub(super) fn group(&mut self) -> Group {
        Group {
            stamp: self.stamp(),
            members: self.members(12),
        }
    }

    pub(super) fn group_write(&mut self, possible: &Possible<Group>, id_known: bool) -> GroupWrite {
        let Some(current) = possible.existing().filter(|_| id_known).cloned() else {
            return GroupWrite::Create(self.group());
        };
        match self.random.random_range(0..100) {
            0..5 => GroupWrite::Delete,
            5..25 => GroupWrite::Replace {
                group: self.group(),
                with_members: self.random.random_bool(0.7),
            },
            _ if possible.states.len() > 6 => GroupWrite::Replace {
                group: self.group(),
                with_members: true,
            },
            _ => GroupWrite::Patch(self.group_changes(&current)),
        }
    }

    fn group_changes(&mut self, current: &Group) -> Vec<GroupChange> {
        let mut changes = vec![];
        if self.random.random_bool(0.2) {
            changes.push(GroupChange::Rename(self.stamp()));
        }
        let links: Vec<&Link> = current.members.values().collect();
        if let Some(link) = links
            .choose(&mut self.random)
            .filter(|_| self.random.random_bool(0.5))
        {
            // A member named by bulkId can be removed once its id is known.
            if let Some(value) = link.text(&self.ids) {
                changes.push(GroupChange::Remove((*link).clone(), value));
            }
        }
        if changes.is_empty() || self.random.random_bool(0.5) {
            let members: Vec<Link> = self.members(5).into_values().collect();
            changes.push(match self.random.random_range(0..8) {
                0 => GroupChange::ReplaceMembers(members),
                _ if members.is_empty() => GroupChange::Rename(self.stamp()),
                _ => GroupChange::Add(members),
            });
        }
        changes
    }

    /// Let some links of a user that is created in a bulk request name others created in it.
    pub(super) fn use_bulk_ids(&mut self, user: &mut User, own: usize, created: &[usize]) {
        let stay: Vec<usize> = created
            .iter()
            .copied()
            .filter(|other| *other != own && !comes_and_goes(*other))
            .collect();
        if let Some(target) = stay
            .choose(&mut self.random)
            .filter(|_| self.random.random_bool(0.6))
        {
            user.manager = Some(Link {
                target: *target,
                reference: Reference::BulkId,
            });
        }
    }

    /// The same for the members of a group.
    pub(super) fn use_bulk_ids_as_members(&mut self, group: &mut Group, created: &[usize]) {
        for target in created.iter().copied().filter(|target| !comes_and_goes(*target)) {
            if self.random.random_bool(0.5) {
                let link = Link {
                    target,
                    reference: Reference::BulkId,
                };
                group.members.insert(link.member_key(), link);
            }
        }
    }
}
