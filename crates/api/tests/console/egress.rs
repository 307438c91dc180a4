//! Where calls of users may go: the cases of the egress contract that need the server around them, files by address,
//! and the network rules of a workspace.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use ox_net::{Delegation, DomainRule, Egress, Policy, Resolved, Resolver, Search};
use serde_json::{Value, json};

use crate::support::{Answer, Session, TestServer, app_file};

/// `pub.test` is public, `*.priv.test` and `priv.test` are 10.0.0.5, everything else is this machine.
#[derive(Default)]
struct Names {
    asked: AtomicUsize,
}

#[async_trait::async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str, _: Search) -> io::Result<Resolved> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let address = match name {
            "pub.test" => "93.184.216.34",
            "meta.test" => "169.254.169.254",
            name if name.ends_with("priv.test") => "10.0.0.5",
            _ => "127.0.0.1",
        };
        Ok(Resolved { addresses: vec![address.parse().unwrap()], chain: Vec::new() })
    }
}

struct Rig {
    server: TestServer,
    names: Arc<Names>,
    owner: Session,
}

impl Rig {
    async fn new(policy: Policy) -> Self {
        let names = Arc::new(Names::default());
        let server = TestServer::sqlite_on(Egress::with_resolver(policy, names.clone())).await;
        let owner = server.owner().await;
        Self { server, names, owner }
    }

    fn asked(&self) -> usize {
        self.names.asked.load(Ordering::SeqCst)
    }

    async fn rules(&self, body: Value) -> Answer {
        self.server.console(&self.owner, Method::PUT, RULES, Some(body)).await
    }

    /// What a look at an address gives.
    async fn look(&self, url: &str) -> Answer {
        self.server.get(&self.owner, &format!("/remote-files/{}", encoded(url))).await
    }

    /// A published page: its code and a passport.
    async fn page(&self, app: &str) -> (String, String) {
        let view = self.server.get(&self.owner, &format!("/apps/{app}")).await.json();
        let code = view["site"]["code"].as_str().or_else(|| view["site"]["access_token"].as_str()).unwrap().to_owned();
        let request = Request::get("/api/passport").header("x-app-code", &code);
        let passport = self.server.send(request.body(Body::empty()).unwrap()).await;
        let token = passport.json()["access_token"].as_str().unwrap().to_owned();
        (code, token)
    }

    async fn visit(&self, page: &(String, String), method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(format!("/api{path}"));
        let request = request.header("x-app-code", &page.0).header("x-app-passport", &page.1);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.server
            .send(request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap())
            .await
    }
}

const RULES: &str = "/workspaces/current/network-rules";

fn encoded(url: &str) -> String {
    url.replace('%', "%25").replace(':', "%3A").replace('/', "%2F").replace('?', "%3F")
}

fn opened(names: &[&str]) -> Policy {
    let rules = names.iter().map(|name| DomainRule::parse(name).unwrap()).collect();
    Policy { allow_private_domains: rules, ..Policy::default() }
}

fn delegated(to: Delegation) -> Policy {
    Policy { workspace_private: to, ..Policy::default() }
}

async fn answer(State(seen): State<Arc<AtomicUsize>>, request: Request<Body>) -> Response {
    seen.fetch_add(1, Ordering::SeqCst);
    match request.uri().path() {
        "/no-head" if request.method() == Method::HEAD => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        "/gone" => StatusCode::NOT_FOUND.into_response(),
        "/huge" => vec![0_u8; 16 << 20].into_response(),
        "/hop" => (StatusCode::FOUND, [(header::LOCATION, "http://x.priv.test/")]).into_response(),
        _ => ([(header::CONTENT_TYPE, "image/png")], b"\x89PNG\r\n\x1a\nrest".to_vec()).into_response(),
    }
}

/// A server that answers every path; its port, and how often it was asked.
async fn origin() -> (u16, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, seen)
}

#[tokio::test]
async fn case_113_strangers_make_no_calls() {
    let rig = Rig::new(Policy::default()).await;
    let look = format!("/remote-files/{}", encoded("http://priv.test/x.png"));
    for surface in ["/console/api", "/api"] {
        for (method, path) in [(Method::GET, look.as_str()), (Method::POST, "/remote-files/upload")] {
            let request = Request::builder().method(method.clone()).uri(format!("{surface}{path}"));
            let body = json!({"url": "http://priv.test/x.png"}).to_string();
            let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap();
            let answer = rig.server.send(request).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {surface}{path}: {}", answer.text);
        }
    }
    assert_eq!(rig.asked(), 0, "no name was looked up for a stranger");
}

