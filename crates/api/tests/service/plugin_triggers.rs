//! Events of plugins, from a scripted plugin host: their address, who gets them, once, and trying them out.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::http::Method;
use ox_app::triggers::{
    self, debug,
    host::{
        Dispatched, EventCall, EventParameter, HostError, RawReply, RawRequest, Transformed, TriggerEvent, TriggerHost,
        TriggerSubscription,
    },
};
use ox_types::{Json, TenantId};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    rig::{Answer, Draft, Rig, TestApp, end, graph},
    triggers::{call, events},
};

const PROVIDER: &str = "acme/git/git";
const SECRET: (&str, &str) = ("x-secret", "s3cret");

/// A host with one provider and one subscription, `sub`. Its requests are JSON: `events`, `id`, `user`, and what the
/// transformation needs, `branch` and `repo`.
struct Scripted {
    tenant: TenantId,
    endpoint: Uuid,
    transformed: AtomicUsize,
}

impl Scripted {
    /// In the place of the host of a server.
    fn attach(rig: &Rig) -> Arc<Self> {
        let tenant = rig.owner.tenant_id();
        let host = Arc::new(Self { tenant, endpoint: ox_types::new_uuid(), transformed: AtomicUsize::new(0) });
        assert!(rig.services.triggers.attach(Arc::clone(&host) as Arc<dyn TriggerHost>));
        host
    }

    fn subscribed(&self) -> TriggerSubscription {
        TriggerSubscription {
            id: "sub".to_owned(),
            tenant_id: self.tenant,
            provider: PROVIDER.to_owned(),
            endpoint: self.endpoint,
        }
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

    async fn subscription(&self, tenant: TenantId, id: &str) -> Result<Option<TriggerSubscription>, HostError> {
        Ok((tenant == self.tenant && id == "sub").then(|| self.subscribed()))
    }

    async fn endpoint(&self, endpoint: Uuid) -> Result<Option<TriggerSubscription>, HostError> {
        Ok((endpoint == self.endpoint).then(|| self.subscribed()))
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
        "provider_name": "git", "provider_type": "trigger", "event_name": event, "subscription_id": "sub",
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
    let host = Scripted::attach(&rig);
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
    let host = Scripted::attach(&rig);
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
    let host = Scripted::attach(&rig);
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
    let host = Scripted::attach(&rig);
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
    let host = Scripted::attach(&rig);
    assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    assert!(logged(&rig, &app).await.is_empty());
    // Publishing again finds the subscription.
    ox_app::workflows::publish(&rig.services, &rig.owner, app.id, None, None).await.unwrap();
    let trigger = triggers::list(&rig.services, &rig.owner, app.id).await.unwrap().remove(0);
    assert_eq!(trigger.status, "enabled");
    assert_eq!(host.tell(&rig, PUSH).await.status, 202);
    assert_eq!(events(&rig, &app, 1).await[0]["outputs"]["repo"], "shop");
}
