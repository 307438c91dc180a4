//! Tells templates whose memory is bounded by what they are given from those that can make it grow.
//!
//! A flat template keeps nothing from one place to the next: it reads variables, prints them, tests and
//! loops. Everything else (`set`, `macro`, `namespace`, `*`, calls and filters that multiply) is not flat;
//! there is no attempt to see whether it would stay small.

/// How much larger than what it is given a value inside one tag may become.
const MAX_GROWTH: usize = 64;
/// Longest text written in a template that may separate or replace.
const MAX_LITERAL: usize = 16;
const STATEMENTS: [&str; 8] = ["if", "elif", "else", "endif", "for", "endfor", "break", "continue"];
/// Filters that give no more than they get.
const FILTERS: [&str; 38] = [
    "abs",
    "attr",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "last",
    "length",
    "list",
    "lower",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "wordcount",
    "lines",
];
/// Filters that give somewhat more.
const GROWING: [(&str, usize); 5] = [("e", 6), ("escape", 6), ("forceescape", 6), ("tojson", 6), ("urlencode", 3)];
/// Filters whose growth is the length of a text written beside them.
const SEPARATING: [&str; 2] = ["join", "replace"];
const METHODS: [&str; 16] = [
    "items",
    "keys",
    "values",
    "get",
    "upper",
    "lower",
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "endswith",
    "title",
    "capitalize",
    "count",
];

/// Whether rendering needs no more than a small multiple of the variables' memory.
pub fn is_flat(template: &str) -> bool {
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let Some(tail) = rest.get(at + 1..) else { return true };
        let end = match tail.as_bytes().first() {
            Some(b'#') => match tail.find("#}") {
                Some(end) => {
                    rest = tail.get(end + 2..).unwrap_or_default();
                    continue;
                }
                // The template machine reports it.
                None => return true,
            },
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            _ => {
                rest = tail;
                continue;
            }
        };
        let Some(after) = flat_tag(tail.get(1..).unwrap_or_default(), end) else { return false };
        rest = after;
    }
    true
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Number,
    Text(usize),
    Sign(u8),
}

/// What follows the tag when it is flat.
fn flat_tag<'a>(source: &'a str, end: &str) -> Option<&'a str> {
    let (tokens, rest) = tokens(source, end)?;
    let mut tokens = tokens.as_slice();
    if end == "%}" {
        match tokens.split_first() {
            Some((Token::Word(word), after)) if STATEMENTS.contains(word) => tokens = after,
            _ => return None,
        }
    }
    let mut parts = 1_usize;
    let mut growth = 1_usize;
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| tokens.get(index)).copied();
        let next = |offset: usize| tokens.get(index + offset).copied();
        match token {
            Token::Sign(b'*') => return None,
            // A format may ask for any width.
            Token::Sign(b'%') if matches!(before, Some(Token::Text(_))) => return None,
            Token::Sign(b'~' | b'+' | b',') => parts += 1,
            // The only things called are named; a value in brackets followed by brackets is not.
            Token::Sign(b'(') if matches!(before, Some(Token::Sign(b')' | b']' | b'}') | Token::Text(_))) => {
                return None;
            }
            Token::Word("recursive") => return None,
            Token::Word(word) if before == Some(Token::Sign(b'|')) => {
                growth = growth.saturating_mul(filter_growth(word, next)?);
            }
            Token::Word(word) if next(1) == Some(Token::Sign(b'(')) => {
                let method = before == Some(Token::Sign(b'.'));
                let operator = ["and", "or", "not", "in", "is", "if", "else"].contains(word);
                let known = if method { METHODS.contains(word) } else { *word == "range" || operator };
                if !known {
                    return None;
                }
            }
            _ => {}
        }
    }
    (parts.saturating_mul(growth) <= MAX_GROWTH).then_some(rest)
}

/// How much a filter may multiply; `None` where that cannot be told.
fn filter_growth<'a>(word: &str, next: impl Fn(usize) -> Option<Token<'a>>) -> Option<usize> {
    let called = next(1) == Some(Token::Sign(b'('));
    if FILTERS.contains(&word) {
        return Some(1);
    }
    if let Some((_, growth)) = GROWING.iter().find(|(name, _)| *name == word) {
        // `tojson` with an indentation.
        return (!called).then_some(*growth);
    }
    if word == "map" {
        return (next(2) == Some(Token::Word("attribute"))).then_some(1);
    }
    if !SEPARATING.contains(&word) {
        return None;
    }
    if !called {
        return (word == "join").then_some(1);
    }
    let Some(Token::Text(first)) = next(2) else { return None };
    let longest = match (word, next(3), next(4)) {
        ("join", Some(Token::Sign(b')' | b',')), _) => first,
        ("replace", Some(Token::Sign(b',')), Some(Token::Text(second))) => second,
        _ => return None,
    };
    (longest <= MAX_LITERAL).then_some(longest + 1)
}

