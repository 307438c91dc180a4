//! C4 and what belongs to it: agent apps, and the agent node.

use std::time::Duration;

use axum::http::Method;
use ox_app::runs::recovery;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, graph, names, shape, start};

fn ask(query: &str) -> Json {
    json!({"inputs": {}, "query": query, "user": "abc-123", "response_mode": "streaming"})
}

fn clock(enabled: bool) -> Json {
    json!({"provider_id": "time", "provider_type": "builtin", "provider_name": "time", "tool_name": "current_time",
        "tool_label": "Current time", "tool_parameters": {}, "enabled": enabled, "credential_id": null})
}

fn sums() -> Json {
    json!({"provider_id": "maths", "provider_type": "builtin", "provider_name": "maths", "tool_name": "eval_expression",
        "tool_label": "Calculator", "tool_parameters": {}, "enabled": true})
}

fn agent_mode(strategy: &str, tools: Json) -> Json {
    json!({"agent_mode": {"enabled": true, "strategy": strategy, "max_iteration": 3, "tools": tools, "prompt": null}})
}

fn of<'e>(events: &'e [Json], name: &str) -> Vec<&'e Json> {
    events.iter().filter(|event| event["event"] == name).collect()
}

async fn talk(rig: &Rig, app: &TestApp, conversation: &Json) -> Json {
    let id = conversation.as_str().unwrap();
    rig.get(&format!("/v1/messages?conversation_id={id}&user=abc-123"), app).await.json()["data"].clone()
}

