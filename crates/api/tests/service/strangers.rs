//! Every route of the Service API and of published pages, and every signed address, called from another workspace with
//! the ids of this one: nothing is shown, nothing changes. A route is probed by being in its access table; one with a
//! new kind of id in its path fails here until the probe knows such an id.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request},
};
use ox_api::{access::Rule, service, webapp};
use ox_app::{Access, Principal, principal::Role};
use ox_types::{AccountId, Json};
use serde_json::json;

use crate::{
    files::upload,
    rig::{Answer, Draft, Rig, TestApp, chatflow, end, graph, passthrough, start},
};

const SECRET: &str = "word-that-no-stranger-may-read";
const USER: &str = "ann";

/// A workspace with an app of every mode that runs, and one that asks somebody.
struct Workspace {
    apps: [TestApp; 5],
}

/// start → form → end.
fn asking() -> Json {
    let form = json!({
        "type": "human-input", "form_content": "{{#s.query#}}",
        "delivery_methods": [{"id": "w", "type": "webapp", "enabled": true, "config": {}}], "inputs": [],
        "user_actions": [{"id": "yes", "title": "Yes"}], "timeout": 2, "timeout_unit": "hour",
    });
    let field = json!([{"variable": "query", "label": "q", "type": "paragraph", "required": true}]);
    let nodes = [("s", start(field)), ("form", form), ("e", end(&[("out", &["form", "__action_id"])]))];
    graph(&nodes, &[("s", "source", "form"), ("form", "yes", "e")])
}

impl Workspace {
    /// Its apps say these words.
    async fn make(rig: &Rig, words: &str) -> Self {
        let variable =
            json!({"id": ox_types::new_uuid().to_string(), "name": "kept", "value_type": "string", "value": words});
        let draft = Draft { conversation_variables: vec![variable], ..Draft::default() };
        let files = json!({"file_upload": {"enabled": true, "allowed_file_types": ["image", "document"],
            "allowed_file_upload_methods": ["local_file"], "number_limits": 3}});
        let field = json!([{"variable": "query", "label": "q", "type": "paragraph", "required": false}]);
        Self {
            apps: [
                rig.basic_app("chat", "canned", json!({"text": words}), files).await,
                rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), draft).await,
                rig.basic_app("completion", "canned", json!({"text": words}), json!({})).await,
                rig.graph_app("workflow", passthrough(&field), Draft::default()).await,
                rig.graph_app("workflow", asking(), Draft::default()).await,
            ],
        }
    }

    fn keys(&self) -> impl Iterator<Item = Caller> + '_ {
        self.apps.iter().map(|app| Caller::Key(app.key.clone()))
    }
}

#[derive(Clone)]
enum Caller {
    Key(String),
    Visitor { code: String, passport: String },
}

impl Caller {
    async fn visitor(rig: &Rig, app: &TestApp) -> Self {
        let view = ox_app::apps::view(&rig.services, &rig.owner, app.id).await.unwrap();
        let code = view.site.unwrap().code.unwrap();
        let request = Request::get("/api/passport").header("x-app-code", &code).body(Body::empty()).unwrap();
        let passport = rig.send(request).await.json()["access_token"].as_str().unwrap().to_owned();
        Self::Visitor { code, passport }
    }

    async fn call(&self, rig: &Rig, method: &Method, path: &str, body: Option<Json>) -> Answer {
        let request = Request::builder().method(method.clone()).uri(path).header("content-type", "application/json");
        let request = match self {
            Self::Key(key) => request.header("authorization", format!("Bearer {key}")),
            Self::Visitor { code, passport } => request.header("x-app-code", code).header("x-app-passport", passport),
        };
        rig.send(request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()).await
    }
}

type Ids = BTreeMap<&'static str, String>;

