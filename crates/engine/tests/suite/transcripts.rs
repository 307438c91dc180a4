//! Graphs and the exact events they show.

use ox_engine::{Interruption, RunEventKind, StopCause};
use ox_types::{RunStatus, Value};
use serde_json::{Value as Json, json};

use crate::{
    nodes::{Act, words},
    scene::Scene,
};

fn start() -> Json {
    json!({"type": "start"})
}
fn llm() -> Json {
    json!({"type": "llm"})
}
fn code() -> Json {
    json!({"type": "code"})
}
fn answer(text: &str) -> Json {
    json!({"type": "answer", "answer": text})
}
fn branch(selector: [&str; 2], value: &str) -> Json {
    let condition = json!({"variable_selector": selector, "comparison_operator": "is", "value": value});
    json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [condition]}]})
}
fn end(fields: &[(&str, [&str; 2])]) -> Json {
    let field = |(name, selector): &(&str, [&str; 2])| json!({"variable": name, "value_selector": selector});
    json!({"type": "end", "outputs": fields.iter().map(field).collect::<Vec<_>>()})
}
fn with(mut data: Json, more: Json) -> Json {
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}
fn retry(data: Json, times: u32) -> Json {
    with(data, json!({"retry_config": {"retry_enabled": true, "max_retries": times, "retry_interval": 1}}))
}
fn outputs(value: Json) -> Act {
    Act::Outputs(value)
}

/// A scene with what it shows, with one worker and with many.
async fn shows(scene: Scene, expected: &str) {
    for workers in [1, 2, 10] {
        let ran = scene.clone().workers(workers).run().await;
        ran.check();
        let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.transcript(), format!("GraphRunStarted; {expected}"), "{workers} workers");
    }
}

#[tokio::test]
async fn a_join_waits_for_all_live_branches_and_runs_once() {
    let nodes = [("s", start()), ("a", code()), ("b", code()), ("c", code()), ("e", end(&[("x", ["c", "result"])]))];
    let scene = Scene::graph(&nodes, "s -> a, s -> b, a -> c, b -> c, c -> e").act("c", outputs(json!({"result": 1})));
    shows(
        scene,
        "NRS(s); NRE(s); NRS(a); NRE(a); NRS(b); NRE(b); NRS(c); NRC \"1\"; NRE(c); NRS(e); NRE(e); \
         GraphRun succeeded",
    )
    .await;
}

#[tokio::test]
async fn what_is_skipped_is_skipped_to_the_end_and_joins_go_on() {
    // i -true-> a -> j, i -false-> b -> c -> j; the false side dies, j runs by the true side alone.
    let nodes = [
        ("s", start()),
        ("i", branch(["sys", "query"], "q")),
        ("a", code()),
        ("b", code()),
        ("c", code()),
        ("j", code()),
        ("e", end(&[("x", ["c", "result"])])),
    ];
    let edges = "s -> i, i -true-> a, i -false-> b, a -> j, b -> c, c -> j, j -> e";
    let scene = Scene::graph(&nodes, edges);
    shows(
        scene.clone(),
        "NRS(s); NRE(s); NRS(i); NRE(i); NRS(a); NRE(a); NRS(j); NRE(j); NRS(e); NRE(e); GraphRun succeeded",
    )
    .await;
    assert_eq!(scene.run().await.outputs(), json!({"x": null}));
}

#[tokio::test]
async fn a_handle_without_an_edge_ends_quietly() {
    let nodes = [("s", start()), ("i", branch(["sys", "query"], "other")), ("e", end(&[("x", ["sys", "query"])]))];
    let scene = Scene::graph(&nodes, "s -> i, i -true-> e");
    let ran = scene.run().await;
    assert_eq!(ran.outcome.status, RunStatus::Succeeded);
    assert_eq!(ran.outputs(), json!({}));
    shows(scene, "NRS(s); NRE(s); NRS(i); NRE(i); GraphRun succeeded").await;
}

#[tokio::test]
async fn other_beginnings_and_what_only_they_lead_to_are_skipped() {
    let nodes = [
        ("t1", json!({"type": "trigger-webhook"})),
        ("t2", json!({"type": "trigger-schedule"})),
        ("a", code()),
        ("j", code()),
    ];
    let mut scene = Scene::graph(&nodes, "t1 -> a, a -> j, t2 -> j");
    scene.root = Some("t2".into());
    shows(scene.clone(), "NRS(t2); NRE(t2); NRS(j); NRE(j); GraphRun succeeded").await;
    scene.root = None;
    shows(scene, "NRS(t1); NRE(t1); NRS(a); NRE(a); NRS(j); NRE(j); GraphRun succeeded").await;
}

