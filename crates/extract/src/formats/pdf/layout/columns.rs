//! From the segments of a page to its columns.

use super::{Segment, median};

/// Lines that a column must have beside another.
const LEAST_LINES: usize = 3;
/// Letters that the lines of a column of prose usually have at least, and the part of its width that they fill.
const LEAST_LETTERS: f64 = 14.0;
const LEAST_FILL: f64 = 0.55;
/// No column is narrower than this part of what it is a column of.
const MARGIN: f64 = 0.15;
/// Columns in columns.
const MAX_DEPTH: usize = 4;

/// Segments of the page by column, in reading order. What goes over several columns stands on its own.
pub fn split(segments: Vec<Segment>) -> Vec<Vec<Segment>> {
    let mut out = Vec::new();
    descend(segments, 0, &mut out);
    out
}

fn descend(mut segments: Vec<Segment>, depth: usize, out: &mut Vec<Vec<Segment>>) {
    let gutter = if depth < MAX_DEPTH { gutter(&segments) } else { None };
    let Some(gutter) = gutter else {
        if !segments.is_empty() {
            out.push(segments);
        }
        return;
    };
    segments.sort_by(|a, b| a.y.total_cmp(&b.y));
    // What goes over the gutter ends the columns above it.
    let mut plain: Vec<Segment> = Vec::new();
    let mut band: Vec<Segment> = Vec::new();
    let mut closed: Vec<(bool, Vec<Segment>)> = Vec::new();
    for segment in segments {
        if segment.is_over(gutter) {
            if !band.is_empty() {
                closed.push((true, std::mem::take(&mut band)));
            }
            plain.push(segment);
        } else {
            // Beside what goes over the gutter, on the same line, nothing begins a column.
            if plain.last().is_some_and(|last| (segment.y - last.y).abs() < 0.5 * last.size) {
                plain.push(segment);
                continue;
            }
            if !plain.is_empty() {
                closed.push((false, std::mem::take(&mut plain)));
            }
            band.push(segment);
        }
    }
    closed.extend((!band.is_empty()).then_some((true, band)));
    closed.extend((!plain.is_empty()).then_some((false, plain)));
    let mut pending: Vec<Segment> = Vec::new();
    for (is_band, part) in closed {
        let (left, right): (Vec<Segment>, Vec<Segment>) = part.iter().cloned().partition(|one| one.x0 < gutter);
        if is_band && is_prose(&left) && is_prose(&right) {
            if !pending.is_empty() {
                out.push(std::mem::take(&mut pending));
            }
            descend(left, depth + 1, out);
            descend(right, depth + 1, out);
        } else {
            pending.extend(part);
        }
    }
    if !pending.is_empty() {
        out.push(pending);
    }
}

/// The place that separates two columns best.
fn gutter(segments: &[Segment]) -> Option<f64> {
    let low = segments.iter().map(|one| one.x0).fold(f64::INFINITY, f64::min);
    let high = segments.iter().map(|one| one.x1).fold(f64::NEG_INFINITY, f64::max);
    let width = high - low;
    if segments.len() < 2 * LEAST_LINES || !(width > 0.0 && width.is_finite()) {
        return None;
    }
    let (from, to) = (low + MARGIN * width, high - MARGIN * width);
    // Where a segment ends and another one begins to its right.
    let mut places: Vec<f64> = Vec::new();
    let mut begins: Vec<f64> = segments.iter().map(|one| one.x0).collect();
    begins.sort_by(f64::total_cmp);
    for segment in segments {
        let next = begins.partition_point(|begin| *begin <= segment.x1);
        if let Some(begin) = begins.get(next) {
            let place = f64::midpoint(segment.x1, *begin);
            if (from..=to).contains(&place) {
                places.push(place);
            }
        }
    }
    places.sort_by(f64::total_cmp);
    places.dedup_by(|a, b| (*a - *b).abs() < 1.0);
    let count = |place: f64| {
        let over = segments.iter().filter(|one| one.is_over(place)).count();
        let left = segments.iter().filter(|one| one.x1 <= place).count();
        (over, left, segments.len() - over - left)
    };
    let mut best: Option<(f64, f64)> = None;
    for place in places {
        let (over, left, right) = count(place);
        if left < LEAST_LINES || right < LEAST_LINES || over > left.min(right) {
            continue;
        }
        // Few over it, and as many on one side as on the other.
        let score = left.min(right) as f64 - 2.0 * over as f64;
        if best.is_none_or(|(known, _)| score > known) {
            best = Some((score, place));
        }
    }
    best.map(|(_, place)| place)
}

/// Whether segments are the lines of a text, not the cells of a table.
fn is_prose(segments: &[Segment]) -> bool {
    if segments.len() < LEAST_LINES {
        return false;
    }
    let low = segments.iter().map(|one| one.x0).fold(f64::INFINITY, f64::min);
    let high = segments.iter().map(|one| one.x1).fold(f64::NEG_INFINITY, f64::max);
    let letters = median(segments.iter().map(|one| one.text.chars().count() as f64));
    let fill = median(segments.iter().map(Segment::width)) / (high - low).max(1.0);
    letters >= LEAST_LETTERS && fill >= LEAST_FILL
}
