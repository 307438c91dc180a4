//! Calls that a person has to allow.

use super::*;

#[tokio::test]
async fn calls_that_need_an_approval_wait_for_it() {
    let tools = Arc::new(Tools::default());
    let turns = [
        call(&[], &[("echo", r#"{"text": "one"}"#), ("echo", r#"{"text": "two"}"#), ("json", "{}")]),
        call(&[], &[("echo", r#"{"text": "three"}"#), ("echo", r#"{"other"#)]),
        say(&["done"]),
    ];
    let model = Model::new(&turns);
    let people = People::new(&[(Decision::Approved, ""), (Decision::Denied, "not now"), (Decision::TimedOut, "")]);
    let toolbox = ruled(&tools, &people, &[("echo", json!({"approval": "always"})), ("json", json!({}))]).await;
    let outcomes = outcomes(&model, toolbox, Strategy::FunctionCalling).await;
    let seen: Vec<(&str, Option<Decision>)> = outcomes
        .iter()
        .map(|one| (one.observation.as_str(), one.approval.as_ref().map(|approval| approval.verdict.decision)))
        .collect();
    assert_eq!(seen[0], ("you said one", Some(Decision::Approved)));
    assert_eq!(
        seen[1],
        (
            "tool invoke error: the tool was not called, because a person declined it: not now. Go on without it, or tell \
             the user.",
            Some(Decision::Denied)
        )
    );
    assert_eq!(seen[2].1, None, "nobody is asked about other tools");
    assert!(seen[3].0.contains("nobody approved it in time") && seen[3].1 == Some(Decision::TimedOut));
    // What cannot be called is not asked about.
    assert_eq!(seen[4].1, None);
    let made: Vec<String> = tools.made.lock().unwrap().iter().map(|call| call.tool.tool.clone()).collect();
    assert_eq!(made, ["echo", "json"]);
    let first = people.asked.lock().unwrap()[0].clone();
    assert_eq!((first.tool.as_str(), first.label.as_str(), first.node_id.as_str()), ("echo", "Tool echo", "n"));
    assert_eq!((&first.arguments, first.always, first.taints.len()), (&json!({"text": "one"}), true, 0));
    // Whether beginning anew would repeat something is known with each question.
    let called: Vec<bool> = people.asked.lock().unwrap().iter().map(|question| question.has_called).collect();
    assert_eq!(called, [false, true, true]);
    // The model is told of it in the next round.
    assert!(texts(&model.asked()[1]).iter().any(|text| text.contains("declined it: not now")));

    // Where nobody can be asked, nothing is called.
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("echo", r#"{"text": "one"}"#)]), say(&["done"])]);
    let port = Arc::clone(&tools) as Arc<dyn ToolPort>;
    let mut toolbox = Toolbox::new(run_info(), NodeRunId::new(), "n", Arc::new(Files));
    let name = ToolName { tool: "echo".into(), ..ToolName::default() };
    let rules = Rules { always: true, ..Rules::default() };
    toolbox.add(&port, WantedTool { name, rules, ..WantedTool::default() }).await.unwrap();
    let mut events = run(task(Strategy::FunctionCalling, 5), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    while let Some(event) = events.next().await {
        event.unwrap();
    }
    assert!(tools.made.lock().unwrap().is_empty());
}

#[tokio::test]
async fn guarded_tools_ask_about_words_from_outside() {
    for strategy in [Strategy::FunctionCalling, Strategy::ReAct] {
        let tools = Arc::new(Tools::default());
        let act = |text: &'static str| match strategy {
            Strategy::ReAct => match text {
                "what" => say(&[r#"{"action": "echo", "action_input": {"text": "what?"}}"#]),
                "fetch" => say(&[r#"{"action": "refuse", "action_input": {"text": "x"}}"#]),
                "not today" => say(&[r#"{"action": "echo", "action_input": {"text": "Not today!"}}"#]),
                _ => say(&[r#"{"action": "Final Answer", "action_input": "done"}"#]),
            },
            _ => match text {
                "what" => call(&[], &[("echo", r#"{"text": "what?"}"#)]),
                "fetch" => call(&[], &[("refuse", r#"{"text": "x"}"#)]),
                "not today" => call(&[], &[("echo", r#"{"text": "Not today!"}"#)]),
                _ => say(&["done"]),
            },
        };
        let turns = [act("what"), act("fetch"), act("not today"), act("end")];
        let model = Model::new(&turns);
        let people = People::new(&[(Decision::Approved, "")]);
        let guard = json!({"injection_guard": true, "approver": "member"});
        let toolbox = ruled(&tools, &people, &[("echo", guard), ("refuse", json!({}))]).await;
        let outcomes = outcomes(&model, toolbox, strategy).await;
        assert_eq!(outcomes.len(), 3);
        assert!(outcomes[0].approval.is_none(), "the user's own words");
        assert!(outcomes[1].approval.is_none(), "this tool does not ask");
        let approval = outcomes[2].approval.as_ref().unwrap();
        assert_eq!((approval.always, approval.taints[0].text.as_str()), (false, "not today"));
        assert_eq!(approval.taints[0].source, "refuse");
        assert_eq!(approval.to_json()["decision"], "approved");
        assert_eq!(outcomes[2].observation, "you said Not today!");
        assert_eq!(people.asked.lock().unwrap()[0].approver, Approver::Member);
    }
}

#[tokio::test]
async fn what_a_model_wants_back_comes_with_the_next_round() {
    let tools = Arc::new(Tools::default());
    let mut first = call(&["hm"], &[("echo", r#"{"text": "one"}"#)]);
    first.opaque = Some("signed");
    let model = Model::new(&[first, say(&["done"])]);
    let _ = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["echo"]).await;
    let asked = model.asked();
    let said = asked[1].messages.iter().find(|message| !message.tool_calls.is_empty()).unwrap();
    assert_eq!(said.opaque, Some(json!({"test": "signed"})));
}
