//! The text a reader of an HTML page sees. Tolerant: any bytes give some text.

use crate::{Budget, Error, budget::Text, charset};

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "title",
    "tr",
    "ul",
];
/// Elements whose content nobody sees.
const HIDDEN: &[&str] = &["head", "iframe", "noscript", "object", "script", "style", "svg", "template"];

/// Text of a page: one line per block, runs of white space as one space.
///
/// # Errors
/// Only when the budget is used up.
pub fn text(html: &str, budget: &Budget) -> Result<String, Error> {
    let mut reader = Reader { out: Text::new(budget), line: String::new(), pre: 0 };
    let mut rest = html;
    while !rest.is_empty() {
        budget.tick()?;
        let Some(at) = rest.find('<') else {
            reader.words(rest);
            break;
        };
        reader.words(rest.get(..at).unwrap_or_default());
        rest = reader.tag(rest.get(at..).unwrap_or_default())?;
    }
    reader.end_line()?;
    Ok(reader.out.finish())
}

/// The title of a page, on one line.
///
/// # Errors
/// Only when the budget is used up.
pub fn title(html: &str, budget: &Budget) -> Result<Option<String>, Error> {
    /// Most bytes in which a title is looked for, and most of the title itself.
    const LOOK: usize = 64 * 1024;
    const LONGEST: usize = 500;
    budget.check()?;
    let head = html.get(..html.floor_char_boundary(LOOK)).unwrap_or_default();
    let lower = head.to_ascii_lowercase();
    let found = lower.find("<title").and_then(|at| {
        let begin = at + lower.get(at..)?.find('>')? + 1;
        let end = begin + lower.get(begin..)?.find("</title")?;
        head.get(begin..end)
    });
    let title = unescape(found.unwrap_or_default());
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((!title.is_empty()).then(|| title.chars().take(LONGEST).collect()))
}

/// The source of a page: what it says about its encoding counts when nothing else is certain.
pub fn decode(bytes: &[u8]) -> String {
    /// Bytes in which a page says what it is written in.
    const LOOK: usize = 2048;
    if std::str::from_utf8(bytes).is_ok() {
        return charset::decode(bytes);
    }
    let head = String::from_utf8_lossy(bytes.get(..LOOK).unwrap_or(bytes)).to_ascii_lowercase();
    let label = head.find("charset=").and_then(|at| {
        let rest = head.get(at + 8..)?.trim_start_matches(['"', '\'']);
        rest.split(|end: char| !(end.is_ascii_alphanumeric() || matches!(end, '-' | '_' | ':'))).next()
    });
    match label {
        Some(label) => charset::decode_as(bytes, label),
        None => charset::decode(bytes),
    }
}

struct Reader<'a> {
    out: Text<'a>,
    line: String,
    pre: usize,
}

impl Reader<'_> {
    fn words(&mut self, text: &str) {
        let text = unescape(text);
        if self.pre > 0 {
            self.line.push_str(&text);
            return;
        }
        for character in text.chars() {
            if !character.is_whitespace() || character == '\u{a0}' {
                self.line.push(if character == '\u{a0}' { ' ' } else { character });
            } else if !self.line.is_empty() && !self.line.ends_with([' ', '\n']) {
                self.line.push(' ');
            }
        }
    }

    fn end_line(&mut self) -> Result<(), Error> {
        let line = std::mem::take(&mut self.line);
        let line = if self.pre > 0 { line.trim_matches('\n') } else { line.trim() };
        if line.is_empty() { Ok(()) } else { self.out.line(line) }
    }

    /// Takes what begins with `<` and gives what follows it.
    fn tag<'t>(&mut self, text: &'t str) -> Result<&'t str, Error> {
        let after = |mark: &str, from: usize| {
            let inside = text.get(from..).unwrap_or_default();
            inside.find(mark).and_then(|at| inside.get(at + mark.len()..)).unwrap_or_default()
        };
        if text.starts_with("<!--") {
            return Ok(after("-->", 4));
        }
        if text.starts_with("<![CDATA[") {
            let inside = text.get(9..).unwrap_or_default();
            let (words, rest) = inside.split_once("]]>").unwrap_or((inside, ""));
            self.line.push_str(words);
            return Ok(rest);
        }
        let body = text.get(1..).unwrap_or_default();
        let is_close = body.starts_with('/');
        let name_from = body.strip_prefix('/').unwrap_or(body);
        if !name_from.starts_with(|first: char| first.is_ascii_alphabetic() || first == '!' || first == '?') {
            self.line.push('<');
            return Ok(body);
        }
        let length =
            name_from.find(|next: char| next.is_whitespace() || matches!(next, '>' | '/')).unwrap_or(name_from.len());
        let name = name_from.get(..length).unwrap_or_default().to_ascii_lowercase();
        let name = name.rsplit(':').next().unwrap_or_default();
        let rest = end_of_tag(text);
        let is_empty = text.get(..text.len() - rest.len()).is_some_and(|tag| tag.ends_with("/>"));
        if HIDDEN.contains(&name) && !is_close && !is_empty {
            return Ok(skip_element(rest, name));
        }
        match name {
            "br" => self.line.push('\n'),
            "td" | "th" if !self.line.is_empty() && !self.line.ends_with(' ') => self.line.push(' '),
            "pre" => {
                self.end_line()?;
                self.pre = if is_close { self.pre.saturating_sub(1) } else { self.pre + 1 };
            }
            name if BLOCKS.contains(&name) => self.end_line()?,
            _ => {}
        }
        Ok(rest)
    }
}

