use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ox_net::{Egress, Policy};
use ox_nodes::CallMessage;
use serde_json::{Map, Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{body_partial_json, header, method, path},
};

use super::{events::Reader, *};

fn open() -> Egress {
    ox_net::install_crypto_provider();
    let (policy, _) = Policy::from_env(|name| (name == "SSRF_PROXY_ALLOW_PRIVATE_IPS").then(|| "127.0.0.1".to_owned()));
    Egress::new(policy)
}

fn at(url: String) -> Server {
    Server {
        url,
        headers: vec![("X-Key".into(), "k".into())],
        token: None,
        timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(2),
    }
}

fn answer(request: &Request, result: &Value) -> Value {
    let asked: Value = serde_json::from_slice(&request.body).unwrap();
    json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})
}

async fn on(server: &MockServer, name: &str, reply: impl Fn(&Request) -> ResponseTemplate + Send + Sync + 'static) {
    Mock::given(method("POST")).and(body_partial_json(json!({"method": name}))).respond_with(reply).mount(server).await;
}

/// A server that greets, and keeps a session.
async fn greeting() -> MockServer {
    let server = MockServer::start().await;
    on(&server, "initialize", |request| {
        let about =
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "T", "version": "1"}});
        ResponseTemplate::new(200).set_body_json(answer(request, &about)).insert_header("mcp-session-id", "s1")
    })
    .await;
    on(&server, "notifications/initialized", |_| ResponseTemplate::new(202)).await;
    server
}

#[test]
fn events_are_cut_anywhere() {
    let text = ": hello\r\nevent: message\r\ndata: {\"a\":\r\ndata: 1}\r\nid: 7\r\n\r\ndata: ü\n\n\ndata: open";
    for size in 1..text.len() {
        let mut reader = Reader::default();
        let events: Vec<_> = text.as_bytes().chunks(size).flat_map(|piece| reader.take(piece).unwrap()).collect();
        assert_eq!(events.len(), 2, "{size}");
        assert_eq!(
            (events[0].data.as_str(), events[0].id.as_deref(), events[1].data.as_str()),
            ("{\"a\":\n1}", Some("7"), "ü")
        );
    }
    let mut reader = Reader::default();
    assert!((0..100).any(|_| reader.take(&[b'x'; 100_000]).is_err()));
}

