//! MCP servers to which each member signs in with an account of their own.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Form, extract::State};
use base64::Engine as _;
use ox_testkit::on_each_database;
use ox_types::{AccountId, TenantId};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use url::Url;

use super::*;

const SECRET: &str = "client-secret-4410";
const AT: [(&str, &str); 2] = [("CONSOLE_API_URL", "http://studio.test"), ("CONSOLE_WEB_URL", "http://studio.test")];

/// Who agreed to what, and whose tokens are good.
#[derive(Default)]
struct Books {
    /// By the code: who, and the challenge.
    granted: HashMap<String, (String, String)>,
    access: HashMap<String, String>,
    refresh: HashMap<String, String>,
    /// Seconds that a token lasts.
    life: i64,
    given: u32,
    refreshed: u32,
}

impl Books {
    fn tokens(&mut self, who: String) -> Value {
        self.given += 1;
        let (access, refresh) = (format!("access-{}", self.given), format!("refresh-{}", self.given));
        self.access.insert(access.clone(), who.clone());
        self.refresh.insert(refresh.clone(), who);
        json!({"access_token": access, "refresh_token": refresh, "expires_in": self.life, "token_type": "Bearer"})
    }
}

/// An MCP server that is its own authority and knows who calls.
#[derive(Default)]
struct Place {
    books: Mutex<Books>,
    /// Whether it tells that it is asked how one signs in, and waits before it says.
    held: AtomicBool,
    reached: Notify,
    go: Notify,
}

type Shared = Arc<Place>;

async fn token(State(place): State<Shared>, Form(form): Form<HashMap<String, String>>) -> (StatusCode, Json<Value>) {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let mut books = place.books.lock().unwrap();
    let who = match field("grant_type").as_str() {
        "authorization_code" => {
            let digest = Sha256::digest(field("code_verifier").as_bytes());
            let proof = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
            let granted = books.granted.remove(&field("code"));
            granted.filter(|(_, challenge)| *challenge == proof).map(|(who, _)| who)
        }
        // Each is taken once.
        _ => {
            books.refreshed += 1;
            books.refresh.remove(&field("refresh_token"))
        }
    };
    match who {
        Some(who) => (StatusCode::OK, Json(books.tokens(who))),
        None => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant", "error_description": "spent"}))),
    }
}

async fn answer(
    State(place): State<Shared>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let who = place.books.lock().unwrap().access.get(given.trim_start_matches("Bearer ")).cloned();
    let Some(who) = who else { return (StatusCode::UNAUTHORIZED, Json(json!({"error": "token"}))) };
    let result = match asked["method"].as_str().unwrap_or_default() {
        "initialize" => {
            json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "T", "version": "1"}})
        }
        "tools/list" => {
            json!({"tools": [{"name": "whoami", "description": "Tells who calls", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}]})
        }
        "tools/call" => json!({"content": [{"type": "text", "text": format!("I am {who}")}]}),
        _ => return (StatusCode::ACCEPTED, Json(Value::Null)),
    };
    (StatusCode::OK, Json(json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})))
}

/// It describes its sign-in nowhere, and takes its time where a test wants that.
async fn nothing(State(place): State<Shared>) -> StatusCode {
    if place.held.swap(false, Ordering::SeqCst) {
        place.reached.notify_one();
        place.go.notified().await;
    }
    StatusCode::NOT_FOUND
}

async fn place() -> (String, Shared) {
    let shared = Shared::default();
    shared.books.lock().unwrap().life = 3600;
    let router = Router::new().route("/token", post(token)).route("/mcp", post(answer)).fallback(nothing);
    (peer(router.with_state(Arc::clone(&shared))).await, shared)
}

fn form(base: &str, personal: bool) -> Value {
    json!({"server_url": format!("{base}/mcp"), "name": "Who", "server_identifier": "who", "icon": "👤", "icon_type": "emoji",
        "icon_background": "#fff", "configuration": {"timeout": 20, "sse_read_timeout": 20}, "personal": personal,
        "authentication": {"client_id": "c-1", "client_secret": SECRET}})
}

