//! Answers that are kept to be given again: to the same request, and to one that means the same.
//!
//! A request is the same when everything of it is that an answer can depend on: model, messages, tools, settings, form
//! of the answer; neither who asks nor whether the answer is streamed. The key of a request begins with its workspace,
//! so no answer is ever found by another. What is kept is bounded in bytes, for each workspace and altogether; what was
//! not asked for longest goes first, and of several workspaces that which holds most.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ox_models::{ChatDelta, ChatRequest, CompletionRequest, ContentPart, MediaSource, Role, Usage};
use ox_types::{Json, TenantId};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// The longest answer that is kept.
const LONGEST: usize = 512 * 1024;
/// Pieces of text are put together up to this length.
const PIECE: usize = 48;
/// What a piece takes beside its texts.
const PIECE_COST: usize = size_of::<ChatDelta>();
/// What an entry takes beside its answer.
const ENTRY_COST: usize = 512;
/// Questions that are compared by meaning with one another.
const MOST_ALIKE: usize = 512;

/// A request, as far as an answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// A request in its parts: what is asked last, and all the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    whole: Json,
    /// The text of the last message of a user, where it is nothing but text and the last of all.
    pub last: Option<String>,
    rest: Option<Json>,
}

impl Question {
    /// Of a chat; `None` when its answer depends on more than the request: what is behind an address may change.
    #[must_use]
    pub fn of_chat(request: &ChatRequest) -> Option<Self> {
        let parts = || request.messages.iter().flat_map(|message| &message.content);
        let is_behind_address = |part: &ContentPart| match part {
            ContentPart::Text { .. } => false,
            ContentPart::Image(media)
            | ContentPart::Audio(media)
            | ContentPart::Video(media)
            | ContentPart::Document(media) => matches!(media.source, MediaSource::Url(_)),
        };
        if parts().any(is_behind_address) {
            return None;
        }
        let with = |messages: Json| {
            json!({"chat": messages, "tools": request.tools, "tool_choice": request.tool_choice,
                "response_format": request.response_format, "parameters": request.parameters, "stop": request.stop})
        };
        let messages = serde_json::to_value(&request.messages).ok()?;
        let last = request.messages.last().filter(|message| {
            let is_text = message.content.iter().all(|part| matches!(part, ContentPart::Text { .. }));
            message.role == Role::User && is_text && !message.plain_text().trim().is_empty()
        });
        let last = last.map(ox_models::Message::plain_text);
        let rest = last.as_ref().and_then(|_| {
            let mut before = messages.as_array()?.clone();
            before.pop();
            Some(with(Json::Array(before)))
        });
        Some(Self { whole: with(messages), last, rest })
    }

    /// Of a text that is gone on with.
    #[must_use]
    pub fn of_completion(request: &CompletionRequest) -> Self {
        let with = |prompt: Json| json!({"completion": prompt, "parameters": request.parameters, "stop": request.stop});
        let last = Some(request.prompt.clone()).filter(|prompt| !prompt.trim().is_empty());
        Self { whole: with(request.prompt.as_str().into()), rest: last.as_ref().map(|_| with(Json::Null)), last }
    }

    /// The key of the whole request.
    #[must_use]
    pub fn key(&self, tenant: TenantId, epoch: u64, model: &str) -> Key {
        key(tenant, epoch, &[model], &self.whole)
    }

    /// The key of all but what is asked last, for questions that a model of vectors compares.
    #[must_use]
    pub fn rest_key(&self, tenant: TenantId, epoch: u64, model: &str, vectors: &str) -> Option<Key> {
        Some(key(tenant, epoch, &[model, vectors], self.rest.as_ref()?))
    }
}

fn key(tenant: TenantId, epoch: u64, names: &[&str], body: &Json) -> Key {
    let mut digest = Sha256::new();
    digest.update(tenant.0.as_bytes());
    digest.update(epoch.to_be_bytes());
    for name in names {
        text(&mut digest, name);
    }
    canonical(&mut digest, body);
    Key(digest.finalize().into())
}

fn text(digest: &mut Sha256, text: &str) {
    digest.update(b"s");
    digest.update(text.len().to_be_bytes());
    digest.update(text.as_bytes());
}

/// The same for values that mean the same: keys in any order, numbers in any spelling.
fn canonical(digest: &mut Sha256, value: &Json) {
    match value {
        Json::Null => digest.update(b"n"),
        Json::Bool(true) => digest.update(b"t"),
        Json::Bool(false) => digest.update(b"f"),
        Json::Number(number) => {
            digest.update(b"d");
            text(digest, &number.as_f64().unwrap_or_default().to_string());
            // Whole numbers that no fraction holds exactly.
            if let Some(whole) = number.as_i64().filter(|whole| whole.unsigned_abs() >= 1 << 53) {
                digest.update(whole.to_be_bytes());
            }
        }
        Json::String(string) => text(digest, string),
        Json::Array(list) => {
            digest.update(b"[");
            digest.update(list.len().to_be_bytes());
            list.iter().for_each(|each| canonical(digest, each));
        }
        Json::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            digest.update(b"{");
            digest.update(fields.len().to_be_bytes());
            for (name, each) in fields {
                text(digest, name);
                canonical(digest, each);
            }
        }
    }
}

