//! What is too much at a time or in a minute: of an app, of a key, of a visitor; and that it passes.

use std::time::Duration;

use ox_app::{
    api_keys,
    apps::{self, AppChange, KeyChange},
};
use ox_types::Json;
use serde_json::json;

use crate::{
    rig::{Answer, Rig, TestApp},
    visitors::{Page, page},
};

/// Body and header of a refusal; the seconds to wait.
#[track_caller]
fn refused(answer: &Answer, text: &str) -> u64 {
    answer.expect_error(429, "too_many_requests", text);
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    wait
}

fn by_key() -> Json {
    json!({"inputs": {}, "query": "hi", "user": "u"})
}

async fn visit(page: &Page<'_>) -> Answer {
    page.post("/api/chat-messages", json!({"inputs": {}, "query": "hi", "response_mode": "blocking"})).await
}

/// Asks for something that takes a while, and for the same beside it; then for a third time.
async fn one_after_another(rig: &Rig, ask: impl AsyncFn() -> Answer) -> (Answer, Answer, Answer) {
    let (first, second) = tokio::join!(ask(), async {
        while rig.services.runs.active.count() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ask().await
    });
    // The place is free when the run is over, which may be a little after its answer.
    while rig.services.runs.active.count() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (first, second, ask().await)
}

async fn slow(rig: &Rig) -> TestApp {
    rig.basic_app("chat", "canned", json!({"text": "a", "ttft_ms": 1_000}), json!({})).await
}

#[tokio::test]
async fn the_ceiling_of_an_app_holds_at_every_door_and_passes() {
    let rig = Rig::new().await;
    let app = slow(&rig).await;
    let change = AppChange { max_active_requests: Some(1), ..AppChange::default() };
    apps::update(&rig.services, &rig.owner, app.id, change).await.unwrap();
    let page = page(&rig, &app).await;
    let text = "Too many requests. Please try again later. The current maximum concurrent requests allowed for";
    let (first, second, third) = one_after_another(&rig, async || visit(&page).await).await;
    assert_eq!(refused(&second, text), 1);
    assert_eq!((first.status.as_u16(), third.status.as_u16()), (200, 200), "{}", third.text());
    let ask = async || rig.post("/v1/chat-messages", &app, by_key()).await;
    let (first, second, third) = one_after_another(&rig, ask).await;
    assert_eq!(refused(&second, text), 1);
    assert_eq!((first.status.as_u16(), third.status.as_u16()), (200, 200), "{}", third.text());
}

#[tokio::test]
async fn the_places_of_a_key_are_its_own_and_are_given_back() {
    let rig = Rig::new().await;
    let app = slow(&rig).await;
    let keys = apps::list_keys(&rig.services, &rig.owner, app.id).await.unwrap();
    let change = KeyChange { concurrent_runs: 1, ..KeyChange::default() };
    apps::limit_key(&rig.services, &rig.owner, app.id, keys[0].id, change).await.unwrap();
    let ask = async || rig.post("/v1/chat-messages", &app, by_key()).await;
    let (first, second, third) = one_after_another(&rig, ask).await;
    assert_eq!(refused(&second, "Too many requests. This API key may have 1 runs at the same time."), 1);
    assert_eq!((first.status.as_u16(), third.status.as_u16()), (200, 200), "{}", third.text());
}

#[tokio::test]
async fn a_visitor_who_asks_too_much_waits_and_nobody_else() {
    let rig = Rig::with(&[("OXIDIFY_VISITOR_REQUESTS_PER_MINUTE", "2")]).await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let hasty = page(&rig, &app).await;
    // Wherever in its minute the test begins, one minute or the next is full after five.
    let mut last = visit(&hasty).await;
    assert_eq!(last.status, 200, "{}", last.text());
    for _ in 0..4 {
        if last.status != 429 {
            last = visit(&hasty).await;
        }
    }
    refused(&last, "Too many requests. You may ask 2 times a minute here.");
    assert_eq!(hasty.get("/api/parameters").await.status, 200, "reading is free");
    assert_eq!(hasty.get("/api/conversations").await.status, 200);
    assert_eq!(visit(&page(&rig, &app).await).await.status, 200, "another visitor");
    assert_eq!(rig.post("/v1/chat-messages", &app, by_key()).await.status, 200, "a key");
}

#[tokio::test]
async fn the_next_minute_lets_through_again() {
    let rig = Rig::new().await;
    let at = |seconds: i64| chrono::DateTime::from_timestamp(1_700_000_040 + seconds, 0).unwrap();
    let count = async |whose: &str, limit: u32, seconds: i64| {
        api_keys::within_minute(&rig.services, whose, limit, at(seconds)).await
    };
    // The minute begins at second 0 of this clock.
    for (whose, limit, seconds, expected) in [
        ("a", 2, 10, Ok(())),
        ("a", 2, 20, Ok(())),
        ("a", 2, 20, Err(40)),
        ("a", 2, 59, Err(1)),
        ("a", 3, 59, Ok(())),
        ("b", 2, 59, Ok(())),
        ("a", 2, 60, Ok(())),
        ("a", 2, 119, Ok(())),
        ("a", 2, 119, Err(1)),
        ("a", 0, 119, Ok(())),
    ] {
        assert_eq!(count(whose, limit, seconds).await, expected, "{whose} {limit} {seconds}");
    }
}
