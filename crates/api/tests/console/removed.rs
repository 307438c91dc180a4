//! A member who was removed: no route, page, invitation or key of theirs opens anything of the workspace.

use axum::http::{Method, StatusCode};
use ox_app::Access;
use serde_json::{Value, json};

use crate::{
    page_access::{Page, passport, told},
    support::{PASSWORD, Session, TestServer, app_file},
};

const SOMETHING: &str = "0194aaaa-0000-7000-8000-000000000000";

async fn id_of(server: &TestServer, session: &Session) -> String {
    server.get(session, "/account/profile").await.json()["id"].as_str().unwrap().to_owned()
}

async fn remove(server: &TestServer, owner: &Session, member: &str) {
    let path = format!("/workspaces/current/members/{member}");
    let removed = server.console(owner, Method::DELETE, &path, None).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
}

/// The path of a rule, its names filled in.
fn filled(path: &str, app: &str) -> String {
    let part = |part: &str| match part {
        "{app_id}" => app.to_owned(),
        part if part.starts_with('{') => SOMETHING.to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_is_closed_to_a_session_that_goes_on() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let mut ann = server.member(&owner, "ann@example.com", "admin").await;
    let (app, _) = server.app(&owner, &app_file("chatflow")).await;
    assert_eq!(server.get(&ann, &format!("/apps/{app}")).await.status, StatusCode::OK);
    remove(&server, &owner, &id_of(&server, &ann).await).await;
    let mut seen = 0;
    // New tokens are no way around it: they tell who somebody is, not where they belong.
    for renewed in [false, true] {
        if renewed {
            let answer = server.post(&ann, "/refresh-token", json!({})).await;
            ann.keep(&answer.headers);
        }
        for rule in ox_api::console::RULES {
            if !matches!(rule.access, Access::Member | Access::MemberWith(_)) {
                continue;
            }
            let path = filled(rule.path, &app);
            let body = (rule.method != Method::GET).then(|| json!({"inputs": {}, "query": "x"}));
            let answer = server.console(&ann, rule.method.clone(), &path, body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {path}: {}", rule.method, answer.text);
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen}");
    let again = server.try_login("ann@example.com", PASSWORD).await;
    assert_eq!(told(&again), (400, "no_workspace".into()));
}

#[tokio::test]
async fn who_belongs_elsewhere_too_goes_on_there_and_sees_nothing_more_here() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    ox_app::workspaces::create_with_owner(&server.services, "Ann", "ann@example.com", PASSWORD).await.unwrap();
    let here = server.post(&owner, "/workspaces/current", json!({})).await.json()["id"].clone();
    let (app, _) = server.app(&owner, &app_file("chatflow")).await;
    let invited = json!({"emails": ["ann@example.com"], "role": "editor"});
    let invited = server.post(&owner, "/workspaces/current/members/invite-email", invited).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{}", invited.text);
    let ann = server.login("ann@example.com").await;
    let switch = async || server.post(&ann, "/workspaces/switch", json!({"tenant_id": here})).await;
    assert_eq!(switch().await.status, StatusCode::OK);
    let path = format!("/apps/{app}");
    assert_eq!(server.get(&ann, &path).await.status, StatusCode::OK);
    remove(&server, &owner, &id_of(&server, &ann).await).await;
    assert_eq!(server.get(&ann, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.get(&ann, "/apps").await.json()["data"], json!([]));
    let now = server.post(&ann, "/workspaces/current", json!({})).await.json();
    assert_eq!((&now["name"], &now["role"]), (&json!("Ann"), &json!("owner")), "{now}");
    assert_eq!(told(&switch().await), (403, "account_not_link_tenant".into()));
}

#[tokio::test]
async fn pages_for_members_and_invitations_end_with_the_membership() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("chat")).await;
    let code = server.get(&owner, &path_of(&app)).await.json()["site"]["code"].as_str().unwrap().to_owned();
    let page = Page { server: &server, app, code };
    let ann = server.member(&owner, "ann@example.com", "normal").await;
    assert_eq!(page.set(&owner, "private_all", &[]).await.status, StatusCode::OK);
    let login = {
        use base64::Engine as _;
        let password = base64::engine::general_purpose::STANDARD.encode(PASSWORD);
        let body = json!({"email": "ann@example.com", "password": password});
        let answer = page.call(Method::POST, "/login", "", "", Some(body)).await.json();
        answer["data"]["access_token"].as_str().unwrap().to_owned()
    };
    let hers = passport(&page.enter(&login).await);
    let ask = async || {
        let body = json!({"inputs": {}, "query": "x", "response_mode": "blocking"});
        page.call(Method::POST, "/chat-messages", &hers, "", Some(body)).await
    };
    assert_eq!(ask().await.status, StatusCode::OK);
    remove(&server, &owner, &id_of(&server, &ann).await).await;
    assert_eq!(told(&ask().await), (401, "web_app_access_denied".into()));
    assert_eq!(told(&page.enter(&login).await), (401, "web_app_access_denied".into()));
    // Somebody who is removed before taking the invitation.
    let body = json!({"emails": ["bob@example.com"], "role": "editor"});
    let invited = server.post(&owner, "/workspaces/current/members/invite-email", body).await.json();
    let url = invited["invitation_results"][0]["url"].as_str().unwrap().to_owned();
    let token = url.split("token=").nth(1).unwrap();
    let members = server.get(&owner, "/workspaces/current/members").await.json();
    let is_bob = |member: &&Value| member["email"] == "bob@example.com";
    let bob = members["accounts"].as_array().unwrap().iter().find(is_bob).unwrap()["id"].as_str().unwrap().to_owned();
    remove(&server, &owner, &bob).await;
    let body = json!({"token": token, "name": "Bob", "interface_language": "en-US", "timezone": "UTC",
        "password": PASSWORD});
    let taken = server.post(&Session::default(), "/activate", body).await;
    assert_eq!(told(&taken), (400, "invalid_or_expired_token".into()), "{}", taken.text);
    assert_eq!(server.try_login("bob@example.com", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

fn path_of(app: &str) -> String {
    format!("/apps/{app}")
}
