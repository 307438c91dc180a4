//! Summaries of chunks and their leases: one body, every database.

use std::time::Duration;

use ox_db::{
    Database,
    model::{Process, Segment, SegmentSummary},
    now,
    repo::{
        leases,
        summaries::{self, NewSummary, SummaryCounts},
    },
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, DatasetId, DocumentId, SegmentId, TenantId, new_uuid};
use uuid::Uuid;

const LIFE: Duration = Duration::from_secs(60);

fn segment(tenant: TenantId, dataset: DatasetId, document: DocumentId, position: i32) -> Segment {
    let at = now();
    Segment {
        id: SegmentId::new(),
        tenant_id: tenant,
        dataset_id: dataset,
        document_id: document,
        position,
        content: format!("Chunk {position}"),
        answer: None,
        word_count: 7,
        tokens: 2,
        keywords: None,
        page: None,
        heading: None,
        index_node_id: None,
        index_node_hash: None,
        hit_count: 0,
        enabled: true,
        disabled_at: None,
        disabled_by: None,
        status: "completed".into(),
        error: None,
        created_by: AccountId::new(),
        updated_by: None,
        indexing_at: None,
        completed_at: Some(at),
        stopped_at: None,
        created_at: at,
        updated_at: at,
    }
}

async fn process(db: &Database) -> Uuid {
    let id = new_uuid();
    let at = now();
    let expires_at = at + chrono::Duration::hours(1);
    let row = Process { id, host: "h".into(), pid: 1, started_at: at, heartbeat_at: at, expires_at };
    let tx = db.begin().await.unwrap();
    leases::register(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn want(db: &Database, segments: &[Segment]) {
    let tx = db.begin().await.unwrap();
    summaries::want(&tx, segments).await.unwrap();
    tx.commit().await.unwrap();
}

async fn claim(db: &Database, process: Uuid, limit: u64) -> Vec<SegmentSummary> {
    let tx = db.begin().await.unwrap();
    let found = summaries::claim(&tx, process, LIFE, limit).await.unwrap();
    tx.commit().await.unwrap();
    found
}

fn made(content: &str) -> NewSummary {
    NewSummary { content: content.into(), hash: "h".into(), tokens: 3 }
}

async fn finish(db: &Database, process: Uuid, id: Uuid, content: &str) -> bool {
    let tx = db.begin().await.unwrap();
    let done = summaries::finish(&tx, process, id, made(content)).await.unwrap();
    tx.commit().await.unwrap();
    done
}

async fn one(db: &Database, segment: &Segment) -> Option<SegmentSummary> {
    summaries::of_segments(db, segment.tenant_id, &[segment.id]).await.unwrap().remove(&segment.id)
}

#[tokio::test]
async fn workspaces_take_turns_and_only_who_holds_a_summary_writes_it() {
    on_each_database(|db| async move {
        let (many, few) = (TenantId::new(), TenantId::new());
        let (dataset, document) = (DatasetId::new(), DocumentId::new());
        let rows: Vec<Segment> = (1..=5).map(|position| segment(many, dataset, document, position)).collect();
        let other = segment(few, DatasetId::new(), DocumentId::new(), 1);
        want(&db, &rows).await;
        want(&db, std::slice::from_ref(&other)).await;
        assert!(summaries::is_waiting(&db).await.unwrap());
        let (first, second) = (process(&db).await, process(&db).await);
        let taken = claim(&db, first, 2).await;
        assert!(
            taken.iter().any(|one| one.tenant_id == few) && taken.iter().any(|one| one.tenant_id == many),
            "{taken:?}"
        );
        assert!(taken.iter().all(|one| one.status == "generating" && one.attempts == 1));
        assert_eq!(claim(&db, second, 100).await.len(), 4);
        assert!(!summaries::is_waiting(&db).await.unwrap());
        let held = taken.iter().find(|one| one.tenant_id == few).unwrap();
        assert!(!finish(&db, second, held.id, "stolen").await, "it is another's");
        assert!(finish(&db, first, held.id, "about").await);
        let found = one(&db, &other).await.unwrap();
        assert_eq!((found.content.as_deref(), found.status.as_str(), found.tokens), (Some("about"), "completed", 3));
        assert!(summaries::of_segments(&db, many, &[other.id]).await.unwrap().is_empty(), "of another workspace");

        // The process dies: another takes what it held.
        let tx = db.begin().await.unwrap();
        leases::release(&tx, first).await.unwrap();
        tx.commit().await.unwrap();
        let again = claim(&db, second, 100).await;
        assert_eq!((again.len(), again[0].attempts), (1, 2));
        let counts = summaries::counts(&db, &[document]).await.unwrap()[&document];
        assert_eq!(counts, SummaryCounts { generating: 5, ..SummaryCounts::default() });
        assert!(counts.is_unfinished());
    })
    .await;
}

#[tokio::test]
async fn a_changed_chunk_takes_its_summary_from_whoever_makes_it() {
    on_each_database(|db| async move {
        let (tenant, dataset, document) = (TenantId::new(), DatasetId::new(), DocumentId::new());
        let chunk = segment(tenant, dataset, document, 1);
        want(&db, std::slice::from_ref(&chunk)).await;
        let worker = process(&db).await;
        let held = claim(&db, worker, 1).await.remove(0);
        // Wanted anew meanwhile: what comes of the old text is not taken.
        want(&db, std::slice::from_ref(&chunk)).await;
        assert!(!finish(&db, worker, held.id, "old").await);
        let tx = db.begin().await.unwrap();
        let node = summaries::write(&tx, &chunk, made("by hand")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(node, held.index_node_id, "it keeps its node");
        let found = one(&db, &chunk).await.unwrap();
        assert_eq!((found.content.as_deref(), found.status.as_str()), (Some("by hand"), "completed"));
        assert!(!summaries::is_waiting(&db).await.unwrap());

        // Another model: the text stays until the new one is there; switched off, nothing more is made.
        let tx = db.begin().await.unwrap();
        summaries::want_again(&tx, dataset).await.unwrap();
        tx.commit().await.unwrap();
        let found = one(&db, &chunk).await.unwrap();
        assert_eq!((found.content.as_deref(), found.status.as_str()), (Some("by hand"), "not_started"));
        let bare = segment(tenant, dataset, document, 2);
        want(&db, std::slice::from_ref(&bare)).await;
        let tx = db.begin().await.unwrap();
        summaries::give_up(&tx, dataset).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(one(&db, &chunk).await.unwrap().status, "completed");
        assert_eq!(one(&db, &bare).await, None);
    })
    .await;
}
