use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rule(json: &serde_json::Value) -> ProcessRule {
    ProcessRule::read(json).unwrap()
}

fn custom(separator: &str, size: usize, overlap: usize, clean: bool) -> ProcessRule {
    rule(&json!({"mode": "custom", "rules": {
        "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": clean}],
        "segmentation": {"separator": separator, "max_tokens": size, "chunk_overlap": overlap},
    }}))
}

fn chunks(form: ChunkForm, rule: &ProcessRule, parts: &[(&str, Option<u32>)]) -> Vec<Chunk> {
    let mut chunker = Chunker::new(form, rule, None).unwrap();
    let mut chunks: Vec<Chunk> = parts.iter().flat_map(|(text, page)| chunker.push(text, *page)).collect();
    chunks.extend(chunker.finish());
    chunks
}

fn contents(chunks: &[Chunk]) -> Vec<&str> {
    chunks.iter().map(|chunk| chunk.content.as_str()).collect()
}

#[test]
fn general() {
    let got = chunks(
        ChunkForm::Text,
        &custom("\\n", 50, 0, true),
        &[("one\n\n  two   words \n", Some(1)), (". three", Some(2))],
    );
    assert_eq!(contents(&got), ["one", "two words", "three"]);
    assert_eq!(got.iter().map(|chunk| chunk.page).collect::<Vec<_>>(), [Some(1), Some(1), Some(2)]);
    assert_eq!(contents(&chunks(ChunkForm::Qa, &custom("\n", 50, 0, false), &[("a\nb", None)])), ["a", "b"]);
    assert_eq!(contents(&chunks(ChunkForm::Text, &ProcessRule::automatic(), &[("a\nb    c", None)])), ["a\nb c"]);
    assert!(
        chunks(ChunkForm::Text, &ProcessRule::automatic(), &[("", None), (" \n ", None), ("...", None)]).is_empty()
    );
}

#[test]
fn equal_chunks_are_all_kept() {
    let got = chunks(ChunkForm::Text, &custom("\n", 50, 0, true), &[("same\nsame", None), ("same", None)]);
    assert_eq!(contents(&got), ["same"; 3]);
}

#[test]
fn leading_symbols() {
    for (text, expected) in [
        ("## Title", "Title"),
        ("。 text", "text"),
        ("\u{2014}dash", "dash"),
        ("- item", "- item"),
        ("!x", "!x"),
        ("\u{2026}more", "\u{2026}more"),
        ("\u{3010}box\u{3011}", "\u{3010}box\u{3011}"),
        ("[the docs](https://x.org) say", "[the docs](https://x.org) say"),
        ("[the docs](/local) say", "the docs](/local) say"),
        ("\"quoted\"", "quoted\""),
        // Letters among the ideographic signs.
        ("\u{3007}\u{4e94}\u{5e74}", "\u{3007}\u{4e94}\u{5e74}"),
        ("\u{300c}\u{3005}\u{300d}", "\u{3005}\u{300d}"),
        ("na\u{ef}ve", "na\u{ef}ve"),
        ("_~`^@", ""),
    ] {
        assert_eq!(without_leading_symbols(text), expected, "{text}");
    }
}

