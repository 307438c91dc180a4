//! Reading a JSON body field by field, with the validator's words that clients know (reference §5.3).

use ox_app::Error;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// A body that is being read. Problems are collected and told together.
pub struct Fields {
    model: &'static str,
    map: Map<String, Json>,
    problems: Vec<(String, String)>,
}

impl Fields {
    /// Starts reading a body for the named request model.
    #[must_use]
    pub const fn new(model: &'static str, map: Map<String, Json>) -> Self {
        Self { model, map, problems: Vec::new() }
    }

    /// A required object.
    pub fn object(&mut self, name: &str) -> Map<String, Json> {
        match self.map.remove(name) {
            Some(Json::Object(map)) => map,
            None => {
                self.problem(name, "Field required [type=missing]");
                Map::new()
            }
            Some(_) => {
                self.problem(name, "Input should be a valid dictionary [type=dict_type]");
                Map::new()
            }
        }
    }

    /// A required text.
    pub fn text(&mut self, name: &str) -> String {
        if !self.map.contains_key(name) {
            self.problem(name, "Field required [type=missing]");
            return String::new();
        }
        self.optional_text(name).unwrap_or_else(|| {
            self.problem(name, "Input should be a valid string [type=string_type]");
            String::new()
        })
    }

    /// A text or nothing.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        match self.map.remove(name) {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text.replace('\0', "")),
            Some(_) => {
                self.problem(name, "Input should be a valid string [type=string_type]");
                None
            }
        }
    }

    /// One of some words, or nothing.
    pub fn optional_word(&mut self, name: &str, words: &[&str]) -> Option<String> {
        match self.map.remove(name) {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) if words.contains(&text.as_str()) => Some(text),
            Some(_) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
                self.problem(name, &format!("Input should be {} [type=literal_error]", join_or(&quoted)));
                None
            }
        }
    }

    /// A yes or no; the usual texts count.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.map.remove(name) {
            None | Some(Json::Null) => default,
            Some(Json::Bool(value)) => value,
            Some(Json::String(text)) if matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on") => {
                true
            }
            Some(Json::String(text)) if matches!(text.to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off") => {
                false
            }
            Some(_) => {
                self.problem(name, "Input should be a valid boolean [type=bool_type]");
                default
            }
        }
    }

    /// A list, or nothing.
    pub fn optional_list(&mut self, name: &str) -> Vec<Json> {
        match self.map.remove(name) {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => {
                if items.iter().any(|item| !item.is_object()) {
                    self.problem(name, "Input should be a valid dictionary [type=dict_type]");
                }
                items
            }
            Some(_) => {
                self.problem(name, "Input should be a valid list [type=list_type]");
                Vec::new()
            }
        }
    }

    /// A UUID; empty, blank and null mean none.
    pub fn optional_uuid(&mut self, name: &str) -> Option<Uuid> {
        let text = self.optional_text(name)?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let id = text.parse().ok();
        if id.is_none() {
            self.problem(name, &format!("Value error, {name} must be a valid UUID [type=value_error]"));
        }
        id
    }

    /// Any value; missing is an error, null is a value.
    pub fn value(&mut self, name: &str) -> Json {
        self.map.remove(name).unwrap_or_else(|| {
            self.problem(name, "Field required [type=missing]");
            Json::Null
        })
    }

    /// Whether the field was given at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Adds a problem found by the caller.
    pub fn problem(&mut self, name: &str, reason: &str) {
        if !self.problems.iter().any(|(field, _)| field == name) {
            self.problems.push((name.to_owned(), reason.to_owned()));
        }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// When there was a problem; the first field is named in `params`.
    pub fn finish(self) -> Result<(), Error> {
        let Some((first, _)) = self.problems.first() else { return Ok(()) };
        let count = self.problems.len();
        let plural = if count == 1 { "" } else { "s" };
        let mut text = format!("{count} validation error{plural} for {}", self.model);
        for (field, reason) in &self.problems {
            text.push_str(&format!("\n{field}\n  {reason}"));
        }
        Err(Error::invalid_field(first, text))
    }
}

