//! What the tests of the sandbox share.
#![allow(dead_code, clippy::panic, clippy::print_stdout, reason = "tests; each program uses its own part")]

use std::{path::PathBuf, time::Duration};

use ox_sandbox::{CodeError, CodeLimits, CodeRequest, CodeRunner, Language, Local, Settings, Wall, Without};
use serde_json::{Value as Json, json};

pub const LIMITS: CodeLimits =
    CodeLimits { timeout: Duration::from_secs(4), memory_bytes: 128 << 20, output_bytes: 1 << 20 };

/// Settings that start this crate's own worker program.
pub fn settings() -> Settings {
    Settings {
        program: PathBuf::from(env!("CARGO_BIN_EXE_ox-sandbox-worker")),
        timeout: LIMITS.timeout,
        memory_bytes: LIMITS.memory_bytes,
        output_bytes: LIMITS.output_bytes,
        ..Settings::default()
    }
}

pub fn request(language: Language, code: &str, inputs: &Json) -> CodeRequest {
    CodeRequest {
        workspace: "test".into(),
        language,
        code: code.into(),
        inputs: inputs.as_object().cloned().unwrap_or_default(),
        limits: LIMITS,
    }
}

pub fn run<'a>(
    sandbox: &'a Local,
    language: Language,
    code: &str,
    inputs: &Json,
) -> impl Future<Output = Result<Json, CodeError>> + use<'a> {
    let request = request(language, code, inputs);
    async move { sandbox.run(request).await.map(|output| Json::Object(output.result)) }
}

pub async fn python(sandbox: &Local, code: &str) -> Result<Json, CodeError> {
    run(sandbox, Language::Python3, code, &json!({})).await
}

pub async fn javascript(sandbox: &Local, code: &str) -> Result<Json, CodeError> {
    run(sandbox, Language::JavaScript, code, &json!({})).await
}

/// The strengths that this machine can show, each with a sandbox. What it cannot is printed.
pub async fn strengths() -> Vec<(&'static str, Local)> {
    let mut found = Vec::new();
    for (name, without) in [
        ("with namespaces", Without::default()),
        ("without namespaces", Without { namespaces: true, ..Without::default() }),
    ] {
        let sandbox = Local::new(Settings { without, ..settings() });
        let mut missing = Vec::new();
        for report in sandbox.check().await {
            match &report.state {
                Ok((layers, _)) => match &layers.namespaces {
                    Wall::Missing(why) if !without.namespaces => missing.push(format!("no namespaces: {why}")),
                    _ => {}
                },
                // The kernel cannot; anything else is a fault of ours.
                Err(CodeError::Off(why)) => missing.push(why.clone()),
                Err(error) => panic!("{name}: {error}"),
            }
        }
        if missing.is_empty() {
            found.push((name, sandbox));
        } else {
            println!("SKIPPED {name}: {}", missing.join("; "));
        }
    }
    found
}

/// Processes on this machine whose parent chain leads to this test.
pub fn descendants() -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let mut found = vec![std::process::id()];
    let mut at = 0;
    while let Some(current) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == current).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}
