//! Function calling, ReAct and plans, round by round.

use super::*;

#[tokio::test]
async fn function_calling_answers_at_once_or_after_its_calls() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[say(&["Hel", "lo"])]);
    assert_eq!(
        told(task(Strategy::FunctionCalling, 3), &model, &tools, &["echo"]).await,
        ["round 1", "text \"Hel\"", "text \"lo\"", "thought \"Hello\" ", "finished \"Hello\" 1 rounds 11 tokens"]
    );
    let asked = model.asked();
    assert_eq!(texts(&asked[0]), ["system: Be kind.", "user: before", "assistant: said", "user: what?"]);
    assert_eq!(asked[0].tools[0].description, "does echo");

    let model = Model::new(&[
        call(&["I look"], &[("echo", r#"{"text": "a"}"#), ("json", "{}"), ("echo", r#"{"text": "b"}"#)]),
        call(&[], &[("draw", "")]),
        say(&["Here."]),
    ]);
    assert_eq!(
        told(task(Strategy::FunctionCalling, 3), &model, &tools, &["echo", "json", "draw"]).await,
        [
            "round 1",
            "text \"I look\"",
            "thought \"I look\" echo{\"text\":\"a\"} json{} echo{\"text\":\"b\"}",
            "echo -> \"you said a\"",
            "json -> \"{\\\"a\\\":1}\\nA link for the user: https://x.org\"",
            "echo -> \"you said b\"",
            "round 2",
            "thought \"\" draw{}",
            "draw -> \"image has been created and sent to user already, you do not need to create it again: just tell the user \
             to look at it now.\"cat.png",
            "round 3",
            "text \"\\n\"",
            "text \"Here.\"",
            "thought \"Here.\" ",
            "finished \"I look\\nHere.\" 3 rounds 133 tokens",
        ]
    );
    let asked = model.asked();
    assert_eq!(
        texts(&asked[1])[4..],
        [
            "assistant: I look<echo{\"text\": \"a\"}><json{}><echo{\"text\": \"b\"}>",
            "tool: you said a",
            "tool: {\"a\":1}\nA link for the user: https://x.org",
            "tool: you said b"
        ]
    );
    let last = asked[1].messages.last().unwrap();
    assert_eq!((last.tool_call_id.as_deref(), last.name.as_deref()), (Some("id2"), Some("echo")));
    // Two calls never share an id, whatever they are called with.
    let ids: std::collections::HashSet<_> = tools.made.lock().unwrap().iter().map(|call| call.node_run_id).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn what_goes_wrong_is_told_to_the_model() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[
        call(&[], &[("nobody", "{}"), ("refuse", "{}"), ("break", "{}"), ("silent", "{}"), ("echo", "{\"text\": ")]),
        say(&["Sorry."]),
    ]);
    assert_eq!(
        told(task(Strategy::FunctionCalling, 3), &model, &tools, &["refuse", "break", "silent", "echo"]).await[2..],
        [
            "nobody -> \"there is not a tool named nobody\" !there is not a tool named nobody",
            "refuse -> \"tool invoke error: not today\" !not today",
            "break -> \"tool invoke error: broke\" !broke",
            "silent -> \"The tool has no output.\"",
            "echo -> \"tool invoke error: the arguments are not a valid JSON object\" !the arguments are not a valid JSON object",
            "round 2",
            "text \"Sorry.\"",
            "thought \"Sorry.\" ",
            "finished \"Sorry.\" 2 rounds 22 tokens",
        ]
    );
}

#[tokio::test]
async fn rounds_are_bounded_and_the_last_has_no_tools() {
    let tools = Arc::new(Tools::default());
    for (max, rounds) in [(1, 2), (3, 4), (99, 100), (5000, 100)] {
        let model = Model::always(call(&[], &[("echo", "{}")]));
        let lines = told(task(Strategy::FunctionCalling, max), &model, &tools, &["echo"]).await;
        let last = lines.last().unwrap();
        assert!(last.starts_with("error AgentMaxIterationError: Agent exceeded the maximum iteration limit"), "{last}");
        let asked = model.asked();
        assert_eq!(asked.len(), rounds, "{max}");
        let offered: Vec<usize> = asked.iter().map(|request| request.tools.len()).collect();
        assert_eq!(offered.iter().sum::<usize>(), rounds - 1);
        assert_eq!(offered.last(), Some(&0));
    }
    let model = Model::always(say(&["Action: {\"action\": \"echo\", \"action_input\": \"x\"}"]));
    let lines = told(task(Strategy::ReAct, 2), &model, &tools, &["echo"]).await;
    assert!(lines.last().unwrap().starts_with("error AgentMaxIterationError"), "{lines:?}");
    assert_eq!(model.asked().len(), 3);
    assert!(model.asked()[1].messages[0].plain_text().contains("does echo"));
    assert!(!model.asked()[2].messages[0].plain_text().contains("does echo"));
}

#[tokio::test]
async fn a_huge_answer_is_cut_with_a_note() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("huge", "{}")]), say(&["ok"])]);
    told(task(Strategy::FunctionCalling, 3), &model, &tools, &["huge"]).await;
    let told_text = model.asked()[1].messages.last().unwrap().plain_text();
    assert!(told_text.len() < 70_000, "{}", told_text.len());
    assert!(
        told_text.ends_with("characters: 6078464 of 6144000 were left out.]"),
        "{}",
        &told_text[told_text.len() - 100..]
    );
    // A small window gets less, and what is old makes room for what is new.
    let mut model = Model::new(&[call(&[], &[("huge", "{}")]), call(&[], &[("huge", "{}")]), say(&["ok"])]);
    Arc::get_mut(&mut model).unwrap().window = 800;
    let lines = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["huge"]).await;
    let told_of = lines.iter().filter(|line| line.starts_with("thought") && line.ends_with(" 1 shortened"));
    assert_eq!(told_of.count(), 1, "the round tells it: {lines:?}");
    let asked = model.asked();
    let sizes: Vec<usize> = asked[2]
        .messages
        .iter()
        .filter(|message| message.role == Role::Tool)
        .map(|message| message.plain_text().len())
        .collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes[0] < 500 && sizes[1] > 2000, "{sizes:?}");
    // The same where observations are part of a text.
    let act = say(&["Thought: look\nAction: {\"action\": \"huge\", \"action_input\": {}}"]);
    let end = say(&["Thought: known\nAction: {\"action\": \"Final Answer\", \"action_input\": \"ok\"}"]);
    let mut model = Model::new(&[act.clone(), act, end]);
    Arc::get_mut(&mut model).unwrap().window = 800;
    let lines = told(task(Strategy::ReAct, 3), &model, &tools, &["huge"]).await;
    let told_of = |line: &String| line.ends_with(" 1 shortened") || line.ends_with(" 2 shortened");
    assert!(lines.iter().any(told_of), "{lines:?}");
    let last: String = model.asked()[2].messages.iter().map(Message::plain_text).collect();
    assert!(last.contains("more characters were dropped to make room"), "{last}");
}