/// The app, taking images by upload and by address.
fn with_files(app: &str) -> String {
    let feature = r#"features: {file_upload: {enabled: true, allowed_file_types: [image], allowed_file_upload_methods: [local_file, remote_url], number_limits: 3}}"#;
    let with = app.replace("features: {}", feature);
    assert_ne!(with, app);
    with
}

#[tokio::test]
async fn case_114_visitors_reach_no_private_address() {
    let rig = Rig::new(opened(&["files.test"])).await;
    let (port, seen) = origin().await;
    let (app, _) = rig.server.app(&rig.owner, &with_files(&app_file("chatflow"))).await;
    let page = rig.page(&app).await;
    for url in ["http://priv.test/x.png", "http://meta.test/", "http://127.0.0.1:5001/x.png", "file:///etc/passwd"] {
        let looked = rig.visit(&page, Method::GET, &format!("/remote-files/{}", encoded(url)), None).await;
        let kept = rig.visit(&page, Method::POST, "/remote-files/upload", Some(json!({"url": url}))).await;
        for answer in [looked, kept] {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "remote_file_upload_error"), "{url}");
            assert!(answer.text.contains("blocked by SSRF protection"), "{}", answer.text);
        }
    }
    let file = json!({"type": "image", "transfer_method": "remote_url", "url": "http://priv.test/x.png"});
    let chat = json!({"inputs": {}, "query": "look", "files": [file], "response_mode": "streaming"});
    let answer = rig.visit(&page, Method::POST, "/chat-messages", Some(chat)).await;
    assert!(answer.text.contains("private_ip") || answer.status == 400, "{}", answer.text);
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    let url = format!("http://files.test:{port}/a%20cat");
    let kept = rig.visit(&page, Method::POST, "/remote-files/upload", Some(json!({"url": url}))).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text);
    let kept = kept.json();
    assert_eq!(
        (&kept["name"], &kept["mime_type"], &kept["size"]),
        (&json!("a cat.png"), &json!("image/png"), &json!(12))
    );
    assert!(kept["url"].as_str().unwrap().contains("sign="), "{kept}");
}

#[tokio::test]
async fn files_by_address_in_the_console() {
    let rig = Rig::new(opened(&["files.test"])).await;
    let (port, _) = origin().await;
    let url = |path: &str| format!("http://files.test:{port}{path}");
    for path in ["/cat", "/no-head"] {
        let found = rig.look(&url(path)).await;
        assert_eq!(found.json(), json!({"file_type": "image/png", "file_length": 12}), "{path}");
    }
    for (path, status, code, text) in [
        ("/gone", 400, "remote_file_upload_error", "404"),
        ("/huge", 413, "file_too_large", "limit"),
        ("/hop", 400, "remote_file_upload_error", "private_ip"),
    ] {
        let answer = rig.server.post(&rig.owner, "/remote-files/upload", json!({"url": url(path)})).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{path}: {}", answer.text);
        assert!(answer.text.contains(text), "{path}: {}", answer.text);
    }
    let kept = rig.server.post(&rig.owner, "/remote-files/upload", json!({"url": url("/cat.png?x=1")})).await;
    assert_eq!((kept.status.as_u16(), kept.json()["name"].as_str()), (201, Some("cat.png")), "{}", kept.text);
}

#[tokio::test]
async fn case_115_an_import_reaches_no_private_address() {
    let rig = Rig::new(Policy::default()).await;
    for (url, reason) in [("http://lo.test/a.yml", "private_ip"), ("http://meta.test/a.yml", "metadata")] {
        let body = json!({"mode": "yaml-url", "yaml_url": url});
        let answer = rig.server.post(&rig.owner, "/apps/imports", body).await.json();
        assert_eq!(answer["status"], "failed", "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{answer}");
    }
}

