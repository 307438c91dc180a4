//! `{{#node.var#}}` texts against the variable pool, and Jinja2 templates.

use std::sync::Arc;

use indexmap::IndexMap;
use ox_engine::{Pool, ResponsePart};
use ox_sandbox::{CodeRunner, TemplateRequest};
use ox_text::{
    jinja::{self, JinjaError, Limits},
    template::{Segment, Template},
};
use ox_types::{TenantId, Value, boxed};

/// Work of a Jinja2 template that is done at once, without leaving the async task.
const QUICK_FUEL: u64 = 20_000;

/// Text form of a template written in a configuration.
pub fn text(template: &str, pool: &Pool) -> String {
    if !template.contains("{{#") {
        return template.to_owned();
    }
    Template::parse(template).text(|selector| pool.get(selector))
}

/// The same with secrets masked.
pub fn log(template: &str, pool: &Pool) -> String {
    Template::parse(template).log(|selector| pool.get(selector))
}

/// What a response node shows of a template.
pub fn parts(template: &Template) -> Vec<ResponsePart> {
    let part = |segment: &Segment| match segment {
        Segment::Literal(text) => ResponsePart::Text(text.clone()),
        Segment::Variable(selector) => ResponsePart::Variable(selector.clone()),
    };
    template.segments.iter().map(part).collect()
}

/// Renders a Jinja2 template: here when it is flat and quick, on a blocking thread when it turns out not to be quick,
/// in a process with a memory limit when it could grow.
///
/// # Errors
/// What the template did wrong, or which limit it reached.
#[boxed]
pub async fn jinja(
    code: &dyn CodeRunner,
    workspace: &TenantId,
    template: &Arc<str>,
    variables: &IndexMap<String, Value>,
    limits: Limits,
) -> Result<String, JinjaError> {
    let apart = || {
        code.render(TemplateRequest {
            workspace: workspace.to_string(),
            template: template.to_string(),
            variables: variables.iter().map(|(name, value)| (name.clone(), value.to_json())).collect(),
            limits,
        })
    };
    if !jinja::is_flat(template) {
        return apart().await;
    }
    let quick = Limits { fuel: QUICK_FUEL.min(limits.fuel), ..limits };
    match jinja::render(template, variables, quick) {
        Err(JinjaError::TooMuchWork(_)) => {}
        // There Jinja2 itself may know it.
        Err(JinjaError::Unsupported { .. }) => return apart().await,
        done => return done,
    }
    let (template, variables) = (Arc::clone(template), variables.clone());
    let work = tokio::task::spawn_blocking(move || jinja::render(&template, &variables, limits));
    work.await.unwrap_or_else(|error| Err(JinjaError::Failed { line: None, why: error.to_string() }))
}
