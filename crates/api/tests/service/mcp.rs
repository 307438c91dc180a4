//! J: apps as tools.

use axum::{
    body::Body,
    http::{Method, Request},
};
use ox_app::mcp::{self, ServerChange};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Answer, Draft, Rig, TestApp, chatflow, end, graph, llm, passthrough, start};

struct Door<'a> {
    rig: &'a Rig,
    code: String,
}

impl Door<'_> {
    async fn raw(&self, body: &str) -> Answer {
        let path = format!("/mcp/server/{}/mcp", self.code);
        let request = Request::post(path).header("content-type", "application/json");
        self.rig.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn ask(&self, id: Json, method: &str, params: Json) -> Json {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let answer = self.raw(&body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!((&json["jsonrpc"], &json["id"]), (&json!("2.0"), &id), "{json}");
        json
    }

    async fn hello(&self) -> Json {
        let client = json!({"name": "tester", "version": "1.0"});
        self.ask(
            json!(1),
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}),
        )
        .await
    }

    async fn call(&self, arguments: Json) -> Json {
        self.ask(json!("c"), "tools/call", json!({"name": "any", "arguments": arguments})).await
    }
}

async fn door<'a>(rig: &'a Rig, app: &TestApp, parameters: Json) -> Door<'a> {
    let change = ServerChange { description: Some("What it does".into()), parameters, status: None };
    let server = mcp::create(&rig.services, &rig.owner, app.id, change).await.unwrap();
    Door { rig, code: server.server_code }
}

fn failure(answer: &Json) -> (i64, &str) {
    (answer["error"]["code"].as_i64().unwrap(), answer["error"]["message"].as_str().unwrap())
}

fn text(answer: &Json) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

fn select() -> Json {
    json!([{"variable": "lang", "label": "Language", "type": "select", "options": ["en", "fr"], "required": false}])
}

#[tokio::test]
async fn a_chatflow_is_a_tool() {
    let rig = Rig::new().await;
    let app = rig.graph_app("advanced-chat", chatflow(select(), "echo", json!({})), Draft::default()).await;
    let door = door(&rig, &app, json!({"lang": "Language of the answer"})).await;
    assert_eq!(failure(&door.call(json!({"query": "hi"})).await), (-32602, "End user not found"), "J5");
    let hello = door.hello().await;
    assert_eq!(hello["result"]["protocolVersion"], "2024-11-05", "J1 {hello}");
    assert_eq!(hello["result"]["serverInfo"]["name"], "Dify", "J1");
    assert_eq!(hello["result"]["capabilities"], json!({"tools": {"listChanged": false}}));
    assert_eq!(hello["result"]["instructions"], "What it does");
    let told = door.raw(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()).await;
    assert_eq!((told.status.as_u16(), told.text().as_str()), (202, ""), "J2");
    assert_eq!(door.ask(json!(2), "ping", json!({})).await["result"], json!({}));
    let tools = door.ask(json!(3), "tools/list", json!({})).await["result"]["tools"].clone();
    assert_eq!(tools.as_array().unwrap().len(), 1, "J3");
    assert_eq!((&tools[0]["name"], &tools[0]["description"]), (&json!("Test advanced-chat"), &json!("What it does")));
    let schema = &tools[0]["inputSchema"];
    assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!(["query"])), "J3 {schema}");
    assert_eq!(schema["properties"]["lang"]["enum"], json!(["en", "fr"]), "J3");
    assert_eq!(schema["properties"]["lang"]["description"], "Language of the answer");
    assert_eq!(text(&door.call(json!({"query": "hi there", "lang": "en"})).await), "hi there");
    assert_eq!(failure(&door.call(json!({"lang": "en"})).await), (-32602, "query is required"));
    let wrong = door.call(json!({"query": "hi", "lang": "xx"})).await;
    assert!(failure(&wrong).1.starts_with("lang in input form must be one of"), "{wrong}");
    // Each call is a conversation of its own, of the one end user of the server.
    let session = mcp::of_app(&rig.services, &rig.owner, app.id).await.unwrap().unwrap().id.to_string();
    let (db, tenant) = (&rig.services.db, rig.owner.tenant_id());
    let user = ox_db::repo::end_users::find_by_session(db, tenant, app.id, &session, "mcp").await.unwrap().unwrap();
    assert_eq!((user.kind.as_str(), user.name.as_deref()), ("mcp", Some("tester@1.0")));
}