#[tokio::test]
async fn a_cycle_that_nothing_leads_to_never_becomes_ready() {
    let nodes = [("s", start()), ("a", code()), ("b", code())];
    shows(Scene::graph(&nodes, "a -> b, b -> a"), "NRS(s); NRE(s); GraphRun succeeded").await;
}

#[tokio::test]
async fn the_worked_trace_of_the_reference() {
    let nodes = [
        ("s", start()),
        ("A", llm()),
        ("i", branch(["A", "text"], "x y")),
        ("B", llm()),
        ("answer1", answer("{{#A.text#}}\n{{#B.text#}}")),
        ("answer2", answer("no")),
    ];
    let scene = Scene::graph(&nodes, "s -> A, A -> i, i -true-> B, B -> answer1, i -false-> answer2")
        .act("A", Act::Stream(vec!["x", " y"]))
        .act("B", Act::Stream(vec!["p", "q"]));
    shows(
        scene,
        r#"NRS(s); NRE(s); NRS(A); NRE(A); NRS(i); NRC "x"; NRC " y"; NRC ""; NRC "\n"; NRE(i);
           NRS(B); NRC "p"; NRC "q"; NRC ""; NRE(B); NRS(answer1); NRE(answer1); GraphRun succeeded"#,
    )
    .await;
}

#[tokio::test]
async fn end_nodes_stream_their_outputs_line_by_line() {
    let template = |text: &str| json!({"type": "template-transform", "template": text});
    let nodes = [
        ("s", start()),
        ("t1", template("one")),
        ("t2", template("two")),
        ("e", end(&[("a", ["t1", "output"]), ("b", ["t2", "output"])])),
    ];
    shows(
        Scene::graph(&nodes, "s -> t1, s -> t2, t1 -> e, t2 -> e"),
        r#"NRS(s); NRE(s); NRS(t1); NRC "one"; NRC "\n"; NRE(t1); NRS(t2); NRC "two"; NRE(t2); NRS(e); NRE(e);
           GraphRun succeeded"#,
    )
    .await;
}

#[tokio::test]
async fn an_end_whose_first_output_was_skipped_still_sends_its_newline() {
    let nodes = [
        ("s", start()),
        ("i", branch(["sys", "query"], "q")),
        ("a", code()),
        ("b", code()),
        ("e", end(&[("b", ["b", "result"]), ("a", ["a", "result"])])),
    ];
    let scene = Scene::graph(&nodes, "s -> i, i -true-> a, i -false-> b, a -> e, b -> e")
        .act("a", outputs(json!({"result": "A"})));
    shows(
        scene,
        r#"NRS(s); NRE(s); NRS(i); NRC "\n"; NRE(i); NRS(a); NRC "A"; NRE(a); NRS(e); NRE(e); GraphRun succeeded"#,
    )
    .await;
}

#[tokio::test]
async fn a_second_answer_waits_for_the_first_node_to_end() {
    let nodes = [("s", start()), ("one", answer("1 {{#slow.result#}}")), ("two", answer("2")), ("slow", code())];
    let scene = Scene::graph(&nodes, "s -> slow, slow -> one, one -> two").act("slow", outputs(json!({"result": "x"})));
    shows(
        scene,
        r#"NRS(s); NRC "1 "; NRE(s); NRS(slow); NRC "x"; NRE(slow); NRS(one); NRC "2"; NRE(one); NRS(two); NRE(two);
           GraphRun succeeded"#,
    )
    .await;
}

#[tokio::test]
async fn reasoning_is_shown_when_its_answer_is_reached() {
    let nodes = [
        ("s", start()),
        ("A", llm()),
        ("i", branch(["A", "text"], "x")),
        ("B", llm()),
        ("C", llm()),
        ("a", answer("{{#A.text#}}{{#B.text#}}")),
    ];
    // A's answer is held back by the branch when it thinks; B's is reached; nobody reads C.
    let mut scene = Scene::graph(&nodes, "s -> A, A -> i, i -true-> B, B -> C, C -> a");
    for node in ["A", "B", "C"] {
        scene = scene.act(node, Act::Thinks("x"));
    }
    shows(
        scene,
        r#"NRS(s); NRE(s); NRS(A); Note agent_log; NRE(A); NRS(i); NRC "x"; NRC ""; NRE(i); NRS(B); Reasoning "hm";
           Note agent_log; NRC "x"; NRC ""; NRE(B); NRS(C); Note agent_log; NRE(C); NRS(a); NRE(a); GraphRun succeeded"#,
    )
    .await;
}

