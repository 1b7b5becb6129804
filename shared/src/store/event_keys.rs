//! The keys that events are signed with, where no file of keys is configured: made once and
//! kept here, so that every process signs with the same one.

use super::{PgPool, StoreError};
use chrono::{DateTime, Utc};

/// Days a key stays published after another took its place: as long as somebody may hold a
/// token it signed, and longer than any result is kept.
pub const PUBLISHED_DAYS: i32 = 30;

/// A private key. Without `Debug`: it is never to be printed.
pub struct KeyRow {
    /// PKCS #8, DER.
    pub private_key: Vec<u8>,
    /// Whether its time to sign has come.
    pub signs: bool,
}

/// When a new key takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// After these seconds; the others stay published.
    After(u32),
    /// At once, and the others are gone: whoever has them must not be believed any more.
    Instead,
}

/// The keys to publish, newest first: the first that signs is the one to sign with.
///
/// # Errors
/// When a statement fails.
pub async fn published(pool: &PgPool) -> Result<Vec<KeyRow>, StoreError> {
    Ok(sqlx::query_as!(
        KeyRow,
        r#"select private_key, signs_from <= now() as "signs!"
           from (select *, lag(signs_from) over newest as replaced_at from event_keys window newest as (order by signs_from desc, id desc)) k
           where coalesce(replaced_at > now() - make_interval(days => $1), true)
           order by signs_from desc, id desc"#,
        PUBLISHED_DAYS
    )
    .fetch_all(pool)
    .await?)
}

/// Keep the first key of the deployment; of several processes that try, one succeeds.
///
/// # Errors
/// When a statement fails.
pub async fn insert_first(pool: &PgPool, private_key: &[u8]) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("lock table event_keys in share row exclusive mode")
        .execute(&mut *transaction)
        .await?;
    sqlx::query!(
        "insert into event_keys (private_key, signs_from)
         select $1, now() where not exists (select from event_keys)",
        private_key
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Add a key that takes over. Keys that are published no more are removed.
///
/// # Errors
/// When a statement fails.
pub async fn rotate(
    pool: &PgPool,
    private_key: &[u8],
    takeover: Takeover,
) -> Result<DateTime<Utc>, StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("lock table event_keys in share row exclusive mode")
        .execute(&mut *transaction)
        .await?;
    let seconds = match takeover {
        Takeover::After(seconds) => seconds,
        Takeover::Instead => {
            sqlx::query!("delete from event_keys")
                .execute(&mut *transaction)
                .await?;
            0
        }
    };
    sqlx::query!(
        "delete from event_keys k where exists (
             select from event_keys n
             where n.signs_from > k.signs_from and n.signs_from < now() - make_interval(days => $1))",
        PUBLISHED_DAYS
    )
    .execute(&mut *transaction)
    .await?;
    let signs_from = sqlx::query_scalar!(
        "insert into event_keys (private_key, signs_from) values ($1, now() + make_interval(secs => $2)) returning signs_from",
        private_key,
        f64::from(seconds)
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(signs_from)
}
