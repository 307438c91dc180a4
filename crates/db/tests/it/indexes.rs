//! Marks of vector stores, and what is left of removed knowledge: one body, every database.

use std::time::Duration;

use ox_db::{
    Database,
    model::{Dataset, IndexNodeKind, IndexNodes, IndexState, NewEmbedding, NewIndexNode, Process},
    now,
    repo::{datasets, embeddings, index_marks, index_nodes, leases},
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, DatasetId, DocumentId, SegmentId, TenantId, new_uuid};
use uuid::Uuid;

const STORE: &str = "qdrant http://q";
const LIFE: Duration = Duration::from_secs(60);

async fn process(db: &Database) -> Uuid {
    let (id, at) = (new_uuid(), now());
    let expires_at = at + chrono::Duration::hours(1);
    let row = Process { id, host: "h".into(), pid: 1, started_at: at, heartbeat_at: at, expires_at };
    let tx = db.begin().await.unwrap();
    leases::register(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// A dataset with so many nodes, each with a vector of its own.
async fn dataset(db: &Database, tenant: TenantId, nodes: usize) -> IndexState {
    let by = AccountId::new();
    let id = DatasetId::new();
    let row = Dataset {
        id,
        tenant_id: tenant,
        name: id.to_string(),
        description: None,
        provider: "vendor".into(),
        permission: "only_me".into(),
        data_source_type: None,
        indexing_technique: Some("high_quality".into()),
        index_struct: None,
        embedding_model: Some("m".into()),
        embedding_model_provider: Some("p".into()),
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
    };
    let tx = db.begin().await.unwrap();
    datasets::insert(&tx, row).await.unwrap();
    let made = (0..nodes).map(|number| NewEmbedding { hash: format!("{id}-{number}"), vector: vec![1.0, 0.0] });
    let ids = embeddings::put(&tx, tenant, "p", "m", made.collect()).await.unwrap();
    let nodes = ids.into_values().map(|embedding| NewIndexNode {
        id: new_uuid(),
        document_id: DocumentId::new(),
        segment_id: SegmentId::new(),
        kind: IndexNodeKind::Segment,
        content: "text".into(),
        keywords: Vec::new(),
        embedding_id: Some(embedding),
        active: true,
    });
    index_nodes::put(&tx, tenant, id, nodes.collect()).await.unwrap();
    tx.commit().await.unwrap();
    index_nodes::state(db, tenant, id).await.unwrap().unwrap()
}

async fn marks(db: Database) {
    let tenant = TenantId::new();
    let (one, two) = (process(&db).await, process(&db).await);
    let state = dataset(&db, tenant, 3).await;
    let (id, generation) = (state.dataset_id, state.generation);
    let behind = |limit| index_marks::behind(&db, STORE, limit);
    assert_eq!(behind(9).await.unwrap(), [state]);
    assert_eq!(index_marks::lag(&db, STORE).await.unwrap().behind, 1);

    let tx = db.begin().await.unwrap();
    index_marks::begin(&tx, STORE, state).await.unwrap();
    index_marks::begin(&tx, STORE, state).await.unwrap();
    let mark = index_marks::claim(&tx, STORE, id, generation, one, LIFE).await.unwrap().unwrap();
    assert_eq!((mark.seq, mark.is_ready, mark.attempts), (0, false, 0));
    assert!(index_marks::claim(&tx, STORE, id, generation, two, LIFE).await.unwrap().is_none(), "one writes");
    assert!(!index_marks::advance(&tx, STORE, &mark, two, (1, Uuid::max()), true, LIFE).await.unwrap());
    tx.commit().await.unwrap();
    assert!(behind(9).await.unwrap().is_empty(), "somebody writes to it");

    // A failure is noted, and waits for its turn; when the store answers it is due at once.
    let tx = db.begin().await.unwrap();
    index_marks::release(&tx, STORE, &mark, one, Some(("down", Duration::from_secs(600)))).await.unwrap();
    tx.commit().await.unwrap();
    assert!(behind(9).await.unwrap().is_empty());
    assert_eq!(index_marks::lag(&db, STORE).await.unwrap().error.as_deref(), Some("down"));
    let tx = db.begin().await.unwrap();
    index_marks::retry_now(&tx, STORE).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(behind(9).await.unwrap(), [state]);

    // A reset in between is not lost.
    let tx = db.begin().await.unwrap();
    let mark = index_marks::claim(&tx, STORE, id, generation, two, LIFE).await.unwrap().unwrap();
    assert_eq!((mark.attempts, mark.error.as_deref()), (1, Some("down")));
    assert!(index_marks::advance(&tx, STORE, &mark, two, (state.seq, Uuid::max()), true, LIFE).await.unwrap());
    assert!(!index_marks::prolong(&tx, STORE, &mark, two, LIFE).await.unwrap(), "it has moved on");
    let mark = index_marks::find(&tx, STORE, id, generation).await.unwrap().unwrap();
    assert_eq!((mark.seq, mark.is_ready, mark.attempts, mark.error.clone()), (state.seq, true, 0, None));
    index_marks::reset(&tx, STORE, id, generation).await.unwrap();
    assert!(!index_marks::advance(&tx, STORE, &mark, two, (9, Uuid::max()), true, LIFE).await.unwrap());
    index_marks::release(&tx, STORE, &mark, two, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(behind(9).await.unwrap(), [state], "all of it again");
    assert!(index_marks::find(&db, STORE, id, generation).await.unwrap().unwrap().is_ready, "it is searched meanwhile");

    // The lease of a process that is gone is free.
    let tx = db.begin().await.unwrap();
    index_marks::claim(&tx, STORE, id, generation, one, LIFE).await.unwrap().unwrap();
    leases::release(&tx, one).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(behind(9).await.unwrap(), [state]);
    assert_eq!(index_marks::stores(&db).await.unwrap(), [STORE]);

    // A dataset that is gone leaves its mark until its collection is gone.
    assert!(index_marks::gone(&db, STORE, 9).await.unwrap().is_empty());
    let tx = db.begin().await.unwrap();
    datasets::delete(&tx, tenant, id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(behind(9).await.unwrap().is_empty());
    let gone = index_marks::gone(&db, STORE, 9).await.unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(index_marks::lag(&db, STORE).await.unwrap().gone, 1);
    let tx = db.begin().await.unwrap();
    index_marks::forget(&tx, STORE, id, generation).await.unwrap();
    tx.commit().await.unwrap();
    assert!(index_marks::all(&db, STORE).await.unwrap().is_empty());
}
#[tokio::test]
async fn a_store_is_followed_by_one_at_a_time() {
    on_each_database(marks).await;
}

async fn leftovers(db: Database) {
    let tenant = TenantId::new();
    let state = dataset(&db, tenant, 4).await;
    let rows = index_nodes::entries(&db, state, (0, Uuid::nil()), 9).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.active && row.has_vector).count(), 4);
    let some = [rows[0].id, rows[1].id];
    assert_eq!(index_nodes::vectors_of_nodes(&db, state, &some).await.unwrap().len(), 2);
    let tx = db.begin().await.unwrap();
    index_nodes::remove(&tx, tenant, state.dataset_id, &IndexNodes::Nodes(&some)).await.unwrap();
    tx.commit().await.unwrap();
    let later = now() + chrono::Duration::seconds(1);

    // Removed rows stay until they are old; then the dataset says up to where they are gone.
    let tx = db.begin().await.unwrap();
    assert_eq!(index_nodes::purge(&tx, now() - chrono::Duration::days(1), 9).await.unwrap(), 0);
    assert_eq!(index_nodes::purge(&tx, later, 1).await.unwrap(), 1, "in steps");
    assert_eq!(index_nodes::purge(&tx, later, 9).await.unwrap(), 1);
    assert_eq!(index_nodes::purge(&tx, later, 9).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let state = index_nodes::state(&db, tenant, state.dataset_id).await.unwrap().unwrap();
    assert_eq!(state.purged_seq, state.seq);
    assert_eq!(index_nodes::entries(&db, state, (0, Uuid::nil()), 9).await.unwrap().len(), 2);

    // Of four vectors two are not used any more.
    let (unused, last) = embeddings::unused(&db, Uuid::nil(), 99).await.unwrap();
    assert_eq!((unused.len(), last.is_some()), (2, true));
    assert_eq!(embeddings::unused(&db, last.unwrap(), 99).await.unwrap(), (Vec::new(), None));
    // One of them is about to be used again.
    assert_eq!(embeddings::older(&db, &unused, later).await.unwrap().len(), 2);
    let hour = now() - chrono::Duration::hours(1);
    let tx = db.begin().await.unwrap();
    assert_eq!(embeddings::purge(&tx, &unused, hour).await.unwrap(), 0, "it is young");
    let held = embeddings::hold(&tx, &[unused[0], new_uuid()], later).await.unwrap();
    assert_eq!(held.into_iter().collect::<Vec<_>>(), [unused[0]], "the other is gone");
    tx.commit().await.unwrap();
    let hashes: Vec<String> = (0..4).map(|number| format!("{}-{number}", state.dataset_id)).collect();
    let all = embeddings::known(&db, tenant, "p", "m", &hashes).await.unwrap();
    let all: Vec<Uuid> = all.into_values().collect();
    let tx = db.begin().await.unwrap();
    assert_eq!(embeddings::purge(&tx, &all, later + chrono::Duration::hours(1)).await.unwrap(), 2, "used ones stay");
    tx.commit().await.unwrap();
}
#[tokio::test]
async fn what_nobody_uses_goes_when_it_is_old() {
    on_each_database(leftovers).await;
}

async fn pictures(db: Database) {
    let tenant = TenantId::new();
    let state = dataset(&db, tenant, 1).await;
    let (id, next) = (state.dataset_id, IndexState { generation: state.generation + 1, ..state });
    let (segment, other) = (SegmentId::new(), SegmentId::new());
    let node = |number: u128, segment_id: SegmentId, kind: IndexNodeKind| NewIndexNode {
        id: Uuid::from_u128(number),
        document_id: DocumentId::new(),
        segment_id,
        kind,
        content: "f".into(),
        keywords: Vec::new(),
        embedding_id: None,
        active: true,
    };
    let picture = IndexNodeKind::Picture;
    let tx = db.begin().await.unwrap();
    index_nodes::put(&tx, tenant, id, vec![node(1, segment, picture)]).await.unwrap();
    let beside = vec![
        node(1, segment, picture),
        node(2, segment, picture),
        node(3, segment, IndexNodeKind::Segment),
        node(4, other, picture),
    ];
    index_nodes::put_beside(&tx, tenant, id, next.generation, beside).await.unwrap();
    tx.commit().await.unwrap();
    let left = async |state: IndexState| {
        let ids = [1, 2, 3, 4].map(Uuid::from_u128);
        let mut found = index_nodes::alive(&db, state, &ids).await.unwrap();
        found.sort_unstable();
        found.into_iter().map(|id| id.as_u128()).collect::<Vec<_>>()
    };
    for (kept, expected) in [(vec![Uuid::from_u128(2)], vec![2, 3, 4]), (vec![], vec![3, 4])] {
        let tx = db.begin().await.unwrap();
        index_nodes::forget_pictures_beside(&tx, next, &[segment], &kept).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(left(next).await, expected);
    }
    // The generation that is searched keeps its own.
    assert_eq!(left(state).await, [1]);
    let changes = index_nodes::changes(&db, state, (0, Uuid::nil()), 9).await.unwrap();
    assert_eq!(changes.iter().filter(|change| change.kind == picture).count(), 1);
    // It goes with its segment, in every generation.
    let tx = db.begin().await.unwrap();
    let gone = IndexNodes::Segments(&[segment]);
    assert_eq!(index_nodes::remove(&tx, tenant, id, &gone).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!((left(state).await, left(next).await), (vec![], vec![4]));
}

#[tokio::test]
async fn pictures_go_with_their_segments() {
    on_each_database(pictures).await;
}
