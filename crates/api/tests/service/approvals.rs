//! Agents that ask before they call a tool.

use std::time::Duration;

use axum::http::Method;
use ox_app::{
    approvals::{self, Door},
    runs::recovery,
};
use ox_testkit::on_each_database;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Answer, Draft, Rig, TestApp, graph, start};

const OURS: &str = "/v1/tool-approvals?user=abc-123";

fn ask() -> Json {
    json!({"inputs": {}, "query": "How much?", "user": "abc-123", "response_mode": "streaming"})
}

fn sums(rules: Json) -> Json {
    let mut tool = json!({"provider_id": "maths", "provider_type": "builtin", "provider_name": "maths",
        "tool_name": "eval_expression", "tool_label": "Calculator", "tool_parameters": {}, "enabled": true});
    tool.as_object_mut().unwrap().extend(rules.as_object().cloned().unwrap());
    tool
}

async fn agent(rig: &Rig, tool: Json) -> TestApp {
    let more =
        json!({"agent_mode": {"enabled": true, "strategy": "function_call", "max_iteration": 3, "tools": [tool]}});
    rig.basic_app("agent-chat", "tools", json!({"arguments": "{\"expression\": \"6*7\"}"}), more).await
}

/// The first open question, once there is one.
async fn question(rig: &Rig, app: &TestApp) -> Json {
    loop {
        let listed = rig.get(OURS, app).await.json();
        if let Some(first) = listed["data"].get(0) {
            return first.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn say(rig: &Rig, app: &TestApp, question: &Json, body: Json) -> Answer {
    rig.post(&format!("/v1/tool-approvals/{}", question["id"].as_str().unwrap()), app, body).await
}

fn find<'e>(events: &'e [Json], name: &str) -> &'e Json {
    events.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name}: {events:?}"))
}

