use std::sync::Mutex;

use ox_engine::{Pool, RunInfo};
use ox_net::{Egress, Policy, Rules};
use ox_sandbox::{CodeOutput, CodeRunner};

use super::*;
use crate::{EgressPort, testing};

/// Keeps what it was asked to run.
#[derive(Default)]
struct Spy(Mutex<Vec<CodeRequest>>);

#[async_trait]
impl CodeRunner for Spy {
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError> {
        self.0.lock().unwrap().push(request);
        Ok(CodeOutput { result: json!({"x": 1}).as_object().cloned().unwrap() })
    }
}

/// A workspace that keeps to nothing at all; `None`: its rules cannot be read.
struct Way(Option<Egress>);

#[async_trait]
impl EgressPort for Way {
    async fn of(&self, run: &RunInfo, node: &str) -> Result<Egress, PortError> {
        assert!(!run.invoke_from.is_empty() && node == "n");
        self.0.clone().ok_or_else(|| PortError("no rules today".into()))
    }
}

async fn run(language: &str, way: Option<Egress>) -> (Result<NodeOutput, String>, Vec<CodeRequest>) {
    let spy = Arc::new(Spy::default());
    let ports = Ports { code: Arc::clone(&spy) as Arc<dyn CodeRunner>, http: Arc::new(Way(way)), ..testing::ports() };
    let data = json!({"code_language": language, "code": "…", "outputs": {"x": {"type": "number"}}});
    let (result, _) = testing::run_with(ports, "code", data, Pool::new()).await;
    let asked = spy.0.lock().unwrap().clone();
    (result.map_err(|failure| format!("{}: {}", failure.error_type, failure.error)), asked)
}

#[tokio::test]
async fn code_gets_the_rules_of_its_workspace_and_a_name() {
    let nothing = Arc::new(Rules { only: Some(Vec::new()), private: Vec::new() });
    let way = Egress::new(Policy::default()).within(Arc::clone(&nothing));
    let (result, asked) = run("python3", Some(way.clone())).await;
    assert_eq!(result.unwrap().outputs["x"].to_json(), json!(1));
    let [request] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(request.rules, Some(nothing));
    assert_eq!(request.caller.node, "n");
    assert!(request.caller.workspace.len() == 36 && request.caller.run.len() == 36, "{:?}", request.caller);
    // Without its rules it might call where it must not.
    let (result, asked) = run("python3", None).await;
    assert_eq!((result.unwrap_err().as_str(), asked.len()), ("CodeExecutionError: no rules today", 0));
    // JavaScript has no network.
    let (result, asked) = run("javascript", None).await;
    assert!(result.is_ok() && asked.first().is_some_and(|request| request.rules.is_none()));
}