#[tokio::test]
async fn case_120_a_sink_of_the_tenant_needs_the_operator() {
    for (policy, status) in [
        (Policy::default(), 400),
        (Policy { allow_private_nets: vec!["10.0.0.5/32".parse().unwrap()], ..Policy::default() }, 202),
    ] {
        let rig = Rig::new(policy).await;
        let (_, key) = rig.server.app(&rig.owner, &app_file("passthrough")).await;
        let body = json!({
            "inputs": {"query": "x"}, "user": "ann", "response_mode": "async",
            "result_webhook": {"url": "http://10.0.0.5:4318/sink"},
        });
        let answer = rig.server.v1(&key, Method::POST, "/workflows/run", Some(body)).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert_eq!(answer.text.contains("SSRF_PROXY_ALLOW_PRIVATE_IPS=10.0.0.5"), status == 400, "{}", answer.text);
    }
}

#[tokio::test]
async fn network_rules_are_for_owners_and_admins() {
    let rig = Rig::new(Policy::default()).await;
    let none = json!({"only_listed": false, "allowed": [], "private": [], "private_offered": false});
    assert_eq!(rig.server.get(&rig.owner, RULES).await.json(), none);
    let editor = rig.server.member(&rig.owner, "editor@example.com", "editor").await;
    assert_eq!(rig.server.get(&editor, RULES).await.status, StatusCode::FORBIDDEN);
    let refused = rig.server.console(&editor, Method::PUT, RULES, Some(json!({"only_listed": true}))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let admin = rig.server.member(&rig.owner, "admin@example.com", "admin").await;
    let body = json!({"only_listed": true, "allowed": [" pub.test ", "", "PUB.test", "10.0.0.0/8:443"]});
    let kept = rig.server.console(&admin, Method::PUT, RULES, Some(body)).await;
    assert_eq!(kept.json()["allowed"], json!(["pub.test", "10.0.0.0/8:443"]), "{}", kept.text);
    assert_eq!(rig.server.get(&rig.owner, RULES).await.json()["only_listed"], true);
    for (body, text) in [
        (json!({"allowed": ["http://pub.test/"]}), "'http://pub.test/' is neither a host"),
        (json!({"private": ["10.0.0.5"]}), "OXIDIFY_EGRESS_WORKSPACE_PRIVATE"),
        (json!({"allowed": (0..501).map(|n| format!("h{n}.test")).collect::<Vec<_>>()}), "At most 500"),
    ] {
        let answer = rig.rules(body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "invalid_param"), "{}", answer.text);
        assert!(answer.text.contains(text), "{}", answer.text);
    }
    assert_eq!(rig.server.get(&rig.owner, RULES).await.json()["allowed"].as_array().unwrap().len(), 2);
    let tenant = ox_app::workspaces::first(&rig.server.services).await.unwrap().unwrap();
    let events = ox_db::repo::audit::list(&rig.server.services.db, tenant, ox_db::Page::first(50)).await.unwrap();
    let event = events.items.iter().find(|event| event.action == "workspace.network").unwrap();
    assert_eq!(event.after.as_ref().unwrap()["only_listed"], true);
    assert_eq!(event.before.as_ref().unwrap()["only_listed"], false);
}

#[tokio::test]
async fn a_workspace_keeps_to_what_it_lists() {
    let rig = Rig::new(opened(&["files.test", "other.test"])).await;
    let (port, seen) = origin().await;
    let (files, other) = (format!("http://files.test:{port}/a.png"), format!("http://other.test:{port}/a.png"));
    assert_eq!(rig.look(&other).await.status, StatusCode::OK);
    assert_eq!(rig.rules(json!({"only_listed": true, "allowed": ["files.test"]})).await.status, StatusCode::OK);
    assert_eq!(rig.look(&files).await.status, StatusCode::OK);
    let (asked, calls) = (rig.asked(), seen.load(Ordering::SeqCst));
    let refused = rig.look(&other).await;
    assert!(refused.text.contains("(allowlist)") && refused.text.contains("Settings, Network"), "{}", refused.text);
    assert_eq!((rig.asked(), seen.load(Ordering::SeqCst)), (asked, calls), "neither looked up nor called");
    // What the operator denies stays denied, and metadata with it.
    assert_eq!(rig.rules(json!({"only_listed": true, "allowed": ["priv.test", "meta.test"]})).await.status, 200);
    assert!(rig.look("http://priv.test/").await.text.contains("(private_ip)"));
    assert!(rig.look("http://meta.test/").await.text.contains("(metadata)"));
    // Another workspace has its own rules: none.
    let (services, password) = (&rig.server.services, crate::support::PASSWORD);
    ox_app::workspaces::create_with_owner(services, "Other", "stranger@example.com", password).await.unwrap();
    let stranger = rig.server.login("stranger@example.com").await;
    let looked = rig.server.get(&stranger, &format!("/remote-files/{}", encoded(&other))).await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
}

