use std::sync::atomic::{AtomicUsize, Ordering};

use ox_types::{ConversationId, TaskId};

use super::*;
use crate::runs::{
    delta::Touch,
    event::{AppMode, InvokeFrom, RunUser, StreamHead},
    hub::Subscription,
};

/// Counts commits and fails those that contain a marked change; commits wait for a permit.
struct FakeJournal {
    commits: AtomicUsize,
    rows: AtomicUsize,
    gate: tokio::sync::Semaphore,
}

const POISON: i32 = 666;

#[async_trait]
impl Journal for FakeJournal {
    async fn commit(&self, deltas: &[Arc<Delta>]) -> Result<(), JournalError> {
        self.gate.acquire().await.unwrap().forget();
        self.commits.fetch_add(1, Ordering::SeqCst);
        if deltas.iter().any(|delta| delta.touch.is_some_and(|touch| touch.messages == POISON)) {
            return Err(JournalError {
                message: "the disk that holds the database is full; free some space".into(),
                status: 507,
                code: "disk_full".into(),
            });
        }
        self.rows.fetch_add(deltas.len(), Ordering::SeqCst);
        Ok(())
    }
}

struct Rig {
    journal: Arc<FakeJournal>,
    recorder: Recorder,
}

fn rig(permits: usize) -> Rig {
    let journal = Arc::new(FakeJournal {
        commits: AtomicUsize::new(0),
        rows: AtomicUsize::new(0),
        gate: tokio::sync::Semaphore::new(permits),
    });
    let (recorder, task) = Recorder::new(journal.clone());
    tokio::spawn(task);
    Rig { journal, recorder }
}

fn recording(rig: &Rig) -> (Arc<Recording>, Subscription) {
    let hub = Hub::new(StreamHead {
        mode: AppMode::Workflow,
        invoke_from: InvokeFrom::ServiceApi,
        task_id: TaskId::new(),
        run_id: None,
        workflow_id: None,
        conversation_id: None,
        message_id: None,
        created_at: 0,
        user: RunUser::EndUser { id: ox_types::new_uuid(), session_id: "u".into() },
    });
    let reader = hub.subscribe();
    (rig.recorder.begin(hub), reader)
}

fn change(messages: i32) -> Option<Delta> {
    let touch = Touch { conversation_id: ConversationId::new(), at: chrono::Utc::now(), messages };
    Some(Delta { touch: Some(touch), ..Delta::default() })
}

fn text(text: &str) -> Vec<StreamBody> {
    vec![StreamBody::Text { text: text.into(), selector: None }]
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn seen(reader: &mut Subscription) -> String {
    let mut all = String::new();
    while let Ok(Some(event)) = reader.try_next() {
        match &event.body {
            StreamBody::Text { text, .. } => all.push_str(text),
            StreamBody::Error { .. } => all.push('!'),
            other => all.push_str(&format!("{other:?}")),
        }
    }
    all
}

#[tokio::test]
async fn events_wait_for_what_they_depend_on_and_keep_their_order() {
    let rig = rig(0);
    let (run, mut reader) = recording(&rig);
    run.put(None, 0, text("a"), false).await.unwrap();
    assert_eq!(seen(&mut reader), "a", "nothing uncommitted is ahead");
    run.put(change(1), 0, text("b"), false).await.unwrap();
    run.put(None, 0, text("c"), false).await.unwrap();
    settle().await;
    assert_eq!(seen(&mut reader), "", "the commit is not done");
    rig.journal.gate.add_permits(1);
    run.barrier().await.unwrap();
    assert_eq!(seen(&mut reader), "bc");
    run.put(None, 0, text("d"), true).await.unwrap();
    assert_eq!(seen(&mut reader), "d");
    assert!(run.hub().is_closed());
}

#[tokio::test]
async fn what_arrives_during_a_commit_is_the_next_batch() {
    let rig = rig(0);
    let (first, _reader) = recording(&rig);
    first.put(change(1), 0, vec![], false).await.unwrap();
    settle().await;
    let mut runs = Vec::new();
    for _ in 0..10 {
        let (run, reader) = recording(&rig);
        for _ in 0..5 {
            run.put(change(1), 0, text("x"), false).await.unwrap();
        }
        run.put(change(1), 0, text("y"), true).await.unwrap();
        runs.push((run, reader));
    }
    rig.journal.gate.add_permits(10);
    for (run, reader) in &mut runs {
        run.barrier().await.unwrap();
        assert_eq!(seen(reader), "xxxxxy");
        assert!(run.hub().is_closed());
    }
    assert_eq!(rig.journal.commits.load(Ordering::SeqCst), 2);
    assert_eq!(rig.journal.rows.load(Ordering::SeqCst), 11, "changes of one run became one");
}

#[tokio::test]
async fn a_failed_commit_fails_its_run_and_no_other() {
    let rig = rig(0);
    let (first, _reader) = recording(&rig);
    first.put(change(1), 0, vec![], false).await.unwrap();
    settle().await;
    let (bad, mut bad_reader) = recording(&rig);
    let (good, mut good_reader) = recording(&rig);
    bad.put(change(POISON), 0, text("never"), false).await.unwrap();
    good.put(change(1), 0, text("fine"), true).await.unwrap();
    rig.journal.gate.add_permits(10);
    good.barrier().await.unwrap();
    let error = bad.barrier().await.unwrap_err();
    assert!(error.message.contains("disk"), "{error}");
    assert!(bad.put(None, 0, text("z"), false).await.is_err(), "the engine is told");
    assert_eq!((seen(&mut bad_reader).as_str(), seen(&mut good_reader).as_str()), ("!", "fine"));
    assert!(bad.hub().is_closed(), "nobody hangs");
}

#[tokio::test]
async fn a_run_far_ahead_of_its_records_is_slowed_down() {
    let rig = rig(0);
    let (run, _reader) = recording(&rig);
    let writer = Arc::clone(&run);
    let task = tokio::spawn(async move {
        for _ in 0..MAX_PENDING + 10 {
            writer.put(change(1), 0, text("x"), false).await.unwrap();
        }
    });
    settle().await;
    assert!(!task.is_finished());
    rig.journal.gate.add_permits(100);
    task.await.unwrap();
}

#[tokio::test]
async fn what_is_only_noted_holds_nothing_back_and_is_written_all_the_same() {
    let rig = rig(0);
    let (run, mut reader) = recording(&rig);
    run.note(change(1).unwrap()).await.unwrap();
    run.put(None, 0, text("a"), false).await.unwrap();
    assert_eq!(seen(&mut reader), "a", "it is not yet taken");
    settle().await;
    run.put(None, 0, text("b"), false).await.unwrap();
    assert_eq!(seen(&mut reader), "b", "it is being written");
    run.put(change(1), 0, text("c"), false).await.unwrap();
    run.note(change(1).unwrap()).await.unwrap();
    run.put(None, 0, text("d"), true).await.unwrap();
    assert_eq!(seen(&mut reader), "", "more than a note is ahead");
    rig.journal.gate.add_permits(10);
    run.barrier().await.unwrap();
    assert_eq!(seen(&mut reader), "cd");
    assert!(run.hub().is_closed());
    assert_eq!(rig.journal.rows.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_note_that_cannot_be_written_ends_the_run() {
    let rig = rig(10);
    let (run, mut reader) = recording(&rig);
    run.note(change(POISON).unwrap()).await.unwrap();
    assert!(run.barrier().await.is_err());
    assert_eq!(seen(&mut reader), "!");
    assert!(run.note(change(1).unwrap()).await.is_err(), "the run is told");
}
