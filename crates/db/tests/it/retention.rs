//! What is too old goes, what is still needed stays: one body, every database. And the figure for a million runs.

use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use ox_db::{
    Database,
    repo::retention::{self, Kind},
};
use ox_testkit::on_each_database;
use ox_types::{AppId, WorkflowId, new_uuid};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

/// Days of the test, counted back from a fixed morning.
fn day(back: i64) -> DateTime<Utc> {
    "2026-03-20T10:00:00Z".parse::<DateTime<Utc>>().unwrap() - Duration::days(back)
}

async fn run_sql(db: &Database, sql: &str, values: Vec<Value>) {
    let tx = db.begin().await.unwrap();
    let executor = ox_db::Source::executor(&tx);
    let backend = executor.get_database_backend();
    executor.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(db: &Database, what: &str) -> i64 {
    let executor = ox_db::Source::executor(db);
    let sql = format!("SELECT COUNT(*) AS n FROM {what}");
    let row = executor.query_one_raw(Statement::from_string(executor.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

/// Counts, or looks at a table, for as long as that takes: millions of rows on a slow disk take longer than a statement may.
async fn patiently(db: &Database, sql: &str) -> Option<i64> {
    let tx = db.begin().await.unwrap();
    let executor = ox_db::Source::executor(&tx);
    executor.execute_unprepared("SET LOCAL statement_timeout = 0").await.unwrap();
    let row = executor.query_one_raw(Statement::from_string(executor.get_database_backend(), sql)).await.unwrap();
    tx.commit().await.unwrap();
    row.map(|row| row.try_get("", "n").unwrap())
}

async fn app(db: &Database) -> AppId {
    let app = AppId::new();
    let sql = "INSERT INTO apps (id, tenant_id, name, description, mode, status, enable_site, enable_api, api_rpm, api_rph, \
               is_demo, is_public, is_universal, use_icon_as_answer_icon, created_at, updated_at) VALUES ($1, $1, 'a', '', \
               'workflow', 'normal', $2, $2, 0, 0, $2, $2, $2, $2, $3, $3)";
    run_sql(db, sql, vec![app.0.into(), true.into(), day(100).into()]).await;
    app
}

/// A run with a node, a log entry, an intent and a form, ended or not.
async fn run(db: &Database, app: AppId, workflow: WorkflowId, at: DateTime<Utc>, ended: bool) -> Uuid {
    let id = new_uuid();
    let finished: Value = ended.then_some(at).into();
    let status = if ended { "succeeded" } else { "paused" };
    let sql = "INSERT INTO workflow_runs (id, tenant_id, app_id, workflow_id, \"type\", triggered_from, version, status, \
               elapsed_time, total_tokens, total_steps, exceptions_count, created_by_role, created_by, created_at, \
               finished_at) VALUES ($1, $2, $2, $3, 'workflow', 'app-run', 'v', $4, 0, 0, 0, 0, 'end_user', $2, $5, $6)";
    run_sql(db, sql, vec![id.into(), app.0.into(), workflow.0.into(), status.into(), at.into(), finished]).await;
    let sql = "INSERT INTO workflow_node_executions (id, tenant_id, app_id, workflow_id, triggered_from, workflow_run_id, \
               \"index\", node_id, node_type, title, retry_index, status, elapsed_time, debug, created_by_role, created_by, \
               created_at) VALUES ($1, $2, $2, $3, 'workflow-run', $4, 1, 'n', 'start', 't', 0, 'succeeded', 0, $5, \
               'end_user', $2, $6)";
    let values = vec![new_uuid().into(), app.0.into(), workflow.0.into(), id.into(), false.into(), at.into()];
    run_sql(db, sql, values).await;
    let sql = "INSERT INTO workflow_app_logs (id, tenant_id, app_id, workflow_id, workflow_run_id, created_from, \
               created_by_role, created_by, created_at) VALUES ($1, $2, $2, $3, $4, 'service-api', 'end_user', $2, $5)";
    run_sql(db, sql, vec![new_uuid().into(), app.0.into(), workflow.0.into(), id.into(), at.into()]).await;
    let sql =
        "INSERT INTO run_intents (id, run_id, node_execution_id, kind, created_at) VALUES ($1, $2, $1, 'http', $3)";
    run_sql(db, sql, vec![new_uuid().into(), id.into(), at.into()]).await;
    id
}

async fn message(db: &Database, app: AppId, conversation: Uuid, run: Option<Uuid>, at: DateTime<Utc>) {
    let id = new_uuid();
    let sql = "INSERT INTO messages (id, app_id, conversation_id, inputs, query, answer, message_tokens, message_unit_price, \
               message_price_unit, answer_tokens, answer_unit_price, answer_price_unit, currency, \
               provider_response_latency, status, from_source, agent_based, workflow_run_id, created_at, updated_at) VALUES \
               ($1, $2, $3, '{}', 'q', 'a', 0, '0', '0', 0, '0', '0', 'USD', 0, 'normal', 'api', $4, $5, $6, $6)";
    let values = vec![id.into(), app.0.into(), conversation.into(), false.into(), run.into(), at.into()];
    run_sql(db, sql, values).await;
    let sql = "INSERT INTO message_feedbacks (id, app_id, conversation_id, message_id, rating, from_source, created_at, \
               updated_at) VALUES ($1, $2, $3, $4, 'like', 'user', $5, $5)";
    run_sql(db, sql, vec![new_uuid().into(), app.0.into(), conversation.into(), id.into(), at.into()]).await;
    let sql = "INSERT INTO message_agent_thoughts (id, message_id, \"position\", tool_labels_str, tool_meta_str, message_token, \
               message_unit_price, message_price_unit, message_files, answer_token, answer_unit_price, answer_price_unit, \
               tokens, total_price, currency, latency, created_by_role, created_by, created_at) VALUES ($1, $2, 1, '{}', \
               '{}', 0, '0', '0', '[]', 0, '0', '0', 0, '0', 'USD', 0, 'end_user', $2, $3)";
    run_sql(db, sql, vec![new_uuid().into(), id.into(), at.into()]).await;
}

async fn conversation(db: &Database, app: AppId, at: DateTime<Utc>) -> Uuid {
    let id = new_uuid();
    let sql = "INSERT INTO conversations (id, app_id, mode, name, inputs, system_instruction_tokens, status, from_source, \
               dialogue_count, is_deleted, created_at, updated_at) VALUES ($1, $2, 'chat', 'c', '{}', 0, 'normal', 'api', 0, \
               $3, $4, $4)";
    run_sql(db, sql, vec![id.into(), app.0.into(), false.into(), at.into()]).await;
    id
}

async fn partitions(db: &Database, first: DateTime<Utc>, days: i32) {
    if db.is_postgres() {
        let sql = "SELECT oxidify_create_partitions($1, $2)";
        run_sql(db, sql, vec![first.date_naive().into(), days.into()]).await;
    }
}

/// Everything too old, as the upkeep does it.
async fn clean(db: &Database, before: DateTime<Utc>, workflows: &[WorkflowId], batch: u64) -> (Vec<String>, u64) {
    let mut days = Vec::new();
    if workflows.is_empty() {
        days = retention::drop_days(db, Kind::Runs, before).await.unwrap();
    }
    let mut steps = 0;
    for app in retention::apps_after(db, None, 100).await.unwrap() {
        loop {
            let tx = db.begin().await.unwrap();
            let mut gone = retention::runs_step(&tx, app, before, workflows, batch).await.unwrap();
            if gone == 0 && workflows.is_empty() {
                gone = retention::logs_step(&tx, app, before, batch).await.unwrap();
            }
            tx.commit().await.unwrap();
            assert!(gone <= batch, "a transaction is small");
            if gone == 0 {
                break;
            }
            steps += 1;
        }
    }
    (days.iter().map(ToString::to_string).collect(), steps)
}

#[tokio::test]
async fn old_runs_go_and_open_ones_stay() {
    on_each_database(|db| async move {
        partitions(&db, day(10), 10).await;
        let (ours, theirs) = (app(&db).await, app(&db).await);
        let workflow = WorkflowId::new();
        for back in 1..=9 {
            for app in [ours, theirs] {
                run(&db, app, workflow, day(back), true).await;
                run(&db, app, workflow, day(back) + Duration::hours(5), true).await;
            }
        }
        let open = run(&db, ours, workflow, day(6), false).await;
        let (days, steps) = clean(&db, day(4), &[], 3).await;
        // Whole days before the open run; the rest row by row, also that part of a day which is old enough.
        if db.is_postgres() {
            assert_eq!(days, ["2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"]);
        } else {
            assert!(days.is_empty() && steps >= 7, "{steps}");
        }
        for table in ["workflow_runs", "workflow_node_executions", "workflow_app_logs"] {
            // Five hours after the limit on its day, and three days after it, of two apps; and the open one.
            assert_eq!(count(&db, table).await, 2 * (2 + 2 * 3) + 1, "{table}");
            let early = "created_at < '2026-03-16 10:00:00'";
            assert_eq!(count(&db, &format!("{table} WHERE {early}")).await, 1, "{table}");
        }
        assert_eq!(count(&db, "run_intents").await, 2 * (2 + 2 * 3) + 1);
        run_sql(&db, "UPDATE workflow_runs SET finished_at = $1 WHERE id = $2", vec![day(0).into(), open.into()]).await;
        clean(&db, day(4), &[], 3).await;
        assert_eq!(count(&db, "workflow_runs").await, 16);
        assert_eq!(clean(&db, day(4), &[], 3).await.1, 0, "nothing is left to do");
    })
    .await;
}

#[tokio::test]
async fn only_some_workflows() {
    on_each_database(|db| async move {
        partitions(&db, day(10), 10).await;
        let app = app(&db).await;
        let (kept, cleaned) = (WorkflowId::new(), WorkflowId::new());
        for workflow in [kept, cleaned] {
            run(&db, app, workflow, day(9), true).await;
        }
        let (days, _) = clean(&db, day(1), &[cleaned], 100).await;
        assert!(days.is_empty());
        for table in ["workflow_runs", "workflow_app_logs", "run_intents", "workflow_node_executions"] {
            assert_eq!(count(&db, table).await, 1, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn old_messages_go_with_their_conversations() {
    on_each_database(|db| async move {
        partitions(&db, day(10), 10).await;
        let app = app(&db).await;
        for back in [9, 8, 5, 2] {
            let old = conversation(&db, app, day(back)).await;
            message(&db, app, old, None, day(back)).await;
        }
        let waiting = run(&db, app, WorkflowId::new(), day(7), false).await;
        let paused = conversation(&db, app, day(7)).await;
        message(&db, app, paused, Some(waiting), day(7)).await;
        // Old, and talked in lately.
        let long = conversation(&db, app, day(1)).await;
        message(&db, app, long, None, day(9)).await;
        message(&db, app, long, None, day(1)).await;
        let days = retention::drop_days(&db, Kind::Messages, day(4)).await.unwrap();
        assert_eq!(days.len(), if db.is_postgres() { 3 } else { 0 });
        loop {
            let tx = db.begin().await.unwrap();
            let mut gone = retention::messages_step(&tx, app, day(4), 2).await.unwrap();
            if gone == 0 {
                gone = retention::conversations_step(&tx, app, day(4), 2).await.unwrap();
            }
            tx.commit().await.unwrap();
            if gone == 0 {
                break;
            }
        }
        assert_eq!(count(&db, "messages").await, 3, "the paused, and two that are young");
        assert_eq!(count(&db, "message_feedbacks").await, 3);
        assert_eq!(count(&db, "message_agent_thoughts").await, 3);
        assert_eq!(count(&db, "conversations").await, 3);
    })
    .await;
}

/// Runs of a day by their numbers, each with three nodes and a log entry.
async fn fill(db: &Database, app: AppId, back: i64, first: i64, last: i64) {
    let at = "$2::timestamptz + n * interval '1 millisecond'";
    let ids = "md5($3 || ':' || n)::uuid";
    let rows = format!("FROM generate_series({first}, {last}) AS n");
    let text = "repeat('some words of a usual run ', 8)";
    let values = || vec![Value::from(app.0), day(back).into(), back.to_string().into()];
    let sql = format!(
        "INSERT INTO workflow_runs (id, tenant_id, app_id, workflow_id, \"type\", triggered_from, version, inputs, outputs, \
         status, elapsed_time, total_tokens, total_steps, exceptions_count, created_by_role, created_by, created_at, \
         finished_at) SELECT {ids}, $1, $1, $1, 'workflow', 'app-run', 'v', {text}, {text}, 'succeeded', 1, 9, 3, 0, \
         'end_user', $1, {at}, {at} {rows}"
    );
    run_sql(db, &sql, values()).await;
    for index in 1..=3 {
        let sql = format!(
            "INSERT INTO workflow_node_executions (id, tenant_id, app_id, workflow_id, triggered_from, workflow_run_id, \
             \"index\", node_id, node_type, title, retry_index, inputs, outputs, status, elapsed_time, debug, \
             created_by_role, created_by, created_at) SELECT md5('n{index}' || $3 || ':' || n)::uuid, $1, $1, $1, \
             'workflow-run', {ids}, {index}, 'n', 'start', 't', 0, {text}, {text}, 'succeeded', 1, false, 'end_user', $1, \
             {at} {rows}"
        );
        run_sql(db, &sql, values()).await;
    }
    let sql = format!(
        "INSERT INTO workflow_app_logs (id, tenant_id, app_id, workflow_id, workflow_run_id, created_from, created_by_role, \
         created_by, created_at) SELECT md5('l' || $3 || ':' || n)::uuid, $1, $1, $1, {ids}, 'service-api', 'end_user', $1, \
         {at} {rows}"
    );
    run_sql(db, &sql, values()).await;
}

/// `bench/retention.py` runs it on a server of its own, with the settings that PostgreSQL comes with.
#[tokio::test]
#[ignore = "a measurement: bench/retention.py"]
async fn a_day_of_a_million_runs() {
    let number =
        |name: &str, default: i64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (runs, days) = (number("RUNS", 1_000_000), number("DAYS", 30));
    let Some(test) = ox_testkit::postgres().await.unwrap() else { return };
    let db = test.database.clone();
    let app = app(&db).await;
    partitions(&db, day(days), i32::try_from(days).unwrap()).await;
    let per_day = runs / days;
    for back in 1..=days {
        // In pieces that end before the time limit of a statement.
        for first in (1..=per_day).step_by(5_000) {
            fill(&db, app, back, first, (first + 4_999).min(per_day)).await;
        }
    }
    assert_eq!(patiently(&db, "ANALYZE").await, None);
    println!(
        "rows: {} runs, {} node executions",
        patiently(&db, "SELECT COUNT(*) AS n FROM workflow_runs").await.unwrap(),
        patiently(&db, "SELECT COUNT(*) AS n FROM workflow_node_executions").await.unwrap()
    );
    // The oldest day, and a day that is all but one second of it.
    let before = (day(days).date_naive() + chrono::Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc();
    let started = Instant::now();
    let dropped = retention::drop_days(&db, Kind::Runs, before).await.unwrap();
    let runs_gone = started.elapsed();
    let mut steps = 0;
    let mut longest = std::time::Duration::ZERO;
    loop {
        let step = Instant::now();
        let tx = db.begin().await.unwrap();
        let gone = retention::logs_step(&tx, app, before, 1000).await.unwrap();
        tx.commit().await.unwrap();
        longest = longest.max(step.elapsed());
        if gone == 0 {
            break;
        }
        steps += 1;
    }
    let all = started.elapsed();
    println!(
        "dropped {dropped:?}: {per_day} runs with their nodes in {:.1} ms; with their log entries ({steps} transactions, the \
         longest {:.1} ms) in {:.1} ms",
        runs_gone.as_secs_f64() * 1e3,
        longest.as_secs_f64() * 1e3,
        all.as_secs_f64() * 1e3
    );
    let left = patiently(&db, "SELECT COUNT(*) AS n FROM workflow_app_logs").await;
    assert_eq!(left, Some(runs / days * (days - 1)));
    test.remove().await;
}
