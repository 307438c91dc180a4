//! OpenAPI tools whose service wants a sign-in by OAuth.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{Form, extract::State};
use base64::Engine as _;
use sha2::{Digest, Sha256};
use url::Url;

use super::*;

const SECRET: &str = "client-secret-7781";

/// Where the browser finds us.
const AT: [(&str, &str); 2] = [("CONSOLE_API_URL", "http://studio.test"), ("CONSOLE_WEB_URL", "http://studio.test")];

/// A service with its own authority, which checks every word.
#[derive(Default)]
struct Service {
    /// Code, challenge and address of return of who has just agreed.
    granted: Option<(String, String, String)>,
    access: String,
    refresh: String,
    /// Seconds that a token lasts.
    life: i64,
    given: u32,
    refreshed: u32,
}

type Shared = Arc<Mutex<Service>>;

impl Service {
    fn tokens(&mut self) -> Value {
        self.given += 1;
        (self.access, self.refresh) = (format!("access-{}", self.given), format!("refresh-{}", self.given));
        json!({"access_token": self.access, "refresh_token": self.refresh, "expires_in": self.life, "token_type": "Bearer"})
    }
}

async fn token(State(service): State<Shared>, Form(form): Form<HashMap<String, String>>) -> (StatusCode, Json<Value>) {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let no = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant", "error_description": why})));
    if (field("client_id").as_str(), field("client_secret").as_str()) != ("c-1", SECRET) {
        return no("unknown client");
    }
    let mut service = service.lock().unwrap();
    match field("grant_type").as_str() {
        "authorization_code" => {
            let Some((code, challenge, redirect)) = service.granted.take() else { return no("no code") };
            let digest = Sha256::digest(field("code_verifier").as_bytes());
            let proof = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
            if (code, challenge, redirect) != (field("code"), proof, field("redirect_uri")) {
                return no("another code, proof or address");
            }
        }
        // Each is taken once.
        "refresh_token" if field("refresh_token") == service.refresh => service.refreshed += 1,
        _ => return no("spent"),
    }
    (StatusCode::OK, Json(service.tokens()))
}

async fn hello(
    State(service): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let wanted = format!("Bearer {}", service.lock().unwrap().access);
    if headers.get("authorization").is_some_and(|given| given.to_str().unwrap_or_default() == wanted) {
        return (StatusCode::OK, Json(json!({"hello": body["name"]})));
    }
    (StatusCode::UNAUTHORIZED, Json(json!({"error": "token"})))
}

async fn service() -> (String, Shared) {
    let shared = Shared::default();
    let router = Router::new().route("/token", post(token)).route("/hello", post(hello));
    (peer(router.with_state(Arc::clone(&shared))).await, shared)
}

/// A provider whose addresses its document names.
fn form(base: &str, secret: &str) -> Value {
    let mut document: Value = serde_json::from_str(&pets_document(base)).unwrap();
    document["components"] = json!({"securitySchemes": {"way": {"type": "oauth2", "flows": {"authorizationCode": {
        "authorizationUrl": format!("{base}/authorize"), "tokenUrl": format!("{base}/token"), "scopes": {"greet": "Greets"}}}}}});
    json!({"provider": "Pets", "schema": document.to_string(), "schema_type": "openapi", "icon": {"content": "🐶", "background": "#fff"},
        "credentials": {"auth_type": "oauth2", "client_id": "c-1", "client_secret": secret}})
}

/// What the authority does when somebody agrees: the address to come back to, with a code.
fn agree(shared: &Shared, authorization_url: &str) -> String {
    let url = Url::parse(authorization_url).unwrap();
    let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!((asked["client_id"].as_str(), asked["scope"].as_str()), ("c-1", "greet"), "{asked:?}");
    assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
    grant(shared, &asked)
}

fn grant(shared: &Shared, asked: &HashMap<String, String>) -> String {
    let redirect = asked["redirect_uri"].clone();
    shared.lock().unwrap().granted = Some(("code-1".into(), asked["code_challenge"].clone(), redirect.clone()));
    let path = redirect.split_once("/console/api").unwrap().1;
    format!("{path}?code=code-1&state={}", asked["state"])
}

