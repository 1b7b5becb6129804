//! Which columns of the directory's tables are compared, and why the others are not. A test holds
//! the lists against the schema, so that a new column is decided about when it is added.

/// The columns of one table.
pub(super) struct Columns {
    /// Compared, or what a row is called by.
    pub(super) compared: &'static [&'static str],
    /// Why each of the others is not.
    left_out: &'static [(&'static str, &'static str)],
}

impl Columns {
    pub(super) fn knows(&self, column: &str) -> bool {
        self.compared.contains(&column) || self.left_out.iter().any(|(name, _)| *name == column)
    }
}

const WHOSE: &str = "one tenant is read at a time";
const WHEN: &str = "when the row came about, not what it says";
const BY_WHAT: &str = "by which change or mapping the row came about, not what it says";

pub(super) const PEOPLE: Columns = Columns {
    compared: &[
        "status",
        "login",
        "email",
        "further_emails",
        "external_id",
        "employee_number",
        "first_name",
        "last_name",
        "display_name",
        "position",
        "level",
        "location",
        "gender",
        "start_date",
        "end_date",
        "birthday",
        "employment_type",
        "photo_url",
        "custom",
        "resource_id",
    ],
    left_out: &[
        ("tenant_id", WHOSE),
        (
            "id",
            "chosen when the person is accepted: people are called by their external id",
        ),
        ("applied_mapping", BY_WHAT),
        ("applied_seq", BY_WHAT),
        ("created_at", WHEN),
        ("updated_at", WHEN),
        ("erased_at", "nobody in the generated company is erased"),
        ("erased_by", "nobody in the generated company is erased"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Result;
    use devstack::TestDatabase;
    use sqlx::{Connection as _, PgConnection};
    use std::collections::BTreeSet;

    /// The tables of which [`super::super::actual`] names the columns it reads.
    const OTHERS: [(&str, Columns); 5] = [
        (
            "teams",
            Columns {
                compared: &["kind", "folded", "name", "external_id", "resource_id", "deleted"],
                left_out: &[
                    ("tenant_id", WHOSE),
                    (
                        "id",
                        "chosen when the team is accepted: teams are called by what they are",
                    ),
                    ("applied_seq", BY_WHAT),
                    ("created_at", WHEN),
                    ("updated_at", WHEN),
                ],
            },
        ),
        (
            "team_members",
            Columns {
                compared: &["team_id", "person_id", "source"],
                left_out: &[("tenant_id", WHOSE), ("since", WHEN)],
            },
        ),
        (
            "reporting_lines",
            Columns {
                compared: &["person_id", "slot", "ordinal", "manager_id", "flag"],
                left_out: &[
                    ("tenant_id", WHOSE),
                    (
                        "reference",
                        "that it leads to the right manager says that it was read right",
                    ),
                    ("asserted_seq", BY_WHAT),
                    ("since", WHEN),
                ],
            },
        ),
        (
            "waiters",
            Columns {
                compared: &["subject_id", "slot", "place", "reason"],
                left_out: &[
                    ("tenant_id", WHOSE),
                    ("reference", "follows from the document that `place` leads to"),
                    ("wait_key", "follows from `reference`"),
                    (
                        "names_group",
                        "follows from `slot` in the generated company: no group is in another",
                    ),
                    ("asserted_seq", BY_WHAT),
                    ("since", WHEN),
                    ("attempts", "how often it was tried depends on time"),
                    ("next_attempt_at", "how often it was tried depends on time"),
                ],
            },
        ),
        (
            "rejections",
            Columns {
                compared: &["rule", "reason"],
                left_out: &[
                    ("tenant_id", WHOSE),
                    ("resource_id", "any rejection at all is a difference"),
                    ("value_hash", "any rejection at all is a difference"),
                    ("seq", BY_WHAT),
                    ("since", WHEN),
                    (
                        "discarded_at",
                        "any rejection at all is a difference, discarded or not",
                    ),
                    (
                        "discarded_by",
                        "any rejection at all is a difference, discarded or not",
                    ),
                    (
                        "discarded_note",
                        "any rejection at all is a difference, discarded or not",
                    ),
                ],
            },
        ),
    ];

    async fn in_the_schema(connection: &mut PgConnection, table: &str) -> Result<BTreeSet<String>> {
        let names = sqlx::query_scalar::<_, String>(
            "select attname::text from pg_attribute
             where attrelid = to_regclass($1) and attnum > 0 and not attisdropped",
        );
        Ok(names
            .bind(table)
            .fetch_all(connection)
            .await?
            .into_iter()
            .collect())
    }

    #[tokio::test]
    async fn every_column_of_a_compared_table_is_compared_or_left_out_for_a_reason() -> Result<()> {
        let database = TestDatabase::create().await?;
        let mut connection = PgConnection::connect(database.url()).await?;
        for (table, columns) in [("people", PEOPLE)].iter().chain(&OTHERS) {
            let left_out = columns.left_out.iter().map(|(name, _)| name);
            let named: Vec<&str> = columns.compared.iter().chain(left_out).copied().collect();
            let distinct: BTreeSet<String> = named.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(distinct.len(), named.len(), "{table}: a column is named twice");
            assert_eq!(
                in_the_schema(&mut connection, table).await?,
                distinct,
                "columns of {table}"
            );
        }
        connection.close().await?;
        Ok(())
    }
}
