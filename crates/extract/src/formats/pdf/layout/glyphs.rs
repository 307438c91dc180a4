//! Letters and drawn lines of a page, as its reader gives them.

use std::collections::HashSet;

use pdf_extract::{ColorSpace, MediaBox, OutputDev, OutputError, Path, PathOp, Transform};

use crate::{Budget, Error};

/// Most letters and lines of one page.
const MAX_GLYPHS: usize = 500_000;
const MAX_RULINGS: usize = 20_000;
/// A drawn line is no thicker than this and no shorter than that, in points.
const THICK: f64 = 2.5;
const SHORT: f64 = 15.0;

/// A letter.
#[derive(Clone, Debug)]
pub struct Glyph {
    pub x0: f64,
    pub x1: f64,
    pub y: f64,
    pub size: f64,
    pub text: String,
}

/// A line that is drawn from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ruling {
    pub x0: f64,
    pub x1: f64,
    pub y: f64,
}

/// What stands on a page.
#[derive(Default)]
pub struct Glyphs {
    /// By direction, in quarter turns against the clock.
    turned: [Vec<Glyph>; 4],
    pub rulings: Vec<Ruling>,
    seen: HashSet<(i64, i64, u8, String)>,
}

impl Glyphs {
    /// Letters of one direction, the one with most letters first.
    pub fn by_direction(&self) -> Vec<(usize, &[Glyph])> {
        let mut out: Vec<(usize, &[Glyph])> = self.turned.iter().map(Vec::as_slice).enumerate().collect();
        out.retain(|(_, glyphs)| !glyphs.is_empty());
        out.sort_by_key(|(_, glyphs)| std::cmp::Reverse(glyphs.len()));
        out
    }

    fn push(&mut self, place: &Transform, width: f64, font_size: f64, text: &str) {
        let (across, up) = (place.m11.hypot(place.m12), place.m21.hypot(place.m22));
        let (size, advance) = ((font_size * up).abs(), width * font_size * across);
        let turn: u8 = match (place.m11.abs() >= place.m12.abs(), place.m11 >= 0.0, place.m12 >= 0.0) {
            (true, true, _) => 0,
            (false, _, true) => 1,
            (true, false, _) => 2,
            (false, _, false) => 3,
        };
        let (x, y) = match turn {
            0 => (place.m31, -place.m32),
            1 => (place.m32, place.m31),
            2 => (-place.m31, place.m32),
            _ => (-place.m32, -place.m31),
        };
        let is_placed = x.is_finite() && y.is_finite() && advance.is_finite();
        if !is_placed || !(0.1..10_000.0).contains(&size) {
            return;
        }
        let text: String = text.chars().filter(|letter| *letter != '\0').collect();
        let text = unligated(&text);
        // Bold letters are sometimes drawn twice.
        #[expect(clippy::cast_possible_truncation, reason = "a place on a page, in half points")]
        let place = ((x * 2.0).round() as i64, (y * 2.0).round() as i64);
        if text.is_empty() || !self.seen.insert((place.0, place.1, turn, text.clone())) {
            return;
        }
        if let Some(glyphs) = self.turned.get_mut(usize::from(turn)) {
            glyphs.push(Glyph { x0: x, x1: x + advance.abs(), y, size, text });
        }
    }

    fn len(&self) -> usize {
        self.turned.iter().map(Vec::len).sum()
    }

    /// Keeps what of a path is a line across the page.
    fn draw(&mut self, place: &Transform, path: &Path) {
        let at =
            |x: f64, y: f64| (x * place.m11 + y * place.m21 + place.m31, -(x * place.m12 + y * place.m22 + place.m32));
        let mut from = (0.0, 0.0);
        for step in path.ops.iter().take(MAX_RULINGS) {
            match *step {
                PathOp::MoveTo(x, y) => from = at(x, y),
                PathOp::LineTo(x, y) => {
                    let to = at(x, y);
                    self.rule(from, to);
                    from = to;
                }
                PathOp::Rect(x, y, width, height) => {
                    let (low, high) = (at(x, y), at(x + width, y + height));
                    if (low.1 - high.1).abs() <= THICK {
                        self.rule(low, high);
                    } else {
                        self.rule(low, (high.0, low.1));
                        self.rule((low.0, high.1), high);
                    }
                }
                PathOp::CurveTo(_, _, _, _, x, y) => from = at(x, y),
                PathOp::Close => {}
            }
        }
    }

    fn rule(&mut self, from: (f64, f64), to: (f64, f64)) {
        let is_level = (from.1 - to.1).abs() <= THICK && (from.0 - to.0).abs() >= SHORT;
        if is_level && self.rulings.len() < MAX_RULINGS {
            let y = f64::midpoint(from.1, to.1);
            self.rulings.push(Ruling { x0: from.0.min(to.0), x1: from.0.max(to.0), y });
        }
    }
}

/// Letters that are printed as one.
fn unligated(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
            '\u{a0}' => out.push(' '),
            // It is only seen where a word is broken.
            '\u{ad}' => out.push('-'),
            other => out.push(other),
        }
    }
    out
}

/// Collects a page within the budget.
pub struct Collector<'a> {
    pub glyphs: Glyphs,
    pub budget: &'a Budget,
    pub over: Option<Error>,
    pub length: usize,
}

impl Collector<'_> {
    fn tick(&mut self) -> Result<(), OutputError> {
        self.budget.tick().map_err(|error| {
            self.over = Some(error);
            OutputError::FormatError(std::fmt::Error)
        })
    }
}

impl OutputDev for Collector<'_> {
    fn begin_page(&mut self, _: u32, _: &MediaBox, _: Option<(f64, f64, f64, f64)>) -> Result<(), OutputError> {
        self.tick()
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        _: f64,
        font_size: f64,
        character: &str,
    ) -> Result<(), OutputError> {
        self.tick()?;
        self.length += character.len();
        let limit = self.budget.limits().text;
        if self.length > limit || self.glyphs.len() >= MAX_GLYPHS {
            self.over = Some(Error::TooLarge { what: "the text", limit: limit as u64 });
            return Err(OutputError::FormatError(std::fmt::Error));
        }
        self.glyphs.push(place, width, font_size, character);
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        self.tick()
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn stroke(&mut self, place: &Transform, _: &ColorSpace, _: &[f64], path: &Path) -> Result<(), OutputError> {
        self.tick()?;
        self.glyphs.draw(place, path);
        Ok(())
    }

    fn fill(&mut self, place: &Transform, _: &ColorSpace, _: &[f64], path: &Path) -> Result<(), OutputError> {
        self.tick()?;
        self.glyphs.draw(place, path);
        Ok(())
    }
}
