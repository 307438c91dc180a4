//! Knowledge bases and the leases of their documents: one body, every database.

use std::time::Duration;

use ox_db::{
    Database, Error,
    model::{Dataset, Document, Evaluation, EvaluationResult, Expected, MetadataField, Process, RetrievalQuestion},
    now,
    repo::{
        dataset_metadata,
        datasets::{self, DatasetFilter, Gone, Visible},
        documents::{self, DisplayStatus, DocumentFilter, Stage},
        evaluations::{self, QuestionFilter},
        leases,
    },
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, DatasetId, DocumentId, TenantId, new_uuid};
use uuid::Uuid;

const LIFE: Duration = Duration::from_secs(60);

fn dataset(tenant: TenantId, name: &str, by: AccountId) -> Dataset {
    Dataset {
        id: DatasetId::new(),
        tenant_id: tenant,
        name: name.into(),
        description: None,
        provider: "vendor".into(),
        permission: "only_me".into(),
        data_source_type: None,
        indexing_technique: Some("economy".into()),
        index_struct: None,
        embedding_model: None,
        embedding_model_provider: None,
        keyword_number: 10,
        retrieval_model: None,
        summary_index_setting: None,
        built_in_field_enabled: false,
        icon_info: None,
        runtime_mode: "general".into(),
        pipeline_id: None,
        chunk_structure: None,
        enable_api: true,
        is_multimodal: false,
        has_attachments: false,
        created_by: by,
        updated_by: None,
        created_at: now(),
        updated_at: now(),
    }
}

fn document(dataset: &Dataset, position: i32) -> Document {
    Document {
        id: DocumentId::new(),
        tenant_id: dataset.tenant_id,
        dataset_id: dataset.id,
        position,
        data_source_type: "upload_file".into(),
        data_source_info: None,
        dataset_process_rule_id: None,
        batch: "b".into(),
        name: format!("d{position}"),
        created_from: "api".into(),
        created_by: dataset.created_by,
        file_id: None,
        word_count: None,
        tokens: None,
        indexing_latency: None,
        doc_type: None,
        doc_metadata: None,
        doc_form: "text_model".into(),
        doc_language: None,
        need_summary: false,
        indexing_status: "waiting".into(),
        error: None,
        is_paused: false,
        paused_by: None,
        enabled: true,
        disabled_by: None,
        archived: false,
        archived_by: None,
        archived_reason: None,
        processing_started_at: None,
        parsing_completed_at: None,
        cleaning_completed_at: None,
        splitting_completed_at: None,
        completed_at: None,
        paused_at: None,
        stopped_at: None,
        disabled_at: None,
        archived_at: None,
        leased_by: None,
        leased_until: None,
        attempts: 0,
        created_at: now(),
        updated_at: now(),
    }
}

async fn store(db: &Database, dataset: &Dataset, items: Vec<Document>) {
    let tx = db.begin().await.unwrap();
    datasets::insert(&tx, dataset.clone()).await.unwrap();
    documents::insert(&tx, items).await.unwrap();
    tx.commit().await.unwrap();
}

