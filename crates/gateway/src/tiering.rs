//! Which model is asked in the place of another, by what a call is like.

use ox_models::{ChatRequest, ResponseFormat, Role, count};
use ox_types::AppId;

use crate::rules::TierRule;

/// Letters of a text that are looked at.
const LOOK: usize = 8_000;

/// What of a call rules look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Of the prompt, roughly.
    pub tokens: u64,
    pub language: &'static str,
    pub complexity: u8,
}

impl Facts {
    /// Of a chat.
    #[must_use]
    pub fn of_chat(request: &ChatRequest) -> Self {
        let last = request.messages.iter().rev().find(|message| message.role == Role::User);
        let text = last.map(ox_models::Message::plain_text).unwrap_or_default();
        let turns = request.messages.iter().filter(|message| message.role == Role::Assistant).count();
        let has_schema = matches!(request.response_format, Some(ResponseFormat::JsonSchema { .. }));
        Self {
            tokens: count::rough(&request.messages, &request.tools),
            language: language(&text),
            complexity: complexity(&text, turns, request.tools.len(), has_schema),
        }
    }

    /// Of a text that is gone on with.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self { tokens: count::estimate(text), language: language(text), complexity: complexity(text, 0, 0, false) }
    }
}

/// The rules that fit a call of a model, in their order.
pub fn choose<'a>(
    rules: &'a [TierRule],
    model: &'a str,
    app: Option<AppId>,
    facts: &'a Facts,
) -> impl Iterator<Item = &'a TierRule> {
    rules.iter().filter(move |rule| fits(rule, model, app, facts))
}

fn fits(rule: &TierRule, model: &str, app: Option<AppId>, facts: &Facts) -> bool {
    let is_of = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
    let is_for_app = (rule.apps.is_empty() && rule.tags.is_empty())
        || app.is_some_and(|app| rule.apps.contains(&app) || rule.tagged.contains(&app));
    rule.enabled
        && rule.to != model
        && is_for_app
        && is_of(&rule.models, model)
        && is_of(&rule.languages, facts.language)
        && rule.min_tokens.is_none_or(|least| facts.tokens >= least)
        && rule.max_tokens.is_none_or(|most| facts.tokens <= most)
        && rule.min_complexity.is_none_or(|least| facts.complexity >= least)
        && rule.max_complexity.is_none_or(|most| facts.complexity <= most)
}

/// Words that ask for thinking.
const THINKING: [&str; 34] = [
    "why",
    "explain",
    "compare",
    "prove",
    "derive",
    "analyse",
    "analyze",
    "design",
    "architect",
    "evaluate",
    "trade-off",
    "step by step",
    "debug",
    "refactor",
    "optimise",
    "optimize",
    "calculate",
    "estimate",
    "plan ",
    "strategy",
    "warum",
    "erkläre",
    "vergleiche",
    "pourquoi",
    "为什么",
    "解释",
    "比较",
    "证明",
    "分析",
    "设计",
    "推导",
    "计算",
    "步骤",
    "优化",
];
/// Signs of code.
const CODE: [&str; 9] = ["```", "();", "=> ", "def ", "fn ", "class ", "SELECT ", "#include", "</"];

/// How hard a request looks, 0 to 100. Points are given for the length of the last question (one for 20 tokens, up to
/// 30), for words that ask for thinking (8 each, up to 32), for code (10), for questions after the first (4 each, up to
/// 8), for answers that went before (1 each, up to 6), for tools (1 each, up to 6), and for an answer that must follow
/// a schema (8). It looks at words, not at meaning: it tells chat from work, and is no judge of either.
#[must_use]
pub fn complexity(question: &str, turns: usize, tools: usize, has_schema: bool) -> u8 {
    let text = head(question);
    let lower = text.to_lowercase();
    let up_to = |points: usize, most: usize| points.min(most);
    let tokens = usize::try_from(count::estimate(question)).unwrap_or(usize::MAX);
    let thinking = THINKING.iter().filter(|word| lower.contains(*word)).count();
    let questions = text.chars().filter(|letter| matches!(letter, '?' | '？')).count();
    let points = up_to(tokens / 20, 30)
        + up_to(thinking * 8, 32)
        + if CODE.iter().any(|sign| text.contains(sign)) { 10 } else { 0 }
        + up_to(questions.saturating_sub(1) * 4, 8)
        + up_to(turns, 6)
        + up_to(tools, 6)
        + if has_schema { 8 } else { 0 };
    u8::try_from(points).unwrap_or(100).min(100)
}

