//! Reads actions out of what a model writes, character by character (workflow engine reference §11.2).

use ox_types::Json;
use serde_json::Map;

/// Words that introduce a part and are not shown.
const LABELS: [&str; 2] = ["action:", "thought:"];
/// Most bytes of an action; what is longer is text.
const MAX_ACTION: usize = 1024 * 1024;

/// A call that the model wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub name: String,
    pub input: Json,
    /// As it was written.
    pub json: Json,
}

/// A part of what was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Text(String),
    Action(Action),
}

/// Where the reader is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// Between three backticks and three backticks.
    Fence(String),
    /// Inside an object outside of fences.
    Object { text: String, depth: usize },
}

/// The reader. It gives the same pieces however the text is cut; neighbouring texts may come in several.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    place: Place,
    /// Backticks seen in a row.
    ticks: usize,
    /// The beginning of what may be a label.
    label: String,
    /// The character before.
    last: Option<char>,
    text: String,
    pieces: Vec<Piece>,
}

impl Parser {
    /// Reads on.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        for c in text.chars() {
            self.read(c);
        }
        self.flush();
        std::mem::take(&mut self.pieces)
    }

    /// Reads the end.
    pub fn finish(&mut self) -> Vec<Piece> {
        self.give_up_label();
        match std::mem::take(&mut self.place) {
            Place::Text => {}
            Place::Fence(mut block) => {
                block.extend(std::iter::repeat_n('`', self.ticks));
                self.block(&block, "");
            }
            Place::Object { text, .. } => self.object(&text),
        }
        self.ticks = 0;
        self.flush();
        std::mem::take(&mut self.pieces)
    }

    fn read(&mut self, c: char) {
        match &mut self.place {
            Place::Text => self.read_text(c),
            Place::Fence(block) => {
                if c == '`' {
                    self.ticks += 1;
                    if self.ticks == 3 {
                        self.ticks = 0;
                        let block = std::mem::take(block);
                        self.place = Place::Text;
                        self.block(&block, "```");
                    }
                } else {
                    block.extend(std::iter::repeat_n('`', std::mem::take(&mut self.ticks)));
                    block.push(c);
                }
                self.last = Some(c);
            }
            Place::Object { text, depth } => {
                text.push(c);
                // Braces are counted wherever they stand, also in strings.
                match c {
                    '{' => *depth += 1,
                    '}' => *depth -= 1,
                    _ => {}
                }
                if *depth == 0 || text.len() > MAX_ACTION {
                    let text = std::mem::take(text);
                    self.place = Place::Text;
                    self.object(&text);
                }
                self.last = Some(c);
            }
        }
    }

    fn read_text(&mut self, c: char) {
        if c == '`' {
            self.give_up_label();
            self.ticks += 1;
            if self.ticks == 3 {
                self.ticks = 0;
                self.place = Place::Fence(String::new());
            }
            self.last = Some(c);
            return;
        }
        // Single backticks are not shown.
        self.ticks = 0;
        if !self.label.is_empty() {
            self.label.push(c);
            if let Some(is_whole) = label(&self.label) {
                if is_whole {
                    self.label.clear();
                }
                self.last = Some(c);
                return;
            }
            self.label.pop();
            self.give_up_label();
        }
        if matches!(self.last, None | Some('\n' | ' ')) && label(c.encode_utf8(&mut [0; 4])).is_some() {
            self.label.push(c);
        } else if c == '{' {
            self.place = Place::Object { text: c.to_string(), depth: 1 };
        } else {
            self.text.push(c);
        }
        self.last = Some(c);
    }

    /// What looked like a label is text.
    fn give_up_label(&mut self) {
        self.text.push_str(&std::mem::take(&mut self.label));
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }

    /// The end of a fenced block: its actions, or the block as it was written.
    fn block(&mut self, block: &str, close: &str) {
        let actions = actions_in(block);
        if actions.is_empty() {
            self.text.push_str("```");
            self.text.push_str(block);
            self.text.push_str(close);
            return;
        }
        for json in actions {
            self.take(&json, None);
        }
    }

    /// The end of an object outside of fences.
    fn object(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(json) => self.take(&json, Some(text)),
            Err(_) => self.text.push_str(text),
        }
    }

    fn take(&mut self, json: &Json, written: Option<&str>) {
        match action_of(json) {
            Some(action) => {
                self.flush();
                self.pieces.push(Piece::Action(action));
            }
            None => self.text.push_str(&written.map_or_else(|| json.to_string(), str::to_owned)),
        }
    }
}

/// Whether a text is the beginning of a label, or a whole one.
fn label(text: &str) -> Option<bool> {
    let is_begun = |label: &str| label.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text));
    LABELS.iter().find(|label| is_begun(label)).map(|label| label.len() == text.len())
}

/// The JSON of a block, behind the name of its language.
fn actions_in(block: &str) -> Vec<Json> {
    let text = block.trim();
    let body = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'));
    match serde_json::from_str(body.trim()) {
        Ok(Json::Array(items)) => items,
        Ok(json @ Json::Object(_)) => vec![json],
        _ => Vec::new(),
    }
}

/// The action of an object, or of a list with one.
fn action_of(json: &Json) -> Option<Action> {
    let fields: &Map<String, Json> = match json {
        Json::Object(fields) => fields,
        Json::Array(items) => match items.as_slice() {
            [Json::Object(fields)] => fields,
            _ => return None,
        },
        _ => return None,
    };
    let (mut name, mut input) = (None, None);
    for (key, value) in fields {
        if key.to_lowercase().contains("input") {
            input = Some(value.clone());
        } else {
            name = Some(value);
        }
    }
    let name = match name? {
        Json::String(name) => name.clone(),
        Json::Null => return None,
        other => other.to_string(),
    };
    Some(Action { name, input: input?, json: json.clone() })
}
