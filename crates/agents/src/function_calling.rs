//! `function_calling`: the model's own tool calls.

use ox_models::{ChatResult, ContentPart, Message, Role, ToolCall};
use ox_types::Json;

use crate::{
    AskedCall, CallOutcome, Error, Thought, Toolbox,
    worker::{Prompt, Worker, shown},
};

/// Most calls of one round that are made.
const MAX_CALLS: usize = 32;

/// Whose text the rounds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// The answer's.
    Answer,
    /// Nobody's: it is shown beside the answer.
    Thinking,
}

pub(crate) async fn work(worker: &mut Worker) -> Result<String, Error> {
    let task = &worker.task;
    let mut messages: Vec<Message> = task.system().into_iter().collect();
    messages.extend(task.history.iter().cloned());
    messages.push(task.question());
    let rounds = worker.last_round();
    rounds_with_tools(worker, messages, rounds, Voice::Answer).await
}

/// Asks and calls until the model calls nothing any more. The last of the rounds offers no tools, so that the model
/// must answer. Returns what the model said in all rounds.
pub(crate) async fn rounds_with_tools(
    worker: &mut Worker,
    mut messages: Vec<Message>,
    rounds: u32,
    voice: Voice,
) -> Result<String, Error> {
    let mut answer = String::new();
    let mut left = rounds;
    loop {
        left = left.saturating_sub(1);
        worker.begin().await;
        let tools = if left == 0 { Vec::new() } else { worker.toolbox.specs() };
        let window = worker.fit(&mut messages, &tools);
        let prompt = shown(&messages);
        let result = one_round(worker, messages.clone(), tools, voice).await?;
        if !result.text.is_empty() {
            if !answer.is_empty() {
                answer.push('\n');
            }
            answer.push_str(&result.text);
        }
        let calls = named_calls(&result.tool_calls);
        let mut asked: Vec<AskedCall> = calls.iter().map(|call| asked(&worker.toolbox, call)).collect();
        let round = worker.round;
        worker
            .thought(Thought {
                round,
                text: result.text.clone(),
                calls: asked.clone(),
                usage: result.usage.clone(),
                prompt,
                window,
                is_answer: false,
            })
            .await;
        if calls.is_empty() {
            worker.end().await;
            return Ok(answer);
        }
        if left == 0 {
            return Err(Error::MaxIterations(rounds.saturating_sub(1)));
        }
        messages.push(said(result, calls));
        let unmade = asked.split_off(asked.len().min(MAX_CALLS));
        for CallOutcome { call, observation, .. } in worker.calls(asked).await {
            messages.push(Message { name: Some(call.name), ..Message::tool(call.id, observation) });
        }
        for call in unmade {
            let told = format!("not called: at most {MAX_CALLS} tools are called in one round");
            messages.push(Message { name: Some(call.name), ..Message::tool(call.id, told) });
        }
        worker.end().await;
    }
}

async fn one_round(
    worker: &mut Worker,
    messages: Vec<Message>,
    tools: Vec<ox_models::ToolSpec>,
    voice: Voice,
) -> Result<ChatResult, Error> {
    let stop = worker.task.stop.clone();
    let mut hearing = worker.ask(Prompt::Chat(messages), tools, stop).await?;
    let mut is_first = true;
    while let Some(text) = hearing.next().await? {
        match voice {
            Voice::Answer => worker.say(text, is_first).await,
            Voice::Thinking => worker.tell(crate::AgentEvent::Thinking(text)).await,
        }
        is_first = false;
    }
    Ok(worker.heard(hearing))
}

/// The calls that name a tool, each with an id.
fn named_calls(calls: &[ToolCall]) -> Vec<ToolCall> {
    let named = calls.iter().filter(|call| !call.name.trim().is_empty());
    named
        .enumerate()
        .map(|(position, call)| {
            let mut call = call.clone();
            if call.id.is_empty() {
                call.id = format!("call_{position}");
            }
            call
        })
        .collect()
}

fn asked(toolbox: &Toolbox, call: &ToolCall) -> AskedCall {
    let text = call.arguments.trim();
    let arguments = if text.is_empty() {
        Json::Object(serde_json::Map::new())
    } else {
        serde_json::from_str(text).unwrap_or_else(|_| Json::from(call.arguments.as_str()))
    };
    toolbox.asked(call.id.clone(), call.name.clone(), arguments)
}

/// The model's turn, as it is told again.
fn said(result: ChatResult, tool_calls: Vec<ToolCall>) -> Message {
    let content = if result.text.is_empty() { Vec::new() } else { vec![ContentPart::text(result.text)] };
    let reasoning = Some(result.reasoning).filter(|text| !text.is_empty());
    Message { tool_calls, reasoning, opaque: result.opaque, ..Message::new(Role::Assistant, content) }
}
