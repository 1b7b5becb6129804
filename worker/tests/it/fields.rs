use crate::company::{Company, ROLLCALL, user};
use rollcall_shared::directory::Key;
use serde_json::{Value, json};

#[tokio::test]
async fn rejected_value_keeps_the_last_one_and_clears_itself() {
    let company = Company::new().await;
    let starting = |day: &str, title: &str| user("p", json!({"title": title, ROLLCALL: {"startDate": day}}));
    let key = company.put("p", starting("2020-01-31", "one")).await;
    company.apply(std::slice::from_ref(&key)).await;
    company.put("p", starting("someday", "two")).await;
    company.apply(std::slice::from_ref(&key)).await;
    let row: String = company
        .scalar("select start_date || ' ' || position from people")
        .await;
    assert_eq!(row, "2020-01-31 two");
    let reason: String = company
        .scalar("select rule || ': ' || reason from rejections")
        .await;
    assert_eq!(reason, "start_date: startDate is not an ISO 8601 date");
    company.put("p", starting("2021-02-01", "two")).await;
    company.apply(std::slice::from_ref(&key)).await;
    let row: String = company
        .scalar("select start_date || ' ' || (select count(*) from rejections) from people")
        .await;
    assert_eq!(row, "2021-02-01 0");
}

#[tokio::test]
async fn several_changes_applied_at_once_leave_one_history_row_with_the_highest() {
    let company = Company::new().await;
    let key = company.put("p", user("p", json!({"title": "one"}))).await;
    company.apply(std::slice::from_ref(&key)).await;
    for title in ["two", "three"] {
        company
            .put("p", user("p", json!({ "title": title, "active": false })))
            .await;
    }
    company.apply(std::slice::from_ref(&key)).await;
    assert!(company.nothing_pending().await);
    let applied: bool = company
        .scalar("select (select max(seq) from history) = (select max(seq) from changes) and count(*) = 2 from history")
        .await;
    assert!(applied);
    let fields: Value = company
        .scalar("select fields from history order by id desc limit 1")
        .await;
    assert_eq!(
        fields,
        json!({"status": ["active", "deactivated"], "position": ["one", "three"]})
    );
}

#[tokio::test]
async fn keys_without_anything_pending_change_nothing() {
    let company = Company::new().await;
    let key = company.put("p", user("p", json!({}))).await;
    company.apply(std::slice::from_ref(&key)).await;
    let row: String = company
        .scalar("select xmin::text || ctid::text from people")
        .await;
    let stranger = Key::Member(uuid::Uuid::now_v7(), "x".to_owned());
    company.apply(&[key.clone(), stranger]).await;
    assert_eq!(
        row,
        company
            .scalar::<String>("select xmin::text || ctid::text from people")
            .await
    );
    assert_eq!(company.engine.workable(company.tenant, &[key]).await.unwrap(), []);
}
