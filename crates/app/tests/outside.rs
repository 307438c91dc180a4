//! A vector store outside over a real database: followed, searched, checked, filled again, left without a trace.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use ox_app::knowledge::{
    checking,
    index::Indexes,
    outside::{Outside, follow::Followed},
    rebuilding::{self, Order},
};
use ox_db::{
    Database, DbConfig,
    model::{
        Dataset, IndexNodeKind, IndexNodes, IndexRebuild, IndexState, NewEmbedding, NewIndexNode, NewIndexRebuild,
        RebuildKind, RebuildOrigin,
    },
    now,
    repo::{datasets, embeddings, index_marks, index_nodes, index_rebuilds, leases},
};
use ox_types::{AccountId, DatasetId, DocumentId, SegmentId, TenantId, new_uuid};
use ox_vector::{Hit, Point, Scope, StoreError, VectorStore};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// A store in memory that can be down.
#[derive(Default)]
struct Memory {
    collections: Mutex<BTreeMap<String, BTreeMap<Uuid, Point>>>,
    down: AtomicBool,
}

impl Memory {
    fn up(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::Relaxed) {
            return Err(StoreError::Unreachable { store: "memory", why: "it is down".to_owned() });
        }
        Ok(())
    }

    fn points(&self) -> usize {
        self.collections.lock().unwrap().values().map(BTreeMap::len).sum()
    }
}

#[async_trait::async_trait]
impl VectorStore for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn place(&self) -> String {
        "here".to_owned()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.up()
    }

    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError> {
        self.up()?;
        let mut all = self.collections.lock().unwrap();
        let there = all.entry(collection.to_owned()).or_default();
        there.extend(points.iter().map(|point| (point.id, point.clone())));
        Ok(())
    }

    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        self.up()?;
        if let Some(there) = self.collections.lock().unwrap().get_mut(collection) {
            there.retain(|id, _| !ids.contains(id));
        }
        Ok(())
    }

    async fn search(&self, collection: &str, asked: &[f32], top: usize, _: &Scope) -> Result<Vec<Hit>, StoreError> {
        self.up()?;
        let all = self.collections.lock().unwrap();
        let hit = |point: &Point| Hit {
            id: point.id,
            segment_id: point.segment_id,
            document_id: point.document_id,
            kind: point.kind,
            score: point.vector.iter().zip(asked).map(|(a, b)| a * b).sum(),
        };
        let mut hits: Vec<Hit> = all.get(collection).into_iter().flat_map(BTreeMap::values).map(hit).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(top);
        Ok(hits)
    }

    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError> {
        self.up()?;
        Ok(self.collections.lock().unwrap().get(collection).into_iter().flat_map(BTreeMap::keys).copied().collect())
    }

    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError> {
        self.up()?;
        self.collections.lock().unwrap().remove(collection);
        Ok(())
    }
}

struct Rig {
    db: Database,
    home: tempfile::TempDir,
    store: Arc<Memory>,
    outside: Outside,
    order: Order,
    tenant: TenantId,
    dataset: DatasetId,
}

impl Rig {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let db = Database::connect(&DbConfig::sqlite(home.path().join("oxidify.db"))).await.unwrap();
        let store = Arc::new(Memory::default());
        let process = rebuilding::enter(&db).await.unwrap();
        let order = Order { process, kind: RebuildKind::Rebuild, only: None };
        let outside = Outside::new(Arc::clone(&store) as _, "Vector_index".to_owned(), db.clone(), process);
        let (tenant, dataset) = (TenantId::new(), DatasetId::new());
        let row = Dataset {
            id: dataset,
            tenant_id: tenant,
            name: "d".into(),
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
            created_by: AccountId::new(),
            updated_by: None,
            created_at: now(),
            updated_at: now(),
        };
        let tx = db.begin().await.unwrap();
        datasets::insert(&tx, row).await.unwrap();
        tx.commit().await.unwrap();
        Self { db, home, store, outside, order, tenant, dataset }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    async fn rebuild(&self) -> IndexRebuild {
        index_rebuilds::find(&self.db, self.tenant, self.dataset).await.unwrap().unwrap()
    }

