//! Which documents count: conditions on their metadata.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operator {
    #[serde(rename = "contains")]
    Contains,
    #[serde(rename = "not contains")]
    NotContains,
    #[serde(rename = "start with")]
    StartWith,
    #[serde(rename = "end with")]
    EndWith,
    #[serde(rename = "is")]
    Is,
    #[serde(rename = "is not")]
    IsNot,
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "≠", alias = "!=")]
    NotEqual,
    #[serde(rename = "empty")]
    Empty,
    #[serde(rename = "not empty")]
    NotEmpty,
    #[serde(rename = "in")]
    In,
    #[serde(rename = "not in")]
    NotIn,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "≥", alias = ">=")]
    GreaterOrEqual,
    #[serde(rename = "≤", alias = "<=")]
    LessOrEqual,
    #[serde(rename = "before")]
    Before,
    #[serde(rename = "after")]
    After,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    pub name: String,
    pub comparison_operator: Operator,
    #[serde(default)]
    pub value: Json,
}

/// How conditions are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    #[default]
    And,
    Or,
}

/// Conditions on the metadata of documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    #[serde(default, deserialize_with = "or_default")]
    pub logical_operator: Join,
    #[serde(default, deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Filter {
    /// Whether no condition says anything: every document counts.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.conditions.iter().all(|condition| !condition.says_something())
    }

    /// Whether a document with this metadata counts.
    #[must_use]
    pub fn matches(&self, metadata: &Map<String, Json>) -> bool {
        let mut results = self
            .conditions
            .iter()
            .filter(|condition| condition.says_something())
            .map(|condition| condition.holds(metadata.get(&condition.name)))
            .peekable();
        if results.peek().is_none() {
            return true;
        }
        match self.logical_operator {
            Join::And => results.all(|holds| holds),
            Join::Or => results.any(|holds| holds),
        }
    }
}

impl Condition {
    /// A condition without a value is left out, but for those that need none.
    fn says_something(&self) -> bool {
        matches!(self.comparison_operator, Operator::Empty | Operator::NotEmpty) || !self.value.is_null()
    }

    /// A value that is missing or null satisfies nothing but `empty`, not even what is negative.
    fn holds(&self, stored: Option<&Json>) -> bool {
        let stored = stored.filter(|stored| !stored.is_null());
        let list = match self.comparison_operator {
            Operator::Empty => return stored.is_none(),
            Operator::In | Operator::NotIn => Some(self.list()),
            _ => None,
        };
        if list.as_ref().is_some_and(Vec::is_empty) {
            return self.comparison_operator == Operator::NotIn;
        }
        let Some(stored) = stored else { return false };
        let is_listed = || list.iter().flatten().any(|one| equal(stored, one));
        match self.comparison_operator {
            Operator::Empty => false,
            Operator::NotEmpty => true,
            Operator::In => is_listed(),
            Operator::NotIn => !is_listed(),
            Operator::Is | Operator::Equal => equal(stored, &self.value),
            Operator::IsNot | Operator::NotEqual => !equal(stored, &self.value),
            Operator::Contains => text(stored).contains(&text(&self.value)),
            Operator::NotContains => !text(stored).contains(&text(&self.value)),
            Operator::StartWith => text(stored).starts_with(&text(&self.value)),
            Operator::EndWith => text(stored).ends_with(&text(&self.value)),
            Operator::Greater | Operator::After => self.compare(stored, |stored, value| stored > value),
            Operator::Less | Operator::Before => self.compare(stored, |stored, value| stored < value),
            Operator::GreaterOrEqual => self.compare(stored, |stored, value| stored >= value),
            Operator::LessOrEqual => self.compare(stored, |stored, value| stored <= value),
        }
    }

    /// The values of a list, or of a text with commas.
    fn list(&self) -> Vec<Json> {
        match &self.value {
            Json::Array(list) => list.iter().filter(|one| !one.is_null()).cloned().collect(),
            Json::String(list) => list
                .split(',')
                .map(str::trim)
                .filter(|one| !one.is_empty())
                .map(|one| Json::String(one.to_owned()))
                .collect(),
            other => vec![other.clone()],
        }
    }

    fn compare(&self, stored: &Json, by: fn(f64, f64) -> bool) -> bool {
        number(stored).zip(number(&self.value)).is_some_and(|(stored, value)| by(stored, value))
    }
}

/// Numbers are equal by value, everything else by its text.
fn equal(stored: &Json, value: &Json) -> bool {
    let is_numeric = stored.is_number() || value.is_number();
    match number(stored).zip(number(value)).filter(|_| is_numeric) {
        Some((stored, value)) => stored.total_cmp(&value).is_eq() || stored == value,
        None => text(stored) == text(value),
    }
}