#[tokio::test]
async fn two_answers_that_read_the_same_stream_both_show_it() {
    let nodes =
        [("s", start()), ("A", llm()), ("one", answer("{{#A.text#}}!")), ("two", answer("{{#A.text#}}{{#A.text#}}"))];
    let scene = Scene::graph(&nodes, "s -> A, A -> one, one -> two").act("A", Act::Stream(vec!["hi"]));
    let ran = scene.run().await;
    assert_eq!(ran.shown(), "hi!hihi");
    assert_eq!(ran.output("answer"), "hi!hihi");
}

#[tokio::test]
async fn parallel_models_interleave_only_in_time() {
    let nodes = [("s", start()), ("A", llm()), ("B", llm()), ("answer", answer("{{#B.text#}}{{#A.text#}}"))];
    let scene = Scene::graph(&nodes, "s -> A, s -> B, A -> answer, B -> answer")
        .act("A", Act::Stream(vec!["a1", "a2", "a3"]))
        .act("B", Act::Yield(20, Box::new(Act::Stream(vec!["b1", "b2", "b3"]))));
    for workers in [1, 2, 10] {
        let ran = scene.clone().workers(workers).run().await;
        assert_eq!(ran.chunks(), ["b1", "b2", "b3", "", "a1", "a2", "a3", ""], "{workers} workers");
    }
}

#[tokio::test]
async fn chunks_are_attributed_to_the_execution_that_made_them() {
    let nodes = [("s", start()), ("A", llm()), ("answer", answer("x {{#A.text#}} {{#sys.query#}}"))];
    let ran = Scene::graph(&nodes, "s -> A, A -> answer").act("A", words("hi")).run().await;
    let id_of = |node: &str| {
        ran.events.iter().find_map(|event| match &event.kind {
            RunEventKind::NodeStarted(info) if info.node.id == node => Some(info.node_run_id),
            _ => None,
        })
    };
    let chunks: Vec<_> = ran
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            RunEventKind::Chunk { node, text, selector, is_final } => {
                Some((text.as_str(), selector.join("."), node.node_run_id, *is_final))
            }
            _ => None,
        })
        .collect();
    let (model, response) = (id_of("A").unwrap(), id_of("answer").unwrap());
    let expected = [
        ("x ", "answer.answer", response, false),
        ("hi", "A.text", model, false),
        ("", "A.text", model, true),
        (" ", "answer.answer", response, false),
        ("q", "sys.query", response, true),
    ];
    assert_eq!(chunks, expected.map(|(text, selector, id, last)| (text, selector.to_owned(), id, last)));
}

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

fn iteration(more: Json) -> Json {
    with(
        json!({"type": "iteration", "start_node_id": "its", "iterator_selector": ["list", "result"],
               "output_selector": ["in", "result"]}),
        more,
    )
}

/// s -> list -> it(its -> in) -> e
fn iterate(inner: Json, more: Json, list: Json) -> Scene {
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(more)),
        ("its", json!({"type": "iteration-start"})),
        ("in", with(inner, json!({"iteration_id": "it"}))),
        ("e", end(&[("out", ["it", "output"])])),
    ];
    Scene::graph(&nodes, "s -> list, list -> it, it -> e, its -> in").act("list", outputs(json!({"result": list})))
}

