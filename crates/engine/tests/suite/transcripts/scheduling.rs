//! Joins, skipped branches, beginnings and cycles.

use super::*;

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
