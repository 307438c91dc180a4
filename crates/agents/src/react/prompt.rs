//! The prompts of `ReAct`.

use std::fmt::Write as _;

use ox_models::{Message, Role, ToolSpec};
use serde_json::json;

use super::Step;

/// For models that chat.
const CHAT: &str = r#"{{instruction}}

You solve the task step by step. You can use these tools, described in JSON:

{{tools}}

Use a tool by writing a JSON object in a code block, with the keys "action" (the name of the tool) and "action_input" (its arguments). Valid values of "action" are: "Final Answer" or {{tool_names}}.

Write exactly one action in each turn, like this:

```
{
  "action": TOOL_NAME,
  "action_input": ARGUMENTS
}
```

Always keep to this form:

Thought: what is known, and what is to be done next
Action:
```
JSON of one action
```
Observation: what the tool answered
... (Thought, Action and Observation repeat as often as needed)
Thought: now the answer is known
Action:
```
{
  "action": "Final Answer",
  "action_input": "the answer for the user"
}
```

Answer questions that need no tool with the action "Final Answer" at once. Write each action as valid JSON in a code block, and never write an Observation yourself. Begin!
"#;

/// What a model that continues a text is told besides.
const COMPLETION_END: &str = "\n{{historic_messages}}\nQuestion: {{query}}\n{{agent_scratchpad}}\nThought:";

/// What stays the same in all rounds.
pub struct Frame<'a> {
    /// Instead of ours.
    pub template: Option<&'a str>,
    pub instruction: &'a str,
    pub tools: &'a [ToolSpec],
}

impl Frame<'_> {
    /// For models that chat: what came before follows as messages.
    pub fn system(&self) -> String {
        self.filled(self.template.unwrap_or(CHAT), ["", "", ""])
    }

    /// For models that continue a text; the question comes last in the talk.
    pub fn completion(&self, talk: &[Message], scratchpad: &str) -> String {
        let template = self.template.map_or_else(|| format!("{CHAT}{COMPLETION_END}"), str::to_owned);
        let mut history = String::new();
        let (question, before) =
            talk.split_last().map_or_else(Default::default, |(last, before)| (last.plain_text(), before));
        for message in before {
            let who = match message.role {
                Role::User => "Question",
                Role::Assistant => "Answer",
                _ => continue,
            };
            // Writing to a string cannot fail.
            let _ = writeln!(history, "{who}: {}", message.plain_text());
        }
        self.filled(&template, [&history, scratchpad, &question])
    }

    fn filled(&self, template: &str, chat: [&str; 3]) -> String {
        let tools = self.tools.iter();
        let described: Vec<_> = tools
            .map(|tool| json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters}))
            .collect();
        let described = serde_json::to_string(&described).unwrap_or_default();
        let names = self.tools.iter().map(|tool| format!("\"{}\"", tool.name)).collect::<Vec<_>>().join(", ");
        let [history, scratchpad, query] = chat;
        fill(
            template,
            &[
                ("{{instruction}}", self.instruction),
                ("{{tools}}", &described),
                ("{{tool_names}}", &names),
                ("{{historic_messages}}", history),
                ("{{agent_scratchpad}}", scratchpad),
                ("{{query}}", query),
            ],
        )
    }
}

/// Fills the places of a template, in one pass: nothing is read into what is filled in.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let place = rest.get(before.len()..).unwrap_or_default();
        match values.iter().find(|(name, _)| place.starts_with(name)) {
            Some((name, value)) => {
                text.push_str(value);
                rest = place.get(name.len()..).unwrap_or_default();
            }
            None => {
                text.push_str("{{");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text.trim_start().to_owned()
}

pub fn scratchpad(steps: &[Step]) -> String {
    let mut text = String::new();
    for Step { thought, action, observation } in steps {
        // Writing to a string cannot fail.
        let _ = write!(text, "Thought: {}\n\nAction: {action}\n\nObservation: {observation}\n\n", thought.trim());
    }
    text
}
