//! A server in a test: the real router over a throw-away SQLite database, scripted models, no network.

use std::{
    collections::HashMap,
    sync::{Arc, Once},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use ox_app::{
    Parts, Principal, Services, Settings, apps, model_config,
    principal::Role,
    workflows::{self, DraftChange},
};
use ox_types::{AppId, Json};
use serde_json::json;
use tower::ServiceExt;

pub struct Rig {
    pub services: Arc<Services>,
    pub router: Router,
    pub owner: Principal,
    _directory: tempfile::TempDir,
}

/// A published app and its key.
#[derive(Clone)]
pub struct TestApp {
    pub id: AppId,
    pub key: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: bytes::Bytes,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Events of a stream, pings removed.
    pub fn events(&self) -> Vec<Json> {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.headers[header::CONTENT_TYPE], "text/event-stream; charset=utf-8");
        self.text()
            .split("\n\n")
            .filter_map(|frame| frame.lines().find_map(|line| line.strip_prefix("data: ")))
            .map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")))
            .collect()
    }

    /// `E(status, code, text)` of the cases: the text by its beginning.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str, text: &str) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(body["status"], status);
        assert!(body["message"].as_str().unwrap().starts_with(text), "{body}");
    }

    /// An error that names these words somewhere.
    #[track_caller]
    pub fn expect_error_with(&self, status: u16, code: &str, words: &[&str]) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        for word in words {
            assert!(body["message"].as_str().unwrap().contains(word), "no {word}: {body}");
        }
    }
}

/// The names of events in their order.
pub fn names(events: &[Json]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

/// Names without repetitions in a row.
pub fn shape(events: &[Json]) -> Vec<&str> {
    let mut names = names(events);
    names.dedup();
    names
}

pub fn text_of(events: &[Json]) -> String {
    let text = |event: &Json| match event["event"].as_str() {
        Some("message") => event["answer"].as_str().map(str::to_owned),
        Some("text_chunk") => event["data"]["text"].as_str().map(str::to_owned),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let db = ox_db::Database::connect(&ox_db::DbConfig::sqlite(directory.path().join("test.db"))).await.unwrap();
        Self::over(db, directory, settings).await
    }

    /// Another process on the same data.
    pub async fn beside(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let policy = ox_net::Policy::default();
        let services = Self::services(self.services.db.clone(), directory.path(), &[], policy).await;
        ox_app::runs::recovery::start(&services).await.unwrap();
        let router = ox_api::router(Arc::clone(&services), ox_api::no_ui);
        Self { services, router, owner: self.owner.clone(), _directory: directory }
    }

    /// The same server, for the member of another workspace.
    pub fn seen_by(&self, owner: Principal) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { services: Arc::clone(&self.services), router: self.router.clone(), owner, _directory: directory }
    }

    /// A server whose calls may go to this machine.
    pub async fn near(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let db = ox_db::Database::connect(&ox_db::DbConfig::sqlite(directory.path().join("test.db"))).await.unwrap();
        let near = vec!["127.0.0.0/8".parse().unwrap()];
        let policy = ox_net::Policy { allow_private_nets: near, model_private: true, ..ox_net::Policy::default() };
        Self::built(db, directory, settings, policy).await
    }

    pub async fn over(db: ox_db::Database, directory: tempfile::TempDir, settings: &[(&str, &str)]) -> Self {
        Self::built(db, directory, settings, ox_net::Policy::default()).await
    }

    async fn built(
        db: ox_db::Database,
        directory: tempfile::TempDir,
        settings: &[(&str, &str)],
        policy: ox_net::Policy,
    ) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(ox_net::install_crypto_provider);
        let services = Self::services(db.clone(), directory.path(), settings, policy).await;
        let owner = owner(&db).await;
        ox_app::runs::recovery::start(&services).await.unwrap();
        let router = ox_api::router(Arc::clone(&services), ox_api::no_ui);
        Self { services, router, owner, _directory: directory }
    }

    async fn services(
        db: ox_db::Database,
        directory: &std::path::Path,
        settings: &[(&str, &str)],
        policy: ox_net::Policy,
    ) -> Arc<Services> {
        let home = ("OXIDIFY_HOME".to_owned(), directory.display().to_string());
        let variables: HashMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain([home]).collect();
        let store = ox_store::Disk::open(directory.join("files")).await.unwrap();
        Services::new(Parts {
            settings: Settings::read(variables),
            db,
            kv: Arc::new(ox_kv::Memory::default()),
            store: Arc::new(store),
            egress: ox_net::Egress::new(policy),
            code: Arc::new(ox_sandbox::Off::default()),
            secret: "a secret key that is long enough for a test".to_owned(),
            old_secrets: Vec::new(),
            metrics: Arc::new(String::new),
        })
        .unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn call(&self, method: Method, path: &str, key: &str, body: Option<Json>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn post(&self, path: &str, app: &TestApp, body: Json) -> Answer {
        self.call(Method::POST, path, &app.key, Some(body)).await
    }

    pub async fn get(&self, path: &str, app: &TestApp) -> Answer {
        self.call(Method::GET, path, &app.key, None).await
    }

    async fn create(&self, mode: &str) -> AppId {
        let change = apps::AppChange { name: Some(format!("Test {mode}")), ..apps::AppChange::default() };
        apps::create(&self.services, &self.owner, mode, change).await.unwrap().app.id
    }

    async fn keyed(&self, id: AppId) -> TestApp {
        let key = apps::create_key(&self.services, &self.owner, id).await.unwrap().token;
        TestApp { id, key }
    }

    /// A graph app; published when asked.
    pub async fn graph_app(&self, mode: &str, graph: Json, draft: Draft) -> TestApp {
        let id = self.create(mode).await;
        let change = DraftChange {
            graph,
            features: draft.features,
            hash: None,
            environment_variables: Vec::new(),
            conversation_variables: draft.conversation_variables,
            rag_pipeline_variables: None,
        };
        workflows::save_draft(&self.services, &self.owner, id.into(), change).await.unwrap();
        if draft.publish {
            workflows::publish(&self.services, &self.owner, id, None, None).await.unwrap();
        }
        self.keyed(id).await
    }

    /// A chat or completion app with a scripted model.
    pub async fn basic_app(&self, mode: &str, model: &str, parameters: Json, more: Json) -> TestApp {
        let id = self.create(mode).await;
        let mut config = json!({
            "model": {"provider": "oxidify/scripted", "name": model, "mode": "chat", "completion_params": parameters},
            "pre_prompt": "", "user_input_form": [],
        });
        config.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        model_config::set(&self.services, &self.owner, id, &config).await.unwrap();
        self.keyed(id).await
    }
}

pub struct Draft {
    pub features: Json,
    pub conversation_variables: Vec<Json>,
    pub publish: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Self { features: json!({}), conversation_variables: Vec::new(), publish: true }
    }
}

