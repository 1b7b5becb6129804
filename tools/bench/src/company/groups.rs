//! Groups that cut across the hierarchy.

use fake::rand::RngExt;
use fake::rand::rngs::StdRng;
use fake::rand::seq::{IndexedRandom, SliceRandom};

use super::{By, Client, Created, Fate, Group, Link, Person};

const TOPICS: [&str; 20] = [
    "Sécurité",
    "Wiki Editors",
    "Fire Wardens",
    "Betriebsrat",
    "Book Club",
    "On-call",
    "Mentors",
    "VPN",
    "Parkplätze",
    "Works Council",
    "Release Train",
    "Küche",
    "Étudiants",
    "新入社員",
    "Jira",
    "Travel",
    "Brand",
    "Accessibility",
    "Data Stewards",
    "Câmara",
];
const KINDS: [&str; 3] = ["Team", "Project", "Access"];

/// About sixty groups, fewer in a small company; the first holds everybody.
pub(super) fn generate(people: &[Person], rng: &mut StdRng) -> Vec<Group> {
    let count = (people.len() / 5).min(60);
    (0..count).map(|number| group(number, people, rng)).collect()
}

fn group(number: usize, people: &[Person], rng: &mut StdRng) -> Group {
    let name = match number {
        0 => "All Colleagues".to_owned(),
        _ => format!(
            "{} {} {}",
            KINDS[number % 3],
            TOPICS[number % TOPICS.len()],
            number / 3 + 1
        ),
    };
    let created = match number % 10 {
        0..5 => Created::First,
        5 | 6 => Created::WithPeople,
        _ => Created::Last,
    };
    let client = match number % 3 {
        _ if created == Created::WithPeople => Client::Roster,
        0 => Client::Entra,
        1 => Client::Okta,
        _ => Client::Roster,
    };
    let size = match number {
        0 => people.len(),
        _ => rng.random_range(3..=(people.len() / 16).max(3)).min(people.len()),
    };
    Group {
        first_name: (number % 12 == 4).then(|| format!("{name} (new)")),
        external_id: (client != Client::Okta).then(|| format!("grp-{:05}", number + 1)),
        members: members(
            size,
            people,
            client == Client::Roster && created != Created::WithPeople,
            rng,
        ),
        dissolved: number % 25 == 11,
        name,
        created,
        client,
    }
}

/// Identity providers name members by SCIM id, scripts by what they have `at_hand`; who is
/// going to leave is named by id, so that leaving ends the membership for good.
fn members(size: usize, people: &[Person], at_hand: bool, rng: &mut StdRng) -> Vec<Link> {
    let mut chosen: Vec<usize> = (0..people.len()).collect();
    chosen.shuffle(rng);
    chosen.truncate(size);
    let ways = [
        By::ExternalId,
        By::UserName,
        By::Email,
        By::ShoutedEmail,
        By::EmployeeNumber,
    ];
    let by = |to: usize, rng: &mut StdRng| match people[to].fate {
        Fate::Stays | Fate::Deactivated if at_hand => *ways.choose(rng).unwrap_or(&By::Id),
        _ => By::Id,
    };
    chosen
        .into_iter()
        .map(|to| Link { to, by: by(to, rng) })
        .collect()
}
