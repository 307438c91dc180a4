//! Python: a process that has the interpreter warm, and for each run a copy of it, closed before it reads
//! a byte of the user's.

mod connect;
mod drive;
mod setup;
mod zygote;

use ox_types::boxed;
use std::{
    path::Path,
    time::{Duration, Instant},
};

use ox_net::Caller;
use tokio::sync::Mutex;

pub use setup::ZygoteSetup;

use self::{
    drive::{End, Ending},
    zygote::{Kind, Zygote},
};
use crate::{
    CodeError, CodeLimits, CodeRequest, Language, Settings, TemplateRequest,
    layers::{Layers, Level},
    network::Network,
};

/// A zygote is replaced after so many runs, or that long, so that no two days share a hash seed.
const MAX_RUNS: u64 = 5_000;
const MAX_AGE: Duration = Duration::from_secs(3600);
/// After a failed start, the next is tried no sooner.
const PAUSE: Duration = Duration::from_secs(10);

/// Where systems have their interpreter.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// What a whole script did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptOutput {
    pub stdout: String,
    pub stderr: String,
    /// Why it failed, beyond what it printed; empty where it ended by itself.
    pub failure: String,
    /// −1 when it was ended from outside.
    pub exit_code: i32,
}

/// The Python driver.
pub struct Python {
    settings: Settings,
    network: Option<Network>,
    state: Mutex<State>,
}

enum State {
    Fresh,
    Running(std::sync::Arc<Zygote>),
    Failed { why: CodeError, at: Instant },
}

impl Python {
    pub fn new(settings: Settings, network: Option<Network>) -> Self {
        Self { settings, network, state: Mutex::new(State::Fresh) }
    }

    /// The way out, for fetching packages too.
    pub const fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// Layers and version of the interpreter; starts it when it is not running.
    #[boxed]
    pub async fn check(&self) -> Result<(Layers, String), CodeError> {
        let zygote = self.zygote().await?;
        Ok((zygote.layers.clone(), zygote.version.clone()))
    }

    /// The next run starts a new zygote, as after a change of the installed packages.
    #[boxed]
    pub async fn renew(&self) {
        *self.state.lock().await = State::Fresh;
    }

    async fn zygote(&self) -> Result<std::sync::Arc<Zygote>, CodeError> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Running(zygote) if zygote.usable(MAX_RUNS, MAX_AGE) => return Ok(std::sync::Arc::clone(zygote)),
            State::Failed { why, at } if at.elapsed() < PAUSE => return Err(why.clone()),
            _ => {}
        }
        match self.start().await {
            Ok(zygote) => {
                let zygote = std::sync::Arc::new(zygote);
                *state = State::Running(std::sync::Arc::clone(&zygote));
                Ok(zygote)
            }
            Err(why) => {
                *state = State::Failed { why: why.clone(), at: Instant::now() };
                Err(why)
            }
        }
    }

    async fn start(&self) -> Result<Zygote, CodeError> {
        let Some(python) = &self.settings.python else {
            return Err(CodeError::Unsupported("Python is turned off (PYTHON_PATH=off).".into()));
        };
        match self.start_with(python).await {
            // An interpreter in somebody's home is out of reach for a run's own user; the system's is not.
            Err(why @ CodeError::Unsupported(_)) if python == Path::new("python3") => {
                self.start_with(Path::new(SYSTEM_PYTHON)).await.map_err(|other| match other {
                    CodeError::Off(_) => other,
                    _ => why,
                })
            }
            started => started,
        }
    }

    async fn start_with(&self, python: &Path) -> Result<Zygote, CodeError> {
        let setup = setup::find(python, &self.settings).await?;
        let zygote = Zygote::start(&self.settings, setup).await?;
        if zygote.layers.level() == Level::Weak && !self.settings.accept_weak {
            return Err(CodeError::Off(format!(
                "this machine cannot confine it well, missing: {}",
                zygote.layers.missing().join("; ")
            )));
        }
        Ok(zygote)
    }

    /// The JSON text of what `main` returns.
    #[boxed]
    pub async fn run_main(&self, request: &CodeRequest) -> Result<String, CodeError> {
        let ending = self.run(request, false, true).await?;
        ending.result(request.limits)
    }

    /// Renders a template with Jinja2 itself, where the interpreter has it.
    #[boxed]
    pub async fn render(&self, request: &TemplateRequest) -> Result<String, CodeError> {
        let limits = CodeLimits {
            timeout: self.settings.timeout,
            memory_bytes: self.settings.memory_bytes,
            output_bytes: request.limits.output_chars.saturating_mul(6),
        };
        let inputs = serde_json::json!({"template": request.template, "variables": request.variables});
        let request = CodeRequest {
            caller: Caller { workspace: request.workspace.clone(), ..Caller::default() },
            rules: None,
            language: Language::Python3,
            code: include_str!("python/template.py").to_owned(),
            inputs: inputs.as_object().cloned().unwrap_or_default(),
            limits,
        };
        let text = self.run(&request, false, false).await?.result(limits)?;
        let result: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| CodeError::Internal(error.to_string()))?;
        Ok(result.get("text").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
    }

    /// Runs a whole script and collects what it prints.
    #[boxed]
    pub async fn run_script(&self, request: &CodeRequest, network: bool) -> Result<ScriptOutput, CodeError> {
        let ending = self.run(request, true, network).await?;
        let failure = match &ending.end {
            End::Answered | End::Exited(_) => {
                let complaint = ending.complaint().map(str::to_owned);
                let both: Vec<String> = ending.refused().into_iter().chain(complaint).collect();
                both.join("\n")
            }
            End::TimedOut => "error: timeout".to_owned(),
            End::PrintedTooMuch => CodeError::PrintedTooMuch { limit: request.limits.output_bytes }.to_string(),
            End::RefusedTooOften => ending.refused().unwrap_or_default(),
        };
        let exit_code = match &ending.end {
            End::Exited(Some(status)) => drive::exit_code(*status),
            _ => -1,
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let failure = if exit_code == 0 { String::new() } else { failure };
        Ok(ScriptOutput { stdout: text(&ending.stdout), stderr: text(&ending.stderr), failure, exit_code })
    }

    async fn run(&self, request: &CodeRequest, script: bool, network: bool) -> Result<Ending, CodeError> {
        let zygote = self.zygote().await?;
        let body = serde_json::json!({"code": request.code, "inputs": request.inputs, "script": script});
        let body = serde_json::to_vec(&body).map_err(|error| CodeError::Internal(error.to_string()))?;
        let way = self.network.as_ref().filter(|_| network && zygote.network);
        let wire = way.map(|way| way.wire(&request.caller, request.rules.as_ref(), self.settings.network_bytes));
        let kind = Kind { limits: request.limits, network: wire.is_some() };
        let copy = zygote.take(kind)?;
        let ending = drive::run(copy, &body, request.limits, script, wire).await;
        zygote.prepare(kind);
        ending
    }
}