/// What a workspace has that another must not reach. One of its runs is under way.
async fn things(rig: &Rig, of: &Workspace) -> Ids {
    let [chat, flow, completion, workflow, asking] = &of.apps;
    let ask = json!({"inputs": {}, "query": SECRET, "user": USER});
    let first = rig.post("/v1/chat-messages", chat, ask.clone()).await.json();
    let second = rig.post("/v1/chat-messages", flow, ask.clone()).await.json();
    rig.post("/v1/completion-messages", completion, ask).await.json();
    let run = rig.post("/v1/workflows/run", workflow, json!({"inputs": {"query": SECRET}, "user": USER})).await.json();
    assert_eq!(run["data"]["status"], "succeeded", "{run}");
    let file = upload(rig, chat, "a.txt", "text/plain", SECRET.as_bytes(), USER).await.json();
    let attached = json!({"inputs": {}, "query": SECRET, "user": USER, "conversation_id": first["conversation_id"], "files": [
        {"type": "document", "transfer_method": "local_file", "upload_file_id": file["id"]}]});
    assert_eq!(rig.post("/v1/chat-messages", chat, attached).await.status, 200);
    let path = format!("/v1/conversations/{}/variables?user={USER}", second["conversation_id"].as_str().unwrap());
    let variables = rig.get(&path, flow).await.json();
    let ask = json!({"inputs": {"query": SECRET}, "user": USER, "response_mode": "streaming"});
    let paused = rig.post("/v1/workflows/run", asking, ask).await.events();
    let waiting = paused[0]["workflow_run_id"].as_str().unwrap().parse().unwrap();
    let forms = ox_db::repo::human_input::of_run(&rig.services.db, waiting).await.unwrap();
    let ways = ox_db::repo::human_input::recipients_of(&rig.services.db, &[forms[0].id]).await.unwrap();
    let token = |kind: &str| ways.iter().find(|way| way.kind == kind).unwrap().token.clone();
    let annotation = json!({"question": SECRET, "answer": SECRET});
    let annotation = rig.post("/v1/apps/annotations", chat, annotation).await.json();
    let text = |json: &Json| json.as_str().unwrap_or_else(|| panic!("an id is missing")).to_owned();
    let knowledge = shelf(rig).await;
    let none = || ox_types::new_uuid().to_string();
    BTreeMap::from([
        ("dataset_id", text(&knowledge["dataset_id"])),
        ("document_id", text(&knowledge["document"]["id"])),
        ("batch", text(&knowledge["batch"])),
        ("segment_id", text(&knowledge["segment_id"])),
        ("metadata_id", text(&knowledge["metadata_id"])),
        ("dataset_key", text(&knowledge["key"])),
        ("child_chunk_id", none()),
        ("node_id", "datasource".to_owned()),
        ("job_id", none()),
        ("action", "enable".to_owned()),
        ("model_type", "text-embedding".to_owned()),
        ("conversation_id", text(&first["conversation_id"])),
        ("flow_conversation_id", text(&second["conversation_id"])),
        ("message_id", text(&first["message_id"])),
        ("run_id", text(&run["workflow_run_id"])),
        ("workflow_id", text(&run["data"]["workflow_id"])),
        ("file_id", text(&file["id"])),
        ("end_user_id", text(&file["created_by"])),
        ("variable_id", text(&variables["data"][0]["id"])),
        ("form_token", token("webapp")),
        ("console_form_token", token("console")),
        ("waiting_run_id", waiting.to_string()),
        ("annotation_id", text(&annotation["id"])),
        ("app_id", chat.id.to_string()),
        ("model", chat.id.to_string()),
        // Not of any workspace: nothing answers there.
        ("url", "http%3A%2F%2F127.0.0.1%3A1%2Fx.png".to_owned()),
    ])
}

async fn dataset_key(rig: &Rig) -> Caller {
    Caller::Key(ox_app::knowledge::keys::create_key(&rig.services, &rig.owner).await.unwrap().token)
}

