//! Cleaning: what is no text goes, and what the rules ask for. No letter is ever lost.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

use crate::Rules;

static MAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+").ok());
/// Pictures and links first: their addresses stay.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"!\[[^\n]*?\]\((?<image>https?://[^\s)]+)\)|(?<link>\[[^\]]*\]\(https?://[^)]+\))|https?://\S+").ok()
});

/// Which steps are done beyond what is always done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaning {
    pub extra_spaces: bool,
    pub urls_emails: bool,
}

impl Cleaning {
    /// The steps that rules ask for.
    #[must_use]
    pub fn of(rules: &Rules) -> Self {
        Self { extra_spaces: rules.cleans("remove_extra_spaces"), urls_emails: rules.cleans("remove_urls_emails") }
    }
}

/// A text without what is no text.
#[must_use]
pub fn clean(text: &str, cleaning: Cleaning) -> String {
    let mut text: String = text.replace("<|", "<").replace("|>", ">");
    if text.contains(is_no_text) {
        text.retain(|character| !is_no_text(character));
    }
    if cleaning.extra_spaces {
        text = without_extra_spaces(&text);
    }
    if cleaning.urls_emails {
        text = without_addresses(&text);
    }
    text
}

/// Control characters and code points that stand for no character. Compat: the system we follow takes the letters `ï`,
/// `¿` and `¾` for such; we do not.
const fn is_no_text(character: char) -> bool {
    matches!(character, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f' | '\u{fdd0}'..='\u{fdef}')
        || (character as u32) & 0xfffe == 0xfffe
}

const fn is_space(character: char) -> bool {
    matches!(
        character,
        '\t' | '\x0c' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Three and more ends of lines become two, two and more spaces of any kind become one.
fn without_extra_spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '\n' {
            let mut count = 1;
            while rest.next_if_eq(&'\n').is_some() {
                count += 1;
            }
            out.push_str(if count > 1 { "\n\n" } else { "\n" });
        } else if is_space(character) {
            let mut is_run = false;
            while rest.next_if(|next| is_space(*next)).is_some() {
                is_run = true;
            }
            out.push(if is_run { ' ' } else { character });
        } else {
            out.push(character);
        }
    }
    out
}

fn without_addresses(text: &str) -> String {
    let replace = |regex: &LazyLock<Option<Regex>>, text: Cow<'_, str>, with: fn(&Captures<'_>) -> String| {
        regex.as_ref().map_or_else(|| text.to_string(), |regex| regex.replace_all(&text, with).into_owned())
    };
    let text = replace(&MAIL, text.into(), |_| String::new());
    replace(&ADDRESS, text.into(), |found| {
        // Compat: what a picture is called is lost.
        if let Some(address) = found.name("image") {
            return format!("![image]({})", address.as_str());
        }
        found.name("link").map_or_else(String::new, |link| link.as_str().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Cleaning = Cleaning { extra_spaces: false, urls_emails: false };
    const SPACES: Cleaning = Cleaning { extra_spaces: true, urls_emails: false };
    const ADDRESSES: Cleaning = Cleaning { extra_spaces: false, urls_emails: true };

    #[test]
    fn steps() {
        for (cleaning, text, expected) in [
            (NOTHING, "<|im_start|> a | b", "<im_start> a | b"),
            (NOTHING, "a\0b\x08c\x0bd\x0ce\x1ff\x7fg\u{fffe}h\u{ffff}i\u{fdd0}j", "abcdefghij"),
            (NOTHING, "keep\ttabs\nlines\r\n", "keep\ttabs\nlines\r\n"),
            (
                NOTHING,
                "na\u{ef}ve \u{bf}qu\u{e9}? \u{be} \u{fffd} \u{feff}",
                "na\u{ef}ve \u{bf}qu\u{e9}? \u{be} \u{fffd} \u{feff}",
            ),
            (NOTHING, "a    b\n\n\n\nc", "a    b\n\n\n\nc"),
            (SPACES, "a    b\n\n\n\nc\n\nd\ne", "a b\n\nc\n\nd\ne"),
            (SPACES, "a\tb \t c\u{3000}d\u{3000}\u{a0}e\r\n", "a\tb c\u{3000}d e\r\n"),
            (ADDRESSES, "write to a.b+c@example.co.uk now", "write to  now"),
            (ADDRESSES, "see https://x.org/a?b=c, then", "see  then"),
            (ADDRESSES, "[the docs](https://x.org/a b) and http://y.org", "[the docs](https://x.org/a b) and "),
            (
                ADDRESSES,
                "![a cat](https://x.org/cat.png) ![local](/files/1)",
                "![image](https://x.org/cat.png) ![local](/files/1)",
            ),
            (ADDRESSES, "no@address and ftp://x", "no@address and ftp://x"),
        ] {
            assert_eq!(clean(text, cleaning), expected, "{text:?}");
        }
    }

    #[test]
    fn long_texts_take_linear_time() {
        let both = Cleaning { extra_spaces: true, urls_emails: true };
        for part in ["a", "[", "![", "a@", "http://", " ", "\n", "<|", "![](", "a.b-"] {
            let text = part.repeat(500_000 / part.len());
            let begun = std::time::Instant::now();
            let _ = clean(&text, both);
            assert!(begun.elapsed().as_secs() < 20, "{part}: {:?}", begun.elapsed());
        }
    }
}
