//! `plan_execute`: a plan first, then its steps one by one with tools, then the answer from what they gave.

use ox_models::{Message, ModelFeature, ModelKind, ModelMode};
use ox_types::Json;

use crate::{
    AgentEvent, Error, Thought,
    function_calling::{Voice, rounds_with_tools},
    react,
    worker::{Prompt, Worker, shown},
};

/// Most steps of a plan.
const MAX_STEPS: usize = 8;
/// What a step gives is told to later ones up to this many characters.
const MAX_RESULT: usize = 16 * 1024;

const PLAN: &str = "Make a plan for the task of the user: the fewest steps that lead to a good answer, at most 8, each one \
sentence that can be carried out on its own with the results of those before it. Do not carry it out and do not answer. \
Reply with a JSON list of strings and nothing else. A task that needs no steps gets the list [\"Answer the question.\"].";
const STEP: &str = "You carry out one step of a plan. Use tools where they help. Reply with the result of this step only, \
briefly and completely; do not answer the whole task.";
const ANSWER: &str = "Every step of the plan was carried out. Answer the task of the user from the results. Do not mention \
the plan or its steps.";

pub(crate) async fn work(worker: &mut Worker) -> Result<String, Error> {
    let steps = plan(worker).await?;
    let mut results: Vec<(String, String)> = Vec::new();
    let mut left = worker.task.iterations().max(1);
    let calls_itself = calls_tools_itself(worker).await;
    for (position, step) in steps.iter().enumerate() {
        if left == 0 {
            break;
        }
        // Every later step may have at least one round.
        let later = u32::try_from(steps.len() - position - 1).unwrap_or(u32::MAX);
        let rounds = left.saturating_sub(later).max(1);
        let before = worker.round;
        let instruction = joined(&[&worker.task.instruction, STEP]);
        let question = step_question(worker, &steps, &results, step);
        let result = if calls_itself {
            let messages = vec![Message::system(instruction), question];
            rounds_with_tools(worker, messages, rounds + 1, Voice::Thinking).await
        } else {
            react::rounds_with_actions(worker, &instruction, &[question], rounds + 1).await.map(|answer| answer.text)
        };
        left = left.saturating_sub(worker.round - before);
        let result = match result {
            // What is known so far may be enough.
            Err(Error::MaxIterations(_)) => "This step was not finished: it used all its rounds.".to_owned(),
            other => other?,
        };
        results.push((step.clone(), result.chars().take(MAX_RESULT).collect()));
    }
    answer(worker, &steps, &results).await
}

/// Whether the model calls tools itself; what nothing is known of is tried.
async fn calls_tools_itself(worker: &Worker) -> bool {
    let task = &worker.task;
    if task.model.mode == ModelMode::Completion {
        return false;
    }
    let spec = worker.models.describe(&task.scope, &task.model, ModelKind::Llm).await;
    spec.is_none_or(|spec| spec.has(ModelFeature::ToolCall) || spec.has(ModelFeature::MultiToolCall))
}

async fn plan(worker: &mut Worker) -> Result<Vec<String>, Error> {
    let task = &worker.task;
    let tools: Vec<String> =
        worker.toolbox.specs().into_iter().map(|tool| format!("- {}: {}", tool.name, tool.description)).collect();
    let tools =
        if tools.is_empty() { String::new() } else { format!("\n\nTools for the steps:\n{}", tools.join("\n")) };
    let mut messages = vec![Message::system(joined(&[&task.instruction, PLAN]) + &tools)];
    messages.extend(task.history.iter().cloned());
    messages.push(task.question());
    let text = spoken(worker, messages, Voice::Thinking).await?;
    let mut steps = steps_of(&text);
    if steps.is_empty() {
        steps.push(worker.task.query.clone());
    }
    Ok(steps)
}