    async fn state(&self) -> IndexState {
        index_nodes::state(&self.db, self.tenant, self.dataset).await.unwrap().unwrap()
    }

    /// So many more nodes.
    async fn add(&self, count: usize) -> Vec<Uuid> {
        let made = (0..count).map(|number| {
            let angle = f32::from(u16::try_from(number).unwrap()) / 100.0;
            NewEmbedding { hash: new_uuid().to_string(), vector: vec![angle.cos(), angle.sin()] }
        });
        let tx = self.db.begin().await.unwrap();
        let vectors = embeddings::put(&tx, self.tenant, "p", "m", made.collect()).await.unwrap();
        let node = |embedding: Uuid| NewIndexNode {
            id: new_uuid(),
            document_id: DocumentId::new(),
            segment_id: SegmentId::new(),
            kind: IndexNodeKind::Segment,
            content: "an owl sleeps".into(),
            keywords: Vec::new(),
            embedding_id: Some(embedding),
            active: true,
        };
        let nodes: Vec<NewIndexNode> = vectors.into_values().map(node).collect();
        let ids = nodes.iter().map(|node| node.id).collect();
        index_nodes::put(&tx, self.tenant, self.dataset, nodes).await.unwrap();
        tx.commit().await.unwrap();
        ids
    }

    async fn remove(&self, ids: &[Uuid]) {
        let tx = self.db.begin().await.unwrap();
        index_nodes::remove(&tx, self.tenant, self.dataset, &IndexNodes::Nodes(ids)).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn follow(&self) -> Followed {
        self.outside.follow(self.state().await, &|_| {}).await.unwrap()
    }

    async fn check(&self) -> checking::Report {
        checking::check(&self.db, self.path(), Some(&self.outside), None).await.unwrap()
    }
}

#[tokio::test]
async fn it_reads_what_changed_and_nothing_twice() {
    let rig = Rig::new().await;
    let ids = rig.add(600).await;
    assert_eq!(rig.follow().await, Followed::Done, "in several batches");
    assert_eq!(rig.store.points(), 600);
    rig.remove(&ids[..100]).await;
    rig.add(5).await;
    rig.follow().await;
    assert_eq!(rig.store.points(), 505);
    let report = rig.check().await;
    assert_eq!((report.nodes, report.is_wrong(), report.behind), (505, false, 0), "{report:?}");

    // What was removed and is not told any more is found out by what is there.
    rig.remove(&ids[100..200]).await;
    let tx = rig.db.begin().await.unwrap();
    index_nodes::purge(&tx, now() + chrono::Duration::seconds(1), 9999).await.unwrap();
    tx.commit().await.unwrap();
    rig.follow().await;
    assert_eq!(rig.store.points(), 405);

    // Another process has the lease: it is not written to by two.
    let state = rig.state().await;
    let other = rebuilding::enter(&rig.db).await.unwrap();
    let tx = rig.db.begin().await.unwrap();
    let life = std::time::Duration::from_secs(60);
    let key = rig.outside.key();
    index_marks::claim(&tx, key, state.dataset_id, state.generation, other, life).await.unwrap().unwrap();
    // Commands are announced for no longer than servers: no server takes that for a clock that was set back.
    let (longest, at) = (now() + chrono::TimeDelta::seconds(31), now());
    assert_eq!(leases::shorten(&tx, longest, at).await.unwrap(), 0);
    tx.commit().await.unwrap();
    rig.add(1).await;
    assert_eq!(rig.follow().await, Followed::Busy);
    // It dies.
    rebuilding::leave(&rig.db, other).await.unwrap();
    assert_eq!(rig.follow().await, Followed::Done);
    assert_eq!(rig.store.points(), 406);
}

#[tokio::test]
async fn a_store_that_is_down_is_said_to_be_and_catches_up() {
    let rig = Rig::new().await;
    rig.add(3).await;
    rig.follow().await;
    let state = rig.state().await;
    let told = rig.outside.search(state, &[1.0, 0.0], 2, &Scope::All).await.unwrap();
    assert_eq!((told.hits.len(), told.shortcoming), (2, None));

    rig.store.down.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        let why = rig.outside.search(state, &[1.0, 0.0], 2, &Scope::All).await.unwrap_err();
        assert!(why.contains("memory") && why.contains("it is down"), "{why}");
    }
    assert!(rig.outside.health().await.is_err());
    rig.add(2).await;
    assert!(rig.outside.follow(rig.state().await, &|_| {}).await.is_err());
    let lag = rig.outside.lag().await.unwrap();
    assert_eq!((lag.behind, lag.error.is_some()), (1, true));
    assert!(index_marks::behind(&rig.db, rig.outside.key(), 9).await.unwrap().is_empty(), "it is given a rest");

