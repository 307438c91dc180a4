//! The shared fixtures give exactly what their table of expected results says, with any number of
//! workers.

use ox_types::{RunStatus, Value};
use serde_json::json;

use crate::{
    nodes::{Act, words},
    scene::{Ran, Scene},
};

const WORKERS: [usize; 3] = [1, 2, 10];

/// Runs a fixture with each number of workers, twice each; the results must agree.
async fn each(scene: &Scene) -> Vec<Ran> {
    let mut runs = Vec::new();
    for workers in WORKERS {
        for _ in 0..2 {
            let ran = scene.clone().workers(workers).run().await;
            ran.check();
            runs.push(ran);
        }
    }
    let first = runs[0].outputs();
    assert!(runs.iter().all(|ran| ran.outputs() == first), "the same outputs each time");
    runs
}

async fn expect_outputs(scene: &Scene, outputs: serde_json::Value) {
    for ran in each(scene).await {
        assert_eq!(ran.outcome.status, RunStatus::Succeeded, "{:?}", ran.outcome.error);
        assert_eq!(ran.outputs(), outputs);
    }
}

async fn expect_sequence(scene: &Scene, sequence: &str) {
    for ran in each(scene).await {
        assert_eq!(ran.transcript(), sequence);
    }
}

#[tokio::test]
async fn simple_passthrough() {
    let Some(scene) = Scene::fixture("simple_passthrough_workflow.yml") else { return };
    let long = "a".repeat(5000);
    for query in ["hello", "", "你好 🌍", &long, "a\nb\n", "smoke test", "Test without mock"] {
        expect_outputs(&scene.clone().input("query", query), json!({"query": query})).await;
    }
}

#[tokio::test]
async fn end_without_value_type() {
    let Some(scene) = Scene::fixture("end_node_without_value_type_field_workflow.yml") else { return };
    let scene = scene.input("query", "test query");
    expect_outputs(&scene, json!({"query": "test query"})).await;
    let lines = scene.run().await.lines().join("; ");
    let ids: Vec<String> = node_ids(&scene);
    let sequence = format!(
        "GraphRunStarted; NRS({0}); NRC \"test query\"; NRE({0}); NRS({1}); NRE({1}); GraphRun succeeded",
        ids[0], ids[1]
    );
    assert_eq!(lines, sequence);
    expect_sequence(&scene, &sequence).await;
}

#[tokio::test]
async fn conditional_branching() {
    let Some(scene) = Scene::fixture("conditional_hello_branching_workflow.yml") else { return };
    let yes = ["hello world", "say hello to everyone", "hello", "hellohello", "hello123", "hello!@#"];
    let no = ["goodbye world", "hi there", "", "test message", "Hello world", "HELLO", "helllo", "helo"];
    for (queries, key) in [(&yes[..], "true"), (&no[..], "false")] {
        for query in queries {
            expect_outputs(&scene.clone().input("query", *query), json!({key: query})).await;
        }
    }
}

#[tokio::test]
async fn conditional_parallel_code() {
    let Some(scene) = Scene::fixture("conditional_parallel_code_execution_workflow.yml") else { return };
    let one = json!({"1": "Code 1", "2": "Code 2", "3": null});
    let two = json!({"1": null, "2": "Code 2", "3": "Code 3"});
    expect_outputs(&scene.clone().input("switch", 1), one).await;
    expect_outputs(&scene.clone().input("switch", 0), two).await;
}

#[tokio::test]
async fn http_and_tool() {
    let Some(scene) = Scene::fixture("http_request_with_json_tool_workflow.yml") else { return };
    let body = r#"{"key": "value", "number": 42}"#;
    let parsed = json!({"key": "value", "number": 42});
    let scene = scene
        .input("url", "https://api.example.com/data")
        .act("http_node", Act::Outputs(json!({"status_code": 200, "body": body, "headers": {}})))
        .act("tool_node", Act::Outputs(json!({"result": parsed})));
    expect_outputs(&scene, json!({"status_code": 200, "parsed_data": parsed})).await;
}

