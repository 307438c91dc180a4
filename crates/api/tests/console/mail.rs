//! Passwords and invitations by mail, as far as the outbox: `tests/clients/test_mail.py` sends them.

use axum::http::StatusCode;
use ox_db::{model::OutgoingMail, now, repo};
use serde_json::json;

use crate::support::{PASSWORD, Session, TestServer};

/// A mail server at whose address nobody answers.
pub const MAIL: &[(&str, &str)] = &[
    ("MAIL_TYPE", "smtp"),
    ("SMTP_SERVER", "127.0.0.1"),
    ("SMTP_PORT", "9"),
    ("MAIL_DEFAULT_SEND_FROM", "ox@example.com"),
    ("CONSOLE_WEB_URL", "https://ox.example"),
];

pub async fn outbox(server: &TestServer) -> Vec<OutgoingMail> {
    repo::mails::due(&server.services.db, now() + chrono::Duration::hours(1), 50).await.unwrap()
}

#[tokio::test]
async fn a_lost_password() {
    let server = TestServer::sqlite_with(MAIL).await;
    server.owner().await;
    let nobody = Session::default();
    let email = "owner@example.com";
    let asked = server.post(&nobody, "/forgot-password", json!({"email": email, "language": "zh-Hans"})).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    let token = asked.json()["data"].clone();
    let again = server.post(&nobody, "/reset-password", json!({"email": email})).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (429, "password_reset_rate_limit_exceeded"));
    let unknown = server.post(&nobody, "/forgot-password", json!({"email": "nobody@example.com"})).await;
    assert_eq!(unknown.status, StatusCode::OK, "nobody learns who has an account");
    let mails = outbox(&server).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!((mails[0].address.as_str(), mails[0].kind.as_str()), (email, "password_reset"));
    let code: String = mails[0].body.chars().filter(char::is_ascii_digit).take(6).collect();
    let check = async |code: &str, email: &str, token: &serde_json::Value| {
        server.post(&nobody, "/forgot-password/validity", json!({"email": email, "code": code, "token": token})).await
    };
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(check(wrong, email, &token).await.code(), "email_code_error");
    assert_eq!(check(&code, "other@example.com", &token).await.code(), "invalid_email");
    assert_eq!(check(&code, email, &json!("nothing")).await.code(), "invalid_or_expired_token");
    let set = async |token: &serde_json::Value, password: &str, again: &str| {
        let body = json!({"token": token, "new_password": password, "password_confirm": again});
        server.post(&nobody, "/forgot-password/resets", body).await
    };
    assert_eq!(
        set(&token, "another horse 2", "another horse 2").await.code(),
        "invalid_or_expired_token",
        "no code yet"
    );
    let foreign = check(&code, email, &unknown.json()["data"]).await;
    assert_eq!(foreign.code(), "invalid_email", "the token of another address");
    let valid = check(&code, "Owner@Example.com", &token).await.json();
    assert_eq!((&valid["is_valid"], &valid["email"]), (&json!(true), &json!(email)), "{valid}");
    assert_eq!(check(&code, email, &token).await.code(), "invalid_or_expired_token", "once");
    let next = &valid["token"];
    assert_eq!(set(next, "another horse 2", "another horse 3").await.code(), "password_mismatch");
    assert_eq!(set(next, "short", "short").await.status, StatusCode::BAD_REQUEST);
    let done = set(next, "another horse 2", "another horse 2").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(set(next, "another horse 3", "another horse 3").await.code(), "invalid_or_expired_token", "once");
    assert_eq!(server.try_login(email, "another horse 2").await.status, StatusCode::OK);
    assert_eq!(server.try_login(email, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_codes_ends() {
    let server = TestServer::sqlite_with(MAIL).await;
    server.owner().await;
    let nobody = Session::default();
    let email = "owner@example.com";
    let token = server.post(&nobody, "/forgot-password", json!({"email": email})).await.json()["data"].clone();
    let code: String = outbox(&server).await[0].body.chars().filter(char::is_ascii_digit).take(6).collect();
    let mut codes = Vec::new();
    for guess in ["a", "b", "c", "d", "e", "f", "g", &code] {
        let body = json!({"email": email, "code": guess, "token": token});
        codes.push(server.post(&nobody, "/forgot-password/validity", body).await.code());
    }
    assert!(codes[..6].iter().all(|code| code == "email_code_error"), "{codes:?}");
    assert!(codes[6..].iter().all(|code| code == "email_password_reset_limit"), "{codes:?}");
}

#[tokio::test]
async fn invitations_are_mailed_and_shown() {
    let server = TestServer::sqlite_with(MAIL).await;
    let owner = server.owner().await;
    let body = json!({"emails": ["new@example.com"], "role": "editor"});
    let answer = server.post(&owner, "/workspaces/current/members/invite-email", body).await.json();
    let url = answer["invitation_results"][0]["url"].as_str().unwrap();
    assert!(url.starts_with("https://ox.example/activate?email="), "{url}");
    let mails = outbox(&server).await;
    assert_eq!((mails.len(), mails[0].address.as_str(), mails[0].kind.as_str()), (1, "new@example.com", "invitation"));
    assert!(mails[0].body.contains(url) && mails[0].subject.contains("Owner's Workspace"), "{:?}", mails[0]);
    let features = server.get(&Session::default(), "/system-features").await.json();
    assert_eq!(features["is_email_setup"], true);
}

#[tokio::test]
async fn without_a_mail_server_nobody_is_told_that_a_mail_comes() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let answer = server.post(&Session::default(), "/forgot-password", json!({"email": "owner@example.com"})).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "mail_not_set_up"));
    assert!(answer.text.contains("SMTP_SERVER"), "{}", answer.text);
    server.member(&owner, "shown@example.com", "normal").await;
    assert!(outbox(&server).await.is_empty());
}
