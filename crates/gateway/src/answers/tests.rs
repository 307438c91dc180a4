use ox_models::{Media, Message, ToolSpec};
use serde_json::Map;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const PLENTY: usize = 1 << 20;

fn chat(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::system("Be kind."), Message::user(text)], ..ChatRequest::default() }
}

fn parameters(text: &str) -> Map<String, Json> {
    serde_json::from_str(text).unwrap()
}

fn piece(text: &str) -> ChatDelta {
    ChatDelta { text: text.into(), ..ChatDelta::default() }
}

fn answer(text: &str) -> Answer {
    Answer { pieces: vec![piece(text)], usage: Usage::default() }
}

fn text_of(answer: &Answer) -> String {
    answer.pieces.iter().map(|piece| piece.text.as_str()).collect()
}

#[test]
fn which_requests_are_the_same() {
    let tenant = TenantId::new();
    let key = |request: &ChatRequest| Question::of_chat(request).unwrap().key(tenant, 0, "p/m");
    let plain = ChatRequest { parameters: parameters(r#"{"temperature":0,"max_tokens":5}"#), ..chat("hello") };
    let same = [
        ChatRequest { user: Some("ann".into()), stream: true, ..plain.clone() },
        ChatRequest { parameters: parameters(r#"{"max_tokens":5.0,"temperature":0.0}"#), ..plain.clone() },
        ChatRequest { model: "overwritten by the runtime".into(), ..plain.clone() },
    ];
    for request in same {
        assert_eq!(key(&request), key(&plain), "{request:?}");
    }
    let tool = ToolSpec { name: "t".into(), description: String::new(), parameters: Json::Null };
    let mut named = plain.clone();
    named.messages[1].name = Some("ann".into());
    let others = [
        ChatRequest { parameters: parameters(r#"{"temperature":0,"max_tokens":6}"#), ..plain.clone() },
        ChatRequest { parameters: parameters(r#"{"temperature":0,"max_tokens":"5"}"#), ..plain.clone() },
        ChatRequest { tools: vec![tool], ..plain.clone() },
        ChatRequest { tool_choice: ox_models::ToolChoice::None, ..plain.clone() },
        ChatRequest { response_format: Some(ox_models::ResponseFormat::JsonObject), ..plain.clone() },
        ChatRequest { stop: vec!["x".into()], ..plain.clone() },
        ChatRequest { messages: chat("hello ").messages, ..plain.clone() },
        ChatRequest { messages: vec![Message::user("Be kind."), Message::user("hello")], ..plain.clone() },
        named,
    ];
    for request in others {
        assert_ne!(key(&request), key(&plain), "{request:?}");
    }
    let question = Question::of_chat(&plain).unwrap();
    let own = question.key(tenant, 0, "p/m");
    assert_ne!(question.key(TenantId::new(), 0, "p/m"), own, "never across workspaces");
    assert_ne!(question.key(tenant, 1, "p/m"), own, "not after a purge");
    assert_ne!(question.key(tenant, 0, "p/n"), own, "not of another model");
    let text = CompletionRequest { prompt: "hello".into(), ..CompletionRequest::default() };
    assert_ne!(Question::of_completion(&text).key(tenant, 0, "p/m"), own);
}

#[test]
fn what_is_behind_an_address_is_not_kept() {
    let media = |source| Media { source, mime: "image/png".into(), filename: None, detail: None };
    let with = |source| {
        let mut request = chat("look");
        request.messages[1].content.push(ContentPart::Image(media(source)));
        request
    };
    assert_eq!(Question::of_chat(&with(MediaSource::Url("https://a.test/x.png".into()))), None);
    let inline = Question::of_chat(&with(MediaSource::Base64("AAAA".into()))).unwrap();
    assert_eq!(inline.last, None, "a picture has no meaning that is compared");
    let tenant = TenantId::new();
    assert_eq!(inline.rest_key(tenant, 0, "p/m", "v"), None);
}

#[test]
fn the_rest_of_a_request_is_all_but_the_last_question() {
    let tenant = TenantId::new();
    let rest = |request: &ChatRequest| Question::of_chat(request).unwrap().rest_key(tenant, 0, "p/m", "p/v");
    let one = rest(&chat("What is the price?")).unwrap();
    assert_eq!(rest(&chat("How much is it?")), Some(one));
    let other = ChatRequest { messages: vec![Message::user("What is the price?")], ..ChatRequest::default() };
    assert_ne!(rest(&other), Some(one), "another instruction");
    let answered =
        ChatRequest { messages: vec![Message::user("a"), Message::assistant("b")], ..ChatRequest::default() };
    assert_eq!(rest(&answered), None, "nobody asks last");
    let question = Question::of_chat(&chat("What is the price?")).unwrap();
    assert_eq!(question.last.as_deref(), Some("What is the price?"));
    assert_ne!(question.rest_key(tenant, 0, "p/m", "p/w"), Some(one), "vectors of another model");
}

#[test]
fn answers_are_recorded_whole_or_not_at_all() {
    let end = |reason: &str| ChatDelta {
        finish_reason: Some(reason.into()),
        usage: Some(Usage { prompt_tokens: 3, ..Usage::default() }),
        ..ChatDelta::default()
    };
    let record = |pieces: &[ChatDelta]| {
        let mut recording = Recording::default();
        pieces.iter().for_each(|piece| recording.push(piece));
        recording.whole()
    };
    let words: Vec<_> = (0..40).map(|number| piece(&format!("word{number:02} "))).chain([end("stop")]).collect();
    let kept = record(&words).unwrap();
    assert_eq!(text_of(&kept), words.iter().map(|piece| piece.text.as_str()).collect::<String>());
    assert!(kept.pieces.len() > 3 && kept.pieces.len() < 12, "put together: {}", kept.pieces.len());
    assert_eq!(kept.pieces.last().unwrap().finish_reason.as_deref(), Some("stop"));
    assert_eq!((kept.usage.prompt_tokens, kept.pieces.last().unwrap().usage.is_none()), (3, true));
    let long = "x".repeat(LONGEST);
    for (name, pieces) in [
        ("no end", vec![piece("a")]),
        ("filtered", vec![piece("a"), end("content_filter")]),
        ("says nothing", vec![end("stop")]),
        ("too long", vec![piece(&long), piece("b"), end("stop")]),
    ] {
        assert_eq!(record(&pieces), None, "{name}");
    }
    let reasoned = ChatDelta { reasoning: "hm".into(), ..ChatDelta::default() };
    assert_eq!(record(&[reasoned, piece("a"), end("stop")]).unwrap().pieces.len(), 3);
}

#[test]
fn what_is_kept_is_found_until_it_is_old_or_purged() {
    let (answers, now, tenant) = (Answers::new(PLENTY), Instant::now(), TenantId::new());
    let key = |name: &str| Question::of_chat(&chat(name)).unwrap().key(tenant, 0, "p/m");
    answers.keep(tenant, key("a"), answer("one"), None, PLENTY, now);
    assert_eq!(text_of(&answers.find(&key("a"), HOUR, now).unwrap()), "one");
    assert_eq!(answers.find(&key("b"), HOUR, now), None);
    assert!(answers.find(&key("a"), HOUR, now + HOUR).is_some());
    assert_eq!(answers.find(&key("a"), HOUR, now + HOUR + Duration::from_secs(1)), None);
    assert_eq!(answers.held(tenant), Held::default(), "what is too old is gone");
    answers.keep(tenant, key("a"), answer("one"), None, PLENTY, now);
    answers.keep(tenant, key("a"), answer("two"), None, PLENTY, now);
    assert_eq!(answers.held(tenant).answers, 1, "one answer to one request");
    assert_eq!(text_of(&answers.find(&key("a"), HOUR, now).unwrap()), "two");
    let other = TenantId::new();
    let others = Question::of_chat(&chat("a")).unwrap().key(other, 0, "p/m");
    answers.keep(other, others, answer("theirs"), None, PLENTY, now);
    assert_eq!(answers.purge(tenant).answers, 1);
    assert_eq!((answers.find(&key("a"), HOUR, now), answers.held(other).answers), (None, 1));
}

#[test]
fn what_was_not_asked_for_longest_goes_first() {
    let (now, tenant, other) = (Instant::now(), TenantId::new(), TenantId::new());
    let size = answer("x").size();
    let answers = Answers::new(size * 6);
    let key = |tenant, name: &str| Question::of_chat(&chat(name)).unwrap().key(tenant, 0, "p/m");
    let keep = |tenant, name: &str, most| answers.keep(tenant, key(tenant, name), answer("x"), None, most, now);
    for name in ["a", "b", "c"] {
        keep(tenant, name, size * 3);
    }
    assert!(answers.find(&key(tenant, "a"), HOUR, now).is_some());
    keep(tenant, "d", size * 3);
    let there = |tenant, name| answers.find(&key(tenant, name), HOUR, now).is_some();
    assert_eq!(["a", "b", "c", "d"].map(|name| there(tenant, name)), [true, false, true, true]);
    for name in ["a", "b", "c", "d"] {
        keep(other, name, size * 6);
    }
    assert_eq!((answers.held(tenant).answers, answers.held(other).answers), (3, 3), "who holds most makes room");
    assert!(!there(other, "a") && there(other, "d"));
    assert_eq!(answers.held(other).bytes, size * 3);
    keep(tenant, "huge", size / 2);
    assert!(!there(tenant, "huge"), "larger than all that may be held");
}

#[test]
fn questions_that_mean_the_same_are_answered_alike() {
    let (answers, now, tenant) = (Answers::new(PLENTY), Instant::now(), TenantId::new());
    let question = |text: &str| Question::of_chat(&chat(text)).unwrap();
    let meaning = |text: &str, vector: &[f32]| Meaning {
        rest: question(text).rest_key(tenant, 0, "p/m", "p/v").unwrap(),
        vector: vector.into(),
    };
    let keep = |text: &str, vector: &[f32]| {
        let key = question(text).key(tenant, 0, "p/m");
        answers.keep(tenant, key, answer(text), Some(meaning(text, vector)), PLENTY, now);
    };
    keep("east", &[1.0, 0.0]);
    keep("north", &[0.0, 2.0]);
    let nearest = |vector: &[f32], threshold| {
        let found = answers.nearest(&meaning("?", vector), threshold, HOUR, now);
        found.map(|(answer, likeness)| (text_of(&answer), (likeness * 100.0).round()))
    };
    assert_eq!(nearest(&[0.0, 1.0], 0.95), Some(("north".to_owned(), 100.0)));
    assert_eq!(nearest(&[1.0, 1.0], 0.95), None, "half way between both");
    assert_eq!(nearest(&[1.0, 1.0], 0.7).map(|(_, likeness)| likeness), Some(71.0));
    assert_eq!(nearest(&[1.0], 0.1), None, "vectors of another length");
    assert_eq!(nearest(&[0.0, 0.0], 0.1), None);
    for number in 0..MOST_ALIKE {
        keep(&format!("more {number}"), &[-1.0, 0.0]);
    }
    assert_eq!(nearest(&[0.0, 1.0], 0.9), None, "the oldest of too many are gone");
    assert_eq!(answers.held(tenant).answers, MOST_ALIKE);
}
