use ox_models::{Message, ToolSpec};
use ox_types::Json;
use uuid::Uuid;

use super::*;

#[test]
fn languages_are_told_apart() {
    for (text, code) in [
        ("What is the weather like in Paris?", "en"),
        ("Wie ist das Wetter in Paris, und ist es kalt?", "de"),
        ("Quel est le temps dans les Alpes ?", "fr"),
        ("¿Qué tiempo hace en las montañas y por qué?", "es"),
        ("Você pode me dizer como é o tempo?", "pt"),
        ("Come è il tempo della città, e per che cosa?", "it"),
        ("巴黎的天气怎么样？", "zh"),
        ("パリの天気はどうですか", "ja"),
        ("東京都の天気予報を教えて", "ja"),
        ("파리 날씨는 어때요?", "ko"),
        ("Какая погода в Париже?", "ru"),
        ("ما هو الطقس في باريس؟", "ar"),
        ("请用 Python 写一个函数", "zh"),
        ("12 + 30 = ?", "other"),
        ("", "other"),
        ("Zxqv blorp", "other"),
    ] {
        assert_eq!(language(text), code, "{text}");
        assert!(code == "other" || LANGUAGES.contains(&code));
    }
}

#[test]
fn how_hard_requests_look() {
    let long = "word ".repeat(2_000);
    for (text, turns, tools, schema, least, most) in [
        ("", 0, 0, false, 0, 0),
        ("Hi!", 0, 0, false, 0, 0),
        ("What time is it?", 0, 0, false, 0, 0),
        ("Explain why the sky is blue, step by step.", 0, 0, false, 24, 30),
        ("Why? How? When? Who?", 0, 0, false, 16, 16),
        ("比较这两个方案，并分析为什么", 0, 0, false, 24, 26),
        ("Refactor this:\n```rust\nfn main() {}\n```", 0, 0, false, 18, 20),
        ("Hi!", 100, 100, true, 20, 20),
        (long.as_str(), 0, 0, false, 30, 30),
    ] {
        let score = complexity(text, turns, tools, schema);
        assert!((least..=most).contains(&score), "{score}: {text:.40}");
    }
    let hardest = format!("{} ``` ????? {long}", THINKING.join(" "));
    let all = complexity(&hardest, 50, 50, true);
    assert_eq!(all, 100, "30 + 32 + 10 + 8 + 6 + 6 + 8");
}

fn rule(name: &str, to: &str) -> TierRule {
    TierRule { name: name.into(), enabled: true, to: to.into(), ..TierRule::default() }
}

#[test]
fn the_first_rule_that_fits_decides() {
    let (app, tag) = (AppId::new(), Uuid::from_u128(1));
    let rules = [
        TierRule { enabled: false, ..rule("off", "p/never") },
        TierRule {
            models: vec!["p/big".into()],
            max_tokens: Some(100),
            max_complexity: Some(10),
            ..rule("short", "p/small")
        },
        TierRule { languages: vec!["zh".into()], ..rule("chinese", "p/zh") },
        TierRule { apps: vec![app], min_complexity: Some(50), ..rule("hard", "p/best") },
        TierRule { tags: vec![tag], tagged: vec![app], min_tokens: Some(1_000), ..rule("tagged", "p/long") },
        TierRule { tags: vec![tag], ..rule("nobody has the tag", "p/none") },
    ];
    let facts = |tokens, language, complexity| Facts { tokens, language, complexity };
    for (model, from, facts, name) in [
        ("p/big", None, facts(50, "en", 5), Some("short")),
        ("p/big", None, facts(101, "en", 5), None),
        ("p/big", None, facts(50, "en", 11), None),
        ("p/other", None, facts(50, "en", 5), None),
        ("p/small", None, facts(50, "zh", 5), Some("chinese")),
        ("p/zh", None, facts(50, "zh", 5), None),
        ("p/big", Some(app), facts(500, "en", 60), Some("hard")),
        ("p/big", Some(AppId::new()), facts(500, "en", 60), None),
        ("p/big", Some(app), facts(5_000, "en", 5), Some("tagged")),
        ("p/big", None, facts(5_000, "en", 60), None),
    ] {
        let found = choose(&rules, model, from, &facts).next();
        assert_eq!(found.map(|rule| rule.name.as_str()), name, "{model} {facts:?}");
    }
}

#[test]
fn facts_are_those_of_the_last_question() {
    let tool = ToolSpec { name: "t".into(), description: String::new(), parameters: Json::Null };
    let messages = vec![
        Message::system("Explain everything."),
        Message::user("Bonjour, comment est la mer ?"),
        Message::assistant("Oui"),
    ];
    let request = ChatRequest { messages, tools: vec![tool], ..ChatRequest::default() };
    let facts = Facts::of_chat(&request);
    assert_eq!((facts.language, facts.complexity), ("fr", 2), "{facts:?}");
    assert_eq!(facts.tokens, count::rough(&request.messages, &request.tools));
    assert_eq!(Facts::of_text("Explain why.").complexity, 16);
}
