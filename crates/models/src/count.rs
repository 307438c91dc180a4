//! Counting tokens where the provider does not.

use ox_types::Json;
use tiktoken_rs::CoreBPE;

use crate::{ContentPart, Message, ToolSpec};

/// Texts past this size are estimated: exact counting would take longer than anyone waits.
const MAX_EXACT: usize = 400_000;
/// What an image counts for when the provider does not tell: a middling tile count.
const IMAGE_TOKENS: u64 = 765;

fn encoding(model: &str) -> Option<&'static CoreBPE> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let named = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if named(&["gpt-3.5", "text-embedding-"]) || name == "gpt-4" || named(&["gpt-4-"]) {
        Some(tiktoken_rs::cl100k_base_singleton())
    } else if named(&["gpt-", "o1", "o3", "o4", "chatgpt-"]) {
        Some(tiktoken_rs::o200k_base_singleton())
    } else {
        None
    }
}

/// About how many tokens a text is for a model whose encoding we do not have.
#[must_use]
pub fn estimate(text: &str) -> u64 {
    // By bytes: a first byte of several stands for a character.
    let (mut ascii, mut wide) = (0_u64, 0_u64);
    for byte in text.bytes() {
        ascii += u64::from(byte < 0x80);
        wide += u64::from(byte >= 0xc0);
    }
    ascii.div_ceil(4) + (wide * 2).div_ceil(3)
}

/// About how many tokens a conversation with its tools is, in one quick look: for what is set aside before a call, and
/// for calls of which nobody tells.
#[must_use]
pub fn rough(messages: &[Message], tools: &[ToolSpec]) -> u64 {
    let mut total = 3;
    for message in messages {
        total += 4;
        for part in &message.content {
            total += match part {
                ContentPart::Text { text } => estimate(text),
                _ => IMAGE_TOKENS,
            };
        }
        for call in &message.tool_calls {
            total += estimate(&call.name) + estimate(&call.arguments) + 3;
        }
    }
    for tool in tools {
        total += estimate(&tool.name) + estimate(&tool.description) + estimate(&schema_text(&tool.parameters)) + 6;
    }
    total
}

/// Tokens of a text for this model.
#[must_use]
pub fn text(model: &str, text: &str) -> u64 {
    match encoding(model) {
        Some(encoding) if text.len() <= MAX_EXACT => encoding.encode_ordinary(text).len() as u64,
        _ => estimate(text),
    }
}

/// Tokens of a conversation with its tools for this model.
#[must_use]
pub fn messages(model: &str, messages: &[Message], tools: &[ToolSpec]) -> u64 {
    let count = |part: &str| text(model, part);
    let mut total = 3;
    for message in messages {
        total += 3 + count(message.role.as_str());
        total += message.name.as_deref().map_or(0, |name| 1 + count(name));
        for part in &message.content {
            total += match part {
                ContentPart::Text { text } => count(text),
                _ => IMAGE_TOKENS,
            };
        }
        for call in &message.tool_calls {
            total += count(&call.name) + count(&call.arguments) + 3;
        }
    }
    for tool in tools {
        total += count(&tool.name) + count(&tool.description) + count(&schema_text(&tool.parameters)) + 6;
    }
    total
}

fn schema_text(schema: &Json) -> String {
    schema.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_for_known_encodings_and_near_for_others() {
        assert_eq!(text("gpt-4o", "hello world"), 2);
        assert_eq!(text("gpt-3.5-turbo", "hello world"), 2);
        assert_eq!(text("openai/gpt-4o", "hello world"), 2);
        // The published example of the chat format: one user message of `hello` costs 3 + role 1 + 3 + text 1.
        assert_eq!(messages("gpt-4o", &[Message::user("hello")], &[]), 8);
        assert_eq!(estimate("abcdefgh"), 2);
        assert_eq!(estimate("你好世界"), 3);
        assert_eq!(estimate(""), 0);
        assert_eq!(rough(&[Message::user("abcdefgh")], &[]), 9);
    }
}