#[tokio::test]
async fn a_broken_model_ends_the_run() {
    let tools = Arc::new(Tools::default());
    for strategy in Strategy::ALL {
        let model = Model::always(Turn { error: true, ..say(&["half"]) });
        let toolbox = toolbox(&tools, &["echo"]).await;
        let mut events = run(task(strategy, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
        let mut last = None;
        while let Some(event) = events.next().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(Err(Error::Model(_)))), "{strategy:?}");
        assert_eq!(model.asked().len(), 1);
    }
}

#[tokio::test]
async fn react_reads_its_actions_and_stops_at_observations() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[
        say(&[
            "Thought: I loo",
            "k\nAction:\n```\n{\"action\": \"echo\", \"act",
            "ion_input\": {\"text\": \"a\"}}\n```\nand more",
        ]),
        say(&["Thought: known\nAction: {\"action\": \"final ANSWER\", \"action_input\": \"It is a.\"}"]),
    ]);
    assert_eq!(
        told(task(Strategy::ReAct, 3), &model, &tools, &["echo"]).await,
        [
            "round 1",
            "thinking \" I loo\"",
            "thinking \"k\\n\\n\"",
            "thought \" I look\\n\\n\" echo{\"text\":\"a\"}",
            "echo -> \"you said a\"",
            "round 2",
            "thinking \" known\\n \"",
            "thought \" known\\n \"  (answer)",
            "answer \"It is a.\" false",
            "finished \"It is a.\" 2 rounds 22 tokens",
        ]
    );
    let asked = model.asked();
    assert_eq!(asked[0].stop, ["Observation"]);
    assert!(asked[0].tools.is_empty());
    let first = texts(&asked[0]);
    assert!(first[0].contains("Be kind.") && first[0].contains("\"name\":\"echo\""), "{}", first[0]);
    assert_eq!(first[1..], ["user: before", "assistant: said", "user: what?"]);
    assert_eq!(
        texts(&asked[1])[4..],
        [
            "assistant: Thought: I look\n\nAction: {\"action\":\"echo\",\"action_input\":{\"text\":\"a\"}}\n\nObservation: you said a\n\n",
            "user: continue"
        ]
    );
    // No action: the text is the answer. An answer may be an object.
    let model = Model::new(&[say(&["Thought: just ", "this"])]);
    assert_eq!(
        told(task(Strategy::ReAct, 3), &model, &tools, &["echo"]).await[1..],
        [
            "thinking \" just \"",
            "thinking \"this\"",
            "thought \" just this\"  (answer)",
            "answer \"just this\" true",
            "finished \"just this\" 1 rounds 11 tokens"
        ]
    );
    let model = Model::new(&[say(&["{\"action\": \"Final Answer\", \"action_input\": {\"a\": 1}}"])]);
    let lines = told(task(Strategy::ReAct, 3), &model, &tools, &[]).await;
    assert_eq!(lines[2], "answer \"{\\\"a\\\":1}\" false");
    // A tool with one parameter takes its value alone; unknown tools are told.
    let model = Model::new(&[
        say(&["{\"action\": \"echo\", \"action_input\": \"alone\"}"]),
        say(&["{\"action\": \"nobody\", \"action_input\": \"x\"}"]),
        say(&["done"]),
    ]);
    let lines =
        told(Task { stop: vec!["Observation".into()], ..task(Strategy::ReAct, 3) }, &model, &tools, &["echo"]).await;
    assert!(lines.contains(&"echo -> \"you said alone\"".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("nobody -> \"there is not a tool named nobody\"")), "{lines:?}");
    assert_eq!(model.asked()[0].stop, ["Observation"]);
}

