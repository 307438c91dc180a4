use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{Unit, split::separator::unescape};

/// Words, for a tokenizer that counts more than one letter as one.
fn count() -> Count {
    Arc::new(|text: &str| text.split_whitespace().count())
}

fn rule(separator: &str, size: usize, overlap: usize) -> Segmentation {
    Segmentation::new(separator, size, overlap)
}

fn pieces(rule: &Segmentation, text: &str) -> Vec<String> {
    all(&Splitter::new(rule, Some(&count())).unwrap(), text)
}

fn all(splitter: &Splitter, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    splitter.each(text, &mut |at, piece| {
        assert!(at <= text.len());
        out.push(piece.to_owned());
    });
    out
}

#[test]
fn pieces_of_a_rule() {
    for (separator, size, overlap, text, expected) in [
        // Pieces that fit stay as they are, and are not put together.
        ("\n", 10, 0, "one\ntwo\n\nthree", &["one", "two", "", "three"][..]),
        ("\\n\\n", 50, 0, "a\nb\n\nc", &["a\nb", "c"]),
        ("***", 50, 0, "a***b*c", &["a", "b*c"]),
        (".", 50, 0, "a.b|c", &["a", "b|c"]),
        ("|", 50, 0, "a|b.c", &["a", "b.c"]),
        ("段", 50, 0, "一段二", &["一", "二"]),
        // Too long: the first level that occurs, and parts are filled up.
        ("\n", 10, 0, "aaaa bbbb cccc dddd", &["aaaa bbbb", "cccc dddd"]),
        ("\n", 13, 0, "aaaa.  bbbb.  cccc.  d", &["aaaa.  bbbb.", "cccc.  d"]),
        ("\n", 8, 0, "一二三。四五六。七八九。", &["一二三。四五六。", "七八九。"]),
        ("#", 10, 0, "aaaa\n\nbbbb\n\ncc", &["aaaa", "bbbb\n\ncc"]),
        // Whole parts overlap, never cut ones.
        ("\n", 10, 5, "aaaa bbbb cccc dddd", &["aaaa bbbb", "bbbb cccc", "cccc dddd"]),
        ("\n", 10, 4, "aaaa bbbb cccc dddd", &["aaaa bbbb", "cccc dddd"]),
        ("\n", 10, 10, "aaaa bbbb cccc", &["aaaa bbbb", "bbbb cccc"]),
        // No place to split at: letters, the last of them twice.
        ("\n", 4, 0, "abcdefghij", &["abcd", "efgh", "ij"]),
        ("\n", 4, 1, "abcdefghij", &["abcd", "defg", "ghij"]),
        ("\n", 4, 2, "abcdef", &["abcd", "cdef"]),
        // A long word among short ones.
        ("\n", 5, 0, "ab cdefghijk l", &["ab", "cdefg", "hijk", "l"]),
        ("\n", 5, 0, "a   b   c", &["a b c"]),
        ("\n", 5, 0, "", &[""]),
    ] {
        assert_eq!(pieces(&rule(separator, size, overlap), text), expected, "{separator:?} {size} {overlap} {text:?}");
    }
}

#[test]
fn several_separators() {
    let rule =
        Segmentation { separators: vec!["\\n".into(), "---".into(), "-".into(), ".*".into()], ..rule("", 50, 0) };
    assert_eq!(pieces(&rule, "a\nb---c-d.*e.f"), ["a", "b", "c", "d", "e.f"]);
}

#[test]
fn tokens_are_counted() {
    let rule = Segmentation { unit: Unit::Tokens, ..rule("\n", 3, 1) };
    assert_eq!(pieces(&rule, "one two three\nfour five six seven"), ["one two three", "four five six", "six seven"]);
    assert_eq!(Splitter::new(&rule, None).err(), Some(RuleError::Uncounted));
    // Much longer than what is counted at once.
    let exact = Measure::Tokens(count());
    let text = "word ".repeat(5000);
    assert_eq!((exact.length(&text), exact.within(&text, 4999), exact.within(&text, 5000)), (5000, None, Some(5000)));
}

