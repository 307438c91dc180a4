//! MCP servers of apps, and histories that conversations begin with.

#![allow(clippy::unwrap_used, reason = "test support")]

use ox_db::{
    Error,
    model::McpServer,
    now,
    repo::{given_histories, mcp_servers},
};
use ox_testkit::on_each_database;
use ox_types::{AppId, ConversationId, TenantId, new_uuid};
use serde_json::json;

#[tokio::test]
async fn an_app_has_one_server_at_one_address() {
    on_each_database(|db| async move {
        let (tenant, app) = (TenantId::new(), AppId::new());
        let server = McpServer {
            id: new_uuid(),
            tenant_id: tenant,
            app_id: app,
            name: "A tool 工具".into(),
            description: String::new(),
            server_code: "abcdefgh12345678".into(),
            status: "active".into(),
            parameters: json!({"b": "second", "a": "first"}),
            created_at: now(),
            updated_at: now(),
        };
        let tx = db.begin().await.unwrap();
        mcp_servers::insert(&tx, server.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(mcp_servers::by_code(&db, "abcdefgh12345678").await.unwrap(), Some(server.clone()));
        assert_eq!(mcp_servers::by_code(&db, "ABCDEFGH12345678").await.unwrap(), None);
        assert_eq!(mcp_servers::of_app(&db, tenant, app).await.unwrap(), Some(server.clone()));
        assert_eq!(mcp_servers::of_app(&db, TenantId::new(), app).await.unwrap(), None);
        assert_eq!(mcp_servers::find(&db, TenantId::new(), server.id).await.unwrap(), None);
        for same in [
            McpServer { id: new_uuid(), server_code: "other".into(), ..server.clone() },
            McpServer { id: new_uuid(), app_id: AppId::new(), ..server.clone() },
        ] {
            let tx = db.begin().await.unwrap();
            assert!(matches!(mcp_servers::insert(&tx, same).await, Err(Error::Conflict(_))));
            tx.rollback().await.unwrap();
        }
        let changed = McpServer { status: "inactive".into(), server_code: "new".into(), ..server.clone() };
        let tx = db.begin().await.unwrap();
        mcp_servers::update(&tx, changed.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(mcp_servers::by_code(&db, "abcdefgh12345678").await.unwrap(), None);
        assert_eq!(mcp_servers::find(&db, tenant, server.id).await.unwrap(), Some(changed));
    })
    .await;
}

#[tokio::test]
async fn a_conversation_begins_with_what_it_was_given() {
    on_each_database(|db| async move {
        let (app, conversation) = (AppId::new(), ConversationId::new());
        let rounds = json!([{"query": "q", "answer": "a"}]);
        let tx = db.begin().await.unwrap();
        given_histories::insert(&tx, app, conversation, rounds.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(given_histories::find(&db, conversation).await.unwrap(), Some(rounds));
        assert_eq!(given_histories::find(&db, ConversationId::new()).await.unwrap(), None);
    })
    .await;
}