/// A whole answer and what it used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub pieces: Vec<ChatDelta>,
    pub usage: Usage,
}

impl Answer {
    fn size(&self) -> usize {
        ENTRY_COST + self.pieces.iter().map(cost).sum::<usize>()
    }
}

fn cost(piece: &ChatDelta) -> usize {
    let calls = piece.tool_calls.iter().map(|call| size_of_val(call) + call.arguments.len() + 64).sum::<usize>();
    let opaque = piece.opaque.as_ref().map_or(0, |opaque| opaque.to_string().len() * 2);
    PIECE_COST + piece.text.len() + piece.reasoning.len() + calls + opaque
}

/// An answer while it comes.
#[derive(Debug, Default)]
pub struct Recording {
    answer: Answer,
    size: usize,
    has_usage: bool,
}

impl Recording {
    /// Takes a piece.
    pub fn push(&mut self, piece: &ChatDelta) {
        if let Some(usage) = &piece.usage {
            self.answer.usage.clone_from(usage);
            self.has_usage = true;
        }
        if self.size > LONGEST {
            return;
        }
        self.size += cost(piece);
        if self.size > LONGEST {
            self.answer.pieces = Vec::new();
            return;
        }
        if let Some(last) = self.answer.pieces.last_mut().filter(|last| is_plain(last) && is_plain(piece))
            && last.text.len() < PIECE
        {
            last.text.push_str(&piece.text);
            return;
        }
        self.answer.pieces.push(ChatDelta { usage: None, ..piece.clone() });
    }

    /// The answer, when it is one that may be given again: whole, not too long, and not cut by a filter.
    #[must_use]
    pub fn whole(self) -> Option<Answer> {
        let says = |piece: &ChatDelta| !piece.text.is_empty() || !piece.tool_calls.is_empty();
        let is_filtered =
            self.answer.pieces.iter().any(|piece| piece.finish_reason.as_deref() == Some("content_filter"));
        let is_good = self.has_usage && !is_filtered && self.answer.pieces.iter().any(says);
        is_good.then_some(self.answer)
    }
}

/// Nothing but text.
fn is_plain(piece: &ChatDelta) -> bool {
    piece.reasoning.is_empty() && piece.tool_calls.is_empty() && piece.finish_reason.is_none() && piece.opaque.is_none()
}

/// What a question means, among those that are the same but for it.
#[derive(Clone, Debug)]
pub struct Meaning {
    pub rest: Key,
    pub vector: Arc<[f32]>,
}

/// What is kept of a workspace in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub answers: usize,
    pub bytes: usize,
}

/// The answers of all workspaces in this process.
#[derive(Debug)]
pub struct Answers {
    store: Mutex<Store>,
    most: usize,
}

#[derive(Debug, Default)]
struct Store {
    entries: HashMap<Key, Entry>,
    workspaces: HashMap<TenantId, Workspace>,
    alike: HashMap<Key, Vec<Key>>,
    bytes: usize,
    tick: u64,
}

#[derive(Debug, Default)]
struct Workspace {
    bytes: usize,
    /// By when they were asked for last.
    order: BTreeMap<u64, Key>,
}

#[derive(Debug)]
struct Entry {
    tenant: TenantId,
    answer: Arc<Answer>,
    meaning: Option<Meaning>,
    size: usize,
    tick: u64,
    at: Instant,
}