#[test]
fn the_automatic_way() {
    let text = format!("{}\n\n{}", "Word one. ".repeat(40), "字。".repeat(300));
    let pieces = all(&Splitter::automatic(), &text);
    assert!(pieces.iter().all(|piece| piece.chars().count() <= 500), "{pieces:?}");
    assert_eq!(pieces.first().map(String::as_str), Some("Word one. ".repeat(40).trim()));
    assert_eq!(pieces.get(1).map(|piece| piece.chars().count()), Some(500));
    // Fifty characters stand twice.
    assert_eq!(pieces.get(2).map(|piece| piece.chars().count()), Some(150));
}

#[test]
fn escapes() {
    for (written, expected) in [
        ("\\n", "\n"),
        ("\n", "\n"),
        ("\\n\\n", "\n\n"),
        ("a\\tb\\r", "a\tb\r"),
        ("\\\\n", "\\n"),
        ("\\x41\\u3002\\U0001f600", "A\u{3002}\u{1f600}"),
        ("\\101\\0", "A\0"),
        ("\\d+ \\q", "\\d+ \\q"),
        ("\\xzz \\u12", "\\xzz \\u12"),
        ("。\\", "。\\"),
        ("\\\u{e9}", "\\\u{e9}"),
    ] {
        assert_eq!(unescape(written), expected, "{written:?}");
    }
}

#[test]
fn long_texts_take_linear_time() {
    let tokens = |rule: Segmentation| Segmentation { unit: Unit::Tokens, ..rule };
    let many = Segmentation { separators: vec!["aab".into(), "b".into(), "\n".into()], ..rule("", 1000, 100) };
    let long = "a".repeat(999) + "b";
    for (part, rule) in [
        ("a", rule("\n", 1000, 50)),
        ("a", rule("a", 1000, 50)),
        ("a", rule(&long, 1000, 50)),
        ("a ", rule("\n", 1000, 1000)),
        ("word ", rule("\n", 1000, 500)),
        ("\n", rule("\n\n", 1000, 0)),
        (" ", rule("\n", 50, 25)),
        ("字", rule("\n", 50, 50)),
        ("a. b。c\n\n", rule("x", 50, 25)),
        ("a", many),
        ("a", tokens(rule("\n", 1000, 50))),
        ("word ", tokens(rule("\n", 1000, 50))),
    ] {
        let text = part.repeat(1_000_000 / part.len());
        let begun = std::time::Instant::now();

        Splitter::new(&rule, Some(&count())).unwrap().each(&text, &mut |_, _| {});
        assert!(begun.elapsed().as_secs() < 20, "{part:?} {rule:?}: {:?}", begun.elapsed());
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

proptest! {
    #[test]
    fn no_letter_is_lost(text in "[a-c 。.\n字é\u{3000}]{0,400}", size in 2_usize..60, separator in 0..4_usize) {
        let separator = ["\n", "\\n\\n", " ", "。\n"][separator];
        for splitter in [Splitter::automatic(), Splitter::new(&rule(separator, size, 0), None).unwrap()] {
            let mut out = String::new();
            splitter.each(&text, &mut |_, piece| out.push_str(piece));
            let expected = if splitter.separators.is_some() { text.replace(&unescape(separator), "") } else { text.clone() };
            // Short texts: the automatic pieces do not overlap either.
            prop_assert_eq!(letters(&out), letters(&expected));
        }
    }

    #[test]
    fn pieces_fit_and_begin_where_they_say(text in "[a-d .\n字]{0,300}", size in 4_usize..40, share in 0_usize..3) {
        let splitter = Splitter::new(&rule("\n", size, size * share / 4), None).unwrap();
        let mut last = 0;
        let mut failed = None;
        splitter.each(&text, &mut |at, piece| {
            let first = piece.chars().next();
            let is_there = first.is_none_or(|first| text[at..].starts_with(first));
            if piece.chars().count() > size || !is_there || at < last {
                failed = Some((at, piece.to_owned()));
            }
            last = at;
        });
        prop_assert_eq!(failed, None);
    }
}
