//! Runs that pause, are cut off, or reach a limit while a node ends.

use super::*;

#[tokio::test]
async fn a_run_may_be_stopped_paused_or_cut_off_after_any_event() {
    let scene = {
        let nodes = [
            ("s", start()),
            ("list", code()),
            ("it", iteration(json!({"is_parallel": true, "parallel_nums": 2, "output_selector": ["m", "text"]}))),
            ("its", json!({"type": "iteration-start"})),
            ("m", llm()),
            ("say", answer("{{#m.text#}}")),
            ("b", retry(llm(), 1)),
            ("e", answer("{{#b.text#}}{{#it.output#}}")),
        ];
        Scene::graph(&nodes, "s -> list, s -> b, list -> it, it -> e, b -> e, its -> m, m -> say")
            .act("list", outputs(json!({"result": [1, 2, 3]})))
            .act("m", Act::Yield(2, Box::new(Act::Stream(vec!["u", "v", "w"]))))
            .act("b", Act::FailTimes(1, Box::new(words("one two three"))))
    };
    let count = scene.run().await.events.len();
    let mut seen = std::collections::BTreeSet::new();
    for after in 0..=count {
        for order in ["stop", "pause", "abandon"] {
            let (handle, sink) = scene.start();
            for _ in 0..10_000 {
                if sink.events().len() >= after {
                    break;
                }
                tokio::task::yield_now().await;
            }
            match order {
                "stop" => handle.stop("enough"),
                "pause" => handle.pause("wait"),
                _ => handle.abandon(),
            }
            let outcome = handle.wait().await;
            seen.insert((order, outcome.status.as_str()));
            let ran = crate::scene::Ran { outcome, events: sink.events() };
            match ran.outcome.status {
                RunStatus::Paused | RunStatus::Running => {
                    let state = if order == "pause" { Interruption::Paused } else { Interruption::Running };
                    let resumed = scene.resume(ran.record(99, false, state)).await;
                    assert_eq!(resumed.outcome.status, RunStatus::PartialSucceeded, "{}", resumed.transcript());
                    assert_eq!(resumed.output("answer"), "uvwuvwuvwone two three- uvw\n- uvw\n- uvw");
                }
                _ => {
                    ran.check();
                }
            }
        }
    }
    let all = ["abandon running", "pause paused", "stop stopped"].map(|pair| pair.split_once(' ').unwrap());
    assert!(all.iter().all(|pair| seen.contains(pair)), "{seen:?}");
}

#[tokio::test]
async fn a_pause_waits_for_running_nodes_and_goes_on_later() {
    let nodes = [("s", start()), ("form", code()), ("b", code()), ("c", code()), ("a", answer("{{#form.x#}}"))];
    let scene = Scene::graph(&nodes, "s -> form, s -> b, b -> c, form -> a, c -> a")
        .act("form", Act::Pause(Box::new(outputs(json!({"x": "filled"})))))
        .act("b", Act::Yield(4, Box::new(outputs(json!({})))));
    let paused = scene.clone().workers(2).run().await;
    assert_eq!(paused.outcome.status, RunStatus::Paused);
    let transcript = paused.transcript();
    assert_eq!(
        transcript,
        r#"GraphRunStarted; NRS(s); NRE(s); NRS(form); NRS(b); NRE(b); GraphRunPaused [{"type":"human_input_required","node_id":"form"}]"#,
        "what was ready begins, what becomes ready waits"
    );
    let record = paused.record(99, false, Interruption::Paused);
    assert_eq!(record.interrupted.len(), 1);
    let resumed = scene.resume(record).await;
    assert_eq!(resumed.outcome.status, RunStatus::Succeeded);
    assert_eq!(
        resumed.transcript(),
        "Resumed \"\"; NRC \"filled\"; NRE(form); NRS(c); NRE(c); NRS(a); NRE(a); GraphRun succeeded"
    );
    assert_eq!(resumed.output("answer"), "filled");
    let (handle, sink) =
        scene.act("b", Act::Yield(50, Box::new(outputs(json!({}))))).act("form", outputs(json!({}))).start();
    handle.pause("maintenance");
    assert_eq!(handle.wait().await.status, RunStatus::Paused);
    assert!(matches!(&sink.events().last().unwrap().kind, RunEventKind::RunPaused { reasons, .. }
        if matches!(&reasons[..], [reason] if reason.node.is_none()
            && reason.data == json!({"type": "scheduled_pause", "message": "maintenance"}))));
}

