//! One record per person.

use fake::rand::RngExt;
use fake::rand::rngs::StdRng;
use fake::rand::seq::IndexedRandom;

use super::details::{self, Unit};
use super::hierarchy::{self, Seat};
use super::names::{self, DOMAIN, Mailboxes, OFFICES};
use super::{By, Client, Fate, Link, Person};

/// Managers who leave while their reports stay.
const LEAVING_MANAGERS: usize = 3;

pub(super) fn generate(size: usize, rng: &mut StdRng) -> Vec<Person> {
    let seats = hierarchy::seats(size);
    let mut mailboxes = Mailboxes::default();
    let mut units: Vec<Unit> = Vec::with_capacity(size);
    let mut people: Vec<Person> = Vec::with_capacity(size);
    for (index, seat) in seats.iter().enumerate() {
        let unit = match units.get(seat.manager) {
            Some(managers) => managers.below(seat.depth, rng),
            None => Unit::any(rng),
        };
        people.push(record(index, seat, &unit, &mut mailboxes, rng));
        units.push(unit);
    }
    add_additional_managers(&mut people, rng);
    decide_fates(&mut people, rng);
    people
}

fn record(index: usize, seat: &Seat, unit: &Unit, mailboxes: &mut Mailboxes, rng: &mut StdRng) -> Person {
    let office = OFFICES[rng.random_range(0..OFFICES.len())];
    let (first_name, last_name) = names::person(office, rng);
    let mailbox = mailboxes.take(&first_name, &last_name);
    let number = 100_001 + index;
    let client = match rng.random_range(0..20) {
        0 => Client::Entra,
        1 => Client::Okta,
        _ => Client::Roster,
    };
    let email = format!("{mailbox}@{DOMAIN}");
    let login = match rng.random_range(0..10) {
        0..6 => email.clone(),
        6 | 7 => format!("u{number}"),
        8 => format!("{mailbox}@corp.{DOMAIN}"),
        _ => format!("zoë.{mailbox}"),
    };
    let mut further_emails = Vec::new();
    if rng.random_bool(0.15) {
        further_emails.push(format!("{mailbox}@alumni.{DOMAIN}"));
    }
    if rng.random_bool(0.05) {
        further_emails.push(format!("{number}@mail.{DOMAIN}"));
    }
    let title = details::title(seat.depth, rng);
    let corrected = client == Client::Okta && rng.random_bool(0.4);
    Person {
        depth: seat.depth,
        login,
        email,
        further_emails,
        external_id: match client {
            Client::Entra => format!("{:08x}-7e57-4dd0-9c1a-{number:012}", rng.random::<u32>()),
            Client::Okta => format!("00u{:08x}K{number}", rng.random::<u32>()),
            Client::Roster => format!("hr-{number}"),
        },
        employee_number: match rng.random_range(0..4) {
            0 => format!("DE-{number}"),
            _ => number.to_string(),
        },
        display_name: format!("{first_name} {last_name}"),
        first_name,
        last_name,
        first_title: corrected.then(|| format!("Acting {title}")),
        title,
        facts: details::facts(seat.depth, office.name, rng),
        department: rng
            .random_bool(0.98)
            .then(|| details::spell(unit.department(), rng)),
        division: rng
            .random_bool(0.95)
            .then(|| details::spell(unit.division(), rng)),
        cost_center: rng.random_bool(0.9).then(|| unit.cost_center(rng)),
        photo: rng
            .random_bool(0.3)
            .then(|| format!("https://photos.{DOMAIN}/{number}.jpg")),
        custom: details::custom(rng),
        manager: Some(Link {
            to: seat.manager,
            by: way(rng),
        }),
        additional_managers: Vec::new(),
        client,
        fate: Fate::Stays,
    }
}

fn way(rng: &mut StdRng) -> By {
    match rng.random_range(0..20) {
        0..3 => By::Id,
        3..9 => By::ExternalId,
        9..12 => By::UserName,
        12..15 => By::Email,
        15 => By::ShoutedEmail,
        _ => By::EmployeeNumber,
    }
}

/// One to three further managers for about an eighth, from higher levels.
fn add_additional_managers(people: &mut [Person], rng: &mut StdRng) {
    // Levels are in order, so everybody above somebody comes before the first of their level.
    let mut first_of_level = 0;
    for index in 1..people.len() {
        if people[index].depth != people[index - 1].depth {
            first_of_level = index;
        }
        if first_of_level < 4 || !rng.random_bool(0.125) {
            continue;
        }
        let mut chosen = vec![people[index].manager.map_or(0, |link| link.to)];
        for _ in 0..rng.random_range(1..=3) {
            let to = rng.random_range(0..first_of_level);
            if !chosen.contains(&to) {
                chosen.push(to);
                let by = [By::ExternalId, By::UserName, By::Email, By::EmployeeNumber];
                let by = *by.choose(rng).unwrap_or(&By::ExternalId);
                people[index].additional_managers.push(Link { to, by });
            }
        }
    }
}

/// Most leavers have nobody below them; a few managers go and leave links behind that wait.
fn decide_fates(people: &mut [Person], rng: &mut StdRng) {
    let Some(deepest) = people.last().map(|person| person.depth) else {
        return;
    };
    for person in people.iter_mut() {
        person.fate = match rng.random_range(0..100) {
            0..5 if person.depth == deepest && deepest > 1 => Fate::Leaves,
            5..7 => Fate::Deactivated,
            _ => Fate::Stays,
        };
    }
    let managers: Vec<usize> = (0..people.len()).filter(|&i| people[i].depth == 6).collect();
    if people.len() >= 200 {
        for &index in managers.sample(rng, LEAVING_MANAGERS) {
            people[index].fate = Fate::Leaves;
        }
    }
}
