//! Large values cut to what a screen shows (engine reference §1.6). What is recorded stays whole.

use ox_types::Json;
use serde_json::Map;

/// Bytes of the JSON of one value.
const MAX_BYTES: usize = 1_024_000;
/// Characters of one text.
const MAX_TEXT: usize = 100_000;
/// Elements of one list.
const MAX_ITEMS: usize = 1_000;
/// What is nested deeper is not looked into.
const MAX_DEPTH: usize = 100;
/// What the cut of a text costs beside its characters: quotes and dots.
const CUT: usize = 5;

/// The value as it is shown, when it is too large to be shown whole.
#[must_use]
pub fn truncated(value: &Json) -> Option<Json> {
    let fits = size(value, 0) <= MAX_BYTES && !has_long_part(value, 0);
    if fits { None } else { Some(shrink(value, MAX_BYTES, 0)) }
}

/// The size of the full value, as the inspector tells it: characters, elements or keys.
#[must_use]
pub fn length(value: &Json) -> Option<usize> {
    match value {
        Json::String(text) => Some(text.chars().count()),
        Json::Array(items) => Some(items.len()),
        Json::Object(fields) => Some(fields.len()),
        _ => None,
    }
}

/// Files are shown whole.
fn is_file(fields: &Map<String, Json>) -> bool {
    fields.get(ox_types::FILE_IDENTITY_KEY).and_then(Json::as_str) == Some(ox_types::FILE_IDENTITY_VALUE)
}

fn has_long_part(value: &Json, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match value {
        // A text of so few bytes cannot have more characters.
        Json::String(text) => text.len() > MAX_TEXT && text.chars().count() > MAX_TEXT,
        Json::Array(items) => items.len() > MAX_ITEMS || items.iter().any(|item| has_long_part(item, depth + 1)),
        Json::Object(fields) => !is_file(fields) && fields.values().any(|field| has_long_part(field, depth + 1)),
        _ => false,
    }
}

/// About as many bytes as the JSON has.
fn size(value: &Json, depth: usize) -> usize {
    if depth > MAX_DEPTH {
        return 2;
    }
    match value {
        Json::Null => 4,
        Json::Bool(_) => 5,
        Json::Number(number) => number.to_string().len(),
        Json::String(text) => text.len() + 2,
        Json::Array(items) => 2 + items.iter().map(|item| size(item, depth + 1) + 1).sum::<usize>(),
        Json::Object(fields) => {
            2 + fields.iter().map(|(key, field)| key.len() + 4 + size(field, depth + 1)).sum::<usize>()
        }
    }
}

fn shrink(value: &Json, budget: usize, depth: usize) -> Json {
    if depth > MAX_DEPTH {
        return value.clone();
    }
    match value {
        Json::String(text) => Json::String(shrink_text(text, budget)),
        Json::Array(items) => Json::Array(shrink_items(items, budget, depth)),
        Json::Object(fields) if !is_file(fields) => Json::Object(shrink_fields(fields, budget, depth)),
        other => other.clone(),
    }
}

fn shrink_text(text: &str, budget: usize) -> String {
    let characters = text.chars().count();
    if characters <= MAX_TEXT && text.len() + 2 <= budget {
        return text.to_owned();
    }
    let kept = MAX_TEXT.min(budget.saturating_sub(CUT));
    if kept >= characters {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(kept).collect();
    cut.push_str("...");
    cut
}

fn shrink_items(items: &[Json], budget: usize, depth: usize) -> Vec<Json> {
    let mut left = budget.saturating_sub(2);
    let mut kept = Vec::with_capacity(items.len().min(MAX_ITEMS));
    for item in items.iter().take(MAX_ITEMS) {
        if left == 0 {
            break;
        }
        let item = shrink(item, left, depth + 1);
        left = left.saturating_sub(size(&item, depth + 1) + 1);
        kept.push(item);
    }
    kept
}

fn shrink_fields(fields: &Map<String, Json>, budget: usize, depth: usize) -> Map<String, Json> {
    let mut keys: Vec<&String> = fields.keys().collect();
    keys.sort_unstable();
    let mut left = budget.saturating_sub(2);
    let mut kept = Map::new();
    let mut open = keys.len();
    for key in keys {
        if left == 0 {
            break;
        }
        let Some(field) = fields.get(key) else { continue };
        let share = (left / open.max(1)).saturating_sub(key.len() + 4);
        let field = shrink(field, share, depth + 1);
        left = left.saturating_sub(size(&field, depth + 1) + key.len() + 4);
        open = open.saturating_sub(1);
        kept.insert(key.clone(), field);
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_is_left_alone() {
        for value in [json!(null), json!("x".repeat(100_000)), json!(vec![1; 1000]), json!({"a": [1, {"b": "c"}]})] {
            assert_eq!(truncated(&value), None);
        }
    }

    #[test]
    fn texts_lists_and_wholes_are_cut() {
        let text = truncated(&json!("é".repeat(100_001))).unwrap();
        assert_eq!(text.as_str().unwrap().chars().count(), 100_003);
        assert!(text.as_str().unwrap().ends_with("..."));
        assert_eq!(truncated(&json!(vec![1; 1001])).unwrap().as_array().unwrap().len(), 1000);
        let nested = truncated(&json!({"b": {"list": vec!["x"; 2000]}, "a": 1})).unwrap();
        assert_eq!(nested["b"]["list"].as_array().unwrap().len(), 1000);
        assert_eq!(nested["a"], 1);
        let wide: Map<String, Json> = (0..20).map(|i| (format!("k{i:02}"), json!("y".repeat(90_000)))).collect();
        let cut = truncated(&Json::Object(wide)).unwrap();
        assert_eq!(cut.as_object().unwrap().len(), 20);
        assert!(cut.to_string().len() <= MAX_BYTES + 100, "{}", cut.to_string().len());
        let files = json!({"dify_model_identity": "__dify__file__", "url": "u".repeat(2_000_000)});
        assert_eq!(truncated(&json!([files.clone()])).unwrap()[0], files);
    }
}