fn join_or(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        other => other.join(""),
    }
}

/// `user` of a body, stringified; `None` when missing or empty.
#[must_use]
pub fn user_of(map: &Map<String, Json>) -> Option<String> {
    match map.get("user")? {
        Json::Null => None,
        Json::String(text) => Some(text.replace('\0', "")).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

/// `user` where it must be given.
///
/// # Errors
/// 400 when it is missing.
pub fn required_user(map: &Map<String, Json>) -> Result<String, Error> {
    user_of(map).ok_or_else(user_missing)
}

/// The error for a missing `user`.
#[must_use]
pub fn user_missing() -> Error {
    Error::invalid_field("user", "Arg user must be provided.")
}

/// Query parameters as text, read with the same words.
#[must_use]
pub fn from_query(model: &'static str, query: Option<&str>) -> Fields {
    let map = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), Json::String(value.into_owned())))
        .collect();
    Fields::new(model, map)
}

impl Fields {
    /// A whole number between two bounds, from a number or its text.
    pub fn number(&mut self, name: &str, default: u64, least: u64, most: u64) -> u64 {
        let value = match self.map.remove(name) {
            None | Some(Json::Null) => return default,
            Some(Json::String(text)) => text.trim().parse::<i64>().ok(),
            Some(Json::Number(number)) => number.as_i64(),
            Some(_) => None,
        };
        let Some(value) = value else {
            self.problem(
                name,
                "Input should be a valid integer, unable to parse string as an integer [type=int_parsing]",
            );
            return default;
        };
        match u64::try_from(value) {
            Ok(value) if value > most => {
                self.problem(name, &format!("Input should be less than or equal to {most} [type=less_than_equal]"));
                default
            }
            Ok(value) if value >= least => value,
            _ => {
                let reason = format!("Input should be greater than or equal to {least} [type=greater_than_equal]");
                self.problem(name, &reason);
                default
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads well with json!")]
    fn map(json: Json) -> Map<String, Json> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn every_problem_names_its_field_and_reason() {
        let mut fields =
            Fields::new("ChatRequestPayload", map(json!({"inputs": "x", "response_mode": "sse", "n": "a"})));
        fields.object("inputs");
        fields.text("query");
        fields.optional_word("response_mode", &["blocking", "streaming"]);
        fields.number("n", 1, 1, 2);
        let error = fields.finish().unwrap_err();
        assert_eq!(error.field.as_deref(), Some("inputs"));
        assert_eq!(
            error.message,
            "4 validation errors for ChatRequestPayload\ninputs\n  Input should be a valid dictionary \
             [type=dict_type]\nquery\n  Field required [type=missing]\nresponse_mode\n  Input should be 'blocking' or \
             'streaming' [type=literal_error]\nn\n  Input should be a valid integer, unable to parse string as an \
             integer [type=int_parsing]"
        );
    }

    #[test]
    fn tolerant_readings() {
        let mut fields = Fields::new("M", map(json!({"id": "  ", "on": "YES", "n": "7", "q": "a\u{0}b", "extra": 1})));
        assert_eq!(fields.optional_uuid("id"), None);
        assert!(fields.flag("on", false));
        assert_eq!(fields.number("n", 20, 1, 100), 7);
        assert_eq!(fields.text("q"), "ab");
        fields.finish().unwrap();
    }

    #[test]
    fn the_user_is_stringified() {
        for (body, expected) in [
            (json!({"user": 5}), Some("5")),
            (json!({"user": ""}), None),
            (json!({"user": null}), None),
            (json!({}), None),
            (json!({"user": "abc"}), Some("abc")),
        ] {
            assert_eq!(user_of(&map(body.clone())).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn bounds() {
        for (text, ok) in [("0", false), ("1", true), ("100", true), ("101", false), ("-5", false), ("x", false)] {
            let mut fields = from_query("M", Some(&format!("limit={text}")));
            fields.number("limit", 20, 1, 100);
            assert_eq!(fields.finish().is_ok(), ok, "{text}");
        }
    }
}
