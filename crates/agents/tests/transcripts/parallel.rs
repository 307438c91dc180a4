//! Calls of one round are made at the same time.

use super::*;

#[tokio::test]
async fn calls_of_one_round_are_made_at_the_same_time() {
    // Each waits for the others: one after another they would wait until their time is over.
    let tools = Arc::new(Tools { meeting: Some(Arc::new(Barrier::new(4))), ..Tools::default() });
    let texts = ["a", "b", "c", "d"].map(|text| match text {
        "a" => ("meet", r#"{"text": "a"}"#),
        "b" => ("meet", r#"{"text": "b"}"#),
        "c" => ("meet", r#"{"text": "c"}"#),
        _ => ("meet", r#"{"text": "d"}"#),
    });
    let model = Model::new(&[call(&[], &texts), say(&["done"])]);
    let lines = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["meet"]).await;
    let met: Vec<&str> = lines.iter().filter(|line| line.starts_with("meet")).map(String::as_str).collect();
    assert_eq!(met, [r#"meet -> "met a""#, r#"meet -> "met b""#, r#"meet -> "met c""#, r#"meet -> "met d""#]);
    // Each has an id of its own.
    let ids: std::collections::HashSet<NodeRunId> =
        tools.made.lock().unwrap().iter().map(|call| call.node_run_id).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn no_more_than_four_calls_are_made_at_a_time() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("hang", "{}"); 6])]);
    let toolbox = toolbox(&tools, &["hang"]).await;
    let mut events = run(task(Strategy::FunctionCalling, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    let mut started = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(50), events.next()).await {
        started += usize::from(matches!(event.unwrap(), AgentEvent::CallStarted(_)));
    }
    assert_eq!((started, tools.open.load(Ordering::SeqCst)), (4, 4));
    // Stopping stops them all.
    drop(events);
    assert_eq!(tools.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn results_come_in_the_order_of_the_calls() {
    let tools = Arc::new(Tools::default());
    let calls = [("first", r#"{"text": "one"}"#), ("refuse", r#"{"text": "x"}"#), ("last", r#"{"text": "two"}"#)];
    let model = Model::new(&[call(&[], &calls), say(&["done"])]);
    let lines = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["first", "refuse", "last"]).await;
    let told: Vec<&str> = lines.iter().filter(|line| line.contains(" -> ")).map(String::as_str).collect();
    assert_eq!(
        told,
        [r#"first -> "one""#, r#"refuse -> "tool invoke error: not today" !not today"#, r#"last -> "two""#,]
    );
    // The model reads them in that order too.
    let asked = model.asked();
    let read: Vec<String> = texts(&asked[1]).into_iter().filter(|text| text.starts_with("tool: ")).collect();
    assert_eq!(read, ["tool: one", "tool: tool invoke error: not today", "tool: two"]);
}

#[tokio::test]
async fn a_call_that_waits_for_an_approval_does_not_hold_up_the_one_before() {
    let tools = Arc::new(Tools { meeting: Some(Arc::new(Barrier::new(2))), ..Tools::default() });
    let calls = [("meet", r#"{"text": "a"}"#), ("echo", r#"{"text": "b"}"#), ("meet", r#"{"text": "c"}"#)];
    let model = Model::new(&[call(&[], &calls), say(&["done"])]);
    let people = People::new(&[(Decision::Approved, "")]);
    let rules = [("meet", json!({})), ("echo", json!({"approval": "always"}))];
    let toolbox = ruled(&tools, &people, &rules).await;
    let outcomes = outcomes(&model, toolbox, Strategy::FunctionCalling).await;
    let seen: Vec<&str> = outcomes.iter().map(|one| one.observation.as_str()).collect();
    assert_eq!(seen, ["met a", "you said b", "met c"]);
    // The first was begun when the person was asked: to begin anew would repeat it.
    assert!(people.asked.lock().unwrap()[0].has_called);
}

#[tokio::test]
async fn dropping_the_stream_stops_the_work() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("hang", "{}")])]);
    let toolbox = toolbox(&tools, &["hang"]).await;
    let mut events = run(task(Strategy::FunctionCalling, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    while !matches!(events.next().await, Some(Ok(AgentEvent::CallStarted(_)))) {}
    let next = events.next();
    assert!(tokio::time::timeout(Duration::from_millis(50), next).await.is_err());
    assert_eq!(tools.open.load(Ordering::SeqCst), 1);
    drop(events);
    assert_eq!(tools.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_tool_that_hangs_has_failed() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("hang", "{}")]), say(&["ok"])]);
    let toolbox = toolbox(&tools, &["hang"]).await.with_time_limit(Duration::from_millis(10));
    let mut events = run(task(Strategy::FunctionCalling, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    let mut error = None;
    while let Some(event) = events.next().await {
        if let Ok(AgentEvent::CallFinished(outcome)) = event {
            error = outcome.error;
        }
    }
    assert_eq!(error.as_deref(), Some("no answer within 0 seconds"));
    assert_eq!(tools.open.load(Ordering::SeqCst), 0);
}
