//! Apps as tools of other apps.

use axum::http::StatusCode;
use ox_app::{apps, model_config};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, end, graph, start};

fn ask(query: &str) -> Json {
    json!({"inputs": {}, "query": query, "user": "abc-123", "response_mode": "streaming"})
}

fn tool(app: &TestApp) -> Json {
    let id = app.id.to_string();
    json!({"provider_id": id, "provider_type": "app", "provider_name": id, "tool_name": "other", "tool_label": "Other",
        "tool_parameters": {}, "enabled": true})
}

fn mode(tools: Json) -> Json {
    json!({"agent_mode": {"enabled": true, "strategy": "function_call", "max_iteration": 3, "tools": tools, "prompt": null}})
}

fn asks(query: &str) -> Json {
    json!({"arguments": json!({"query": query}).to_string()})
}

/// What the agent's tool said, and all tokens of the answer.
async fn seen(rig: &Rig, app: &TestApp) -> (String, u64) {
    let events = rig.post("/v1/chat-messages", app, ask("Find out")).await.events();
    let last = events.last().unwrap();
    assert_eq!(last["event"], "message_end", "{last}");
    let seen = events.iter().filter_map(|event| event["observation"].as_str()).find(|text| !text.is_empty());
    (seen.unwrap_or_default().to_owned(), last["metadata"]["usage"]["total_tokens"].as_u64().unwrap())
}

async fn agent(rig: &Rig, parameters: Json, tools: Json) -> TestApp {
    rig.basic_app("agent-chat", "tools", parameters, mode(tools)).await
}

async fn set_tools(rig: &Rig, app: &TestApp, tools: Json) {
    let mut config = mode(tools);
    config["model"] = json!({"provider": "oxidify/scripted", "name": "tools", "mode": "chat",
        "completion_params": asks("go on")});
    model_config::set(&rig.services, &rig.owner, app.id, &config).await.unwrap();
}

