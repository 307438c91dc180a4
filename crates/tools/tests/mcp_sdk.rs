//! The MCP client against servers made with the official Python SDK. `OXIDIFY_MCP_PYTHON` names a Python that has the
//! package `mcp` (`tests/clients/requirements.txt`); without it the test is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test support")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ox_net::{Egress, Policy};
use ox_nodes::CallMessage;
use ox_sandbox::Launch;
use ox_tools::mcp::{Program, Programs, Server, Session};
use serde_json::{Value, json};

struct Peer {
    process: Child,
    address: String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn peer() -> Option<Peer> {
    let Some(python) = std::env::var_os("OXIDIFY_MCP_PYTHON") else {
        eprintln!("left out: OXIDIFY_MCP_PYTHON is not set");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients/mcp_peer.py");
    let mut process = Command::new(python).arg(script).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
    Some(Peer { process, address: address.trim().to_owned() })
}

#[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
fn arguments(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The same of a server, however it is reached.
async fn conforms(session: &mut Session, way: &str) {
    assert_eq!(session.about["serverInfo"]["name"], "peer", "{way}");
    let tools = session.tools().await.unwrap_or_else(|error| panic!("{way}: {error}"));
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["add", "greet", "pixel", "fail", "slow"], "{way}");
    let greet = tools[1].view("");
    let kinds: Vec<_> = greet.parameters.iter().map(|p| (p.name.as_str(), p.kind.as_str(), p.required)).collect();
    assert_eq!(kinds, [("name", "string", true), ("loud", "boolean", false)], "{way}");
    let said = session.call("add", arguments(json!({"a": 2, "b": 40}))).await.unwrap();
    assert!(!said.is_error && said.text == "42", "{way}: {said:?}");
    let said = session.call("greet", arguments(json!({"name": "Ada", "loud": true}))).await.unwrap();
    assert_eq!(said.text, "HELLO ADA 你好", "{way}");
    let said = session.call("pixel", arguments(json!({}))).await.unwrap();
    assert!(
        matches!(said.messages.first(), Some(CallMessage::Blob { mime, bytes, .. }) if mime == "image/png" && bytes.len() > 60),
        "{way}: {said:?}"
    );
    let said = session.call("fail", arguments(json!({}))).await.unwrap();
    assert!(said.is_error && !said.text.is_empty(), "{way}: {said:?}");
    match session.call("no such tool", arguments(json!({}))).await {
        Ok(said) => assert!(said.is_error, "{way}: {said:?}"),
        Err(error) => assert!(error.to_string().contains("answers with an error"), "{way}: {error}"),
    }
}

#[tokio::test]
async fn every_transport_of_the_sdk() {
    let Some(peer) = peer() else { return };
    ox_net::install_crypto_provider();
    let (policy, _) = Policy::from_env(|name| (name == "SSRF_PROXY_ALLOW_PRIVATE_IPS").then(|| "127.0.0.1".to_owned()));
    let egress = Egress::new(policy);
    for way in ["/stream/mcp", "/plain/mcp", "/older/sse"] {
        let server = Server {
            url: format!("{}{way}", peer.address),
            headers: Vec::new(),
            token: None,
            timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(30),
        };
        let mut session = Session::open(&egress, &server).await.unwrap_or_else(|error| panic!("{way}: {error}"));
        conforms(&mut session, way).await;
        session.close().await;
        let begun = Instant::now();
        let short = Server { read_timeout: Duration::from_secs(4), ..server };
        let mut session = Session::open(&egress, &short).await.unwrap();
        let late = session.call("slow", arguments(json!({}))).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(25), "{way}");
        assert!(late.to_string().starts_with("The MCP server cannot be called"), "{way}: {late}");
        session.close().await;
    }
}

#[tokio::test]
async fn a_program_of_the_sdk() {
    let Some(python) = std::env::var_os("OXIDIFY_MCP_PYTHON") else {
        eprintln!("left out: OXIDIFY_MCP_PYTHON is not set");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients/mcp_peer.py");
    let launch = Launch {
        program: python.into(),
        arguments: vec![script.to_owned(), "stdio".to_owned()],
        environment: vec![("PATH".to_owned(), std::env::var("PATH").unwrap_or_default())],
        directory: directory.path().to_owned(),
    };
    let program = Program { owner: "t".to_owned(), name: "peer".to_owned(), launch, secrets: Vec::new() };
    let programs = Programs::new(None);
    let long = Duration::from_secs(60);
    let mut session = Session::start(&programs, &program, long, long).await.unwrap();
    conforms(&mut session, "stdio").await;
    session.close().await;
    let mut session = Session::start(&programs, &program, long, Duration::from_secs(1)).await.unwrap();
    let late = session.call("slow", arguments(json!({}))).await.unwrap_err();
    assert!(late.to_string().starts_with("The MCP server cannot be called: no answer to tools/call"), "{late}");
    // A call that was given up harms no other.
    let mut session = Session::start(&programs, &program, long, long).await.unwrap();
    let said = session.call("add", arguments(json!({"a": 1, "b": 2}))).await.unwrap();
    assert_eq!(said.text, "3");
}
