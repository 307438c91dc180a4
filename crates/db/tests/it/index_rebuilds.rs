//! Records of rebuilds of indexes, whose they are and how they end: one body, every database.

use std::time::Duration;

use ox_db::{
    Database,
    model::{IndexRebuild, NewIndexRebuild, Process, RebuildKind, RebuildOrigin, RebuildStep},
    now,
    repo::{index_rebuilds, leases},
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, DatasetId, TenantId, new_uuid};
use uuid::Uuid;

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

fn new(tenant: TenantId, origin: RebuildOrigin, target: &str) -> NewIndexRebuild {
    NewIndexRebuild {
        tenant_id: tenant,
        dataset_id: DatasetId::new(),
        kind: RebuildKind::Rebuild,
        origin,
        target: target.into(),
        created_by: (origin == RebuildOrigin::Studio).then(AccountId::new),
    }
}

async fn begin(db: &Database, new: &NewIndexRebuild, process: Uuid, life: Duration) -> Option<IndexRebuild> {
    let tx = db.begin().await.unwrap();
    let begun = index_rebuilds::begin(&tx, new.clone(), process, life).await.unwrap();
    tx.commit().await.unwrap();
    begun
}

async fn keep(db: &Database, attempt: &IndexRebuild, step: &RebuildStep) -> bool {
    let tx = db.begin().await.unwrap();
    let is_ours = index_rebuilds::keep(&tx, attempt, step, LIFE).await.unwrap();
    tx.commit().await.unwrap();
    is_ours
}

async fn finish(db: &Database, attempt: &IndexRebuild, error: Option<&str>) -> bool {
    let tx = db.begin().await.unwrap();
    let is_ours = index_rebuilds::finish(&tx, attempt, error).await.unwrap();
    tx.commit().await.unwrap();
    is_ours
}

fn step(target: &str, done: i64) -> RebuildStep {
    RebuildStep { target: target.into(), phase: "reading".into(), done, total: 10, rate: Some(5) }
}

async fn one_at_a_time(db: Database) {
    let (tenant, stranger) = (TenantId::new(), TenantId::new());
    let (one, two) = (process(&db).await, process(&db).await);
    let wanted = new(tenant, RebuildOrigin::Studio, "local");
    let id = wanted.dataset_id;
    assert_eq!(index_rebuilds::find(&db, tenant, id).await.unwrap(), None);
    let first = begin(&db, &wanted, one, LIFE).await.unwrap();
    assert_eq!((first.status.as_str(), first.step.phase.as_str(), first.attempts), ("running", "waiting", 1));
    assert_eq!(begin(&db, &wanted, two, LIFE).await, None, "one runs");
    assert!(!index_rebuilds::is_interrupted(&db, tenant, id).await.unwrap());
    assert_eq!(index_rebuilds::find(&db, stranger, id).await.unwrap(), None, "another workspace sees nothing");

    assert!(keep(&db, &first, &step("local", 4)).await);
    let told = index_rebuilds::find(&db, tenant, id).await.unwrap().unwrap();
    assert_eq!((told.id, told.step.clone(), told.started_at), (first.id, step("local", 4), first.started_at));
    assert!(finish(&db, &first, Some("the disk is full")).await);
    let told = index_rebuilds::find(&db, tenant, id).await.unwrap().unwrap();
    assert_eq!((told.status.as_str(), told.error.as_deref()), ("error", Some("the disk is full")));
    assert!(told.finished_at.is_some() && told.leased_by.is_none());
    assert!(!finish(&db, &first, None).await && !keep(&db, &first, &step("local", 5)).await, "it has ended");

    // What has ended makes room.
    let second = begin(&db, &wanted, two, LIFE).await.unwrap();
    assert!(finish(&db, &second, None).await);
    let told = index_rebuilds::find(&db, tenant, id).await.unwrap().unwrap();
    assert_eq!((told.id, told.status.as_str(), told.error), (second.id, "completed", None));
}

