//! Configuration of basic apps: the wire form and the stored columns.

use ox_db::{model::AppModelConfig, now, repo};
use ox_types::{AccountId, AppId, Json, boxed};
use serde_json::{Map, json};

use crate::{
    Error, Principal, Result, Services,
    apps::{find_of_mode, save},
    knowledge::uses,
    principal::Permission,
    tools::permissions,
};

/// Modes whose apps have such a configuration.
pub const BASIC_MODES: &[&str] = &["chat", "agent-chat", "completion"];

/// Columns that hold JSON as it came, with what the wire shows when they are empty.
type Column = (&'static str, fn(&mut AppModelConfig) -> &mut Option<Json>, fn() -> Json);

const COLUMNS: &[Column] = &[
    ("model", |c| &mut c.model, || json!({})),
    ("user_input_form", |c| &mut c.user_input_form, || json!([])),
    ("suggested_questions", |c| &mut c.suggested_questions, || json!([])),
    ("suggested_questions_after_answer", |c| &mut c.suggested_questions_after_answer, || json!({"enabled": false})),
    ("speech_to_text", |c| &mut c.speech_to_text, || json!({"enabled": false})),
    ("text_to_speech", |c| &mut c.text_to_speech, || json!({"enabled": false})),
    ("more_like_this", |c| &mut c.more_like_this, || json!({"enabled": false})),
    ("agent_mode", |c| &mut c.agent_mode, || json!({"enabled": false, "strategy": null, "tools": [], "prompt": null})),
    (
        "sensitive_word_avoidance",
        |c| &mut c.sensitive_word_avoidance,
        || json!({"enabled": false, "type": "", "configs": []}),
    ),
    ("retriever_resource", |c| &mut c.retriever_resource, || json!({"enabled": true})),
    ("chat_prompt_config", |c| &mut c.chat_prompt_config, || json!({})),
    ("completion_prompt_config", |c| &mut c.completion_prompt_config, || json!({})),
    ("dataset_configs", |c| &mut c.dataset_configs, || json!({"retrieval_model": "multiple"})),
    ("external_data_tools", |c| &mut c.external_data_tools, || json!([])),
    (
        "file_upload",
        |c| &mut c.file_upload,
        || json!({"image": {"enabled": false, "number_limits": 3, "detail": "high", "transfer_methods": ["remote_url", "local_file"]}}),
    ),
];

/// A new version from the wire form or from a DSL file's `model_config`.
///
/// # Errors
/// 400 when a text field is not a text.
pub fn from_json(app: AppId, by: AccountId, json: &Json) -> Result<AppModelConfig> {
    let Json::Object(map) = json else {
        return Err(Error::invalid("model_config must be an object."));
    };
    let mut config = AppModelConfig {
        id: ox_types::new_uuid(),
        app_id: app,
        provider: None,
        model_id: None,
        configs: None,
        opening_statement: text(map, "opening_statement")?,
        suggested_questions: None,
        suggested_questions_after_answer: None,
        speech_to_text: None,
        text_to_speech: None,
        more_like_this: None,
        model: None,
        user_input_form: None,
        dataset_query_variable: text(map, "dataset_query_variable")?,
        pre_prompt: text(map, "pre_prompt")?,
        agent_mode: None,
        sensitive_word_avoidance: None,
        retriever_resource: None,
        prompt_type: text(map, "prompt_type")?.filter(|text| !text.is_empty()).unwrap_or_else(|| "simple".into()),
        chat_prompt_config: None,
        completion_prompt_config: None,
        dataset_configs: None,
        external_data_tools: None,
        file_upload: None,
        created_by: Some(by),
        created_at: now(),
        updated_by: Some(by),
        updated_at: now(),
    };
    for (name, column, _) in COLUMNS {
        *column(&mut config) = map.get(*name).filter(|value| !value.is_null()).cloned();
    }
    // What we have no column for stays with the row, so that an export gives it back.
    let known = |name: &str| COLUMNS.iter().any(|(column, ..)| *column == name) || TEXTS.contains(&name);
    let rest: Map<String, Json> =
        map.iter().filter(|(name, _)| !known(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    config.configs = (!rest.is_empty()).then_some(Json::Object(rest));
    Ok(config)
}

const TEXTS: &[&str] = &["opening_statement", "dataset_query_variable", "pre_prompt", "prompt_type"];

fn text(map: &Map<String, Json>, name: &str) -> Result<Option<String>> {
    match map.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::invalid_field(name, format!("{name} must be a string."))),
    }
}

/// The wire form of a stored version.
#[must_use]
pub fn to_json(config: &AppModelConfig) -> Json {
    let mut map = match &config.configs {
        Some(Json::Object(rest)) => rest.clone(),
        _ => Map::new(),
    };
    let texts = [
        ("opening_statement", config.opening_statement.as_deref()),
        ("dataset_query_variable", config.dataset_query_variable.as_deref()),
        ("pre_prompt", config.pre_prompt.as_deref()),
        ("prompt_type", Some(config.prompt_type.as_str())),
    ];
    for (name, value) in texts {
        map.insert(name.into(), value.unwrap_or_default().into());
    }
    let mut copy = config.clone();
    for (name, column, default) in COLUMNS {
        let value = column(&mut copy).take().unwrap_or_else(default);
        map.insert((*name).into(), value);
    }
    Json::Object(map)
}

/// Saves a configuration: a new version becomes the app's own at once.
#[boxed]
pub async fn set(services: &Services, principal: &Principal, id: AppId, json: &Json) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let before = find_of_mode(services, principal, id, BASIC_MODES).await?;
    check(json)?;
    let known = current(services, &before).await?.map(|config| permissions::of_config(&to_json(&config)));
    let added = permissions::added(permissions::of_config(json), &known.unwrap_or_default());
    permissions::require(services, principal, &added).await?;
    crate::moderation::check(services, before.tenant_id, json.get("sensitive_word_avoidance")).await?;
    let config = from_json(id, principal.account_id()?, json)?;
    let tx = services.db.begin().await?;
    repo::apps::insert_config(&tx, &config).await?;
    uses::keep(&tx, before.tenant_id, id, &uses::of_config(&config)).await?;
    tx.commit().await?;
    let mut app = before.clone();
    app.app_model_config_id = Some(config.id);
    save(services, principal, &before, &mut app).await
}

