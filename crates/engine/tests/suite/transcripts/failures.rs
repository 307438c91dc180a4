//! Nodes that fail, runs that are stopped or cannot be recorded.

use super::*;

#[tokio::test]
async fn failures() {
    let nodes = |data: Json| [("s", start()), ("n", data), ("e", end(&[("x", ["n", "result"])])), ("f", code())];
    let edges = "s -> n, n -> e, n -fail-branch-> f";
    let fails = Act::Fail("boom");
    let twice = Act::FailTimes(2, Box::new(outputs(json!({"result": 1}))));
    let branch = json!({"error_strategy": "fail-branch"});
    let default =
        json!({"error_strategy": "default-value", "default_value": [{"key": "result", "type": "number", "value": 7}]});
    let cases = [
        (code(), "s -> n, n -> e", fails.clone(), "NRS(n); NRfailed(n: boom); GraphRun failed", json!({})),
        (
            with(code(), branch.clone()),
            edges,
            fails.clone(),
            "NRS(n); NRexception(n: boom); NRS(f); NRE(f); GraphRun partial-succeeded",
            json!({}),
        ),
        (
            with(code(), branch.clone()),
            edges,
            outputs(json!({"result": 1})),
            "NRS(n); NRC \"1\"; NRE(n); NRS(e); NRE(e); GraphRun succeeded",
            json!({"x": 1}),
        ),
        (
            with(code(), default.clone()),
            "s -> n, n -> e",
            fails.clone(),
            "NRS(n); NRC \"7\"; NRexception(n: boom); NRS(e); NRE(e); GraphRun partial-succeeded",
            json!({"x": 7}),
        ),
        (
            retry(code(), 3),
            "s -> n, n -> e",
            twice.clone(),
            "NRS(n); Retry1(n); Retry2(n); NRC \"1\"; NRE(n); NRS(e); NRE(e); GraphRun partial-succeeded",
            json!({"x": 1}),
        ),
        (
            retry(with(code(), branch.clone()), 1),
            edges,
            twice.clone(),
            "NRS(n); Retry1(n); NRexception(n: attempt 2 failed); NRS(f); NRE(f); GraphRun partial-succeeded",
            json!({}),
        ),
        (
            retry(json!({"type": "template-transform"}), 3),
            "s -> n",
            fails.clone(),
            "NRS(n); NRE(n); GraphRun succeeded",
            json!({}),
        ),
    ];
    for (data, edges, act, expected, result) in cases {
        // In the first case the fail branch is not connected, so the node f is not reached.
        let chunks_first = expected.starts_with("NRS(n)");
        assert!(chunks_first);
        let scene = Scene::graph(&nodes(data.clone()), edges).act("n", act);
        let ran = scene.run().await;
        ran.check();
        assert_eq!(ran.transcript(), format!("GraphRunStarted; NRS(s); NRE(s); {expected}"), "{data}");
        assert_eq!(ran.outputs(), result);
    }
}

#[tokio::test]
async fn what_a_failure_leaves_for_others() {
    let data = with(code(), json!({"error_strategy": "fail-branch"}));
    let template = "{{#n.error_type#}}: {{#n.error_message#}}";
    let nodes = [("s", start()), ("n", data), ("a", answer(template))];
    let ran = Scene::graph(&nodes, "s -> n, n -fail-branch-> a").act("n", Act::Fail("boom")).run().await;
    assert_eq!(ran.output("answer"), "ScriptedError: boom");
    assert_eq!(ran.shown(), "ScriptedError: boom");
    assert_eq!(ran.outcome.exceptions_count, 1);
    let result = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::NodeFinished(info, result) if info.node.id == "n" => Some(result.clone()),
        _ => None,
    });
    assert_eq!(result.unwrap().metadata["error_strategy"], json!("fail-branch"));
}

#[tokio::test]
async fn a_default_value_cannot_choose_a_branch() {
    let mut data = branch(["gone", "x"], "1");
    data = with(data, json!({"error_strategy": "default-value", "default_value": []}));
    let nodes = [("s", start()), ("i", data), ("a", answer("x"))];
    let ran = Scene::graph(&nodes, "s -> i, i -true-> a").run().await;
    assert_eq!(ran.outcome.status, RunStatus::Failed);
    assert_eq!(ran.outcome.error.as_deref(), Some("Branch node i completed without selecting a branch"));
}

#[tokio::test]
async fn a_model_that_breaks_off_with_a_strategy_does_not_hold_up_the_answer() {
    let default = json!({"error_strategy": "default-value", "default_value": [{"key": "text", "type": "string", "value": "sorry"}]});
    let nodes = [("s", start()), ("A", with(llm(), default)), ("a", answer("{{#A.text#}}."))];
    let scene = Scene::graph(&nodes, "s -> A, A -> a");
    let ran = scene.clone().act("A", Act::BreakOff("hal")).run().await;
    assert_eq!(ran.shown(), "hal.", "what was shown stays, the default is not added");
    assert_eq!(ran.output("answer"), "sorry.");
    let ran = scene.act("A", Act::Fail("down")).run().await;
    assert_eq!(ran.shown(), "sorry.");
}