fn number(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str, expected: bool) {
        let metadata: Map<String, Json> = serde_json::from_str(
            r#"{"lang":"Rust, safe","n":5,"f":2.5,"t":1700000000,"num":"7","nothing":null,"blank":"","like":"100%_a"}"#,
        )
        .unwrap();
        let filter: Filter = serde_json::from_str(&format!(r#"{{"conditions":[{condition}]}}"#)).unwrap();
        assert_eq!(filter.matches(&metadata), expected, "{condition}");
    }

    #[test]
    fn operators() {
        for (name, operator, value, expected) in [
            ("lang", "is", r#""Rust, safe""#, true),
            ("lang", "is", r#""rust, safe""#, false),
            ("lang", "is not", r#""x""#, true),
            ("lang", "contains", r#""st, s""#, true),
            ("lang", "contains", r#""RUST""#, false),
            ("lang", "not contains", r#""x""#, true),
            ("lang", "not contains", r#""Rust""#, false),
            ("lang", "start with", r#""Ru""#, true),
            ("lang", "start with", r#""safe""#, false),
            ("lang", "end with", r#""safe""#, true),
            ("lang", "in", r#"["x","Rust, safe"]"#, true),
            ("lang", "in", r#""x, Rust""#, false),
            ("lang", "in", r#"[]"#, false),
            ("lang", "in", r#""""#, false),
            ("lang", "not in", r#"["x"]"#, true),
            ("lang", "not in", r#"[]"#, true),
            ("lang", "not in", r#"["Rust, safe"]"#, false),
            ("n", "in", r#""4, 5""#, true),
            ("n", "in", "[5.0]", true),
            ("n", "in", "5", true),
            ("n", "=", "5", true),
            ("n", "=", "5.0", true),
            ("n", "is", r#""5""#, true),
            ("n", "≠", "5", false),
            ("n", "≠", "6", true),
            ("n", ">", "4.9", true),
            ("n", ">", "5", false),
            ("n", "<", r#""6""#, true),
            ("n", "≥", "5", true),
            ("n", ">=", "5.1", false),
            ("n", "≤", "5", true),
            ("n", "<=", "4", false),
            ("n", "contains", r#""5""#, true),
            ("f", "=", "2.5", true),
            ("num", ">", "6", true),
            ("num", "=", "7.0", true),
            ("num", "is", r#""7.0""#, false),
            ("lang", ">", "1", false),
            ("t", "after", "1600000000", true),
            ("t", "before", "1600000000", false),
            ("t", "before", r#""1800000000""#, true),
            ("t", "empty", "null", false),
            ("t", "not empty", "null", true),
            ("nothing", "empty", "null", true),
            ("nothing", "not empty", "null", false),
            ("missing", "empty", "null", true),
            ("missing", "not empty", "null", false),
            ("blank", "empty", "null", false),
            ("blank", "is", r#""""#, true),
            // What is missing satisfies nothing, not even what is negative.
            ("missing", "is", r#""x""#, false),
            ("missing", "is not", r#""x""#, false),
            ("missing", "not contains", r#""x""#, false),
            ("missing", "not in", r#"["x"]"#, false),
            ("missing", "not in", "[]", true),
            ("missing", "<", "1", false),
            ("nothing", "≠", "1", false),
            // A condition without a value says nothing.
            ("lang", "is", "null", true),
            ("missing", "is", "null", true),
            // Signs of patterns are letters like others.
            ("like", "contains", r#""%_""#, true),
            ("like", "contains", r#""0_a""#, false),
        ] {
            check(&format!(r#"{{"name":"{name}","comparison_operator":"{operator}","value":{value}}}"#), expected);
        }
    }

    #[test]
    fn joins() {
        let metadata: Map<String, Json> = serde_json::from_str(r#"{"a":1,"b":"x"}"#).unwrap();
        let yes = r#"{"name":"a","comparison_operator":"=","value":1}"#;
        let no = r#"{"name":"b","comparison_operator":"is","value":"y"}"#;
        let void = r#"{"name":"b","comparison_operator":"is"}"#;
        for (text, expected) in [
            ("{}".to_owned(), true),
            (r#"{"logical_operator":null,"conditions":null}"#.to_owned(), true),
            (format!(r#"{{"logical_operator":"and","conditions":[{yes},{no}]}}"#), false),
            (format!(r#"{{"logical_operator":"or","conditions":[{yes},{no}]}}"#), true),
            (format!(r#"{{"logical_operator":"or","conditions":[{no},{void}]}}"#), false),
            (format!(r#"{{"logical_operator":"or","conditions":[{void}]}}"#), true),
            (format!(r#"{{"conditions":[{yes},{void}]}}"#), true),
        ] {
            let filter: Filter = serde_json::from_str(&text).unwrap();
            assert_eq!(filter.matches(&metadata), expected, "{text}");
        }
        let open: Filter = serde_json::from_str(&format!(r#"{{"conditions":[{void}]}}"#)).unwrap();
        assert!(open.is_open());
        assert!(
            serde_json::from_str::<Filter>(r#"{"conditions":[{"name":"a","comparison_operator":"like"}]}"#).is_err()
        );
    }
}
