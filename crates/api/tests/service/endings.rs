//! Answers that nobody finishes, and apps that are deleted.

use std::time::Duration;

use ox_app::runs::recovery;
use ox_db::repo;
use serde_json::json;

use crate::{files::upload, rig::Rig};

#[tokio::test]
async fn an_answer_cut_off_by_the_end_of_its_process_is_an_error_and_keeps_what_was_recorded() {
    let dying = Rig::new().await;
    let words = json!({"text": "one two three four", "ttft_ms": 1000, "tokens_per_s": 1});
    let app = dying.basic_app("chat", "canned", words, json!({})).await;
    let heir = dying.beside().await;
    let body = json!({"inputs": {}, "query": "hi", "user": "abc-123", "response_mode": "streaming"});
    let path = tokio::select! {
        _ = dying.post("/v1/chat-messages", &app, body) => panic!("the answer ended"),
        path = async {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let found = heir.get("/v1/conversations?user=abc-123", &app).await.json();
                let Some(id) = found["data"][0]["id"].as_str() else { continue };
                let path = format!("/v1/messages?conversation_id={id}&user=abc-123");
                let message = heir.get(&path, &app).await.json()["data"][0].clone();
                if message["answer"].as_str().is_some_and(|answer| !answer.is_empty()) {
                    break path;
                }
                assert_eq!(message["status"], "normal", "{message}");
            }
        } => path,
    };
    assert_eq!(recovery::end_abandoned_messages(&heir.services).await.unwrap(), 0, "its process lives");
    recovery::release(&dying.services).await;
    // None where the heir has looked by itself meanwhile.
    assert!(recovery::end_abandoned_messages(&heir.services).await.unwrap() <= 1);
    let message = heir.get(&path, &app).await.json()["data"][0].clone();
    assert_eq!(message["status"], "error", "{message}");
    assert!(message["error"].as_str().unwrap().contains("the server stopped"), "{message}");
    assert!(message["answer"].as_str().unwrap().starts_with("one"), "{message}");
    let filter = ox_app::logs::ConversationFilter { page: 1, limit: 10, ..Default::default() };
    let (rows, _) = ox_app::logs::conversations(&heir.services, &heir.owner, app.id, filter).await.unwrap();
    assert_eq!((rows[0].counts.messages, rows[0].counts.failed), (1, 1));
    assert_eq!(recovery::end_abandoned_messages(&heir.services).await.unwrap(), 0);
}

#[tokio::test]
async fn a_deleted_app_leaves_no_rows_and_no_files() {
    let rig = Rig::new().await;
    let files = json!({"file_upload": {"enabled": true, "allowed_file_types": ["document"],
        "allowed_file_upload_methods": ["local_file"], "number_limits": 3}});
    let mut ids = Vec::new();
    let mut apps = Vec::new();
    for _ in 0..2 {
        let app = rig.basic_app("chat", "echo", json!({}), files.clone()).await;
        let file = upload(&rig, &app, "a.txt", "text/plain", b"words", "ann").await.json();
        let body = json!({"inputs": {}, "query": "x", "user": "ann", "files": [
            {"type": "document", "transfer_method": "local_file", "upload_file_id": file["id"]}]});
        let told = rig.post("/v1/chat-messages", &app, body).await.json();
        let rate = format!("/v1/messages/{}/feedbacks", told["message_id"].as_str().unwrap());
        assert_eq!(rig.post(&rate, &app, json!({"rating": "like", "user": "ann"})).await.status, 200);
        let message: ox_types::MessageId = told["message_id"].as_str().unwrap().parse().unwrap();
        let file: ox_types::FileId = file["id"].as_str().unwrap().parse().unwrap();
        ids.push((message, repo::upload_files::find_signed(&rig.services.db, file).await.unwrap().unwrap()));
        apps.push(app);
    }
    ox_app::apps::delete(&rig.services, &rig.owner, apps[0].id).await.unwrap();
    rig.get("/v1/info", &apps[0]).await.expect_error(401, "unauthorized", "");
    // It is done in the background, and once more by the upkeep of a server that starts.
    ox_app::apps::resume_deletions(&rig.services).await.unwrap();
    for ((message, file), (app, is_there)) in ids.iter().zip(apps.iter().zip([false, true])) {
        let db = &rig.services.db;
        assert_eq!(repo::messages::find(db, app.id, *message).await.unwrap().is_some(), is_there);
        assert_eq!(repo::messages::files_of(db, &[*message]).await.unwrap().len(), usize::from(is_there));
        assert_eq!(repo::messages::feedbacks_of(db, &[*message], None).await.unwrap().len(), usize::from(is_there));
        assert_eq!(repo::upload_files::find_signed(db, file.id).await.unwrap().is_some(), is_there);
        let key = ox_store::Key::new(&file.key).unwrap();
        assert_eq!(rig.services.store.size(&key).await.is_ok(), is_there);
    }
    assert_eq!(repo::deletions::pending(&rig.services.db, 10).await.unwrap().len(), 1, "looked at once more later");
}