#[tokio::test]
async fn iterations() {
    if let Some(scene) = Scene::fixture("array_iteration_formatting_workflow.yml") {
        expect_outputs(&scene, json!({"output": ["output: 1", "output: 2", "output: 3"]})).await;
    }
    if let Some(scene) = Scene::fixture("iteration_flatten_output_enabled_workflow.yml") {
        let pair = json!({"result": {"pair": ["iteration_node", "item"]}});
        let scene = scene.act("code_inner_node", Act::Outputs(pair));
        expect_outputs(&scene, json!({"output": [1, 2, 2, 4, 3, 6]})).await;
    }
}

#[tokio::test]
async fn basic_llm_chat() {
    let Some(scene) = Scene::fixture("basic_llm_chat_workflow.yml") else { return };
    let scene = scene.input("query", "hi");
    expect_outputs(&scene, json!({"answer": "This is a mocked LLM response"})).await;
    let failing = scene.clone().act("llm_node", Act::Fail("the model is on fire"));
    for ran in each(&failing).await {
        assert_eq!(ran.outcome.status, RunStatus::Failed);
        assert_eq!(ran.outcome.error.as_deref(), Some("the model is on fire"));
    }
    let began = tokio::time::Instant::now();
    scene.act("llm_node", Act::Later(5, Box::new(words("late")))).run().await;
    assert!(began.elapsed().as_millis() >= 5);
}

#[tokio::test]
async fn basic_chatflow() {
    let Some(scene) = Scene::fixture("basic_chatflow.yml") else { return };
    let ids = ordered_ids(&scene, ["start", "llm", "answer"]);
    let scene = scene.query("x").act(&ids[1], words("mocked llm response"));
    expect_outputs(&scene, json!({"answer": "mocked llm response"})).await;
    let sequence = format!(
        "GraphRunStarted; NRS({0}); NRE({0}); NRS({1}); NRC \"mocked\"; NRC \" llm\"; NRC \" response\"; NRC \"\"; \
         NRE({1}); NRS({2}); NRE({2}); GraphRun succeeded",
        ids[0], ids[1], ids[2]
    );
    expect_sequence(&scene, &sequence).await;
}

#[tokio::test]
async fn answer_with_text() {
    let Some(scene) = Scene::fixture("answer_end_with_text.yml") else { return };
    let ids = ordered_ids(&scene, ["start", "answer"]);
    let scene = scene.query("Hello, AI!");
    expect_outputs(&scene, json!({"answer": "prefixHello, AI!suffix"})).await;
    let sequence = format!(
        "GraphRunStarted; NRS({0}); NRC \"prefix\"; NRC \"Hello, AI!\"; NRC \"suffix\"; NRE({0}); NRS({1}); \
         NRE({1}); GraphRun succeeded",
        ids[0], ids[1]
    );
    expect_sequence(&scene, &sequence).await;
}

#[tokio::test]
async fn answer_order() {
    let Some(scene) = Scene::fixture("test-answer-order.yml") else { return };
    let scene = scene.query("").act("1759052580454", words("mocked llm text"));
    let answer = "--- answer 1 ---\n\nfoo\n--- answer 2 ---\n\nmocked llm text\n";
    expect_outputs(&scene, json!({"answer": answer})).await;
    for ran in each(&scene).await {
        assert_eq!(ran.shown(), answer);
    }
}

