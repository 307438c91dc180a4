//! The shared DSL fixtures through the real nodes: outputs and event order, with 1, 2 and 10 workers.
//! What reaches outside is scripted by node id: models answer word by word, tools give fixed outputs.

#![expect(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "test helpers")]

mod support;

use ox_types::RunStatus;
use serde_json::json;
use support::{Fixture, Given, Transcript};

const WORKERS: [usize; 3] = [1, 2, 10];

/// Runs a fixture with every number of workers and hands each transcript on.
async fn each(name: &str, given: Given, check: impl Fn(&Transcript)) {
    let Some(fixture) = Fixture::load(name) else { return };
    let mut first: Option<serde_json::Value> = None;
    for workers in WORKERS {
        let transcript = fixture.run(&given, workers).await;
        transcript.check_invariants();
        check(&transcript);
        let outputs = transcript.outputs();
        assert_eq!(*first.get_or_insert_with(|| outputs.clone()), outputs, "{name} with {workers} workers");
    }
}

fn succeeded(transcript: &Transcript, outputs: &serde_json::Value) {
    assert_eq!(transcript.status(), RunStatus::Succeeded, "{:?}", transcript.outcome.error);
    assert_eq!(&transcript.outputs(), outputs);
}

#[tokio::test]
async fn simple_passthrough() {
    let long = "x".repeat(5000);
    for query in ["hello", "", "你好 😀", &long, "a\nb\n", "smoke test", "Test without mock"] {
        let given = Given::inputs(json!({"query": query}));
        each("simple_passthrough_workflow", given, |t| succeeded(t, &json!({"query": query}))).await;
    }
}

#[tokio::test]
async fn end_without_value_type() {
    each("end_node_without_value_type_field_workflow", Given::inputs(json!({"query": "test query"})), |t| {
        succeeded(t, &json!({"query": "test query"}));
        let expected =
            ["GraphRunStarted", "NRS start", "NRC test query", "NRE start", "NRS end", "NRE end", "GraphRunSucceeded"];
        assert_eq!(t.lines, expected);
    })
    .await;
}

#[tokio::test]
async fn hello_branching() {
    for query in ["hello world", "say hello to everyone", "hello", "hellohello", "hello123", "hello!@#"] {
        let given = Given::inputs(json!({"query": query}));
        each("conditional_hello_branching_workflow", given, |t| succeeded(t, &json!({"true": query}))).await;
    }
    for query in ["goodbye world", "hi there", "", "test message", "Hello world", "HELLO", "helllo", "helo"] {
        let given = Given::inputs(json!({"query": query}));
        each("conditional_hello_branching_workflow", given, |t| succeeded(t, &json!({"false": query}))).await;
    }
}

#[tokio::test]
async fn parallel_code() {
    // The codes are Python; what they return is given by node.
    for (switch, expected) in
        [(1, json!({"1": "Code 1", "2": "Code 2", "3": null})), (0, json!({"1": null, "2": "Code 2", "3": "Code 3"}))]
    {
        let given = Given::inputs(json!({"switch": switch})).code_from_file();
        each("conditional_parallel_code_execution_workflow", given, |t| succeeded(t, &expected)).await;
    }
}

#[tokio::test]
async fn http_and_tool() {
    let given = Given::inputs(json!({"url": "https://api.example.com/data"}))
        .node("http_node", json!({"status_code": 200, "body": "{\"key\": \"value\", \"number\": 42}", "headers": {}}))
        .node("tool_node", json!({"result": {"key": "value", "number": 42}}));
    each("http_request_with_json_tool_workflow", given, |t| {
        succeeded(t, &json!({"status_code": 200, "parsed_data": {"key": "value", "number": 42}}));
    })
    .await;
}

#[tokio::test]
async fn iterations() {
    let given = Given::inputs(json!({})).node("1754683442688", json!({"result": [1, 2, 3]}));
    let given = given.first_code(json!({"result": [1, 2, 3]}));
    each("array_iteration_formatting_workflow", given, |t| {
        succeeded(t, &json!({"output": ["output: 1", "output: 2", "output: 3"]}));
    })
    .await;
    let given = Given::inputs(json!({}))
        .node("code_node", json!({"result": [1, 2, 3]}))
        .javascript("code_inner_node", "function main({arg1}) { return {result: [arg1, arg1 * 2]} }");
    each("iteration_flatten_output_enabled_workflow", given, |t| {
        succeeded(t, &json!({"output": [1, 2, 2, 4, 3, 6]}));
    })
    .await;
}

#[tokio::test]
async fn llm_workflow() {
    let given = || Given::inputs(json!({"query": "hi"}));
    let answer = "This is a mocked LLM response";
    each("basic_llm_chat_workflow", given(), |t| succeeded(t, &json!({"answer": answer}))).await;
    each("basic_llm_chat_workflow", given().llm("llm_node", "Other text"), |t| {
        succeeded(t, &json!({"answer": "Other text"}));
    })
    .await;
    each("basic_llm_chat_workflow", given().llm_error("llm_node", "the model is away"), |t| {
        assert_eq!(t.status(), RunStatus::Failed);
        assert!(t.outcome.error.as_ref().unwrap().contains("the model is away"), "{:?}", t.outcome.error);
        assert_eq!(t.lines.last().unwrap(), "GraphRunFailed");
    })
    .await;
}

