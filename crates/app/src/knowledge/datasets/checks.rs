//! What settings of knowledge bases may be.

use ox_types::Json;

use crate::{Error, Result};

/// Characters of a name and of a description.
const MAX_NAME: usize = 40;
const MAX_DESCRIPTION: usize = 400;
/// Values of `permission`.
const PERMISSIONS: [&str; 3] = ["only_me", "all_team_members", "partial_members"];

pub(super) fn checked_name(name: &str) -> Result<String> {
    let name = name.replace('\0', "");
    let name = name.trim();
    match name.chars().count() {
        0 => Err(Error::invalid_field("name", "name: String should have at least 1 character")),
        1..=MAX_NAME => Ok(name.to_owned()),
        _ => Err(Error::invalid_field("name", format!("name: String should have at most {MAX_NAME} characters"))),
    }
}

pub(super) fn checked_description(text: &str) -> Result<String> {
    if text.chars().count() > MAX_DESCRIPTION {
        let text = format!("description: String should have at most {MAX_DESCRIPTION} characters");
        return Err(Error::invalid_field("description", text));
    }
    Ok(text.replace('\0', ""))
}

pub(super) fn checked_permission(permission: &str) -> Result<String> {
    if PERMISSIONS.contains(&permission) {
        Ok(permission.to_owned())
    } else {
        let text = "permission: Input should be 'only_me', 'all_team_members' or 'partial_members'";
        Err(Error::invalid_field("permission", text))
    }
}

pub(super) fn checked_technique(technique: &str) -> Result<String> {
    if ["high_quality", "economy"].contains(&technique) {
        Ok(technique.to_owned())
    } else {
        let text = "indexing_technique: Input should be 'high_quality' or 'economy'";
        Err(Error::invalid_field("indexing_technique", text))
    }
}

pub(super) fn checked_retrieval(json: Json) -> Result<Json> {
    if !json.is_object() {
        return Err(Error::invalid_field("retrieval_model", "retrieval_model: Input should be a valid dictionary"));
    }
    if let Some(missing) = ["search_method", "reranking_enable", "top_k", "score_threshold_enabled"]
        .into_iter()
        .find(|name| json.get(*name).is_none_or(Json::is_null))
    {
        return Err(Error::invalid_field("retrieval_model", format!("retrieval_model.{missing}: Field required")));
    }
    let method = json.get("search_method").and_then(Json::as_str).unwrap_or_default();
    if !["semantic_search", "full_text_search", "hybrid_search", "keyword_search"].contains(&method) {
        let text = "retrieval_model.search_method: Input should be 'semantic_search', 'full_text_search', \
                    'hybrid_search' or 'keyword_search'";
        return Err(Error::invalid_field("retrieval_model", text));
    }
    Ok(json)
}
