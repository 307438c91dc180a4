//! New documents from old ones: changes that keep a document a document.

use serde_json::{Map, Value as Json};

use crate::mutate::Mutator;

/// Larger pieces are not copied into another place.
const MAX_PIECE: usize = 400;

impl Mutator {
    /// Changes one place of a document.
    pub fn change_tree(&mut self, tree: &mut Json, other: &Json) {
        let own = self.piece(tree);
        let theirs = self.piece(other);
        let path = self.place(tree);
        let Some(place) = at(tree, &path) else { return };
        match self.below(13) {
            0 => *place = self.scalar(),
            // A reference that points elsewhere, a value where another sort is expected.
            1 | 2 => *place = own,
            3 | 4 => *place = theirs,
            5 => self.remove(place),
            6 | 7 => {
                let piece = if self.below(2) == 0 { own } else { theirs };
                self.insert(place, piece, other);
            }
            8 => self.repeat(place),
            9 => self.wrap(place),
            10 => retype(place),
            _ => self.change_text(tree, other),
        }
    }

    /// A random node, root included.
    fn place(&mut self, tree: &Json) -> Vec<usize> {
        let mut at = self.below(count(tree));
        let mut path = Vec::new();
        let mut node = tree;
        while at > 0 {
            at -= 1;
            let mut next = None;
            for (index, child) in children(node).enumerate() {
                let size = count(child);
                if at < size {
                    next = Some((index, child));
                    break;
                }
                at -= size;
            }
            let Some((index, child)) = next else { break };
            path.push(index);
            node = child;
        }
        path
    }

    fn piece(&mut self, tree: &Json) -> Json {
        for _ in 0..4 {
            let path = self.place(tree);
            let mut node = tree;
            for &index in &path {
                let Some(child) = children(node).nth(index) else { break };
                node = child;
            }
            if count(node) <= MAX_PIECE {
                return node.clone();
            }
        }
        Json::Null
    }

    fn scalar(&mut self) -> Json {
        match self.below(8) {
            0 => Json::Null,
            1 => Json::Bool(self.below(2) == 0),
            2 => Json::Array(Vec::new()),
            3 => Json::Object(Map::new()),
            4 | 5 => {
                let text = self.number();
                serde_json::from_str(text).unwrap_or_else(|_| Json::from(text))
            }
            _ => Json::from(self.word().1),
        }
    }

    /// Key and value of a word of the target: of `type: end`, `"key": "size"`, or twice the same.
    fn word(&mut self) -> (String, String) {
        let word = self.any_word();
        let (key, value) = word.split_once(": ").unwrap_or((word, word));
        let plain = |text: &str| text.trim().trim_matches(['"', '\'', ':']).to_owned();
        (plain(key), plain(value))
    }

    fn key(&mut self, other: &Json) -> String {
        if self.below(3) == 0 {
            return self.word().0;
        }
        for _ in 0..8 {
            let path = self.place(other);
            let mut node = other;
            for &index in &path {
                let Some(child) = children(node).nth(index) else { break };
                node = child;
            }
            if let Json::Object(fields) = node
                && let Some(key) = fields.keys().nth(self.below(fields.len()))
            {
                return key.clone();
            }
        }
        self.word().0
    }

    fn remove(&mut self, place: &mut Json) {
        match place {
            Json::Array(items) if !items.is_empty() => {
                let index = self.below(items.len());
                items.remove(index);
            }
            Json::Object(fields) => {
                let Some(key) = fields.keys().nth(self.below(fields.len())).cloned() else { return };
                fields.remove(&key);
            }
            other => *other = Json::Null,
        }
    }

    fn insert(&mut self, place: &mut Json, piece: Json, other: &Json) {
        match place {
            Json::Array(items) => {
                let index = self.below(items.len() + 1);
                items.insert(index, piece);
            }
            Json::Object(fields) => {
                let key = self.key(other);
                fields.insert(key, piece);
            }
            scalar => *scalar = piece,
        }
    }

    fn repeat(&mut self, place: &mut Json) {
        let times = if self.below(40) == 0 { self.below(1000) } else { 1 + self.below(4) };
        match place {
            Json::Array(items) if !items.is_empty() => {
                let index = self.below(items.len());
                let Some(item) = items.get(index).cloned() else { return };
                let times = times.min(20_000 / count(&item).max(1));
                items.extend(std::iter::repeat_n(item, times));
            }
            Json::Object(fields) => {
                let Some(key) = fields.keys().nth(self.below(fields.len())).cloned() else { return };
                if let Some(value) = fields.remove(&key) {
                    let key = self.word().0;
                    fields.insert(key, value);
                }
            }
            Json::String(text) => *text = text.repeat(times.min(20_000 / text.len().max(1))),
            _ => {}
        }
    }

    fn wrap(&mut self, place: &mut Json) {
        let depth = if self.below(6) == 0 { 50 + self.below(100) } else { 1 };
        let sort = self.below(3);
        for level in 0..depth {
            let inner = place.take();
            *place = match (sort, level % 2) {
                (0, _) | (2, 0) => Json::Array(vec![inner]),
                _ => Json::Object(Map::from_iter([("a".to_owned(), inner)])),
            };
        }
    }

    /// Changes a text inside the document as if it were an input of its own.
    fn change_text(&mut self, tree: &mut Json, other: &Json) {
        for _ in 0..16 {
            let path = self.place(tree);
            let Some(Json::String(text)) = at(tree, &path) else { continue };
            let mut bytes = std::mem::take(text).into_bytes();
            let theirs = self.piece(other);
            self.change(&mut bytes, theirs.as_str().unwrap_or_default().as_bytes());
            *text = String::from_utf8_lossy(&bytes).into_owned();
            return;
        }
    }
}

fn retype(place: &mut Json) {
    *place = match place.take() {
        Json::Null => Json::from(""),
        Json::Bool(value) => Json::from(if value { "true" } else { "false" }),
        Json::Number(number) => Json::from(number.to_string()),
        Json::String(text) => match serde_json::from_str::<Json>(&text) {
            Ok(json) => json,
            Err(_) => Json::Array(vec![Json::from(text)]),
        },
        Json::Array(items) => Json::Object(
            items.into_iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect::<Map<_, _>>(),
        ),
        Json::Object(fields) => Json::Array(fields.into_iter().map(|(_, value)| value).collect()),
    };
}

fn children(node: &Json) -> Box<dyn Iterator<Item = &Json> + '_> {
    match node {
        Json::Array(items) => Box::new(items.iter()),
        Json::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// Nodes of a document.
pub fn count(node: &Json) -> usize {
    1 + children(node).map(count).sum::<usize>()
}

fn at<'a>(tree: &'a mut Json, path: &[usize]) -> Option<&'a mut Json> {
    let mut node = tree;
    for &index in path {
        node = match node {
            Json::Array(items) => items.get_mut(index)?,
            Json::Object(fields) => fields.values_mut().nth(index)?,
            _ => return None,
        };
    }
    Some(node)
}
