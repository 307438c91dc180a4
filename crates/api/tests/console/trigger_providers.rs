//! Providers of events and subscriptions to them over HTTP, from a scripted plugin host.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use ox_app::triggers::host::{
    Dispatched, EventCall, HostError, RawReply, RawRequest, Subscribed, Transformed, TriggerEvent, TriggerHost,
    TriggerIcon, TriggerProvider, TriggerSubscription,
};
use ox_testkit::on_each_database;
use ox_types::{Json, TenantId};
use serde_json::{Map, Value, json};

use crate::support::{PASSWORD, Session, TestServer};

const PROVIDER: &str = "acme/git/git";
/// The provider's part of the routes.
const ROUTES: &str = "/workspaces/current/trigger-provider/acme%2Fgit%2Fgit";
const TOKEN: &str = "good-token-12345678";

fn map(json: &Json) -> Map<String, Json> {
    json.as_object().cloned().unwrap_or_default()
}

/// A host with one provider, which takes tokens that begin with `good`.
#[derive(Default)]
struct Scripted {
    /// Addresses, credentials and parameters that were subscribed with.
    made: Mutex<Vec<(String, Json, Json)>>,
    ended: AtomicUsize,
}

#[async_trait]
impl TriggerHost for Scripted {
    async fn events(&self, _tenant: TenantId, provider: &str) -> Result<Option<Vec<TriggerEvent>>, HostError> {
        let push = TriggerEvent { name: "push".to_owned(), parameters: Vec::new() };
        Ok((provider == PROVIDER).then(|| vec![push]))
    }

    async fn providers(&self, _tenant: TenantId) -> Result<Vec<TriggerProvider>, HostError> {
        let declaration = map(&json!({
            "author": "acme", "label": {"en_US": "Git"}, "plugin_id": "acme/git", "events": [{"name": "push"}],
            "subscription_schema": [{"name": "hook_secret", "type": "secret-input"}],
            "subscription_constructor": {"credentials_schema": [{"name": "token", "type": "secret-input"}],
                "parameters": [{"name": "repo", "type": "string"}]},
        }));
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
            Some(token) if token.starts_with("good") && !token.contains('*') => Ok(()),
            _ => Err(HostError::Refused("the token is wrong".to_owned())),
        }
    }

    async fn subscribe(&self, subscription: &TriggerSubscription, address: &str) -> Result<Subscribed, HostError> {
        let credentials = Json::Object(subscription.credentials.clone());
        let parameters = Json::Object(subscription.parameters.clone());
        self.made.lock().unwrap().push((address.to_owned(), credentials, parameters));
        let properties = map(&json!({"hook": 7, "hook_secret": "a hook's long secret"}));
        Ok(Subscribed { properties, expires_at: None })
    }

    async fn unsubscribe(&self, _subscription: &TriggerSubscription) -> Result<(), HostError> {
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn dispatch(
        &self,
        _subscription: &TriggerSubscription,
        _request: &RawRequest,
    ) -> Result<Dispatched, HostError> {
        let reply = RawReply { status: 202, headers: Vec::new(), body: "heard".into() };
        Ok(Dispatched { events: Vec::new(), user_id: String::new(), payload: Map::new(), delivery: None, reply })
    }

    async fn transform(&self, _call: EventCall<'_>) -> Result<Transformed, HostError> {
        Ok(Transformed::Filtered)
    }
}

impl Scripted {
    fn attach(server: &TestServer) -> Arc<Self> {
        let host = Arc::new(Self::default());
        assert!(server.services.triggers.attach(Arc::clone(&host) as Arc<dyn TriggerHost>));
        host
    }

    fn made(&self) -> Vec<(String, Json, Json)> {
        self.made.lock().unwrap().clone()
    }
}

