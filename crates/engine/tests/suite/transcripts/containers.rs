//! Iterations and loops.

use super::*;

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