/// The code of a language, and which letters are its own.
type Script = (&'static str, fn(char) -> bool);

/// Scripts that belong to one language here.
const SCRIPTS: [Script; 9] = [
    ("ja", |letter| matches!(letter, '\u{3040}'..='\u{30ff}')),
    ("ko", |letter| matches!(letter, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}')),
    ("zh", |letter| matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2fa1f}')),
    ("ru", |letter| matches!(letter, '\u{0400}'..='\u{04ff}')),
    ("ar", |letter| matches!(letter, '\u{0600}'..='\u{06ff}')),
    ("he", |letter| matches!(letter, '\u{0590}'..='\u{05ff}')),
    ("hi", |letter| matches!(letter, '\u{0900}'..='\u{097f}')),
    ("th", |letter| matches!(letter, '\u{0e00}'..='\u{0e7f}')),
    ("el", |letter| matches!(letter, '\u{0370}'..='\u{03ff}')),
];
/// Small words by which languages of one script are told apart.
const WORDS: [(&str, &[&str]); 6] = [
    ("en", &["the", "is", "are", "and", "of", "to", "what", "how", "please", "you", "in", "for", "with", "my"]),
    ("de", &["der", "die", "das", "und", "ist", "nicht", "wie", "ein", "eine", "bitte", "ich", "für", "mit", "zu"]),
    ("fr", &["le", "la", "les", "et", "est", "des", "une", "que", "pour", "dans", "vous", "je", "comment", "avec"]),
    ("es", &["el", "los", "las", "y", "es", "una", "que", "para", "por", "cómo", "con", "del", "qué", "mi"]),
    ("pt", &["o", "os", "as", "e", "é", "uma", "que", "para", "não", "como", "com", "do", "da", "você"]),
    ("it", &["il", "lo", "gli", "e", "è", "una", "che", "per", "non", "come", "con", "di", "della", "sono"]),
];

/// Every code that [`language`] gives but `other`.
pub const LANGUAGES: [&str; 15] =
    ["en", "zh", "ja", "ko", "de", "fr", "es", "pt", "it", "ru", "ar", "he", "hi", "th", "el"];

/// The language that a text is most likely in: by its script, and within the Latin one by small words. `other` where
/// nothing speaks for one. Kana make a text Japanese, whatever else is in it.
#[must_use]
pub fn language(text: &str) -> &'static str {
    let text = head(text);
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    if letters == 0 {
        return "other";
    }
    let of = |is_of: fn(char) -> bool| text.chars().filter(|letter| is_of(*letter)).count();
    for (code, is_of) in SCRIPTS {
        // A Japanese text is kana among many characters that Chinese has as well.
        let least = if code == "ja" { letters / 10 } else { letters / 3 };
        if of(is_of) > least {
            return code;
        }
    }
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let score = |known: &[&str]| words.iter().filter(|word| known.contains(word)).count();
    let best = WORDS.iter().map(|(code, known)| (*code, score(known))).rev().max_by_key(|(_, score)| *score);
    best.filter(|(_, score)| *score > 0).map_or("other", |(code, _)| code)
}

/// The beginning of a long text.
fn head(text: &str) -> &str {
    text.char_indices().nth(LOOK).map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

#[cfg(test)]
mod tests;