/// A knowledge base with a document, and the key that opens it.
async fn shelf(rig: &Rig) -> Json {
    let caller = dataset_key(rig).await;
    let post = async |path: &str, body: Json| {
        let answer = caller.call(rig, &Method::POST, path, Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        answer.json()
    };
    let base = post("/v1/datasets", json!({"name": SECRET, "indexing_technique": "economy"})).await;
    let dataset = base["id"].as_str().unwrap();
    let text =
        json!({"name": SECRET, "text": SECRET, "indexing_technique": "economy", "process_rule": {"mode": "automatic"}});
    let mut made = post(&format!("/v1/datasets/{dataset}/document/create-by-text"), text).await;
    let field = post(&format!("/v1/datasets/{dataset}/metadata"), json!({"type": "string", "name": "field"})).await;
    let path = format!("/v1/datasets/{dataset}/documents/{}/segments", made["document"]["id"].as_str().unwrap());
    let mut segments = Json::Null;
    for _ in 0..200 {
        segments = caller.call(rig, &Method::GET, &path, None).await.json();
        if segments["data"][0]["status"] == "completed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    made["segment_id"] = segments["data"][0]["id"].clone();
    made["dataset_id"] = base["id"].clone();
    made["metadata_id"] = field["id"].clone();
    let Caller::Key(key) = caller else { unreachable!() };
    made["key"] = key.into();
    made
}

/// Paths of a route, its ids filled in; several where there are several things of a kind.
fn paths(surface: &str, rule: &Rule, ids: &Ids) -> Vec<String> {
    ["conversation_id", "flow_conversation_id"]
        .into_iter()
        .map(|conversation| {
            let mut path = format!("{surface}{}", rule.path);
            while let Some(start) = path.find('{') {
                let end = start + path[start..].find('}').unwrap();
                let name = match &path[start + 1..end] {
                    "conversation_id" => conversation,
                    // On published pages the token alone opens a form: that of the console must not.
                    "form_token" if surface == "/api" => "console_form_token",
                    "workflow_run_id" => "waiting_run_id",
                    name => name,
                };
                let id =
                    ids.get(name).unwrap_or_else(|| panic!("{} {}: the probe has no {name}", rule.method, rule.path));
                path.replace_range(start..=end, &id.clone());
            }
            if rule.method == Method::GET {
                path.push_str(&format!("?user={USER}&conversation_id={}", ids[conversation]));
            }
            path
        })
        .collect()
}

/// A body that names everything a body may name.
fn body(rule: &Rule, ids: &Ids) -> Option<Json> {
    (rule.method != Method::GET).then(|| {
        json!({
            "inputs": {}, "query": "give me what is not mine", "user": USER, "response_mode": "blocking",
            "conversation_id": ids["conversation_id"], "parent_message_id": ids["message_id"], "message_id": ids["message_id"],
            "files": [{"type": "document", "transfer_method": "local_file", "upload_file_id": ids["file_id"]}],
            "name": "stolen", "auto_generate": false, "rating": "dislike", "content": "stolen", "value": "stolen", "action": "yes",
            "question": "stolen", "answer": "stolen", "text": "stolen", "document_ids": [ids["document_id"]],
            "tag_ids": [], "target_id": ids["dataset_id"], "operation_data": [{"document_id": ids["document_id"], "metadata_list": []}],
        })
    })
}

/// All that the owner of the things can read of them.
async fn read(rig: &Rig, of: &Workspace, ids: &Ids) -> Vec<String> {
    let mut seen = Vec::new();
    for (app, caller) in of.apps.iter().zip(of.keys()) {
        for rule in service::RULES.iter().filter(|rule| rule.method == Method::GET && rule.access == Access::AppKey) {
            for path in paths("/v1", rule, ids) {
                let answer = caller.call(rig, &Method::GET, &path, None).await;
                // Addresses of files are signed anew each time.
                let text: Vec<String> =
                    answer.text().split('"').filter(|part| !part.contains("sign=")).map(str::to_owned).collect();
                seen.push(format!("{} {path} {} {}", app.id, answer.status, text.join("\"")));
            }
        }
    }
    let keeper = Caller::Key(ids["dataset_key"].clone());
    for rule in service::RULES.iter().filter(|rule| rule.method == Method::GET && rule.access == Access::DatasetKey) {
        for path in paths("/v1", rule, ids) {
            let answer = keeper.call(rig, &Method::GET, &path, None).await;
            let text: Vec<String> =
                answer.text().split('"').filter(|part| !part.contains("sign=")).map(str::to_owned).collect();
            seen.push(format!("{path} {} {}", answer.status, text.join("\"")));
        }
    }
    seen
}

#[tokio::test]
async fn another_workspace_reaches_nothing() {
    let rig = Rig::new().await;
    let ours = Workspace::make(&rig, SECRET).await;
    let mut ids = things(&rig, &ours).await;
    let tenant_id =
        ox_app::workspaces::create_with_owner(&rig.services, "Other", "stranger@example.com", "correct horse 1")
            .await
            .unwrap();
    let theirs = rig.seen_by(Principal::Member { account_id: AccountId::new(), tenant_id, role: Role::Owner });
    let strangers = Workspace::make(&theirs, "something else").await;
    let slow = rig.basic_app("chat", "canned", json!({"text": "a b c d", "ttft_ms": 60_000}), json!({})).await;
    let long = json!({"inputs": {}, "query": SECRET, "user": USER, "response_mode": "streaming"});
    tokio::select! {
        answer = rig.post("/v1/chat-messages", &slow, long) => panic!("it was stopped: {}", answer.text()),
        () = async {
            while rig.services.runs.any_task().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let task = rig.services.runs.any_task().unwrap();
            ids.insert("task_id", task.to_string());
            ids.insert("approval_id", ox_types::new_uuid().to_string());
            probe(&rig, &ours, &theirs, &strangers, &ids).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(rig.services.runs.find(task).is_some(), "a stranger stopped a run");
        } => {}
    }
}

async fn probe(rig: &Rig, ours: &Workspace, theirs: &Rig, strangers: &Workspace, ids: &Ids) {
    let before = read(rig, ours, ids).await;
    let opened = before.iter().filter(|line| line.contains(" 200 ") && line.contains(SECRET)).count();
    assert!(opened >= 6, "the ids are not those of anything: {before:#?}");
    let mut keys: Vec<Caller> = strangers.keys().collect();
    keys.push(dataset_key(theirs).await);
    let mut visitors = Vec::new();
    for app in &strangers.apps {
        visitors.push(Caller::visitor(theirs, app).await);
    }
    for (surface, rules, callers) in [("/v1", service::RULES, keys), ("/api", webapp::RULES, visitors)] {
        for rule in rules {
            for path in paths(surface, rule, ids) {
                for caller in &callers {
                    let answer = caller.call(theirs, &rule.method, &path, body(rule, ids)).await;
                    judge(rule, &path, &answer, ids);
                }
            }
        }
    }
    signed_addresses(theirs, &strangers.apps[0], ids).await;
    let waiting = ids["waiting_run_id"].parse().unwrap();
    let forms = ox_db::repo::human_input::of_run(&rig.services.db, waiting).await.unwrap();
    assert_eq!(forms[0].status, "waiting", "a stranger answered a form");
    assert_eq!(read(rig, ours, ids).await, before, "a stranger changed something");
}

fn judge(rule: &Rule, path: &str, answer: &Answer, ids: &Ids) {
    let (status, text) = (answer.status.as_u16(), answer.text());
    let told = format!("{} {path}: {status} {text}", rule.method);
    assert!(!text.contains(SECRET), "{told}");
    assert!(status < 500, "{told}");
    for id in ids.values().filter(|id| status < 400 && id.len() == 36) {
        assert!(!text.contains(id.as_str()), "{told}");
    }
    // 400 is the app of another mode; to stop what is not there is no error, and the run goes on (see above).
    let is_refused = matches!(status, 400 | 401 | 403 | 404 | 405 | 415);
    // A kind of model is everybody's.
    let names_a_thing =
        rule.path.contains('{') && !rule.path.ends_with("/stop") && !rule.path.ends_with("{model_type}");
    // To take a bookmark back that is not there changes nothing.
    let is_idle = rule.method == Method::DELETE && rule.path.starts_with("/saved-messages");
    assert!(is_refused || is_idle || !names_a_thing, "{told}");
}

/// A signature opens the file that it was made for, and none opens nothing.
async fn signed_addresses(theirs: &Rig, app: &TestApp, ids: &Ids) {
    let own = upload(theirs, app, "b.txt", "text/plain", b"mine", USER).await.json();
    let id = own["id"].as_str().unwrap().parse().unwrap();
    let url = theirs.services.files.preview_url(id);
    let path = url.find("/files/").map(|at| url[at..].to_owned()).unwrap();
    let open = async |path: &str| theirs.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(open(&path).await.status, 200, "{path}");
    let (_, query) = path.split_once('?').unwrap();
    let foreign = &ids["file_id"];
    for kind in ["file-preview", "image-preview"] {
        for query in ["", &format!("?{query}")] {
            let answer = open(&format!("/files/{foreign}/{kind}{query}")).await;
            assert!((400..405).contains(&answer.status.as_u16()) && !answer.text().contains(SECRET), "{kind}{query}");
        }
    }
    for query in ["", &format!("?{query}")] {
        let answer = open(&format!("/files/tools/{foreign}.txt{query}")).await;
        assert!((400..405).contains(&answer.status.as_u16()), "{}", answer.text());
    }
}
