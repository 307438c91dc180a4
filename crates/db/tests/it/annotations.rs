//! API extensions and annotations: one body, every database.

use ox_db::{
    Error,
    model::{Annotation, AnnotationHit, ApiExtension},
    now,
    repo::{annotations, api_extensions},
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, AppId, ConversationId, MessageId, TenantId, new_uuid};

fn extension(tenant: TenantId, name: &str) -> ApiExtension {
    ApiExtension {
        id: new_uuid(),
        tenant_id: tenant,
        name: name.into(),
        api_endpoint: "https://x.test".into(),
        api_key: "sealed".into(),
        created_at: now(),
    }
}

#[tokio::test]
async fn extensions_belong_to_a_workspace_and_have_names_of_their_own() {
    on_each_database(|db| async move {
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let first = extension(tenant, "a");
        let tx = db.begin().await.unwrap();
        api_extensions::insert(&tx, first.clone()).await.unwrap();
        api_extensions::insert(&tx, extension(other, "a")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(api_extensions::list(&db, tenant).await.unwrap(), std::slice::from_ref(&first));
        assert_eq!(api_extensions::find(&db, other, first.id).await.unwrap(), None);
        let tx = db.begin().await.unwrap();
        assert!(matches!(api_extensions::insert(&tx, extension(tenant, "a")).await, Err(Error::Conflict(_))));
        drop(tx);
        let renamed = ApiExtension { name: "b".into(), ..first.clone() };
        let tx = db.begin().await.unwrap();
        api_extensions::update(&tx, renamed.clone()).await.unwrap();
        assert!(!api_extensions::delete(&tx, other, first.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(api_extensions::find(&db, tenant, first.id).await.unwrap(), Some(renamed));
        let tx = db.begin().await.unwrap();
        assert!(api_extensions::delete(&tx, tenant, first.id).await.unwrap());
        tx.commit().await.unwrap();
        assert!(api_extensions::list(&db, tenant).await.unwrap().is_empty());
    })
    .await;
}

fn annotation(app: AppId, question: &str, message: Option<MessageId>) -> Annotation {
    Annotation {
        id: new_uuid(),
        app_id: app,
        conversation_id: message.map(|_| ConversationId::new()),
        message_id: message,
        question: question.into(),
        content: format!("Answer to {question}"),
        hit_count: 0,
        account_id: AccountId::new(),
        created_at: now(),
        updated_at: now(),
    }
}

#[tokio::test]
async fn annotations_are_searched_changed_and_removed_by_app() {
    on_each_database(|db| async move {
        let (app, other, message) = (AppId::new(), AppId::new(), MessageId::new());
        let many: Vec<_> = (0..1200).map(|n| annotation(app, &format!("q{n}"), None)).collect();
        let odd = annotation(app, "100%_Sure", Some(message));
        let tx = db.begin().await.unwrap();
        annotations::insert(&tx, many.clone()).await.unwrap();
        annotations::insert(&tx, vec![odd.clone(), annotation(other, "q1", None)]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(annotations::count(&db, app).await.unwrap(), 1201);
        let total = |keyword: &'static str| {
            let db = db.clone();
            async move { annotations::page(&db, app, Some(keyword), 1, 5).await.unwrap().1 }
        };
        for (keyword, expected) in [("0%_s", 1), ("SURE", 1), ("answer to q119", 11), ("zz", 0), (" ", 1201)] {
            assert_eq!(total(keyword).await, expected, "{keyword}");
        }
        let (page, _) = annotations::page(&db, app, None, 241, 5).await.unwrap();
        assert_eq!(page.len(), 1, "the last page");
        assert_eq!(annotations::of_messages(&db, app, &[message]).await.unwrap()[&message], odd);
        let tx = db.begin().await.unwrap();
        assert!(matches!(
            annotations::insert(&tx, vec![annotation(app, "x", Some(message))]).await,
            Err(Error::Conflict(_))
        ));
        drop(tx);
        let hit = AnnotationHit {
            id: new_uuid(),
            app_id: app,
            annotation_id: odd.id,
            source: "api".into(),
            question: "sure?".into(),
            account_id: new_uuid(),
            score: 0.93,
            message_id: MessageId::new(),
            annotation_question: odd.question.clone(),
            annotation_content: odd.content.clone(),
            created_at: now(),
        };
        let tx = db.begin().await.unwrap();
        annotations::hit(&tx, hit.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(annotations::hits(&db, app, odd.id, 1, 5).await.unwrap(), (vec![hit], 1));
        assert_eq!(annotations::hits(&db, other, odd.id, 1, 5).await.unwrap().1, 0);
        assert_eq!(annotations::find(&db, app, odd.id).await.unwrap().unwrap().hit_count, 1);
        let tx = db.begin().await.unwrap();
        assert_eq!(annotations::delete(&tx, other, Some(&[odd.id])).await.unwrap(), 0, "of another app");
        assert_eq!(annotations::delete(&tx, app, Some(&[odd.id])).await.unwrap(), 1);
        assert_eq!(annotations::delete(&tx, app, None).await.unwrap(), 1200);
        tx.commit().await.unwrap();
        assert_eq!(annotations::count(&db, other).await.unwrap(), 1);
    })
    .await;
}