#[tokio::test]
async fn a_workspace_opens_what_the_operator_lets_it() {
    let within = Delegation::Within { nets: vec!["127.0.0.0/8".parse().unwrap()], domains: Vec::new() };
    let rig = Rig::new(delegated(within)).await;
    let (port, _) = origin().await;
    let (plain, named) = (format!("http://127.0.0.1:{port}/a.png"), format!("http://files.test:{port}/a.png"));
    let refused = rig.look(&plain).await;
    assert!(
        refused.text.contains("An owner or admin of the workspace can allow it in Settings, Network"),
        "{}",
        refused.text
    );
    let mine = json!([format!("127.0.0.1:{port}"), "10.0.0.5", "files.test", "169.254.169.254", "intranet"]);
    let kept = rig.rules(json!({"private": mine})).await;
    assert_eq!((kept.status, &kept.json()["private_offered"]), (StatusCode::OK, &json!(true)), "{}", kept.text);
    for url in [&plain, &named, &format!("http://intranet:{port}/")] {
        let looked = rig.look(url).await;
        assert_eq!(looked.status, StatusCode::OK, "{url}: {}", looked.text);
    }
    for (url, reason) in [
        ("http://10.0.0.5/", "private_ip"),
        ("http://127.0.0.1:1026/", "private_ip"),
        ("http://169.254.169.254/", "metadata"),
    ] {
        let looked = rig.look(url).await;
        assert!(looked.text.contains(&format!("({reason})")), "{url}: {}", looked.text);
    }
    // The operator takes it back.
    rig.server.services.egress.set_policy(Policy::default());
    assert!(rig.look(&plain).await.text.contains("(private_ip)"));
}

const CALL: &str = r#"
app: {mode: workflow, name: Caller}
kind: app
version: 0.4.0
workflow:
  graph:
    edges:
      - {source: start, target: call, sourceHandle: source, targetHandle: target}
      - {source: call, target: end, sourceHandle: source, targetHandle: target}
    nodes:
      - id: start
        data: {type: start, title: Start, variables: [{variable: url, label: url, type: text-input, required: true, max_length: 200}]}
      - id: call
        data:
          type: http-request
          title: Call
          method: get
          url: '{{#start.url#}}'
          headers: ''
          params: ''
          body: {type: none, data: []}
          authorization: {type: no-auth, config: null}
          timeout: {connect: 5, read: 5, write: 5}
          retry_config: {retry_enabled: false, max_retries: 0, retry_interval: 100}
      - id: end
        data: {type: end, title: End, outputs: [{variable: status, value_selector: [call, status_code]}]}
"#;

#[tokio::test]
async fn nodes_keep_to_the_rules_of_their_workspace() {
    let rig = Rig::new(delegated(Delegation::Everything)).await;
    let (port, _) = origin().await;
    let (_, key) = rig.server.app(&rig.owner, CALL).await;
    let run = async || {
        let url = format!("http://files.test:{port}/a.png");
        let body = json!({"inputs": {"url": url}, "user": "ann", "response_mode": "blocking"});
        rig.server.v1(&key, Method::POST, "/workflows/run", Some(body)).await.json()["data"].clone()
    };
    let refused = run().await;
    assert_eq!(refused["status"], "failed", "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("Settings, Network"), "{refused}");
    assert_eq!(rig.rules(json!({"private": ["files.test"]})).await.status, StatusCode::OK);
    let passed = run().await;
    assert_eq!((&passed["status"], &passed["outputs"]["status"]), (&json!("succeeded"), &json!(200)), "{passed}");
    assert_eq!(rig.rules(json!({"private": ["files.test"], "only_listed": true})).await.status, StatusCode::OK);
    let narrowed = run().await;
    assert!(narrowed["error"].as_str().unwrap_or_default().contains("(allowlist)"), "{narrowed}");
}
