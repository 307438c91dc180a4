//! Figures by day against the rows they are of: one body, every database.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ox_db::{
    Database,
    model::{App, Conversation, Message, MessageFeedback, NodeExecution, Site, WorkflowRun},
    repo::{
        apps,
        journal::{RunBatch, RunWriter},
        messages,
        slow_nodes::{self, Bounds, NodeTimes},
        statistics::{self, Day, MessageDay, RatedDay, RunDay, Timed, TimesDay},
    },
};
use ox_testkit::on_each_database;
use ox_types::{
    AccountId, AppId, ConversationId, EndUserId, MessageId, NodeRunId, NodeStatus, RunId, RunStatus, TenantId,
    WorkflowId, new_uuid,
};
use serde_json::json;
use uuid::Uuid;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn site(app: &App, code: &str) -> Site {
    Site {
        id: new_uuid(),
        app_id: app.id,
        title: app.name.clone(),
        icon_type: None,
        icon: None,
        icon_background: None,
        description: None,
        default_language: "en-US".into(),
        chat_color_theme: None,
        chat_color_theme_inverted: false,
        copyright: None,
        privacy_policy: None,
        custom_disclaimer: String::new(),
        show_workflow_steps: true,
        use_icon_as_answer_icon: false,
        customize_domain: None,
        customize_token_strategy: "not_allow".into(),
        prompt_public: false,
        status: "normal".into(),
        code: Some(code.into()),
        created_by: app.created_by,
        created_at: at("2026-01-01T00:00:00Z"),
        updated_by: None,
        updated_at: at("2026-01-01T00:00:00Z"),
    }
}

async fn app(db: &Database, tenant: TenantId, mode: &str) -> AppId {
    let app = App {
        id: AppId::new(),
        tenant_id: tenant,
        name: "App".into(),
        description: String::new(),
        mode: mode.into(),
        icon_type: None,
        icon: None,
        icon_background: None,
        app_model_config_id: None,
        workflow_id: None,
        status: "normal".into(),
        enable_site: true,
        enable_api: true,
        api_rpm: 0,
        api_rph: 0,
        is_demo: false,
        is_public: false,
        is_universal: false,
        tracing: None,
        max_active_requests: None,
        use_icon_as_answer_icon: false,
        created_by: Some(AccountId::new()),
        created_at: at("2026-01-01T00:00:00Z"),
        updated_by: None,
        updated_at: at("2026-01-01T00:00:00Z"),
    };
    let tx = db.begin().await.unwrap();
    apps::insert(&tx, &app, &site(&app, &app.id.to_string()), None).await.unwrap();
    tx.commit().await.unwrap();
    app.id
}

fn conversation(app: AppId, time: &str) -> Conversation {
    Conversation {
        id: ConversationId::new(),
        app_id: app,
        app_model_config_id: None,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        mode: "chat".into(),
        name: "c".into(),
        summary: None,
        inputs: json!({}),
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
        created_at: at(time),
        updated_at: at(time),
    }
}

fn message(of: &Conversation, user: EndUserId, time: &str, tokens: (i32, i32), price: Option<&str>) -> Message {
    Message {
        id: MessageId::new(),
        app_id: of.app_id,
        conversation_id: of.id,
        parent_message_id: None,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        inputs: "{}".into(),
        query: "q".into(),
        message: None,
        answer: "a".into(),
        message_tokens: tokens.0,
        message_unit_price: "0".into(),
        message_price_unit: "0.001".into(),
        answer_tokens: tokens.1,
        answer_unit_price: "0".into(),
        answer_price_unit: "0.001".into(),
        total_price: price.map(str::to_owned),
        currency: "USD".into(),
        provider_response_latency: 0.5,
        status: "normal".into(),
        error: None,
        message_metadata: None,
        invoke_from: Some("service-api".into()),
        from_source: "api".into(),
        from_end_user_id: Some(user),
        from_account_id: None,
        agent_based: false,
        workflow_run_id: None,
        app_mode: Some("chat".into()),
        owner: None,
        created_at: at(time),
        updated_at: at(time),
    }
}

fn like(of: &Message, side: &str, rating: &str) -> MessageFeedback {
    MessageFeedback {
        id: new_uuid(),
        app_id: of.app_id,
        conversation_id: of.conversation_id,
        message_id: of.id,
        rating: rating.into(),
        from_source: side.into(),
        content: None,
        from_end_user_id: None,
        from_account_id: None,
        created_at: of.created_at,
        updated_at: of.created_at,
    }
}

/// Three days of a clock that is an hour ahead.
fn days() -> Vec<Day> {
    let edges = ["2026-11-18T23:00:00Z", "2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z"];
    edges.windows(2).map(|pair| Day { since: at(pair[0]), until: at(pair[1]) }).collect()
}

