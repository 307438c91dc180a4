//! Signing in to a page by a mailed code.

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use ox_db::repo;
use serde_json::{Value, json};

use crate::{
    mail::{MAIL, outbox},
    page_access::{Page, passport, told},
    support::{Answer, TestServer, app_file},
};

async fn page(server: &TestServer) -> (Page<'_>, crate::support::Session) {
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("chat")).await;
    let code = server.get(&owner, &format!("/apps/{app}")).await.json()["site"]["code"].as_str().unwrap().to_owned();
    (Page { server, app, code }, owner)
}

async fn ask(page: &Page<'_>, email: &str) -> Answer {
    let body = json!({"email": email, "language": "zh-Hans"});
    page.call(Method::POST, "/email-code-login", "", "", Some(body)).await
}

async fn give(page: &Page<'_>, email: &str, code: &str, token: &Value) -> Answer {
    let body = json!({"email": email, "code": code, "token": token});
    page.call(Method::POST, "/email-code-login/validity", "", "", Some(body)).await
}

/// The codes that were mailed to somebody.
async fn codes(server: &TestServer, email: &str) -> Vec<String> {
    let mails = outbox(server).await.into_iter().filter(|mail| mail.kind == "code_login" && mail.address == email);
    mails.map(|mail| mail.body.chars().filter(char::is_ascii_digit).take(6).collect()).collect()
}

async fn offered(page: &Page<'_>) -> Value {
    let features = page.call(Method::GET, "/system-features", "", "", None).await.json();
    features["webapp_auth"]["allow_email_code_login"].clone()
}

#[tokio::test]
async fn a_mailed_code_lets_in_once() {
    let server = TestServer::sqlite_with(MAIL).await;
    let (page, owner) = page(&server).await;
    let (ann, bob) = ("ann@example.com", "bob@example.com");
    let session = server.member(&owner, ann, "normal").await;
    server.member(&owner, bob, "editor").await;
    let me = server.get(&session, "/account/profile").await.json()["id"].clone();
    assert_eq!(page.set(&owner, "private", &[me]).await.status, StatusCode::OK);
    assert_eq!(offered(&page).await, json!(true));

    let asked = ask(&page, ann).await;
    assert_eq!((asked.status, &asked.json()["result"]), (StatusCode::OK, &json!("success")), "{}", asked.text);
    let token = asked.json()["data"].clone();
    let unknown = ask(&page, "nobody@example.com").await;
    assert_eq!(unknown.status, StatusCode::OK, "nobody learns who has an account");
    assert!(codes(&server, "nobody@example.com").await.is_empty());
    let code = codes(&server, ann).await.remove(0);
    // What is kept tells neither the code nor the token.
    let kept = repo::kv::list(&server.services.db, "code_login:", 10).await.unwrap();
    assert_eq!(kept.len(), 2);
    for value in kept {
        assert!(!value.contains(token.as_str().unwrap()) && !value.contains(&format!("\"{code}\"")), "{value}");
    }

    let wrong = if code == "000000" { "000001" } else { "000000" };
    for (email, code, token, expected) in [
        (ann, wrong, &token, "email_code_error"),
        (ann, "no code!", &token, "email_code_error"),
        (bob, code.as_str(), &token, "invalid_email"),
        (ann, code.as_str(), &unknown.json()["data"], "invalid_email"),
        (ann, code.as_str(), &json!("nothing"), "invalid_or_expired_token"),
    ] {
        assert_eq!(told(&give(&page, email, code, token).await), (400, expected.into()), "{email} {code}");
    }
    let packed = base64::engine::general_purpose::STANDARD.encode(&code);
    let signed = give(&page, "Ann@Example.com", &packed, &token).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.text);
    assert!(signed.headers["set-cookie"].to_str().unwrap().starts_with("webapp_access_token="));
    let login = signed.json()["data"]["access_token"].as_str().unwrap().to_owned();
    let hers = passport(&page.enter(&login).await);
    assert_eq!(page.get("/parameters", &hers).await.status, StatusCode::OK);
    assert_eq!(told(&give(&page, ann, &code, &token).await), (400, "invalid_or_expired_token".into()), "once");

    // Who has an account, but not this page, is signed in and stays outside.
    let token = ask(&page, bob).await.json()["data"].clone();
    let code = codes(&server, bob).await.remove(0);
    let login = give(&page, bob, &code, &token).await.json()["data"]["access_token"].as_str().unwrap().to_owned();
    assert_eq!(told(&page.enter(&login).await), (401, "web_app_access_denied".into()));

    for _ in 0..2 {
        assert_eq!(ask(&page, ann).await.status, StatusCode::OK);
    }
    let refused = ask(&page, ann).await;
    assert_eq!(told(&refused), (429, "email_code_login_rate_limit_exceeded".into()));
    assert_eq!(refused.headers["retry-after"], "300");
}

#[tokio::test]
async fn guessing_codes_ends() {
    let server = TestServer::sqlite_with(MAIL).await;
    let (page, _) = page(&server).await;
    let email = "owner@example.com";
    let token = ask(&page, email).await.json()["data"].clone();
    let code = codes(&server, email).await.remove(0);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut answers = Vec::new();
    for guess in [wrong, wrong, wrong, wrong, wrong, &code] {
        answers.push(give(&page, email, guess, &token).await.code());
    }
    assert!(answers[..5].iter().all(|answer| answer == "email_code_error"), "{answers:?}");
    assert_eq!(answers[5], "email_code_login_limit");
    // A fresh code does not help.
    let token = ask(&page, email).await.json()["data"].clone();
    assert_eq!(give(&page, email, &code, &token).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn codes_need_mail_and_can_be_switched_off() {
    let server = TestServer::sqlite().await;
    let (open, _) = page(&server).await;
    assert_eq!(offered(&open).await, json!(false));
    assert_eq!(told(&ask(&open, "owner@example.com").await), (400, "mail_not_set_up".into()));
    let off = [MAIL, &[("ENABLE_EMAIL_CODE_LOGIN", "false")][..]].concat();
    let server = TestServer::sqlite_with(&off).await;
    let (closed, _) = page(&server).await;
    assert_eq!(offered(&closed).await, json!(false));
    assert_eq!(ask(&closed, "owner@example.com").await.status, StatusCode::FORBIDDEN);
    assert_eq!(give(&closed, "owner@example.com", "123456", &json!("x")).await.status, StatusCode::FORBIDDEN);
}