#[tokio::test]
async fn an_iteration_shows_its_items() {
    let scene =
        iterate(code(), json!({}), json!([1, 2])).act("in", outputs(json!({"result": {"pair": ["it", "item"]}})));
    let ran = scene.run().await;
    ran.check();
    assert_eq!(
        ran.transcript(),
        "GraphRunStarted; NRS(s); NRE(s); NRS(list); NRE(list); NRS(it); Started(it 2); Next(it 0); NRS(in); NRE(in); \
         Next(it 1); NRS(in); NRE(in); Finished(it succeeded); NRC \"- 1\\n- 2\\n- 2\\n- 4\"; NRE(it); NRS(e); NRE(e); \
         GraphRun succeeded"
    );
    assert_eq!(ran.outputs(), json!({"out": [1, 2, 2, 4]}));
    assert_eq!(ran.outcome.total_steps, 4, "nodes inside are not counted for the caller");
    let inner: Vec<_> = ran
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            RunEventKind::NodeFinished(info, result) if info.node.id == "in" => {
                Some((info.iteration_id.clone(), info.index, result.metadata["iteration_index"].clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(inner, [(Some("it".to_owned()), 4, json!(0)), (Some("it".to_owned()), 5, json!(1))]);
}

#[tokio::test]
async fn iterations_of_nothing_and_of_no_list() {
    for (list, expected, status) in [
        (json!([]), json!({"out": []}), RunStatus::Succeeded),
        (json!(null), json!({"out": []}), RunStatus::Succeeded),
        (json!("text"), json!({}), RunStatus::Failed),
    ] {
        let ran = iterate(code(), json!({}), list).run().await;
        ran.check();
        assert_eq!((ran.outputs(), ran.outcome.status), (expected, status));
        assert!(!ran.transcript().contains("; Started("), "no container events");
    }
    let missing = iterate(code(), json!({"iterator_selector": ["list", "gone"]}), json!([])).run().await;
    assert_eq!(missing.outcome.error.as_deref(), Some("iterator variable ['list', 'gone'] not found"));
}

#[tokio::test]
async fn failed_items() {
    // The second item fails: its inner node looks for a key that only the others have.
    let list = json!([{"v": "a"}, {}, {"v": "c"}]);
    let inner = branch(["it", "item"], "");
    let inner = with(
        inner,
        json!({"cases": [{"case_id": "true", "conditions": [
        {"variable_selector": ["it", "item", "v"], "comparison_operator": "contains", "value": ""}]}]}),
    );
    let out = json!({"output_selector": ["it", "item", "v"]});
    let cases = [
        ("terminated", RunStatus::Failed, json!({}), 1),
        ("continue-on-error", RunStatus::PartialSucceeded, json!({"out": ["a", null, "c"]}), 1),
        ("remove-abnormal-output", RunStatus::PartialSucceeded, json!({"out": ["a", "c"]}), 1),
    ];
    for (mode, status, expected, exceptions) in cases {
        for parallel in [json!({}), json!({"is_parallel": true, "parallel_nums": 2})] {
            let more = with(with(out.clone(), json!({"error_handle_mode": mode})), parallel.clone());
            let ran = iterate(inner.clone(), more, list.clone()).run().await;
            ran.check();
            assert_eq!((ran.outcome.status, ran.outputs()), (status, expected.clone()), "{mode} {parallel}");
            let failed_container = u32::from(mode == "terminated");
            assert_eq!(ran.outcome.exceptions_count, exceptions + failed_container);
        }
    }
}

#[tokio::test]
async fn an_iteration_with_a_strategy_survives_a_failed_item() {
    let more = json!({"error_strategy": "fail-branch"});
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(more)),
        ("its", json!({"type": "iteration-start"})),
        ("in", code()),
        ("a", answer("failed: {{#it.error_message#}}")),
    ];
    let scene = Scene::graph(&nodes, "s -> list, list -> it, it -fail-branch-> a, its -> in")
        .act("list", outputs(json!({"result": [1, 2, 3]})))
        .act("in", Act::Fail("no"));
    let ran = scene.run().await;
    ran.check();
    assert_eq!(ran.shown(), "failed: no");
    assert_eq!(ran.outcome.status, RunStatus::PartialSucceeded);
    assert_eq!(scene.runs_of("in"), 1, "the first failure ends it");
}

#[tokio::test]
async fn flattening() {
    let cases = [
        (json!([[1], null, [2, 3]]), true, json!([1, 2, 3])),
        (json!([[1], 2]), true, json!([[1], 2])),
        (json!([null, null]), true, json!([null, null])),
        (json!([[1], [2]]), false, json!([[1], [2]])),
        (json!([[], []]), true, json!([])),
    ];
    for (list, flatten, expected) in cases {
        let more = json!({"flatten_output": flatten, "output_selector": ["it", "item"]});
        let ran = iterate(code(), more, list.clone()).run().await;
        assert_eq!(ran.outputs(), json!({"out": expected}), "{list} {flatten}");
    }
}

#[tokio::test]
async fn parallel_items_show_their_answers_in_order() {
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(json!({"is_parallel": true, "parallel_nums": 3, "output_selector": ["it", "item"]}))),
        ("its", json!({"type": "iteration-start"})),
        ("m", llm()),
        ("in", answer("{{#it.index#}}:{{#m.text#}} ")),
        ("e", answer("done {{#it.output#}}")),
    ];
    let scene = Scene::graph(&nodes, "s -> list, list -> it, it -> e, its -> m, m -> in")
        .act("list", outputs(json!({"result": ["a", "b", "c", "d", "e"]})))
        .act("m", Act::Stream(vec!["u", "v", "w"]));
    for workers in [1, 2, 10] {
        let ran = scene.clone().workers(workers).run().await;
        ran.check();
        let answer = "0:uvw 1:uvw 2:uvw 3:uvw 4:uvw done - a\n- b\n- c\n- d\n- e";
        assert_eq!(ran.shown(), answer, "{workers} workers");
        assert_eq!(ran.output("answer"), answer);
        assert_eq!(ran.outcome.usage.total_tokens, 75);
        assert_eq!(ran.outcome.usage.total_price, "0.0075");
    }
}