    rig.store.down.store(false, Ordering::Relaxed);
    rig.follow().await;
    assert_eq!((rig.store.points(), rig.outside.lag().await.unwrap().behind), (5, 0));
    let told = rig.outside.search(rig.state().await, &[1.0, 0.0], 9, &Scope::All).await.unwrap();
    assert_eq!((told.hits.len(), told.shortcoming), (5, None));
}

#[tokio::test]
async fn what_is_wrong_is_counted_and_made_right() {
    let rig = Rig::new().await;
    let ids = rig.add(10).await;
    rig.follow().await;
    {
        let mut all = rig.store.collections.lock().unwrap();
        let there = all.values_mut().next().unwrap();
        let stray = there.remove(&ids[0]).unwrap();
        there.insert(Uuid::from_u128(7), Point { id: Uuid::from_u128(7), ..stray });
    }
    let report = rig.check().await;
    assert_eq!((report.missing, report.orphans, report.duplicates), (1, 1, 0), "{report:?}");
    let steps = Mutex::new(Vec::new());
    let tell = |step| steps.lock().unwrap().push(step);
    let summary = rebuilding::fill(&rig.db, &rig.outside, rig.order, true, &tell);
    assert_eq!(summary.await.unwrap().datasets, 1);
    {
        let steps = steps.lock().unwrap();
        assert!(steps.last().unwrap().is_done);
        assert!(steps.iter().all(|step| (step.count, step.total) == (10, 10)), "{steps:?}");
    }
    assert!(!rig.check().await.is_wrong());

    // It has lost everything: the next question finds out.
    rig.store.collections.lock().unwrap().clear();
    let why = rig.outside.search(rig.state().await, &[1.0, 0.0], 2, &Scope::All).await.unwrap_err();
    assert!(why.contains("lost"), "{why}");
    rig.follow().await;
    assert_eq!(rig.store.points(), 10);
}

