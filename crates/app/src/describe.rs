//! From one sentence to a draft: the workspace's model writes a plan, code builds it, the import takes it in.

use std::time::Duration;

use futures::StreamExt as _;
use ox_dsl::{
    lint::{self, Severity},
    plan::{self, Base, Plan},
};
use ox_models::{
    ChatRequest, ChatResult, ErrorClass, Message, ModelError, ModelKind, ModelRef, ModelRuntime as _, ModelScope,
};
use ox_types::boxed;

use crate::{
    Error, Principal, Result, Services,
    imports::{self, ImportRequest, ImportResult},
    knowledge::datasets::{self, DatasetQuery},
    principal::Permission,
    providers,
};

/// Characters of a description.
pub const MAX_DESCRIPTION: usize = 2_000;
/// For both answers together.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// Knowledge bases that the model may choose from, newest first.
const MAX_BASES: u64 = 20;
/// Characters of an answer that are shown when nothing can be made of it.
const MAX_SHOWN: usize = 8_000;
/// How a plan is written.
const GUIDE: &str = include_str!("describe/guide.md");

/// What became of a description.
#[derive(Clone, Debug)]
pub enum Described {
    /// The app is there, as a draft.
    Made(ImportResult),
    /// The model was asked twice, and what it answered makes no app.
    Unusable { why: Vec<String>, answer: String },
}

/// Makes an app of a description. Dropping the future ends the call of the model; nothing is made then.
///
/// # Errors
/// 400 for a description that is empty or too long, without a model, and when the model cannot be asked.
#[boxed]
pub async fn describe(services: &Services, principal: &Principal, description: &str) -> Result<Described> {
    principal.require(Permission::AppEdit)?;
    let description = description.trim();
    if description.is_empty() {
        return Err(Error::invalid_field("description", "Describe the job in a sentence."));
    }
    if description.chars().count() > MAX_DESCRIPTION {
        let text = format!("A description may have at most {MAX_DESCRIPTION} characters.");
        return Err(Error::invalid_field("description", text));
    }
    let model = model_of(services, principal).await?;
    let bases = bases_of(services, principal).await?;
    let planned = tokio::time::timeout(TIME_LIMIT, ask(services, principal, &model, description, &bases)).await;
    let planned = planned.map_err(|_| {
        let text = format!("{} did not answer within {} seconds.", model.name, TIME_LIMIT.as_secs());
        Error::new(400, "completion_request_error", text)
    })??;
    let yaml_content = match planned {
        Ok(file) => file,
        Err((why, answer)) => return Ok(Described::Unusable { why, answer }),
    };
    let result =
        imports::import(services, principal, ImportRequest { yaml_content, ..ImportRequest::default() }).await?;
    if result.app_id.is_none() {
        return Err(Error::invalid(result.error));
    }
    Ok(Described::Made(result))
}

/// The model that plans, and that the new app asks.
async fn model_of(services: &Services, principal: &Principal) -> Result<ModelRef> {
    let tenant = principal.tenant_id();
    let chosen = services.models.workspace(tenant).await?.default_model(ModelKind::Llm).is_some();
    let model = providers::default_model(services, tenant, ModelKind::Llm).await?;
    // The scripted model that stands in where nobody chose one plans nothing.
    model.filter(|model| chosen || model.provider != ox_models::SCRIPTED).ok_or_else(|| {
        let text = "There is no model to plan with. An administrator connects one, or chooses the default, in Settings, \
                    Model providers.";
        Error::new(400, "provider_not_initialize", text)
    })
}

/// The knowledge bases that the caller may see.
async fn bases_of(services: &Services, principal: &Principal) -> Result<Vec<Base>> {
    let query = DatasetQuery { page: 1, limit: MAX_BASES, ..DatasetQuery::default() };
    let found = datasets::list(services, principal, &query).await?;
    let base = |item: datasets::DatasetView| Base { id: item.dataset.id.to_string(), name: item.dataset.name };
    Ok(found.items.into_iter().map(base).collect())
}

