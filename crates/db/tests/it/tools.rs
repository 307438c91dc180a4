//! What workspaces have set up of tools: one body, every database.

use ox_db::{
    Error,
    model::{ApiToolProvider, McpProvider, RunFile, ToolCredential, ToolSignIn, WorkflowTool},
    now,
    repo::{
        run_files,
        tools::{apis, credentials, labels, servers, sign_ins, workflows},
    },
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, AppId, RunId, TenantId, new_uuid};
use serde_json::json;

fn credential(tenant: TenantId, name: &str) -> ToolCredential {
    ToolCredential {
        id: new_uuid(),
        tenant_id: tenant,
        user_id: AccountId::new(),
        provider: "tavily".into(),
        name: name.into(),
        encrypted_credentials: json!({"b": "sealed", "a": 1}),
        is_default: false,
        credential_type: "api-key".into(),
        expires_at: -1,
        visibility: ToolCredential::WORKSPACE.into(),
        created_at: now(),
        updated_at: now(),
    }
}

#[tokio::test]
async fn one_credential_of_a_provider_is_the_default() {
    on_each_database(|db| async move {
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let (first, second, foreign) = (credential(tenant, "a"), credential(tenant, "b"), credential(other, "a"));
        let tx = db.begin().await.unwrap();
        for one in [&first, &second, &foreign] {
            credentials::insert(&tx, one.clone()).await.unwrap();
        }
        for id in [first.id, second.id] {
            credentials::set_default(&tx, tenant, "tavily", id).await.unwrap();
        }
        tx.commit().await.unwrap();
        let listed = credentials::list(&db, tenant, None).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.is_default).collect::<Vec<_>>(), [false, true]);
        assert_eq!(listed[0], first);
        assert_eq!(credentials::find(&db, tenant, foreign.id).await.unwrap(), None);
        let tx = db.begin().await.unwrap();
        assert!(matches!(credentials::insert(&tx, credential(tenant, "a")).await, Err(Error::Conflict(_))));
        drop(tx);
        let tx = db.begin().await.unwrap();
        assert!(!credentials::delete(&tx, other, first.id).await.unwrap());
        assert!(credentials::delete(&tx, tenant, first.id).await.unwrap());
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn personal_credentials_are_their_members() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let personal = |member: AccountId, name: &str| ToolCredential {
            user_id: member,
            visibility: ToolCredential::PERSONAL.into(),
            ..credential(tenant, name)
        };
        let (ann, bob) = (AccountId::new(), AccountId::new());
        let tx = db.begin().await.unwrap();
        // One name for everybody and for each member.
        for one in [credential(tenant, "key"), personal(ann, "key"), personal(bob, "key")] {
            credentials::insert(&tx, one).await.unwrap();
        }
        tx.commit().await.unwrap();
        let tx = db.begin().await.unwrap();
        assert!(matches!(credentials::insert(&tx, personal(ann, "key")).await, Err(Error::Conflict(_))));
        drop(tx);
        assert_eq!(credentials::list(&db, tenant, None).await.unwrap().len(), 1);
        let seen = credentials::list(&db, tenant, Some(ann)).await.unwrap();
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(|one| !one.is_personal() || one.user_id == ann));
        let tx = db.begin().await.unwrap();
        assert_eq!(credentials::delete_personal(&tx, tenant, ann).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(credentials::list(&db, tenant, Some(ann)).await.unwrap().len(), 1);
        assert_eq!(credentials::list(&db, tenant, Some(bob)).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn providers_round_trip_within_their_workspace() {
    on_each_database(|db| async move {
        let (tenant, other, app) = (TenantId::new(), TenantId::new(), AppId::new());
        let api = ApiToolProvider {
            id: new_uuid(),
            tenant_id: tenant,
            user_id: AccountId::new(),
            name: "pets".into(),
            icon: json!({"content": "x", "background": "#fff"}),
            schema: "{}".into(),
            schema_type: "openapi".into(),
            description: String::new(),
            tools: json!([{"operation_id": "z", "method": "get"}]),
            credentials: json!({"auth_type": "none"}),
            privacy_policy: None,
            custom_disclaimer: String::new(),
            created_at: now(),
            updated_at: now(),
        };
        let workflow = WorkflowTool {
            id: new_uuid(),
            tenant_id: tenant,
            app_id: app,
            user_id: AccountId::new(),
            name: "w".into(),
            label: "W".into(),
            icon: json!({}),
            version: "2026".into(),
            description: String::new(),
            parameter_configuration: json!([]),
            privacy_policy: Some("p".into()),
            created_at: now(),
            updated_at: now(),
        };
        let server = McpProvider {
            id: new_uuid(),
            tenant_id: tenant,
            user_id: AccountId::new(),
            name: "m".into(),
            server_identifier: "m1".into(),
            server_url: "sealed".into(),
            server_url_hash: "h".into(),
            icon: "{}".into(),
            authed: true,
            tools: json!([]),
            encrypted_credentials: None,
            encrypted_headers: None,
            timeout: 30.0,
            sse_read_timeout: 300.0,
            personal: false,
            created_at: now(),
            updated_at: now(),
        };
        let tx = db.begin().await.unwrap();
        apis::insert(&tx, api.clone()).await.unwrap();
        workflows::insert(&tx, workflow.clone()).await.unwrap();
        servers::insert(&tx, server.clone()).await.unwrap();
        labels::set(&tx, tenant, "t", "api", &["search".into(), "news".into()]).await.unwrap();
        labels::set(&tx, tenant, "t", "api", &["news".into()]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(apis::by_name(&db, tenant, "pets").await.unwrap(), Some(api.clone()));
        assert_eq!(workflows::of_app(&db, tenant, app).await.unwrap(), Some(workflow.clone()));
        assert_eq!(servers::by_identifier(&db, tenant, "m1").await.unwrap(), Some(server.clone()));
        assert_eq!(apis::by_name(&db, other, "pets").await.unwrap(), None);
        assert_eq!(workflows::of_app(&db, other, app).await.unwrap(), None);
        assert_eq!(servers::find(&db, other, server.id).await.unwrap(), None);
        let names: Vec<_> =
            labels::list(&db, tenant).await.unwrap().into_iter().map(|label| label.label_name).collect();
        assert_eq!(names, ["news"]);
        let tx = db.begin().await.unwrap();
        let again = WorkflowTool { id: new_uuid(), name: "other".into(), ..workflow };
        assert!(matches!(workflows::insert(&tx, again).await, Err(Error::Conflict(_))));
        drop(tx);
        let tx = db.begin().await.unwrap();
        servers::set_tools(&tx, tenant, server.id, None, false).await.unwrap();
        assert!(matches!(servers::set_tools(&tx, other, server.id, None, true).await, Err(Error::NotFound(_))));
        tx.commit().await.unwrap();
        assert!(!servers::find(&db, tenant, server.id).await.unwrap().unwrap().authed);
        // What is entered is written without what changed meanwhile.
        let tx = db.begin().await.unwrap();
        let told = json!([{"name": "shout"}]);
        servers::set_tools(&tx, tenant, server.id, Some(&told), true).await.unwrap();
        assert!(servers::swap_sign_in(&tx, &server, "renewed".into()).await.unwrap());
        assert!(!servers::swap_sign_in(&tx, &server, "late".into()).await.unwrap());
        servers::update(&tx, McpProvider { name: "n".into(), personal: true, ..server.clone() }).await.unwrap();
        tx.commit().await.unwrap();
        let kept = servers::find(&db, tenant, server.id).await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.personal, kept.authed, &kept.tools), ("n", true, true, &told));
        assert_eq!(kept.encrypted_credentials.as_deref(), Some("renewed"));
        let tx = db.begin().await.unwrap();
        assert!(
            !servers::swap_sign_in(&tx, &McpProvider { tenant_id: other, ..kept.clone() }, "x".into()).await.unwrap()
        );
        assert!(servers::swap_sign_in(&tx, &kept, "next".into()).await.unwrap());
        servers::set_sign_in(&tx, tenant, server.id, None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(servers::find(&db, tenant, server.id).await.unwrap().unwrap().encrypted_credentials, None);
    })
    .await;
}

#[tokio::test]
async fn each_member_has_one_sign_in_at_a_provider() {
    on_each_database(|db| async move {
        let (tenant, other, server) = (TenantId::new(), TenantId::new(), new_uuid());
        let (ann, bob) = (AccountId::new(), AccountId::new());
        let of = |account: AccountId, tokens: &str| ToolSignIn {
            id: new_uuid(),
            tenant_id: tenant,
            provider_kind: "mcp".into(),
            provider_id: server,
            account_id: account,
            encrypted_tokens: tokens.into(),
            expires_at: Some(now()),
            created_at: now(),
            updated_at: now(),
        };
        let first = of(ann, "a1");
        let tx = db.begin().await.unwrap();
        sign_ins::set(&tx, first.clone()).await.unwrap();
        sign_ins::set(&tx, of(bob, "b1")).await.unwrap();
        sign_ins::set(&tx, ToolSignIn { expires_at: None, ..of(ann, "a2") }).await.unwrap();
        tx.commit().await.unwrap();
        let kept = sign_ins::find(&db, tenant, "mcp", server, ann).await.unwrap().unwrap();
        assert_eq!((kept.id, kept.encrypted_tokens.as_str(), kept.expires_at), (first.id, "a2", None));
        assert_eq!(sign_ins::find(&db, other, "mcp", server, ann).await.unwrap(), None);
        assert_eq!(sign_ins::list(&db, tenant, "mcp", bob).await.unwrap().len(), 1);
        assert!(sign_ins::list(&db, other, "mcp", bob).await.unwrap().is_empty());
        let tx = db.begin().await.unwrap();
        let renewed = ToolSignIn { encrypted_tokens: "a3".into(), expires_at: Some(now()), ..kept.clone() };
        assert!(!sign_ins::swap(&tx, "a1", renewed.clone()).await.unwrap(), "those are over");
        assert!(sign_ins::swap(&tx, "a2", renewed.clone()).await.unwrap());
        assert!(!sign_ins::swap(&tx, "a3", ToolSignIn { tenant_id: other, ..renewed }).await.unwrap());
        assert!(!sign_ins::delete(&tx, other, "mcp", server, ann).await.unwrap());
        assert!(sign_ins::delete(&tx, tenant, "mcp", server, ann).await.unwrap());
        sign_ins::set(&tx, of(ann, "a4")).await.unwrap();
        assert_eq!(sign_ins::delete_of_member(&tx, tenant, bob).await.unwrap(), 1);
        assert_eq!(sign_ins::delete_of_provider(&tx, other, "mcp", server).await.unwrap(), 0);
        assert_eq!(sign_ins::delete_of_provider(&tx, tenant, "mcp", server).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert!(sign_ins::list(&db, tenant, "mcp", ann).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn files_of_runs_belong_to_their_workspace_and_go_when_nothing_is_left_of_the_run() {
    on_each_database(|db| async move {
        let (tenant, run) = (TenantId::new(), RunId::new());
        let file = |name: &str, size| RunFile {
            id: new_uuid(),
            tenant_id: tenant,
            run_id: run,
            name: name.into(),
            key: format!("run_files/{name}{size}"),
            size,
            // Longer ago than a run may take to be written.
            created_at: now() - chrono::Duration::hours(2),
        };
        let (first, second, last) = (file("b", 1), file("a", 2), file("b", 3));
        let tx = db.begin().await.unwrap();
        for one in [&first, &second, &last] {
            run_files::put(&tx, one.clone()).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(run_files::list(&db, tenant, run).await.unwrap(), [second.clone(), last.clone()]);
        assert_eq!(run_files::find(&db, tenant, run, "b").await.unwrap(), Some(last.clone()));
        let stranger = TenantId::new();
        assert!(run_files::list(&db, stranger, run).await.unwrap().is_empty());
        assert_eq!(run_files::find(&db, stranger, run, "b").await.unwrap(), None);
        let tx = db.begin().await.unwrap();
        assert!(!run_files::remove(&tx, stranger, run, "b").await.unwrap());
        let taken = run_files::take_orphans(&tx, 10).await.unwrap();
        assert_eq!(taken.len(), 2);
        assert!(taken.contains(&second) && taken.contains(&last));
        assert!(run_files::take_orphans(&tx, 10).await.unwrap().is_empty());
        tx.commit().await.unwrap();
    })
    .await;
}