async fn made(server: &TestServer, owner: &Session, form: Value) -> Value {
    let made = server.post(owner, &format!("{TOOLS}/mcp"), form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    made.json()
}

/// Begins to sign in, as the workspace or as oneself; the address to come back to once `who` has agreed.
async fn begin(
    server: &TestServer,
    session: &mut Session,
    (id, own): (&str, bool),
    place: &Place,
    who: &str,
) -> String {
    let (path, body) = if own {
        (format!("{TOOLS}/mcp/sign-in/{id}"), json!({}))
    } else {
        (format!("{TOOLS}/mcp/auth"), json!({"provider_id": id}))
    };
    let begun = server.post(session, &path, body).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    session.keep(&begun.headers);
    let url = Url::parse(begun.json()["authorization_url"].as_str().unwrap()).unwrap();
    let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
    place
        .books
        .lock()
        .unwrap()
        .granted
        .insert(format!("code-{who}"), (who.to_owned(), asked["code_challenge"].clone()));
    let back = asked["redirect_uri"].split_once("/console/api").unwrap().1.to_owned();
    format!("{back}?code=code-{who}&state={}", asked["state"])
}

async fn sign_in(server: &TestServer, session: &mut Session, what: (&str, bool), place: &Place, who: &str) {
    let back = begin(server, session, what, place, who).await;
    let done = server.get(session, &back).await;
    assert_eq!(done.status, StatusCode::FOUND, "{}", done.text);
}

/// What a run of the draft says, as it comes.
async fn try_out(server: &TestServer, session: &Session, app: &str) -> String {
    server.post(session, &format!("/apps/{app}/workflows/draft/run"), json!({"inputs": {"q": "x"}})).await.text
}

async fn seen(server: &TestServer, session: &Session, id: &str) -> Value {
    let answer = server.get(session, &format!("{TOOLS}/mcp/tools/{id}")).await;
    assert!(!answer.text.contains("access-") && !answer.text.contains("refresh-"), "{}", answer.text);
    answer.json()
}

fn who_node() -> Value {
    json!({"provider_type": "mcp", "provider_id": "who", "provider_name": "Who", "tool_name": "whoami"})
}

async fn put(server: &TestServer, owner: &Session, body: Value) {
    let done = server.console(owner, Method::PUT, &format!("{TOOLS}/mcp"), Some(body)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

/// The sign-ins of a member by e-mail, as they are kept.
async fn kept(server: &TestServer, owner: &Session, email: &str) -> (AccountId, usize) {
    let workspaces = server.get(owner, "/workspaces").await.json();
    let tenant: TenantId = serde_json::from_value(workspaces["workspaces"][0]["id"].clone()).unwrap();
    let members = server.get(owner, "/workspaces/current/members").await.json();
    let accounts = members["accounts"].as_array().unwrap();
    let id = accounts.iter().find(|one| one["email"] == email).unwrap()["id"].clone();
    let account: AccountId = serde_json::from_value(id).unwrap();
    let rows = ox_db::repo::tools::sign_ins::list(&server.services.db, tenant, "mcp", account).await.unwrap();
    assert!(rows.iter().all(|row| !row.encrypted_tokens.contains("access-")), "it is encrypted");
    (account, rows.len())
}

#[tokio::test]
async fn each_member_calls_with_an_account_of_their_own() {
    on_each_database(|database| async move {
        let server = TestServer::reaching(database, &AT).await;
        let mut owner = server.owner().await;
        let mut editor = server.member(&owner, "ed@example.com", "editor").await;
        let (base, place) = place().await;
        let view = made(&server, &owner, form(&base, true)).await;
        let id = view["id"].as_str().unwrap().to_owned();
        assert_eq!((&view["personal"], &view["signed_in"]), (&json!(true), &json!(false)));
        // The attempt ends where it began, also one of a member's own.
        let back = begin(&server, &mut editor, (&id, true), &place, "Bob").await;
        assert_eq!(server.get(&owner, &back).await.status, StatusCode::BAD_REQUEST);
        // Nor by somebody else who has signed in there since.
        let back = begin(&server, &mut editor, (&id, true), &place, "Bob").await;
        let mut shared = owner.clone();
        let held = editor.cookies.iter().find(|(name, _)| name.ends_with("mcp_context_id")).unwrap();
        shared.cookies.push(held.clone());
        assert_eq!(server.get(&shared, &back).await.status, StatusCode::BAD_REQUEST);
        place.books.lock().unwrap().life = 30;
        sign_in(&server, &mut owner, (&id, true), &place, "Ann").await;
        place.books.lock().unwrap().life = 3600;
        let view = seen(&server, &owner, &id).await;
        assert_eq!((&view["signed_in"], &view["is_team_authorization"]), (&json!(true), &json!(false)), "{view}");
        assert_eq!(view["tools"][0]["name"], "whoami");
        assert_eq!(seen(&server, &editor, &id).await["signed_in"], false);
        // Of two runs one renews what is nearly over; who has not signed in is told where to.
        let (app, key) = server.app(&owner, &calling("Who", &who_node(), "text")).await;
        let (one, two) = tokio::join!(try_out(&server, &owner, &app), try_out(&server, &owner, &app));
        assert!(one.contains("I am Ann") && two.contains("I am Ann"), "{one} {two}");
        assert_eq!(place.books.lock().unwrap().refreshed, 1);
        let out = try_out(&server, &editor, &app).await;
        assert!(out.contains("sign in with your own account"), "{out}");
        // An editor signs in without the right to change the server.
        sign_in(&server, &mut editor, (&id, true), &place, "Bob").await;
        let (one, two) = tokio::join!(try_out(&server, &owner, &app), try_out(&server, &editor, &app));
        assert!(one.contains("I am Ann") && two.contains("I am Bob"), "{one} {two}");
        let installed = server.get(&editor, &format!("/installed-apps?app_id={app}")).await.json();
        let installed =
            installed["installed_apps"][0]["id"].as_str().unwrap_or_else(|| panic!("{installed}")).to_owned();
        let path = format!("/installed-apps/{installed}/workflows/run");
        let explored = server.post(&editor, &path, json!({"inputs": {"q": "x"}})).await.text;
        assert!(explored.contains("I am Bob"), "{explored}");
        // Whoever is no member calls as the workspace, once somebody has signed that in.
        let error = run(&server, &key, "x").await.unwrap_err();
        assert!(error.contains("no member's") && error.contains("under Tools"), "{error}");
        sign_in(&server, &mut owner, (&id, false), &place, "Team").await;
        assert_eq!(run(&server, &key, "x").await.unwrap(), "I am Team");
        assert!(try_out(&server, &owner, &app).await.contains("I am Ann"));
        // Signing out is one's own, too.
        let path = format!("{TOOLS}/mcp/sign-in/{id}");
        assert_eq!(server.console(&editor, Method::DELETE, &path, None).await.status, StatusCode::OK);
        let out = try_out(&server, &editor, &app).await;
        assert!(out.contains("sign in with your own account") && !out.contains("I am Team"), "{out}");
        assert_eq!(seen(&server, &owner, &id).await["signed_in"], true);
    })
    .await;
}

#[tokio::test]
async fn own_sign_ins_go_with_the_member_the_client_and_the_server() {
    on_each_database(|database| async move {
        let server = TestServer::reaching(database, &AT).await;
        let owner = server.owner().await;
        let mut normal = server.member(&owner, "nora@example.com", "normal").await;
        let (base, place) = place().await;
        let shared = made(&server, &owner, form(&base, false)).await;
        let id = shared["id"].as_str().unwrap().to_owned();
        let own = format!("{TOOLS}/mcp/sign-in/{id}");
        let refused = server.post(&normal, &own, json!({})).await;
        assert!(
            refused.status == StatusCode::BAD_REQUEST && refused.text.contains("for all of its members"),
            "{}",
            refused.text
        );
        let change = |change: Value| {
            let mut body = form(&base, true);
            body["provider_id"] = id.clone().into();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            body
        };
        put(&server, &owner, change(json!({}))).await;
        sign_in(&server, &mut normal, (&id, true), &place, "Nora").await;
        assert_eq!(kept(&server, &owner, "nora@example.com").await.1, 1);
        // Another workspace has nothing to do with it.
        ox_app::workspaces::create_with_owner(
            &server.services,
            "Other",
            "stranger@example.com",
            crate::support::PASSWORD,
        )
        .await
        .unwrap();
        let stranger = server.login("stranger@example.com").await;
        for method in [Method::POST, Method::DELETE] {
            assert_eq!(server.console(&stranger, method, &own, Some(json!({}))).await.status, StatusCode::NOT_FOUND);
        }
        // What says nothing of it leaves it; another client ends it, and so does the end of the switch.
        put(&server, &owner, change(json!({"personal": null, "name": "Whoever"}))).await;
        assert_eq!(kept(&server, &owner, "nora@example.com").await.1, 1);
        put(&server, &owner, change(json!({"authentication": {"client_id": "c-2", "client_secret": SECRET}}))).await;
        assert_eq!(kept(&server, &owner, "nora@example.com").await.1, 0);
        assert_eq!(seen(&server, &normal, &id).await["signed_in"], false);
        sign_in(&server, &mut normal, (&id, true), &place, "Nora").await;
        put(
            &server,
            &owner,
            change(json!({"personal": false, "authentication": {"client_id": "c-2", "client_secret": SECRET}})),
        )
        .await;
        assert_eq!(kept(&server, &owner, "nora@example.com").await.1, 0);
        put(&server, &owner, change(json!({"authentication": {"client_id": "c-2", "client_secret": SECRET}}))).await;
        sign_in(&server, &mut normal, (&id, true), &place, "Nora").await;
        let (account, rows) = kept(&server, &owner, "nora@example.com").await;
        assert_eq!(rows, 1);
        let path = format!("/workspaces/current/members/{account}");
        let left = server.console(&owner, Method::DELETE, &path, None).await;
        assert!(left.status.is_success(), "{}", left.text);
        let workspaces = server.get(&owner, "/workspaces").await.json();
        let tenant: TenantId = serde_json::from_value(workspaces["workspaces"][0]["id"].clone()).unwrap();
        let rows = ox_db::repo::tools::sign_ins::list(&server.services.db, tenant, "mcp", account).await.unwrap();
        assert!(rows.is_empty());
        // And with the server.
        sign_in(&server, &mut owner.clone(), (&id, true), &place, "Ann").await;
        assert_eq!(kept(&server, &owner, "owner@example.com").await.1, 1);
        let gone =
            server.console(&owner, Method::DELETE, &format!("{TOOLS}/mcp"), Some(json!({"provider_id": id}))).await;
        assert_eq!(gone.status, StatusCode::OK, "{}", gone.text);
        assert_eq!(kept(&server, &owner, "owner@example.com").await.1, 0);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_renewed_while_somebody_signs_in_stays() {
    on_each_database(|database| async move {
        let server = TestServer::reaching(database, &AT).await;
        let mut owner = server.owner().await;
        let (base, place) = place().await;
        let id = made(&server, &owner, form(&base, false)).await["id"].as_str().unwrap().to_owned();
        place.books.lock().unwrap().life = 30;
        sign_in(&server, &mut owner, (&id, false), &place, "Team").await;
        let (_, key) = server.app(&owner, &calling("Who", &who_node(), "text")).await;
        {
            let mut books = place.books.lock().unwrap();
            books.life = 3600;
            books.access.clear();
        }
        // The server is asked how one signs in; before it answers, a run renews the token.
        place.held.store(true, Ordering::SeqCst);
        let body = json!({"provider_id": id});
        let path = format!("{TOOLS}/mcp/auth");
        let (begun, said) = tokio::join!(server.post(&owner, &path, body), async {
            place.reached.notified().await;
            let said = run(&server, &key, "x").await;
            place.go.notify_one();
            said
        });
        assert_eq!(said.unwrap(), "I am Team");
        assert!(begun.json()["authorization_url"].is_string(), "{}", begun.text);
        // The old refresh token is spent: only what was renewed goes on.
        assert_eq!(run(&server, &key, "x").await.unwrap(), "I am Team");
        assert_eq!(place.books.lock().unwrap().refreshed, 1);
    })
    .await;
}