async fn good(server: &TestServer, session: &Session, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = server.console(session, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    assert!(!answer.text.contains(TOKEN) && !answer.text.contains("long secret"), "a secret: {}", answer.text);
    answer.json()
}

async fn list(server: &TestServer, session: &Session) -> Value {
    good(server, session, Method::GET, &format!("{ROUTES}/subscriptions/list"), None).await
}

/// Begins a draft that signs in so; answers its id.
async fn draft(server: &TestServer, session: &Session, kind: &str) -> String {
    let path = format!("{ROUTES}/subscriptions/builder/create");
    let made = good(server, session, Method::POST, &path, Some(json!({"credential_type": kind}))).await;
    let made = &made["subscription_builder"];
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!((&made["provider"], &made["credential_type"]), (&json!(PROVIDER), &json!(kind)), "{made}");
    assert!(made["endpoint"].as_str().unwrap().ends_with(&format!("/triggers/plugin/{id}")), "{made}");
    id
}

/// A subscription that is made with the token; answers its id.
async fn subscribe(server: &TestServer, session: &Session, name: &str) -> String {
    let id = draft(server, session, "api-key").await;
    let builder = format!("{ROUTES}/subscriptions/builder");
    let token = json!({"credentials": {"token": TOKEN}});
    good(server, session, Method::POST, &format!("{builder}/verify-and-update/{id}"), Some(token)).await;
    let body = json!({"name": name, "parameters": {"repo": "shop"}});
    good(server, session, Method::POST, &format!("{builder}/build/{id}"), Some(body)).await;
    id
}

#[tokio::test]
async fn providers_are_shown_with_what_this_server_can_do() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    assert_eq!(good(&server, &owner, Method::GET, "/workspaces/current/triggers", None).await, json!([]));
    let gone = server.get(&owner, &format!("{ROUTES}/subscriptions/list")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.json()["error"].as_str().unwrap().contains("not installed"), "{}", gone.text);
    assert_eq!(server.get(&owner, &format!("{ROUTES}/info")).await.status, StatusCode::NOT_FOUND);

    Scripted::attach(&server);
    let all = good(&server, &owner, Method::GET, "/workspaces/current/triggers", None).await;
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    assert_eq!((&all[0]["name"], &all[0]["plugin_id"]), (&json!(PROVIDER), &json!("acme/git")));
    assert_eq!(all[0]["supported_creation_methods"], json!(["APIKEY", "MANUAL"]), "OAuth is none of them");
    assert_eq!(good(&server, &owner, Method::GET, &format!("{ROUTES}/info"), None).await, all[0]);
    let icon = server.get(&owner, &format!("{ROUTES}/icon")).await;
    assert_eq!((icon.status, icon.text.as_str()), (StatusCode::OK, "<svg/>"));
    assert_eq!(icon.headers["content-type"], "image/svg+xml");
    assert!(icon.headers["content-security-policy"].to_str().unwrap().contains("sandbox"), "a picture runs nothing");
    // What there is not is named.
    for path in ["subscriptions/oauth/authorize", "oauth/client"] {
        let refused = server.get(&owner, &format!("{ROUTES}/{path}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}: {}", refused.text);
        assert!(refused.json()["message"].as_str().unwrap().contains("OAuth"), "{}", refused.text);
    }
    let other = "/workspaces/current/trigger-provider/acme%2Fgit%2Fother";
    assert_eq!(server.get(&owner, &format!("{other}/info")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.get(&owner, &format!("{other}/icon")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_subscription_is_drafted_tried_built_and_shown_without_its_secrets() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let host = Scripted::attach(&server);
        let builder = format!("{ROUTES}/subscriptions/builder");
        let id = draft(&server, &owner, "api-key").await;
        let verify = format!("{builder}/verify-and-update/{id}");
        let refused = server.post(&owner, &verify, json!({"credentials": {"token": "bad"}})).await;
        assert_eq!(
            (refused.status, refused.json()["message"].as_str()),
            (StatusCode::BAD_REQUEST, Some("the token is wrong"))
        );
        let verified =
            good(&server, &owner, Method::POST, &verify, Some(json!({"credentials": {"token": TOKEN}}))).await;
        assert_eq!(verified["verified"], true);
        let change = json!({"name": "mine", "parameters": {"repo": "shop"}});
        let changed = good(&server, &owner, Method::POST, &format!("{builder}/update/{id}"), Some(change)).await;
        assert_eq!((&changed["name"], &changed["parameters"]), (&json!("mine"), &json!({"repo": "shop"})), "{changed}");
        assert_eq!(changed["credentials"]["token"], "good-t************78", "{changed}");
        assert_eq!(good(&server, &owner, Method::GET, &format!("{builder}/{id}"), None).await, changed);

        // What comes to its address is answered by the plugin and shown to the editor.
        let request = Request::post(format!("/triggers/plugin/{id}")).body(Body::from("ping")).unwrap();
        let heard = server.send(request).await;
        assert_eq!((heard.status, heard.text.as_str()), (StatusCode::ACCEPTED, "heard"));
        let logs = good(&server, &owner, Method::GET, &format!("{builder}/logs/{id}"), None).await;
        assert_eq!(logs["logs"].as_array().unwrap().len(), 1, "{logs}");
        assert_eq!(logs["logs"][0]["request"]["data"], "ping");
        assert_eq!(logs["logs"][0]["response"]["status_code"], 202);

        assert!(host.made().is_empty() && list(&server, &owner).await == json!([]), "a draft is no subscription");
        let built = good(&server, &owner, Method::POST, &format!("{builder}/build/{id}"), Some(json!({}))).await;
        assert_eq!(built["result"], "success");
        let made = host.made();
        assert_eq!((made.len(), &made[0].1, &made[0].2), (1, &json!({"token": TOKEN}), &json!({"repo": "shop"})));
        let all = list(&server, &owner).await;
        assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
        let shown = &all[0];
        assert_eq!(
            (&shown["id"], &shown["name"], &shown["provider"], &shown["workflows_in_use"]),
            (&json!(id), &json!("mine"), &json!(PROVIDER), &json!(0)),
            "{shown}"
        );
        assert_eq!(shown["endpoint"], made[0].0.as_str(), "the address the plugin was told");
        assert_eq!(shown["credentials"]["token"], "good-t************78");
        assert_eq!(
            (&shown["properties"]["hook"], &shown["properties"]["hook_secret"]),
            (&json!(7), &json!("a hook************et"))
        );
        assert_eq!(server.get(&owner, &format!("{builder}/{id}")).await.status, StatusCode::NOT_FOUND, "it is used up");
    })
    .await;
}

#[tokio::test]
async fn drafts_and_names_that_cannot_be_are_refused() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let host = Scripted::attach(&server);
    subscribe(&server, &owner, "mine").await;
    let builder = format!("{ROUTES}/subscriptions/builder");
    let id = draft(&server, &owner, "unauthorized").await;
    let unknown = "99999999-9999-4999-8999-999999999999";
    for (path, body, status) in [
        ("create".to_owned(), json!({"credential_type": "oauth2"}), StatusCode::BAD_REQUEST),
        (format!("build/{id}"), json!({}), StatusCode::BAD_REQUEST),
        (format!("build/{id}"), json!({"name": "mine"}), StatusCode::BAD_REQUEST),
        (format!("build/{id}"), json!({"name": "x".repeat(256)}), StatusCode::BAD_REQUEST),
        (format!("update/{id}"), json!({"parameters": {"repo": "x".repeat(65_536)}}), StatusCode::BAD_REQUEST),
        (format!("update/{unknown}"), json!({"name": "x"}), StatusCode::NOT_FOUND),
        ("build/no-id".to_owned(), json!({"name": "x"}), StatusCode::NOT_FOUND),
    ] {
        let refused = server.post(&owner, &format!("{builder}/{path}"), body).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.text);
    }
    assert_eq!(host.made().len(), 1, "the provider is asked for none of them");
    // By hand: the provider is not asked at all, and the properties are those that a person set.
    let body = json!({"name": "by hand", "properties": {"hook_secret": "a person's long secret"}});
    good(&server, &owner, Method::POST, &format!("{builder}/build/{id}"), Some(body)).await;
    assert_eq!(host.made().len(), 1);
    let all = list(&server, &owner).await;
    let mine = all.as_array().unwrap().iter().find(|shown| shown["name"] == "by hand").unwrap();
    assert_eq!((&mine["credential_type"], &mine["credentials"]), (&json!("unauthorized"), &json!({})));
    assert_eq!(mine["properties"], json!({"hook_secret": "a pers************et"}));
}