#[tokio::test]
async fn basic_chatflow() {
    each("basic_chatflow", Given::query("q").llm("llm", "mocked llm response"), |t| {
        assert_eq!(t.answer(), "mocked llm response");
        let expected = [
            "GraphRunStarted",
            "NRS start",
            "NRE start",
            "NRS llm",
            "NRC mocked",
            "NRC  llm",
            "NRC  response",
            "NRC ",
            "NRE llm",
            "NRS answer",
            "NRE answer",
            "GraphRunSucceeded",
        ];
        assert_eq!(t.lines, expected);
    })
    .await;
}

#[tokio::test]
async fn answer_with_text() {
    each("answer_end_with_text", Given::query("Hello, AI!"), |t| {
        assert_eq!(t.answer(), "prefixHello, AI!suffix");
        let expected = [
            "GraphRunStarted",
            "NRS start",
            "NRC prefix",
            "NRC Hello, AI!",
            "NRC suffix",
            "NRE start",
            "NRS answer",
            "NRE answer",
            "GraphRunSucceeded",
        ];
        assert_eq!(t.lines, expected);
    })
    .await;
}

#[tokio::test]
async fn answer_order() {
    // Upstream replaces the whole node and asks nothing; the real one refuses an empty prompt.
    each("test-answer-order", Given::query("hi").llm("1759052580454", "mocked llm text"), |t| {
        assert_eq!(t.answer(), "--- answer 1 ---\n\nfoo\n--- answer 2 ---\n\nmocked llm text\n");
        assert_eq!(t.chunks.concat(), t.answer());
    })
    .await;
}

#[tokio::test]
async fn parallel_models() {
    let english = ["Hello", ", ", "I", " ", "am", " ", "an", " ", "AI", " ", "assistant", "."];
    let chinese = ["你好", "，", "我", "是", "AI", "助手", "。"];
    let given = Given::query("Tell me about yourself")
        .llm_pieces("1754339718571", &english)
        .llm_pieces("1754339725656", &chinese);
    each("multilingual_parallel_llm_streaming_workflow", given, |t| {
        assert_eq!(t.answer(), "你好，我是AI助手。Hello, I am an AI assistant.");
        let shown: Vec<&str> = t.chunks.iter().map(String::as_str).filter(|chunk| !chunk.is_empty()).collect();
        assert_eq!(shown, [&chinese[..], &english[..]].concat());
        let last_chunk = t.lines.iter().rposition(|line| line.starts_with("NRC")).unwrap();
        let answer = t.lines.iter().position(|line| line == "NRS answer").unwrap();
        assert!(last_chunk < answer, "{:?}", t.lines);
    })
    .await;
}

#[tokio::test]
async fn static_output_after_tool() {
    let given = Given::query("1").tools(json!({"text": "2025-01-01", "files": [], "json": []}));
    each("chatflow_time_tool_static_output_workflow", given, |t| {
        assert_eq!(t.status(), RunStatus::Succeeded, "{:?}", t.outcome.error);
        assert_eq!(t.chunks, ["hello, dify!"]);
    })
    .await;
}

#[tokio::test]
async fn loop_contains_answer() {
    each("loop_contains_answer", Given::query("1"), |t| {
        assert_eq!(t.answer(), "1\n2\n1 + 2");
        let round = |value: &str| {
            ["NRS assigner", &format!("NRC {value}"), "NRC \n", "NRE assigner", "NRS answer", "NRE answer"]
                .map(str::to_owned)
                .to_vec()
        };
        let expected = [
            ["GraphRunStarted", "NRS start", "NRE start", "NRS loop", "LoopStarted"].map(str::to_owned).to_vec(),
            round("1"),
            vec!["LoopNext".to_owned()],
            round("2"),
            ["LoopSucceeded", "NRC 1", "NRC  + ", "NRC 2", "NRE loop", "NRS answer", "NRE answer", "GraphRunSucceeded"]
                .map(str::to_owned)
                .to_vec(),
        ];
        assert_eq!(t.lines, expected.concat());
    })
    .await;
}

#[tokio::test]
async fn tool_in_loop() {
    let given = Given::query("").tools(json!({"text": "mocked search result", "files": [], "json": []}));
    each("search_dify_from_2023_to_2025", given, |t| {
        assert_eq!(t.answer(), "- mocked search result\n- mocked search result");
        let round = ["NRS tool", "NRE tool", "NRS assigner", "NRE assigner"];
        let expected = [
            &["GraphRunStarted", "NRS start", "NRE start", "NRS loop", "LoopStarted"][..],
            &round,
            &["LoopNext"],
            &round,
            &["LoopSucceeded", "NRC - mocked search result\n- mocked search result", "NRE loop", "NRS answer"],
            &["NRE answer", "GraphRunSucceeded"],
        ];
        assert_eq!(t.lines, expected.concat());
    })
    .await;
}

#[tokio::test]
async fn conversation_variable_is_shown_after_it_is_written() {
    each("test_streaming_conversation_variables_v1_overwrite", Given::query("overwrite-value"), |t| {
        assert_eq!(t.answer(), "Current Value Of `conv_var` is:overwrite-value");
        let shown: Vec<&str> = t.chunks_of(&["conversation", "conv_var"]);
        assert!(!shown.is_empty() && shown.iter().all(|text| *text == "overwrite-value"), "{shown:?}");
    })
    .await;
}