async fn interrupted(db: Database) {
    let tenant = TenantId::new();
    let (one, two) = (process(&db).await, process(&db).await);
    let studio = new(tenant, RebuildOrigin::Studio, "local");
    let command = new(tenant, RebuildOrigin::Command, "qdrant");
    let first = begin(&db, &studio, one, LIFE).await.unwrap();
    begin(&db, &command, one, LIFE).await.unwrap();
    let ours = |found: Vec<IndexRebuild>| -> Vec<DatasetId> {
        found.into_iter().filter(|found| found.tenant_id == tenant).map(|found| found.dataset_id).collect()
    };
    assert!(ours(index_rebuilds::forsaken(&db, 99).await.unwrap()).is_empty());
    let tx = db.begin().await.unwrap();
    assert_eq!(index_rebuilds::claim(&tx, &first, two, LIFE).await.unwrap(), None, "somebody is at it");
    leases::release(&tx, one).await.unwrap();
    tx.commit().await.unwrap();
    for dataset in [studio.dataset_id, command.dataset_id] {
        assert!(index_rebuilds::is_interrupted(&db, tenant, dataset).await.unwrap());
    }
    assert_eq!(
        ours(index_rebuilds::forsaken(&db, 99).await.unwrap()),
        [studio.dataset_id],
        "commands are not taken over"
    );

    // Who takes it over is alone with it.
    let tx = db.begin().await.unwrap();
    let taken = index_rebuilds::claim(&tx, &first, two, LIFE).await.unwrap().unwrap();
    assert_eq!((taken.attempts, taken.leased_by), (2, Some(two)));
    assert_eq!(index_rebuilds::claim(&tx, &first, two, LIFE).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(!keep(&db, &first, &step("local", 9)).await && !finish(&db, &first, None).await);
    assert!(keep(&db, &taken, &step("local", 1)).await);

    // Given back, it is free at once, and that attempt does not count.
    let tx = db.begin().await.unwrap();
    index_rebuilds::release(&tx, &taken).await.unwrap();
    tx.commit().await.unwrap();
    let left = index_rebuilds::forsaken(&db, 99).await.unwrap();
    assert_eq!(left.iter().find(|left| left.tenant_id == tenant).map(|left| left.attempts), Some(1));

    // A command that died does not keep another from beginning; a lease that ran out neither.
    assert!(begin(&db, &command, two, Duration::ZERO).await.is_some());
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(begin(&db, &command, two, LIFE).await.is_some());
    assert_eq!(begin(&db, &command, two, LIFE).await, None);
}

async fn stopped(db: Database) {
    let (tenant, stranger) = (TenantId::new(), TenantId::new());
    let one = process(&db).await;
    let wanted = new(tenant, RebuildOrigin::Studio, "local");
    let id = wanted.dataset_id;
    let stop = async |tenant: TenantId| {
        let tx = db.begin().await.unwrap();
        let is_stopped = index_rebuilds::stop(&tx, tenant, id).await.unwrap();
        tx.commit().await.unwrap();
        is_stopped
    };
    assert!(!stop(tenant).await, "nothing runs");
    let attempt = begin(&db, &wanted, one, LIFE).await.unwrap();
    assert!(!stop(stranger).await, "not another's");
    assert!(stop(tenant).await && !stop(tenant).await);
    assert!(!keep(&db, &attempt, &step("local", 2)).await, "who works hears of it");
    let told = index_rebuilds::find(&db, tenant, id).await.unwrap().unwrap();
    assert_eq!((told.status.as_str(), told.finished_at.is_some()), ("stopped", true));

    // A store that is being filled is filled to its end.
    let attempt = begin(&db, &wanted, one, LIFE).await.unwrap();
    assert!(keep(&db, &attempt, &step("qdrant", 0)).await);
    assert!(!stop(tenant).await);
    assert!(finish(&db, &attempt, None).await);
}

#[tokio::test]
async fn one_rebuild_of_an_index_runs_at_a_time() {
    on_each_database(one_at_a_time).await;
}

#[tokio::test]
async fn what_a_process_leaves_is_interrupted_and_taken_over() {
    on_each_database(interrupted).await;
}

#[tokio::test]
async fn a_rebuild_is_stopped_while_it_can_be() {
    on_each_database(stopped).await;
}