#[tokio::test]
async fn a_subscription_is_renamed_changed_and_deleted() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let editor = server.member(&owner, "editor@example.com", "editor").await;
    let reader = server.member(&owner, "reader@example.com", "normal").await;
    let host = Scripted::attach(&server);
    let id = subscribe(&server, &editor, "mine").await;
    let at = format!("/workspaces/current/trigger-provider/{id}/subscriptions");
    good(&server, &editor, Method::POST, &format!("{at}/update"), Some(json!({"name": "ours"}))).await;
    let shown = list(&server, &editor).await[0].clone();
    assert_eq!((&shown["name"], host.made().len(), host.ended.load(Ordering::Relaxed)), (&json!("ours"), 1, 0));
    // What is sent back as it was shown is what was kept.
    let body = json!({"credentials": shown["credentials"], "parameters": {"repo": "other"}});
    good(&server, &editor, Method::POST, &format!("{at}/update"), Some(body)).await;
    let made = host.made();
    assert_eq!((made.len(), host.ended.load(Ordering::Relaxed)), (2, 1), "made anew");
    assert_eq!((&made[1].0, &made[1].1, &made[1].2), (&made[0].0, &made[0].1, &json!({"repo": "other"})));
    let verify = format!("{ROUTES}/subscriptions/verify/{id}");
    let tried =
        good(&server, &editor, Method::POST, &verify, Some(json!({"credentials": {"token": "[__HIDDEN__]"}}))).await;
    assert_eq!(tried["verified"], true);
    let wrong = server.post(&editor, &verify, json!({"credentials": {"token": "bad"}})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    // Readers see none of it, and who edits apps cannot end what others' apps wait for.
    assert_eq!(server.get(&reader, &format!("{ROUTES}/subscriptions/list")).await.status, StatusCode::FORBIDDEN);
    for session in [&reader, &editor] {
        assert_eq!(server.post(session, &format!("{at}/delete"), json!({})).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(host.ended.load(Ordering::Relaxed), 1);
    good(&server, &owner, Method::POST, &format!("{at}/delete"), Some(json!({}))).await;
    assert_eq!((list(&server, &owner).await, host.ended.load(Ordering::Relaxed)), (json!([]), 2));
    assert_eq!(server.post(&owner, &format!("{at}/delete"), json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_workspace_reaches_neither_drafts_nor_subscriptions() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    ox_app::workspaces::create_with_owner(&server.services, "Other", "stranger@example.com", PASSWORD).await.unwrap();
    let stranger = server.login("stranger@example.com").await;
    let host = Scripted::attach(&server);
    let id = subscribe(&server, &owner, "mine").await;
    let draft = draft(&server, &owner, "api-key").await;
    assert_eq!(list(&server, &stranger).await, json!([]));
    let at = format!("/workspaces/current/trigger-provider/{id}/subscriptions");
    let builder = format!("{ROUTES}/subscriptions/builder");
    let token = json!({"credentials": {"token": "good-token-87654321"}});
    for (method, path, body) in [
        (Method::POST, format!("{at}/update"), Some(json!({"name": "stolen"}))),
        (Method::POST, format!("{at}/delete"), Some(json!({}))),
        (Method::POST, format!("{ROUTES}/subscriptions/verify/{id}"), Some(token.clone())),
        (Method::GET, format!("{builder}/{draft}"), None),
        (Method::GET, format!("{builder}/logs/{draft}"), None),
        (Method::POST, format!("{builder}/update/{draft}"), Some(json!({"name": "stolen"}))),
        (Method::POST, format!("{builder}/verify-and-update/{draft}"), Some(token)),
        (Method::POST, format!("{builder}/build/{draft}"), Some(json!({"name": "stolen"}))),
    ] {
        let refused = server.console(&stranger, method, &path, body).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}: {}", refused.text);
    }
    assert_eq!((host.made().len(), host.ended.load(Ordering::Relaxed)), (1, 0));
    assert_eq!(list(&server, &owner).await[0]["name"], "mine");
}
