//! From letters to segments, and from segments to lines.

use super::{Glyph, Segment};

/// Gaps, in sizes of the letters: between words, and between segments.
const WORD_GAP: f64 = 0.16;
const SEGMENT_GAP: f64 = 0.9;
/// How far letters of one line may stand above or under it.
const SLACK: f64 = 0.35;

/// The segments of letters.
pub fn of(glyphs: &[Glyph]) -> Vec<Segment> {
    let mut glyphs: Vec<&Glyph> = glyphs.iter().collect();
    glyphs.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut out = Vec::new();
    for line in chunked(glyphs, |glyph| (glyph.y, glyph.size)) {
        cut(line, &mut out);
    }
    out
}

/// Segments by lines, from top to bottom and from left to right.
pub fn lines(mut segments: Vec<Segment>) -> Vec<Vec<Segment>> {
    segments.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut lines = chunked(segments, |segment| (segment.y, segment.size));
    for line in &mut lines {
        line.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    }
    lines
}

/// Groups what is sorted by height: what stands on nearly the same line belongs together.
fn chunked<T>(sorted: Vec<T>, place: impl Fn(&T) -> (f64, f64)) -> Vec<Vec<T>> {
    let mut out: Vec<Vec<T>> = Vec::new();
    let (mut base, mut tall) = (f64::NEG_INFINITY, 0.0_f64);
    for one in sorted {
        let (y, size) = place(&one);
        match out.last_mut() {
            Some(line) if y - base <= SLACK * tall.min(size).max(tall.max(size) * 0.5) => {
                // What is larger carries the line: a small sign above it is no line of its own.
                if size > tall {
                    (base, tall) = (y, size);
                }
                line.push(one);
            }
            _ => {
                (base, tall) = (y, size);
                out.push(vec![one]);
            }
        }
    }
    out
}

/// Cuts a line of letters at its wide gaps.
fn cut(mut line: Vec<&Glyph>, out: &mut Vec<Segment>) {
    line.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let mut open: Option<Segment> = None;
    for glyph in line {
        let is_blank = glyph.text.trim().is_empty();
        match &mut open {
            Some(segment) if glyph.x0 - segment.x1 <= SEGMENT_GAP * segment.size.max(glyph.size) => {
                let gap = glyph.x0 - segment.x1;
                if is_blank {
                    if !segment.text.ends_with(' ') {
                        segment.text.push(' ');
                    }
                    continue;
                }
                if gap > WORD_GAP * segment.size.min(glyph.size) && !segment.text.ends_with(' ') {
                    segment.text.push(' ');
                }
                segment.text.push_str(&glyph.text);
                segment.x1 = segment.x1.max(glyph.x1);
                if glyph.size > segment.size {
                    (segment.size, segment.y) = (glyph.size, glyph.y);
                }
            }
            _ if is_blank => {}
            _ => {
                out.extend(open.take());
                let Glyph { x0, x1, y, size, ref text } = *glyph;
                open = Some(Segment { x0, x1, y, size, text: text.clone() });
            }
        }
    }
    out.extend(open);
    for segment in out.iter_mut() {
        segment.text.truncate(segment.text.trim_end().len());
    }
}
