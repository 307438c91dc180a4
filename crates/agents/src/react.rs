//! `ReAct`: the model writes thoughts and actions, the actions are read out of its text.

mod parser;
mod prompt;
#[cfg(test)]
mod tests;

use ox_models::{Message, ModelMode, WindowFit};
use ox_types::Json;

pub use self::parser::{Action, Parser, Piece};
use crate::{
    AgentEvent, Error, Thought,
    worker::{Prompt, Worker, shortened, shown},
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
        let Asked { asked, prompt, window } = ask(worker, instruction, talk, &mut steps, is_last);
        let (written, usage) = listen(worker, asked).await?;
        let Written { thought, action } = written;
        let Some(Action { name, input, json }) = action else {
            let text = thought.trim().to_owned();
            finish(worker, Thought { round, text: thought, usage, prompt, window, ..Thought::default() }).await;
            return Ok(Answer { text, was_shown: true });
        };
        if name.trim().eq_ignore_ascii_case(FINAL) {
            let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
            finish(worker, Thought { round, text: thought, usage, prompt, window, ..Thought::default() }).await;
            return Ok(Answer { text, was_shown: false });
        }
        let call = worker.toolbox.asked(format!("call_{round}"), name, input);
        let calls = vec![call.clone()];
        worker.thought(Thought { round, text: thought.clone(), calls, usage, prompt, window, is_answer: false }).await;
        if is_last {
            return Err(Error::MaxIterations(rounds.saturating_sub(1)));
        }
        let observation = worker.calls(vec![call]).await.pop().map(|outcome| outcome.observation).unwrap_or_default();
        worker.end().await;
        steps.push(Step { thought, action: json.to_string(), observation });
    }
}

async fn finish(worker: &Worker, thought: Thought) {
    worker.thought(Thought { is_answer: true, ..thought }).await;
    worker.end().await;
}

/// What the next round asks.
struct Asked {
    asked: Prompt,
    /// How logs show it.
    prompt: Json,
    window: Option<WindowFit>,
}

/// The prompt of the next round. Observations that it has no room for are shortened, for later rounds too.
fn ask(worker: &Worker, instruction: &str, talk: &[Message], steps: &mut [Step], is_last: bool) -> Asked {
    let task = &worker.task;
    let tools = if is_last { Vec::new() } else { worker.toolbox.specs() };
    let frame = prompt::Frame { template: task.react_prompt.as_deref(), instruction, tools: &tools };
    let is_completion = task.model.mode == ModelMode::Completion;
    let mut messages = messages_of(&frame, talk, steps, is_completion);
    let window = fit(worker, &messages, steps);
    if window.is_some() {
        messages = messages_of(&frame, talk, steps, is_completion);
    }
    let prompt = shown(&messages);
    let asked = if is_completion {
        Prompt::Completion(messages.iter().map(Message::plain_text).collect())
    } else {
        Prompt::Chat(messages)
    };
    Asked { asked, prompt, window }
}

/// A round as messages; one text for models that continue a text.
fn messages_of(frame: &prompt::Frame<'_>, talk: &[Message], steps: &[Step], is_completion: bool) -> Vec<Message> {
    let scratchpad = prompt::scratchpad(steps);
    if is_completion {
        return vec![Message::user(frame.completion(talk, &scratchpad))];
    }
    let mut messages = vec![Message::system(frame.system())];
    messages.extend(talk.iter().cloned());
    if !scratchpad.is_empty() {
        messages.push(Message::assistant(scratchpad));
        messages.push(Message::user("continue"));
    }
    messages
}

/// Shortens observations, the oldest first, until a round fits into the model's window.
fn fit(worker: &Worker, messages: &[Message], steps: &mut [Step]) -> Option<WindowFit> {
    let mut fit = worker.beyond(messages, &[])?;
    for step in steps {
        if fit.fits() {
            break;
        }
        let Some(told) = shortened(&step.observation) else { continue };
        let tokens = |text: &str| worker.tokens(&Message::user(text));
        fit.shortened(tokens(&step.observation), tokens(&told));
        step.observation = told;
    }
    Some(fit)
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
