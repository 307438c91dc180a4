//! Credentials of data sources, crawls of websites, keys of one knowledge base, pipelines: one body, every database.

use chrono::Duration;
use ox_db::{
    Error,
    model::{
        ApiToken, DataSourceCredential, KeyLimits, Pipeline, PipelineLog, PipelineTemplate, WebsiteCrawl, WebsitePage,
    },
    now,
    repo::{api_tokens, apps, data_sources, deletions, pipelines},
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, AppId, DatasetId, DocumentId, TenantId, WorkflowId, new_uuid};
use serde_json::json;

fn credential(tenant: TenantId, provider: &str, name: &str) -> DataSourceCredential {
    DataSourceCredential {
        id: new_uuid(),
        tenant_id: tenant,
        name: name.into(),
        provider: provider.into(),
        plugin_id: format!("langgenius/{provider}_datasource"),
        auth_type: "api-key".into(),
        encrypted_credentials: json!({"api_key": "sealed"}),
        avatar_url: None,
        is_default: false,
        disabled: false,
        expires_at: -1,
        created_by: AccountId::new(),
        created_at: now(),
        updated_at: now(),
    }
}

#[tokio::test]
async fn the_default_credential_is_taken_unless_it_is_switched_off() {
    on_each_database(|db| async move {
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let (first, second) = (credential(tenant, "firecrawl", "a"), credential(tenant, "firecrawl", "b"));
        let foreign = credential(other, "firecrawl", "a");
        let tx = db.begin().await.unwrap();
        for one in [&first, &second, &foreign] {
            data_sources::insert(&tx, one.clone()).await.unwrap();
        }
        data_sources::set_default(&tx, tenant, "firecrawl", second.id).await.unwrap();
        tx.commit().await.unwrap();
        let standard = data_sources::standard(&db, tenant, "firecrawl").await.unwrap().unwrap();
        assert_eq!((standard.id, standard.is_default), (second.id, true));
        assert_eq!(data_sources::standard(&db, tenant, "jinareader").await.unwrap(), None);
        assert_eq!(data_sources::find(&db, tenant, foreign.id).await.unwrap(), None);
        let tx = db.begin().await.unwrap();
        data_sources::update(&tx, DataSourceCredential { disabled: true, ..standard }).await.unwrap();
        assert!(!data_sources::delete(&tx, tenant, foreign.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(data_sources::standard(&db, tenant, "firecrawl").await.unwrap().unwrap().id, first.id);
        let tx = db.begin().await.unwrap();
        let twin = data_sources::insert(&tx, credential(tenant, "firecrawl", "a")).await;
        assert!(matches!(twin, Err(Error::Conflict(_))));
    })
    .await;
}

#[tokio::test]
async fn pages_of_a_crawl_are_kept_once_and_forgotten_with_it() {
    on_each_database(|db| async move {
        let (tenant, at) = (TenantId::new(), now());
        let crawl = WebsiteCrawl {
            tenant_id: tenant,
            provider: "firecrawl".into(),
            job_id: "job".into(),
            credential_id: new_uuid(),
            url: "https://a.b".into(),
            options: json!({"limit": 3}),
            finished_at: None,
            created_at: at,
        };
        let page = |number: usize| WebsitePage {
            url: format!("https://a.b/{number}"),
            title: "T".into(),
            content: "C".into(),
            ..WebsitePage::default()
        };
        let tx = db.begin().await.unwrap();
        data_sources::begin_crawl(&tx, crawl.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(data_sources::crawl(&db, tenant, "firecrawl", "job").await.unwrap(), Some(crawl));
        assert_eq!(data_sources::crawl(&db, TenantId::new(), "firecrawl", "job").await.unwrap(), None);
        let all: Vec<WebsitePage> = (0..120).map(page).collect();
        for first in [true, false] {
            let tx = db.begin().await.unwrap();
            let kept = data_sources::finish_crawl(&tx, tenant, "firecrawl", "job", all.clone(), at).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(kept, first);
        }
        assert_eq!(data_sources::pages(&db, tenant, "firecrawl", "job").await.unwrap(), all);
        let one = data_sources::page(&db, tenant, "firecrawl", "job", "https://a.b/7").await.unwrap();
        assert_eq!(one, Some(page(7)));
        for (before, left) in [(at - Duration::days(1), 120), (at + Duration::days(1), 0)] {
            let tx = db.begin().await.unwrap();
            data_sources::forget_crawls(&tx, before).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(data_sources::pages(&db, tenant, "firecrawl", "job").await.unwrap().len(), left);
        }
        assert_eq!(data_sources::crawl(&db, tenant, "firecrawl", "job").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_key_of_one_knowledge_base_is_no_key_of_the_workspace() {
    on_each_database(|db| async move {
        let (tenant, dataset, other) = (TenantId::new(), DatasetId::new(), DatasetId::new());
        let token = |text: &str| ApiToken {
            id: new_uuid(),
            app_id: None,
            tenant_id: Some(tenant),
            kind: "ds".into(),
            token: format!("ds-{text}-{}", new_uuid()),
            last_used_at: None,
            created_at: now(),
            limits: KeyLimits::default(),
        };
        let (one, two) = (token("a"), token("b"));
        let tx = db.begin().await.unwrap();
        for key in [&one, &two] {
            apps::insert_key(&tx, key).await.unwrap();
            api_tokens::bind(&tx, key.id, dataset).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(api_tokens::find(&db, &one.token, "dataset").await.unwrap(), None);
        assert_eq!(api_tokens::find(&db, &one.token, "ds").await.unwrap().unwrap().id, one.id);
        assert_eq!(api_tokens::dataset_of(&db, one.id).await.unwrap(), Some(dataset));
        assert_eq!(api_tokens::of_tenant(&db, tenant, "dataset").await.unwrap(), []);
        assert_eq!(api_tokens::of_dataset(&db, tenant, dataset).await.unwrap().len(), 2);
        assert_eq!(api_tokens::of_dataset(&db, TenantId::new(), dataset).await.unwrap(), []);
        for (of, id, gone) in [(other, Some(one.id), 0), (dataset, Some(one.id), 1), (dataset, None, 1)] {
            let tx = db.begin().await.unwrap();
            assert_eq!(api_tokens::delete_of_dataset(&tx, of, id).await.unwrap(), gone);
            tx.commit().await.unwrap();
        }
        assert_eq!(api_tokens::find(&db, &two.token, "ds").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_goes_with_what_its_documents_were_made_of() {
    on_each_database(|db| async move {
        let (tenant, at) = (TenantId::new(), now());
        let pipeline = Pipeline {
            id: AppId::new(),
            tenant_id: tenant,
            name: "P".into(),
            description: String::new(),
            is_published: false,
            created_by: AccountId::new(),
            created_at: at,
            updated_at: at,
            workflow_id: None,
        };
        let log = PipelineLog {
            document_id: DocumentId::new(),
            pipeline_id: pipeline.id,
            workflow_id: WorkflowId::new(),
            datasource_type: "local_file".into(),
            datasource_info: json!({"related_id": "f"}),
            datasource_node_id: "n".into(),
            input_data: json!({"size": 3}),
            created_by: pipeline.created_by,
            created_at: at,
        };
        let tx = db.begin().await.unwrap();
        pipelines::insert(&tx, pipeline.clone()).await.unwrap();
        pipelines::put_log(&tx, log.clone()).await.unwrap();
        let again = PipelineLog { input_data: json!({"size": 4}), ..log.clone() };
        pipelines::put_log(&tx, again.clone()).await.unwrap();
        let live = Some(log.workflow_id);
        let is_live = Pipeline { is_published: true, workflow_id: live, ..pipeline.clone() };
        pipelines::update(&tx, is_live.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(pipelines::find(&db, tenant, pipeline.id).await.unwrap(), Some(is_live.clone()));
        assert_eq!(pipelines::find_any(&db, pipeline.id).await.unwrap(), Some(is_live));
        let ids = [pipeline.id.0, new_uuid()];
        assert_eq!(pipelines::published(&db, tenant, &ids).await.unwrap().len(), 1);
        assert!(pipelines::published(&db, TenantId::new(), &ids).await.unwrap().is_empty());
        assert_eq!(pipelines::dataset(&db, tenant, pipeline.id).await.unwrap(), None);
        assert_eq!(pipelines::find(&db, TenantId::new(), pipeline.id).await.unwrap(), None);
        assert_eq!(pipelines::log(&db, log.document_id).await.unwrap(), Some(again));
        let tx = db.begin().await.unwrap();
        pipelines::delete(&tx, TenantId::new(), pipeline.id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(pipelines::log(&db, log.document_id).await.unwrap().is_some(), "somebody else's");
        let tx = db.begin().await.unwrap();
        pipelines::delete(&tx, tenant, pipeline.id).await.unwrap();
        tx.commit().await.unwrap();
        let left = deletions::pending(&db, 10).await.unwrap();
        assert_eq!(left.first().map(|deletion| deletion.app_id), Some(pipeline.id), "its runs go afterwards");
        assert_eq!(pipelines::log(&db, log.document_id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn templates_are_a_workspaces_own() {
    on_each_database(|db| async move {
        let (tenant, at) = (TenantId::new(), now());
        let template = PipelineTemplate {
            id: new_uuid(),
            tenant_id: tenant,
            name: "T".into(),
            description: "what".into(),
            icon: json!({"icon": "📙"}),
            position: 1,
            chunk_structure: "text_model".into(),
            yaml_content: "kind: rag_pipeline".into(),
            install_count: 0,
            language: "en-US".into(),
            created_by: AccountId::new(),
            updated_by: None,
            created_at: at,
            updated_at: at,
        };
        let tx = db.begin().await.unwrap();
        pipelines::insert_template(&tx, template.clone()).await.unwrap();
        tx.commit().await.unwrap();
        let tx = db.begin().await.unwrap();
        let twin = PipelineTemplate { id: new_uuid(), ..template.clone() };
        assert!(matches!(pipelines::insert_template(&tx, twin).await, Err(Error::Conflict(_))));
        drop(tx);
        let tx = db.begin().await.unwrap();
        let changed = PipelineTemplate { name: "U".into(), updated_by: Some(template.created_by), ..template };
        pipelines::update_template(&tx, changed.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(pipelines::template(&db, tenant, changed.id).await.unwrap(), Some(changed.clone()));
        assert_eq!(pipelines::template(&db, TenantId::new(), changed.id).await.unwrap(), None);
        assert_eq!(pipelines::templates(&db, tenant).await.unwrap().len(), 1);
        assert!(pipelines::templates(&db, TenantId::new()).await.unwrap().is_empty());
        let tx = db.begin().await.unwrap();
        let strange = pipelines::delete_template(&tx, TenantId::new(), changed.id).await;
        assert!(matches!(strange, Err(Error::NotFound(_))));
        pipelines::delete_template(&tx, tenant, changed.id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(pipelines::templates(&db, tenant).await.unwrap().is_empty());
    })
    .await;
}
