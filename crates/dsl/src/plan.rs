//! A plan of an app, as a model writes one: read strictly, then built into a document by pure code.
//!
//! A plan names few kinds of steps on purpose: what a model asks for can compute and search, and touches nothing
//! outside.

mod build;
mod check;
#[cfg(test)]
mod tests;

pub use build::document;
use ox_types::Json;
use serde::Deserialize;

/// Bytes of a model's answer that are read at all.
pub const MAX_TEXT: usize = 64 * 1024;

/// What an app is to be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Plan {
    pub name: String,
    pub mode: Mode,
    #[serde(default)]
    pub icon: String,
    #[serde(default)]
    pub description: String,
    /// What the model of a chat is told.
    #[serde(default)]
    pub instructions: String,
    #[serde(default)]
    pub inputs: Vec<Field>,
    #[serde(default)]
    pub opening_statement: String,
    #[serde(default)]
    pub suggested_questions: Vec<String>,
    /// Names of the knowledge bases that a chat answers from.
    #[serde(default)]
    pub knowledge: Vec<String>,
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// Kind of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Chat,
    Workflow,
}

/// Something the user is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Field {
    pub name: String,
    #[serde(default)]
    pub label: String,
    #[serde(rename = "type", default)]
    pub kind: FieldKind,
    #[serde(default = "yes")]
    pub required: bool,
    #[serde(default)]
    pub options: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// Kind of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    #[default]
    Text,
    Paragraph,
    Number,
    Select,
}

/// One step of a workflow.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Step {
    pub id: String,
    #[serde(default)]
    pub title: String,
    #[serde(flatten)]
    pub work: Work,
}

/// What a step does. `{{name}}` in its texts is an input, or the result of a step before it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Work {
    Llm {
        #[serde(default)]
        instructions: String,
        prompt: String,
    },
    Template {
        text: String,
    },
    Knowledge {
        query: String,
        #[serde(default)]
        knowledge: Vec<String>,
    },
    Classifier {
        query: String,
        #[serde(default)]
        instructions: String,
        branches: Vec<Branch>,
    },
}

/// One way a classifier can go. After its steps the branches come together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Branch {
    pub label: String,
    pub steps: Vec<Step>,
}

/// A knowledge base that a plan may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub id: String,
    pub name: String,
}

/// Reads a plan out of what a model said; prose and fences around it are passed over, fields nobody knows ignored.
///
/// # Errors
/// What is wrong, in sentences that the model can be given back.
pub fn read(text: &str, bases: &[Base]) -> Result<Plan, Vec<String>> {
    if text.len() > MAX_TEXT {
        return Err(vec![format!("The answer is longer than {MAX_TEXT} bytes.")]);
    }
    // A model that thinks aloud may try out braces on the way.
    let said = text.rsplit_once("</think>").map_or(text, |(_, said)| said);
    let object = said.find('{').zip(said.rfind('}')).and_then(|(from, to)| said.get(from..=to));
    let object = object.ok_or_else(|| vec!["The answer holds no JSON object.".to_owned()])?;
    let mut json: Json =
        serde_json::from_str(object).map_err(|error| vec![format!("The answer is not valid JSON: {error}.")])?;
    drop_nulls(&mut json);
    let plan: Plan =
        serde_json::from_value(json).map_err(|error| vec![format!("The plan has a wrong form: {error}.")])?;
    let wrong = check::problems(&plan, bases);
    if wrong.is_empty() { Ok(plan) } else { Err(wrong) }
}

/// Models write `null` for what they leave out.
fn drop_nulls(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// A piece of a text with `{{name}}` in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        found.push(Piece::Text(before));
        found.push(Piece::Name(name.trim()));
        rest = behind;
    }
    found.push(Piece::Text(rest));
    found
}

/// The one name that a `query` is, with or without braces.
fn bare(query: &str) -> &str {
    let query = query.trim();
    query.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map_or(query, str::trim)
}

/// What stands behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Input {
        kind: FieldKind,
        required: bool,
    },
    Llm,
    Template,
    Found,
    /// The text of whichever branch was taken.
    Joined,
}

/// The names that can be used at a place, inputs first.
#[derive(Clone, Debug, Default)]
struct Names(Vec<(String, Source)>);

impl Names {
    fn of(plan: &Plan) -> Self {
        let input = |field: &Field| (field.name.clone(), Source::Input { kind: field.kind, required: field.required });
        Self(plan.inputs.iter().map(input).collect())
    }

    fn add(&mut self, step: &Step) {
        let source = match step.work {
            Work::Llm { .. } => Source::Llm,
            Work::Template { .. } => Source::Template,
            Work::Knowledge { .. } => Source::Found,
            Work::Classifier { .. } => Source::Joined,
        };
        self.0.push((step.id.clone(), source));
    }

    fn get(&self, name: &str) -> Option<Source> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, source)| *source)
    }

    /// The node and the variable in which a name is found.
    fn selector(&self, name: &str) -> Option<(String, String)> {
        let own = |variable: &str| (name.to_owned(), variable.to_owned());
        Some(match self.get(name)? {
            Source::Input { .. } => ("start".to_owned(), name.to_owned()),
            Source::Llm => own("text"),
            Source::Template => own("output"),
            Source::Found => own("result"),
            Source::Joined => (join_of(name), "output".to_owned()),
        })
    }
}

/// The node in which the branches of a classifier come together.
fn join_of(id: &str) -> String {
    format!("{id}_join")
}
