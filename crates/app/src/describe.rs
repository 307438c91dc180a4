//! From one sentence to a draft: the workspace's model writes a plan, code builds it, the import takes it in.

use ox_dsl::{
    lint::{self, Severity},
    plan::{self, Base, Plan},
};
use ox_models::{Message, ModelRef};
use ox_types::boxed;

use crate::{
    Error, Principal, Result, Services,
    assist::{Again, Helper, Unfit},
    imports::{self, ImportRequest, ImportResult},
    knowledge::datasets::{self, DatasetQuery},
    principal::Permission,
};

/// Characters of a description.
pub const MAX_DESCRIPTION: usize = 2_000;
/// Knowledge bases that the model may choose from, newest first.
const MAX_BASES: u64 = 20;
/// How a plan is written.
const GUIDE: &str = include_str!("describe/guide.md");
const AGAIN: Again =
    Again { complaint: "This plan cannot be used", wish: "the whole corrected JSON object and nothing else" };

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
    let helper = Helper::of_workspace(services, principal).await?;
    let bases = bases_of(services, principal).await?;
    let messages = vec![Message::system(guide(&bases)), Message::user(description)];
    let planned = helper.ask(messages, AGAIN, |answer: &str| file_of(answer, helper.model(), &bases)).await?;
    let yaml_content = match planned {
        Ok(file) => file,
        Err(Unfit { why, answer }) => return Ok(Described::Unusable { why, answer }),
    };
    let result =
        imports::import(services, principal, ImportRequest { yaml_content, ..ImportRequest::default() }).await?;
    if result.app_id.is_none() {
        return Err(Error::invalid(result.error));
    }
    Ok(Described::Made(result))
}

/// The knowledge bases that the caller may see.
async fn bases_of(services: &Services, principal: &Principal) -> Result<Vec<Base>> {
    let query = DatasetQuery { page: 1, limit: MAX_BASES, ..DatasetQuery::default() };
    let found = datasets::list(services, principal, &query).await?;
    let base = |item: datasets::DatasetView| Base { id: item.dataset.id.to_string(), name: item.dataset.name };
    Ok(found.items.into_iter().map(base).collect())
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
}
