//! Annotations by key (G22 to G24).

use axum::http::Method;
use serde_json::json;

use crate::rig::Rig;

#[tokio::test]
async fn annotations_are_kept_by_app() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let other = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let path = "/v1/apps/annotations";
    let made = rig.post(path, &app, json!({"question": "a", "answer": "b"})).await;
    assert_eq!(made.status, 201, "G22");
    let made = made.json();
    assert_eq!((&made["question"], &made["answer"], &made["hit_count"]), (&json!("a"), &json!("b"), &json!(0)));
    assert!(made["created_at"].is_i64() && made["id"].is_string());
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    rig.post(path, &app, json!({"question": "Which 100%?", "answer": "None"})).await;
    for (query, count) in [("", 2), ("?keyword=0%25", 1), ("?keyword=NONE", 1), ("?keyword=zzz", 0), ("?limit=1", 1)] {
        let page = rig.get(&format!("{path}{query}"), &app).await.json();
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}: {page}");
    }
    assert_eq!(rig.get(&format!("{path}?limit=1"), &app).await.json()["has_more"], true);
    assert_eq!(rig.get(path, &other).await.json()["total"], 0, "another app has its own");
    for (body, field) in [
        (json!({"question": "a"}), "answer"),
        (json!({"answer": "a"}), "question"),
        (json!({"question": 5, "answer": "x"}), "question"),
    ] {
        rig.post(path, &app, body).await.expect_error_with(400, "invalid_param", &[field]);
    }
    rig.post(path, &app, json!({"question": " ", "answer": "x"})).await.expect_error(
        400,
        "invalid_param",
        "'question' is required",
    );
    rig.get(&format!("{path}?limit=101"), &app).await.expect_error_with(400, "invalid_param", &["limit"]);
    let change = json!({"question": "a2", "answer": "b2"});
    let changed = rig.call(Method::PUT, &one, &app.key, Some(change.clone())).await.json();
    assert_eq!((&changed["id"], &changed["answer"]), (&made["id"], &json!("b2")));
    let unknown = format!("{path}/{}", ox_types::new_uuid());
    for (path, key) in [(&unknown, &app.key), (&one, &other.key)] {
        let missing = rig.call(Method::PUT, path, key, Some(change.clone())).await;
        missing.expect_error(404, "not_found", "Annotation not found");
        rig.call(Method::DELETE, path, key, None).await.expect_error(404, "not_found", "Annotation not found");
    }
    let gone = rig.call(Method::DELETE, &one, &app.key, None).await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0), "G24");
    assert_eq!(rig.get(path, &app).await.json()["total"], 1);
}