#[tokio::test]
async fn every_mode_answers() {
    let rig = Rig::new().await;
    let chat = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let chat = door(&rig, &chat, json!({})).await;
    chat.hello().await;
    assert_eq!(text(&chat.call(json!({"query": "hello"})).await), "hello");
    let form = json!([{"paragraph": {"variable": "query", "label": "Q", "required": true}}]);
    let more = json!({"pre_prompt": "Say {{query}}", "user_input_form": form});
    let completion = rig.basic_app("completion", "echo", json!({}), more).await;
    let completion = door(&rig, &completion, json!({})).await;
    completion.hello().await;
    let tools = completion.ask(json!(1), "tools/list", json!({})).await;
    assert_eq!(tools["result"]["tools"][0]["inputSchema"]["required"], json!(["query"]), "{tools}");
    assert!(text(&completion.call(json!({"query": "this"})).await).contains("Say this"));
    let form = json!([{"variable": "城", "label": "City", "type": "text-input", "required": true}]);
    let workflow = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
    let workflow = door(&rig, &workflow, json!({})).await;
    workflow.hello().await;
    let answer = workflow.call(json!({"城": "北京"})).await;
    assert_eq!(text(&answer), "{\"城\":\"北京\"}", "J4: outputs as JSON, letters kept");
    assert!(answer["result"].get("isError").is_none());
    assert_eq!(failure(&workflow.call(json!({})).await), (-32602, "城 is required in input form"));
    let broken = graph(
        &[
            ("s", start(json!([]))),
            ("llm", llm("fail", json!({"status": 500}), "x")),
            ("e", end(&[("t", &["llm", "text"])])),
        ],
        &[("s", "source", "llm"), ("llm", "source", "e")],
    );
    let broken = rig.graph_app("workflow", broken, Draft::default()).await;
    let broken = door(&rig, &broken, json!({})).await;
    broken.hello().await;
    let answer = broken.call(json!({})).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(!text(&answer).is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_told_in_json_rpc() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let door = door(&rig, &app, json!({})).await;
    let nowhere = Door { rig: &rig, code: "aaaaaaaaaaaaaaaa".into() };
    assert_eq!(failure(&nowhere.hello().await), (-32600, "Server Not Found"), "J6");
    for (body, code, message) in [
        ("{bad", -32700, "Parse error"),
        ("[]", -32602, "Invalid MCP request"),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32602, "Invalid MCP request"),
        (r#"{"jsonrpc":"2.0","method":"ping"}"#, -32600, "Request ID is required"),
        (r#"{"jsonrpc":"2.0","method":"notifications/other"}"#, -32600, "Invalid notification method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, -32602, "Invalid MCP request"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, -32602, "Invalid MCP request"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}"#,
            -32602,
            "Invalid MCP request",
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, -32601, "Method not found: ListResourcesRequest"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#, -32601, "Method not found: server/discover"),
    ] {
        let answer = door.raw(body).await;
        assert_eq!(answer.status, 200, "{body}");
        let json = answer.json();
        let (found, text) = failure(&json);
        assert_eq!(found, code, "{body} {json}");
        assert!(text.starts_with(message), "{body} {json}");
    }
    let path = format!("/mcp/server/{}/mcp", door.code);
    assert_eq!(rig.call(Method::GET, &path, "", None).await.status, 405, "no streams");
    assert_eq!(rig.call(Method::DELETE, &path, "", None).await.status, 405, "no sessions");
}

#[tokio::test]
async fn a_server_is_switched_off_moved_and_goes_with_its_app() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", passthrough(&json!([])), Draft { publish: false, ..Draft::default() }).await;
    let mut open = door(&rig, &app, json!({})).await;
    assert_eq!(failure(&open.hello().await), (-32600, "App is unavailable"));
    ox_app::workflows::publish(&rig.services, &rig.owner, app.id, None, None).await.unwrap();
    assert!(open.hello().await.get("result").is_some());
    let server = mcp::of_app(&rig.services, &rig.owner, app.id).await.unwrap().unwrap();
    let again =
        mcp::create(&rig.services, &rig.owner, app.id, ServerChange { parameters: json!({}), ..Default::default() });
    assert_eq!(again.await.unwrap_err().status, 409);
    let set = async |status: &str| {
        let change = ServerChange { description: None, parameters: json!({"a": "b"}), status: Some(status.into()) };
        mcp::update(&rig.services, &rig.owner, app.id, server.id, change).await
    };
    assert_eq!(set("paused").await.unwrap_err().field.as_deref(), Some("status"));
    let off = set("inactive").await.unwrap();
    assert_eq!((off.description.as_str(), &off.parameters), ("What it does", &json!({"a": "b"})));
    assert_eq!(failure(&open.hello().await), (-32600, "Server is not active"));
    set("active").await.unwrap();
    let moved = mcp::refresh(&rig.services, &rig.owner, server.id).await.unwrap();
    assert_ne!(moved.server_code, open.code);
    assert_eq!(failure(&open.hello().await), (-32600, "Server Not Found"));
    open.code = moved.server_code;
    assert!(open.hello().await.get("result").is_some());
    ox_app::apps::delete(&rig.services, &rig.owner, app.id).await.unwrap();
    let gone = open.hello().await;
    assert!(["Server Not Found", "App Not Found"].contains(&failure(&gone).1), "{gone}");
}
