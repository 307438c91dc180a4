//! The driver of a server: confined workers on this machine.

use ox_types::boxed;
use std::{fmt, sync::Arc};

use async_trait::async_trait;
use ox_text::jinja::JinjaError;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    CodeError, CodeOutput, CodeRequest, CodeRunner, Language, ScriptOutput, Settings, TemplateRequest,
    javascript::JavaScript,
    layers::{Layers, Level},
    network::Network,
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
    installing: tokio::sync::Mutex<()>,
}

/// What a language can do here.
#[derive(Clone, Debug)]
pub struct LanguageReport {
    pub language: Language,
    /// The walls, and the version of the interpreter; or why code of this language does not run.
    pub state: Result<(Layers, String), CodeError>,
    /// A network is wanted and cannot be given.
    pub lacks_network: bool,
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
            Ok((layers, _)) if !layers.missing().is_empty() || self.lacks_network => {
                let mut missing = layers.missing();
                if self.lacks_network {
                    let why = "network (the kernel cannot hand the connections of code to the egress proxy)";
                    missing.push(why.to_owned());
                }
                Some(format!("{name} code is confined by {layers}; missing: {}", missing.join("; ")))
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
    /// A sandbox whose code has no network.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::made(Settings { network: false, ..settings }, None)
    }

    /// A sandbox whose code has this network, where the settings give it one.
    #[must_use]
    pub fn with_network(settings: Settings, network: Network) -> Self {
        Self::made(settings, Some(network))
    }

    fn made(settings: Settings, network: Option<Network>) -> Self {
        Self {
            javascript: JavaScript::new(settings.clone()),
            python: Python::new(settings.clone(), network),
            running: Semaphore::new(settings.workers.max(1)),
            waiting: Semaphore::new(settings.workers.max(1) + settings.queue),
            installing: tokio::sync::Mutex::new(()),
            settings,
        }
    }

    /// Starts what the first runs need and tells what protects them.
    #[boxed]
    pub async fn check(&self) -> [LanguageReport; 2] {
        let (javascript, python) = tokio::join!(self.javascript.check(), self.python.check());
        [
            LanguageReport {
                language: Language::JavaScript,
                state: javascript.map(|layers| (layers, "QuickJS".to_owned())),
                lacks_network: false,
            },
            LanguageReport {
                language: Language::Python3,
                lacks_network: self.settings.network && python.as_ref().is_ok_and(|(layers, _)| !layers.network),
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
        let (Some(packages), Some(_)) = (&self.settings.packages, &self.settings.python) else { return };
        let mut installed = None;
        loop {
            let changed = packages.changed();
            if changed.is_some() && changed != installed {
                tell(Ok("installing the Python packages of python-requirements.txt"));
                match self.install_packages().await {
                    Ok(()) => {
                        installed = changed;
                        tell(Ok("the Python packages are installed"));
                    }
                    Err(why) => tell(Err(why)),
                }
            }
            tokio::time::sleep(packages.interval).await;
        }
    }

    /// Installs the operator's Python packages now; the next runs see them. Does nothing where there is no list.
    ///
    /// # Errors
    /// What pip says.
    #[boxed]
    pub async fn install_packages(&self) -> Result<(), String> {
        let (Some(packages), Some(python)) = (&self.settings.packages, &self.settings.python) else { return Ok(()) };
        // Two at a time would write the same folder.
        let _one = self.installing.lock().await;
        if packages.changed().is_some() {
            packages.install(python, self.python.network()).await?;
        }
        self.python.renew().await;
        Ok(())
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

    /// Runs a whole script, which prints its result itself; with `network` it may use the network where there is one.
    ///
    /// # Errors
    /// Only where it could not be run; what the script did wrong is in the output.
    #[boxed]
    pub async fn run_script(&self, request: CodeRequest, network: bool) -> Result<ScriptOutput, CodeError> {
        let _place = self.place().await?;
        if request.language == Language::Python3 {
            return self.python.run_script(&request, network).await;
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
        let request = Arc::new(request);
        match self.javascript.render(&request).await {
            Err(JinjaError::Unsupported { line, why }) => self.render_by_jinja2(&request, line, why).await,
            done => done,
        }
    }
}

impl Local {
    /// What the renderer of this program does not know, Jinja2 itself may: in a closed process like any Python code.
    async fn render_by_jinja2(
        &self,
        request: &TemplateRequest,
        line: Option<usize>,
        why: String,
    ) -> Result<String, JinjaError> {
        match self.python.render(request).await {
            Ok(text) if text.chars().count() > request.limits.output_chars => {
                Err(JinjaError::TooLong(request.limits.output_chars))
            }
            Ok(text) => Ok(text),
            Err(CodeError::Timeout { .. }) => Err(JinjaError::TooSlow(self.settings.timeout.as_secs())),
            Err(CodeError::Memory { limit_mib }) => Err(JinjaError::TooMuchMemory(limit_mib)),
            Err(CodeError::OutputTooLarge { .. }) => Err(JinjaError::TooLong(request.limits.output_chars)),
            Err(CodeError::Exception { text, .. }) if text.contains("No module named 'jinja2'") => {
                let hint = "with jinja2 installed for the sandbox's python3, Jinja2 itself renders such a template";
                Err(JinjaError::Unsupported { line, why: format!("{why} ({hint})") })
            }
            Err(_) => Err(JinjaError::Unsupported { line, why }),
        }
    }
}
