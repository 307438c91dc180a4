//! Events of plugins, from a scripted plugin host: their address, who gets them, once, and trying them out.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::http::Method;
use ox_app::triggers::{
    self, builders, debug,
    host::{
        Dispatched, EventCall, EventParameter, HostError, RawReply, RawRequest, Subscribed, Transformed, TriggerEvent,
        TriggerHost, TriggerIcon, TriggerProvider, TriggerSubscription,
    },
    subscriptions::{self, Change},
};
use ox_types::{Json, TenantId};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    rig::{Answer, Draft, Rig, TestApp, end, graph},
    triggers::{call, events},
};

const PROVIDER: &str = "acme/git/git";
/// The subscription that is there from the start.
const SUB: &str = "0190a0a0-0000-7000-8000-000000000001";
const SECRET: (&str, &str) = ("x-secret", "s3cret");

/// A host with one provider and one subscription, [`SUB`]. Its requests are JSON: `events`, `id`, `user`, and what the
/// transformation needs, `branch` and `repo`.
struct Scripted {
    tenant: TenantId,
    endpoint: Uuid,
    transformed: AtomicUsize,
    /// Addresses and credentials that were subscribed with, and how many were ended.
    made: std::sync::Mutex<Vec<(String, Json)>>,
    ended: AtomicUsize,
}

impl Scripted {
    /// In the place of the host of a server.
    async fn attach(rig: &Rig) -> Arc<Self> {
        let (tenant, endpoint) = (rig.owner.tenant_id(), ox_types::new_uuid());
        let host = Arc::new(Self {
            tenant,
            endpoint,
            transformed: AtomicUsize::new(0),
            made: std::sync::Mutex::default(),
            ended: AtomicUsize::new(0),
        });
        assert!(rig.services.triggers.attach(Arc::clone(&host) as Arc<dyn TriggerHost>));
        let db = &rig.services.db;
        let key = rig.services.secrets.tenant_key(db, tenant).await.unwrap();
        let kept = ox_db::model::KeptSubscription {
            id: SUB.parse().unwrap(),
            tenant_id: tenant,
            user_id: rig.owner.account_id().unwrap(),
            provider_id: PROVIDER.to_owned(),
            name: "first".to_owned(),
            endpoint_id: endpoint,
            credential_type: "unauthorized".to_owned(),
            parameters: json!({}),
            encrypted_secrets: key.seal(r#"{"credentials": {}, "properties": {}}"#).unwrap(),
            expires_at: -1,
            created_at: ox_db::now(),
            updated_at: ox_db::now(),
        };
        let tx = db.begin().await.unwrap();
        ox_db::repo::trigger_subscriptions::insert(&tx, kept).await.unwrap();
        tx.commit().await.unwrap();
        host
    }

    async fn tell(&self, rig: &Rig, body: &str) -> Answer {
        let path = format!("/triggers/plugin/{}?hook=1", self.endpoint);
        call(rig, Method::POST, &path, &[SECRET, ("content-type", "application/json")], body).await
    }
}

#[async_trait]
impl TriggerHost for Scripted {
    async fn events(&self, tenant: TenantId, provider: &str) -> Result<Option<Vec<TriggerEvent>>, HostError> {
        let branch = EventParameter { name: "branch".to_owned(), required: true, default: Json::Null };
        let push = TriggerEvent { name: "push".to_owned(), parameters: vec![branch] };
        let star = TriggerEvent { name: "star".to_owned(), parameters: Vec::new() };
        Ok((tenant == self.tenant && provider == PROVIDER).then(|| vec![push, star]))
    }

    async fn providers(&self, _tenant: TenantId) -> Result<Vec<TriggerProvider>, HostError> {
        let declaration = json!({
            "author": "acme", "label": {"en_US": "Git"}, "plugin_id": "acme/git", "events": [{"name": "push"}],
            "subscription_schema": [{"name": "hook_secret", "type": "secret-input"}],
            "subscription_constructor": {"credentials_schema": [{"name": "token", "type": "secret-input"}], "parameters": []},
        });
        let declaration = declaration.as_object().cloned().unwrap_or_default();
        Ok(vec![TriggerProvider { id: PROVIDER.to_owned(), declaration }])
    }