#[tokio::test]
async fn messages_are_counted_by_day() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let id = app(&db, tenant, "chat").await;
        let (ann, bob) = (EndUserId::new(), EndUserId::new());
        let one = conversation(id, "2026-11-19T22:59:59.999999Z");
        let two = conversation(id, "2026-11-19T23:00:00Z");
        let all = [
            message(&one, ann, "2026-11-19T22:59:59.999999Z", (10, 5), Some("0.0012345")),
            message(&one, ann, "2026-11-19T23:00:00Z", (1, 1), Some("0.1000000")),
            message(&two, bob, "2026-11-19T23:00:00.5Z", (1, 1), Some("0.2")),
            message(&two, ann, "2026-11-20T22:59:59Z", (1, 1), None),
            Message {
                invoke_from: Some("debugger".into()),
                ..message(&two, bob, "2026-11-20T10:00:00Z", (9, 9), Some("9"))
            },
            Message { invoke_from: None, ..message(&two, bob, "2026-11-21T10:00:00Z", (0, 0), Some("")) },
            message(&two, bob, "2026-11-21T23:00:00Z", (7, 7), Some("7")),
        ];
        let batch = RunBatch { conversations: vec![&one, &two], messages: all.iter().collect(), ..RunBatch::default() };
        RunWriter::new(db.clone()).commit(&batch).await.unwrap();
        let tx = db.begin().await.unwrap();
        for feedback in
            [like(&all[1], "user", "like"), like(&all[1], "admin", "like"), like(&all[2], "user", "dislike")]
        {
            messages::put_feedback(&tx, feedback).await.unwrap();
        }
        tx.commit().await.unwrap();
        let day = |messages, conversations, end_users, tokens, answer_tokens, price, seconds| MessageDay {
            messages,
            conversations,
            end_users,
            tokens,
            answer_tokens,
            price,
            seconds,
        };
        let found = statistics::message_days(&db, tenant, id, &days()).await.unwrap();
        let expected = BTreeMap::from([
            (0, day(1, 1, 1, 15, 5, 12_345, 0.5)),
            (1, day(3, 2, 2, 6, 3, 3_000_000, 1.5)),
            (2, day(1, 1, 1, 0, 0, 0, 0.5)),
        ]);
        assert_eq!(found, expected);
        let rated = statistics::rated_days(&db, tenant, id, &days()).await.unwrap();
        let expected = BTreeMap::from([(1, RatedDay { likes: 1, dislikes: 1 })]);
        assert_eq!(rated, expected, "liked by two sides is liked once");
        assert!(statistics::rated_days(&db, TenantId::new(), id, &days()).await.unwrap().is_empty());
        let sessions = statistics::session_days(&db, tenant, id, &days()).await.unwrap();
        assert_eq!(sessions, BTreeMap::from([(0, (1, 2)), (1, (1, 4))]), "by the day on which they began");
        assert_eq!(statistics::first(&db, tenant, id, false).await.unwrap(), Some(all[0].created_at));
        assert_eq!(statistics::first(&db, tenant, id, true).await.unwrap(), None);
        let foreign = statistics::first(&db, TenantId::new(), id, false).await.unwrap();
        assert_eq!(foreign, None, "of another workspace");
        let foreign = statistics::message_days(&db, TenantId::new(), id, &days()).await.unwrap();
        assert!(foreign.is_empty(), "of another workspace");
        assert!(statistics::message_days(&db, tenant, id, &[]).await.unwrap().is_empty());
    })
    .await;
}

fn run(tenant: TenantId, app: AppId, user: Uuid, time: &str, tokens: i64, from: &str) -> WorkflowRun {
    WorkflowRun {
        id: RunId::new(),
        tenant_id: tenant,
        app_id: app,
        workflow_id: WorkflowId::new(),
        kind: "workflow".into(),
        triggered_from: from.into(),
        version: "1".into(),
        graph: None,
        inputs: None,
        status: RunStatus::Succeeded,
        outputs: None,
        error: None,
        elapsed_time: 1.0,
        total_tokens: tokens,
        total_steps: 1,
        total_price: None,
        currency: None,
        exceptions_count: 0,
        created_by_role: "end_user".into(),
        created_by: user,
        owner: None,
        resume: None,
        labels: None,
        created_at: at(time),
        finished_at: Some(at(time)),
    }
}