#[test]
fn parents_and_children() {
    let both = |mode: &str| {
        rule(&json!({"mode": "hierarchical", "rules": {
            "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": true}],
            "segmentation": {"separator": "\n\n", "max_tokens": 100},
            "parent_mode": mode,
            "subchunk_segmentation": {"separator": "\n", "max_tokens": 50},
        }}))
    };
    let got =
        chunks(ChunkForm::Hierarchical, &both("paragraph"), &[("# one\n.two\n\n.three", Some(7)), ("four", Some(8))]);
    assert_eq!(contents(&got), ["# one\n.two", "three", "four"]);
    assert_eq!(got[0].children, ["# one", "two"]);
    assert_eq!((got[1].page, got[1].children.as_slice()), (Some(7), &["three".to_owned()][..]));
    let got = chunks(ChunkForm::Hierarchical, &both("full-doc"), &[("a    b\nc\0", Some(3)), ("d", Some(4))]);
    assert_eq!(contents(&got), ["a    b\nc\nd"]);
    assert_eq!((got[0].page, got[0].children.len()), (Some(3), 3));
    assert!(chunks(ChunkForm::Hierarchical, &both("full-doc"), &[(" ", None)]).is_empty());
    // Nobody made a rule: the wizard's first values.
    let got = chunks(ChunkForm::Hierarchical, &ProcessRule::automatic(), &[("a\nb\n\nc", None)]);
    assert_eq!(contents(&got), ["a\nb", "c"]);
    assert_eq!(got[0].children, ["a", "b"]);
}

#[test]
fn what_a_form_needs() {
    let error = |form, rule: &ProcessRule| Chunker::new(form, rule, None).err().map(|error| error.to_string());
    let plain = custom("\n", 50, 0, true);
    assert_eq!(error(ChunkForm::Hierarchical, &plain).unwrap(), "Process rule subchunk_segmentation is required");
    let bare = rule(&json!({"mode": "hierarchical", "rules": {"parent_mode": "paragraph"}}));
    assert_eq!(error(ChunkForm::Text, &bare).unwrap(), "Process rule segmentation is required");
    let overlap = custom("\n", 50, 51, true);
    assert!(error(ChunkForm::Text, &overlap).unwrap().starts_with("Got a larger chunk overlap"));
    let tokens = rule(&json!({"mode": "custom", "rules": {"segmentation": {"max_tokens": 50, "unit": "tokens"}}}));
    assert_eq!(Chunker::new(ChunkForm::Text, &tokens, None).err(), Some(RuleError::Uncounted));
    assert!(Chunker::new(ChunkForm::Text, &tokens, Some(std::sync::Arc::new(str::len))).is_ok());
}

#[test]
fn headings_go_with_their_chunks() {
    let text = "intro\n# Guide\nfirst\n## Install ##\nsecond\n```\n# no heading\n```\n# Other\nthird";
    let got = chunks(ChunkForm::Text, &custom("\n", 50, 0, true), &[(text, None), ("fourth", None)]);
    let got: Vec<(&str, Option<&str>)> =
        got.iter().map(|chunk| (chunk.content.as_str(), chunk.heading.as_deref())).collect();
    assert_eq!(
        got,
        [
            ("intro", None),
            ("Guide", Some("Guide")),
            ("first", Some("Guide")),
            ("Install ##", Some("Guide > Install")),
            ("second", Some("Guide > Install")),
            ("no heading", Some("Guide > Install")),
            ("Other", Some("Other")),
            ("third", Some("Other")),
            ("fourth", Some("Other")),
        ]
    );
    let mut chunker = Chunker::new(ChunkForm::Text, &ProcessRule::automatic(), None).unwrap();
    chunker.under(Some("Book > Chapter"));
    assert_eq!(chunker.push("text\n# Part", None)[0].heading.as_deref(), Some("Book > Chapter"));
    assert_eq!(chunker.push("text", None)[0].heading.as_deref(), Some("Book > Chapter > Part"));
    chunker.under(None);
    assert_eq!(chunker.push("#hashtag text", None)[0].heading, None);
}

proptest! {
    #[test]
    fn no_letter_is_lost(text in "[a-c .\nïé字\u{3007}]{0,300}", size in 50_usize..80) {
        for form in [ChunkForm::Text, ChunkForm::Qa] {
            let got = chunks(form, &custom("\n\n", size, 0, false), &[(&text, None)]);
            let letters = |text: &str| text.chars().filter(|character| character.is_alphanumeric()).collect::<String>();
            let joined: String = got.iter().map(|chunk| letters(&chunk.content)).collect();
            prop_assert_eq!(joined, letters(&text));
        }
    }
}