    async fn icon(&self, _tenant: TenantId, provider: &str) -> Result<Option<TriggerIcon>, HostError> {
        let icon = TriggerIcon { media_type: "image/svg+xml".to_owned(), bytes: "<svg/>".into() };
        Ok((provider == PROVIDER).then_some(icon))
    }

    async fn validate(
        &self,
        _tenant: TenantId,
        _provider: &str,
        credentials: &Map<String, Json>,
    ) -> Result<(), HostError> {
        match credentials.get("token").and_then(Json::as_str) {
            Some(token) if token.starts_with("good-token") => Ok(()),
            _ => Err(HostError::Refused("the token is wrong".to_owned())),
        }
    }

    async fn subscribe(&self, subscription: &TriggerSubscription, address: &str) -> Result<Subscribed, HostError> {
        let made = (address.to_owned(), Json::Object(subscription.credentials.clone()));
        self.made.lock().unwrap().push(made);
        let properties = json!({"hook": 7, "hook_secret": "a hook's long secret"});
        Ok(Subscribed { properties: properties.as_object().cloned().unwrap_or_default(), expires_at: None })
    }

    async fn unsubscribe(&self, _subscription: &TriggerSubscription) -> Result<(), HostError> {
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn dispatch(
        &self,
        _subscription: &TriggerSubscription,
        request: &RawRequest,
    ) -> Result<Dispatched, HostError> {
        if !request.headers.iter().any(|(name, value)| (name.as_str(), value.as_str()) == SECRET) {
            return Err(HostError::Refused("the secret is wrong".to_owned()));
        }
        let told: Json =
            serde_json::from_slice(&request.body).map_err(|_| HostError::Failed("cannot be read".to_owned()))?;
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        let names = told["events"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let headers = [("content-type", "text/plain"), ("x-plugin", "git"), ("set-cookie", "session=stolen")];
        Ok(Dispatched {
            events: names.map(str::to_owned).collect(),
            user_id: text("user").unwrap_or_default(),
            payload: told.as_object().cloned().unwrap_or_default(),
            delivery: text("id"),
            reply: RawReply {
                status: 202,
                headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
                body: format!("{} {}", request.method, request.target.ends_with("?hook=1")).into(),
            },
        })
    }

    async fn transform(&self, call: EventCall<'_>) -> Result<Transformed, HostError> {
        self.transformed.fetch_add(1, Ordering::Relaxed);
        if call.payload.get("repo") == Some(&json!("broken")) {
            return Err(HostError::Failed("the repository does not answer".to_owned()));
        }
        if call.event == "star" {
            return Ok(Transformed::Variables(Map::new()));
        }
        if call.payload.get("branch") != call.parameters.get("branch") {
            return Ok(Transformed::Filtered);
        }
        let variables = json!({"branch": call.payload.get("branch"), "repo": call.payload.get("repo")});
        Ok(Transformed::Variables(variables.as_object().cloned().unwrap_or_default()))
    }
}

fn flow(event: &str, parameters: &Json) -> Json {
    let node = json!({
        "type": "trigger-plugin", "title": "Git", "plugin_id": "acme/git", "provider_id": PROVIDER,
        "provider_name": "git", "provider_type": "trigger", "event_name": event, "subscription_id": SUB,
        "plugin_unique_identifier": "acme/git:1.0.0@c", "event_parameters": parameters,
    });
    let outputs = end(&[("branch", &["p", "branch"]), ("repo", &["p", "repo"]), ("by", &["sys", "user_id"])]);
    graph(&[("p", node), ("e", outputs)], &[("p", "source", "e")])
}

fn main_branch() -> Json {
    json!({"branch": {"type": "constant", "value": "main"}})
}

/// Status and error of the events of an app, newest first.
async fn logged(rig: &Rig, app: &TestApp) -> Vec<(String, Option<String>)> {
    let (rows, _) = triggers::logs(&rig.services, &rig.owner, app.id, None, 1, 50).await.unwrap();
    rows.into_iter().map(|(log, _)| (log.status, log.error)).collect()
}

const PUSH: &str = r#"{"events": ["push"], "branch": "main", "repo": "shop", "user": "ada"}"#;

#[tokio::test]
async fn an_event_of_a_plugin_runs_who_waits_for_it() {
    let rig = Rig::new().await;
    let host = Scripted::attach(&rig).await;
    let app = rig.graph_app("workflow", flow("push", &main_branch()), Draft::default()).await;
    let other = rig.graph_app("workflow", flow("star", &json!({})), Draft::default()).await;
    let trigger = triggers::list(&rig.services, &rig.owner, app.id).await.unwrap().remove(0);
    assert_eq!((trigger.status.as_str(), trigger.event_name.as_str()), ("enabled", "push"));
    let done = host.tell(&rig, PUSH).await;
    assert_eq!((done.status.as_u16(), done.text().as_str()), (202, "POST true"));
    assert_eq!(done.headers["x-plugin"], "git");
    assert_eq!(done.headers["content-type"], "text/plain");
    assert!(!done.headers.contains_key("set-cookie"), "an answer of a plugin signs nobody in");
    assert_eq!(done.headers["content-security-policy"], "sandbox");
    let ran = events(&rig, &app, 1).await;
    assert_eq!(ran[0]["outputs"], json!({"branch": "main", "repo": "shop", "by": "ada"}), "{ran:?}");
    assert_eq!(
        (&ran[0]["status"], &ran[0]["from"], &ran[0]["type"]),
        (&json!("succeeded"), &json!("plugin"), &json!("trigger-plugin"))
    );
    // Another branch is not what the node waits for, and a request may be no event at all.
    for body in [r#"{"events": ["push"], "branch": "draft"}"#, r#"{"events": []}"#, r#"{"events": ["unknown"]}"#] {
        assert_eq!(host.tell(&rig, body).await.status, 202);
    }
    assert_eq!(logged(&rig, &app).await.len(), 1);
    assert!(logged(&rig, &other).await.is_empty());
    // An event without variables is one all the same.
    assert_eq!(host.tell(&rig, r#"{"events": ["star"]}"#).await.status, 202);
    let starred = events(&rig, &other, 1).await;
    assert_eq!((&starred[0]["status"], &starred[0]["outputs"]["by"]), (&json!("succeeded"), &json!("DEFAULT-USER")));
    // Switched off.
    triggers::enable(&rig.services, &rig.owner, app.id, trigger.id, false).await.unwrap();
    assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    assert_eq!(logged(&rig, &app).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_that_is_sent_again_starts_nothing_new() {
    let rig = Rig::new().await;
    let host = Scripted::attach(&rig).await;
    let app = rig.graph_app("workflow", flow("push", &main_branch()), Draft::default()).await;
    let again = r#"{"events": ["push"], "branch": "main", "repo": "shop", "id": "delivery-1"}"#;
    for _ in 0..3 {
        assert_eq!(host.tell(&rig, again).await.status, 202);
    }
    assert_eq!(events(&rig, &app, 1).await.len(), 1);
    assert_eq!(logged(&rig, &app).await.len(), 1);
    assert_eq!(host.tell(&rig, &again.replace("delivery-1", "delivery-2")).await.status, 202);
    assert_eq!(events(&rig, &app, 2).await.len(), 2);
    // Deliveries without a name are each one of their own.
    for _ in 0..2 {
        assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    }
    assert_eq!(events(&rig, &app, 4).await.len(), 4);
}

#[tokio::test]
async fn what_a_plugin_refuses_and_fails_at_is_told() {
    let rig = Rig::new().await;
    let host = Scripted::attach(&rig).await;
    let app = rig.graph_app("workflow", flow("push", &main_branch()), Draft::default()).await;
    let without = rig.graph_app("workflow", flow("push", &json!({})), Draft::default()).await;
    let path = format!("/triggers/plugin/{}", host.endpoint);
    let refused = call(&rig, Method::GET, &path, &[], "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()),
        (400, json!({"error": "Endpoint processing failed", "message": "the secret is wrong"}))
    );
    let failed = host.tell(&rig, "no json").await;
    assert_eq!((failed.status.as_u16(), failed.json()), (500, json!({"error": "Internal server error"})));
    for id in [ox_types::new_uuid().to_string(), "no-uuid".to_owned()] {
        let unknown = call(&rig, Method::POST, &format!("/triggers/plugin/{id}"), &[SECRET], "{}").await;
        assert_eq!(unknown.status, 404);
    }
    let large = format!("\"{}\"", "x".repeat(10_485_760));
    assert_eq!(host.tell(&rig, &large).await.status, 413);
    assert!(logged(&rig, &app).await.is_empty());
    // What cannot be made of an event stands in its app's log, and comes again when it is sent again.
    let broken = r#"{"events": ["push"], "branch": "main", "repo": "broken", "id": "d"}"#;
    assert_eq!(host.tell(&rig, broken).await.status, 202);
    assert_eq!(logged(&rig, &app).await, [("failed".to_owned(), Some("the repository does not answer".to_owned()))]);
    let missing = "the event 'push' needs the parameter 'branch'";
    assert_eq!(logged(&rig, &without).await, [("failed".to_owned(), Some(missing.to_owned()))]);
    assert_eq!(host.tell(&rig, &broken.replace("broken", "mended")).await.status, 202);
    assert_eq!(events(&rig, &app, 1).await[0]["outputs"]["repo"], "mended");
}

#[tokio::test]
async fn trying_an_event_of_a_plugin_out() {
    let rig = Rig::new().await;
    let draft = Draft { publish: false, ..Draft::default() };
    let app = rig.graph_app("workflow", flow("push", &main_branch()), draft).await;
    let nodes = ["p".to_owned()];
    let ask = || debug::ask(&rig.services, &rig.owner, app.id, &nodes);
    let Err(error) = ask().await else { panic!("no plugin is there") };
    assert!(error.message.contains("acme/git") && error.message.contains("not installed"), "{}", error.message);
    let host = Scripted::attach(&rig).await;
    // Nobody listens: nothing is made of the event.
    assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    assert_eq!(host.transformed.load(Ordering::Relaxed), 0);
    assert!(matches!(ask().await.unwrap(), debug::Asked::Waiting));
    assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    let debug::Asked::Fired { node, outputs } = ask().await.unwrap() else { panic!("it has fired") };
    assert_eq!((node.as_str(), &outputs["repo"]), ("p", &json!("shop")));
    assert!(matches!(ask().await.unwrap(), debug::Asked::Waiting), "once");
    assert!(logged(&rig, &app).await.is_empty(), "the draft is tried out, nothing has happened");
}

#[tokio::test]
async fn a_trigger_waits_for_its_plugin() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", flow("push", &main_branch()), Draft::default()).await;
    let trigger = triggers::list(&rig.services, &rig.owner, app.id).await.unwrap().remove(0);
    assert_eq!(trigger.status, "unauthorized");
    let switched = triggers::enable(&rig.services, &rig.owner, app.id, trigger.id, true).await;
    assert!(switched.unwrap_err().message.contains("not installed"));
    let host = Scripted::attach(&rig).await;
    assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    assert!(logged(&rig, &app).await.is_empty());
    // Publishing again finds the subscription.
    ox_app::workflows::publish(&rig.services, &rig.owner, app.id, None, None).await.unwrap();
    let trigger = triggers::list(&rig.services, &rig.owner, app.id).await.unwrap().remove(0);
    assert_eq!(trigger.status, "enabled");
    assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    assert_eq!(events(&rig, &app, 1).await[0]["outputs"]["repo"], "shop");
}

fn map(json: &Json) -> Map<String, Json> {
    json.as_object().cloned().unwrap_or_default()
}

const BASE: &str = "https://flows.example";

/// The id of a subscription that is made with a token.
async fn subscribe(rig: &Rig, name: &str) -> String {
    let (services, owner) = (&rig.services, &rig.owner);
    let draft = builders::create(services, owner, PROVIDER, "api-key").await.unwrap().id.to_string();
    let token = map(&json!({"token": "good-token-12345678"}));
    builders::verify(services, owner, PROVIDER, &draft, token).await.unwrap();
    let change = Change { name: Some(name.to_owned()), ..Change::default() };
    builders::build(services, owner, PROVIDER, &draft, change, BASE).await.unwrap();
    draft
}

#[tokio::test]
async fn a_subscription_is_made_with_a_token_and_its_secrets_are_kept() {
    let rig = Rig::new().await;
    let host = Scripted::attach(&rig).await;
    let (services, owner) = (&rig.services, &rig.owner);
    let draft = builders::create(services, owner, PROVIDER, "api-key").await.unwrap().id.to_string();
    let wrong = map(&json!({"token": "bad"}));
    let refused = builders::verify(services, owner, PROVIDER, &draft, wrong).await.unwrap_err();
    assert_eq!((refused.status, refused.message.as_str()), (400, "the token is wrong"));
    let kept = builders::get(services, owner, PROVIDER, &draft).await.unwrap();
    assert!(kept.credentials.is_empty(), "refused credentials are not kept");
    let id = subscribe(&rig, "mine").await;
    let made = host.made.lock().unwrap().clone();
    let address = format!("{BASE}/triggers/plugin/{id}");
    assert_eq!(made, [(address, json!({"token": "good-token-12345678"}))]);
    let all = subscriptions::list(services, owner, PROVIDER).await.unwrap();
    let mine = all.into_iter().find(|shown| shown.name == "mine").unwrap();
    assert_eq!((mine.subscription.id.as_str(), mine.in_use), (id.as_str(), 0));
    let shown = format!("{mine:?}");
    assert!(!shown.contains("12345678") && !shown.contains("long secret"), "{shown}");
    // In the database neither is in clear.
    let row = ox_db::repo::trigger_subscriptions::find(&services.db, owner.tenant_id(), id.parse().unwrap()).await;
    let row = format!("{:?}", row.unwrap().unwrap());
    assert!(!row.contains("good-token") && !row.contains("long secret"), "{row}");
    // The draft is used up, and a name is there once.
    assert_eq!(builders::get(services, owner, PROVIDER, &id).await.unwrap_err().status, 404);
    let change = Change { name: Some("mine".to_owned()), ..Change::default() };
    let twice = builders::build(services, owner, PROVIDER, &draft, change.clone(), BASE).await.unwrap_err();
    assert!(twice.status == 400 && twice.message.contains("this name"), "{}", twice.message);
    assert_eq!(host.made.lock().unwrap().len(), 1, "nothing was subscribed in vain");
    let nameless = builders::build(services, owner, PROVIDER, &draft, Change::default(), BASE).await.unwrap_err();
    assert_eq!(nameless.status, 400);
}

#[tokio::test]
async fn a_subscription_is_renamed_made_anew_and_ended() {
    let rig = Rig::new().await;
    let host = Scripted::attach(&rig).await;
    let (services, owner) = (&rig.services, &rig.owner);
    let id = subscribe(&rig, "mine").await;
    let rename = Change { name: Some("ours".to_owned()), ..Change::default() };
    subscriptions::update(services, owner, &id, rename, BASE).await.unwrap();
    assert_eq!((host.made.lock().unwrap().len(), host.ended.load(Ordering::Relaxed)), (1, 0), "a name is ours alone");
    let taken = Change { name: Some("first".to_owned()), ..Change::default() };
    assert_eq!(subscriptions::update(services, owner, &id, taken, BASE).await.unwrap_err().status, 400);
    // A value that comes back masked is the one that was kept.
    let hidden = map(&json!({"token": "[__HIDDEN__]"}));
    subscriptions::verify(services, owner, PROVIDER, &id, hidden.clone()).await.unwrap();
    let change = Change { credentials: Some(hidden), ..Change::default() };
    subscriptions::update(services, owner, &id, change, BASE).await.unwrap();
    let made = host.made.lock().unwrap().clone();
    assert_eq!((made.len(), host.ended.load(Ordering::Relaxed)), (2, 1));
    assert_eq!(made[0], made[1], "the address and the token are the same");
    let bad = Change { credentials: Some(map(&json!({"token": "bad"}))), ..Change::default() };
    assert_eq!(subscriptions::update(services, owner, &id, bad, BASE).await.unwrap_err().message, "the token is wrong");
    assert_eq!(host.ended.load(Ordering::Relaxed), 1, "what is refused leaves the subscription as it was");
    subscriptions::delete(services, owner, &id).await.unwrap();
    assert_eq!(host.ended.load(Ordering::Relaxed), 2);
    assert_eq!(subscriptions::delete(services, owner, &id).await.unwrap_err().status, 404);
    let path = format!("/triggers/plugin/{id}");
    assert_eq!(call(&rig, Method::POST, &path, &[SECRET], "{}").await.status, 404);
}

#[tokio::test]
async fn the_address_of_a_draft_answers_logs_and_starts_nothing() {
    let rig = Rig::new().await;
    let host = Scripted::attach(&rig).await;
    let (services, owner) = (&rig.services, &rig.owner);
    let app = rig.graph_app("workflow", flow("push", &main_branch()), Draft::default()).await;
    let draft = builders::create(services, owner, PROVIDER, "unauthorized").await.unwrap().id.to_string();
    let path = format!("/triggers/plugin/{draft}");
    assert_eq!(call(&rig, Method::POST, &path, &[SECRET], PUSH).await.status, 202);
    assert_eq!(call(&rig, Method::POST, &path, &[], PUSH).await.status, 400);
    let logs = builders::logs(services, owner, PROVIDER, &draft).await.unwrap();
    let codes: Vec<&Json> = logs.iter().map(|log| &log["response"]["status_code"]).collect();
    assert_eq!(codes, [&json!(400), &json!(202)], "newest first");
    assert_eq!((&logs[1]["request"]["method"], &logs[1]["request"]["data"]), (&json!("POST"), &json!(PUSH)));
    assert!(logged(&rig, &app).await.is_empty());
    assert_eq!(host.transformed.load(Ordering::Relaxed), 0);
    // Built by hand: the provider is not asked, the properties are as they were set.
    let change = Change {
        name: Some("by hand".to_owned()),
        properties: Some(map(&json!({"hook_secret": "told by a person"}))),
        ..Change::default()
    };
    builders::build(services, owner, PROVIDER, &draft, change, BASE).await.unwrap();
    assert!(host.made.lock().unwrap().is_empty());
    assert_eq!(call(&rig, Method::POST, &path, &[SECRET], r#"{"events": []}"#).await.status, 202);
    assert_eq!(subscriptions::list(services, owner, PROVIDER).await.unwrap().len(), 2);
}

#[tokio::test]
async fn nobody_reaches_the_subscriptions_of_another_workspace() {
    let rig = Rig::new().await;
    let host = Scripted::attach(&rig).await;
    let (services, owner) = (&rig.services, &rig.owner);
    let id = subscribe(&rig, "mine").await;
    let draft = builders::create(services, owner, PROVIDER, "api-key").await.unwrap().id.to_string();
    let mut stranger = owner.clone();
    let ox_app::Principal::Member { tenant_id, .. } = &mut stranger else { panic!("the owner is a member") };
    *tenant_id = TenantId::new();
    assert!(subscriptions::list(services, &stranger, PROVIDER).await.unwrap().is_empty());
    let change = || Change { name: Some("stolen".to_owned()), ..Change::default() };
    let token = map(&json!({"token": "good-token-87654321"}));
    let refused = [
        subscriptions::update(services, &stranger, &id, change(), BASE).await.unwrap_err(),
        subscriptions::delete(services, &stranger, &id).await.unwrap_err(),
        subscriptions::verify(services, &stranger, PROVIDER, &id, token.clone()).await.unwrap_err(),
        builders::get(services, &stranger, PROVIDER, &draft).await.unwrap_err(),
        builders::logs(services, &stranger, PROVIDER, &draft).await.unwrap_err(),
        builders::update(services, &stranger, PROVIDER, &draft, change()).await.unwrap_err(),
        builders::verify(services, &stranger, PROVIDER, &draft, token).await.unwrap_err(),
        builders::build(services, &stranger, PROVIDER, &draft, change(), BASE).await.unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.status == 404), "{refused:?}");
    assert_eq!(host.ended.load(Ordering::Relaxed), 0);
    let all = subscriptions::list(services, owner, PROVIDER).await.unwrap();
    assert!(all.iter().any(|shown| shown.name == "mine"));
}
