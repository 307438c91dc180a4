//! Apps, keys, labels, workflow versions and model providers: one body, every database.

use ox_db::{
    Database, Error,
    model::{ApiToken, App, KeyLimits, ProviderCredential, ProviderModelCredential, Site, Tag, TagBinding, Workflow},
    now,
    repo::{
        api_tokens,
        apps::{self, Filter},
        providers::{self, ModelKey},
        tags, workflows,
    },
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, AppId, TenantId, WorkflowId, new_uuid};
use serde_json::json;
use uuid::Uuid;

fn app(tenant: TenantId, name: &str, mode: &str) -> App {
    App {
        id: AppId::new(),
        tenant_id: tenant,
        name: name.into(),
        description: String::new(),
        mode: mode.into(),
        icon_type: Some("emoji".into()),
        icon: Some("🤖".into()),
        icon_background: Some("#FFEAD5".into()),
        app_model_config_id: None,
        workflow_id: None,
        status: "normal".into(),
        enable_site: true,
        enable_api: true,
        api_rpm: 0,
        api_rph: 0,
        is_demo: false,
        is_public: false,
        is_universal: false,
        tracing: None,
        max_active_requests: None,
        use_icon_as_answer_icon: false,
        created_by: Some(AccountId::new()),
        created_at: now(),
        updated_by: None,
        updated_at: now(),
    }
}

fn site(app: &App, code: &str) -> Site {
    Site {
        id: new_uuid(),
        app_id: app.id,
        title: app.name.clone(),
        icon_type: None,
        icon: None,
        icon_background: None,
        description: None,
        default_language: "en-US".into(),
        chat_color_theme: None,
        chat_color_theme_inverted: false,
        copyright: None,
        privacy_policy: None,
        custom_disclaimer: String::new(),
        show_workflow_steps: true,
        use_icon_as_answer_icon: false,
        customize_domain: None,
        customize_token_strategy: "not_allow".into(),
        prompt_public: false,
        status: "normal".into(),
        code: Some(code.into()),
        created_by: app.created_by,
        created_at: now(),
        updated_by: None,
        updated_at: now(),
    }
}

async fn add(db: &Database, tenant: TenantId, name: &str, mode: &str) -> App {
    let app = app(tenant, name, mode);
    let tx = db.begin().await.unwrap();
    apps::insert(&tx, &app, &site(&app, &format!("code-{name}")), None).await.unwrap();
    tx.commit().await.unwrap();
    app
}