/// Asks for a plan, once more with what was wrong; gives the app's file, or what was wrong with
/// which answer.
async fn ask(
    services: &Services,
    principal: &Principal,
    model: &ModelRef,
    description: &str,
    bases: &[Base],
) -> Result<Result<String, (Vec<String>, String)>> {
    let scope = ModelScope { user: Some(principal.account_id()?.to_string()), ..ModelScope::of(principal.tenant_id()) };
    let mut messages = vec![Message::system(guide(bases)), Message::user(description)];
    let first = say(services, &scope, model, messages.clone()).await?;
    let why = match file_of(&first, model, bases) {
        Ok(file) => return Ok(Ok(file)),
        Err(why) => why,
    };
    messages.push(Message::assistant(shown(&first)));
    messages.push(Message::user(format!(
        "This plan cannot be used:\n- {}\nAnswer with the whole corrected JSON object and nothing else.",
        why.join("\n- ")
    )));
    let second = say(services, &scope, model, messages).await?;
    Ok(file_of(&second, model, bases).map_err(|why| (why, shown(&second))))
}

async fn say(services: &Services, scope: &ModelScope, model: &ModelRef, messages: Vec<Message>) -> Result<String> {
    let request = ChatRequest { messages, user: scope.user.clone(), stream: true, ..ChatRequest::default() };
    let mut stream = services.models.chat(scope, model, request).await.map_err(|error| model_error(&error))?;
    let mut result = ChatResult::default();
    while let Some(delta) = stream.next().await {
        result.push(delta.map_err(|error| model_error(&error))?);
        // No plan is as long as this: the rest is neither waited for nor paid.
        if result.text.len() > plan::MAX_TEXT {
            break;
        }
    }
    Ok(result.text)
}

/// The file of the app that an answer plans; what a model says is taken for nothing before both checks passed.
fn file_of(answer: &str, model: &ModelRef, bases: &[Base]) -> Result<String, Vec<String>> {
    let plan: Plan = plan::read(answer, bases)?;
    let file = plan::document(&plan, (model.provider.as_str(), model.name.as_str()), bases)
        .map_err(|error| vec![error.to_string()])?;
    let problems = lint::text(&file).into_iter().filter(|problem| problem.severity == Severity::Error);
    let wrong: Vec<String> = problems.map(|problem| problem.message).take(10).collect();
    if wrong.is_empty() { Ok(file) } else { Err(wrong) }
}

fn guide(bases: &[Base]) -> String {
    let names: Vec<String> = bases.iter().map(|base| format!("- {}", base.name.replace(['\n', '\r'], " "))).collect();
    let offered = if names.is_empty() {
        "There are none: leave \"knowledge\" out and use no step of kind knowledge.".to_owned()
    } else {
        names.join("\n")
    };
    format!("{GUIDE}\n## Knowledge bases of this workspace\n{offered}\n")
}

fn shown(answer: &str) -> String {
    answer.chars().take(MAX_SHOWN).collect()
}

/// What a failed call of a model is to the caller.
fn model_error(error: &ModelError) -> Error {
    let code = match error.class {
        ErrorClass::NotFound | ErrorClass::Auth if error.status.is_none() => "provider_not_initialize",
        ErrorClass::Unsupported => "model_currently_not_support",
        ErrorClass::Quota => "provider_quota_exceeded",
        _ => "completion_request_error",
    };
    Error::new(400, code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_guide_are_plans() {
        let model = ModelRef::chat("oxidify/scripted", "echo");
        let examples: Vec<&str> = GUIDE.lines().filter(|line| line.starts_with("{\"")).collect();
        assert_eq!(examples.len(), 2);
        for example in examples {
            file_of(example, &model, &[]).unwrap_or_else(|why| panic!("{example}: {why:?}"));
        }
    }

    #[test]
    fn the_guide_names_what_there_is() {
        let base = Base { id: "1".into(), name: "Hand\nbook".into() };
        for (bases, expected) in [(vec![], "There are none"), (vec![base], "- Hand book\n")] {
            assert!(guide(&bases).contains(expected), "{expected}");
        }
    }

    #[test]
    fn a_failed_call_is_told_by_its_kind() {
        for (class, code) in [
            (ErrorClass::Quota, "provider_quota_exceeded"),
            (ErrorClass::NotFound, "provider_not_initialize"),
            (ErrorClass::Overloaded, "completion_request_error"),
        ] {
            let error = model_error(&ModelError::new(class, "p", "why"));
            assert_eq!((error.status, error.code.as_ref()), (400, code));
        }
    }
}