#[tokio::test]
async fn a_session_from_greeting_to_end() {
    let server = greeting().await;
    on(&server, "tools/list", |request| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let tool = |name: &str| json!({"name": name, "description": "D", "inputSchema": {"type": "object", "required": ["n"],
            "properties": {"n": {"type": "integer", "description": "N"}, "way": {"enum": ["a", "b"]}, "o": {"anyOf": [{"type": "object"}, {"type": "null"}]}}}});
        let page = match asked["params"]["cursor"].as_str() {
            None => json!({"tools": [tool("one")], "nextCursor": "2"}),
            Some(_) => json!({"tools": [tool("two")]}),
        };
        // Others' messages and the server's own questions come first.
        let events = format!(
            "event: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{}}}}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"ping\"}}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":12345,\"result\":{{}}}}\n\nevent: message\ndata: {}\n\n",
            answer(request, &page)
        );
        ResponseTemplate::new(200).set_body_raw(events, "text/event-stream")
    })
    .await;
    on(&server, "tools/call", |request| {
        let content = json!([{"type": "text", "text": "{\"a\":1}"}, {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "file:///x/notes.txt", "text": "notes"}}, {"type": "resource_link", "uri": "https://a.test", "name": "n"}, {"type": "hologram"}]);
        ResponseTemplate::new(200).set_body_json(answer(request, &json!({"content": content})))
    })
    .await;
    Mock::given(method("POST"))
        .and(body_partial_json(json!({"id": 99, "result": {}})))
        .respond_with(ResponseTemplate::new(202))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .and(header("mcp-session-id", "s1"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let mut session = Session::open(&open(), &at(format!("{}/mcp", server.uri()))).await.unwrap();
    assert_eq!(session.about["serverInfo"]["name"], "T");
    let tools = session.tools().await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let view = tools[0].view("");
    let kinds: Vec<_> = view.parameters.iter().map(|p| (p.name.as_str(), p.kind.as_str(), p.required)).collect();
    assert_eq!(kinds, [("n", "number", true), ("way", "select", false), ("o", "object", false)]);
    let said = session.call("one", Map::new()).await.unwrap();
    assert!(!said.is_error);
    assert!(
        matches!(&said.messages[..], [CallMessage::Text(_), CallMessage::Blob { mime, .. }, CallMessage::Text(notes), CallMessage::Link(url), CallMessage::Json(data)]
            if mime == "image/png" && notes == "notes" && url == "https://a.test" && data["a"] == 1),
        "{:?}",
        said.messages
    );
    session.close().await;
    for request in server.received_requests().await.unwrap() {
        assert_eq!(request.headers["x-key"], "k");
        let greets = String::from_utf8_lossy(&request.body).contains("\"initialize\"");
        assert_eq!(request.headers.get("mcp-protocol-version").is_some(), !greets);
    }
}

#[tokio::test]
async fn a_forgotten_session_begins_again() {
    let server = greeting().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    on(&server, "tools/list", move |request| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => ResponseTemplate::new(404),
        _ => ResponseTemplate::new(200).set_body_json(answer(request, &json!({"tools": []}))),
    })
    .await;
    let mut session = Session::open(&open(), &at(server.uri())).await.unwrap();
    assert!(session.tools().await.unwrap().is_empty());
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn servers_that_lie() {
    // What is at the address, and what is said of it.
    for (template, why) in [
        (ResponseTemplate::new(200).set_body_string("<html>hello</html>"), "does not answer as an MCP server"),
        (ResponseTemplate::new(404).set_body_string("gone"), "HTTP 404 Not Found"),
        (ResponseTemplate::new(500).set_body_string("oops"), "HTTP 500 Internal Server Error: oops"),
        (
            ResponseTemplate::new(200).set_body_json(json!({"jsonrpc": "2.0", "id": 77, "result": {}})),
            "something that was not asked",
        ),
        (
            ResponseTemplate::new(200)
                .set_body_json(json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}})),
            "answers with an error: no (-1)",
        ),
        (
            ResponseTemplate::new(200)
                .set_body_json(json!({"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "1999"}})),
            "protocol version '1999'",
        ),
        (ResponseTemplate::new(202), "does not answer a request"),
        (ResponseTemplate::new(200).set_body_raw("data: {oops\n\n", "text/event-stream"), "an event is not JSON"),
        (ResponseTemplate::new(200).set_body_raw("data: {}\n\n", "text/event-stream"), "ends without an answer"),
        (
            ResponseTemplate::new(200).set_body_raw("data: {}\n\n".repeat(20_000), "text/event-stream"),
            "more than 10000 messages",
        ),
        (ResponseTemplate::new(200).set_body_raw(vec![b'x'; 9 << 20], "application/json"), "larger than the 8 MB"),
        (ResponseTemplate::new(200).set_delay(Duration::from_secs(30)), "no answer"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(template).mount(&server).await;
        let error = Session::open(&open(), &at(server.uri())).await.err().unwrap().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    let server = greeting().await;
    on(&server, "tools/list", |request| {
        let more = json!({"tools": [{"name": "same"}], "nextCursor": "again"});
        ResponseTemplate::new(200).set_body_json(answer(request, &more))
    })
    .await;
    on(&server, "tools/call", |request| {
        ResponseTemplate::new(200)
            .set_body_json(answer(request, &json!({"content": [{"type": "text", "text": "bad n"}], "isError": true})))
    })
    .await;
    let mut session = Session::open(&open(), &at(server.uri())).await.unwrap();
    assert!(session.tools().await.unwrap_err().to_string().contains("does not end"));
    let said = session.call("x", Map::new()).await.unwrap();
    assert_eq!((said.is_error, said.text.as_str()), (true, "bad n"));
    let shut = Session::open(&Egress::new(Policy::default()), &at(server.uri())).await.err().unwrap();
    assert!(shut.to_string().contains("blocked by SSRF protection"), "{shut}");
}

#[tokio::test]
async fn signing_in() {
    let server = MockServer::start().await;
    let base = server.uri();
    let refusal = format!("Bearer error=\"invalid_token\", resource_metadata=\"{base}/meta\", scope=\"read\"");
    Mock::given(method("POST"))
        .and(path("/mcp"))
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", refusal.as_str()))
        .mount(&server)
        .await;
    let get = |way: &str, body: Value| {
        Mock::given(method("GET")).and(path(way)).respond_with(ResponseTemplate::new(200).set_body_json(body))
    };
    get("/meta", json!({"resource": format!("{base}/mcp"), "authorization_servers": [format!("{base}/auth")], "scopes_supported": ["read", "write"]})).mount(&server).await;
    get("/.well-known/oauth-authorization-server/auth", json!({"issuer": format!("{base}/auth"), "authorization_endpoint": format!("{base}/authorize?x=1"),
        "token_endpoint": format!("{base}/token"), "registration_endpoint": format!("{base}/register"), "code_challenge_methods_supported": ["S256"]})).mount(&server).await;
    Mock::given(method("POST"))
        .and(path("/register"))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({"client_id": "c1"})))
        .mount(&server)
        .await;
    Mock::given(method("POST")).and(path("/token")).respond_with(|request: &Request| {
        let form: std::collections::HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        match form["grant_type"].as_str() {
            "authorization_code" if form["code"] == "good" && form["client_id"] == "c1" && form["code_verifier"].len() == 43 => {
                ResponseTemplate::new(200).set_body_json(json!({"access_token": "a1", "refresh_token": "r1", "expires_in": 3600, "token_type": "Bearer"}))
            }
            "refresh_token" if form["refresh_token"] == "r1" => ResponseTemplate::new(200).set_body_json(json!({"access_token": "a2"})),
            _ => ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"})),
        }
    }).mount(&server).await;
    let egress = open();
    let Err(Error::Unauthorized { metadata, scope }) = Session::open(&egress, &at(format!("{base}/mcp"))).await else {
        panic!()
    };
    assert_eq!((metadata.as_deref(), scope.as_deref()), (Some(format!("{base}/meta").as_str()), Some("read")));
    let authority = oauth::discover(&egress, &format!("{base}/mcp"), metadata.as_deref()).await.unwrap();
    assert_eq!((authority.scope.as_deref(), authority.token_endpoint), (Some("read write"), format!("{base}/token")));
    let authority = oauth::discover(&egress, &format!("{base}/mcp"), Some(&format!("{base}/meta"))).await.unwrap();
    let client = oauth::register(&egress, &authority, "https://studio.test/cb").await.unwrap();
    let verifier = oauth::secret();
    let url = oauth::authorization_url(&authority, &client, "https://studio.test/cb", "st", &verifier).unwrap();
    for part in [
        "?x=1&response_type=code&client_id=c1",
        "redirect_uri=https%3A%2F%2Fstudio.test%2Fcb",
        "state=st",
        "code_challenge_method=S256",
        "scope=read+write",
        "resource=",
    ] {
        assert!(url.contains(part), "{part}: {url}");
    }
    let tokens =
        oauth::exchange(&egress, &authority, &client, "https://studio.test/cb", ("good", &verifier)).await.unwrap();
    assert_eq!((tokens.access_token.as_str(), tokens.expires_in), ("a1", Some(3600)));
    let fresh = oauth::refresh(&egress, &authority, &client, "r1").await.unwrap();
    assert_eq!((fresh.access_token.as_str(), fresh.refresh_token.as_deref()), ("a2", Some("r1")));
    let refused =
        oauth::exchange(&egress, &authority, &client, "https://studio.test/cb", ("bad", &verifier)).await.unwrap_err();
    assert!(refused.to_string().contains("invalid_grant"), "{refused}");
    // A server that says it is another gets no sign-in.
    let liar = MockServer::start().await;
    Mock::given(path("/.well-known/oauth-protected-resource"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(
                json!({"resource": "https://bank.test/", "authorization_servers": ["https://evil.test"]}),
            ),
        )
        .mount(&liar)
        .await;
    assert!(oauth::discover(&egress, &liar.uri(), None).await.unwrap_err().to_string().contains("another server"));
    // Second-order addresses are checked as the first ones are.
    let inner = MockServer::start().await;
    Mock::given(path("/.well-known/oauth-protected-resource"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"resource": inner.uri(), "authorization_servers": ["http://169.254.169.254/"]})),
        )
        .mount(&inner)
        .await;
    assert!(
        oauth::discover(&egress, &inner.uri(), None)
            .await
            .unwrap_err()
            .to_string()
            .contains("blocked by SSRF protection")
    );
}

