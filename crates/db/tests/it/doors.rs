//! MCP servers of apps, histories that conversations begin with, keys of the model gateway.

use ox_db::{
    Error,
    model::{GatewayKey, McpServer},
    now,
    repo::{gateway_keys, given_histories, mcp_servers},
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, AppId, ConversationId, GatewayKeyId, TenantId, new_uuid};
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

#[tokio::test]
async fn a_key_of_the_gateway_is_found_by_its_hash_and_changed_by_its_workspace() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let key = GatewayKey {
            id: GatewayKeyId::new(),
            tenant_id: tenant,
            name: "Reports".into(),
            token_hash: "aa".into(),
            token_prefix: "sk-ox-abcd".into(),
            allowed_models: Some(vec!["b/second".into(), "a/first".into()]),
            requests_per_minute: Some(60),
            expires_at: Some(now()),
            enabled: true,
            created_by: AccountId::new(),
            last_used_at: None,
            created_at: now(),
        };
        let tx = db.begin().await.unwrap();
        gateway_keys::insert(&tx, &key).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(gateway_keys::by_hash(&db, "aa").await.unwrap(), Some(key.clone()));
        assert_eq!(gateway_keys::by_hash(&db, "AA").await.unwrap(), None);
        assert_eq!(gateway_keys::list(&db, tenant).await.unwrap(), std::slice::from_ref(&key));
        let tx = db.begin().await.unwrap();
        let twin = GatewayKey { id: GatewayKeyId::new(), ..key.clone() };
        assert!(matches!(gateway_keys::insert(&tx, &twin).await, Err(Error::Conflict(_))));
        tx.rollback().await.unwrap();
        // Another workspace neither sees nor changes it.
        let other = TenantId::new();
        assert_eq!(gateway_keys::find(&db, other, key.id).await.unwrap(), None);
        let tx = db.begin().await.unwrap();
        let stolen = GatewayKey { tenant_id: other, name: "stolen".into(), ..key.clone() };
        assert!(matches!(gateway_keys::update(&tx, &stolen).await, Err(Error::NotFound(_))));
        assert!(!gateway_keys::delete(&tx, other, key.id).await.unwrap());
        let changed = GatewayKey {
            name: "All".into(),
            allowed_models: None,
            requests_per_minute: None,
            expires_at: None,
            enabled: false,
            ..key.clone()
        };
        gateway_keys::update(&tx, &changed).await.unwrap();
        let at = now();
        gateway_keys::used(&tx, key.id, at).await.unwrap();
        gateway_keys::used(&tx, key.id, at + chrono::Duration::seconds(30)).await.unwrap();
        tx.commit().await.unwrap();
        let used = GatewayKey { last_used_at: Some(at), ..changed };
        assert_eq!(gateway_keys::find(&db, tenant, key.id).await.unwrap(), Some(used));
        let tx = db.begin().await.unwrap();
        assert!(gateway_keys::delete(&tx, tenant, key.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(gateway_keys::list(&db, tenant).await.unwrap(), []);
    })
    .await;
}