#[tokio::test]
async fn conversation_variables_written_in_items_come_back() {
    let assigner = json!({"type": "assigner", "version": "2", "items": [
        {"variable_selector": ["conversation", "seen"], "operation": "append", "input_type": "variable",
         "value": ["it", "item"]}]});
    let answer = answer("{{#conversation.seen#}}");
    for (parallel, expected) in [(json!({}), "- 0\n- a\n- b\n- c"), (json!({"is_parallel": true}), "- 0\n- c")] {
        let nodes = [
            ("s", start()),
            ("list", code()),
            ("it", iteration(with(json!({"output_selector": ["it", "item"]}), parallel))),
            ("its", json!({"type": "iteration-start"})),
            ("as", assigner.clone()),
            ("a", answer.clone()),
        ];
        let mut scene = Scene::graph(&nodes, "s -> list, list -> it, it -> a, its -> as")
            .act("list", outputs(json!({"result": ["a", "b", "c"]})));
        scene.conversation.push(("seen".into(), Value::from_json(&json!(["0"]))));
        let ran = scene.run().await;
        // Items at the same time do not see one another's changes; the last one in item order wins.
        assert_eq!(ran.output("answer"), expected);
    }
}

/// s -> lo(los -> inc -> more…) -> a
fn looped(data: Json, nodes: &[(&str, Json)], edges: &str) -> Scene {
    let data = with(
        json!({"type": "loop", "start_node_id": "los", "loop_count": 5, "logical_operator": "and",
        "loop_variables": [{"label": "i", "var_type": "number", "value_type": "constant", "value": "0"}],
        "break_conditions": []}),
        data,
    );
    let assigner = json!({"type": "assigner", "version": "2", "loop_id": "lo", "items": [
        {"variable_selector": ["lo", "i"], "operation": "+=", "input_type": "constant", "value": 1}]});
    let mut all = vec![
        ("s", start()),
        ("lo", data),
        ("los", json!({"type": "loop-start"})),
        ("inc", assigner),
        ("a", answer("{{#lo.i#}}/{{#lo.loop_round#}}")),
    ];
    all.extend(nodes.iter().cloned());
    Scene::graph(&all, &format!("s -> lo, lo -> a, los -> inc, {edges}"))
}

fn until(selector: [&str; 2], value: &str) -> Json {
    json!({"break_conditions": [{"variable_selector": selector, "comparison_operator": "≥", "value": value}]})
}

#[tokio::test]
async fn loops_end_by_count_condition_or_exit() {
    let exit = [("i2", branch(["lo", "i"], "2")), ("out", json!({"type": "loop-end"}))];
    let cases = [
        (looped(json!({}), &[], ""), "5/5", "loop_completed"),
        (looped(until(["lo", "i"], "3"), &[], ""), "3/3", "loop_break"),
        (looped(until(["lo", "i"], "0"), &[], ""), "0/0", "loop_break"),
        (looped(json!({}), &exit, "inc -> i2, i2 -true-> out"), "2/2", "loop_break"),
    ];
    for (scene, shown, reason) in cases {
        let ran = scene.run().await;
        ran.check();
        assert_eq!((ran.outcome.status, ran.shown().as_str()), (RunStatus::Succeeded, shown));
        let metadata = ran.events.iter().find_map(|event| match &event.kind {
            RunEventKind::ContainerFinished { result, steps, .. } => {
                assert_eq!(*steps, 5);
                Some(result.metadata.clone())
            }
            _ => None,
        });
        assert_eq!(metadata.unwrap()["completed_reason"], json!(reason));
    }
}

