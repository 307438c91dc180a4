//! What the tests of the sandbox share.
#![allow(dead_code, clippy::panic, clippy::print_stdout, reason = "tests; each program uses its own part")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use ox_net::Caller;
use ox_sandbox::{CodeError, CodeLimits, CodeRequest, CodeRunner, Language, Local, Network, Settings, Wall, Without};
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
        caller: Caller { workspace: "test".into(), ..Caller::default() },
        rules: None,
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

/// The strengths that this machine can show, each with a sandbox without a network. What it cannot is printed.
pub async fn strengths() -> Vec<(&'static str, Local)> {
    strengths_of(settings(), None).await
}

/// The same with these settings, and with this network.
pub async fn strengths_of(settings: Settings, network: Option<Network>) -> Vec<(&'static str, Local)> {
    let mut found = Vec::new();
    for (name, without) in [
        ("with namespaces", Without::default()),
        ("without namespaces", Without { namespaces: true, ..Without::default() }),
    ] {
        let settings = Settings { without, ..settings.clone() };
        let out_of_reach = without.namespaces && settings.python.as_deref().is_some_and(is_private);
        let sandbox = match &network {
            Some(network) => Local::with_network(settings, network.clone()),
            None => Local::new(settings),
        };
        let mut missing = Vec::new();
        for report in sandbox.check().await {
            match &report.state {
                Ok((layers, _)) => match &layers.namespaces {
                    Wall::Missing(why) if !without.namespaces => missing.push(format!("no namespaces: {why}")),
                    _ if report.lacks_network => missing.push("no network".to_owned()),
                    _ => {}
                },
                // The kernel cannot; anything else is a fault of ours.
                Err(CodeError::Off(why)) => missing.push(why.clone()),
                Err(error) if out_of_reach => missing.push(error.to_string()),
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

/// Whether an interpreter is in a folder that only its owner enters: without namespaces a run's user cannot.
fn is_private(interpreter: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let real = std::fs::canonicalize(interpreter).unwrap_or_default();
    let closed = |path: &Path| std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 1 == 0);
    interpreter.ancestors().chain(real.ancestors()).any(closed)
}

/// An interpreter that has these modules: `OXIDIFY_TEST_PYTHON`, those that the outer tests made, or the system's.
pub fn interpreter_with(modules: &[&str]) -> Option<PathBuf> {
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let made = std::fs::read_dir(home.join("oxidify")).into_iter().flatten().flatten();
    let made = made.filter(|entry| entry.file_name().to_string_lossy().starts_with("venv-"));
    let named = std::env::var_os("OXIDIFY_TEST_PYTHON").map(PathBuf::from);
    let usual = ["python3", "/usr/bin/python3"].map(PathBuf::from);
    let found = named.into_iter().chain(made.map(|entry| entry.path().join("bin/python"))).chain(usual);
    let question = format!("import {}", modules.join(", "));
    found.into_iter().find(|path| {
        std::process::Command::new(path)
            .args(["-I", "-c", &question])
            .output()
            .is_ok_and(|output| output.status.success())
    })
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
