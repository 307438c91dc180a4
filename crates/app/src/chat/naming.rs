//! Names of conversations and texts shown beside answers.

use ox_types::Object;

use super::prompt::fill;

/// The name a conversation has until it gets a better one.
#[must_use]
pub fn initial_name(query: &str) -> String {
    if query.is_empty() {
        return "New conversation".to_owned();
    }
    let start: String = query.chars().take(20).collect();
    if query.chars().count() > 20 { format!("{start}…") } else { start }
}

/// The name when no model can give one.
#[must_use]
pub fn fallback_name(query: &str) -> String {
    if query.chars().count() <= 50 {
        return query.to_owned();
    }
    let start: String = query.chars().take(47).collect();
    format!("{start}...")
}

/// What a model is asked for a name.
#[must_use]
pub fn name_prompt(query: &str) -> String {
    let query: String = query.chars().take(2000).collect();
    format!(
        "Write a title of at most ten words for a conversation that begins with the message below. Use the language \
         of the message. Answer with the title alone, without quotes.\n\nMessage:\n{query}"
    )
}

/// The title in a model's answer; `None` when there is none.
#[must_use]
pub fn name_from(answer: &str) -> Option<String> {
    let line = answer.lines().map(str::trim).find(|line| !line.is_empty())?;
    let name: String = line.trim_matches(|c| matches!(c, '"' | '\'' | '“' | '”' | '`')).chars().take(75).collect();
    Some(name).filter(|name| !name.is_empty())
}

/// The opening statement with its variables filled.
#[must_use]
pub fn introduction(opening_statement: &str, inputs: &Object) -> String {
    fill(opening_statement, inputs, "", "", "")
}

/// What a model is asked for questions that may follow.
#[must_use]
pub fn suggestions_prompt(rounds: &str) -> String {
    format!(
        "{rounds}\n\nPredict the three questions the human would most likely ask next. Each has fewer than 20 words and \
         is in the language of the conversation. Answer with a JSON array of three strings and nothing else."
    )
}

/// The questions in a model's answer: the first JSON array of texts in it.
#[must_use]
pub fn suggestions_from(answer: &str) -> Vec<String> {
    let (Some(start), Some(end)) = (answer.find('['), answer.rfind(']')) else { return Vec::new() };
    let Some(json) = answer.get(start..=end) else { return Vec::new() };
    serde_json::from_str::<Vec<String>>(json).unwrap_or_default().into_iter().take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (query, initial, fallback) in [
            ("", "New conversation", ""),
            ("Hi", "Hi", "Hi"),
            ("12345678901234567890", "12345678901234567890", "12345678901234567890"),
            ("123456789012345678901", "12345678901234567890…", "123456789012345678901"),
        ] {
            assert_eq!((initial_name(query).as_str(), fallback_name(query).as_str()), (initial, fallback), "{query}");
        }
        assert_eq!(fallback_name(&"ü".repeat(51)), format!("{}...", "ü".repeat(47)));
        assert_eq!(name_from("\n \"A trip to Paris\"\nmore").as_deref(), Some("A trip to Paris"));
        assert_eq!(name_from(" \n"), None);
    }

    #[test]
    fn suggestions() {
        for (answer, expected) in [
            (r#"Sure: ["a", "b", "c", "d"]"#, vec!["a", "b", "c"]),
            ("```json\n[\"a\"]\n```", vec!["a"]),
            ("no list", vec![]),
            ("[1, 2]", vec![]),
            ("] [", vec![]),
        ] {
            assert_eq!(suggestions_from(answer), expected, "{answer}");
        }
    }
}
