//! The digest by which two editors of a draft notice one another.

use ox_types::{Json, json_line};
use sha2::{Digest, Sha256};

/// Digest of graph and features; the order of keys does not matter.
#[must_use]
pub fn draft(graph: &Json, features: &Json) -> String {
    let mut text = String::from("{\"features\": ");
    text.push_str(&json_line(&sorted(features)));
    text.push_str(", \"graph\": ");
    text.push_str(&json_line(&sorted(graph)));
    // Compat: upstream's digest ends in the text of an empty salt.
    text.push_str("}None");
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The same document with the keys of every mapping in alphabetical order.
#[must_use]
pub fn sorted(json: &Json) -> Json {
    match json {
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        Json::Object(fields) => {
            let mut entries: Vec<_> = fields.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            Json::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn key_order_does_not_matter_and_content_does() {
        let first = super::draft(&json!({"nodes": [], "edges": [{"a": 1, "b": 2}]}), &json!({}));
        let same = super::draft(&json!({"edges": [{"b": 2, "a": 1}], "nodes": []}), &json!({}));
        assert_eq!(first, same);
        assert_eq!(first.len(), 64);
        assert_ne!(first, super::draft(&json!({"nodes": []}), &json!({})));
        // python3: sha256((json.dumps({"graph": {}, "features": {}}, sort_keys=True) + "None").encode())
        assert_eq!(super::draft(&json!({}), &json!({})), EMPTY);
    }

    const EMPTY: &str = "d27e10f721acc24b3f80eee741788331747f240dfb8f08496e1a6e0d57cbeec2";
}
