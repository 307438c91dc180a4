//! The real router over a throw-away database: requests in, answers out, no socket.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use base64::Engine as _;
use http_body_util::BodyExt as _;
use ox_app::{Parts, Services, Settings};
use ox_db::Database;
use ox_testkit::TestDb;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const PASSWORD: &str = "correct horse 1";

/// A server without a port.
pub struct TestServer {
    pub router: Router,
    pub services: Arc<Services>,
    _home: tempfile::TempDir,
    _database: Option<TestDb>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A signed-in browser: its cookies.
#[derive(Clone, Default)]
pub struct Session {
    pub cookies: Vec<(String, String)>,
}

impl Session {
    pub fn header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub fn csrf(&self) -> String {
        self.cookies.iter().find(|(name, _)| name == "csrf_token").map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub fn keep(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let pair = value.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl TestServer {
    /// On a database of the caller's.
    pub async fn start(database: Database) -> Self {
        Self::with(database, &[]).await
    }

    /// On a SQLite database of its own.
    pub async fn sqlite() -> Self {
        Self::sqlite_with(&[]).await
    }

    /// On a SQLite database of its own, with settings.
    pub async fn sqlite_with(environment: &[(&str, &str)]) -> Self {
        let database = ox_testkit::sqlite().await.unwrap();
        let server = Self::with(database.database.clone(), environment).await;
        Self { _database: Some(database), ..server }
    }

    /// On a SQLite database of its own, with a way out of the caller's.
    pub async fn sqlite_on(egress: ox_net::Egress) -> Self {
        let database = ox_testkit::sqlite().await.unwrap();
        let server = Self::built(database.database.clone(), &[], egress, no_code()).await;
        Self { _database: Some(database), ..server }
    }

    /// On a database of the caller's, with settings, and a way to services of this machine.
    pub async fn reaching(database: Database, environment: &[(&str, &str)]) -> Self {
        let nets = vec!["127.0.0.1/32".parse().unwrap()];
        let policy = ox_net::Policy { allow_private_nets: nets, ..ox_net::Policy::default() };
        Self::built(database, environment, ox_net::Egress::new(policy), no_code()).await
    }

    async fn with(database: Database, environment: &[(&str, &str)]) -> Self {
        Self::built(database, environment, no_way_in(), no_code()).await
    }

    /// On a database of the caller's, with code that runs in a way of the test's.
    pub async fn with_code(database: Database, code: Arc<dyn ox_sandbox::CodeRunner>) -> Self {
        Self::built(database, &[], no_way_in(), code).await
    }

    async fn built(
        database: Database,
        environment: &[(&str, &str)],
        egress: ox_net::Egress,
        code: Arc<dyn ox_sandbox::CodeRunner>,
    ) -> Self {
        ox_net::install_crypto_provider();
        let home = tempfile::tempdir().unwrap();
        let own = ("OXIDIFY_HOME".to_owned(), home.path().display().to_string());
        let settings = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain([own]);
        let services = Services::new(Parts {
            settings: Settings::read(settings.collect()),
            db: database,
            kv: Arc::new(ox_kv::Memory::new(ox_kv::Bounds::default())),
            store: Arc::new(ox_store::Disk::open(home.path().join("storage")).await.unwrap()),
            egress,
            code,
            secret: "a secret that is long enough for tests".into(),
            old_secrets: Vec::new(),
            metrics: Arc::new(String::new),
        })
        .unwrap();
        ox_app::runs::recovery::start(&services).await.unwrap();
        Self { router: ox_api::router(Arc::clone(&services), ox_api::no_ui), services, _home: home, _database: None }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// A file in a form, to any door; `request` says who sends it.
    pub async fn send_file(
        &self,
        request: axum::http::request::Builder,
        (name, mime): (&str, &str),
        bytes: &[u8],
    ) -> Answer {
        let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx");
        self.send(request.body(Body::from(file_form(name, mime, bytes))).unwrap()).await
    }

    /// A file kept in the console.
    pub async fn keep_file(&self, session: &Session, file: (&str, &str), bytes: &[u8]) -> Answer {
        let request = Request::post("/console/api/files/upload")
            .header(header::COOKIE, session.header())
            .header("x-csrf-token", session.csrf());
        self.send_file(request, file, bytes).await
    }

    /// A console call of a session.
    pub async fn console(&self, session: &Session, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/console/api{path}"))
            .header(header::COOKIE, session.header())
            .header("x-csrf-token", session.csrf());
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()).await
    }

    pub async fn get(&self, session: &Session, path: &str) -> Answer {
        self.console(session, Method::GET, path, None).await
    }

    pub async fn post(&self, session: &Session, path: &str, body: Value) -> Answer {
        self.console(session, Method::POST, path, Some(body)).await
    }

    /// Sets up the installation and signs its owner in.
    pub async fn owner(&self) -> Session {
        let body = json!({"email": "owner@example.com", "name": "Owner", "password": PASSWORD});
        let answer = self.post(&Session::default(), "/setup", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        self.login("owner@example.com").await
    }

    pub async fn login(&self, email: &str) -> Session {
        let mut session = Session::default();
        let answer = self.try_login(email, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        session.keep(&answer.headers);
        session
    }

    pub async fn try_login(&self, email: &str, password: &str) -> Answer {
        let encoded = base64::engine::general_purpose::STANDARD.encode(password);
        self.post(&Session::default(), "/login", json!({"email": email, "password": encoded})).await
    }

    /// Invites somebody, takes the invitation for them and signs them in.
    pub async fn member(&self, owner: &Session, email: &str, role: &str) -> Session {
        let invited = self
            .post(owner, "/workspaces/current/members/invite-email", json!({"emails": [email], "role": role}))
            .await;
        assert_eq!(invited.status, StatusCode::CREATED, "{}", invited.text);
        let url = invited.json()["invitation_results"][0]["url"].as_str().unwrap().to_owned();
        let token = url.split("token=").nth(1).unwrap();
        let body = json!({"token": token, "name": "Member", "interface_language": "en-US", "timezone": "UTC", "password": PASSWORD});
        let taken = self.post(&Session::default(), "/activate", body).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.text);
        self.login(email).await
    }

    /// Imports a DSL text, publishes it, and answers its id and a key.
    pub async fn app(&self, owner: &Session, yaml: &str) -> (String, String) {
        let done = self.post(owner, "/apps/imports", json!({"mode": "yaml-content", "yaml_content": yaml})).await;
        let done = done.json();
        let id = done["app_id"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned();
        if ["workflow", "advanced-chat"].contains(&done["app_mode"].as_str().unwrap_or_default()) {
            let published = self.post(owner, &format!("/apps/{id}/workflows/publish"), json!({})).await;
            assert_eq!(published.status, StatusCode::OK, "{}", published.text);
        }
        let key = self.post(owner, &format!("/apps/{id}/api-keys"), json!({})).await;
        (id, key.json()["token"].as_str().unwrap().to_owned())
    }

    /// A Service API call.
    pub async fn v1(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()).await
    }
}

/// A form (boundary `xx`) with one file.
pub fn file_form(name: &str, mime: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--xx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {mime}\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--xx--\r\n"].concat()
}

fn no_code() -> Arc<dyn ox_sandbox::CodeRunner> {
    Arc::new(ox_sandbox::Off::default())
}

/// The default policy: nothing on this machine or a private network can be called.
fn no_way_in() -> ox_net::Egress {
    ox_net::Egress::new(ox_net::Policy::default())
}

/// A DSL file of `tests/apps`.
pub fn app_file(name: &str) -> String {
    let path = format!("{}/../../tests/apps/{name}.yml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
