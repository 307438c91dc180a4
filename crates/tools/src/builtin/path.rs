//! JSONPath, as far as tools offer it: names, positions, slices, `*`, `..` and simple filters.

use serde_json::Value;

/// Most places that a path may lead to.
const MOST: usize = 100_000;

#[derive(Debug, PartialEq)]
enum Step {
    Names(Vec<String>),
    Positions(Vec<i64>),
    Slice(Option<i64>, Option<i64>),
    All,
    Filter(Vec<String>, Option<(Comparison, Value)>),
    /// This step at every depth.
    Below(Box<Step>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A place in a document: names and positions from its root.
pub type Place = Vec<Key>;

/// One part of a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Name(String),
    Position(usize),
}

/// A path, read.
#[derive(Debug)]
pub struct Path(Vec<Step>);

impl Path {
    /// Reads a path; the leading `$` may be missing.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let wrong = |rest: &str| format!("The JSONPath '{trimmed}' cannot be read at '{rest}'.");
        let mut rest = trimmed.strip_prefix('$').unwrap_or(trimmed);
        let mut steps = Vec::new();
        let mut is_first = true;
        while !rest.is_empty() {
            let below = rest.strip_prefix("..");
            let after = below
                .or_else(|| rest.strip_prefix('.'))
                .or_else(|| (is_first && !rest.starts_with('[')).then_some(rest));
            let (step, left) = match after {
                Some(after) if !after.starts_with('[') => named(after).ok_or_else(|| wrong(rest))?,
                Some(after) if below.is_some() => bracketed(after).ok_or_else(|| wrong(rest))?,
                _ => bracketed(rest).ok_or_else(|| wrong(rest))?,
            };
            steps.push(if below.is_some() { Step::Below(Box::new(step)) } else { step });
            rest = left;
            is_first = false;
        }
        Ok(Self(steps))
    }

    /// The places in a document that it leads to, in the order of the document.
    ///
    /// # Errors
    /// When there are too many.
    pub fn places(&self, document: &Value) -> Result<Vec<Place>, String> {
        let mut places: Vec<Place> = vec![Vec::new()];
        for step in &self.0 {
            let mut next = Vec::new();
            for place in &places {
                if let Some(value) = at(document, place) {
                    step.follow(value, place, &mut next);
                }
                if next.len() > MOST {
                    return Err(format!("The JSONPath leads to more than {MOST} places."));
                }
            }
            places = next;
        }
        Ok(places)
    }

    /// The place that a path without choices means, whether something is there or not.
    pub fn exact(&self) -> Option<Place> {
        self.0
            .iter()
            .map(|step| match step {
                Step::Names(names) if names.len() == 1 => names.first().cloned().map(Key::Name),
                Step::Positions(at) if at.len() == 1 => {
                    at.first().and_then(|at| usize::try_from(*at).ok()).map(Key::Position)
                }
                _ => None,
            })
            .collect()
    }
}

fn named(text: &str) -> Option<(Step, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let name = name.trim();
    match name {
        "" => None,
        "*" => Some((Step::All, rest)),
        name => Some((Step::Names(vec![name.to_owned()]), rest)),
    }
}

fn bracketed(text: &str) -> Option<(Step, &str)> {
    let inner = text.strip_prefix('[')?;
    let end = closing(inner)?;
    let (inside, rest) = (inner.get(..end)?.trim(), inner.get(end + 1..)?);
    if inside == "*" {
        return Some((Step::All, rest));
    }
    if let Some(filter) = inside.strip_prefix('?') {
        return Some((filtered(filter.trim())?, rest));
    }
    let quoted = |part: &str| {
        let part = part.trim();
        let bare = part.strip_prefix('\'').and_then(|part| part.strip_suffix('\''));
        bare.or_else(|| part.strip_prefix('"').and_then(|part| part.strip_suffix('"'))).map(str::to_owned)
    };
    if let Some(names) = inside.split(',').map(quoted).collect::<Option<Vec<_>>>() {
        return Some((Step::Names(names), rest));
    }
    let number = |part: &str| part.trim().parse::<i64>().ok();
    if let Some((from, to)) = inside.split_once(':') {
        let bound = |part: &str| if part.trim().is_empty() { Some(None) } else { number(part).map(Some) };
        return Some((Step::Slice(bound(from)?, bound(to)?), rest));
    }
    let positions = inside.split(',').map(number).collect::<Option<Vec<_>>>()?;
    Some((Step::Positions(positions), rest))
}

