//! Prompts, code and schemas from a sentence: the workspace's model writes them, strict readers take them in.
//!
//! Nothing is changed here. What comes back is a proposal that an editor applies or not.

mod read;

use std::str::FromStr as _;

use ox_models::{Message, ModelMode, ModelRef};
use ox_types::{AppId, Json, boxed};
use serde_json::Map;

pub use read::{Change, Prompt};

use crate::{
    Error, Principal, Result, Services, apps,
    assist::{Again, Helper},
    principal::Permission,
    workflows::{self, Owner, steps},
};

/// Characters of an instruction.
pub const MAX_INSTRUCTION: usize = 10_000;
/// Characters of what an answer should be like.
pub const MAX_IDEAL: usize = 10_000;
/// Characters of what is to be improved: with more, the whole of it could not be read back.
pub const MAX_CURRENT: usize = 20_000;
/// Characters of a last run that the model is shown.
const MAX_RUN: usize = 8_000;
/// Code of the error of somebody who asks for what cannot be.
pub const INCOMPATIBLE: &str = "incompatible_parameters";

const PROMPT: &str = include_str!("generate/prompt.md");
const CODE: &str = include_str!("generate/code.md");
const SCHEMA: &str = include_str!("generate/schema.md");
const CHANGE: &str = include_str!("generate/change.md");
/// With these an instruction stands for what the editor has.
const CURRENT: &str = "{{#current#}}";
const LAST_RUN: &str = "{{#last_run#}}";
const ERROR_MESSAGE: &str = "{{#error_message#}}";
const PROMPT_TEMPLATE: &str = "Change the prompt so that the answer becomes what the ideal output describes. The last \
                               answer was:\n{{#last_run#}}";
const CODE_TEMPLATE: &str = "Mend the code. Its last run ended with this error:\n{{#error_message#}}";

/// The model that is asked; the workspace's default one where none is named.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub provider: String,
    pub name: String,
    pub mode: String,
    pub parameters: Map<String, Json>,
}

/// Languages of code nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    JavaScript,
    Python,
}

impl Language {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript",
            Self::Python => "python3",
        }
    }

    /// Reads a wire name; `python` is meant as `python3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "javascript" => Some(Self::JavaScript),
            "python3" | "python" => Some(Self::Python),
            _ => None,
        }
    }

    const fn rules(self) -> &'static str {
        match self {
            Self::JavaScript => {
                "Language: JavaScript without modules, network or file system. Define `function main({ a, b }) { … }`: one \
                 object with the inputs comes in, an object with the outputs is returned."
            }
            Self::Python => {
                "Language: Python 3 with its standard library, without network or file system. Define \
                 `def main(a: str, b: str) -> dict:`: the inputs come in by name, a dict with the outputs is returned."
            }
        }
    }
}

/// What is wanted of a part of an app.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// An app or a pipeline.
    pub flow_id: String,
    /// Empty for a basic app.
    pub node_id: String,
    /// What is improved; empty to begin anew.
    pub current: String,
    pub instruction: String,
    /// Of code; empty is the node's own.
    pub language: String,
    pub ideal_output: String,
}

/// What became of a wish.
#[derive(Clone, Debug)]
pub enum Granted {
    Prompt(Prompt),
    Code { code: String, language: Language },
    Changed(Change),
}

/// A proposal, or why there is none: the model failed, or answered what cannot be used.
pub type Told<T> = std::result::Result<T, String>;

/// Writes a prompt. Dropping the future ends the call of the model, here and below.
///
/// # Errors
/// 400 for an instruction that is empty or too long, and when there is no model that can be asked.
#[boxed]
pub async fn prompt(
    services: &Services,
    principal: &Principal,
    choice: Choice,
    instruction: &str,
    no_variable: bool,
) -> Result<Told<Prompt>> {
    let helper = helper(services, principal, choice, instruction).await?;
    write_prompt(&helper, instruction, "", no_variable).await
}

/// Writes the code of a node.
///
/// # Errors
/// As [`prompt`]; 400 for another language.
#[boxed]
pub async fn code(
    services: &Services,
    principal: &Principal,
    choice: Choice,
    instruction: &str,
    language: &str,
) -> Result<Told<(String, Language)>> {
    let language = Language::parse(language)
        .ok_or_else(|| Error::invalid_field("code_language", "Code can be written in javascript and in python3."))?;
    let helper = helper(services, principal, choice, instruction).await?;
    Ok(write_code(&helper, instruction, "", language).await?.map(|code| (code, language)))
}

/// Writes the JSON schema of an answer, as text.
///
/// # Errors
/// As [`prompt`].
#[boxed]
pub async fn schema(
    services: &Services,
    principal: &Principal,
    choice: Choice,
    instruction: &str,
) -> Result<Told<String>> {
    let helper = helper(services, principal, choice, instruction).await?;
    let again =
        Again { complaint: "This schema cannot be used", wish: "the whole corrected JSON schema and nothing else" };
    propose(&helper, SCHEMA.to_owned(), instruction.trim().to_owned(), again, read::schema).await
}

