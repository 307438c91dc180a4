//! Agent apps: a model works in rounds with the app's tools until it answers.

mod knowledge;
mod mode;
mod rounds;

use std::{sync::Arc, time::Instant};

use futures::StreamExt;
use ox_agents::{AgentEvent, AgentStream, Task, Toolbox};
use ox_db::now;
use ox_engine::{RunInfo, UserKind};
use ox_models::ModelRuntime;
use ox_types::{NodeRunId, RunId, WorkflowId};

pub(crate) use self::mode::AgentMode;
use self::{knowledge::KnowledgeTools, rounds::Rounds};
use super::{
    basic::{End, Fault, Growing, Job},
    prompt::Round,
};
use crate::{
    moderation::Watch,
    runs::{RunUser, StreamBody, delta::Delta},
};

impl Job {
    /// Lets the agent work until it answers.
    pub(super) async fn work_as_agent(
        &mut self,
        agent: AgentMode,
        growing: &mut Growing,
        started: Instant,
    ) -> Result<End, Fault> {
        let stop = self.stop.clone();
        let mut rounds = Rounds::new(&self.caller, self.message.id, &agent);
        let mut events = tokio::select! {
            () = stop.cancelled() => return Ok(End::Stopped),
            events = self.begin_work(agent) => events,
        };
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                verdict = growing.verdict() => {
                    if let Some(end) = self.judged(growing, verdict).await {
                        return Ok(end);
                    }
                    continue;
                }
                event = events.next() => event,
            };
            let Some(event) = event.transpose()? else { return Ok(End::Stopped) };
            if let AgentEvent::Finished(finished) = event {
                let mut usage = finished.usage;
                usage.latency = started.elapsed().as_secs_f64();
                return Ok(End::Done(Box::new(usage)));
            }
            if !self.happened(event, growing, &mut rounds).await {
                return Ok(End::Stopped);
            }
        }
    }

    /// Tells and records what happened; `false` when it cannot be recorded any more.
    async fn happened(&mut self, event: AgentEvent, growing: &mut Growing, rounds: &mut Rounds) -> bool {
        match event {
            AgentEvent::Text(text) => {
                if std::mem::take(&mut rounds.is_thinking) {
                    self.begin_answer(growing);
                }
                growing.push(&text);
                let body = StreamBody::Text { text: text.into(), selector: None };
                return self.show(growing, body).await;
            }
            AgentEvent::Thinking(text) => {
                rounds.is_thinking = true;
                growing.push(&text);
                return self.show(growing, StreamBody::Thinking(text.into())).await;
            }
            AgentEvent::Answer { text, was_shown } => {
                rounds.is_thinking = false;
                self.begin_answer(growing);
                growing.push(&text);
                let said = if was_shown { String::new() } else { text };
                let change = Delta { thoughts: rounds.answered(&growing.text), ..Delta::default() };
                let show = vec![StreamBody::Text { text: said.into(), selector: None }];
                return self.recording.put(Some(change), now().timestamp(), show, false).await.is_ok();
            }
            _ => {}
        }
        match &event {
            AgentEvent::Thought(thought) => {
                self.spent += &thought.usage;
                if self.message.message.is_none() {
                    self.message.message = Some(thought.prompt.to_string());
                }
            }
            AgentEvent::CallFinished(outcome) => {
                if let Some(usage) = &outcome.usage {
                    self.spent += usage;
                }
                for resource in &outcome.resources {
                    let mut resource = resource.clone();
                    if let Some(fields) = resource.as_object_mut() {
                        fields.insert("position".to_owned(), (self.context.resources.len() + 1).into());
                    }
                    self.context.resources.push(resource);
                }
            }
            _ => {}
        }
        let (change, show) = rounds.take(event);
        if show.is_empty() && change.is_empty() {
            return true;
        }
        self.recording.put(Some(change), now().timestamp(), show, false).await.is_ok()
    }

    /// What was said beside the answer is no part of it.
    fn begin_answer(&self, growing: &mut Growing) {
        growing.text.clear();
        if growing.watch.is_some() {
            growing.watch = self.moderator.clone().and_then(Watch::new);
        }
    }

    /// The agent, ready to work.
    async fn begin_work(&mut self, agent: AgentMode) -> AgentStream {
        let scope = self.scope();
        let history = self.history(&scope).await.into_iter().flat_map(messages_of).collect();
        let mut instruction = self.prompt.instruction(&self.inputs, &self.query);
        if let Some(text) = &self.system {
            instruction = format!("{instruction}\n\n{text}").trim().to_owned();
        }
        let mut toolbox = self.toolbox(&agent).await;
        if let Some(known) = toolbox.provenance() {
            known.trust(&instruction);
        }
        let task = Task {
            strategy: agent.strategy,
            scope,
            model: self.prompt.model.clone(),
            parameters: self.prompt.parameters.clone(),
            stop: self.prompt.stop.clone(),
            instruction,
            query: self.query.clone(),
            media: std::mem::take(&mut self.media),
            history,
            max_iterations: agent.max_iterations,
            react_prompt: agent.prompt,
        };
        ox_agents::run(task, Arc::clone(&self.services.models) as Arc<dyn ModelRuntime>, toolbox)
    }

    /// The tools that there are: what was deleted meanwhile is left out.
    async fn toolbox(&mut self, agent: &AgentMode) -> Toolbox {
        let files = Arc::new(self.services.files.clone());
        let people = Arc::clone(&self.services.approvals) as Arc<dyn ox_agents::ApprovalPort>;
        let mut toolbox = Toolbox::new(self.run_info(), NodeRunId(self.message.id.0), "agent", files).asking(people);
        let port = Arc::clone(&self.services.tools) as Arc<dyn ox_nodes::ToolPort>;
        for tool in &agent.tools {
            let name = tool.name.tool.clone();
            if let Err(error) = toolbox.add(&port, tool.clone()).await {
                tracing::warn!(%error, tool = name, app = %self.caller.app.app.id, "an agent goes without a tool");
            }
        }
        if let Some(lookup) = self.lookup.take() {
            KnowledgeTools::add(self, lookup, &mut toolbox).await;
        }
        toolbox
    }

    /// For whom tools are called.
    fn run_info(&self) -> RunInfo {
        let caller = &self.caller;
        RunInfo {
            // There is no run of a workflow: the message stands for it.
            run_id: RunId(self.message.id.0),
            task_id: self.recording.hub().head.task_id,
            tenant_id: caller.tenant_id(),
            app_id: caller.app.app.id,
            workflow_id: WorkflowId(uuid::Uuid::nil()),
            conversation_id: Some(self.message.conversation_id),
            user_id: caller.user.id().to_string(),
            user_kind: match caller.user {
                RunUser::EndUser { .. } => UserKind::EndUser,
                RunUser::Account { .. } => UserKind::Account,
            },
            invoke_from: caller.invoke_from.as_str().to_owned(),
            call_depth: self.call_depth,
        }
    }
}

fn messages_of(round: Round) -> impl Iterator<Item = ox_models::Message> {
    let query = (!round.query.is_empty()).then(|| ox_models::Message::user(round.query));
    let answer = (!round.answer.is_empty()).then(|| ox_models::Message::assistant(round.answer));
    query.into_iter().chain(answer)
}
