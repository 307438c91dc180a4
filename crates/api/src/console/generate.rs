//! Prompts, code and schemas that a model writes for an editor. A client that leaves ends the call.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ox_app::{
    Services,
    generate::{self, Change, Choice, Granted, Language, Prompt, Told, Wish},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{ApiResult, error::ErrorBody, extract::Body, openapi::routes};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(rule))
        .routes(routes!(rule_code))
        .routes(routes!(rule_schema))
        .routes(routes!(instruction))
        .routes(routes!(instruction_template))
}

/// The model that writes; the workspace's default one where none is named.
#[derive(Deserialize, ToSchema)]
pub struct WritingModel {
    #[serde(default)]
    provider: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    mode: String,
    /// Settings of the model.
    #[serde(default)]
    #[schema(value_type = Object)]
    completion_params: Map<String, Value>,
}

impl From<WritingModel> for Choice {
    fn from(model: WritingModel) -> Self {
        let WritingModel { provider, name, mode, completion_params } = model;
        Self { provider, name, mode, parameters: completion_params }
    }
}

/// A prompt to write.
#[derive(Deserialize, ToSchema)]
pub struct RuleBody {
    /// At most 10,000 characters.
    instruction: String,
    model_config: WritingModel,
    #[serde(default)]
    no_variable: bool,
}

/// A prompt, or why there is none.
#[derive(Serialize, ToSchema)]
pub struct RuleView {
    prompt: String,
    /// Names in double braces.
    variables: Vec<String>,
    opening_statement: String,
    /// Empty when all went well.
    error: String,
}

impl From<Told<Prompt>> for RuleView {
    fn from(told: Told<Prompt>) -> Self {
        let (prompt, error) = parts(told);
        Self { prompt: prompt.text, variables: prompt.variables, opening_statement: prompt.opening, error }
    }
}

/// What was told, and the error beside it.
fn parts<T: Default>(told: Told<T>) -> (T, String) {
    told.map_or_else(|error| (T::default(), error), |value| (value, String::new()))
}

/// Code to write.
#[derive(Deserialize, ToSchema)]
pub struct RuleCodeBody {
    /// At most 10,000 characters.
    instruction: String,
    model_config: WritingModel,
    /// `javascript` or `python3`.
    #[serde(default = "javascript")]
    code_language: String,
}

fn javascript() -> String {
    Language::JavaScript.as_str().to_owned()
}

/// Code, or why there is none.
#[derive(Serialize, ToSchema)]
pub struct RuleCodeView {
    code: String,
    language: String,
    /// Empty when all went well.
    error: String,
}

/// A schema to write.
#[derive(Deserialize, ToSchema)]
pub struct RuleSchemaBody {
    /// At most 10,000 characters.
    instruction: String,
    model_config: WritingModel,
}

/// A schema, or why there is none.
#[derive(Serialize, ToSchema)]
pub struct RuleSchemaView {
    /// The text of a JSON schema.
    output: String,
    /// Empty when all went well.
    error: String,
}

/// What is wanted of a prompt or of code.
#[derive(Deserialize, ToSchema)]
pub struct InstructionBody {
    /// An app, or the pipeline of a knowledge base.
    flow_id: String,
    /// Empty for a basic app.
    #[serde(default)]
    node_id: String,
    /// What is improved, at most 20,000 characters; empty to begin anew.
    #[serde(default)]
    current: String,
    /// At most 10,000 characters. `{{#current#}}`, `{{#last_run#}}` and `{{#error_message#}}` are filled in.
    instruction: String,
    model_config: WritingModel,
    /// Of code; empty is the node's own.
    #[serde(default)]
    language: String,
    /// What the answer should be like, at most 10,000 characters.
    #[serde(default)]
    ideal_output: String,
}

/// What an instruction may begin with.
#[derive(Deserialize, ToSchema)]
pub struct TemplateBody {
    /// `prompt` or `code`.
    #[serde(rename = "type")]
    kind: String,
}

/// An instruction to begin with.
#[derive(Serialize, ToSchema)]
pub struct TemplateText {
    data: &'static str,
}

/// A model writes a prompt.
#[utoipa::path(post, path = "/rule-generate", tag = "generate", request_body = RuleBody,
    responses((status = 200, body = RuleView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn rule(State(services): App, Caller(caller): Caller, Body(body): Body<RuleBody>) -> ApiResult<Json<RuleView>> {
    let choice = body.model_config.into();
    let told = generate::prompt(&services, &caller, choice, &body.instruction, body.no_variable).await?;
    Ok(Json(told.into()))
}

/// A model writes the code of a node.
#[utoipa::path(post, path = "/rule-code-generate", tag = "generate", request_body = RuleCodeBody,
    responses((status = 200, body = RuleCodeView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn rule_code(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<RuleCodeBody>,
) -> ApiResult<Json<RuleCodeView>> {
    let choice = body.model_config.into();
    let told = generate::code(&services, &caller, choice, &body.instruction, &body.code_language).await?;
    let (code, error) = parts(told.map(|(code, _)| code));
    Ok(Json(RuleCodeView { code, language: body.code_language, error }))
}

/// A model writes the JSON schema of an answer.
#[utoipa::path(post, path = "/rule-structured-output-generate", tag = "generate", request_body = RuleSchemaBody,
    responses((status = 200, body = RuleSchemaView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn rule_schema(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<RuleSchemaBody>,
) -> ApiResult<Json<RuleSchemaView>> {
    let told = generate::schema(&services, &caller, body.model_config.into(), &body.instruction).await?;
    let (output, error) = parts(told);
    Ok(Json(RuleSchemaView { output, error }))
}

/// A model improves a prompt or code, or writes one for a node that has none.
///
/// Compat: a flow or a node that is not there answers 400 with an error of its own shape.
#[utoipa::path(post, path = "/instruction-generate", tag = "generate", request_body = InstructionBody,
    responses((status = 200, body = Object), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn instruction(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<InstructionBody>,
) -> ApiResult<Response> {
    let InstructionBody { flow_id, node_id, current, instruction, model_config, language, ideal_output } = body;
    let wish = Wish { flow_id, node_id, current, instruction, language, ideal_output };
    match generate::grant(&services, &caller, model_config.into(), wish).await {
        Ok(told) => Ok(Json(granted(told)).into_response()),
        Err(error) if error.code == generate::INCOMPATIBLE => {
            Ok((StatusCode::BAD_REQUEST, Json(json!({"error": error.message}))).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn granted(told: Told<Granted>) -> Value {
    match told {
        Ok(Granted::Prompt(Prompt { text, variables, opening })) => {
            json!({"prompt": text, "variables": variables, "opening_statement": opening, "error": ""})
        }
        Ok(Granted::Code { code, language }) => json!({"code": code, "language": language.as_str(), "error": ""}),
        Ok(Granted::Changed(Change { modified, message })) => {
            json!({"modified": modified, "message": message, "error": ""})
        }
        Err(error) => json!({"error": error}),
    }
}

/// What an instruction to improve may begin with.
#[utoipa::path(post, path = "/instruction-generate/template", tag = "generate", request_body = TemplateBody,
    responses((status = 200, body = TemplateText), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn instruction_template(Caller(caller): Caller, Body(body): Body<TemplateBody>) -> ApiResult<Json<TemplateText>> {
    Ok(Json(TemplateText { data: generate::template(&caller, &body.kind)? }))
}