#[tokio::test]
async fn the_local_copy_gives_its_vectors_away_and_is_made_anew() {
    let rig = Rig::new().await;
    rig.add(10).await;
    let tracker = TaskTracker::new();
    let indexes = Indexes::new(rig.db.clone(), rig.path(), Some(rig.outside.clone()), tracker.clone());
    let ready = indexes.ready(rig.tenant, rig.dataset).await.unwrap();
    assert!(ready.outside.is_none(), "the store does not have it yet");
    assert_eq!(ready.index.stats().vectors, 10);
    drop(ready);
    rig.follow().await;
    let dir = rig.path().join("index").join(rig.dataset.to_string());
    for _ in 0..500 {
        let ready = indexes.ready(rig.tenant, rig.dataset).await.unwrap();
        assert!(ready.outside.is_some());
        assert_eq!(ready.index.search_text("owl", 20, &Scope::All).unwrap().len(), 10, "without a gap");
        drop(ready);
        if !dir.join("1").exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let left: BTreeSet<String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(left, BTreeSet::from(["1-words".to_owned()]));
    let ready = indexes.ready(rig.tenant, rig.dataset).await.unwrap();
    assert_eq!((ready.index.stats().nodes, ready.index.stats().vectors), (10, 0));

    // Made anew while somebody has it open: taken over, and the old one answers until then.
    let taking = indexes.clone();
    let takes = tokio::spawn(async move {
        for _ in 0..300 {
            taking.take_over();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    drop(ready);
    let (tenant, dataset, asking) = (rig.tenant, rig.dataset, indexes.clone());
    let asks = tokio::spawn(async move {
        loop {
            let ready = asking.ready(tenant, dataset).await.unwrap();
            assert_eq!(ready.index.search_text("owl", 20, &Scope::All).unwrap().len(), 10);
            drop(ready);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let steps = Mutex::new(Vec::new());
    let tell = |step: rebuilding::Step| steps.lock().unwrap().push((step.phase, step.count, step.total, step.is_done));
    let summary = rebuilding::local(&rig.db, rig.path(), rig.order, false, &tell).await.unwrap();
    assert_eq!((summary.datasets, summary.waiting), (1, 0));
    let read = |is_done| (rebuilding::Phase::Reading, 10, 10, is_done);
    assert_eq!(*steps.lock().unwrap(), [read(false), read(true)], "so few vectors need no graph");
    asks.abort();
    takes.abort();

    // What is gone leaves nothing.
    let tx = rig.db.begin().await.unwrap();
    datasets::delete(&tx, rig.tenant, rig.dataset).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(indexes.sweep().await.unwrap(), 1);
    assert!(!dir.exists());
    for mark in index_marks::gone(&rig.db, rig.outside.key(), 9).await.unwrap() {
        rig.outside.remove_collection(&mark).await.unwrap();
    }
    assert!(rig.store.collections.lock().unwrap().is_empty());
    assert!(index_marks::all(&rig.db, rig.outside.key()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rebuild_is_recorded_and_no_two_work_on_one_index() {
    let rig = Rig::new().await;
    rig.add(10).await;
    let tell = |_: rebuilding::Step| {};
    rebuilding::fill(&rig.db, &rig.outside, rig.order, true, &tell).await.unwrap();
    let told = rig.rebuild().await;
    assert_eq!((told.kind.as_str(), told.origin.as_str(), told.status.as_str()), ("rebuild", "command", "completed"));
    assert_eq!((told.step.target.as_str(), told.step.phase.as_str()), ("memory", "reading"));
    assert_eq!((told.step.done, told.step.total, told.error, told.leased_by), (10, 10, None, None));

    // Another process is at it, until it dies.
    let other = rebuilding::enter(&rig.db).await.unwrap();
    let new = NewIndexRebuild {
        tenant_id: rig.tenant,
        dataset_id: rig.dataset,
        kind: RebuildKind::Rebuild,
        origin: RebuildOrigin::Studio,
        target: "local".into(),
        created_by: Some(AccountId::new()),
    };
    let tx = rig.db.begin().await.unwrap();
    index_rebuilds::begin(&tx, new, other, std::time::Duration::from_secs(60)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let refused = rebuilding::local(&rig.db, rig.path(), rig.order, false, &tell).await.unwrap_err();
    assert_eq!((refused.status, &*refused.code), (409, "rebuild_running"));
    rebuilding::leave(&rig.db, other).await.unwrap();
    assert!(index_rebuilds::is_interrupted(&rig.db, rig.tenant, rig.dataset).await.unwrap());
    rebuilding::local(&rig.db, rig.path(), rig.order, false, &tell).await.unwrap();
    let told = rig.rebuild().await;
    assert_eq!(
        (told.origin.as_str(), told.step.target.as_str(), told.status.as_str()),
        ("command", "local", "completed")
    );

    // Why it failed is kept, and it can be begun again.
    rig.store.down.store(true, Ordering::Relaxed);
    assert!(rebuilding::fill(&rig.db, &rig.outside, rig.order, true, &tell).await.is_err());
    let told = rig.rebuild().await;
    assert_eq!(told.status, "error");
    assert!(told.error.as_deref().is_some_and(|error| error.contains("it is down")), "{told:?}");
    rig.store.down.store(false, Ordering::Relaxed);
    rebuilding::fill(&rig.db, &rig.outside, rig.order, true, &tell).await.unwrap();
    assert_eq!((rig.rebuild().await.status.as_str(), rig.store.points()), ("completed", 10));
}
