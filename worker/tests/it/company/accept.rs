//! What the API would have written.

use super::Company;
use rollcall_shared::directory::{Key, Lane};
use rollcall_shared::projection::team_names;
use rollcall_shared::scim::{Document, ResourceType, keys};
use rollcall_shared::store::mappings::Mappings;
use serde_json::{Value, json};
use uuid::Uuid;

impl Company {
    pub(super) async fn write(&self, kind: ResourceType, resource: Uuid, document: Option<Value>) {
        let tenant = self.tenant.0;
        let directory = self.directory(resource);
        let mut tx = self.pool.begin().await.unwrap();
        sqlx::query("select pg_advisory_xact_lock($1)")
            .bind(tenant)
            .execute(&mut *tx)
            .await
            .unwrap();
        let seq: i64 = sqlx::query_scalar("select nextval('change_seq')")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        sqlx::query(
            "insert into changes (tenant_id, seq, txn, resource_id, directory_id, kind, operation, attributes,
                 version, accepted_at)
             values ($1, $2, $3, $4, $5, $6, 'replace', '{}', 1, now())",
        )
        .bind(tenant)
        .bind(seq)
        .bind(Uuid::now_v7())
        .bind(resource)
        .bind(directory)
        .bind(kind as i16)
        .execute(&mut *tx)
        .await
        .unwrap();
        let mut held = vec![];
        if let Some(Value::Object(attributes)) = document {
            let document = Document(attributes);
            held = keys(kind, &document).unwrap();
            sqlx::query(
                "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, manager_seq,
                     additional_managers_seq, source, created_seq, created_at, modified_at)
                 values ($1, $2, $3, $4, $5, 1, $6, $6, $6, 'test', $6, now(), now())
                 on conflict (tenant_id, id) do update set document = excluded.document, seq = excluded.seq,
                     manager_seq = excluded.seq, additional_managers_seq = excluded.seq, deleted_seq = null",
            )
            .bind(tenant)
            .bind(resource)
            .bind(kind as i16)
            .bind(directory)
            .bind(json!(document))
            .bind(seq)
            .execute(&mut *tx)
            .await
            .unwrap();
            // As the API does: by a mapping it cannot read, nothing is named.
            let in_force = Mappings::default().in_force(&mut tx, self.tenant).await.ok();
            let teams = in_force.map(|it| team_names(&it.mapping, &document));
            for team in teams.unwrap_or_default() {
                sqlx::query(
                    "insert into team_names (tenant_id, kind, folded, name, team_id, first_seq)
                     values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
                )
                .bind(tenant)
                .bind(&*team.kind)
                .bind(team.folded)
                .bind(team.name)
                .bind(Uuid::now_v7())
                .bind(seq)
                .execute(&mut *tx)
                .await
                .unwrap();
            }
        } else {
            sqlx::query(
                "update scim_resources set deleted_seq = $3, seq = $3 where tenant_id = $1 and id = $2",
            )
            .bind(tenant)
            .bind(resource)
            .bind(seq)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        let mut wanted: Vec<(i16, String, String)> = held
            .into_iter()
            .map(|key| (key.attribute as i16, key.value, key.folded))
            .collect();
        let text = resource.to_string();
        if !wanted.is_empty() {
            wanted.push((0, text.clone(), text));
        }
        let values: Vec<String> = wanted
            .iter()
            .map(|(attribute, value, _)| format!("{attribute} {value}"))
            .collect();
        sqlx::query(
            "update scim_keys set to_seq = $3, deleted = $5 where tenant_id = $1 and resource_id = $2
                 and to_seq is null and not (attribute || ' ' || value = any($4))",
        )
        .bind(tenant)
        .bind(resource)
        .bind(seq)
        .bind(&values)
        .bind(values.is_empty())
        .execute(&mut *tx)
        .await
        .unwrap();
        for (attribute, value, folded) in wanted {
            sqlx::query(
                "insert into scim_keys (tenant_id, kind, attribute, value, folded, resource_id, directory_id,
                     from_seq, is_unique)
                 select $1, $2, $3, $4, $5, $6, $7, $8, false
                 where not exists (select from scim_keys where tenant_id = $1 and resource_id = $6
                     and attribute = $3 and value = $4 and to_seq is null)",
            )
            .bind(tenant)
            .bind(kind as i16)
            .bind(attribute)
            .bind(value)
            .bind(folded)
            .bind(resource)
            .bind(directory)
            .bind(seq)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        let key = match kind {
            ResourceType::User => Key::Person(directory),
            ResourceType::Group => Key::Team(directory),
        };
        self.pending(&mut tx, &key, seq).await;
        tx.commit().await.unwrap();
    }

    pub(super) async fn pending(&self, tx: &mut sqlx::PgConnection, key: &Key, seq: i64) {
        sqlx::query(
            "insert into pending (tenant_id, key_kind, key_id, member, seq, lane, accepted_at, due_at)
             values ($1, $2, $3, $4, $5, $6, now(), now() + interval '3 seconds')",
        )
        .bind(self.tenant.0)
        .bind(key.kind())
        .bind(key.id())
        .bind(key.member())
        .bind(seq)
        .bind(Lane::Live as i16)
        .execute(tx)
        .await
        .unwrap();
    }
}