#[tokio::test]
async fn a_loop_fails_with_its_children_and_conditions() {
    // Before round 1 the variable does not exist, which is ignored; after it that is an error.
    let ran = looped(until(["gone", "x"], "1"), &[], "").run().await;
    assert_eq!(ran.outcome.error.as_deref(), Some("Variable [\"gone\", \"x\"] not found"));
    let ran = looped(json!({}), &[("bad", code())], "inc -> bad").act("bad", Act::Fail("child")).run().await;
    ran.check();
    assert_eq!(ran.outcome.error.as_deref(), Some("child"));
    assert!(ran.transcript().contains("NRfailed(bad: child); Finished(lo failed); NRfailed(lo: child)"));
    let variables = json!([{"label": "i", "var_type": "number", "value_type": "variable", "value": ["x", "y"]}]);
    let ran = looped(json!({"loop_variables": variables}), &[], "").run().await;
    assert_eq!(ran.outcome.error.as_deref(), Some("Invalid value for loop variable i"));
}

#[tokio::test]
async fn variables_of_a_round_are_gone_in_the_next() {
    // In round 1 the branch runs `once`; in round 2 its value of round 1 must not be there.
    let nodes = [
        ("first", branch(["lo", "i"], "1")),
        ("once", json!({"type": "template-transform", "template": "x", "loop_id": "lo"})),
        ("agg", json!({"type": "variable-aggregator", "variables": [["once", "output"]], "loop_id": "lo"})),
        ("say", answer("[{{#agg.output#}}]")),
    ];
    let edges = "inc -> first, first -true-> once, once -> agg, first -false-> agg, agg -> say";
    let ran = looped(until(["lo", "i"], "2"), &nodes, edges).run().await;
    assert_eq!(ran.output("answer"), "[x][agg.output]2/2");
}

#[tokio::test]
async fn containers_nest_and_share_one_budget() {
    // An iteration whose items run a loop of two rounds.
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(json!({"output_selector": ["lo", "i"], "is_parallel": true, "parallel_nums": 2}))),
        ("its", json!({"type": "iteration-start"})),
        (
            "lo",
            json!({"type": "loop", "start_node_id": "los", "loop_count": 2, "iteration_id": "it",
                "loop_variables": [{"label": "i", "var_type": "number", "value_type": "constant", "value": "0"}]}),
        ),
        ("los", json!({"type": "loop-start"})),
        (
            "inc",
            json!({"type": "assigner", "version": "2", "loop_id": "lo", "items": [
            {"variable_selector": ["lo", "i"], "operation": "+=", "input_type": "constant", "value": 1}]}),
        ),
        ("say", answer("{{#it.index#}}{{#lo.i#}} ")),
        ("e", end(&[("out", ["it", "output"])])),
    ];
    let scene = Scene::graph(&nodes, "s -> list, list -> it, it -> e, its -> lo, los -> inc, inc -> say")
        .act("list", outputs(json!({"result": [7, 8, 9]})));
    for workers in [1, 10] {
        let ran = scene.clone().workers(workers).run().await;
        ran.check();
        assert_eq!(ran.outputs(), json!({"out": [2, 2, 2], "answer": "01 02 11 12 21 22 "}));
        let says: Vec<String> = ran
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                RunEventKind::NodeStarted(info) if info.node.id == "say" => {
                    Some(info.frame.path.iter().map(|(id, index)| format!("{id}{index}")).collect::<Vec<_>>().join("/"))
                }
                _ => None,
            })
            .collect();
        assert_eq!(says.len(), 6);
        assert!(says.contains(&"it2/lo1".to_owned()), "{says:?}");
    }
    let ran = scene.limit(|limits| limits.max_steps = 10).run().await;
    ran.check();
    assert_eq!(ran.outcome.status, RunStatus::Stopped);
    assert_eq!(ran.outcome.error.as_deref(), Some("Maximum execution steps exceeded: 11 > 10"));
}

#[tokio::test]
async fn stopping_ends_containers_too() {
    let scene = iterate(code(), json!({"is_parallel": true}), json!([1, 2, 3])).act("in", Act::Hang);
    let (handle, sink) = scene.start();
    while sink.events().iter().filter(|e| matches!(&e.kind, RunEventKind::NodeStarted(n) if n.node.id == "in")).count()
        < 3
    {
        tokio::task::yield_now().await;
    }
    handle.stop("enough");
    let outcome = handle.wait().await;
    let ran = crate::scene::Ran { outcome, events: sink.events() };
    ran.check();
    assert!(
        ran.transcript().ends_with("Finished(it stopped); NRstopped(it: enough); GraphRun stopped"),
        "{}",
        ran.transcript()
    );
}

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