#[tokio::test]
async fn a_pause_waits_for_retries() {
    let nodes = [("s", start()), ("form", code()), ("r", retry(code(), 2)), ("c", code())];
    let scene = Scene::graph(&nodes, "s -> form, s -> r, r -> c")
        .act("form", Act::Yield(3, Box::new(Act::Pause(Box::new(outputs(json!({})))))))
        .act("r", Act::FailTimes(2, Box::new(outputs(json!({})))));
    let ran = scene.run().await;
    assert_eq!(ran.outcome.status, RunStatus::Paused);
    assert!(ran.transcript().contains("Retry1(r); Retry2(r); NRE(r); GraphRunPaused"), "{}", ran.transcript());
}

#[tokio::test]
async fn a_limit_passed_while_a_node_ends_comes_after_that_end() {
    // The second item's answer is held back behind the first item, which hangs.
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(json!({"is_parallel": true, "output_selector": ["it", "item"]}))),
        ("its", json!({"type": "iteration-start"})),
        ("i", branch(["it", "item"], "first")),
        ("hang", code()),
        ("t", json!({"type": "template-transform", "template": "a long text that is held back"})),
        ("say", answer("{{#t.output#}}")),
    ];
    let edges = "s -> list, list -> it, its -> i, i -true-> hang, i -false-> t, t -> say";
    let ran = Scene::graph(&nodes, edges)
        .act("list", outputs(json!({"result": ["first", "second"]})))
        .act("hang", Act::Hang)
        .limit(|limits| limits.max_buffered_bytes = 10)
        .run()
        .await;
    ran.check();
    assert!(ran.transcript().ends_with("GraphRun stopped"), "{}", ran.transcript());
    assert!(ran.transcript().contains("NRE(t); "), "{}", ran.transcript());
    assert_eq!(ran.outcome.error.as_deref(), Some("Maximum buffered answer size exceeded: 29 > 10 bytes"));
}

#[tokio::test]
async fn a_pause_inside_parallel_items_goes_on_where_it_was() {
    let list = json!(["a", "b", "c"]);
    let scene = iterate(code(), json!({"is_parallel": true, "parallel_nums": 2}), list)
        .act("in", Act::Pause(Box::new(outputs(json!({"result": "filled"})))));
    let mut ran = scene.run().await;
    assert_eq!(ran.outcome.status, RunStatus::Paused);
    let mut finished = ran.record(99, false, Interruption::Paused);
    assert_eq!(finished.interrupted.len(), 2, "the iteration, and the first item; what becomes ready waits");
    for _ in 0..3 {
        if ran.outcome.status != RunStatus::Paused {
            break;
        }
        ran = scene.resume(finished.clone()).await;
        let more = ran.record(99, false, Interruption::Paused);
        finished.finished.extend(more.finished);
        finished.last_sequence = more.last_sequence;
    }
    assert_eq!(ran.outcome.status, RunStatus::Succeeded, "{}", ran.transcript());
    assert_eq!(ran.outputs(), json!({"out": ["filled", "filled", "filled"]}));
}

#[tokio::test]
async fn a_graph_that_cannot_be_built_is_refused() {
    use ox_dsl::graph::Graph;
    let compile = |scene: &Scene| {
        let graph = std::sync::Arc::new(Graph::parse(&scene.graph).unwrap());
        ox_engine::Workflow::compile(graph, &scene.kinds).err().map(|error| error.to_string())
    };
    let broken = Scene::graph(&[("s", start()), ("x", json!({"type": "broken"}))], "s -> x");
    assert_eq!(compile(&broken).unwrap(), "node x (broken): its configuration is broken");
    let no_start = Scene::graph(&[("s", start()), ("it", iteration(json!({})))], "s -> it");
    assert_eq!(
        compile(&no_start).unwrap(),
        "container it: its start node \"its\" is not in the graph (StartNodeIdNotFoundError)"
    );
    let ring = Scene::graph(&[("a", code()), ("b", code())], "a -> b, b -> a");
    assert!(compile(&ring).unwrap().contains("every node has an incoming edge"));
    let ring = Scene::graph(&[("s", start()), ("a", code()), ("b", code())], "s -> a, a -> b, b -> a");
    assert!(compile(&ring).unwrap().starts_with("the nodes a, b form a cycle"));
}