/// C4: one tool, then the answer.
#[tokio::test]
async fn function_calling_with_one_tool() {
    let rig = Rig::new().await;
    let mut more = agent_mode("function_call", json!([sums(), clock(false)]));
    more["opening_statement"] = json!("Hello");
    let app = rig
        .basic_app("agent-chat", "tools", json!({"arguments": "{\"expression\": \"6*7\"}", "chunks": 2}), more)
        .await;
    let events = rig.post("/v1/chat-messages", &app, ask("How much is it?")).await.events();
    assert_eq!(shape(&events), ["agent_thought", "agent_message", "agent_thought", "message_end"]);
    let thoughts = of(&events, "agent_thought");
    let fields =
        |thought: &Json| ["position", "thought", "tool", "tool_input", "observation"].map(|name| thought[name].clone());
    let input = r#"{"eval_expression":{"expression":"6*7"}}"#;
    let seen = r#"{"eval_expression":"42"}"#;
    assert_eq!(fields(thoughts[0]), [json!(1), json!(""), json!(""), json!(""), json!("")]);
    assert_eq!(fields(thoughts[1]), [json!(1), json!(""), json!("eval_expression"), json!(input), json!("")]);
    assert_eq!(fields(thoughts[2]), [json!(1), json!(""), json!("eval_expression"), json!(input), json!(seen)]);
    assert_eq!(fields(thoughts[3]), [json!(2), json!(""), json!(""), json!(""), json!("")]);
    assert_eq!(fields(thoughts[4]), [json!(2), json!("42"), json!(""), json!(""), json!("")]);
    assert_eq!(thoughts.len(), 5);
    assert!(thoughts[..3].iter().all(|thought| thought["id"] == thoughts[0]["id"]));
    assert_ne!(thoughts[3]["id"], thoughts[0]["id"]);
    assert_eq!((&thoughts[0]["tool_labels"], &thoughts[0]["message_files"]), (&json!({}), &json!([])));
    assert!(thoughts[1]["tool_labels"]["eval_expression"]["en_US"].is_string());
    let keys: Vec<&str> = thoughts[1].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "event",
            "conversation_id",
            "message_id",
            "created_at",
            "task_id",
            "id",
            "position",
            "thought",
            "observation",
            "tool",
            "tool_labels",
            "tool_input",
            "message_files"
        ]
    );
    let said = of(&events, "agent_message");
    assert_eq!(said[0]["id"], said[0]["message_id"]);
    let end = events.last().unwrap();
    assert!(end["metadata"]["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert_eq!(end["files"], Json::Null);

    let listed = talk(&rig, &app, &end["conversation_id"]).await;
    let message = &listed[0];
    assert_eq!((&message["answer"], &message["status"]), (&json!("42"), &json!("normal")));
    let kept = message["agent_thoughts"].as_array().unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!((&kept[0]["id"], &kept[0]["observation"]), (&thoughts[0]["id"], &json!(seen)));
    assert_eq!((&kept[0]["chain_id"], &kept[0]["files"]), (&Json::Null, &json!([])));
    assert_eq!((&kept[1]["thought"], &kept[1]["position"]), (&json!("42"), &json!(2)));

    // The conversation goes on, and the agent remembers it.
    let mut again = ask("And now?");
    again["conversation_id"] = end["conversation_id"].clone();
    let events = rig.post("/v1/chat-messages", &app, again).await.events();
    assert_eq!(events.last().unwrap()["event"], "message_end");
    assert_eq!(talk(&rig, &app, &end["conversation_id"]).await.as_array().unwrap().len(), 2);

    // With the conversation go its rounds.
    let path = format!("/v1/conversations/{}", end["conversation_id"].as_str().unwrap());
    let gone = rig.call(Method::DELETE, &path, &app.key, Some(json!({"user": "abc-123"}))).await;
    assert_eq!(gone.status, 204);
    let id = ox_types::MessageId(end["message_id"].as_str().unwrap().parse().unwrap());
    assert_eq!(ox_db::repo::agent_thoughts::of_messages(&rig.services.db, &[id]).await.unwrap(), []);
}

#[tokio::test]
async fn react_tells_its_thoughts_and_then_the_answer() {
    let rig = Rig::new().await;
    let text =
        "Thought: I know it\nAction:\n```\n{\"action\": \"Final Answer\", \"action_input\": \"It is noon.\"}\n```";
    let app = rig
        .basic_app(
            "agent-chat",
            "canned",
            json!({"text": text, "chunks": 3}),
            agent_mode("react", json!([clock(true)])),
        )
        .await;
    let events = rig.post("/v1/chat-messages", &app, ask("When?")).await.events();
    assert_eq!(shape(&events), ["agent_thought", "agent_message", "message_end"]);
    let said = of(&events, "agent_message");
    assert_eq!(said.last().unwrap()["answer"], "It is noon.");
    let all: String = said.iter().filter_map(|event| event["answer"].as_str()).collect();
    assert!(all.starts_with(" I know it"), "{all}");
    let listed = talk(&rig, &app, &events[0]["conversation_id"]).await;
    assert_eq!(listed[0]["answer"], "It is noon.");
    assert_eq!(listed[0]["agent_thoughts"][0]["thought"], "It is noon.");

    // A loop ends by the limit, as an error that says so.
    let loops = "{\"action\": \"current_time\", \"action_input\": {}}";
    let app =
        rig.basic_app("agent-chat", "canned", json!({"text": loops}), agent_mode("react", json!([clock(true)]))).await;
    let events = rig.post("/v1/chat-messages", &app, ask("When?")).await.events();
    let end = events.last().unwrap();
    assert_eq!((&end["event"], &end["code"], &end["status"]), (&json!("error"), &json!("invalid_param"), &json!(400)));
    assert!(end["message"].as_str().unwrap().contains("maximum iteration limit of 3"), "{end}");
    let thoughts = of(&events, "agent_thought");
    assert_eq!(thoughts[1]["thought"], "I am thinking about how to help you");
    assert_eq!(thoughts.last().unwrap()["position"], 4);
    let listed = talk(&rig, &app, &events[0]["conversation_id"]).await;
    assert_eq!((&listed[0]["status"], listed[0]["agent_thoughts"].as_array().unwrap().len()), (&json!("error"), 4));
    assert!(listed[0]["total_tokens"].as_u64().unwrap() > 0, "what failed was paid for");

    // No action: what was said is the answer.
    let app = rig.basic_app("agent-chat", "canned", json!({"text": "Just so."}), agent_mode("cot", json!([]))).await;
    let events = rig.post("/v1/chat-messages", &app, ask("Why?")).await.events();
    assert_eq!(of(&events, "agent_message").last().unwrap()["answer"], "");
    assert_eq!(talk(&rig, &app, &events[0]["conversation_id"]).await[0]["answer"], "Just so.");
}

#[tokio::test]
async fn what_an_agent_may_miss() {
    let rig = Rig::new().await;
    // A tool that is gone is left out; the model answers without.
    let mut gone = clock(true);
    gone["tool_name"] = json!("vanished");
    let app = rig.basic_app("agent-chat", "tools", json!({}), agent_mode("function_call", json!([gone]))).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi")).await.events();
    assert_eq!(names(&events), ["agent_thought", "agent_message", "agent_thought", "message_end"]);
    // Wrong arguments go back to the model.
    let app = rig
        .basic_app(
            "agent-chat",
            "tools",
            json!({"arguments": "{\"expression\": "}),
            agent_mode("function_call", json!([sums()])),
        )
        .await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi")).await.events();
    let seen = of(&events, "agent_thought")[2]["observation"].as_str().unwrap().to_owned();
    assert!(seen.contains("not a valid JSON object"), "{seen}");
    // A model that fails.
    let app = rig.basic_app("agent-chat", "fail", json!({}), agent_mode("react", json!([]))).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi")).await.events();
    let end = events.last().unwrap();
    assert_eq!((&end["event"], &end["code"]), (&json!("error"), &json!("completion_request_error")));
    // A router is no agent: the model is asked once.
    let app = rig.basic_app("agent-chat", "echo", json!({}), agent_mode("router", json!([]))).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi")).await.events();
    assert_eq!(shape(&events), ["agent_message", "message_end"]);
    // Moderation of what is asked.
    let mut more = agent_mode("function_call", json!([sums()]));
    more["sensitive_word_avoidance"] = json!({"enabled": true, "type": "keywords", "config": {"keywords": "bad",
        "inputs_config": {"enabled": true, "preset_response": "No."}, "outputs_config": {"enabled": false}}});
    let app = rig.basic_app("agent-chat", "tools", json!({}), more).await;
    let events = rig.post("/v1/chat-messages", &app, ask("a bad word")).await.events();
    assert_eq!(shape(&events), ["agent_message", "message_end"]);
    assert_eq!(events.last().unwrap()["metadata"]["usage"]["total_tokens"], 0);
}

#[tokio::test]
async fn an_agent_stops_at_any_time_and_a_dead_server_leaves_an_error() {
    let rig = Rig::new().await;
    let slow = json!({"ttft_ms": 60_000});
    let app = rig.basic_app("agent-chat", "tools", slow.clone(), agent_mode("function_call", json!([sums()]))).await;
    let (answer, ()) = tokio::join!(rig.post("/v1/chat-messages", &app, ask("hi")), async {
        let task = loop {
            if let Some(task) = rig.services.runs.any_task() {
                break task;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        tokio::time::sleep(Duration::from_millis(200)).await;
        let path = format!("/v1/chat-messages/{task}/stop");
        assert_eq!(rig.post(&path, &app, json!({"user": "abc-123"})).await.status, 200);
    });
    let events = answer.events();
    assert_eq!(names(&events), ["agent_thought", "message_end"]);
    assert_eq!(talk(&rig, &app, &events[0]["conversation_id"]).await[0]["status"], "normal");

    let dying = Rig::new().await;
    let app = dying.basic_app("agent-chat", "tools", slow, agent_mode("function_call", json!([sums()]))).await;
    let heir = dying.beside().await;
    let asked = dying.post("/v1/chat-messages", &app, ask("hi"));
    let watched = async {
        loop {
            let talks = heir.get("/v1/conversations?user=abc-123", &app).await.json();
            if let Some(id) = talks["data"][0]["id"].as_str() {
                let listed = talk(&heir, &app, &json!(id)).await;
                if listed[0]["agent_thoughts"].as_array().is_some_and(|thoughts| thoughts.len() == 1) {
                    break id.to_owned();
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let id = tokio::select! {
        _ = asked => panic!("it ends only with its server"),
        id = watched => id,
    };
    recovery::release(&dying.services).await;
    recovery::end_abandoned_messages(&heir.services).await.unwrap();
    let listed = talk(&heir, &app, &json!(id)).await;
    assert_eq!((&listed[0]["status"], listed[0]["agent_thoughts"].as_array().unwrap().len()), (&json!("error"), 1));
}

/// The agent node: text streams, steps are told as a tree, usage is counted.
#[tokio::test]
async fn an_agent_node() {
    let rig = Rig::new().await;
    let tool = json!({"enabled": true, "type": "builtin", "provider_name": "maths", "tool_name": "eval_expression",
        "parameters": {"expression": {"auto": 1, "value": null}}, "settings": {}, "schemas": [], "extra": {"description": "sums"}});
    let model = |name: &str| {
        json!({"provider": "oxidify/scripted", "model": name, "model_type": "llm", "mode": "chat",
        "completion_params": {"arguments": "{\"expression\": \"6*7\"}"}})
    };
    let node = |provider: &str, strategy: &str, name: &str| {
        json!({"type": "agent", "agent_strategy_provider_name": provider, "agent_strategy_name": strategy,
            "agent_parameters": {
                "model": {"type": "constant", "value": model(name)},
                "tools": {"type": "constant", "value": [tool]},
                "instruction": {"type": "mixed", "value": "Be brief."},
                "query": {"type": "mixed", "value": "{{#sys.query#}}"},
                "maximum_iterations": {"type": "constant", "value": 3}}})
    };
    let flow = |node: Json| {
        let nodes =
            [("s", start(json!([]))), ("agent", node), ("a", json!({"type": "answer", "answer": "{{#agent.text#}}"}))];
        graph(&nodes, &[("s", "source", "agent"), ("agent", "source", "a")])
    };
    let app = rig
        .graph_app("advanced-chat", flow(node("langgenius/agent/agent", "function_calling", "tools")), Draft::default())
        .await;
    let events = rig.post("/v1/chat-messages", &app, ask("How much?")).await.events();
    let logs = of(&events, "agent_log");
    let told: Vec<String> = logs
        .iter()
        .map(|event| {
            let data = &event["data"];
            assert_eq!(data["node_id"], "agent");
            format!("{} {}", data["label"].as_str().unwrap(), data["status"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            "ROUND 1 start",
            "tools Thought start",
            "tools Thought success",
            "CALL eval_expression start",
            "CALL eval_expression success",
            "ROUND 1 success",
            "ROUND 2 start",
            "tools Thought start",
            "tools Thought success",
            "ROUND 2 success"
        ]
    );
    assert_eq!(logs[1]["data"]["parent_id"], logs[0]["data"]["id"]);
    assert!(logs[2]["data"]["metadata"]["total_tokens"].is_u64());
    let done = of(&events, "node_finished").into_iter().find(|event| event["data"]["node_type"] == "agent").unwrap();
    let data = &done["data"];
    assert_eq!((&data["status"], &data["outputs"]["text"]), (&json!("succeeded"), &json!("42")), "{data}");
    assert_eq!(data["execution_metadata"]["agent_log"].as_array().unwrap().len(), 5);
    assert!(data["execution_metadata"]["total_tokens"].as_u64().unwrap() > 0);
    assert_eq!(data["outputs"]["usage"]["total_tokens"], data["execution_metadata"]["total_tokens"]);
    let end = of(&events, "message_end")[0];
    assert_eq!(end["metadata"]["usage"]["total_tokens"], data["execution_metadata"]["total_tokens"]);

    let unknown =
        rig.graph_app("advanced-chat", flow(node("langgenius/agent/agent", "dream", "tools")), Draft::default()).await;
    let events = rig.post("/v1/chat-messages", &unknown, ask("How much?")).await.events();
    let end = events.last().unwrap();
    assert!(end["message"].as_str().unwrap().contains("no agent strategy 'dream'"), "{end}");

    let planned = rig
        .graph_app("advanced-chat", flow(node("oxidify/agent/agent", "plan_execute", "echo")), Draft::default())
        .await;
    let events = rig.post("/v1/chat-messages", &planned, ask("Do it")).await.events();
    assert_eq!(of(&events, "workflow_finished")[0]["data"]["status"], "succeeded");
}
