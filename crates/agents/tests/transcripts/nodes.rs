//! The port of agent nodes, and how strategies are declared.

use super::*;

fn invocation(provider: &str, strategy: &str, parameters: Json) -> AgentInvocation {
    AgentInvocation {
        provider: provider.into(),
        strategy: strategy.into(),
        plugin_unique_identifier: None,
        parameters: parameters.as_object().cloned().unwrap(),
        history: vec![Message::user("before"), Message::assistant("said")],
        node_run_id: NodeRunId::new(),
        node_id: "n".into(),
    }
}

fn node_parameters(tools: Json) -> Json {
    json!({"model": {"provider": "test", "model": "model", "completion_params": {"stop": ["END"], "temperature": 0.5}},
        "tools": tools, "instruction": "Be kind.", "query": "what?", "maximum_iterations": "2", "context": "The sky is blue."})
}

#[tokio::test]
async fn a_node_is_told_text_files_usage_and_a_tree() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&["I draw. "], &[("draw", "{}"), ("refuse", "{}")]), say(&["Done."])]);
    let strategies = Strategies::new(Arc::clone(&model) as _, Arc::clone(&tools) as _, Arc::new(Files));
    let listed = |name: &str| {
        json!({"enabled": true, "type": "builtin", "provider_name": "p", "tool_name": name,
        "parameters": {"text": null}, "settings": {"k": "v"}, "extra": {"description": format!("my {name}")}})
    };
    let task = invocation(
        "langgenius/agent/agent",
        "function_calling",
        node_parameters(json!([listed("draw"), listed("refuse")])),
    );
    let messages: Vec<CallMessage> =
        strategies.invoke(&run_info(), task).await.unwrap().map(|message| message.unwrap()).collect().await;
    let mut text = String::new();
    let mut tree = Vec::new();
    let mut logs: Vec<ox_nodes::CallLog> = Vec::new();
    let (mut files, mut tokens, mut price) = (Vec::new(), 0, 0.0);
    for message in messages {
        match message {
            CallMessage::Text(piece) => text.push_str(&piece),
            CallMessage::File(file) => files.push(file.filename.unwrap()),
            CallMessage::Usage(usage) => {
                tokens += usage.total_tokens;
                price += usage.total_price.to_string().parse::<f64>().unwrap();
            }
            CallMessage::Log(log) => {
                let parent = logs.iter().find(|known| Some(&known.id) == log.parent_id.as_ref());
                tree.push(format!("{}{} {}", parent.map_or("", |_| "  "), log.label, log.status));
                logs.push(*log);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((text.as_str(), files, tokens), ("I draw. \nDone.", vec!["cat.png".to_owned()], 22));
    assert_eq!(
        tree,
        [
            "ROUND 1 start",
            "  model Thought start",
            "  model Thought success",
            "  CALL draw start",
            "  CALL refuse start",
            "  CALL draw success",
            "  CALL refuse error",
            "ROUND 1 success",
            "ROUND 2 start",
            "  model Thought start",
            "  model Thought success",
            "ROUND 2 success",
        ]
    );
    // Each round, and the thought in it, has what it took and what it cost; together they are what is paid.
    for at in [2, 7, 10, 11] {
        let metadata = &logs[at].metadata;
        let price: f64 = metadata["total_price"].as_str().unwrap().parse().unwrap();
        assert_eq!((&metadata["total_tokens"], price), (&json!(11), 1.5), "{}", logs[at].label);
    }
    assert!((price - 3.0).abs() < 1e-9, "{price}");
    assert_eq!(
        (logs[2].metadata["provider"].as_str(), logs[2].metadata["currency"].as_str()),
        (Some("test"), Some("USD"))
    );
    assert_eq!(logs[2].data["tool_name"], "draw;refuse");
    assert_eq!(logs[6].error.as_deref(), Some("not today"));
    assert_eq!(logs[7].data["output"]["tool_responses"].as_array().unwrap().len(), 2);
    let asked = model.asked();
    assert_eq!(
        (asked[0].stop.clone(), asked[0].parameters.get("temperature")),
        (vec!["END".to_owned()], Some(&json!(0.5)))
    );
    assert_eq!(asked[0].tools[0].description, "my draw");
    assert!(texts(&asked[0])[0].contains("The sky is blue."));
    assert_eq!(tools.made.lock().unwrap()[0].settings["k"], "v");
}

#[tokio::test]
async fn what_a_node_may_get_wrong() {
    let tools = Arc::new(Tools::default());
    let ask = |provider: &'static str, strategy: &'static str, parameters: Json| {
        let model = Model::new(&[Turn { error: true, ..say(&[]) }]);
        let strategies = Strategies::new(model, Arc::clone(&tools) as _, Arc::new(Files));
        async move {
            match strategies.invoke(&run_info(), invocation(provider, strategy, parameters)).await {
                Err(error) => (error.class, error.text, error.is_final),
                Ok(stream) => {
                    let all: Vec<_> = stream.collect().await;
                    let broken =
                        all.iter().filter(|one| matches!(one, Ok(CallMessage::Log(log)) if log.status == "error"));
                    assert_eq!(broken.count(), 2, "the round and the thought are closed");
                    let error = all.into_iter().last().unwrap().unwrap_err();
                    (error.class, error.text, error.is_final)
                }
            }
        }
    };
    let gone = json!([{"enabled": true, "type": "api", "provider_name": "p", "tool_name": "gone"}]);
    for (provider, strategy, parameters, class, part) in [
        ("langgenius/agent/agent", "dream", node_parameters(json!([])), "AgentStrategyNotFoundError", "'dream'"),
        (
            "somebody/else/agent",
            "ReAct",
            node_parameters(json!([])),
            "AgentStrategyNotFoundError",
            "somebody/else/agent",
        ),
        ("langgenius/agent/agent", "ReAct", json!({"query": "q"}), "AgentParameterError", "no model"),
        (
            "langgenius/agent/agent",
            "ReAct",
            node_parameters(gone),
            "AgentInvocationError",
            "gone: there is no such tool",
        ),
        ("oxidify/agent/agent", "plan_execute", node_parameters(json!([])), "AgentModelError", "down"),
    ] {
        let (found, text, _) = ask(provider, strategy, parameters).await;
        assert_eq!(found, class, "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn strategies_are_declared_for_the_editor() {
    let declared = ox_agents::declarations();
    let providers: Vec<&str> = declared.iter().filter_map(|one| one["provider"].as_str()).collect();
    assert_eq!(providers, ["langgenius/agent/agent", "oxidify/agent/agent"]);
    for one in &declared {
        assert_eq!(one["declaration"]["identity"]["name"], one["provider"]);
        for strategy in one["declaration"]["strategies"].as_array().unwrap() {
            assert!(Strategy::parse(strategy["identity"]["name"].as_str().unwrap()).is_some());
            let names: Vec<&str> =
                strategy["parameters"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
            assert_eq!(names, ["model", "tools", "instruction", "query", "context", "files", "maximum_iterations"]);
        }
    }
    assert!(ox_agents::declared_provider("langgenius/agent/agent").is_some());
    assert!(ox_agents::declared_provider("x").is_none());
}

#[tokio::test]
async fn the_scripted_model_calls_a_tool_once_and_answers() {
    let tools = Arc::new(Tools::default());
    let toolbox = toolbox(&tools, &["echo"]).await;
    let asked = Task { model: ModelRef::chat("oxidify/scripted", "tools"), ..task(Strategy::FunctionCalling, 3) };
    let models = Arc::new(StaticRuntime::new(egress())) as Arc<dyn ModelRuntime>;
    let mut events = run(asked, models, toolbox);
    let mut answer = None;
    while let Some(event) = events.next().await {
        if let AgentEvent::Finished(finished) = event.unwrap() {
            answer = Some((finished.answer, finished.rounds));
        }
    }
    let (answer, rounds) = answer.unwrap();
    assert!(answer.starts_with("you said"), "{answer}");
    assert_eq!(rounds, 2);
}
