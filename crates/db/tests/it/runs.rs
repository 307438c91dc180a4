//! Recording of runs, leases and the run log: one body, every database.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ox_db::{
    Database, Error, Page,
    model::{Conversation, Message, NodeExecution, Process, RunIntent, WorkflowAppLog, WorkflowRun},
    now,
    repo::{
        conversations,
        journal::{self, RunBatch, RunWriter, Touch},
        leases, messages, runs,
    },
};
use ox_testkit::on_each_database;
use ox_types::{
    AppId, ConversationId, MessageId, NodeRunId, NodeStatus, RunId, RunStatus, TenantId, WorkflowId, new_uuid,
};
use uuid::Uuid;

#[derive(Clone, Copy)]
struct App {
    tenant: TenantId,
    app: AppId,
    workflow: WorkflowId,
}

impl App {
    fn new() -> Self {
        Self { tenant: TenantId::new(), app: AppId::new(), workflow: WorkflowId::new() }
    }

    fn run(self, owner: Uuid) -> WorkflowRun {
        WorkflowRun {
            id: RunId::new(),
            tenant_id: self.tenant,
            app_id: self.app,
            workflow_id: self.workflow,
            kind: "workflow".into(),
            triggered_from: "app-run".into(),
            version: "2026-11-21 10:00:00.000000".into(),
            graph: None,
            inputs: Some(r#"{"query":"Hello","sys.user_id":"u"}"#.into()),
            status: RunStatus::Running,
            outputs: None,
            error: None,
            elapsed_time: 0.0,
            total_tokens: 0,
            total_steps: 0,
            total_price: None,
            currency: None,
            exceptions_count: 0,
            created_by_role: "end_user".into(),
            created_by: new_uuid(),
            owner: Some(owner),
            resume: Some("{}".into()),
            labels: None,
            created_at: now(),
            finished_at: None,
        }
    }

    fn node(self, run: &WorkflowRun, index: i32) -> NodeExecution {
        NodeExecution {
            id: NodeRunId::new(),
            tenant_id: self.tenant,
            app_id: self.app,
            workflow_id: self.workflow,
            triggered_from: "workflow-run".into(),
            workflow_run_id: Some(run.id),
            index,
            finish_seq: None,
            predecessor_node_id: None,
            node_id: format!("node{index}"),
            node_type: "template-transform".into(),
            title: "Template".into(),
            frame: None,
            handle: None,
            retry_index: 0,
            inputs: None,
            process_data: None,
            outputs: None,
            updates: None,
            array_types: Some(r#"{"/outputs/files":"array[file]"}"#.into()),
            status: NodeStatus::Running,
            error: None,
            error_type: None,
            elapsed_time: 0.0,
            execution_metadata: None,
            debug: false,
            created_by_role: "end_user".into(),
            created_by: run.created_by,
            created_at: now(),
            finished_at: None,
        }
    }

    fn log(self, run: &WorkflowRun) -> WorkflowAppLog {
        WorkflowAppLog {
            id: new_uuid(),
            tenant_id: self.tenant,
            app_id: self.app,
            workflow_id: self.workflow,
            workflow_run_id: run.id,
            created_from: "service-api".into(),
            created_by_role: run.created_by_role.clone(),
            created_by: run.created_by,
            created_at: run.created_at,
        }
    }

    fn intent(run: &WorkflowRun, node: &NodeExecution) -> RunIntent {
        RunIntent {
            id: new_uuid(),
            run_id: run.id,
            node_execution_id: node.id,
            kind: "http".into(),
            idempotency_key: Some("k".into()),
            created_at: now(),
        }
    }

    fn conversation(self) -> Conversation {
        Conversation {
            id: ConversationId::new(),
            app_id: self.app,
            app_model_config_id: None,
            model_provider: None,
            model_id: None,
            override_model_configs: None,
            mode: "advanced-chat".into(),
            name: "New conversation".into(),
            summary: None,
            inputs: serde_json::json!({"b": 1, "a": 2}),
            introduction: None,
            system_instruction: None,
            system_instruction_tokens: 0,
            status: "normal".into(),
            invoke_from: Some("service-api".into()),
            from_source: "api".into(),
            from_end_user_id: None,
            from_account_id: None,
            read_at: None,
            read_account_id: None,
            dialogue_count: 0,
            is_deleted: false,
            created_at: now(),
            updated_at: now(),
        }
    }

    fn message(self, conversation: &Conversation) -> Message {
        Message {
            id: MessageId::new(),
            app_id: self.app,
            conversation_id: conversation.id,
            parent_message_id: None,
            model_provider: None,
            model_id: None,
            override_model_configs: None,
            inputs: "{}".into(),
            query: "Hi".into(),
            message: None,
            answer: String::new(),
            message_tokens: 0,
            message_unit_price: "0".into(),
            message_price_unit: "0.001".into(),
            answer_tokens: 0,
            answer_unit_price: "0".into(),
            answer_price_unit: "0.001".into(),
            total_price: None,
            currency: "USD".into(),
            provider_response_latency: 0.0,
            status: "normal".into(),
            error: None,
            message_metadata: None,
            invoke_from: Some("service-api".into()),
            from_source: "api".into(),
            from_end_user_id: None,
            from_account_id: None,
            agent_based: false,
            workflow_run_id: None,
            app_mode: Some("advanced-chat".into()),
            owner: None,
            created_at: now(),
            updated_at: now(),
        }
    }
}

fn finished(mut run: WorkflowRun) -> WorkflowRun {
    run.status = RunStatus::Succeeded;
    run.outputs = Some(r#"{"text":"héllo"}"#.into());
    run.elapsed_time = 0.25;
    run.total_steps = 2;
    run.resume = None;
    run.finished_at = Some(now());
    run
}

fn finished_node(mut node: NodeExecution, seq: i32) -> NodeExecution {
    node.status = NodeStatus::Succeeded;
    node.finish_seq = Some(seq);
    node.outputs = Some("{}".into());
    node.handle = Some("source".into());
    node.finished_at = Some(now());
    node
}

async fn process(db: &Database, life: Duration) -> Uuid {
    let id = new_uuid();
    let at = now();
    let tx = db.begin().await.unwrap();
    let row = Process { id, host: "h".into(), pid: 1, started_at: at, heartbeat_at: at, expires_at: at + life };
    leases::register(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn rows_come_in_any_number_and_change_later() {
    on_each_database(|db| async move {
        let app = App::new();
        let owner = process(&db, Duration::from_secs(60)).await;
        let writer = RunWriter::new(db.clone());
        // 0..=300 rows use every statement size, also several of the largest.
        let started: Vec<WorkflowRun> = (0..299).map(|_| app.run(owner)).collect();
        let logs: Vec<_> = started.iter().map(|run| app.log(run)).collect();
        let batch = RunBatch { runs: started.iter().collect(), logs: logs.iter().collect(), ..RunBatch::default() };
        assert_eq!(batch.len(), 598);
        writer.commit(&batch).await.unwrap();

        let first = started.first().unwrap();
        let node = app.node(first, 1);
        let done = finished(WorkflowRun { inputs: Some("changed inputs are not taken".into()), ..first.clone() });
        let ended = finished_node(node.clone(), 1);
        writer.commit(&RunBatch { nodes: vec![&node], ..RunBatch::default() }).await.unwrap();
        let batch = RunBatch { runs: vec![&done], nodes: vec![&ended], ..RunBatch::default() };
        writer.commit(&batch).await.unwrap();
        writer.commit(&batch).await.unwrap();

        let found = runs::find(&db, app.tenant, app.app, first.id).await.unwrap().unwrap();
        assert_eq!(found, WorkflowRun { inputs: first.inputs.clone(), ..done });
        assert_eq!(runs::executions_of(&db, &found).await.unwrap(), [ended]);
        assert_eq!(runs::find(&db, TenantId::new(), app.app, first.id).await.unwrap(), None);
        let (entries, total) =
            runs::log_page(&db, app.tenant, app.app, &runs::LogFilter::default(), 1, 20).await.unwrap();
        assert_eq!((entries.len(), total), (20, 299));
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_written_whole_or_not_at_all() {
    on_each_database(|db| async move {
        let app = App::new();
        let (mine, other) = (new_uuid(), new_uuid());
        let writer = RunWriter::new(db.clone());
        let taken = app.run(other);
        writer.commit(&RunBatch { runs: vec![&taken], ..RunBatch::default() }).await.unwrap();

        let fresh = app.run(mine);
        let stale = finished(WorkflowRun { owner: Some(mine), ..taken.clone() });
        let error = writer.commit(&RunBatch { runs: vec![&fresh, &stale], ..RunBatch::default() }).await.unwrap_err();
        assert!(matches!(error, Error::Conflict(_)), "{error:?}");
        assert_eq!(runs::find(&db, app.tenant, app.app, fresh.id).await.unwrap(), None);
        assert_eq!(runs::find(&db, app.tenant, app.app, taken.id).await.unwrap(), Some(taken));
    })
    .await;
}

#[tokio::test]
async fn messages_and_conversations_of_a_batch() {
    on_each_database(|db| async move {
        let app = App::new();
        let writer = RunWriter::new(db.clone());
        let conversation = app.conversation();
        let message = app.message(&conversation);
        let batch = RunBatch {
            conversations: vec![&conversation],
            touches: vec![Touch { conversation_id: conversation.id, at: conversation.updated_at, messages: 1 }],
            messages: vec![&message],
            ..RunBatch::default()
        };
        writer.commit(&batch).await.unwrap();
        let later = now() + chrono::Duration::seconds(5);
        let named = Conversation { name: "Greeting".into(), ..conversation.clone() };
        let answered =
            Message { answer: "Hello!".into(), query: "not taken".into(), updated_at: later, ..message.clone() };
        let touch = Touch { conversation_id: conversation.id, at: later, messages: 1 };
        let batch = RunBatch {
            conversations: vec![&conversation, &named],
            touches: vec![touch, touch],
            messages: vec![&answered],
            ..RunBatch::default()
        };
        writer.commit(&batch).await.unwrap();

        let found = conversations::find(&db, app.app, conversation.id).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.dialogue_count, found.updated_at), ("Greeting", 3, later));
        assert_eq!(found.inputs.to_string(), r#"{"b":1,"a":2}"#);
        let found = messages::find(&db, app.app, message.id).await.unwrap().unwrap();
        assert_eq!(
            (found.answer.as_str(), found.query.as_str(), found.created_at),
            ("Hello!", "Hi", message.created_at)
        );
    })
    .await;
}

#[tokio::test]
async fn a_dead_process_loses_its_runs_to_one_other() {
    on_each_database(|db| async move {
        let app = App::new();
        let writer = RunWriter::new(db.clone());
        let (dead, alive) = (process(&db, Duration::ZERO).await, process(&db, Duration::from_secs(60)).await);
        let (lost, done, healthy) = (app.run(dead), finished(app.run(dead)), app.run(alive));
        let orphan = app.run(new_uuid());
        let (one, two) = (finished_node(app.node(&lost, 1), 2), finished_node(app.node(&lost, 2), 1));
        let three = app.node(&lost, 3);
        let intent = App::intent(&lost, &three);
        let batch = RunBatch {
            runs: vec![&lost, &done, &healthy, &orphan],
            nodes: vec![&one, &two, &three],
            intents: vec![&intent],
            ..RunBatch::default()
        };
        writer.commit(&batch).await.unwrap();

        let expired = leases::expired(&db, now(), 10).await.unwrap();
        assert_eq!(expired.iter().map(|lease| lease.run_id).collect::<Vec<_>>(), [lost.id, orphan.id]);
        let lease = *expired.first().unwrap();
        let other = process(&db, Duration::from_secs(60)).await;
        let tx = db.begin().await.unwrap();
        assert!(leases::claim(&tx, lease, alive).await.unwrap());
        tx.commit().await.unwrap();
        let tx = db.begin().await.unwrap();
        assert!(!leases::claim(&tx, lease, other).await.unwrap());
        let not_expired = leases::ExpiredLease { run_id: healthy.id, owner: Some(alive) };
        assert!(!leases::claim(&tx, not_expired, other).await.unwrap());
        tx.commit().await.unwrap();

        let takeover = leases::load_for_takeover(&db, lost.id).await.unwrap().unwrap();
        assert_eq!(takeover.run.owner, Some(alive));
        assert_eq!(takeover.finished, [two, one]);
        assert_eq!(takeover.unfinished, [three]);
        assert_eq!(takeover.intents, [intent]);
        // The old owner wakes up: it learns that it is struck off, and can write neither the end nor a node.
        let tx = db.begin().await.unwrap();
        assert!(!leases::heartbeat(&tx, dead, Duration::from_secs(60)).await.unwrap());
        tx.commit().await.unwrap();
        let its_writer = RunWriter::of_process(db.clone(), dead);
        let late = app.node(&lost, 4);
        let error = its_writer.commit(&RunBatch { nodes: vec![&late], ..RunBatch::default() }).await.unwrap_err();
        assert!(matches!(error, Error::Conflict(_)), "{error:?}");
        let new_owner = RunWriter::of_process(db.clone(), alive);
        new_owner.commit(&RunBatch { nodes: vec![&late], ..RunBatch::default() }).await.unwrap();
        let error = writer.commit(&RunBatch { runs: vec![&finished(lost)], ..RunBatch::default() }).await.unwrap_err();
        assert!(matches!(error, Error::Conflict(_)), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_process_that_overslept_keeps_its_runs() {
    on_each_database(|db| async move {
        let app = App::new();
        let me = process(&db, Duration::ZERO).await;
        let run = app.run(me);
        let writer = RunWriter::of_process(db.clone(), me);
        writer.commit(&RunBatch { runs: vec![&run], ..RunBatch::default() }).await.unwrap();
        let tx = db.begin().await.unwrap();
        for lease in leases::expired(&tx, now(), 10).await.unwrap() {
            assert!(!leases::claim(&tx, lease, me).await.unwrap());
        }
        assert!(leases::heartbeat(&tx, me, Duration::from_secs(60)).await.unwrap());
        tx.commit().await.unwrap();
        writer.commit(&RunBatch { runs: vec![&finished(run)], ..RunBatch::default() }).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn leases_from_before_the_clock_was_set_back_end_in_time() {
    on_each_database(|db| async move {
        let app = App::new();
        // Made while the clock was an hour ahead, and one of the present time; the first process is dead.
        let (dead, living) =
            (process(&db, Duration::from_secs(3600)).await, process(&db, Duration::from_secs(15)).await);
        let runs = [app.run(dead), app.run(living)];
        RunWriter::new(db.clone())
            .commit(&RunBatch { runs: runs.iter().collect(), ..RunBatch::default() })
            .await
            .unwrap();
        let heir = process(&db, Duration::from_secs(15)).await;
        let (at, lease) = (now(), Duration::from_secs(15));
        let tx = db.begin().await.unwrap();
        assert_eq!(leases::expired(&tx, at + 3 * lease, 10).await.unwrap().len(), 1, "the dead one seems alive");
        assert_eq!(leases::shorten(&tx, at + 2 * lease, at + lease).await.unwrap(), 1);
        assert_eq!(leases::shorten(&tx, at + 2 * lease, at + lease).await.unwrap(), 0);
        let found = leases::processes(&tx).await.unwrap();
        assert!(found.iter().all(|process| process.expires_at <= now() + lease), "{found:?}");
        // One that lives after all prolongs its own; nobody takes from it.
        assert!(leases::heartbeat(&tx, living, lease).await.unwrap());
        assert_eq!(leases::expired(&tx, at, 10).await.unwrap(), []);
        assert_eq!(leases::shorten(&tx, at, at - lease).await.unwrap(), 3, "as if the time were over");
        assert!(leases::heartbeat(&tx, living, lease).await.unwrap());
        assert!(leases::heartbeat(&tx, heir, lease).await.unwrap());
        let open = leases::expired(&tx, now(), 10).await.unwrap();
        assert_eq!(open.iter().map(|lease| lease.run_id).collect::<Vec<_>>(), [runs[0].id]);
        assert!(leases::claim(&tx, open[0], heir).await.unwrap());
        assert!(!leases::claim(&tx, open[0], heir).await.unwrap(), "once");
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn heartbeats_prolong_and_release_ends() {
    on_each_database(|db| async move {
        let app = App::new();
        let id = process(&db, Duration::ZERO).await;
        let run = app.run(id);
        RunWriter::new(db.clone()).commit(&RunBatch { runs: vec![&run], ..RunBatch::default() }).await.unwrap();
        let tx = db.begin().await.unwrap();
        assert!(leases::heartbeat(&tx, id, Duration::from_secs(30)).await.unwrap());
        assert!(!leases::heartbeat(&tx, new_uuid(), Duration::from_secs(30)).await.unwrap());
        assert_eq!(leases::expired(&tx, now(), 10).await.unwrap(), []);
        // What other processes run of an app, seen from this one and from another.
        assert_eq!(runs::under_way_elsewhere(&tx, app.app, id).await.unwrap(), 0);
        assert_eq!(runs::under_way_elsewhere(&tx, app.app, new_uuid()).await.unwrap(), 1);
        assert_eq!(leases::purge(&tx, new_uuid(), now() + chrono::Duration::hours(1)).await.unwrap(), 0);
        leases::release(&tx, id).await.unwrap();
        assert_eq!(leases::expired(&tx, now(), 10).await.unwrap().len(), 1);
        assert_eq!(leases::processes(&tx).await.unwrap(), []);
        assert_eq!(journal::purge_intents(&tx, now()).await.unwrap(), 0);
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn lists_filter_and_page() {
    on_each_database(|db| async move {
        let app = App::new();
        let writer = RunWriter::new(db.clone());
        let start: DateTime<Utc> = now();
        let mut all = Vec::new();
        for second in 0..7_i64 {
            let mut run = app.run(new_uuid());
            run.created_at = start + chrono::Duration::seconds(second);
            if second % 2 == 0 {
                run = finished(run);
            }
            if second == 6 {
                run.triggered_from = "debugging".into();
            }
            all.push(run);
        }
        let logs: Vec<_> = all.iter().map(|run| app.log(run)).collect();
        let batch = RunBatch { runs: all.iter().collect(), logs: logs.iter().collect(), ..RunBatch::default() };
        writer.commit(&batch).await.unwrap();

        let filter = runs::RunFilter { triggered_from: vec!["app-run".into()], status: Some("succeeded".into()) };
        let got = runs::list(&db, app.tenant, app.app, &filter, Page::first(2)).await.unwrap();
        let ids = |wanted: &[usize]| wanted.iter().map(|i| all.get(*i).unwrap().id).collect::<Vec<_>>();
        assert_eq!(got.items.iter().map(|run| run.id).collect::<Vec<_>>(), ids(&[4, 2]));
        assert!(got.has_more);
        let after = got.items.last().map(|run| (run.created_at, run.id.0));
        let got = runs::list(&db, app.tenant, app.app, &filter, Page { after, limit: 2 }).await.unwrap();
        assert_eq!((got.items.iter().map(|run| run.id).collect::<Vec<_>>(), got.has_more), (ids(&[0]), false));

        for (name, filter, expected) in [
            ("status", runs::LogFilter { status: Some("running".into()), ..Default::default() }, vec![5, 3, 1]),
            ("keyword", runs::LogFilter { keyword: Some("HÉLLO".into()), ..Default::default() }, vec![6, 4, 2, 0]),
            (
                "ascii keyword",
                runs::LogFilter { keyword: Some("hello".into()), ..Default::default() },
                vec![6, 5, 4, 3, 2, 1, 0],
            ),
            ("wildcards are text", runs::LogFilter { keyword: Some("h_llo".into()), ..Default::default() }, vec![]),
            (
                "run id",
                runs::LogFilter { keyword: Some(all.get(3).unwrap().id.to_string()), ..Default::default() },
                vec![3],
            ),
            (
                "time",
                runs::LogFilter {
                    after: Some(start + chrono::Duration::seconds(1)),
                    before: Some(start + chrono::Duration::seconds(2)),
                    ..Default::default()
                },
                vec![2, 1],
            ),
        ] {
            let (entries, total) = runs::log_page(&db, app.tenant, app.app, &filter, 1, 10).await.unwrap();
            let got: Vec<_> = entries.iter().map(|entry| entry.run.id).collect();
            assert_eq!((got, total), (ids(&expected), expected.len() as u64), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_run_of_a_node_is_a_debug_run() {
    on_each_database(|db| async move {
        let app = App::new();
        let run = app.run(new_uuid());
        let old = NodeExecution { debug: true, ..app.node(&run, 1) };
        let new = NodeExecution { debug: true, created_at: now() + chrono::Duration::seconds(1), ..app.node(&run, 1) };
        let published = NodeExecution { created_at: now() + chrono::Duration::seconds(2), ..app.node(&run, 1) };
        let batch = RunBatch { nodes: vec![&old, &new, &published], ..RunBatch::default() };
        RunWriter::new(db.clone()).commit(&batch).await.unwrap();
        let found = runs::last_of_node(&db, app.tenant, app.workflow, "node1").await.unwrap();
        assert_eq!(found, Some(new));
        assert_eq!(runs::last_of_node(&db, TenantId::new(), app.workflow, "node1").await.unwrap(), None);
    })
    .await;
}

/// `ox nextest run -p ox-db --run-ignored only --no-capture journal_speed`: rows per second of this build.
#[tokio::test]
#[ignore = "prints figures, checks nothing"]
async fn journal_speed() {
    for (name, test) in [
        ("SQLite", ox_testkit::sqlite().await.map(Some).unwrap()),
        ("PostgreSQL", ox_testkit::postgres().await.unwrap()),
    ] {
        let Some(test) = test else { continue };
        for size in [1_usize, 8, 32, 128] {
            let app = App::new();
            let writer = RunWriter::new(test.database.clone());
            let started = std::time::Instant::now();
            let (mut commits, mut rows, mut done) = (0_u32, 0_usize, 0_usize);
            while started.elapsed() < Duration::from_secs(3) {
                let batch_runs: Vec<_> = (0..size).map(|_| finished(app.run(new_uuid()))).collect();
                let nodes: Vec<_> = batch_runs
                    .iter()
                    .flat_map(|run| [finished_node(app.node(run, 1), 1), finished_node(app.node(run, 2), 2)])
                    .collect();
                let logs: Vec<_> = batch_runs.iter().map(|run| app.log(run)).collect();
                let batch = RunBatch {
                    runs: batch_runs.iter().collect(),
                    nodes: nodes.iter().collect(),
                    logs: logs.iter().collect(),
                    ..RunBatch::default()
                };
                writer.commit(&batch).await.unwrap();
                commits += 1;
                rows += batch.len();
                done += size;
            }
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{name}: batches of {size}: {:.0} commits/s, {:.0} runs/s, {:.0} rows/s",
                f64::from(commits) / seconds,
                done as f64 / seconds,
                rows as f64 / seconds
            );
        }
        test.remove().await;
    }
}
