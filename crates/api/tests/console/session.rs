//! Set-up, sign-in, CSRF, lock-out, refresh, members and roles.

use axum::http::{Method, StatusCode};
use ox_testkit::on_each_database;
use serde_json::json;

use crate::support::{PASSWORD, Session, TestServer};

#[tokio::test]
async fn set_up_happens_once_and_the_owner_signs_in() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        assert_eq!(server.get(&Session::default(), "/setup").await.json()["step"], "not_started");
        let early = server.try_login("owner@example.com", PASSWORD).await;
        assert_eq!((early.status, early.code().as_str()), (StatusCode::UNAUTHORIZED, "not_setup"));
        let owner = server.owner().await;
        assert_eq!(server.get(&Session::default(), "/setup").await.json()["step"], "finished");
        let again = server
            .post(&Session::default(), "/setup", json!({"email": "b@example.com", "name": "B", "password": PASSWORD}))
            .await;
        assert_eq!((again.status, again.code().as_str()), (StatusCode::FORBIDDEN, "already_setup"));
        let profile = server.get(&owner, "/account/profile").await.json();
        assert_eq!(profile["email"], "owner@example.com");
        let workspace = server.post(&owner, "/workspaces/current", json!({})).await.json();
        assert_eq!(
            (workspace["role"].as_str(), workspace["name"].as_str()),
            (Some("owner"), Some("Owner's Workspace"))
        );
    })
    .await;
}