/// Writes anew or improves the prompt of a basic app, or the prompt or code of a node.
///
/// # Errors
/// As [`prompt`]; 400 [`INCOMPATIBLE`] for a flow or a node that is not there.
#[boxed]
pub async fn grant(services: &Services, principal: &Principal, choice: Choice, wish: Wish) -> Result<Told<Granted>> {
    bounded("current", &wish.current, MAX_CURRENT)?;
    bounded("ideal_output", &wish.ideal_output, MAX_IDEAL)?;
    let mut helper = helper(services, principal, choice, &wish.instruction).await?;
    let anew = wish.current.trim().is_empty();
    let (owner, kind) = target(services, principal, &wish, anew).await?;
    if let Owner::App(app) = owner {
        principal.require(Permission::AppEdit)?;
        helper.set_app(app);
    }
    let instruction = filled(services, principal, owner, &wish).await?;
    Ok(match (anew, kind) {
        (true, Part::Prompt) => {
            write_prompt(&helper, &instruction, &wish.ideal_output, true).await?.map(Granted::Prompt)
        }
        (true, Part::Code(language)) => {
            let code = write_code(&helper, &instruction, &wish.ideal_output, language).await?;
            code.map(|code| Granted::Code { code, language })
        }
        (false, kind) => change(&helper, &instruction, &wish, kind).await?.map(Granted::Changed),
    })
}

/// What an instruction to improve may begin with.
///
/// # Errors
/// 400 for another kind than `prompt` and `code`.
pub fn template(principal: &Principal, kind: &str) -> Result<&'static str> {
    principal.require(Permission::DatasetEdit)?;
    match kind {
        "prompt" => Ok(PROMPT_TEMPLATE),
        "code" => Ok(CODE_TEMPLATE),
        other => Err(Error::invalid_field("type", format!("There is no template of the type {other}."))),
    }
}

/// What of an app is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Prompt,
    Code(Language),
}

fn bounded(field: &str, text: &str, most: usize) -> Result<()> {
    if text.chars().count() > most {
        return Err(Error::invalid_field(field, format!("At most {most} characters can be given here.")));
    }
    Ok(())
}

async fn helper<'a>(
    services: &'a Services,
    principal: &Principal,
    choice: Choice,
    instruction: &str,
) -> Result<Helper<'a>> {
    // Whoever builds apps or pipelines; every role that edits apps edits knowledge.
    principal.require(Permission::DatasetEdit)?;
    if instruction.trim().is_empty() {
        return Err(Error::invalid_field("instruction", "Say in a sentence what is wanted."));
    }
    bounded("instruction", instruction, MAX_INSTRUCTION)?;
    if choice.provider.is_empty() || choice.name.is_empty() {
        return Helper::of_workspace(services, principal).await;
    }
    let mode = ModelMode::parse(&choice.mode).unwrap_or(ModelMode::Chat);
    let model = ModelRef { provider: choice.provider, name: choice.name, mode };
    Helper::new(services, principal, model, choice.parameters)
}

async fn write_prompt(helper: &Helper<'_>, instruction: &str, ideal: &str, no_variable: bool) -> Result<Told<Prompt>> {
    let variables = if no_variable {
        "Use no placeholders of your own. Those that the instruction names, such as {{#node.name#}}, are kept letter by \
         letter."
    } else {
        "What the user fills in before the conversation stands in the prompt as {{name}}, lower-case ASCII (a-z, 0-9, _). \
         Use as few as the job needs, often none. After the prompt write what the assistant says first: \
         <opening>…</opening>."
    };
    let again = Again {
        complaint: "This answer cannot be used",
        wish: "the whole corrected prompt in its tags and nothing else",
    };
    let asked = with_ideal(instruction, ideal);
    propose(helper, format!("{PROMPT}\n{variables}\n"), asked, again, move |answer| read::prompt(answer, !no_variable))
        .await
}

async fn write_code(helper: &Helper<'_>, instruction: &str, ideal: &str, language: Language) -> Result<Told<String>> {
    let guide = format!("{CODE}\n{}\n", language.rules());
    let again = Again { complaint: "This code cannot be used", wish: "the whole corrected code in one code block" };
    propose(helper, guide, with_ideal(instruction, ideal), again, move |answer| read::code(answer, language)).await
}