#[tokio::test]
async fn runs_are_counted_by_day() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let id = app(&db, tenant, "workflow").await;
        let (ann, bob) = (new_uuid(), new_uuid());
        let all = [
            run(tenant, id, ann, "2026-11-19T10:00:00Z", 5, "app-run"),
            run(tenant, id, ann, "2026-11-19T11:00:00Z", 6, "webhook"),
            run(tenant, id, bob, "2026-11-19T22:59:00Z", 7, "app-run"),
            run(tenant, id, bob, "2026-11-20T10:00:00Z", 100, "debugging"),
            run(tenant, id, bob, "2026-11-20T10:00:00Z", 100, "replay"),
            run(tenant, id, bob, "2026-11-21T22:00:00Z", i64::from(i32::MAX), "schedule"),
        ];
        let batch = RunBatch { runs: all.iter().collect(), ..RunBatch::default() };
        RunWriter::new(db.clone()).commit(&batch).await.unwrap();
        let found = statistics::run_days(&db, tenant, id, &days()).await.unwrap();
        let expected = BTreeMap::from([
            (0, RunDay { runs: 3, users: 2, tokens: 18 }),
            (2, RunDay { runs: 1, users: 1, tokens: i64::from(i32::MAX) }),
        ]);
        assert_eq!(found, expected);
        assert!(statistics::run_days(&db, TenantId::new(), id, &days()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn times_of_a_day_are_percentiles_by_the_nearest_rank() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let id = app(&db, tenant, "workflow").await;
        let took = |minute: u32, seconds: f64| WorkflowRun {
            elapsed_time: seconds,
            ..run(tenant, id, new_uuid(), &format!("2026-11-20T10:{minute:02}:00Z"), 0, "app-run")
        };
        // One to forty seconds, not in order; the newest twenty are the even ones, and two alone on the next day.
        let mut all: Vec<WorkflowRun> = (0..20)
            .map(|minute| took(minute, f64::from(39 - 2 * minute)))
            .chain((0..20).map(|minute| took(20 + minute, f64::from(2 + 2 * minute))))
            .collect();
        all.push(WorkflowRun { finished_at: None, status: RunStatus::Running, ..took(50, 900.0) });
        all.push(run(tenant, id, new_uuid(), "2026-11-20T10:51:00Z", 0, "debugging"));
        for seconds in [0.25, 8.5] {
            all.push(WorkflowRun {
                elapsed_time: seconds,
                ..run(tenant, id, new_uuid(), "2026-11-21T10:00:00Z", 0, "webhook")
            });
        }
        let batch = RunBatch { runs: all.iter().collect(), ..RunBatch::default() };
        RunWriter::new(db.clone()).commit(&batch).await.unwrap();
        let day = |measured, p50, p95, p99, sampled| TimesDay {
            measured,
            p50,
            p95,
            p99,
            first_token_p50: None,
            first_token_p95: None,
            sampled,
        };
        let found = statistics::times(&db, tenant, id, &days(), Timed::Runs, 1000).await.unwrap();
        assert_eq!(found, BTreeMap::from([(1, day(40, 20.0, 38.0, 40.0, false)), (2, day(2, 0.25, 8.5, 8.5, false))]));
        // Of 42 rows the newest 21, and the one at the cut: two of them do not count.
        let found = statistics::times(&db, tenant, id, &days(), Timed::Runs, 21).await.unwrap();
        assert_eq!(found, BTreeMap::from([(1, day(20, 20.0, 38.0, 40.0, true)), (2, day(2, 0.25, 8.5, 8.5, false))]));
        let foreign = statistics::times(&db, TenantId::new(), id, &days(), Timed::Runs, 1000).await.unwrap();
        assert!(foreign.is_empty(), "of another workspace");
        assert!(statistics::times(&db, tenant, id, &[], Timed::Runs, 1000).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn times_of_messages_have_those_of_their_first_token() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let id = app(&db, tenant, "chat").await;
        let one = conversation(id, "2026-11-20T10:00:00Z");
        let ann = EndUserId::new();
        let took = |time: &str, seconds: f64, metadata: Option<&str>| Message {
            provider_response_latency: seconds,
            message_metadata: metadata.map(str::to_owned),
            ..message(&one, ann, time, (1, 1), None)
        };
        let all = [
            took("2026-11-20T10:00:00Z", 4.0, Some(r#"{"usage":{"total_tokens":2,"time_to_first_token":0.75}}"#)),
            took("2026-11-20T10:01:00Z", 1.0, Some(r#"{"usage": {"time_to_first_token": 0.25}, "x": 1}"#)),
            took("2026-11-20T10:02:00Z", 2.0, Some(r#"{"usage":{"time_to_first_token":null}}"#)),
            took("2026-11-20T10:03:00Z", 3.0, Some("broken")),
            took("2026-11-20T10:04:00Z", 0.0, None),
            Message { invoke_from: Some("debugger".into()), ..took("2026-11-20T10:05:00Z", 90.0, None) },
            took("2026-11-21T10:00:00Z", 1.5, None),
        ];
        let batch = RunBatch { conversations: vec![&one], messages: all.iter().collect(), ..RunBatch::default() };
        RunWriter::new(db.clone()).commit(&batch).await.unwrap();
        let found = statistics::times(&db, tenant, id, &days(), Timed::Messages, 1000).await.unwrap();
        let day = |measured, p50, p95, first: Option<(f64, f64)>| TimesDay {
            measured,
            p50,
            p95,
            p99: p95,
            first_token_p50: first.map(|first| first.0),
            first_token_p95: first.map(|first| first.1),
            sampled: false,
        };
        assert_eq!(found, BTreeMap::from([(1, day(4, 2.0, 4.0, Some((0.25, 0.75)))), (2, day(1, 1.5, 1.5, None))]));
        let foreign = statistics::times(&db, TenantId::new(), id, &days(), Timed::Messages, 1000).await.unwrap();
        assert!(foreign.is_empty(), "of another workspace");
    })
    .await;
}

fn node(of: &WorkflowRun, index: i32, kind: &str, seconds: f64, status: NodeStatus) -> NodeExecution {
    NodeExecution {
        id: NodeRunId::new(),
        tenant_id: of.tenant_id,
        app_id: of.app_id,
        workflow_id: of.workflow_id,
        triggered_from: "workflow-run".into(),
        workflow_run_id: Some(of.id),
        index,
        finish_seq: None,
        predecessor_node_id: None,
        node_id: format!("the-{kind}"),
        node_type: kind.into(),
        title: format!("{kind} {seconds}"),
        frame: None,
        handle: None,
        retry_index: 0,
        inputs: None,
        process_data: None,
        outputs: None,
        updates: None,
        array_types: None,
        status,
        error: None,
        error_type: None,
        elapsed_time: seconds,
        execution_metadata: None,
        debug: false,
        created_by_role: "end_user".into(),
        created_by: of.created_by,
        created_at: of.created_at,
        finished_at: (status != NodeStatus::Running).then_some(of.created_at),
    }
}

#[tokio::test]
async fn nodes_are_told_by_their_times_the_slowest_first() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let id = app(&db, tenant, "workflow").await;
        let ann = new_uuid();
        let (mut runs, mut nodes) = (Vec::new(), Vec::new());
        // Models take one to twenty seconds, the newest longest; one in four requests fails.
        for number in 0..20 {
            let of = run(tenant, id, ann, &format!("2026-11-20T10:{number:02}:00Z"), 0, "app-run");
            let status = if number % 4 == 0 { NodeStatus::Exception } else { NodeStatus::Succeeded };
            nodes.push(node(&of, 1, "llm", f64::from(number + 1), NodeStatus::Succeeded));
            nodes.push(node(&of, 2, "http-request", 0.5, status));
            runs.push(of);
        }
        // What still works has no time, and what the editor ran, or another time, is not looked at.
        nodes.push(node(&runs[0], 3, "code", 9.0, NodeStatus::Running));
        for (time, from) in [("2026-11-20T10:30:00Z", "debugging"), ("2026-11-21T10:00:00Z", "app-run")] {
            let of = run(tenant, id, ann, time, 0, from);
            nodes.push(node(&of, 1, "llm", 900.0, NodeStatus::Failed));
            runs.push(of);
        }
        let batch = RunBatch { runs: runs.iter().collect(), nodes: nodes.iter().collect(), ..RunBatch::default() };
        RunWriter::new(db.clone()).commit(&batch).await.unwrap();
        let span = Day { since: at("2026-11-20T00:00:00Z"), until: at("2026-11-21T00:00:00Z") };
        let most = Bounds { runs: 20, executions: 40, nodes: 10 };
        let found = slow_nodes::slowest(&db, tenant, id, span, most).await.unwrap();
        let of = |kind: &str, title: &str, executions, failed, p50, p95| NodeTimes {
            node_id: format!("the-{kind}"),
            kind: kind.into(),
            title: title.into(),
            executions,
            failed,
            p50,
            p95,
        };
        let http = of("http-request", "http-request 0.5", 20, 5, 0.5, 0.5);
        assert_eq!(found.nodes, [of("llm", "llm 20", 20, 0, 10.0, 19.0), http]);
        assert!(!found.sampled);
        let found = slow_nodes::slowest(&db, tenant, id, span, Bounds { runs: 19, ..most }).await.unwrap();
        assert!(found.sampled, "there was one more run");
        let found = slow_nodes::slowest(&db, tenant, id, span, Bounds { nodes: 1, ..most }).await.unwrap();
        assert_eq!((found.nodes.len(), found.sampled), (1, false));
        let found = slow_nodes::slowest(&db, TenantId::new(), id, span, most).await.unwrap();
        assert_eq!((found.nodes.len(), found.sampled), (0, false), "of another workspace");
    })
    .await;
}