fn seen(events: &[Json]) -> String {
    let mut all = events.iter().filter_map(|event| event["observation"].as_str());
    all.rfind(|text| !text.is_empty()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_agent_waits_until_somebody_allows_the_call() {
    let rig = Rig::new().await;
    let app = agent(&rig, sums(json!({"approval": "always"}))).await;
    let other = agent(&rig, sums(json!({}))).await;
    let (events, asked) = tokio::join!(async { rig.post("/v1/chat-messages", &app, ask()).await.events() }, async {
        let asked = question(&rig, &app).await;
        assert_eq!((&asked["tool"], &asked["arguments"]), (&json!("eval_expression"), &json!({"expression": "6*7"})));
        assert_eq!((&asked["reasons"], &asked["taints"]), (&json!(["always"]), &json!([])));
        assert!(asked["user"].is_null() && asked["expires_at"].as_i64() > asked["asked_at"].as_i64());
        // Strangers: another user, another app, nobody.
        let theirs = rig.get("/v1/tool-approvals?user=somebody", &app).await.json();
        assert_eq!(theirs["data"], json!([]));
        assert_eq!(rig.get(OURS, &other).await.json()["data"], json!([]));
        assert_eq!(rig.get("/v1/tool-approvals", &app).await.status, 400);
        let yes = |user: &str| json!({"action": "approve", "user": user});
        assert_eq!(say(&rig, &app, &asked, yes("somebody")).await.status, 404);
        assert_eq!(say(&rig, &other, &asked, yes("abc-123")).await.status, 404);
        for wrong in [json!({"action": "perhaps", "user": "abc-123"}), json!({"user": "abc-123"})] {
            assert_eq!(say(&rig, &app, &asked, wrong).await.status, 400);
        }
        assert_eq!(say(&rig, &app, &asked, yes("abc-123")).await.status, 200);
        assert_eq!(say(&rig, &app, &asked, yes("abc-123")).await.status, 404, "one answer counts");
        asked
    });
    let told = find(&events, "tool_approval_required");
    assert_eq!((&told["data"]["id"], &told["data"]["arguments"]), (&asked["id"], &asked["arguments"]));
    assert!(told["task_id"].is_string() && told["conversation_id"].is_string(), "{told}");
    let done = find(&events, "tool_approval_answered");
    assert_eq!((&done["data"]["id"], &done["data"]["decision"]), (&asked["id"], &json!("approved")));
    assert_eq!(seen(&events), r#"{"eval_expression":"42"}"#);
    assert_eq!(rig.get(OURS, &app).await.json()["data"], json!([]));

    // Denied, with a reason for the model.
    let (events, ()) = tokio::join!(async { rig.post("/v1/chat-messages", &app, ask()).await.events() }, async {
        let asked = question(&rig, &app).await;
        let no = json!({"action": "deny", "reason": "too dear", "user": "abc-123"});
        assert_eq!(say(&rig, &app, &asked, no).await.status, 200);
    });
    assert!(seen(&events).contains("a person declined it: too dear"), "{}", seen(&events));
    assert_eq!(events.last().unwrap()["event"], "message_end");
}

#[tokio::test]
async fn what_only_members_may_decide() {
    let rig = Rig::new().await;
    let app = agent(&rig, sums(json!({"approval": "always", "approver": "member"}))).await;
    let (events, ()) = tokio::join!(async { rig.post("/v1/chat-messages", &app, ask()).await.events() }, async {
        let asked = loop {
            let open = approvals::list(&rig.services, Door::Console(&rig.owner), Some(app.id), None).await.unwrap();
            if let Some(first) = open.first() {
                break first.to_json();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(rig.get(OURS, &app).await.json()["data"], json!([]));
        let yes = json!({"action": "approve", "user": "abc-123"});
        assert_eq!(say(&rig, &app, &asked, yes).await.status, 403);
        let id = asked["id"].as_str().unwrap().parse().unwrap();
        let stranger = Rig::new().await;
        let foreign = approvals::answer(&rig.services, Door::Console(&stranger.owner), id, "approve", "").await;
        assert_eq!(foreign.unwrap_err().status, 404);
        approvals::answer(&rig.services, Door::Console(&rig.owner), id, "approve", "").await.unwrap();
    });
    let told = find(&events, "tool_approval_required");
    assert!(told["data"]["arguments"].is_null() && told["data"]["tool"] == "eval_expression", "{told}");
    assert_eq!(seen(&events), r#"{"eval_expression":"42"}"#);
}

#[tokio::test]
async fn a_question_ends_with_its_time_and_with_its_run() {
    let rig = Rig::with(&[("OXIDIFY_TOOL_APPROVAL_SECONDS", "1")]).await;
    let app = agent(&rig, sums(json!({"approval": "always"}))).await;
    let events = rig.post("/v1/chat-messages", &app, ask()).await.events();
    assert_eq!(find(&events, "tool_approval_answered")["data"]["decision"], "timed_out");
    assert!(seen(&events).contains("nobody approved it in time"));

    let rig = Rig::new().await;
    let app = agent(&rig, sums(json!({"approval": "always"}))).await;
    let (events, ()) = tokio::join!(async { rig.post("/v1/chat-messages", &app, ask()).await.events() }, async {
        let asked = question(&rig, &app).await;
        let path = format!("/v1/chat-messages/{}/stop", asked["task_id"].as_str().unwrap());
        assert_eq!(rig.post(&path, &app, json!({"user": "abc-123"})).await.status, 200);
    });
    assert_eq!(events.last().unwrap()["event"], "message_end");
    let mut left = usize::MAX;
    for _ in 0..200 {
        left = rig.get(OURS, &app).await.json()["data"].as_array().unwrap().len();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(left, 0, "the question was taken back");
}

/// A chatflow whose agent asks about every sum.
async fn asking_flow(rig: &Rig) -> TestApp {
    let tool = json!({"enabled": true, "type": "builtin", "provider_name": "maths", "tool_name": "eval_expression",
        "parameters": {"expression": {"auto": 1, "value": null}}, "settings": {}, "extra": {"description": "sums"},
        "approval": "always"});
    let node = json!({"type": "agent", "agent_strategy_provider_name": "langgenius/agent/agent",
        "agent_strategy_name": "function_calling", "agent_parameters": {
            "model": {"type": "constant", "value": {"provider": "oxidify/scripted", "model": "tools", "mode": "chat",
                "completion_params": {"arguments": "{\"expression\": \"6*7\"}"}}},
            "tools": {"type": "constant", "value": [tool]},
            "query": {"type": "mixed", "value": "{{#sys.query#}}"}}});
    let nodes =
        [("s", start(json!([]))), ("agent", node), ("a", json!({"type": "answer", "answer": "{{#agent.text#}}"}))];
    let flow = graph(&nodes, &[("s", "source", "agent"), ("agent", "source", "a")]);
    rig.graph_app("advanced-chat", flow, Draft::default()).await
}

/// In a chatflow, and answered in another process.
#[tokio::test]
async fn an_agent_node_asks() {
    let rig = Rig::new().await;
    let heir = rig.beside().await;
    let app = asking_flow(&rig).await;
    let (events, ()) = tokio::join!(async { rig.post("/v1/chat-messages", &app, ask()).await.events() }, async {
        let asked = question(&heir, &app).await;
        assert_eq!(asked["node_id"], "agent");
        let yes = json!({"action": "approve", "user": "abc-123"});
        let path = format!("/v1/tool-approvals/{}", asked["id"].as_str().unwrap());
        assert_eq!(heir.call(Method::POST, &path, &app.key, Some(yes)).await.status, 200);
    });
    assert_eq!(find(&events, "tool_approval_answered")["data"]["decision"], "approved");
    let log = events.iter().filter(|event| event["event"] == "agent_log");
    let call = log.map(|event| &event["data"]).find(|data| data["data"]["output"]["approval"].is_object()).unwrap();
    let approval = &call["data"]["output"]["approval"];
    assert_eq!((&approval["decision"], &approval["always"]), (&json!("approved"), &json!(true)), "{call}");
    assert!(approval["by"].as_str().unwrap().starts_with("end_user abc-123"));
    assert!(events.iter().any(|event| event["event"] == "message_end"));
}

/// The first open question that is another than this one.
async fn another(rig: &Rig, app: &TestApp, than: &Json) -> Json {
    loop {
        let listed = rig.get(OURS, app).await.json();
        let found = listed["data"].as_array().unwrap().iter().find(|one| one["id"] != than["id"]);
        if let Some(found) = found {
            return found.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_agent_node_asks_again_when_its_process_has_died() {
    let dying = Rig::new().await;
    let heir = dying.beside().await;
    let app = asking_flow(&dying).await;
    let (answer, ()) = tokio::join!(dying.post("/v1/chat-messages", &app, ask()), async {
        let asked = question(&dying, &app).await;
        assert!(asked["process"].is_null() && asked["tenant"].is_null() && asked["again"].is_null(), "{asked}");
        let task = asked["task_id"].as_str().unwrap().parse().unwrap();
        let run = dying.services.runs.find(task).unwrap().run_id.unwrap();
        recovery::release(&dying.services).await;
        assert_eq!(recovery::take_over_expired(&heir.services).await.unwrap(), 1);
        let again = another(&heir, &app, &asked).await;
        assert_eq!((&again["tool"], &again["arguments"]), (&asked["tool"], &asked["arguments"]));
        let yes = json!({"action": "approve", "user": "abc-123"});
        assert_eq!(say(&heir, &app, &asked, yes.clone()).await.status, 404, "the old question is over");
        assert_eq!(say(&heir, &app, &again, yes).await.status, 200);
        let tenant = heir.owner.tenant_id();
        let found = loop {
            let found = ox_db::repo::runs::find(&heir.services.db, tenant, app.id, run).await.unwrap().unwrap();
            if found.finished_at.is_some() {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(found.status.as_str(), "succeeded", "{:?}", found.error);
        assert_eq!(heir.get(OURS, &app).await.json()["data"], json!([]));
    });
    // The client of the dead process is not left hanging.
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn of_many_decisions_in_two_processes_one_counts() {
    on_each_database(|database| async {
        let one = Rig::over(database, tempfile::tempdir().unwrap(), &[]).await;
        let other = one.beside().await;
        let app = asking_flow(&one).await;
        let (events, winner) =
            tokio::join!(async { one.post("/v1/chat-messages", &app, ask()).await.events() }, async {
                let asked = question(&other, &app).await;
                let decide = |number: usize| {
                    let (rig, action) = if number.is_multiple_of(2) { (&one, "approve") } else { (&other, "deny") };
                    let (app, asked) = (&app, &asked);
                    async move {
                        let body = json!({"action": action, "reason": format!("number {number}"), "user": "abc-123"});
                        (action, number, say(rig, app, asked, body).await.status)
                    }
                };
                let answers = futures::future::join_all((0..12).map(decide)).await;
                assert!(answers.iter().all(|(.., status)| [200, 404].contains(&status.as_u16())), "{answers:?}");
                let mut won = answers.into_iter().filter(|(.., status)| *status == 200);
                let winner = won.next().expect("one of them counts");
                assert!(won.next().is_none(), "two decisions of one question");
                winner
            });
        let done = find(&events, "tool_approval_answered");
        let decision = if winner.0 == "approve" { "approved" } else { "denied" };
        assert_eq!(done["data"]["decision"], decision);
        assert_eq!(done["data"]["reason"], format!("number {}", winner.1));
        one.services.shutdown.cancel();
        other.services.shutdown.cancel();
    })
    .await;
}

/// It was asleep when others took its runs over, and wakes up.
#[tokio::test]
async fn a_process_that_was_struck_off_acts_upon_no_answer() {
    on_each_database(|database| async {
        let dying = Rig::over(database, tempfile::tempdir().unwrap(), &[]).await;
        let heir = dying.beside().await;
        let app = asking_flow(&dying).await;
        let (_, ()) = tokio::join!(dying.post("/v1/chat-messages", &app, ask()), async {
            let asked = question(&heir, &app).await;
            let task = asked["task_id"].as_str().unwrap().parse().unwrap();
            let run = dying.services.runs.find(task).unwrap().run_id.unwrap();
            // It does not know of it.
            let tx = dying.services.db.begin().await.unwrap();
            ox_db::repo::leases::release(&tx, dying.services.runs.process_id).await.unwrap();
            tx.commit().await.unwrap();
            // Answered there, so that it looks at once.
            let yes = json!({"action": "approve", "user": "abc-123"});
            assert_eq!(say(&dying, &app, &asked, yes.clone()).await.status, 200);
            tokio::task::yield_now().await;
            assert_eq!(recovery::take_over_expired(&heir.services).await.unwrap(), 1);
            // The answer was unread: no call was made, so the heir may ask anew.
            let again = another(&heir, &app, &asked).await;
            assert_eq!(say(&heir, &app, &again, yes).await.status, 200);
            let tenant = heir.owner.tenant_id();
            let found = loop {
                let found = ox_db::repo::runs::find(&heir.services.db, tenant, app.id, run).await.unwrap().unwrap();
                if found.finished_at.is_some() {
                    break found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            assert_eq!(found.status.as_str(), "succeeded", "{:?}", found.error);
            recovery::release(&dying.services).await;
        });
        dying.services.shutdown.cancel();
        heir.services.shutdown.cancel();
    })
    .await;
}

#[tokio::test]
async fn the_question_of_an_agent_app_ends_with_its_process() {
    let dying = Rig::new().await;
    let heir = dying.beside().await;
    let app = agent(&dying, sums(json!({"approval": "always"}))).await;
    let (_, ()) = tokio::join!(dying.post("/v1/chat-messages", &app, ask()), async {
        let asked = question(&dying, &app).await;
        recovery::release(&dying.services).await;
        // None where the heir has looked by itself meanwhile.
        assert!(recovery::end_abandoned_messages(&heir.services).await.unwrap() <= 1);
        assert_eq!(heir.get(OURS, &app).await.json()["data"], json!([]));
        let yes = json!({"action": "approve", "user": "abc-123"});
        let late = say(&heir, &app, &asked, yes).await;
        assert!(late.status == 404 && late.text().contains("the run that asked has ended"), "{}", late.text());
        let conversation = asked["conversation_id"].as_str().unwrap();
        let path = format!("/v1/messages?conversation_id={conversation}&user=abc-123");
        let message = heir.get(&path, &app).await.json()["data"][0].clone();
        assert_eq!(message["status"], "error", "{message}");
        assert!(message["error"].as_str().unwrap().starts_with("interrupted"), "{message}");
        // In this test it lives on, and has to be told.
        let path = format!("/v1/chat-messages/{}/stop", asked["task_id"].as_str().unwrap());
        dying.post(&path, &app, json!({"user": "abc-123"})).await;
    });
}
