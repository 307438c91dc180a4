//! Documents in order: what every protocol for it has in common.

use ox_types::Json;

use crate::{ModelError, Ranked, RerankRequest, Unit, Used, fault};

/// What the vendors tell that a ranking used: tokens, or searches.
pub fn used(answer: &Json) -> Used {
    let number = |paths: &[&str]| paths.iter().find_map(|path| answer.pointer(path)?.as_u64());
    let searches = number(&["/meta/billed_units/search_units", "/usage/search_units"]);
    Used {
        prompt_tokens: number(&["/usage/total_tokens", "/usage/prompt_tokens", "/meta/tokens/input_tokens"])
            .unwrap_or(0),
        completion_tokens: 0,
        units: searches.map(|searches| (searches, Unit::Searches)),
    }
}

/// How many documents are asked for. A threshold is applied here, so it asks for all that it may keep.
pub fn wanted(request: &RerankRequest) -> usize {
    request.top_n.unwrap_or(request.documents.len()).clamp(1, request.documents.len().max(1))
}

/// Reads indices and scores, best first, and cuts as asked. An index that no document has is a broken answer.
pub fn read(
    provider: &str,
    list: Option<&Vec<Json>>,
    request: &RerankRequest,
    answer: &Json,
) -> Result<Vec<Ranked>, ModelError> {
    let wrong = |what: &str| fault::garbage(provider, what, &answer.to_string());
    let list = list.ok_or_else(|| wrong("the answer holds no ranking"))?;
    let mut ranked = Vec::with_capacity(list.len());
    for item in list {
        let index = item.get("index").and_then(Json::as_u64).and_then(|index| usize::try_from(index).ok());
        let score = ["relevance_score", "score", "relevanceScore"].iter().find_map(|name| item.get(*name)?.as_f64());
        let (Some(index), Some(score)) = (index, score) else {
            return Err(wrong("a place of the ranking cannot be read"));
        };
        if index >= request.documents.len() || ranked.iter().any(|other: &Ranked| other.index == index) {
            return Err(wrong("the ranking names a document that was not asked about, or one twice"));
        }
        ranked.push(Ranked { index, score });
    }
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked.retain(|one| request.score_threshold.is_none_or(|threshold| one.score >= threshold));
    ranked.truncate(wanted(request));
    Ok(ranked)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rankings_used_tokens_or_searches() {
        for (answer, tokens, searches) in [
            (json!({"results": [], "usage": {"total_tokens": 38}}), 38, None),
            (json!({"meta": {"billed_units": {"search_units": 1}}}), 0, Some(1)),
            (json!({"meta": {"billed_units": {"search_units": 2}, "tokens": {"input_tokens": 7}}}), 7, Some(2)),
            (json!({"usage": null}), 0, None),
        ] {
            let found = used(&answer);
            assert_eq!((found.prompt_tokens, found.units.map(|(units, _)| units)), (tokens, searches), "{answer}");
        }
    }
}
