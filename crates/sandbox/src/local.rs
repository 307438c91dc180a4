//! The driver of a server: confined workers on this machine.

use std::fmt;

use async_trait::async_trait;
use ox_text::jinja::JinjaError;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    CodeError, CodeOutput, CodeRequest, CodeRunner, Language, ScriptOutput, Settings, TemplateRequest,
    javascript::JavaScript,
    layers::{Layers, Level},
    python::Python,
    result::parse_result,
};

/// Runs code in confined processes of this machine.
pub struct Local {
    settings: Settings,
    javascript: JavaScript,
    python: Python,
    running: Semaphore,
    waiting: Semaphore,
}

/// What a language can do here.
#[derive(Clone, Debug)]
pub struct LanguageReport {
    pub language: Language,
    /// The walls, and the version of the interpreter; or why code of this language does not run.
    pub state: Result<(Layers, String), CodeError>,
}

impl LanguageReport {
    /// What an operator should know: missing layers, or why code does not run.
    #[must_use]
    pub fn finding(&self) -> Option<String> {
        let name = self.language.as_str();
        match &self.state {
            Err(why) => Some(format!("{name} code does not run: {why}")),
            Ok((layers, _)) if layers.level() == Level::Weak => Some(format!(
                "{name} code runs without good protection, because OXIDIFY_CODE_UNCONFINED allows it; missing: {}",
                layers.missing().join("; ")
            )),
            Ok((layers, _)) if !layers.missing().is_empty() => {
                Some(format!("{name} code is confined by {layers}; missing: {}", layers.missing().join("; ")))
            }
            Ok(_) => None,
        }
    }
}

impl fmt::Display for LanguageReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Ok((layers, version)) => write!(out, "{version}: {layers}"),
            Err(_) => out.write_str("off"),
        }
    }
}

impl Local {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            javascript: JavaScript::new(settings.clone()),
            python: Python::new(settings.clone()),
            running: Semaphore::new(settings.workers.max(1)),
            waiting: Semaphore::new(settings.workers.max(1) + settings.queue),
            settings,
        }
    }

    /// Starts what the first runs need and tells what protects them.
    pub async fn check(&self) -> [LanguageReport; 2] {
        let (javascript, python) = tokio::join!(self.javascript.check(), self.python.check());
        [
            LanguageReport {
                language: Language::JavaScript,
                state: javascript.map(|layers| (layers, "QuickJS".to_owned())),
            },
            LanguageReport {
                language: Language::Python3,
                state: python.map(|(layers, version)| (layers, format!("Python {version}"))),
            },
        ]
    }

    /// The settings it was made with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Installs the operator's Python packages when there is a list of them, and again whenever it changes. Ends only
    /// where there can be none; `tell` hears what happened.
    pub async fn keep_packages(&self, tell: impl Fn(Result<&str, String>) + Send + Sync) {
        let (Some(packages), Some(python)) = (&self.settings.packages, &self.settings.python) else { return };
        let mut installed = None;
        loop {
            let changed = packages.changed();
            if changed.is_some() && changed != installed {
                tell(Ok("installing the Python packages of python-requirements.txt"));
                match packages.install(python).await {
                    Ok(()) => {
                        installed = changed;
                        self.python.renew().await;
                        tell(Ok("the Python packages are installed"));
                    }
                    Err(why) => tell(Err(why)),
                }
            }
            tokio::time::sleep(packages.interval).await;
        }
    }

    /// Lets the next Python runs see packages that were installed since.
    pub async fn renew_python(&self) {
        self.python.renew().await;
    }

    /// Process ids of the JavaScript workers that wait for work.
    #[must_use]
    pub fn idle_workers(&self) -> Vec<u32> {
        self.javascript.ids()
    }

    async fn place(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), CodeError> {
        let place = self.waiting.try_acquire().map_err(|_| CodeError::Busy)?;
        let running = self.running.acquire().await.map_err(|error| CodeError::Internal(error.to_string()))?;
        Ok((place, running))
    }

    /// Runs a whole script, which prints its result itself.
    ///
    /// # Errors
    /// Only where it could not be run; what the script did wrong is in the output.
    pub async fn run_script(&self, request: CodeRequest) -> Result<ScriptOutput, CodeError> {
        let _place = self.place().await?;
        if request.language == Language::Python3 {
            return self.python.run_script(&request).await;
        }
        match self.javascript.run(request, true).await {
            Ok(stdout) => Ok(ScriptOutput { stdout, ..ScriptOutput::default() }),
            Err(error @ (CodeError::Off(_) | CodeError::Busy | CodeError::Internal(_))) => Err(error),
            Err(CodeError::Timeout { .. }) => {
                Ok(ScriptOutput { failure: "error: timeout".into(), exit_code: -1, ..ScriptOutput::default() })
            }
            Err(error) => Ok(ScriptOutput { stderr: error.to_string(), exit_code: 1, ..ScriptOutput::default() }),
        }
    }
}

#[async_trait]
impl CodeRunner for Local {
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError> {
        let _place = self.place().await?;
        let text = match request.language {
            Language::JavaScript => self.javascript.run(request, false).await?,
            Language::Python3 => self.python.run_main(&request).await?,
        };
        parse_result(&text)
    }

    async fn render(&self, request: TemplateRequest) -> Result<String, JinjaError> {
        let failed = |error: CodeError| JinjaError::Failed { line: None, why: error.to_string() };
        let _place = self.place().await.map_err(failed)?;
        self.javascript.render(request).await
    }
}