/// Begins to sign in; the browser holds what it was given.
async fn begin(server: &TestServer, session: &mut Session, id: &str) -> String {
    let begun = server.get(session, &format!("/oauth/plugin/{id}/tool/authorization-url")).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    session.keep(&begun.headers);
    begun.json()["authorization_url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_service_is_signed_in_to_renewed_and_left() {
    let database = ox_testkit::sqlite().await.unwrap();
    let server = TestServer::reaching(database.database.clone(), &AT).await;
    let mut owner = server.owner().await;
    let (base, shared) = service().await;
    shared.lock().unwrap().life = 3600;
    let added = server.post(&owner, &format!("{TOOLS}/api/add"), form(&base, SECRET)).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    let provider = server.get(&owner, "/workspaces/current/tools/api").await.json()[0].clone();
    assert_eq!(provider["is_team_authorization"], false);
    let id = provider["id"].as_str().unwrap().to_owned();
    let kept = server.get(&owner, &format!("{TOOLS}/api/get?provider=Pets")).await;
    assert!(!kept.text.contains(SECRET), "{}", kept.text);
    let kept = kept.json();
    assert_eq!(
        (&kept["credentials"]["token_url"], &kept["credentials"]["authorized"]),
        (&json!(format!("{base}/token")), &json!(false))
    );
    assert!(kept["redirect_uri"].as_str().unwrap().ends_with(&format!("/oauth/plugin/{id}/tool/callback")));
    let node = json!({"provider_type": "api", "provider_id": id, "provider_name": "Pets", "tool_name": "greet"});
    let (_, key) = server.app(&owner, &calling("Greeter", &node, "name")).await;
    assert!(run(&server, &key, "Ada").await.unwrap_err().contains("wants a sign-in"));
    // Only administrators sign in, and the attempt ends once, in the browser that began it.
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    let path = format!("/oauth/plugin/{id}/tool/authorization-url");
    assert_eq!(server.get(&editor, &path).await.status, StatusCode::FORBIDDEN);
    let url = begin(&server, &mut owner, &id).await;
    let stolen = server.get(&editor, &agree(&shared, &url)).await;
    assert!(stolen.status == StatusCode::BAD_REQUEST && stolen.text.contains("State parameter"), "{}", stolen.text);
    let url = begin(&server, &mut owner, &id).await;
    let back = agree(&shared, &url);
    let done = server.get(&owner, &back).await;
    assert_eq!(done.status, StatusCode::FOUND, "{}", done.text);
    assert!(done.headers["location"].to_str().unwrap().ends_with("/oauth-callback"));
    assert_eq!(server.get(&owner, &back).await.status, StatusCode::BAD_REQUEST, "once");
    assert_eq!(run(&server, &key, "Ada").await.unwrap(), r#"{"hello":"Ada"}"#);
    let kept = server.get(&owner, &format!("{TOOLS}/api/get?provider=Pets")).await;
    assert!(kept.json()["credentials"]["authorized"] == true && !kept.text.contains("access-1"), "{}", kept.text);
    // A change elsewhere keeps the sign-in; another token address wants the secret anew.
    let mut changed = form(&base, kept.json()["credentials"]["client_secret"].as_str().unwrap());
    (changed["original_provider"], changed["privacy_policy"]) = ("Pets".into(), "https://pets.test".into());
    let done = server.post(&owner, &format!("{TOOLS}/api/update"), changed.clone()).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(run(&server, &key, "Bo").await.unwrap(), r#"{"hello":"Bo"}"#);
    changed["credentials"]["token_url"] = "https://evil.test/token".into();
    let refused = server.post(&owner, &format!("{TOOLS}/api/update"), changed).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("secret again"), "{}", refused.text);
    // Whoever leaves is out.
    let left = server.post(&owner, &format!("{TOOLS}/api/disconnect"), json!({"provider_id": id})).await;
    assert_eq!(left.status, StatusCode::OK, "{}", left.text);
    assert!(run(&server, &key, "Ada").await.unwrap_err().contains("wants a sign-in"));
}

#[tokio::test]
async fn one_of_several_calls_renews_a_token() {
    let database = ox_testkit::sqlite().await.unwrap();
    let server = TestServer::reaching(database.database.clone(), &AT).await;
    let mut owner = server.owner().await;
    let (base, shared) = service().await;
    // Nearly over when it comes.
    shared.lock().unwrap().life = 30;
    assert_eq!(server.post(&owner, &format!("{TOOLS}/api/add"), form(&base, SECRET)).await.status, StatusCode::OK);
    let provider = server.get(&owner, "/workspaces/current/tools/api").await.json()[0].clone();
    let id = provider["id"].as_str().unwrap().to_owned();
    let url = begin(&server, &mut owner, &id).await;
    assert_eq!(server.get(&owner, &agree(&shared, &url)).await.status, StatusCode::FOUND);
    shared.lock().unwrap().life = 3600;
    let node = json!({"provider_type": "api", "provider_id": id, "provider_name": "Pets", "tool_name": "greet"});
    let (_, key) = server.app(&owner, &calling("Greeter", &node, "name")).await;
    let (one, two, three) = tokio::join!(run(&server, &key, "a"), run(&server, &key, "b"), run(&server, &key, "c"));
    assert_eq!((one.unwrap(), two.unwrap()), (r#"{"hello":"a"}"#.to_owned(), r#"{"hello":"b"}"#.to_owned()));
    assert_eq!(three.unwrap(), r#"{"hello":"c"}"#);
    assert_eq!(shared.lock().unwrap().refreshed, 1);
    // A refusal says who can do what.
    shared.lock().unwrap().life = 30;
    let url = begin(&server, &mut owner, &id).await;
    assert_eq!(server.get(&owner, &agree(&shared, &url)).await.status, StatusCode::FOUND);
    shared.lock().unwrap().refresh = "revoked".into();
    let error = run(&server, &key, "d").await.unwrap_err();
    assert!(error.contains("cannot be renewed") && error.contains("sign in again under Tools"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_know_its_address_says_so() {
    let (server, owner) = open().await;
    let (base, _) = service().await;
    assert_eq!(server.post(&owner, &format!("{TOOLS}/api/add"), form(&base, SECRET)).await.status, StatusCode::OK);
    let provider = server.get(&owner, "/workspaces/current/tools/api").await.json()[0].clone();
    let path = format!("/oauth/plugin/{}/tool/authorization-url", provider["id"].as_str().unwrap());
    let refused = server.get(&owner, &path).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("CONSOLE_API_URL"), "{}", refused.text);
}

/// An MCP server that is its own authority.
async fn speaking_to_those_let_in() -> (String, Shared) {
    async fn answer(
        State(service): State<Shared>,
        headers: HeaderMap,
        Json(asked): Json<Value>,
    ) -> (StatusCode, Json<Value>) {
        let wanted = format!("Bearer {}", service.lock().unwrap().access);
        if headers.get("authorization").is_none_or(|given| given.to_str().unwrap_or_default() != wanted) {
            return (StatusCode::UNAUTHORIZED, Json(json!({"error": "token"})));
        }
        let result = match asked["method"].as_str().unwrap_or_default() {
            "initialize" => {
                json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "T", "version": "1"}})
            }
            "tools/list" => {
                json!({"tools": [{"name": "shout", "description": "Says it loud", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}]})
            }
            "tools/call" => {
                json!({"content": [{"type": "text", "text": asked["params"]["arguments"]["text"].as_str().unwrap_or_default().to_uppercase()}]})
            }
            _ => return (StatusCode::ACCEPTED, Json(Value::Null)),
        };
        (StatusCode::OK, Json(json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})))
    }
    let shared = Shared::default();
    let router = Router::new().route("/token", post(token)).route("/mcp", post(answer));
    (peer(router.with_state(Arc::clone(&shared))).await, shared)
}

/// Begins to sign in to an MCP server; the address to come back to once somebody has agreed.
async fn begin_mcp(server: &TestServer, session: &mut Session, id: &str, shared: &Shared) -> String {
    let begun = server.post(session, &format!("{TOOLS}/mcp/auth"), json!({"provider_id": id})).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    session.keep(&begun.headers);
    let url = begun.json()["authorization_url"].as_str().unwrap().to_owned();
    grant(shared, &Url::parse(&url).unwrap().query_pairs().into_owned().collect())
}

#[tokio::test]
async fn an_mcp_server_is_signed_in_to_by_who_began_and_renewed_once() {
    let database = ox_testkit::sqlite().await.unwrap();
    let server = TestServer::reaching(database.database.clone(), &AT).await;
    let mut owner = server.owner().await;
    let (base, shared) = speaking_to_those_let_in().await;
    {
        let mut service = shared.lock().unwrap();
        // Nearly over when it comes.
        (service.life, service.access) = (30, "nobody's".into());
    }
    let form = json!({"server_url": format!("{base}/mcp"), "name": "Loud", "server_identifier": "loud", "icon": "📣", "icon_type": "emoji",
        "icon_background": "#fff", "configuration": {"timeout": 5, "sse_read_timeout": 5},
        "authentication": {"client_id": "c-1", "client_secret": SECRET}});
    let made = server.post(&owner, &format!("{TOOLS}/mcp"), form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json()["is_team_authorization"], false);
    // In another browser the attempt is worth nothing, and over.
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    let back = begin_mcp(&server, &mut owner, &id, &shared).await;
    for session in [&editor, &owner] {
        let refused = server.get(session, &back).await;
        let text = &refused.text;
        assert!(refused.status == StatusCode::BAD_REQUEST && text.contains("State parameter"), "{text}");
    }
    let back = begin_mcp(&server, &mut owner, &id, &shared).await;
    let done = server.get(&owner, &back).await;
    assert_eq!(done.status, StatusCode::FOUND, "{}", done.text);
    assert_eq!(server.get(&owner, &back).await.status, StatusCode::BAD_REQUEST, "once");
    // Of several calls at the same time one renews the token, and all are answered.
    shared.lock().unwrap().life = 3600;
    let node = json!({"provider_type": "mcp", "provider_id": "loud", "provider_name": "Loud", "tool_name": "shout"});
    let (_, key) = server.app(&owner, &calling("Shouter", &node, "text")).await;
    let (one, two, three) = tokio::join!(run(&server, &key, "a"), run(&server, &key, "b"), run(&server, &key, "c"));
    assert_eq!((one.unwrap(), two.unwrap(), three.unwrap()), ("A".to_owned(), "B".to_owned(), "C".to_owned()));
    assert_eq!(shared.lock().unwrap().refreshed, 1);
    // Looking for its tools again keeps the sign-in.
    let looked = server.get(&owner, &format!("{TOOLS}/mcp/update/{id}")).await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    assert_eq!(run(&server, &key, "d").await.unwrap(), "D");
    assert_eq!(shared.lock().unwrap().refreshed, 1);
}
