//! What end and answer nodes show, and when.

use super::*;

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
