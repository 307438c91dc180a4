//! Who may open a published page: all, the workspace, or some of it.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Session, TestServer, app_file};

pub struct Page<'a> {
    pub server: &'a TestServer,
    pub app: String,
    pub code: String,
}

impl Page<'_> {
    pub async fn call(&self, method: Method, path: &str, passport: &str, login: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api{path}")).header("x-app-code", &self.code);
        if !passport.is_empty() {
            request = request.header("x-app-passport", passport);
        }
        if !login.is_empty() {
            request = request.header("authorization", format!("Bearer {login}"));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.server.send(request.header("content-type", "application/json").body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str, passport: &str) -> Answer {
        self.call(Method::GET, path, passport, "", None).await
    }

    pub async fn enter(&self, login: &str) -> Answer {
        self.call(Method::GET, "/passport?user_id=somebody", "", login, None).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Answer {
        let password = base64::engine::general_purpose::STANDARD.encode(password);
        self.call(Method::POST, "/login", "", "", Some(json!({"email": email, "password": password}))).await
    }

    pub async fn set(&self, session: &Session, mode: &str, people: &[Value]) -> Answer {
        let subjects: Vec<Value> = people.iter().map(|id| json!({"subjectId": id, "subjectType": "account"})).collect();
        let body = json!({"appId": self.app, "accessMode": mode, "subjects": subjects});
        self.server.post(session, "/enterprise/webapp/app/access-mode", body).await
    }
}

pub fn passport(answer: &Answer) -> String {
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

pub fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

#[tokio::test]
async fn a_page_for_some_people_opens_for_them_alone() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("chat")).await;
    let code = server.get(&owner, &format!("/apps/{app}")).await.json()["site"]["code"].as_str().unwrap().to_owned();
    let page = Page { server: &server, app: app.clone(), code };
    let ann = server.member(&owner, "ann@example.com", "normal").await;
    let me = server.get(&ann, "/account/profile").await.json()["id"].clone();
    server.member(&owner, "bob@example.com", "editor").await;

    // Open to all: nobody signs in.
    let open = passport(&page.enter("").await);
    assert_eq!(page.get("/parameters", &open).await.status, StatusCode::OK);
    let mode = |code: &str| format!("/webapp/access-mode?appCode={code}");
    assert_eq!(page.get(&mode(&page.code), "").await.json(), json!({"accessMode": "public"}));
    assert_eq!(told(&page.get("/webapp/access-mode", "").await).0, 400);

    // The workspace: the old passport is over, a sign-in gives a new one.
    assert_eq!(page.set(&owner, "private_all", &[]).await.json(), json!({"result": "success"}));
    assert_eq!(page.get(&mode(&page.code), "").await.json(), json!({"accessMode": "private_all"}));
    assert_eq!(told(&page.get("/parameters", &open).await), (401, "web_sso_auth_required".into()));
    assert_eq!(told(&page.enter("").await), (401, "web_sso_auth_required".into()));
    assert_eq!(told(&page.sign_in("bob@example.com", "wrong").await), (401, "authentication_failed".into()));
    let signed = page.sign_in("bob@example.com", PASSWORD).await;
    assert!(signed.headers["set-cookie"].to_str().unwrap().starts_with("webapp_access_token="));
    let bob = signed.json()["data"]["access_token"].as_str().unwrap().to_owned();
    let first = passport(&page.enter(&bob).await);
    assert_eq!(page.get("/parameters", &first).await.status, StatusCode::OK);
    let status = page.call(Method::GET, &format!("/login/status?app_code={}", page.code), &first, "", None).await;
    assert_eq!(status.json(), json!({"logged_in": false, "app_logged_in": true}));
    // The sign-in opens pages, and nothing else; and whoever signs in is themselves.
    assert_eq!(
        server
            .console(
                &Session { cookies: vec![("access_token".into(), bob.clone())] },
                Method::GET,
                "/account/profile",
                None
            )
            .await
            .status,
        401
    );
    assert_eq!(page.get("/parameters", &bob).await.status, 401);
    let user = |token: &str| {
        let part = token.split('.').nth(1).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["end_user_id"].clone()
    };
    assert_eq!(user(&first), user(&passport(&page.enter(&bob).await)));
    assert_ne!(user(&first), user(&open), "a name given by the caller is nobody's");

    // Ann alone: Bob's passport no longer opens, hers does.
    assert_eq!(page.set(&owner, "private", &[me.clone()]).await.status, StatusCode::OK);
    assert_eq!(told(&page.get("/parameters", &first).await), (401, "web_app_access_denied".into()));
    assert_eq!(told(&page.enter(&bob).await), (401, "web_app_access_denied".into()));
    let ann_in =
        page.sign_in("ann@example.com", PASSWORD).await.json()["data"]["access_token"].as_str().unwrap().to_owned();
    let hers = passport(&page.enter(&ann_in).await);
    assert_eq!(page.get("/parameters", &hers).await.status, StatusCode::OK);
    let permission = async |login: &str| {
        page.call(Method::GET, &format!("/webapp/permission?appId={app}"), "", login, None).await.json()["result"]
            .clone()
    };
    assert_eq!(
        (permission(&ann_in).await, permission(&bob).await, permission("").await),
        (json!(true), json!(false), json!(false))
    );
    let people = server.get(&owner, &format!("/enterprise/webapp/app/subjects?appId={app}")).await.json();
    assert_eq!((&people["members"][0]["id"], people["members"].as_array().unwrap().len()), (&me, 1));
    // In Explore too.
    let list = server.get(&owner, "/installed-apps").await.json();
    let entry = list["installed_apps"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        told(&server.get(&owner, &format!("/installed-apps/{entry}/parameters")).await),
        (403, "access_denied".into())
    );
    assert_eq!(server.get(&ann, &format!("/installed-apps/{entry}/parameters")).await.status, StatusCode::OK);

    // Who leaves the workspace leaves its pages; a page that is opened to all forgets its sign-ins.
    let left = server
        .console(&owner, Method::DELETE, &format!("/workspaces/current/members/{}", me.as_str().unwrap()), None)
        .await;
    assert!(left.status.is_success(), "{}", left.text);
    assert_eq!(told(&page.get("/parameters", &hers).await), (401, "web_app_access_denied".into()));
    assert_eq!(page.set(&owner, "public", &[]).await.status, StatusCode::OK);
    assert_eq!(told(&page.get("/parameters", &hers).await), (401, "unauthorized".into()));
    assert_eq!(page.enter("").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_picture_of_a_page_is_one_of_the_workspace() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("chat")).await;
    let path = format!("/apps/{app}/site");
    for icon in ["not an id", "0194aaaa-0000-7000-8000-000000000000"] {
        let answer = server.post(&owner, &path, json!({"icon_type": "image", "icon": icon})).await;
        assert_eq!(told(&answer), (400, "invalid_param".into()), "{icon}");
    }
    let emoji =
        json!({"icon_type": "emoji", "icon": "🧭", "icon_background": "#E4FBCC", "use_icon_as_answer_icon": true});
    let answer = server.post(&owner, &path, emoji).await.json();
    assert_eq!(
        (&answer["icon"], &answer["icon_url"], &answer["use_icon_as_answer_icon"]),
        (&json!("🧭"), &Value::Null, &json!(true))
    );
}

#[tokio::test]
async fn access_is_changed_by_editors_and_names_members() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("chat")).await;
    let page = Page { server: &server, app: app.clone(), code: String::new() };
    let normal = server.member(&owner, "normal@example.com", "normal").await;
    assert_eq!(page.set(&normal, "private_all", &[]).await.status, StatusCode::FORBIDDEN);
    ox_app::workspaces::create_with_owner(&server.services, "Other", "stranger@example.com", PASSWORD).await.unwrap();
    let stranger = server.login("stranger@example.com").await;
    assert_eq!(page.set(&stranger, "private_all", &[]).await.status, StatusCode::NOT_FOUND);
    let path = format!("/enterprise/webapp/app/access-mode?appId={app}");
    assert_eq!(server.get(&stranger, &path).await.status, StatusCode::NOT_FOUND);
    let foreign = server.get(&stranger, "/account/profile").await.json()["id"].clone();
    for (mode, people) in [("sso_verified", vec![]), ("nobody", vec![]), ("private", vec![foreign])] {
        assert_eq!(told(&page.set(&owner, mode, &people).await), (400, "invalid_param".into()), "{mode}");
    }
    assert_eq!(server.get(&owner, &path).await.json(), json!({"accessMode": "public"}));
    let found = server.get(&owner, "/enterprise/webapp/app/subject/search?keyword=NORMAL").await.json();
    assert_eq!(
        (&found["subjects"][0]["accountData"]["email"], &found["hasMore"]),
        (&json!("normal@example.com"), &json!(false))
    );
    assert_eq!(found["subjects"].as_array().unwrap().len(), 1);
}