#[tokio::test]
async fn a_panicking_node_fails_like_any_other() {
    let nodes = [("s", start()), ("n", retry(code(), 3)), ("e", end(&[]))];
    let scene = Scene::graph(&nodes, "s -> n, n -> e").act("n", Act::Panic);
    for act in [Act::Panic, Act::Yield(3, Box::new(Act::Panic))] {
        let ran = scene.clone().act("n", act).run().await;
        ran.check();
        assert_eq!(ran.outcome.status, RunStatus::Failed);
        assert_eq!(ran.outcome.error.as_deref(), Some("internal error in node n: scripted panic"));
    }
}

#[tokio::test]
async fn running_nodes_are_drained_after_a_failure() {
    let nodes = [("s", start()), ("a", code()), ("b", code()), ("c", code()), ("d", code())];
    let scene = Scene::graph(&nodes, "s -> a, s -> b, a -> c, s -> d")
        .act("a", Act::Yield(5, Box::new(outputs(json!({})))))
        .act("b", Act::Fail("boom"))
        .workers(2);
    let ran = scene.run().await;
    ran.check();
    let transcript = ran.transcript();
    assert_eq!(
        transcript, "GraphRunStarted; NRS(s); NRE(s); NRS(a); NRS(b); NRfailed(b: boom); NRE(a); GraphRun failed",
        "a ends, its follower and the waiting node do not begin"
    );
}

#[tokio::test]
async fn a_run_is_stopped_in_mid_stream() {
    let nodes = [("s", start()), ("A", llm()), ("a", answer("{{#A.text#}}"))];
    let scene = Scene::graph(&nodes, "s -> A, A -> a").act("A", Act::Yield(1, Box::new(Act::Stream(vec!["x"]))));
    // A stream that never ends: the model hangs after its first words.
    let hanging = Scene::graph(&[("s", start()), ("A", code()), ("B", code())], "s -> A, A -> B")
        .act("A", Act::Yield(2, Box::new(Act::Hang)));
    let (handle, sink) = hanging.start();
    while sink.events().len() < 4 {
        tokio::task::yield_now().await;
    }
    handle.stop("user asked");
    handle.stop("again");
    let outcome = handle.wait().await;
    assert_eq!(outcome.status, RunStatus::Stopped);
    assert_eq!(outcome.stopped_by, Some(StopCause::Request));
    assert_eq!(outcome.error.as_deref(), Some("user asked"));
    let ran = crate::scene::Ran { outcome, events: sink.events() };
    ran.check();
    assert_eq!(ran.transcript(), "GraphRunStarted; NRS(s); NRE(s); NRS(A); NRstopped(A: user asked); GraphRun stopped");
    assert_eq!(scene.run().await.outcome.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_side_effect_waits_for_its_start_to_be_durable() {
    let nodes = [("s", start()), ("h", json!({"type": "http-request"})), ("c", code())];
    let scene = Scene::graph(&nodes, "s -> h, h -> c");
    let (handle, sink) = scene.start();
    handle.wait().await;
    let events = sink.events();
    let start = events.iter().find(|event| matches!(&event.kind, RunEventKind::NodeStarted(n) if n.node.id == "h"));
    assert_eq!(*sink.barriers.lock().unwrap(), [start.unwrap().sequence]);
}

#[tokio::test]
async fn a_run_that_cannot_be_recorded_is_given_up() {
    let nodes = [("s", start()), ("h", json!({"type": "http-request"})), ("c", code())];
    for full_at in 0..6 {
        let scene = Scene::graph(&nodes, "s -> h, h -> c");
        let sink = std::sync::Arc::new(crate::scene::Record::default());
        *sink.full_at.lock().unwrap() = Some(full_at);
        let outcome = ox_engine::start(scene.workflow(), scene.run_start(&sink)).unwrap().wait().await;
        assert_eq!(outcome.status, RunStatus::Running, "not ended here");
        assert_eq!(outcome.error.as_deref(), Some("run events cannot be recorded: disk full"));
        assert_eq!(sink.events().len(), full_at);
        assert_eq!(scene.runs_of("c"), u32::from(full_at >= 6));
    }
}

#[tokio::test]
async fn an_abandoned_run_tells_nothing_more() {
    let nodes = [("s", start()), ("n", code())];
    let (handle, sink) = Scene::graph(&nodes, "s -> n").act("n", Act::Hang).start();
    while sink.events().len() < 4 {
        tokio::task::yield_now().await;
    }
    handle.abandon();
    assert_eq!(handle.wait().await.status, RunStatus::Running);
    assert_eq!(sink.events().len(), 4);
}

// --- containers
