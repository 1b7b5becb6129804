//! What a transaction did to the directory, as its history tells it. Pure.

use super::links::Turn;
use rollcall_shared::directory::Key;
use rollcall_shared::store::reconcile::{Cause, HistoryRow, Membership};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// What happened to links, by the key they hang on.
pub(super) fn by_key(turns: impl IntoIterator<Item = Turn>) -> HashMap<Key, Vec<Turn>> {
    let mut by_key: HashMap<Key, Vec<Turn>> = HashMap::new();
    for turn in turns {
        by_key.entry(turn.key.clone()).or_default().push(turn);
    }
    by_key
}

/// The rows of one key that was applied or repaired: one, or one for each person who joined or left.
/// A key without any change has one too: receipts ask by it how far the directory is.
pub(super) fn entries(
    cause: Cause,
    key: Key,
    seq: i64,
    mut fields: Map<String, Value>,
    turns: Vec<Turn>,
) -> Vec<HistoryRow> {
    let row = |person, seq, fields| HistoryRow {
        key: key.clone(),
        person,
        cause,
        seq,
        asserted_seq: None,
        fields: Value::Object(fields),
    };
    if matches!(key, Key::Member(..)) && !turns.is_empty() {
        let of = |turn: Turn| {
            // A member that a run puts right has no change of its own.
            let seq = seq.max(turn.asserted_seq.filter(|_| seq == 0).unwrap_or_default());
            row(turn.person, seq, change(&turn))
        };
        return turns.into_iter().map(of).collect();
    }
    for turn in &turns {
        fields.extend(change(turn));
    }
    vec![row(None, seq, fields)]
}

/// The row of a link that its target's coming or going settled, or a retry.
pub(super) fn settled(turn: Turn) -> HistoryRow {
    HistoryRow {
        fields: Value::Object(change(&turn)),
        // Whichever came last made it what it is.
        seq: turn.target_seq.max(turn.asserted_seq).unwrap_or_default(),
        asserted_seq: turn.asserted_seq,
        person: turn.person,
        key: turn.key,
        cause: Cause::Link,
    }
}

fn change(turn: &Turn) -> Map<String, Value> {
    let change = json!([turn.old, turn.new]);
    Map::from_iter([(turn.field.clone().into_owned(), change)])
}

/// Add the teams a person is in, by what put them there, where they are others than before.
pub(super) fn add_memberships(
    fields: &mut Map<String, Value>,
    held: &HashSet<Membership>,
    belongs: &HashSet<Membership>,
) {
    let sources: BTreeSet<&str> = (held.symmetric_difference(belongs))
        .map(|row| row.source.as_str())
        .collect();
    for source in sources {
        let teams = |rows: &HashSet<Membership>| {
            let of_source = rows.iter().filter(|row| row.source == source);
            one_or_all(of_source.map(|row| row.team_id).collect::<BTreeSet<_>>())
        };
        fields.insert(source.to_owned(), json!([teams(held), teams(belongs)]));
    }
}

/// Null for none, the id of a single one, else all of them.
pub(super) fn one_or_all(ids: impl IntoIterator<Item = Uuid>) -> Value {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    match ids.as_slice() {
        [] => Value::Null,
        [id] => json!(id),
        ids => json!(ids),
    }
}
