//! `ReAct`: the model writes thoughts and actions, the actions are read out of its text.

mod parser;
mod prompt;
#[cfg(test)]
mod tests;

use ox_models::{Message, ModelMode};
use ox_types::Json;
use serde_json::json;

pub use self::parser::{Action, Parser, Piece};
use crate::{
    AgentEvent, Error, Thought,
    worker::{Prompt, Worker, shown},
};

/// Where the model must stop: what follows is ours to say.
const STOP: &str = "Observation";
/// The action that ends the work.
const FINAL: &str = "final answer";

/// A step that was made.
struct Step {
    thought: String,
    action: String,
    observation: String,
}

/// What the model wrote in a round.
#[derive(Default)]
struct Written {
    thought: String,
    action: Option<Action>,
}

pub(crate) async fn work(worker: &mut Worker) -> Result<String, Error> {
    let rounds = worker.last_round();
    let mut talk = worker.task.history.clone();
    talk.push(worker.task.question());
    let instruction = worker.task.instruction.clone();
    let Answer { text, was_shown } = rounds_with_actions(worker, &instruction, &talk, rounds).await?;
    worker.tell(AgentEvent::Answer { text: text.clone(), was_shown }).await;
    Ok(text)
}

/// What the rounds lead to.
pub(crate) struct Answer {
    pub text: String,
    /// It was told as thinking.
    pub was_shown: bool,
}

/// Asks and acts until there is an answer. The last of the rounds offers no tools.
pub(crate) async fn rounds_with_actions(
    worker: &mut Worker,
    instruction: &str,
    talk: &[Message],
    rounds: u32,
) -> Result<Answer, Error> {
    let mut steps: Vec<Step> = Vec::new();
    let mut left = rounds;
    loop {
        left = left.saturating_sub(1);
        let round = worker.begin().await;
        let is_last = left == 0;
        let (asked, prompt) = ask(worker, instruction, talk, &steps, is_last);
        let (written, usage) = listen(worker, asked).await?;
        let Written { thought, action } = written;
        let Some(Action { name, input, json }) = action else {
            let text = thought.trim().to_owned();
            finish(worker, Thought { round, text: thought, usage, prompt, ..Thought::default() }).await;
            return Ok(Answer { text, was_shown: true });
        };
        if name.trim().eq_ignore_ascii_case(FINAL) {
            let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
            finish(worker, Thought { round, text: thought, usage, prompt, ..Thought::default() }).await;
            return Ok(Answer { text, was_shown: false });
        }
        let call = worker.toolbox.asked(format!("call_{round}"), name, input);
        let calls = vec![call.clone()];
        worker.thought(Thought { round, text: thought.clone(), calls, usage, prompt, is_answer: false }).await;
        if is_last {
            return Err(Error::MaxIterations(rounds.saturating_sub(1)));
        }
        let observation = worker.call(call, 0).await.observation;
        worker.end().await;
        steps.push(Step { thought, action: json.to_string(), observation });
    }
}

async fn finish(worker: &Worker, thought: Thought) {
    worker.thought(Thought { is_answer: true, ..thought }).await;
    worker.end().await;
}

/// The prompt of the next round, and how logs show it.
fn ask(worker: &Worker, instruction: &str, talk: &[Message], steps: &[Step], is_last: bool) -> (Prompt, Json) {
    let task = &worker.task;
    let tools = if is_last { Vec::new() } else { worker.toolbox.specs() };
    let frame = prompt::Frame { template: task.react_prompt.as_deref(), instruction, tools: &tools };
    let scratchpad = prompt::scratchpad(steps);
    if task.model.mode == ModelMode::Completion {
        let text = frame.completion(talk, &scratchpad);
        let log = json!([{"role": "user", "text": text, "files": []}]);
        return (Prompt::Completion(text), log);
    }
    let mut messages = vec![Message::system(frame.system())];
    messages.extend(talk.iter().cloned());
    if !scratchpad.is_empty() {
        messages.push(Message::assistant(scratchpad));
        messages.push(Message::user("continue"));
    }
    let log = shown(&messages);
    (Prompt::Chat(messages), log)
}

/// Listens to a round: what is not an action is told as it comes.
async fn listen(worker: &mut Worker, prompt: Prompt) -> Result<(Written, ox_models::Usage), Error> {
    let mut stop = worker.task.stop.clone();
    if !stop.iter().any(|word| word == STOP) {
        stop.push(STOP.to_owned());
    }
    let mut hearing = worker.ask(prompt, Vec::new(), stop).await?;
    let mut parser = Parser::default();
    let mut written = Written::default();
    while let Some(text) = hearing.next().await? {
        let pieces = parser.push(&text);
        take(worker, pieces, &mut written).await;
    }
    let pieces = parser.finish();
    take(worker, pieces, &mut written).await;
    Ok((written, worker.heard(hearing).usage))
}

async fn take(worker: &Worker, pieces: Vec<Piece>, written: &mut Written) {
    for piece in pieces {
        match piece {
            // The first action counts: what follows it was written without knowing what it gives.
            Piece::Action(action) => _ = written.action.get_or_insert(action),
            Piece::Text(text) if written.action.is_none() => {
                written.thought.push_str(&text);
                worker.tell(AgentEvent::Thinking(text)).await;
            }
            Piece::Text(_) => {}
        }
    }
}
