//! The tools of one task: what the model is told of them, and calling them.

mod answer;
mod schema;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ox_engine::RunInfo;
use ox_models::ToolSpec;
use ox_nodes::{CallError, FilePort, ParameterForm, ToolDeclaration, ToolInvocation, ToolName, ToolPort};
use ox_types::{Json, NodeRunId, boxed};
use serde_json::Map;
use uuid::Uuid;

use self::answer::Told;
pub(crate) use self::answer::cut;
use crate::{Approval, ApprovalPort, AskedCall, CallOutcome, NobodyAsked, Provenance, Question, Rules};

/// A tool that answers later than this has failed.
const LONGEST_CALL: Duration = Duration::from_secs(600);
/// Longest name of a function that providers accept.
const MAX_NAME: usize = 64;

/// Values that a tool itself offers or has by default: nobody else's words.
fn own_values(declaration: &ToolDeclaration) -> Vec<String> {
    let parameters = declaration.parameters.iter();
    let defaults = parameters.clone().filter_map(|one| one.default.as_ref()?.as_str().map(str::to_owned));
    parameters.flat_map(|one| one.options.iter().cloned()).chain(defaults).collect()
}

/// A tool that a task may use.
#[derive(Clone, Debug, Default)]
pub struct WantedTool {
    pub name: ToolName,
    /// For people, where the tool itself tells none.
    pub label: String,
    /// For the model, instead of what the tool tells of itself.
    pub description: String,
    /// Values that somebody has fixed; the model does not see these parameters.
    pub fixed: Map<String, Json>,
    pub settings: Map<String, Json>,
    /// What is asked before it is called.
    pub rules: Rules,
}

/// The tools of a task.
pub struct Toolbox {
    run: RunInfo,
    /// Calls have ids of their own, made from this one: stable over retries of the same task.
    node_run_id: NodeRunId,
    node_id: String,
    files: Arc<dyn FilePort>,
    longest: Duration,
    tools: Vec<Tool>,
    people: Arc<dyn ApprovalPort>,
    provenance: Provenance,
    /// Some tool was called already.
    has_called: AtomicBool,
}

pub(crate) struct Tool {
    spec: ToolSpec,
    label: String,
    port: Arc<dyn ToolPort>,
    wanted: WantedTool,
    declaration: ToolDeclaration,
}

/// A call that was looked at.
pub(crate) struct ReadyCall<'a> {
    call: AskedCall,
    /// What it is made with, or why it is not made.
    allowed: Result<(&'a Tool, Map<String, Json>), String>,
    approval: Option<Approval>,
}

impl Toolbox {
    /// No tools yet.
    #[must_use]
    pub fn new(run: RunInfo, node_run_id: NodeRunId, node_id: impl Into<String>, files: Arc<dyn FilePort>) -> Self {
        Self {
            run,
            node_run_id,
            node_id: node_id.into(),
            files,
            longest: LONGEST_CALL,
            tools: Vec::new(),
            people: Arc::new(NobodyAsked),
            provenance: Provenance::default(),
            has_called: AtomicBool::new(false),
        }
    }

    /// Who is asked about calls that need an approval.
    #[must_use]
    pub fn asking(mut self, people: Arc<dyn ApprovalPort>) -> Self {
        self.people = people;
        self
    }