#[tokio::test]
async fn an_agent_asks_other_apps() {
    let rig = Rig::new().await;
    let chat = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let caller = agent(&rig, asks("the weather"), json!([tool(&chat)])).await;
    let (told, tokens) = seen(&rig, &caller).await;
    assert_eq!(told, r#"{"other":"the weather"}"#);
    let alone = agent(&rig, asks("the weather"), json!([])).await;
    assert!(tokens > seen(&rig, &alone).await.1, "what the other app used counts with the caller");
    // Its own message is there, of the same user.
    let message = ox_db::repo::apps::find(&rig.services.db, rig.owner.tenant_id(), chat.id).await.unwrap();
    assert!(message.is_some());

    // Agents, chatflows and workflows answer too.
    let inner = agent(&rig, asks("deeper"), json!([tool(&chat)])).await;
    let outer = agent(&rig, asks("ask the agent"), json!([tool(&inner)])).await;
    assert_eq!(seen(&rig, &outer).await.0, r#"{"other":"deeper"}"#);
    let nodes = [("s", start(json!([]))), ("a", json!({"type": "answer", "answer": "Said: {{#sys.query#}}"}))];
    let flow = rig.graph_app("advanced-chat", graph(&nodes, &[("s", "source", "a")]), Draft::default()).await;
    let outer = agent(&rig, asks("a question"), json!([tool(&flow)])).await;
    assert_eq!(seen(&rig, &outer).await.0, r#"{"other":"Said: a question"}"#);
    let city = json!([{"variable": "city", "label": "City", "type": "text-input", "required": true}]);
    let nodes = [("s", start(city)), ("e", end(&[("where", &["s", "city"])]))];
    let workflow = rig.graph_app("workflow", graph(&nodes, &[("s", "source", "e")]), Draft::default()).await;
    let given = json!({"arguments": json!({"city": "Bern", "unknown": 1}).to_string()});
    let outer = agent(&rig, given, json!([tool(&workflow)])).await;
    assert_eq!(seen(&rig, &outer).await.0, r#"{"other":"{\"where\":\"Bern\"}"}"#);
}

#[tokio::test]
async fn a_node_calls_an_app() {
    let rig = Rig::new().await;
    let form = json!([{"text-input": {"variable": "query", "label": "Query", "required": true, "default": ""}}]);
    let more = json!({"user_input_form": form, "pre_prompt": "{{query}}"});
    let writer = rig.basic_app("completion", "echo", json!({}), more).await;
    let node = json!({"type": "tool", "provider_type": "app", "provider_id": writer.id.to_string(), "provider_name": "",
        "tool_name": "other", "tool_configurations": {},
        "tool_parameters": {"query": {"type": "mixed", "value": "Hi {{#s.q#}}"}}});
    let q = json!([{"variable": "q", "label": "Q", "type": "text-input", "required": true}]);
    let flow = |node: Json| {
        let nodes = [("s", start(q.clone())), ("t", node), ("e", end(&[("text", &["t", "text"])]))];
        graph(&nodes, &[("s", "source", "t"), ("t", "source", "e")])
    };
    let app = rig.graph_app("workflow", flow(node.clone()), Draft::default()).await;
    let body = json!({"inputs": {"q": "there"}, "user": "abc-123", "response_mode": "blocking"});
    let done = rig.post("/v1/workflows/run", &app, body.clone()).await.json();
    assert_eq!(done["data"]["outputs"]["text"], "Hi there", "{done}");
    assert!(done["data"]["total_tokens"].as_u64().unwrap() > 0, "{done}");

    // One whose API is off is nobody's tool.
    apps::set_api(&rig.services, &rig.owner, writer.id, false).await.unwrap();
    let done = rig.post("/v1/workflows/run", &app, body).await.json();
    let error = done["data"]["error"].as_str().unwrap();
    assert!(error.contains("cannot be called: publish it and switch its API on"), "{error}");
}

#[tokio::test]
async fn apps_do_not_call_one_another_without_end() {
    let rig = Rig::new().await;
    let first = agent(&rig, asks("go on"), json!([])).await;
    let second = agent(&rig, asks("back again"), json!([tool(&first)])).await;
    set_tools(&rig, &first, json!([tool(&second)])).await;
    let (told, tokens) = seen(&rig, &first).await;
    assert!(told.contains("in a circle"), "{told}");
    assert!(tokens < 1000, "{tokens}");
    // Nor itself.
    set_tools(&rig, &first, json!([tool(&first)])).await;
    assert!(seen(&rig, &first).await.0.contains("in a circle"));

    let rig = Rig::with(&[("WORKFLOW_CALL_MAX_DEPTH", "1")]).await;
    let third = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let second = agent(&rig, asks("on"), json!([tool(&third)])).await;
    let first = agent(&rig, asks("go on"), json!([tool(&second)])).await;
    assert!(seen(&rig, &second).await.0.contains("on"));
    let told = seen(&rig, &first).await.0;
    assert!(told.contains("Max workflow call depth 1 reached."), "{told}");
}

#[tokio::test]
async fn only_apps_of_the_workspace_are_tools() {
    let (rig, other) = (Rig::new().await, Rig::new().await);
    let foreign = other.basic_app("chat", "echo", json!({}), json!({})).await;
    let q = json!([]);
    let node = json!({"type": "tool", "provider_type": "app", "provider_id": foreign.id.to_string(), "provider_name": "",
        "tool_name": "nobody", "tool_configurations": {}, "tool_parameters": {"query": {"type": "mixed", "value": "x"}}});
    let nodes = [("s", start(q)), ("t", node), ("e", end(&[("text", &["t", "text"])]))];
    let flow = graph(&nodes, &[("s", "source", "t"), ("t", "source", "e")]);
    let app = rig.graph_app("workflow", flow, Draft::default()).await;
    let body = json!({"inputs": {}, "user": "abc-123", "response_mode": "blocking"});
    let answer = rig.post("/v1/workflows/run", &app, body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let error = answer.json()["data"]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("no app 'nobody' that can be called"), "{error}");
}
