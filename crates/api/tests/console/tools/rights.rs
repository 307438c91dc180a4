//! Who may use which tool, and whose credentials.

use super::*;

const SEARCH: &str = "/workspaces/current/tool-provider/builtin/searxng";

/// What runs of a draft say, as they come.
async fn try_out(server: &TestServer, session: &Session, app: &str) -> String {
    let path = format!("/apps/{app}/workflows/draft/run");
    server.post(session, &path, json!({"inputs": {"q": "x"}})).await.text
}

/// A search service, and the credentials for it.
async fn searching(visibility: &str) -> Value {
    let found = get(|| async { Json(json!({"results": [{"title": "Found", "url": "u"}]})) });
    let base = peer(Router::new().route("/search", found)).await;
    json!({"type": "api-key", "credentials": {"searxng_base_url": base}, "visibility": visibility})
}

fn search_node(credential: &Value) -> Value {
    json!({"provider_type": "builtin", "provider_id": "searxng", "provider_name": "searxng", "tool_name": "searxng_search",
        "credential_id": credential})
}

#[tokio::test]
async fn personal_credentials_are_for_their_member_in_the_studio() {
    let (server, owner) = open().await;
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    let form = searching("personal").await;
    let odd = json!({"type": "api-key", "credentials": {}, "visibility": "mine"});
    assert_eq!(server.post(&editor, &format!("{SEARCH}/add"), odd).await.status, StatusCode::BAD_REQUEST);
    let normal = server.member(&owner, "nora@example.com", "normal").await;
    assert_eq!(server.post(&normal, &format!("{SEARCH}/add"), form.clone()).await.status, StatusCode::FORBIDDEN);
    let added = server.post(&editor, &format!("{SEARCH}/add"), form.clone()).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    let own = server.get(&editor, &format!("{SEARCH}/credentials")).await.json();
    assert_eq!(
        (own.as_array().unwrap().len(), &own[0]["visibility"], &own[0]["is_default"]),
        (1, &json!("personal"), &json!(false))
    );
    let id = own[0]["id"].clone();
    // Nobody else sees it, not even the owner: it is not there.
    assert_eq!(server.get(&owner, &format!("{SEARCH}/credentials")).await.json(), json!([]));
    for path in ["update", "delete"] {
        let body = json!({"credential_id": id, "name": "Taken"});
        let answer = server.post(&owner, &format!("{SEARCH}/{path}"), body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
    // The provider has no key of the workspace by that.
    assert_eq!(server.get(&editor, &format!("{SEARCH}/info")).await.json()["is_team_authorization"], false);
    let renamed = json!({"credential_id": id, "name": "Ed's"});
    assert_eq!(server.post(&editor, &format!("{SEARCH}/update"), renamed).await.status, StatusCode::OK);
    // Its member runs the draft with it; others and the published app are told what to do.
    let (app, key) = server.app(&editor, &calling("Mine", &search_node(&id), "query")).await;
    let ran = try_out(&server, &editor, &app).await;
    assert!(ran.contains("Found") && ran.contains("succeeded"), "{ran}");
    let ran = try_out(&server, &owner, &app).await;
    assert!(ran.contains("personal key of another member"), "{ran}");
    let published = run(&server, &key, "x").await.unwrap_err();
    assert!(published.contains("works in the Studio only") && published.contains("publish again"), "{published}");
    // A member who leaves takes them along.
    let members = server.get(&owner, "/workspaces/current/members").await.json();
    let accounts = members["accounts"].as_array().unwrap();
    let ed = accounts.iter().find(|one| one["email"] == "ed@example.com").unwrap()["id"].as_str().unwrap();
    let path = format!("/workspaces/current/members/{ed}");
    let left = server.console(&owner, Method::DELETE, &path, None).await;
    assert!(left.status.is_success(), "{}", left.text);
    let published = run(&server, &key, "x").await.unwrap_err();
    assert!(published.contains("not the credentials that are named"), "{published}");
}

#[tokio::test]
async fn only_credentials_of_the_workspace_are_its_default() {
    let (server, owner) = open().await;
    let (own, shared) = (searching("personal").await, searching("workspace").await);
    for form in [own, shared.clone()] {
        let added = server.post(&owner, &format!("{SEARCH}/add"), form).await;
        assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    }
    let rows = server.get(&owner, &format!("{SEARCH}/credentials")).await.json();
    let told: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["visibility"], &row["is_default"])).collect();
    assert_eq!(told, [(&json!("workspace"), &json!(true)), (&json!("personal"), &json!(false))]);
    let personal = json!({"id": rows[1]["id"]});
    let refused = server.post(&owner, &format!("{SEARCH}/default-credential"), personal).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("of the workspace"), "{}", refused.text);
    let deleted = server.post(&owner, &format!("{SEARCH}/delete"), json!({"credential_id": rows[1]["id"]})).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.text);
    // Editors add none for everybody.
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    assert_eq!(server.post(&editor, &format!("{SEARCH}/add"), shared).await.status, StatusCode::FORBIDDEN);
    let change = json!({"credential_id": rows[0]["id"], "name": "Mine now"});
    assert_eq!(server.post(&editor, &format!("{SEARCH}/update"), change).await.status, StatusCode::FORBIDDEN);
}