#[test]
fn parameters_hold_what_they_refer_to() {
    let view = |schema: Value| {
        let tool = McpTool { name: "t".into(), input_schema: schema, ..McpTool::default() };
        tool.view("")
            .parameters
            .into_iter()
            .map(|parameter| (parameter.kind, parameter.input_schema))
            .collect::<Vec<_>>()
    };
    let schema = json!({"type": "object",
        "properties": {
            "a place": {"$ref": "#/$defs/Place", "description": "Where."},
            "b unit": {"$ref": "#/$defs/Unit"},
            "c places": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
            "d gone": {"$ref": "#/$defs/Gone"},
            "e outside": {"$ref": "https://evil.test/schema.json"}},
        "$defs": {
            "Place": {"type": "object", "description": "A place.", "properties": {"city": {"type": "string"}}},
            "Unit": {"type": "string", "enum": ["C", "F"]}}});
    let place = |text: &str| json!({"type": "object", "description": text, "properties": {"city": {"type": "string"}}});
    let expected = [
        ("object", place("Where.")),
        ("select", json!({"type": "string", "enum": ["C", "F"]})),
        ("array", json!({"type": "array", "items": place("A place.")})),
        ("object", json!({"type": "object"})),
        ("object", json!({"type": "object"})),
    ];
    assert_eq!(view(schema), expected.map(|(kind, schema)| (kind.to_owned(), schema)));
}

#[test]
fn schemas_with_cycles_end() {
    let mut definitions = json!({
        "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "all": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}},
        "A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"},
        "D0": {"type": "string"},
    });
    for n in 1..30 {
        let below = json!({"$ref": format!("#/$defs/D{}", n - 1)});
        definitions[format!("D{n}")] = json!({"type": "object", "properties": {"a": below, "b": below}});
    }
    for start in ["#/$defs/Node", "#/$defs/A", "#", "#/properties/x", "#/$defs/D29"] {
        let schema = json!({"type": "object", "properties": {"x": {"$ref": start}}, "$defs": definitions});
        let tool = McpTool { name: "t".into(), input_schema: schema, ..McpTool::default() };
        let parameters = tool.view("").parameters;
        let text = parameters[0].input_schema.to_string();
        assert_eq!((parameters.len(), parameters[0].kind.as_str()), (1, "object"), "{start}");
        assert!(text.len() < 200_000 && !text.contains("$ref"), "{start}: {text:.300}");
    }
}