/// What must hold before a configuration can be used.
fn check(json: &Json) -> Result<()> {
    let model = json.get("model").and_then(Json::as_object);
    let Some(model) = model else {
        return Err(Error::invalid_field("model", "model is required"));
    };
    for name in ["provider", "name"] {
        if model.get(name).and_then(Json::as_str).is_none_or(str::is_empty) {
            return Err(Error::invalid_field("model", format!("model.{name} is required: choose a model.")));
        }
    }
    let form = json.get("user_input_form").cloned().unwrap_or_else(|| json!([]));
    let Json::Array(items) = form else {
        return Err(Error::invalid_field("user_input_form", "user_input_form must be a list of objects"));
    };
    for item in &items {
        let field = item.as_object().and_then(|map| map.values().next());
        let named =
            field.and_then(|field| field.get("variable")).and_then(Json::as_str).is_some_and(|name| !name.is_empty());
        if !named {
            return Err(Error::invalid_field("user_input_form", "variable in user_input_form must be a string"));
        }
    }
    Ok(())
}

/// The current configuration of a basic app.
#[boxed]
pub async fn current(services: &Services, app: &ox_db::model::App) -> Result<Option<AppModelConfig>> {
    let Some(id) = app.app_model_config_id else { return Ok(None) };
    Ok(repo::apps::configs(&services.db, &[id]).await?.remove(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_round_trips_with_unknown_keys() {
        let json = json!({
            "pre_prompt": "Hi {{name}}", "model": {"provider": "openai", "name": "gpt", "mode": "chat"},
            "user_input_form": [{"text-input": {"variable": "name"}}], "future": {"x": [1, 2]},
        });
        let config = from_json(AppId::new(), AccountId::new(), &json).expect("reads");
        let back = to_json(&config);
        for (key, value) in json.as_object().expect("object") {
            assert_eq!(back.get(key), Some(value), "{key}");
        }
        assert_eq!(back["more_like_this"], json!({"enabled": false}));
    }

    #[test]
    fn a_configuration_without_a_model_is_refused_by_name() {
        let error = check(&json!({"model": {"provider": "openai", "name": ""}})).expect_err("no name");
        assert_eq!((error.status, error.field.as_deref()), (400, Some("model")));
    }
}
