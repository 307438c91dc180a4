//! From lines to paragraphs.

use super::{Segment, median};

/// Distance of lines, in usual distances, from which on a paragraph ends.
const APART: f64 = 1.35;
/// Part of the width that the last line of a paragraph leaves free.
const RAGGED: f64 = 0.2;
/// Difference in size that makes a heading.
const LARGER: f64 = 1.12;

struct Line {
    x0: f64,
    x1: f64,
    y: f64,
    size: f64,
    text: String,
}

/// The text of lines, paragraphs on one line each; nothing when nothing is written.
pub fn of(lines: &[Vec<Segment>]) -> Option<String> {
    let lines: Vec<Line> = lines.iter().filter_map(|line| joined(line)).collect();
    let pitch = median(lines.windows(2).filter_map(|pair| match pair {
        [above, below] => Some(below.y - above.y).filter(|pitch| *pitch > 0.0),
        _ => None,
    }));
    let right = lines.iter().map(|line| line.x1).fold(f64::NEG_INFINITY, f64::max);
    let left = lines.iter().map(|line| line.x0).fold(f64::INFINITY, f64::min);
    let width = right - left;
    let mut out = String::new();
    let mut above: Option<&Line> = None;
    for line in &lines {
        if let Some(above) = above {
            let is_other = line.size > above.size * LARGER || above.size > line.size * LARGER;
            let is_apart = line.y - above.y > pitch * APART || line.y < above.y;
            let is_short = right - above.x1 > RAGGED * width;
            let is_indented = line.x0 > above.x0 + line.size && above.x0 - left < line.size;
            if is_other || is_apart {
                out.push_str("\n\n");
            } else if is_short || is_indented || is_item(&line.text) {
                out.push('\n');
            } else {
                glue(&mut out, &line.text);
            }
        }
        out.push_str(&line.text);
        above = Some(line);
    }
    (!out.trim().is_empty()).then_some(out)
}

fn joined(line: &[Segment]) -> Option<Line> {
    let (first, last) = (line.first()?, line.last()?);
    let texts: Vec<&str> = line.iter().map(|segment| segment.text.as_str()).collect();
    Some(Line {
        x0: first.x0,
        x1: line.iter().map(|segment| segment.x1).fold(last.x1, f64::max),
        y: first.y,
        size: median(line.iter().map(|segment| segment.size)),
        text: texts.join("  "),
    })
}

/// A line that begins an entry of a list.
pub fn is_item(text: &str) -> bool {
    let mark = text.split_whitespace().next().unwrap_or_default();
    let number = mark.trim_start_matches(['(', '[']).trim_end_matches(['.', ')', ']', ':']);
    matches!(mark, "•" | "-" | "–" | "*" | "◦" | "▪" | "·" | "‣")
        || (number.len() < mark.len() && number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Prepares the end of a line for the next one: a broken word is put together, words of most languages are set apart.
fn glue(out: &mut String, next: &str) {
    let mut end = out.chars().rev();
    let (last, before) = (end.next(), end.next());
    let begins_small = next.starts_with(char::is_lowercase);
    if last == Some('-') && begins_small && before.is_some_and(char::is_lowercase) {
        out.pop();
        return;
    }
    let is_dense = |letter: Option<char>| letter.is_some_and(is_ideographic);
    if !(is_dense(last) && is_dense(next.chars().next())) {
        out.push(' ');
    }
}

/// Signs of languages that do not set words apart.
const fn is_ideographic(letter: char) -> bool {
    matches!(letter, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