#[tokio::test]
async fn apps_belong_to_their_workspace() {
    on_each_database(|db| async move {
        let (mine, other) = (TenantId::new(), TenantId::new());
        let stored = add(&db, mine, "One", "workflow").await;
        assert_eq!(apps::find(&db, mine, stored.id).await.unwrap(), Some(stored.clone()));
        assert_eq!(apps::find(&db, other, stored.id).await.unwrap(), None);
        assert_eq!(apps::find_any(&db, stored.id).await.unwrap().map(|app| app.tenant_id), Some(mine));

        let tx = db.begin().await.unwrap();
        apps::update(&tx, &App { name: "Two".into(), tracing: Some(json!({"b": 1, "a": 2})), ..stored.clone() })
            .await
            .unwrap();
        // Somebody else's delete takes nothing.
        assert!(matches!(apps::delete(&tx, other, stored.id).await, Err(Error::NotFound("app"))));
        tx.commit().await.unwrap();
        let found = apps::find(&db, mine, stored.id).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.tracing.unwrap().to_string()), ("Two", r#"{"b":1,"a":2}"#.to_owned()));
        assert_eq!(apps::site_by_code(&db, "code-One").await.unwrap().unwrap().app_id, stored.id);
        assert_eq!(apps::sites(&db, &[stored.id]).await.unwrap().len(), 1);

        let tx = db.begin().await.unwrap();
        apps::delete(&tx, mine, stored.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(apps::find(&db, mine, stored.id).await.unwrap(), None);
        assert_eq!(apps::site_by_code(&db, "code-One").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn lists_of_apps_filter_and_page() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let one = add(&db, tenant, "Order bot", "chat").await;
        let two = add(&db, tenant, "order_flow", "workflow").await;
        let three = add(&db, tenant, "Öther", "workflow").await;
        add(&db, TenantId::new(), "order elsewhere", "chat").await;
        let label = Tag {
            id: new_uuid(),
            tenant_id: tenant,
            kind: "app".into(),
            name: "Salés".into(),
            created_by: AccountId::new(),
            created_at: now(),
        };
        let binding = |app: &App| TagBinding {
            id: new_uuid(),
            tenant_id: tenant,
            tag_id: label.id,
            target_id: app.id.0,
            created_by: label.created_by,
            created_at: now(),
        };
        let tx = db.begin().await.unwrap();
        tags::insert(&tx, &label).await.unwrap();
        tags::bind(&tx, &binding(&two)).await.unwrap();
        tags::bind(&tx, &binding(&two)).await.unwrap();
        tags::bind(&tx, &binding(&three)).await.unwrap();
        tx.commit().await.unwrap();

        let all = Filter { page: 1, limit: 10, ..Filter::default() };
        for (name, filter, expected) in [
            ("all", all.clone(), vec![three.id, two.id, one.id]),
            ("second page", Filter { page: 2, limit: 2, ..all.clone() }, vec![one.id]),
            ("mode", Filter { mode: Some("workflow".into()), ..all.clone() }, vec![three.id, two.id]),
            ("name in any case", Filter { name: Some("ORDER".into()), ..all.clone() }, vec![two.id, one.id]),
            ("wildcards are text", Filter { name: Some("order_".into()), ..all.clone() }, vec![two.id]),
            ("name in any script", Filter { name: Some(" öTHER ".into()), ..all.clone() }, vec![three.id]),
            ("label", Filter { tag_ids: vec![label.id], ..all.clone() }, vec![three.id, two.id]),
            ("unknown label", Filter { tag_ids: vec![label.id, new_uuid()], ..all.clone() }, vec![]),
            ("author", Filter { created_by: one.created_by, ..all.clone() }, vec![one.id]),
        ] {
            let (found, total) = apps::list(&db, tenant, &filter).await.unwrap();
            assert_eq!(found.iter().map(|app| app.id).collect::<Vec<_>>(), expected, "{name}");
            assert_eq!(total, if name == "second page" { 3 } else { expected.len() as u64 }, "{name}");
        }
        for (keyword, expected) in [("ALÉ", vec![("Salés", 2)]), ("%", vec![])] {
            let counted = tags::list(&db, tenant, "app", Some(keyword)).await.unwrap();
            assert_eq!(
                counted.iter().map(|(tag, n)| (tag.name.as_str(), *n)).collect::<Vec<_>>(),
                expected,
                "{keyword}"
            );
        }
        assert_eq!(tags::of_targets(&db, tenant, &[two.id.0]).await.unwrap().len(), 1);
        let tx = db.begin().await.unwrap();
        assert!(matches!(tags::insert(&tx, &Tag { id: new_uuid(), ..label.clone() }).await, Err(Error::Conflict(_))));
        tx.rollback().await.unwrap();
        let tx = db.begin().await.unwrap();
        tags::rename(&tx, tenant, label.id, "Support").await.unwrap();
        tags::unbind(&tx, tenant, label.id, two.id.0).await.unwrap();
        assert_eq!(tags::find(&tx, tenant, label.id).await.unwrap().unwrap().name, "Support");
        tags::delete(&tx, tenant, label.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(tags::of_targets(&db, tenant, &[three.id.0]).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn keys_are_unique_and_found_by_text_and_kind() {
    on_each_database(|db| async move {
        let (tenant, app) = (TenantId::new(), AppId::new());
        let key = ApiToken {
            id: new_uuid(),
            app_id: Some(app),
            tenant_id: Some(tenant),
            kind: "app".into(),
            token: "app-123".into(),
            last_used_at: None,
            created_at: now(),
            limits: KeyLimits::default(),
        };
        let tx = db.begin().await.unwrap();
        apps::insert_key(&tx, &key).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(api_tokens::find(&db, "app-123", "app").await.unwrap(), Some(key.clone()));
        assert_eq!(api_tokens::find(&db, "app-123", "dataset").await.unwrap(), None);
        assert_eq!(api_tokens::find(&db, "APP-123", "app").await.unwrap(), None);

        let tx = db.begin().await.unwrap();
        let same = ApiToken { id: new_uuid(), ..key.clone() };
        assert!(matches!(apps::insert_key(&tx, &same).await, Err(Error::Conflict(_))));
        tx.rollback().await.unwrap();

        let limits =
            KeyLimits { requests_per_minute: Some(5), concurrent_runs: None, scopes: Some("run,files".into()) };
        let tx = db.begin().await.unwrap();
        assert_eq!(apps::limit_key(&tx, TenantId::new(), app, key.id, &limits).await.unwrap(), None);
        assert_eq!(apps::limit_key(&tx, tenant, AppId::new(), key.id, &limits).await.unwrap(), None);
        let limited = ApiToken { limits: limits.clone(), ..key.clone() };
        assert_eq!(apps::limit_key(&tx, tenant, app, key.id, &limits).await.unwrap(), Some(limited.clone()));
        tx.commit().await.unwrap();
        assert_eq!(api_tokens::find(&db, "app-123", "app").await.unwrap(), Some(limited));

        let first = now();
        let tx = db.begin().await.unwrap();
        api_tokens::used(&tx, key.id, first).await.unwrap();
        api_tokens::used(&tx, key.id, first + chrono::Duration::seconds(30)).await.unwrap();
        tx.commit().await.unwrap();
        let keys = apps::keys(&db, tenant, app).await.unwrap();
        assert_eq!(keys.iter().map(|key| key.last_used_at).collect::<Vec<_>>(), [Some(first)]);
        let tx = db.begin().await.unwrap();
        assert!(!apps::delete_key(&tx, TenantId::new(), app, key.id).await.unwrap());
        assert!(apps::delete_key(&tx, tenant, app, key.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(api_tokens::find(&db, "app-123", "app").await.unwrap(), None);
    })
    .await;
}

fn workflow(tenant: TenantId, app: AppId, version: &str) -> Workflow {
    Workflow {
        id: WorkflowId::new(),
        tenant_id: tenant,
        app_id: app,
        kind: "workflow".into(),
        version: version.into(),
        marked_name: String::new(),
        marked_comment: String::new(),
        graph: json!({"nodes": [{"id": "2"}, {"id": "1"}], "edges": [], "viewport": {"zoom": 1, "x": 0, "y": 0}}),
        features: json!({}),
        environment_variables: json!([]),
        conversation_variables: json!([]),
        rag_pipeline_variables: json!([]),
        created_by: AccountId::new(),
        created_at: now(),
        updated_by: None,
        updated_at: now(),
    }
}

#[tokio::test]
async fn one_draft_and_many_versions() {
    on_each_database(|db| async move {
        let (tenant, app) = (TenantId::new(), AppId::new());
        let draft = workflow(tenant, app, workflows::DRAFT);
        let old = workflow(tenant, app, "2026-11-20 10:00:00.000001");
        let new = workflow(tenant, app, "2026-11-21 10:00:00.000001");
        let tx = db.begin().await.unwrap();
        for version in [&draft, &old, &new] {
            workflows::insert(&tx, version).await.unwrap();
        }
        workflows::label(&tx, tenant, old.id, Some("First"), None, old.created_by).await.unwrap();
        tx.commit().await.unwrap();

        let found = workflows::draft(&db, tenant, app).await.unwrap().unwrap();
        assert_eq!(found, draft);
        assert_eq!(found.graph.to_string(), draft.graph.to_string());
        assert_eq!(workflows::draft(&db, TenantId::new(), app).await.unwrap(), None);
        assert_eq!(workflows::find(&db, tenant, app, new.id).await.unwrap(), Some(new.clone()));
        assert_eq!(workflows::by_ids(&db, tenant, &[old.id, new.id]).await.unwrap().len(), 2);
        let ids = |list: Vec<Workflow>| list.into_iter().map(|w| w.id).collect::<Vec<_>>();
        let (list, more) = workflows::versions(&db, tenant, app, None, false, 1, 2).await.unwrap();
        assert_eq!((ids(list), more), (vec![draft.id, new.id], true));
        let (list, more) = workflows::versions(&db, tenant, app, None, true, 1, 2).await.unwrap();
        assert_eq!((ids(list), more), (vec![old.id], false));

        let tx = db.begin().await.unwrap();
        let second = workflow(tenant, app, workflows::DRAFT);
        assert!(matches!(workflows::insert(&tx, &second).await, Err(Error::Conflict(_))));
        tx.rollback().await.unwrap();
        let tx = db.begin().await.unwrap();
        let edited = Workflow { graph: json!({"nodes": []}), ..draft.clone() };
        workflows::update_draft(&tx, &edited).await.unwrap();
        workflows::delete(&tx, tenant, old.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(workflows::draft(&db, tenant, app).await.unwrap().unwrap().graph, edited.graph);
        assert_eq!(workflows::find(&db, tenant, app, old.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn providers_keep_credentials_models_and_defaults() {
    on_each_database(|db| async move {
        let (tenant, provider) = (TenantId::new(), "langgenius/openai/openai");
        let credential = ProviderCredential {
            id: new_uuid(),
            tenant_id: tenant,
            provider_name: provider.into(),
            credential_name: "API KEY 1".into(),
            encrypted_config: json!({"openai_api_key": "ox1:…", "openai_api_base": ""}),
            created_at: now(),
            updated_at: now(),
        };
        let key = ModelKey { provider, name: "my-model", kind: "text-generation" };
        let of_model = ProviderModelCredential {
            id: new_uuid(),
            tenant_id: tenant,
            provider_name: provider.into(),
            model_name: key.name.into(),
            model_type: key.kind.into(),
            credential_name: "own".into(),
            encrypted_config: json!({}),
            created_at: now(),
            updated_at: now(),
        };
        let tx = db.begin().await.unwrap();
        providers::insert_credential(&tx, &credential).await.unwrap();
        providers::activate(&tx, tenant, provider, None).await.unwrap();
        providers::activate(&tx, tenant, provider, Some(credential.id)).await.unwrap();
        providers::insert_model_credential(&tx, &of_model).await.unwrap();
        providers::put_model(&tx, tenant, key, None).await.unwrap();
        providers::put_model(&tx, tenant, key, Some(of_model.id)).await.unwrap();
        for enabled in [true, false] {
            providers::set_enabled(&tx, tenant, key, enabled).await.unwrap();
        }
        providers::set_default(&tx, tenant, ModelKey { name: "other", ..key }).await.unwrap();
        providers::set_default(&tx, tenant, key).await.unwrap();
        providers::update_credential(&tx, &ProviderCredential { credential_name: "main".into(), ..credential.clone() })
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let setup = providers::setup(&db, tenant).await.unwrap();
        let active: Vec<Option<Uuid>> = setup.providers.iter().map(|p| p.credential_id).collect();
        assert_eq!(active, [Some(credential.id)]);
        assert_eq!(setup.credentials.first().unwrap().credential_name, "main");
        assert_eq!(setup.credentials.first().unwrap().encrypted_config, credential.encrypted_config);
        assert_eq!(setup.models.iter().map(|m| m.credential_id).collect::<Vec<_>>(), [Some(of_model.id)]);
        assert_eq!(setup.settings.iter().map(|s| s.enabled).collect::<Vec<_>>(), [false]);
        assert_eq!(setup.defaults.iter().map(|d| d.model_name.as_str()).collect::<Vec<_>>(), ["my-model"]);
        assert_eq!(providers::setup(&db, TenantId::new()).await.unwrap().providers.len(), 0);

        let tx = db.begin().await.unwrap();
        providers::delete_model(&tx, tenant, key).await.unwrap();
        providers::delete_credential(&tx, TenantId::new(), credential.id).await.unwrap();
        tx.commit().await.unwrap();
        let setup = providers::setup(&db, tenant).await.unwrap();
        assert_eq!((setup.models.len(), setup.model_credentials.len(), setup.credentials.len()), (0, 0, 1));
    })
    .await;
}