async fn change(helper: &Helper<'_>, instruction: &str, wish: &Wish, part: Part) -> Result<Told<Change>> {
    let what = match part {
        Part::Prompt => "It is a prompt for a language model. Placeholders in braces are kept letter by letter.",
        Part::Code(language) => language.rules(),
    };
    let again = Again {
        complaint: "This answer cannot be used",
        wish: "<message>…</message> and the whole corrected text in <modified>…</modified>",
    };
    let asked = format!("<current>\n{}\n</current>\n\n{}", wish.current, with_ideal(instruction, &wish.ideal_output));
    let language = match part {
        Part::Prompt => None,
        Part::Code(language) => Some(language),
    };
    propose(helper, format!("{CHANGE}\n{what}\n"), asked, again, move |answer| read::change(answer, language)).await
}

fn with_ideal(instruction: &str, ideal: &str) -> String {
    let (instruction, ideal) = (instruction.trim(), ideal.trim());
    if ideal.is_empty() {
        return instruction.to_owned();
    }
    format!("{instruction}\n\nThe ideal output:\n{ideal}")
}

/// Asks; a failed call and an answer that does not fit become a sentence.
///
/// Compat: what is wrong with the set-up (no model, a spent budget) is 400, as it is wherever a model is asked.
async fn propose<T: Send>(
    helper: &Helper<'_>,
    guide: String,
    asked: String,
    again: Again,
    read: impl Fn(&str) -> Result<T, Vec<String>> + Send + Sync,
) -> Result<Told<T>> {
    match helper.ask(vec![Message::system(guide), Message::user(asked)], again, read).await {
        Ok(Ok(value)) => Ok(Ok(value)),
        Ok(Err(unfit)) => {
            let text =
                format!("{} answered, but nothing can be made of it: {}", helper.model().name, unfit.why.join(" "));
            Ok(Err(text))
        }
        Err(error) if error.code == "completion_request_error" => Ok(Err(error.message)),
        Err(error) => Err(error),
    }
}

fn incompatible(text: impl Into<String>) -> Error {
    Error::new(400, INCOMPATIBLE, text)
}

/// What a wish is about.
async fn target(services: &Services, principal: &Principal, wish: &Wish, anew: bool) -> Result<(Owner, Part)> {
    let missing = || incompatible(format!("app {} not found", wish.flow_id));
    let id = AppId::from_str(&wish.flow_id).map_err(|_| missing())?;
    if wish.node_id.is_empty() {
        if anew {
            return Err(incompatible("incompatible parameters: neither a node nor a current text is named"));
        }
        apps::find(services, principal, id).await.map_err(|error| or_missing(error, missing))?;
        return Ok((Owner::App(id), Part::Prompt));
    }
    // The Studio draws the pipelines of knowledge bases as well.
    let owner = match workflows::graph_app(services, principal, Owner::App(id)).await {
        Ok(_) => Owner::App(id),
        Err(error) if error.status == 404 => Owner::Pipeline(id),
        Err(error) => return Err(error),
    };
    let draft = workflows::draft(services, principal, owner).await.map_err(|error| or_missing(error, missing))?;
    let nodes = draft.graph["nodes"].as_array();
    let node = nodes.and_then(|nodes| nodes.iter().find(|node| node["id"] == wish.node_id.as_str()));
    let data = &node.ok_or_else(|| incompatible(format!("node {} not found", wish.node_id)))?["data"];
    let part = match data["type"].as_str().unwrap_or_default() {
        "code" => {
            let own = data["code_language"].as_str().unwrap_or_default();
            let named = if wish.language.is_empty() { own } else { wish.language.as_str() };
            Part::Code(Language::parse(named).ok_or_else(|| incompatible(format!("invalid language: {named}")))?)
        }
        "llm" | "agent" => Part::Prompt,
        other if anew => return Err(incompatible(format!("invalid node type: {other}"))),
        _ => Part::Prompt,
    };
    Ok((owner, part))
}

fn or_missing(error: Error, missing: impl FnOnce() -> Error) -> Error {
    if error.status == 404 { missing() } else { error }
}

/// The instruction with the present text and the last run of the node in it, where it asks for them.
async fn filled(services: &Services, principal: &Principal, owner: Owner, wish: &Wish) -> Result<String> {
    let text = wish.instruction.as_str();
    let asks_run = text.contains(LAST_RUN) || text.contains(ERROR_MESSAGE);
    let run = if asks_run && !wish.node_id.is_empty() {
        match steps::last_run(services, principal, owner, &wish.node_id).await {
            Ok(run) => Some(run),
            Err(error) if error.status == 404 => None,
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    let (outputs, error) = run.map_or((None, None), |run| (run.outputs, run.error));
    Ok(read::fill(text, |name| match name {
        CURRENT => Some(wish.current.clone()),
        LAST_RUN => Some(clipped(outputs.as_deref(), "(it has not run yet)")),
        ERROR_MESSAGE => Some(clipped(error.as_deref(), "(there was no error)")),
        _ => None,
    }))
}

fn clipped(text: Option<&str>, otherwise: &str) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or(otherwise).chars().take(MAX_RUN).collect()
}