/// What follows the tag at the beginning; `>` in quotes does not end it.
fn end_of_tag(text: &str) -> &str {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return text.get(at + 1..).unwrap_or_default(),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    // A quote that never closes must not swallow the page.
    text.find('>').and_then(|at| text.get(at + 1..)).unwrap_or_default()
}

/// What follows the end of an element.
fn skip_element<'t>(text: &'t str, name: &str) -> &'t str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = rest.get(at + 2..).unwrap_or_default();
        let head = rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        if head
            && rest.get(name.len()..).is_some_and(|after| after.starts_with(|c: char| c == '>' || c.is_whitespace()))
        {
            return rest.find('>').and_then(|at| rest.get(at + 1..)).unwrap_or_default();
        }
    }
    ""
}

/// Names of the characters 160 to 255.
const LATIN: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy",
    "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot", "cedil", "sup1", "ordm",
    "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig",
    "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve",
    "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN",
    "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc",
    "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml",
    "divide", "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
];
/// Other names in common use.
const NAMES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("euro", '€'),
    ("trade", '™'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("dagger", '†'),
    ("larr", '←'),
    ("uarr", '↑'),
    ("rarr", '→'),
    ("darr", '↓'),
    ("minus", '−'),
    ("le", '≤'),
    ("ge", '≥'),
    ("ne", '≠'),
    ("asymp", '≈'),
    ("infin", '∞'),
    ("sum", '∑'),
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("pi", 'π'),
    ("mu", 'μ'),
    ("sigma", 'σ'),
    ("omega", 'ω'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("check", '✓'),
];

/// Longest name of a character, with room to spare.
const MAX_NAME: usize = 12;

/// The character an entity's name stands for.
pub fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|character| *character != '\0');
    }
    let latin = || {
        let at = LATIN.iter().position(|known| *known == name)?;
        char::from_u32(u32::try_from(at).ok()? + 160)
    };
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, character)| *character).or_else(latin)
}

/// Replaces `&name;`; what is not known stays.
fn unescape(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.bytes().take(MAX_NAME).position(|byte| byte == b';');
        let found = end.and_then(|end| Some((entity(after.get(..end)?)?, after.get(end + 1..)?)));
        if let Some((character, following)) = found {
            out.push(character);
            rest = following;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn check(html: &str, expected: &str) {
        assert_eq!(text(html, &Budget::new(Limits::default())).unwrap(), expected, "{html}");
    }

    #[test]
    fn what_a_reader_sees() {
        check("", "");
        check("just text", "just text");
        check("<p>one</p><p>two</p>", "one\ntwo");
        check("<p>one <b>bold</b>\n  word</p>", "one bold word");
        check("a<br>b<br/>c", "a\nb\nc");
        check("<html><head><title>T</title><style>p{}</style></head><body>x</body></html>", "x");
        check("<script>if (a < b) { '</p>' }</script>shown", "shown");
        check("<ul><li>1<li>2</ul>", "1\n2");
        check("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc");
        check("&lt;p&gt; &amp; &eacute;&nbsp;&#20320;&#x4f60; &nope; &", "<p> & \u{e9} \u{4f60}\u{4f60} &nope; &");
        check("<pre>  a\n   b</pre>", "  a\n   b");
        check("<!-- hidden --><!DOCTYPE html>seen<![CDATA[ & all]]>", "seen & all");
        check("1 < 2 and <3", "1 < 2 and <3");
        check("<a title=\"x > y\">link</a>", "link");
        check("<a title=\"open>text", "text");
        check("<script>never closed", "");
        check("<svg/>after", "after");
        check("<xhtml:p>named</xhtml:p>", "named");
    }

    #[test]
    fn titles_and_encodings() {
        let budget = Budget::new(Limits::default());
        for (source, expected) in [
            ("<html><head><TITLE lang=en> A &amp;\n b </TITLE></head>", Some("A & b")),
            ("<title></title>", None),
            ("<p>none</p>", None),
            ("<title>never closed", None),
        ] {
            assert_eq!(title(source, &budget).unwrap().as_deref(), expected, "{source}");
        }
        assert_eq!(
            decode(b"<meta charset=\"windows-1251\">\xcf\xf0\xe8"),
            "<meta charset=\"windows-1251\">\u{41f}\u{440}\u{438}"
        );
        assert_eq!(decode("<meta charset=latin1>\u{4f60}".as_bytes()), "<meta charset=latin1>\u{4f60}");
    }
}