#[tokio::test]
async fn react_goes_on_in_one_text_for_completion_models() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[say(&["look\nAction: {\"action\": \"echo\", \"action_input\": \"a\"}"]), say(&["done"])]);
    let mut asked = task(Strategy::ReAct, 3);
    asked.model.mode = ModelMode::Completion;
    told(asked, &model, &tools, &["echo"]).await;
    let prompt = model.asked()[1].messages[0].plain_text();
    assert!(prompt.contains("Question: before\nAnswer: said\n"), "{prompt}");
    assert!(prompt.contains("Question: what?\nThought: look\n\nAction: {\"action\":\"echo\",\"action_input\":\"a\"}\n\nObservation: you said a\n\n"), "{prompt}");
    assert!(prompt.ends_with("\nThought:"), "{prompt}");
}

#[tokio::test]
async fn a_plan_is_made_carried_out_and_answered() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[
        say(&["[\"look\", \"check\"]"]),
        call(&[], &[("echo", r#"{"text": "a"}"#)]),
        say(&["found a"]),
        say(&["checked"]),
        say(&["It", " is a."]),
    ]);
    assert_eq!(
        told(task(Strategy::PlanExecute, 5), &model, &tools, &["echo"]).await,
        [
            "round 1",
            "thinking \"[\\\"look\\\", \\\"check\\\"]\"",
            "thought \"[\\\"look\\\", \\\"check\\\"]\" ",
            "round 2",
            "thought \"\" echo{\"text\":\"a\"}",
            "echo -> \"you said a\"",
            "round 3",
            "thinking \"found a\"",
            "thought \"found a\" ",
            "round 4",
            "thinking \"checked\"",
            "thought \"checked\" ",
            "round 5",
            "text \"It\"",
            "text \" is a.\"",
            "thought \"It is a.\" ",
            "finished \"It is a.\" 5 rounds 55 tokens",
        ]
    );
    let asked = model.asked();
    assert!(asked[0].tools.is_empty() && texts(&asked[0])[0].contains("- echo: does echo"));
    assert!(texts(&asked[3])[1].contains("1. look\nfound a"), "{:?}", texts(&asked[3]));
    assert!(texts(&asked[4])[0].contains("2. check\nchecked"), "{:?}", texts(&asked[4]));
    // Steps that loop use up their rounds, not the run.
    let model = Model::always(call(&["[\"a\", \"b\", \"c\"]"], &[("echo", "{}")]));
    let lines = told(task(Strategy::PlanExecute, 4), &model, &tools, &["echo"]).await;
    assert!(lines.last().unwrap().starts_with("finished"), "{lines:?}");
    assert!(model.asked().len() <= 9, "{}", model.asked().len());
    // Models that do not call tools write their actions.
    let mut model = Model::new(&[
        say(&["[\"look\"]"]),
        say(&["Action: {\"action\": \"echo\", \"action_input\": \"a\"}"]),
        say(&["{\"action\": \"Final Answer\", \"action_input\": \"found\"}"]),
        say(&["Answer."]),
    ]);
    Arc::get_mut(&mut model).unwrap().calls_itself = false;
    let lines = told(task(Strategy::PlanExecute, 4), &model, &tools, &["echo"]).await;
    assert!(lines.contains(&"echo -> \"you said a\"".to_owned()), "{lines:?}");
    assert!(texts(&model.asked()[3])[0].contains("1. look\nfound"));
}
