//! Environment and conversation variables of a workflow: checked, secrets encrypted and masked.

use ox_auth::{FULL_MASK, HIDDEN};
use ox_dsl::variables::{self, Scope};
use ox_types::{Json, TenantId, boxed};
use serde_json::Map;

use crate::{Error, Result, Services};

fn check(item: &Json, scope: Scope) -> Result<Map<String, Json>> {
    variables::check(item, scope).map_err(Error::invalid)
}

/// Checks environment variables and encrypts their secrets; a hidden value keeps the stored one.
pub(crate) async fn seal_environment(
    services: &Services,
    tenant: TenantId,
    items: Vec<Json>,
    before: Option<&Json>,
) -> Result<Json> {
    let old = |id: &Json| before?.as_array()?.iter().find(|item| item.get("id") == Some(id))?.get("value").cloned();
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let mut map = check(&item, Scope::Environment)?;
        if map.get("value_type").and_then(Json::as_str) == Some("secret") {
            let plain = map.get("value").and_then(Json::as_str).unwrap_or_default().to_owned();
            let kept = map.get("id").and_then(old);
            let sealed = match kept {
                Some(kept) if plain == HIDDEN || plain == FULL_MASK => kept,
                _ => Json::from(services.encrypt(tenant, &plain).await?),
            };
            map.insert("value".into(), sealed);
        }
        out.push(Json::Object(map));
    }
    Ok(Json::Array(out))
}

/// Checks conversation variables.
pub(crate) fn check_conversation(items: Vec<Json>) -> Result<Json> {
    items
        .into_iter()
        .map(|item| check(&item, Scope::Conversation).map(Json::Object))
        .collect::<Result<Vec<_>>>()
        .map(Json::Array)
}

/// Environment variables with the secrets masked, for the editor.
#[must_use]
pub fn masked_environment(items: &Json) -> Json {
    let mask = |item: &Json| {
        let mut item = item.clone();
        if item.get("value_type").and_then(Json::as_str) == Some("secret")
            && let Some(value) = item.get_mut("value")
        {
            *value = FULL_MASK.into();
        }
        item
    };
    Json::Array(items.as_array().into_iter().flatten().map(mask).collect())
}

/// Environment variables with the secrets in clear, for a run or an export with secrets.
///
/// # Errors
/// When a secret cannot be decrypted (another `SECRET_KEY`).
#[boxed]
pub async fn environment_for_run(services: &Services, tenant: TenantId, items: &Json) -> Result<Vec<Json>> {
    let mut out = Vec::new();
    for item in items.as_array().into_iter().flatten() {
        let mut item = item.clone();
        if item.get("value_type").and_then(Json::as_str) == Some("secret") {
            let sealed = item.get("value").and_then(Json::as_str).unwrap_or_default().to_owned();
            let plain = if sealed.is_empty() { sealed } else { services.decrypt(tenant, &sealed).await? };
            if let Some(value) = item.get_mut("value") {
                *value = plain.into();
            }
        }
        out.push(item);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_the_documented_ones() {
        let cases = [
            (json!({"value_type": "string", "value": ""}), "missing name"),
            (json!({"name": "a", "value": ""}), "missing value type"),
            (json!({"name": "a", "value_type": "string"}), "missing value"),
            (json!({"name": "a", "value_type": "array[file]", "value": []}), "not supported value type array[file]"),
        ];
        for (item, text) in cases {
            assert_eq!(check_conversation(vec![item]).expect_err(text).message, text);
        }
        assert!(check_conversation(vec![json!({"name": "a", "value_type": "string", "value": ""})]).is_ok());
    }

    #[test]
    fn secrets_are_masked() {
        let shown = masked_environment(
            &json!([{"value_type": "secret", "value": "x"}, {"value_type": "string", "value": "y"}]),
        );
        assert_eq!(shown[0]["value"], FULL_MASK);
        assert_eq!(shown[1]["value"], "y");
    }
}