impl Answers {
    /// Up to so many bytes altogether.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { store: Mutex::default(), most }
    }

    /// The answer to a request, if it is not older than that.
    #[must_use]
    pub fn find(&self, key: &Key, oldest: Duration, now: Instant) -> Option<Arc<Answer>> {
        self.lock().find(key, oldest, now)
    }

    /// The answer to the question that is most alike, and how alike it is.
    #[must_use]
    pub fn nearest(
        &self,
        meaning: &Meaning,
        threshold: f64,
        oldest: Duration,
        now: Instant,
    ) -> Option<(Arc<Answer>, f64)> {
        let known: Vec<(Key, Arc<[f32]>)> = {
            let store = self.lock();
            let keys = store.alike.get(&meaning.rest)?;
            let of = |key: &Key| Some((*key, Arc::clone(&store.entries.get(key)?.meaning.as_ref()?.vector)));
            keys.iter().filter_map(of).collect()
        };
        let likeness = known.into_iter().map(|(key, vector)| (key, cosine(&vector, &meaning.vector)));
        let (key, best) = likeness.max_by(|one, other| one.1.total_cmp(&other.1))?;
        if best < threshold {
            return None;
        }
        Some((self.lock().find(&key, oldest, now)?, best))
    }

    /// Keeps an answer of a workspace, which may hold `most` bytes.
    pub fn keep(
        &self,
        tenant: TenantId,
        key: Key,
        answer: Answer,
        meaning: Option<Meaning>,
        most: usize,
        now: Instant,
    ) {
        let vector = meaning.as_ref().map_or(0, |meaning| size_of_val(&*meaning.vector));
        let size = answer.size() + vector;
        if size > most.min(self.most) {
            return;
        }
        let mut store = self.lock();
        store.remove(&key);
        store.insert(key, Entry { tenant, answer: Arc::new(answer), meaning, size, tick: 0, at: now });
        while store.workspaces.get(&tenant).is_some_and(|held| held.bytes > most) && store.drop_oldest(tenant) {}
        while store.bytes > self.most {
            let Some(largest) = store.largest() else { break };
            if !store.drop_oldest(largest) {
                break;
            }
        }
    }

    /// Drops everything of a workspace; tells what there was.
    pub fn purge(&self, tenant: TenantId) -> Held {
        let mut store = self.lock();
        let held = store.held(tenant);
        while store.drop_oldest(tenant) {}
        held
    }

    /// What is kept of a workspace.
    #[must_use]
    pub fn held(&self, tenant: TenantId) -> Held {
        self.lock().held(tenant)
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn find(&mut self, key: &Key, oldest: Duration, now: Instant) -> Option<Arc<Answer>> {
        let entry = self.entries.get_mut(key)?;
        if now.saturating_duration_since(entry.at) > oldest {
            self.remove(key);
            return None;
        }
        self.tick += 1;
        let before = std::mem::replace(&mut entry.tick, self.tick);
        if let Some(workspace) = self.workspaces.get_mut(&entry.tenant) {
            workspace.order.remove(&before);
            workspace.order.insert(self.tick, *key);
        }
        Some(Arc::clone(&entry.answer))
    }

    fn insert(&mut self, key: Key, mut entry: Entry) {
        self.tick += 1;
        entry.tick = self.tick;
        let workspace = self.workspaces.entry(entry.tenant).or_default();
        workspace.bytes += entry.size;
        workspace.order.insert(self.tick, key);
        self.bytes += entry.size;
        let rest = entry.meaning.as_ref().map(|meaning| meaning.rest);
        self.entries.insert(key, entry);
        if let Some(rest) = rest {
            let alike = self.alike.entry(rest).or_default();
            alike.push(key);
            if let Some(first) = alike.first().copied().filter(|_| alike.len() > MOST_ALIKE) {
                self.remove(&first);
            }
        }
    }

    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.entries.remove(key) else { return };
        self.bytes = self.bytes.saturating_sub(entry.size);
        if let Some(workspace) = self.workspaces.get_mut(&entry.tenant) {
            workspace.bytes = workspace.bytes.saturating_sub(entry.size);
            workspace.order.remove(&entry.tick);
            if workspace.order.is_empty() {
                self.workspaces.remove(&entry.tenant);
            }
        }
        if let Some(meaning) = entry.meaning
            && let Some(alike) = self.alike.get_mut(&meaning.rest)
        {
            alike.retain(|one| one != key);
            if alike.is_empty() {
                self.alike.remove(&meaning.rest);
            }
        }
    }

    fn drop_oldest(&mut self, tenant: TenantId) -> bool {
        let oldest = self.workspaces.get(&tenant).and_then(|held| held.order.first_key_value());
        let Some(key) = oldest.map(|(_, key)| *key) else { return false };
        self.remove(&key);
        true
    }

    fn largest(&self) -> Option<TenantId> {
        self.workspaces.iter().max_by_key(|(_, held)| held.bytes).map(|(tenant, _)| *tenant)
    }

    fn held(&self, tenant: TenantId) -> Held {
        let held = self.workspaces.get(&tenant);
        held.map_or_else(Held::default, |held| Held { answers: held.order.len(), bytes: held.bytes })
    }
}

/// How alike two vectors are; 0 where they cannot be compared.
fn cosine(one: &[f32], other: &[f32]) -> f64 {
    if one.len() != other.len() {
        return 0.0;
    }
    let (mut dot, mut left, mut right) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        dot += a * b;
        left += a * a;
        right += b * b;
    }
    let length = (left * right).sqrt();
    if length > 0.0 { dot / length } else { 0.0 }
}

#[cfg(test)]
mod tests;
