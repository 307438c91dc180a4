//! `'%.2f' % number`: Python's formatting operator, which the template crate has as the filter `format` only.

use std::borrow::Cow;

/// The template with `'text' % operand` written as `('text' | format(operand))`, inside its tags. Lines stay where they
/// are.
pub fn rewritten(template: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = template.get(at..).and_then(|rest| rest.find('{')) {
        at += found;
        let inside = at + 2;
        match template.as_bytes().get(at + 1) {
            Some(b'#') => at = end_of(template, inside, "#}"),
            Some(b'%') if is_raw(template, inside) => {
                let end = template.get(inside..).and_then(|rest| rest.find("endraw"));
                at = end.map_or(template.len(), |end| inside + end);
            }
            Some(kind @ (b'{' | b'%')) => {
                let close = if *kind == b'{' { "}}" } else { "%}" };
                at = tag(template, inside, close, &mut out, &mut copied);
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(template);
    }
    out.push_str(template.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

fn end_of(template: &str, from: usize, mark: &str) -> usize {
    let found = template.get(from..).and_then(|rest| rest.find(mark));
    found.map_or(template.len(), |found| from + found + mark.len())
}

fn is_raw(template: &str, inside: usize) -> bool {
    let rest = template.get(inside..).unwrap_or_default();
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start();
    rest.strip_prefix("raw").is_some_and(|rest| rest.starts_with([' ', '-', '%', '\t', '\n', '\r']))
}

/// Rewrites one tag; gives where it ends.
fn tag(template: &str, from: usize, close: &str, out: &mut String, copied: &mut usize) -> usize {
    let bytes = template.as_bytes();
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        if bytes.get(at..).is_some_and(|rest| rest.starts_with(close.as_bytes())) {
            return at + close.len();
        }
        if !matches!(byte, b'\'' | b'"') {
            at += 1;
            continue;
        }
        let text = at;
        at = after_text(bytes, at);
        let sign = after_space(bytes, at);
        if bytes.get(sign) != Some(&b'%') || matches!(bytes.get(sign + 1), Some(b'}')) {
            continue;
        }
        let start = after_space(bytes, sign + 1);
        let Some((end, is_group)) = operand(bytes, start) else { continue };
        let mut arguments = template.get(start..end).unwrap_or_default();
        if is_group {
            arguments = arguments.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(arguments);
        }
        out.push_str(template.get(*copied..text).unwrap_or_default());
        out.push('(');
        out.push_str(template.get(text..at).unwrap_or_default());
        out.push_str(" | format(");
        out.push_str(arguments);
        out.push_str("))");
        *copied = end;
        at = end;
    }
    at
}

fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

fn after_text(bytes: &[u8], from: usize) -> usize {
    let quote = bytes.get(from);
    let mut at = from + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if Some(byte) == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn after_brackets(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'\'' | b'"' => {
                at = after_text(bytes, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn after_word(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii()) {
        at += 1;
    }
    at
}

/// Where an operand ends, with its attributes, calls and filters; and whether it is nothing but a group in brackets.
fn operand(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let mut is_group = false;
    let mut end = match bytes.get(from)? {
        b'(' => {
            is_group = true;
            after_brackets(bytes, from)?
        }
        b'[' | b'{' => after_brackets(bytes, from)?,
        b'\'' | b'"' => after_text(bytes, from),
        b'-' => after_word(bytes, after_space(bytes, from + 1)),
        _ => after_word(bytes, from),
    };
    if end == from {
        return None;
    }
    loop {
        let next = after_space(bytes, end);
        end = match bytes.get(next) {
            Some(b'.') => after_word(bytes, next + 1),
            Some(b'(' | b'[') => after_brackets(bytes, next)?,
            Some(b'|') => after_word(bytes, after_space(bytes, next + 1)),
            _ => return Some((end, is_group)),
        };
        is_group = false;
    }
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn the_operator_becomes_the_filter() {
        for (template, expected) in [
            ("{{ '%.2f' % x }}", "{{ ('%.2f' | format(x)) }}"),
            ("{{'%d%%'%(done / all * 100)}}", "{{('%d%%' | format(done / all * 100))}}"),
            ("{{ \"%s: %d\" % ('x', n) }}!", "{{ (\"%s: %d\" | format('x', n)) }}!"),
            ("{{ '%s' % o.total[0] | round(1) }}", "{{ ('%s' | format(o.total[0] | round(1))) }}"),
            ("{% set a = '%s' % f(')') %}", "{% set a = ('%s' | format(f(')'))) %}"),
            (
                "{% if x == 'a' %}{{ '%s' % (a).b }}{% endif %}",
                "{% if x == 'a' %}{{ ('%s' | format((a).b)) }}{% endif %}",
            ),
            ("{{ 'a' %}}", "{{ 'a' %}}"),
            ("{{ 10 % 3 }}", "{{ 10 % 3 }}"),
            ("'%s' % x {# '%s' % x #}", "'%s' % x {# '%s' % x #}"),
            ("{% raw %}{{ '%s' % x }}{% endraw %}", "{% raw %}{{ '%s' % x }}{% endraw %}"),
            ("{{ '%s' % }}", "{{ '%s' % }}"),
            ("{{ '%s", "{{ '%s"),
            ("{", "{"),
        ] {
            assert_eq!(rewritten(template), expected, "{template}");
        }
    }
}
