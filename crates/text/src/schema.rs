//! JSON Schema validation; schemas cannot refer to anything outside themselves.

use jsonschema::{Draft, PatternOptions, Validator};
use ox_types::Json;

/// Steps that a pattern may take back in one text: those with look-around, which cannot be matched in linear time.
const MAX_BACKTRACKS: usize = 50_000;
/// Bytes of a compiled pattern.
const MAX_PATTERN: usize = 1024 * 1024;
/// How many problems of one document are told.
const MAX_PROBLEMS: usize = 10;

/// A schema is not usable, or a document does not match it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("not a valid JSON schema: {0}")]
    Schema(String),
    /// At least one problem.
    #[error("{}", .0.join("; "))]
    Mismatch(Vec<String>),
}

/// A schema ready for use.
#[derive(Clone, Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Prepares a schema (draft 7 unless it says otherwise).
    ///
    /// # Errors
    /// When it is not a schema or refers to something outside itself.
    pub fn new(schema: &Json) -> Result<Self, SchemaError> {
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(MAX_BACKTRACKS)
            .size_limit(MAX_PATTERN)
            .dfa_size_limit(MAX_PATTERN);
        let mut options = jsonschema::options().offline().with_pattern_options(patterns);
        if schema.get("$schema").is_none() {
            options = options.with_draft(Draft::Draft7);
        }
        options.build(schema).map(Self).map_err(|error| SchemaError::Schema(error.to_string()))
    }

    /// Checks a document.
    ///
    /// # Errors
    /// What does not match, with the path of each place.
    pub fn validate(&self, document: &Json) -> Result<(), SchemaError> {
        let problems: Vec<_> = self.0.iter_errors(document).take(MAX_PROBLEMS).map(|error| problem(&error)).collect();
        if problems.is_empty() { Ok(()) } else { Err(SchemaError::Mismatch(problems)) }
    }
}

fn problem(error: &jsonschema::ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    if path.is_empty() { error.to_string() } else { format!("{path}: {error}") }
}

/// Checks a document against a schema used once.
///
/// # Errors
/// As [`Schema::new`] and [`Schema::validate`].
pub fn validate(schema: &Json, document: &Json) -> Result<(), SchemaError> {
    Schema::new(schema)?.validate(document)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Schema, SchemaError, validate};

    #[test]
    fn tells_each_problem_with_its_place() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"},
            "list": {"type": "array", "items": {"type": "string"}}}});
        assert_eq!(validate(&schema, &json!({"a": 1, "list": ["x"]})), Ok(()));
        let problems = validate(&schema, &json!({"a": "x", "list": [1]})).unwrap_err().to_string();
        assert!(problems.contains("/a: \"x\" is not of type \"integer\""), "{problems}");
        assert!(problems.contains("/list/0: "), "{problems}");
        let missing = validate(&schema, &json!({})).unwrap_err().to_string();
        assert_eq!(missing, "\"a\" is a required property");
    }

    #[test]
    fn refuses_what_is_no_schema_and_remote_references() {
        assert!(matches!(Schema::new(&json!({"type": "what"})), Err(SchemaError::Schema(_))));
        for target in ["http://127.0.0.1:1/x.json", "file:///etc/passwd"] {
            assert!(matches!(Schema::new(&json!({"$ref": target})), Err(SchemaError::Schema(_))), "{target}");
        }
    }

    #[test]
    fn patterns_that_explode_end_soon() {
        let text = format!("{}!", "a".repeat(5_000));
        let explosive = ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "^(?=(a+)+b)a", "^(?!(a|aa)+b)(a+)+$", r"^(a*)*\1$"];
        for pattern in explosive {
            let schema = Schema::new(&json!({"items": {"pattern": pattern}})).unwrap();
            let began = std::time::Instant::now();
            let _ = schema.validate(&json!(vec![text.as_str(); 20]));
            assert!(began.elapsed() < std::time::Duration::from_secs(5), "{pattern}: {:?}", began.elapsed());
        }
        for pattern in ["(a{1000}){1000}", "(", "((a{100}){100}){100}"] {
            assert!(matches!(Schema::new(&json!({"pattern": pattern})), Err(SchemaError::Schema(_))), "{pattern}");
        }
    }

    #[test]
    fn many_problems_are_cut() {
        let schema = json!({"items": {"type": "string"}});
        let Err(SchemaError::Mismatch(problems)) = validate(&schema, &json!(vec![1; 1000])) else { panic!() };
        assert_eq!(problems.len(), 10);
    }
}