#[tokio::test]
async fn bad_set_up_names_the_field() {
    let server = TestServer::sqlite().await;
    for (body, field) in [
        (json!({"email": "nope", "name": "A", "password": PASSWORD}), "email"),
        (json!({"email": "a@example.com", "name": "", "password": PASSWORD}), "name"),
        (json!({"email": "a@example.com", "name": "A", "password": "short"}), "password"),
        (json!({"email": "a@example.com", "name": "A"}), "password"),
    ] {
        let answer = server.post(&Session::default(), "/setup", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert_eq!(answer.json()["params"], field);
    }
}

#[tokio::test]
async fn init_password_guards_set_up() {
    let server = TestServer::sqlite_with(&[("INIT_PASSWORD", "let me in")]).await;
    let body = json!({"email": "a@example.com", "name": "A", "password": PASSWORD});
    let closed = server.post(&Session::default(), "/setup", body.clone()).await;
    assert_eq!(closed.code(), "not_init_validated");
    assert_eq!(server.get(&Session::default(), "/init").await.json()["status"], "not_started");
    let wrong = server.post(&Session::default(), "/init", json!({"password": "guess"})).await;
    assert_eq!(wrong.code(), "init_validate_failed");
    let right = server.post(&Session::default(), "/init", json!({"password": "let me in"})).await;
    assert_eq!(right.status, StatusCode::CREATED);
    let mut session = Session::default();
    session.keep(&right.headers);
    assert_eq!(server.post(&session, "/setup", body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn every_session_call_needs_the_csrf_header() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let mut without = owner.clone();
    without.cookies.retain(|(name, _)| name != "csrf_token");
    assert_eq!(server.get(&without, "/account/profile").await.status, StatusCode::UNAUTHORIZED);
    let mut forged = owner.clone();
    forged.cookies.retain(|(name, _)| name != "csrf_token");
    forged.cookies.push(("csrf_token".into(), "forged".into()));
    assert_eq!(server.get(&forged, "/account/profile").await.status, StatusCode::UNAUTHORIZED);
    let nobody = server.get(&Session::default(), "/account/profile").await;
    assert_eq!((nobody.status, nobody.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"));
    assert_eq!(nobody.headers["www-authenticate"], "Bearer realm=\"api\"");
}

#[tokio::test]
async fn wrong_passwords_lock_the_address() {
    let server = TestServer::sqlite().await;
    server.owner().await;
    for _ in 0..6 {
        let answer = server.try_login("owner@example.com", "wrong password 1").await;
        assert_eq!(answer.code(), "authentication_failed");
    }
    let locked = server.try_login("owner@example.com", PASSWORD).await;
    assert_eq!((locked.status, locked.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "email_code_login_limit"));
    assert!(locked.headers.contains_key("retry-after"));
    let other = server.try_login("somebody@example.com", "wrong password 1").await;
    assert_eq!(other.code(), "authentication_failed");
}

#[tokio::test]
async fn a_refresh_token_works_once_and_sign_out_ends_it() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let refreshed = server.post(&owner, "/refresh-token", json!({})).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    let replayed = server.post(&owner, "/refresh-token", json!({})).await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED);
    let mut newer = Session::default();
    newer.keep(&refreshed.headers);
    assert_eq!(server.get(&newer, "/account/profile").await.status, StatusCode::OK);
    assert_eq!(server.post(&newer, "/logout", json!({})).await.status, StatusCode::OK);
    assert_eq!(server.post(&newer, "/refresh-token", json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_of_the_account_and_no_other() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let editor = server.member(&owner, "ed@example.com", "editor").await;
        let sign_in = async || {
            let answer = server.try_login("owner@example.com", PASSWORD).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            let mut session = Session::default();
            session.keep(&answer.headers);
            session
        };
        let phone = sign_in().await;
        assert_eq!(server.get(&phone, "/account/profile").await.status, StatusCode::OK);
        let answer = server.post(&owner, "/logout/all", json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let gone =
            answer.headers.get_all("set-cookie").iter().filter(|cookie| cookie.to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(gone.count(), 3);
        for ended in [&owner, &phone] {
            assert_eq!(server.get(ended, "/account/profile").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(server.post(ended, "/refresh-token", json!({})).await.status, StatusCode::UNAUTHORIZED);
        }
        // At once again: the new session is none of those that were ended.
        let again = sign_in().await;
        assert_eq!(server.get(&again, "/account/profile").await.status, StatusCode::OK);
        assert_eq!(server.post(&again, "/refresh-token", json!({})).await.status, StatusCode::OK);
        assert_eq!(server.get(&editor, "/account/profile").await.status, StatusCode::OK);
        assert_eq!(server.post(&Session::default(), "/logout/all", json!({})).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn members_are_invited_change_roles_and_leave() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let editor = server.member(&owner, "ed@example.com", "editor").await;
        let members = server.get(&owner, "/workspaces/current/members").await.json();
        assert_eq!(members["accounts"].as_array().unwrap().len(), 2);
        let id = server.get(&editor, "/account/profile").await.json()["id"].as_str().unwrap().to_owned();
        let forbidden = server
            .post(
                &editor,
                "/workspaces/current/members/invite-email",
                json!({"emails": ["x@example.com"], "role": "editor"}),
            )
            .await;
        assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
        let path = format!("/workspaces/current/members/{id}/update-role");
        let same = server.console(&owner, Method::PUT, &path, Some(json!({"role": "editor"}))).await;
        assert_eq!(same.status, StatusCode::BAD_REQUEST);
        let owner_role = server.console(&owner, Method::PUT, &path, Some(json!({"role": "owner"}))).await;
        assert_eq!(owner_role.code(), "invalid-role");
        let changed = server.console(&owner, Method::PUT, &path, Some(json!({"role": "normal"}))).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        let now_normal = server.post(&editor, "/apps", json!({"name": "x", "mode": "workflow"})).await;
        assert_eq!(now_normal.status, StatusCode::FORBIDDEN);
        let own = server.get(&owner, "/account/profile").await.json()["id"].as_str().unwrap().to_owned();
        let me = server.console(&owner, Method::DELETE, &format!("/workspaces/current/members/{own}"), None).await;
        assert_eq!(me.code(), "cannot-operate-self");
        let removed = server.console(&owner, Method::DELETE, &format!("/workspaces/current/members/{id}"), None).await;
        assert_eq!(removed.status, StatusCode::OK);
        assert_eq!(server.get(&editor, "/apps").await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}