async fn process(db: &Database) -> Uuid {
    let id = new_uuid();
    let at = now();
    let row = Process {
        id,
        host: "h".into(),
        pid: 1,
        started_at: at,
        heartbeat_at: at,
        expires_at: at + chrono::Duration::hours(1),
    };
    let tx = db.begin().await.unwrap();
    leases::register(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn claim(db: &Database, process: Uuid, limit: u64) -> Vec<Document> {
    let tx = db.begin().await.unwrap();
    let found = documents::claim(&tx, process, LIFE, limit).await.unwrap();
    tx.commit().await.unwrap();
    found
}

async fn advance(db: &Database, process: Uuid, id: DocumentId, stage: Stage) -> bool {
    let tx = db.begin().await.unwrap();
    let done = documents::advance(&tx, process, id, &stage).await.unwrap();
    tx.commit().await.unwrap();
    done
}

#[tokio::test]
async fn workspaces_take_turns_and_a_lease_is_one_processs() {
    on_each_database(|db| async move {
        let (many, few) =
            (dataset(TenantId::new(), "many", AccountId::new()), dataset(TenantId::new(), "few", AccountId::new()));
        store(&db, &many, (1..=10).map(|position| document(&many, position)).collect()).await;
        store(&db, &few, vec![document(&few, 1)]).await;
        let (one, two) = (process(&db).await, process(&db).await);
        assert!(documents::is_waiting(&db).await.unwrap());
        let first = claim(&db, one, 2).await;
        let tenants: Vec<TenantId> = first.iter().map(|document| document.tenant_id).collect();
        assert!(tenants.contains(&many.tenant_id) && tenants.contains(&few.tenant_id), "{tenants:?}");
        assert!(first.iter().all(|document| document.indexing_status == "parsing" && document.attempts == 1));
        let rest = claim(&db, two, 100).await;
        assert_eq!(rest.len(), 9);
        assert!(claim(&db, one, 100).await.is_empty() && !documents::is_waiting(&db).await.unwrap());
        let id = first[0].id;
        assert!(!advance(&db, two, id, Stage::Same).await, "it is another's");
        assert!(advance(&db, one, id, Stage::Indexing { at: now(), words: 5 }).await);
        // The process dies: another goes on where it was.
        let tx = db.begin().await.unwrap();
        leases::release(&tx, one).await.unwrap();
        tx.commit().await.unwrap();
        let taken = claim(&db, two, 100).await;
        assert_eq!(taken.len(), 2);
        let again = taken.iter().find(|document| document.id == id).unwrap();
        assert_eq!((again.indexing_status.as_str(), again.attempts), ("indexing", 2));
        assert!(!advance(&db, one, id, Stage::Same).await, "the dead one writes nothing any more");
        let done = Stage::Completed { at: now(), words: 7, tokens: 3, seconds: 0.5 };
        assert!(advance(&db, two, id, done).await);
        let found = documents::find(&db, again.tenant_id, again.dataset_id, id).await.unwrap().unwrap();
        assert_eq!((found.indexing_status.as_str(), found.leased_by, found.attempts), ("completed", None, 0));
        assert_eq!((found.word_count, found.tokens), (Some(7), Some(3)));
    })
    .await;
}

#[tokio::test]
async fn a_pause_ends_the_work_and_a_failure_is_told() {
    on_each_database(|db| async move {
        let base = dataset(TenantId::new(), "a", AccountId::new());
        store(&db, &base, vec![document(&base, 1), document(&base, 2)]).await;
        let worker = process(&db).await;
        let taken = claim(&db, worker, 10).await;
        let (paused, failed) = (taken[0].id, taken[1].id);
        let tx = db.begin().await.unwrap();
        assert!(documents::set_paused(&tx, paused, Some((base.created_by, now()))).await.unwrap());
        assert!(!documents::set_paused(&tx, paused, Some((base.created_by, now()))).await.unwrap(), "it is already");
        tx.commit().await.unwrap();
        assert!(!advance(&db, worker, paused, Stage::Same).await);
        assert!(advance(&db, worker, failed, Stage::Failed { at: now(), error: "why".into() }).await);
        let list = |status| DocumentFilter { status: Some(status), page: 1, limit: 10, ..DocumentFilter::default() };
        for (status, id) in [(DisplayStatus::Paused, paused), (DisplayStatus::Error, failed)] {
            let (found, total) = documents::list(&db, base.id, &list(status)).await.unwrap();
            assert_eq!((found[0].id, total), (id, 1), "{status:?}");
        }
        let tx = db.begin().await.unwrap();
        documents::release(&tx, worker, paused).await.unwrap();
        assert_eq!(documents::retry(&tx, base.id, &[paused, failed]).await.unwrap(), 1, "only what failed");
        tx.commit().await.unwrap();
        let again: Vec<DocumentId> = claim(&db, worker, 10).await.iter().map(|document| document.id).collect();
        assert_eq!(again, [failed], "a paused one waits");
    })
    .await;
}

#[tokio::test]
async fn names_and_fields_are_taken_once_and_members_see_their_own() {
    on_each_database(|db| async move {
        let (tenant, ann, bob) = (TenantId::new(), AccountId::new(), AccountId::new());
        let mine = dataset(tenant, "mine", ann);
        store(&db, &mine, vec![document(&mine, 1)]).await;
        let tx = db.begin().await.unwrap();
        assert!(matches!(datasets::insert(&tx, dataset(tenant, "mine", bob)).await, Err(Error::Conflict(_))));
        drop(tx);
        let seen = |visible| {
            let db = db.clone();
            async move {
                let filter = DatasetFilter { visible, keyword: None, tag_ids: vec![], ids: vec![], page: 1, limit: 10 };
                datasets::list(&db, tenant, &filter).await.unwrap().1
            }
        };
        assert_eq!(
            (seen(Visible::All).await, seen(Visible::Member(ann)).await, seen(Visible::Member(bob)).await),
            (1, 1, 0)
        );
        let tx = db.begin().await.unwrap();
        datasets::update(&tx, Dataset { permission: "partial_members".into(), ..mine.clone() }).await.unwrap();
        datasets::set_members(&tx, tenant, mine.id, &[bob, bob]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((seen(Visible::Member(bob)).await, seen(Visible::Granted(bob)).await), (1, 1));
        let at = now();
        let field = |name: &str| MetadataField {
            id: new_uuid(),
            tenant_id: tenant,
            dataset_id: mine.id,
            kind: "string".into(),
            name: name.into(),
            created_by: ann,
            updated_by: None,
            created_at: at,
            updated_at: at,
        };
        let tx = db.begin().await.unwrap();
        dataset_metadata::insert(&tx, field("lang")).await.unwrap();
        tx.commit().await.unwrap();
        let tx = db.begin().await.unwrap();
        assert!(matches!(dataset_metadata::insert(&tx, field("lang")).await, Err(Error::Conflict(_))));
        drop(tx);
        let figures = datasets::figures(&db, &[mine.id]).await.unwrap().remove(&mine.id).unwrap();
        assert_eq!((figures.documents, figures.available), (1, 0));
        let tx = db.begin().await.unwrap();
        assert!(matches!(datasets::delete(&tx, TenantId::new(), mine.id).await, Err(Error::NotFound(_))));
        datasets::delete(&tx, tenant, mine.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(datasets::removals(&db, 10).await.unwrap()[0].1, Gone::Dataset(mine.id));
        let tx = db.begin().await.unwrap();
        while datasets::step(&tx, Gone::Dataset(mine.id)).await.unwrap() {}
        tx.commit().await.unwrap();
        assert!(documents::of_batch(&db, mine.id, None).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn questions_stand_once_and_an_evaluation_is_one_processs() {
    on_each_database(|db| async move {
        let (tenant, ann, at) = (TenantId::new(), AccountId::new(), now());
        let mine = dataset(tenant, "mine", ann);
        let paper = document(&mine, 1);
        store(&db, &mine, vec![paper.clone()]).await;
        let question = |text: &str, expected: Vec<Expected>| RetrievalQuestion {
            id: new_uuid(),
            tenant_id: tenant,
            dataset_id: mine.id,
            question: text.into(),
            question_hash: text.to_lowercase(),
            expected,
            source: "manual".into(),
            created_by: ann,
            updated_by: None,
            created_at: at,
            updated_at: at,
        };
        let known = Expected { document_id: paper.id, segment_id: None };
        let (first, second) = (question("Why?", vec![known]), question("How?", vec![]));
        let tx = db.begin().await.unwrap();
        evaluations::insert_questions(&tx, vec![first.clone(), second.clone()]).await.unwrap();
        tx.commit().await.unwrap();
        let tx = db.begin().await.unwrap();
        let twice = evaluations::insert_questions(&tx, vec![question("WHY?", vec![])]).await;
        assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
        drop(tx);
        assert_eq!(evaluations::count(&db, mine.id).await.unwrap(), (2, 1));
        let filter = |keyword: Option<&str>, hashes: Option<Vec<String>>| QuestionFilter {
            keyword: keyword.map(str::to_owned),
            hashes,
            page: 1,
            limit: 10,
        };
        for (filter, wanted) in [
            (filter(None, None), 2),
            (filter(Some("hY"), None), 1),
            (filter(None, Some(vec!["why?".into()])), 1),
            (filter(None, Some(vec![])), 0),
        ] {
            let (found, total) = evaluations::questions(&db, tenant, mine.id, &filter).await.unwrap();
            assert_eq!((found.len(), total), (wanted, wanted as u64), "{filter:?}");
        }
        assert_eq!(evaluations::question(&db, mine.id, first.id).await.unwrap(), Some(first.clone()));
        let run = Evaluation {
            id: new_uuid(),
            tenant_id: tenant,
            dataset_id: mine.id,
            settings: serde_json::json!([{"name": "a"}]),
            status: "running".into(),
            error: None,
            total: 2,
            done: 0,
            summary: None,
            leased_by: None,
            leased_until: None,
            created_by: ann,
            created_at: at,
            finished_at: None,
        };
        let (one, two) = (process(&db).await, process(&db).await);
        let tx = db.begin().await.unwrap();
        evaluations::insert(&tx, run.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(evaluations::forsaken(&db, 10).await.unwrap(), std::slice::from_ref(&run));
        let result = EvaluationResult {
            evaluation_id: run.id,
            question_id: first.id,
            setting: 0,
            dataset_id: mine.id,
            question: "Why?".into(),
            expected: serde_json::json!([]),
            found: serde_json::json!([]),
            recall: 1.0,
            ndcg: 0.5,
            reciprocal_rank: 0.25,
            took_ms: 3.5,
            error: None,
        };
        let tx = db.begin().await.unwrap();
        assert!(evaluations::claim(&tx, run.id, one, LIFE).await.unwrap());
        assert!(!evaluations::claim(&tx, run.id, two, LIFE).await.unwrap());
        assert!(evaluations::keep_results(&tx, run.id, one, LIFE, vec![result.clone()]).await.unwrap());
        assert!(!evaluations::keep_results(&tx, run.id, two, LIFE, vec![result.clone()]).await.unwrap());
        assert_eq!(evaluations::answered(&tx, run.id).await.unwrap().into_iter().next(), Some((first.id, 0)));
        let summary = Some(serde_json::json!([{"recall": 1.0}]));
        assert!(evaluations::finish(&tx, run.id, "completed", None, summary.clone(), at).await.unwrap());
        assert!(!evaluations::finish(&tx, run.id, "stopped", None, None, at).await.unwrap());
        tx.commit().await.unwrap();
        let ended = evaluations::find(&db, tenant, mine.id, run.id).await.unwrap().unwrap();
        assert_eq!((ended.status.as_str(), ended.done, ended.summary), ("completed", 1, summary));
        assert_eq!(evaluations::results(&db, run.id).await.unwrap(), [result]);
        assert_eq!(evaluations::forsaken(&db, 10).await.unwrap(), []);
        assert_eq!(evaluations::list(&db, tenant, mine.id, 5).await.unwrap().len(), 1);
        let tx = db.begin().await.unwrap();
        assert_eq!(evaluations::delete_questions(&tx, mine.id, &[first.id, second.id]).await.unwrap(), 2);
        assert!(evaluations::delete(&tx, tenant, mine.id, run.id).await.unwrap());
        tx.commit().await.unwrap();
        assert!(evaluations::results(&db, run.id).await.unwrap().is_empty());
        assert_eq!(ox_db::repo::retrieval::size(&db, mine.id).await.unwrap(), (0, 0));
    })
    .await;
}