/// The steps of a plan: a list in JSON, or else one line each.
fn steps_of(text: &str) -> Vec<String> {
    let list = text.find('[').zip(text.rfind(']')).and_then(|(from, to)| text.get(from..=to));
    let json: Option<Vec<Json>> = list.and_then(|list| serde_json::from_str(list).ok());
    let steps: Vec<String> = match json {
        Some(items) => items.iter().filter_map(Json::as_str).map(|step| step.trim().to_owned()).collect(),
        None => text
            .lines()
            .map(|line| line.trim().trim_start_matches(|c: char| c.is_ascii_digit() || "-*.)• ".contains(c)).to_owned())
            .collect(),
    };
    steps.into_iter().filter(|step| !step.is_empty()).take(MAX_STEPS).collect()
}

fn step_question(worker: &Worker, steps: &[String], results: &[(String, String)], step: &str) -> Message {
    let mut question = worker.task.question();
    question.content.insert(0, ox_models::ContentPart::text(format!("{}\n\nThe task:", told(steps, results))));
    question.content.push(ox_models::ContentPart::text(format!("\nThis step: {step}")));
    question
}

/// The plan and what is known so far.
fn told(steps: &[String], results: &[(String, String)]) -> String {
    let numbered = |texts: &mut dyn Iterator<Item = String>| {
        texts.enumerate().map(|(at, text)| format!("{}. {text}", at + 1)).collect::<Vec<_>>().join("\n")
    };
    let plan = numbered(&mut steps.iter().cloned());
    if results.is_empty() {
        return format!("The plan:\n{plan}");
    }
    let known = numbered(&mut results.iter().map(|(step, result)| format!("{step}\n{result}")));
    format!("The plan:\n{plan}\n\nResults so far:\n{known}")
}

async fn answer(worker: &mut Worker, steps: &[String], results: &[(String, String)]) -> Result<String, Error> {
    let task = &worker.task;
    let mut messages = vec![Message::system(joined(&[&task.instruction, ANSWER, &told(steps, results)]))];
    messages.extend(task.history.iter().cloned());
    messages.push(task.question());
    spoken(worker, messages, Voice::Answer).await
}

/// A round without tools.
async fn spoken(worker: &mut Worker, messages: Vec<Message>, voice: Voice) -> Result<String, Error> {
    let round = worker.begin().await;
    let prompt = shown(&messages);
    let prompt_to_send = if worker.task.model.mode == ModelMode::Completion {
        Prompt::Completion(messages.iter().map(Message::plain_text).collect::<Vec<_>>().join("\n\n"))
    } else {
        Prompt::Chat(messages)
    };
    let stop = worker.task.stop.clone();
    let mut hearing = worker.ask(prompt_to_send, Vec::new(), stop).await?;
    let mut is_first = true;
    while let Some(text) = hearing.next().await? {
        match voice {
            Voice::Answer => worker.say(text, is_first).await,
            Voice::Thinking => worker.tell(AgentEvent::Thinking(text)).await,
        }
        is_first = false;
    }
    let result = worker.heard(hearing);
    let (text, usage) = (result.text.clone(), result.usage);
    worker.thought(Thought { round, text, usage, prompt, ..Thought::default() }).await;
    worker.end().await;
    Ok(result.text)
}

fn joined(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.trim().is_empty()).copied().collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::steps_of;

    #[test]
    fn plans_in_all_forms() {
        for (text, expected) in [
            (r#"["a", " b ", ""]"#, vec!["a", "b"]),
            ("Here it is:\n```json\n[\"look\", \"tell\"]\n```", vec!["look", "tell"]),
            ("1. look\n2) tell\n\n- end", vec!["look", "tell", "end"]),
            ("", vec![]),
            ("[1, 2]", vec![]),
        ] {
            assert_eq!(steps_of(text), expected, "{text}");
        }
        let many = serde_json::to_string(&vec!["x"; 20]).unwrap();
        assert_eq!(steps_of(&many).len(), super::MAX_STEPS);
    }
}