/// Where the bracket that is open closes, quotes and inner brackets left aside.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_u32, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']' | ')') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

fn filtered(text: &str) -> Option<Step> {
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text).trim();
    let text = text.strip_prefix('@')?;
    let operators = [
        ("==", Comparison::Equal),
        ("!=", Comparison::Unequal),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let found = operators.iter().find_map(|(sign, comparison)| {
        text.split_once(sign).map(|(left, right)| (left, Some((*comparison, right.trim()))))
    });
    let (left, compared) = found.unwrap_or((text, None));
    let names = left.trim().split('.').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let compared = match compared {
        None => None,
        Some((comparison, literal)) => {
            let bare = literal.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            let value = match bare {
                Some(text) => Value::from(text),
                None => serde_json::from_str(literal).ok()?,
            };
            Some((comparison, value))
        }
    };
    Some(Step::Filter(names, compared))
}

impl Comparison {
    fn holds(self, left: &Value, right: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = match (left, right) {
            (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (left, right) if left == right => Some(Equal),
            _ => None,
        };
        match self {
            Self::Equal => order == Some(Equal),
            Self::Unequal => order != Some(Equal),
            Self::Less => order == Some(Less),
            Self::LessOrEqual => matches!(order, Some(Less | Equal)),
            Self::Greater => order == Some(Greater),
            Self::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
        }
    }
}

impl Step {
    fn follow(&self, value: &Value, place: &Place, out: &mut Vec<Place>) {
        let mut push = |key: Key| out.push(place.iter().cloned().chain([key]).collect());
        match (self, value) {
            (Self::Names(names), Value::Object(fields)) => {
                names.iter().filter(|name| fields.contains_key(*name)).for_each(|name| push(Key::Name(name.clone())));
            }
            (Self::Positions(positions), Value::Array(items)) => {
                positions.iter().filter_map(|at| position(*at, items.len())).for_each(|at| push(Key::Position(at)));
            }
            (Self::Slice(from, to), Value::Array(items)) => {
                let bound = |at: Option<i64>, usual| at.map_or(usual, |at| clamped(at, items.len()));
                (bound(*from, 0)..bound(*to, items.len())).for_each(|at| push(Key::Position(at)));
            }
            (Self::All, value) => children(value).for_each(|(key, _)| push(key)),
            (Self::Filter(names, compared), value) => {
                let matching = children(value).filter(|(_, child)| {
                    let found = names.iter().try_fold(*child, |value, name| value.get(name));
                    found.is_some_and(|found| compared.as_ref().is_none_or(|(how, with)| how.holds(found, with)))
                });
                matching.for_each(|(key, _)| push(key));
            }
            (Self::Below(step), value) => {
                step.follow(value, place, out);
                for (key, child) in children(value) {
                    if out.len() > MOST {
                        return;
                    }
                    self.follow(child, &place.iter().cloned().chain([key]).collect(), out);
                }
            }
            _ => {}
        }
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = (Key, &Value)> + '_> {
    match value {
        Value::Object(fields) => Box::new(fields.iter().map(|(name, value)| (Key::Name(name.clone()), value))),
        Value::Array(items) => Box::new(items.iter().enumerate().map(|(at, value)| (Key::Position(at), value))),
        _ => Box::new(std::iter::empty()),
    }
}

fn position(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 {
        length.checked_sub(usize::try_from(at.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(at).ok()?
    };
    (at < length).then_some(at)
}

fn clamped(at: i64, length: usize) -> usize {
    let size = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    if at < 0 { length.saturating_sub(size) } else { size.min(length) }
}

/// What is at a place.
pub fn at<'v>(document: &'v Value, place: &[Key]) -> Option<&'v Value> {
    place.iter().try_fold(document, |value, key| match key {
        Key::Name(name) => value.get(name),
        Key::Position(at) => value.get(at),
    })
}

/// What is at a place, to change.
pub fn at_mut<'v>(document: &'v mut Value, place: &[Key]) -> Option<&'v mut Value> {
    place.iter().try_fold(document, |value, key| match key {
        Key::Name(name) => value.get_mut(name),
        Key::Position(at) => value.get_mut(at),
    })
}