    /// Whether some tool wants to know where its arguments come from.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.tools.iter().any(|tool| tool.wanted.rules.guard)
    }

    /// What was said by whom; only kept where a tool wants to know. Call it when all tools are there.
    pub fn provenance(&mut self) -> Option<&mut Provenance> {
        self.is_guarded().then_some(&mut self.provenance)
    }

    /// Calls that take longer fail.
    #[must_use]
    pub const fn with_time_limit(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Adds a tool; of two with one name the later gets another.
    ///
    /// # Errors
    /// When there is no such tool, or its provider is not set up.
    #[boxed]
    pub async fn add(&mut self, port: &Arc<dyn ToolPort>, wanted: WantedTool) -> Result<(), CallError> {
        let declaration = port.describe(&self.run, &wanted.name).await?;
        let described = [&wanted.description, &declaration.description, &declaration.label, &wanted.label];
        let description = described.into_iter().find(|text| !text.trim().is_empty()).cloned().unwrap_or_default();
        let name = self.free_name(&wanted.name.tool);
        let labels = [&declaration.label, &wanted.label, &wanted.name.tool];
        let label = labels.into_iter().find(|text| !text.trim().is_empty()).cloned().unwrap_or_default();
        let parameters = schema::of(&declaration, &wanted.fixed);
        let spec = ToolSpec { name, description, parameters };
        self.tools.push(Tool { spec, label, port: Arc::clone(port), wanted, declaration });
        Ok(())
    }

    /// A name that models may call, not taken yet.
    fn free_name(&self, name: &str) -> String {
        let plain: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' }).collect();
        let plain = if plain.is_empty() { "tool".to_owned() } else { plain };
        let mut free: String = plain.chars().take(MAX_NAME).collect();
        let mut number = 2;
        while self.tools.iter().any(|tool| tool.spec.name == free) {
            let end = format!("_{number}");
            free = plain.chars().take(MAX_NAME - end.len()).collect::<String>() + &end;
            number += 1;
        }
        free
    }

    /// What the model is told.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.tools.iter().map(|tool| tool.spec.clone()).collect()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.spec.name == name)
    }

    /// A call, with what is known of the tool.
    #[must_use]
    pub fn asked(&self, id: String, name: String, arguments: Json) -> AskedCall {
        let tool = self.find(&name);
        let label = tool.map_or_else(|| name.clone(), |tool| tool.label.clone());
        let provider = tool.map_or_else(String::new, |tool| tool.wanted.name.provider_id.clone());
        AskedCall { id, name, label, provider, arguments }
    }

    /// Looks whether a call can be made, and asks whoever must allow it. It counts as made from here on.
    pub(crate) async fn ready(&self, call: AskedCall) -> ReadyCall<'_> {
        let Some(tool) = self.find(&call.name) else {
            let why = format!("there is not a tool named {}", call.name);
            return ReadyCall { call, allowed: Err(why), approval: None };
        };
        let (allowed, approval) = match schema::arguments(&tool.declaration, &tool.wanted.fixed, &call.arguments) {
            Ok(parameters) => {
                let approval = self.approved(tool, &call, &parameters).await;
                match approval.as_ref().and_then(Approval::refusal) {
                    Some(refusal) => (Err(refusal), approval),
                    None => (Ok((tool, parameters)), approval),
                }
            }
            Err(why) => (Err(why), None),
        };
        if allowed.is_ok() {
            self.has_called.store(true, Ordering::Relaxed);
        }
        ReadyCall { call, allowed, approval }
    }

    /// Makes a call that is ready. What goes wrong is an observation too.
    pub(crate) async fn make(&self, ready: ReadyCall<'_>, place: (u32, usize), limit: usize) -> CallOutcome {
        let ReadyCall { call, allowed, approval } = ready;
        let started = Instant::now();
        let told = match allowed {
            Ok((tool, parameters)) => {
                let work = self.invoke(tool, parameters, &call, place, limit);
                match tokio::time::timeout(self.longest, work).await {
                    Ok(told) => told.map_err(|error| error.to_string()),
                    Err(_) => Err(format!("no answer within {} seconds", self.longest.as_secs())),
                }
            }
            Err(why) => Err(why),
        };
        let seconds = started.elapsed().as_secs_f64();
        match told {
            Ok(Told { text, files, resources, usage }) => {
                CallOutcome { call, observation: text, error: None, files, resources, usage, seconds, approval }
            }
            Err(why) => {
                let is_known = self.find(&call.name).is_some();
                let text = if is_known { format!("tool invoke error: {why}") } else { why.clone() };
                let observation = answer::cut(&text, text.chars().count(), limit);
                CallOutcome { call, observation, error: Some(why), seconds, approval, ..CallOutcome::default() }
            }
        }
    }

    /// Asks about a call that must be asked about.
    async fn approved(&self, tool: &Tool, call: &AskedCall, parameters: &Map<String, Json>) -> Option<Approval> {
        let Rules { always, guard, approver } = tool.wanted.rules;
        // Of what somebody has fixed nothing is told: it may be theirs alone.
        let chosen = parameters.iter().filter(|(name, _)| !tool.wanted.fixed.contains_key(*name));
        let arguments = Json::Object(chosen.map(|(name, value)| (name.clone(), value.clone())).collect());
        let taints =
            if guard { self.provenance.taints(&arguments, &own_values(&tool.declaration)) } else { Vec::new() };
        if !always && taints.is_empty() {
            return None;
        }
        let question = Question {
            id: ox_types::new_uuid(),
            node_id: self.node_id.clone(),
            node_run_id: self.node_run_id,
            has_called: self.has_called.load(Ordering::Relaxed),
            tool: call.name.clone(),
            label: call.label.clone(),
            provider: call.provider.clone(),
            arguments,
            always,
            taints: taints.clone(),
            approver,
        };
        let asked = Instant::now();
        let verdict = self.people.ask(&self.run, &question).await;
        Some(Approval { always, taints, verdict, waited: asked.elapsed().as_secs_f64() })
    }

    async fn invoke(
        &self,
        tool: &Tool,
        parameters: Map<String, Json>,
        call: &AskedCall,
        place: (u32, usize),
        limit: usize,
    ) -> Result<Told, CallError> {
        let mut settings = tool.wanted.settings.clone();
        for parameter in tool.declaration.parameters.iter().filter(|parameter| parameter.form != ParameterForm::Llm) {
            if let (None, Some(default)) = (settings.get(&parameter.name), &parameter.default) {
                settings.insert(parameter.name.clone(), default.clone());
            }
        }
        let invocation = ToolInvocation {
            tool: tool.wanted.name.clone(),
            node_run_id: self.call_id(call, place),
            parameters,
            settings,
            node_id: self.node_id.clone(),
        };
        let stream = tool.port.invoke(&self.run, invocation).await?;
        answer::read(stream, &self.run, self.files.as_ref(), limit).await
    }

    /// The same call at the same place has the same id, also in another try of the task; another call has another.
    fn call_id(&self, call: &AskedCall, (round, position): (u32, usize)) -> NodeRunId {
        let name = format!("{round}/{position}/{}/{}", call.name, call.arguments);
        NodeRunId(Uuid::new_v5(&self.node_run_id.0, name.as_bytes()))
    }
}