async fn owner(db: &ox_db::Database) -> Principal {
    use ox_db::{model, repo};
    let time = ox_db::now();
    let (account_id, tenant_id) = (ox_types::AccountId::new(), ox_types::TenantId::new());
    let tx = db.begin().await.unwrap();
    repo::settings::finish_setup(&tx, "test").await.unwrap();
    repo::accounts::insert(&tx, test_account(account_id, time)).await.unwrap();
    repo::tenants::insert(&tx, test_tenant(tenant_id, time)).await.unwrap();
    repo::tenants::add_member(
        &tx,
        model::TenantMember {
            id: ox_types::new_uuid(),
            tenant_id,
            account_id,
            current: true,
            role: "owner".to_owned(),
            invited_by: None,
            created_at: time,
            updated_at: time,
        },
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    Principal::Member { account_id, tenant_id, role: Role::Owner }
}

pub fn test_account(id: ox_types::AccountId, at: chrono::DateTime<chrono::Utc>) -> ox_db::model::Account {
    ox_db::model::Account {
        id,
        name: "Owner".to_owned(),
        email: "owner@example.com".to_owned(),
        password: None,
        password_salt: None,
        avatar: None,
        interface_language: Some("en-US".to_owned()),
        interface_theme: None,
        timezone: None,
        last_login_at: None,
        last_login_ip: None,
        last_active_at: at,
        status: "active".to_owned(),
        initialized_at: Some(at),
        created_at: at,
        updated_at: at,
    }
}

fn test_tenant(id: ox_types::TenantId, at: chrono::DateTime<chrono::Utc>) -> ox_db::model::Tenant {
    ox_db::model::Tenant {
        id,
        name: "Workspace".to_owned(),
        encrypted_data_key: None,
        plan: "basic".to_owned(),
        status: "normal".to_owned(),
        custom_config: None,
        created_at: at,
        updated_at: at,
    }
}

/// A graph: nodes as `(id, data)` and edges as `(source, handle, target)`.
pub fn graph(nodes: &[(&str, Json)], edges: &[(&str, &str, &str)]) -> Json {
    let nodes: Vec<Json> = nodes
        .iter()
        .map(|(id, data)| {
            let mut data = data.clone();
            let title = data["type"].as_str().unwrap().to_owned();
            data.as_object_mut().unwrap().entry("title").or_insert(title.into());
            let mut node = json!({"id": id, "type": "custom", "position": {"x": 0, "y": 0}, "data": data});
            if let Some(parent) = data.get("iteration_id").cloned() {
                node["parentId"] = parent;
            }
            node
        })
        .collect();
    let edges: Vec<Json> = edges
        .iter()
        .enumerate()
        .map(|(index, (source, handle, target))| {
            json!({"id": format!("e{index}"), "source": source, "target": target, "sourceHandle": handle,
                "targetHandle": "target"})
        })
        .collect();
    json!({"nodes": nodes, "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}})
}

pub fn start(variables: Json) -> Json {
    json!({"type": "start", "variables": variables})
}

pub fn llm(model: &str, parameters: Json, text: &str) -> Json {
    json!({
        "type": "llm",
        "model": {"provider": "oxidify/scripted", "name": model, "mode": "chat", "completion_params": parameters},
        "prompt_template": [{"role": "user", "text": text}],
        "context": {"enabled": false, "variable_selector": []},
        "vision": {"enabled": false},
    })
}

pub fn end(outputs: &[(&str, &[&str])]) -> Json {
    let outputs: Vec<Json> =
        outputs.iter().map(|(name, selector)| json!({"variable": name, "value_selector": selector})).collect();
    json!({"type": "end", "outputs": outputs})
}

/// start(form) → end(all variables of the form).
pub fn passthrough(form: &Json) -> Json {
    let names: Vec<String> =
        form.as_array().unwrap().iter().map(|field| field["variable"].as_str().unwrap().to_owned()).collect();
    let outputs: Vec<Json> =
        names.iter().map(|name| json!({"variable": name, "value_selector": ["s", name]})).collect();
    graph(&[("s", start(form.clone())), ("e", json!({"type": "end", "outputs": outputs}))], &[("s", "source", "e")])
}

/// start(form) → llm → answer.
pub fn chatflow(form: Json, model: &str, parameters: Json) -> Json {
    graph(
        &[
            ("s", start(form)),
            ("llm", llm(model, parameters, "{{#sys.query#}}")),
            ("answer", json!({"type": "answer", "answer": "{{#llm.text#}}"})),
        ],
        &[("s", "source", "llm"), ("llm", "source", "answer")],
    )
}