#[tokio::test]
async fn parallel_llms_are_shown_one_after_another() {
    let Some(scene) = Scene::fixture("multilingual_parallel_llm_streaming_workflow.yml") else { return };
    let a = ["Hello", ", ", "I", " ", "am", " ", "an", " ", "AI", " ", "assistant", "."];
    let b = ["你好", "，", "我", "是", "AI", "助手", "。"];
    let scene = scene
        .query("Tell me about yourself")
        .act("1754339718571", Act::Stream(a.to_vec()))
        .act("1754339725656", Act::Stream(b.to_vec()));
    expect_outputs(&scene, json!({"answer": "你好，我是AI助手。Hello, I am an AI assistant."})).await;
    for ran in each(&scene).await {
        let shown: Vec<String> = ran.chunks().into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(shown, b.iter().chain(&a).map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let lines = ran.lines();
        let last_chunk = lines.iter().rposition(|line| line.starts_with("NRC")).unwrap();
        assert!(lines.iter().position(|line| line == "NRS(answer)").unwrap() > last_chunk, "{lines:?}");
    }
    let single = scene.workers(1).run().await.lines();
    let a_done = single.iter().position(|line| line == "NRE(1754339718571)").unwrap();
    let first_chunk = single.iter().position(|line| line.starts_with("NRC")).unwrap();
    assert!(a_done < first_chunk, "{single:?}");
}

#[tokio::test]
async fn one_chunk_of_static_output() {
    let Some(scene) = Scene::fixture("chatflow_time_tool_static_output_workflow.yml") else { return };
    let scene = scene.query("1").act("1754336729904", Act::Outputs(json!({"text": "2025-08-04 12:00:00"})));
    for ran in each(&scene).await {
        assert_eq!(ran.outcome.status, RunStatus::Succeeded);
        assert_eq!(ran.chunks(), ["hello, dify!"]);
    }
}

#[tokio::test]
async fn loop_contains_answer() {
    let Some(scene) = Scene::fixture("loop_contains_answer.yml") else { return };
    let scene = scene.query("1");
    expect_outputs(&scene, json!({"answer": "1\n2\n1 + 2"})).await;
    let (start, container, assigner, outer, inner) =
        ("1755203854938", "1755203872773", "1755203898151", "1755203915300", "1755204039754");
    let round = |value: &str| {
        format!("NRS({assigner}); NRC {value:?}; NRC \"\\n\"; NRE({assigner}); NRS({inner}); NRE({inner})")
    };
    let sequence = format!(
        "GraphRunStarted; NRS({start}); NRE({start}); NRS({container}); Started({container} 10); {}; \
         Next({container} 1); {}; Finished({container} succeeded); NRC \"1\"; NRC \" + \"; NRC \"2\"; \
         NRE({container}); NRS({outer}); NRE({outer}); GraphRun succeeded",
        round("1"),
        round("2")
    );
    expect_sequence(&scene, &sequence).await;
}

#[tokio::test]
async fn search_in_a_loop() {
    let Some(scene) = Scene::fixture("search_dify_from_2023_to_2025.yml") else { return };
    let (start, container, tool, assigner, answer) =
        ("1754979518055", "1754979524910", "1754979561786", "1754979613854", "1754979638585");
    let scene = scene.act(tool, Act::Outputs(json!({"text": "mocked search result"})));
    let text = "- mocked search result\n- mocked search result";
    expect_outputs(&scene, json!({"answer": text})).await;
    let round = format!("NRS({tool}); NRE({tool}); NRS({assigner}); NRE({assigner})");
    let sequence = format!(
        "GraphRunStarted; NRS({start}); NRE({start}); NRS({container}); Started({container} 10); {round}; \
         Next({container} 1); {round}; Finished({container} succeeded); NRC {text:?}; NRE({container}); \
         NRS({answer}); NRE({answer}); GraphRun succeeded"
    );
    expect_sequence(&scene, &sequence).await;
}

#[tokio::test]
async fn assigned_conversation_variable_is_shown_when_assigned() {
    let Some(scene) = Scene::fixture("test_streaming_conversation_variables_v1_overwrite.yml") else { return };
    let scene = scene.query("overwrite-value");
    assert_eq!(scene.conversation, [("conv_var".to_owned(), Value::from("default"))]);
    expect_outputs(&scene, json!({"answer": "Current Value Of `conv_var` is:overwrite-value"})).await;
    for ran in each(&scene).await {
        assert_eq!(ran.chunks(), ["Current Value Of `conv_var` is:", "overwrite-value"]);
    }
}

fn node_ids(scene: &Scene) -> Vec<String> {
    let nodes = scene.graph["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

fn ordered_ids<const N: usize>(scene: &Scene, kinds: [&str; N]) -> [String; N] {
    let nodes = scene.graph["nodes"].as_array().unwrap();
    kinds.map(|kind| {
        let node = nodes.iter().find(|node| node["data"]["type"] == kind).unwrap();
        node["id"].as_str().unwrap().to_owned()
    })
}
