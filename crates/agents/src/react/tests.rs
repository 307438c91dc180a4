use ox_types::Json;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What is read from a text that comes in these pieces: neighbouring texts are one.
fn read(pieces: &[&str]) -> Vec<Json> {
    let mut parser = Parser::default();
    let mut found: Vec<Piece> = pieces.iter().flat_map(|piece| parser.push(piece)).collect();
    found.extend(parser.finish());
    let mut shown: Vec<Json> = Vec::new();
    for piece in found {
        match piece {
            Piece::Action(action) => shown.push(json!([action.name, action.input])),
            Piece::Text(text) => match shown.last_mut() {
                Some(Json::String(before)) => before.push_str(&text),
                _ => shown.push(text.into()),
            },
        }
    }
    shown
}

/// Texts, and what is to be read from them.
fn cases() -> Vec<(&'static str, Json)> {
    vec![
        ("", json!([])),
        ("just text", json!(["just text"])),
        // labels
        ("Thought: I look", json!([" I look"])),
        ("thought: a\nACTION: b", json!([" a\n b"])),
        ("no-thought: stays", json!(["no-thought: stays"])),
        ("the action is", json!(["the action is"])),
        ("an action: gone", json!(["an  gone"])),
        ("Thought", json!(["Thought"])),
        ("Though: x", json!(["Though: x"])),
        ("actaction: x", json!(["actaction: x"])),
        ("aaction: x", json!(["aaction: x"])),
        // fences
        (
            "Thought: look\nAction:\n```\n{\"action\": \"now\", \"action_input\": {\"zone\": \"UTC\"}}\n```",
            json!([" look\n\n", ["now", {"zone": "UTC"}]]),
        ),
        ("```json\n{\"action\": \"a\", \"action_input\": \"x\"}\n```", json!([["a", "x"]])),
        ("```json [{\"action\": \"a\", \"action_input\": \"x\"}] ```", json!([["a", "x"]])),
        (
            "```\n[{\"action\": \"a\", \"action_input\": 1}, {\"action\": \"b\", \"action_input\": 2}]\n``` end",
            json!([["a", 1], ["b", 2], " end"]),
        ),
        ("```rust\nfn main() {}\n```", json!(["```rust\nfn main() {}\n```"])),
        ("```\nnot closed", json!(["```\nnot closed"])),
        ("```{\"action\": \"a\", \"action_input\": \"x\"}", json!([["a", "x"]])),
        ("```{\"action\": \"a``b\", \"action_input\": \"`x`\"}```", json!([["a``b", "`x`"]])),
        ("use `code` and ``more``", json!(["use code and more"])),
        // bare objects
        ("{\"action\": \"a\", \"action_input\": {\"b\": {}}} after", json!([["a", {"b": {}}], " after"])),
        ("Action: {\"action\": \"a\", \"action_input\": \"x\"}", json!([" ", ["a", "x"]])),
        // Braces count in strings, too.
        ("{\"action\": \"a\", \"action_input\": \"{}\"}", json!([["a", "{}"]])),
        ("{\"action\": \"a\", \"action_input\": \"}\"} x", json!(["{\"action\": \"a\", \"action_input\": \"}\"} x"])),
        ("{\"action\": \"a\", \"action_input\"", json!(["{\"action\": \"a\", \"action_input\""])),
        ("{not json}", json!(["{not json}"])),
        // objects that are no actions
        ("{\"a\": 1}", json!(["{\"a\": 1}"])),
        ("{\"action_input\": 1}", json!(["{\"action_input\": 1}"])),
        ("{\"action\": null, \"action_input\": 1}", json!(["{\"action\": null, \"action_input\": 1}"])),
        // other names of the keys
        ("{\"tool\": \"a\", \"Tool_Input\": 1}", json!([["a", 1]])),
        ("{\"thought\": \"t\", \"action\": \"a\", \"input\": null}", json!([["a", null]])),
        ("{\"action\": \"Final Answer\", \"action_input\": \"42\"}", json!([["Final Answer", "42"]])),
    ]
}

#[test]
fn texts_and_actions_are_told_apart() {
    for (text, expected) in cases() {
        assert_eq!(Json::Array(read(&[text])), expected, "{text}");
    }
}

#[test]
fn it_does_not_matter_how_the_text_is_cut() {
    for (text, expected) in cases() {
        let single: Vec<String> = text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(Json::Array(read(&single)), expected, "by character: {text}");
        for (at, _) in text.char_indices() {
            let (first, second) = text.split_at(at);
            assert_eq!(Json::Array(read(&[first, second])), expected, "at {at}: {text}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_breaks(parts in proptest::collection::vec("[`{}\\[\\]\":,a-zA-Z \n]{0,12}|action:|thought:|```", 0..20)) {
        let whole = parts.concat();
        let cut: Vec<&str> = parts.iter().map(String::as_str).collect();
        prop_assert_eq!(read(&[&whole]), read(&cut));
    }
}

#[test]
fn the_scratchpad_has_its_form() {
    let step = |thought: &str| Step {
        thought: thought.into(),
        action: r#"{"action":"a","action_input":1}"#.into(),
        observation: "seen".into(),
    };
    assert_eq!(
        prompt::scratchpad(&[step(" look "), step("again")]),
        "Thought: look\n\nAction: {\"action\":\"a\",\"action_input\":1}\n\nObservation: seen\n\n\
         Thought: again\n\nAction: {\"action\":\"a\",\"action_input\":1}\n\nObservation: seen\n\n"
    );
}

#[test]
fn what_is_filled_in_is_not_read() {
    let frame = prompt::Frame {
        template: Some(
            "{{instruction}}|{{tools}}|{{tool_names}}|{{historic_messages}}|{{agent_scratchpad}}|{{query}}|{{x}}",
        ),
        instruction: "be {{query}}",
        tools: &[],
    };
    let talk = [Message::user("q1"), Message::assistant("a1"), Message::user("now {{tools}}")];
    assert_eq!(
        frame.completion(&talk, "pad {{query}}"),
        "be {{query}}|[]||Question: q1\nAnswer: a1\n|pad {{query}}|now {{tools}}|{{x}}"
    );
    assert_eq!(frame.system(), "be {{query}}|[]|||||{{x}}");
    let own = prompt::Frame { template: None, instruction: "Be kind.", tools: &[] };
    assert!(own.system().starts_with("Be kind.\n\nYou solve"));
    assert!(own.completion(&talk, "").ends_with("Question: now {{tools}}\n\nThought:"));
}