/// The tokens of a tag and what follows it.
fn tokens<'a>(source: &'a str, end: &str) -> Option<(Vec<Token<'a>>, &'a str)> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        if depth == 0 && source.get(at..).is_some_and(|rest| rest.starts_with(end)) {
            // The signs that eat white space belong to the tag.
            while matches!(tokens.last(), Some(Token::Sign(b'-'))) {
                tokens.pop();
            }
            let skip = tokens.iter().take_while(|token| matches!(token, Token::Sign(b'-' | b'+'))).count();
            tokens.drain(..skip);
            return Some((tokens, source.get(at + 2..)?));
        }
        let start = at;
        at += 1;
        match byte {
            b'\'' | b'"' => {
                loop {
                    let inner = bytes.get(at).copied()?;
                    at += if inner == b'\\' { 2 } else { 1 };
                    if inner == byte {
                        break;
                    }
                }
                tokens.push(Token::Text(at - start - 2));
            }
            b'(' | b'[' | b'{' => {
                depth += 1;
                tokens.push(Token::Sign(byte));
            }
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                tokens.push(Token::Sign(byte));
            }
            b'0'..=b'9' => {
                while bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                    at += 1;
                }
                tokens.push(Token::Number);
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii() => {
                while bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii()) {
                    at += 1;
                }
                tokens.push(Token::Word(source.get(start..at)?));
            }
            _ if byte.is_ascii_whitespace() => {}
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_flat;

    #[test]
    fn plain_templates_are_flat_and_growing_ones_are_not() {
        for template in [
            "",
            "text { only } {",
            "{{ name }} and {{- user.address['city'] -}}",
            "{{ a ~ ', ' ~ b | upper }}",
            "{# set x #}{% for item in items %}{{ loop.index }}. {{ item.title | default('none') | trim }}\n{% endfor %}",
            "{%- if a > 3 and (b or not c) -%}x{%+ elif d in [1, 2] %}y{% else %}z{% endif %}",
            "{{ items | join(', ') }} {{ x | tojson }} {{ x | replace('\\n', ' ') }}",
            "{{ items | map(attribute='name') | join(', ') }}",
            "{% for key, value in data.items() %}{{ key }}={{ value }}{% if not loop.last %},{% endif %}{% endfor %}",
            "{% for i in range(3) %}{{ i }}{% break %}{% endfor %}",
            "{{ text.split(',')[0].strip() }}",
            "{{ '}}' ~ '%}' }}",
        ] {
            assert!(is_flat(template), "{template}");
        }
        for template in [
            "{% set a = a ~ a %}",
            "{%- set a = 1 %}",
            "{% set ns = namespace(x='a') %}",
            "{{ 'x' * 1000000 }}",
            "{{ x ** 2 }}",
            "{{ '%1000000d' % x }}",
            "{% for x in y recursive %}{{ loop(x) }}{% endfor %}",
            "{{ loop(x) ~ loop(x) }}",
            "{% macro m() %}{% endmacro %}",
            "{% filter upper %}{% endfilter %}",
            "{% with a = b %}{% endwith %}",
            "{% raw %}{{ x }}{% endraw %}",
            "{{ x | replace('a', x) }}",
            "{{ x | join(x) }}",
            "{{ x | map('join', x) }}",
            "{{ x | replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaa') }}",
            "{{ x | e | string | tojson | tojson }}",
            "{{ x | tojson(indent=64) }}",
            "{{ x | center(80) }}",
            "{{ x.join(y) }}",
            "{{ (x.join)(y) }}",
            "{{ x['join'](y) }}",
            "{{ dict(a=1) }}",
            "{{ x | indent(x) }}",
            "{{ x | format(x) }}",
        ] {
            assert!(!is_flat(template), "{template}");
        }
        assert!(!is_flat(&format!("{{{{ {}a }}}}", "a ~ ".repeat(100))));
    }
}
