//! Decides what of the response nodes' text may be shown now (engine reference §6).
//!
//! Pure: told what happens in its frame, it answers with the pieces that become visible by it.

mod plan;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use ox_dsl::graph::Graph;
pub(crate) use plan::StreamPlan;
use plan::{Part, SessionPlan};

use crate::{
    Pool, Selector,
    state::{FrameState, NodeState},
};

/// A piece of the answer that becomes visible.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    /// The node it is attributed to: the one that made it, or the response node.
    pub node: usize,
    pub selector: Selector,
    pub text: String,
    pub is_final: bool,
}

/// What the coordinator reads of its frame.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub graph: &'a Graph,
    pub pool: &'a Pool,
    pub state: &'a FrameState,
}

/// Sessions of the response nodes of one frame.
pub(crate) struct Coordinator {
    plan: Arc<StreamPlan>,
    sessions: Vec<Session>,
    active: Option<usize>,
    waiting: VecDeque<usize>,
    /// Position in the active session: part, and chunk of the stream that part shows.
    part: usize,
    chunk: usize,
    buffers: Vec<Buffer>,
    buffered: usize,
    /// Edges taken; kept only while a session is held back.
    taken: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Session {
    Held,
    Reached,
    Done,
}

/// The stream of one variable that some response node reads.
#[derive(Default)]
struct Buffer {
    chunks: Vec<(String, bool)>,
    /// Something has come, shown and dropped or kept.
    begun: bool,
    /// Nothing more comes.
    closed: bool,
    /// Parts that have not been shown yet.
    readers: usize,
}

impl Coordinator {
    pub fn new(plan: &Arc<StreamPlan>) -> Self {
        let held_back = plan.sessions.iter().any(|session| !session.free);
        Self {
            sessions: vec![Session::Held; plan.sessions.len()],
            active: None,
            waiting: VecDeque::new(),
            part: 0,
            chunk: 0,
            buffers: plan.readers.iter().map(|&readers| Buffer { readers, ..Buffer::default() }).collect(),
            buffered: 0,
            taken: vec![false; if held_back { plan.edges } else { 0 }],
            plan: Arc::clone(plan),
        }
    }

    /// Whether nothing can ever be shown.
    pub fn is_idle(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Bytes of text held back.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// The frame begins: sessions that nothing holds back are reached.
    pub fn start(&mut self, view: View<'_>, shown: &mut Vec<Piece>) {
        for index in 0..self.sessions.len() {
            if self.plan.sessions.get(index).is_some_and(|session| session.free) {
                self.reach(index, view, shown);
            }
        }
    }

    /// An edge is taken: sessions it held back may be reached.
    pub fn edge_taken(&mut self, edge: usize, view: View<'_>, shown: &mut Vec<Piece>) {
        let Some(taken) = self.taken.get_mut(edge) else { return };
        *taken = true;
        let plan = Arc::clone(&self.plan);
        for (index, session) in plan.sessions.iter().enumerate() {
            let is_held = self.sessions.get(index) == Some(&Session::Held);
            if is_held && session.is_blocking(edge) && session.is_reachable(view.graph, plan.root, &self.taken) {
                self.reach(index, view, shown);
            }
        }
    }

    /// A node has ended: its streams are closed and its variables are in the pool.
    pub fn node_finished(&mut self, node: usize, view: View<'_>, shown: &mut Vec<Piece>) {
        for key in self.plan.keys_of(node) {
            if let Some(buffer) = self.buffers.get_mut(key) {
                // Without any chunk the value in the pool answers.
                buffer.closed |= buffer.begun;
            }
        }
        self.flush(view, shown);
    }

    /// A node streams text.
    pub fn chunk(
        &mut self,
        node: usize,
        name: &str,
        text: String,
        is_final: bool,
        view: View<'_>,
        shown: &mut Vec<Piece>,
    ) {
        let Some(key) = self.plan.key(node, name) else { return };
        let awaited = self.awaits(key);
        let Some(buffer) = self.buffers.get_mut(key) else { return };
        if buffer.readers == 0 {
            return;
        }
        buffer.begun = true;
        buffer.closed |= is_final;
        if awaited && buffer.readers == 1 && self.chunk == buffer.chunks.len() {
            // Nobody will read it again: pass it on without keeping it.
            let selector =
                vec![view.graph.nodes.get(node).map(|node| node.id.clone()).unwrap_or_default(), name.into()];
            shown.push(Piece { node, selector, text, is_final });
        } else {
            self.buffered += text.len();
            buffer.chunks.push((text, is_final));
        }
        self.flush(view, shown);
    }

    /// Whether the reasoning of a node is shown: a reached, unfinished session reads it or its text.
    pub fn shows_reasoning(&self, node: usize, view: View<'_>) -> bool {
        view.state.get(node) != NodeState::Skipped
            && self.plan.sessions.iter().zip(&self.sessions).any(|(plan, session)| {
                *session == Session::Reached
                    && plan.parts.iter().any(|part| match part {
                        Part::Variable { selector, source: Some(source), .. } => {
                            *source == node
                                && matches!(selector.get(1).map(String::as_str), Some("text" | "reasoning_content"))
                        }
                        _ => false,
                    })
            })
    }

    /// Shows everything of the active session that can be shown, then of the next one.
    pub fn flush(&mut self, view: View<'_>, shown: &mut Vec<Piece>) {
        let plan = Arc::clone(&self.plan);
        while let Some(active) = self.active {
            let Some(session) = plan.sessions.get(active) else { return };
            while let Some(part) = session.parts.get(self.part) {
                if !self.show(session, part, view, shown) {
                    return;
                }
                self.leave(part);
                self.part += 1;
                self.chunk = 0;
            }
            if let Some(session) = self.sessions.get_mut(active) {
                *session = Session::Done;
            }
            self.active = self.waiting.pop_front();
            self.part = 0;
        }
    }

    fn reach(&mut self, session: usize, view: View<'_>, shown: &mut Vec<Piece>) {
        match self.sessions.get_mut(session) {
            Some(state @ Session::Held) => *state = Session::Reached,
            _ => return,
        }
        if self.active.is_some() {
            self.waiting.push_back(session);
        } else {
            self.active = Some(session);
            self.part = 0;
            self.chunk = 0;
            self.flush(view, shown);
        }
    }

    /// Whether the current part of the active session shows this stream.
    fn awaits(&self, key: usize) -> bool {
        let part = self.active.and_then(|active| self.plan.sessions.get(active)?.parts.get(self.part));
        matches!(part, Some(Part::Variable { key: Some(shown), .. }) if *shown == key)
    }

    /// Shows what there is of a part; returns whether it is complete.
    fn show(&mut self, session: &SessionPlan, part: &Part, view: View<'_>, shown: &mut Vec<Piece>) -> bool {
        let (selector, source, key) = match part {
            Part::Text(text) => {
                let is_final = self.part + 1 == session.parts.len();
                let selector = session.text_selector.clone();
                shown.push(Piece { node: session.node, selector, text: text.clone(), is_final });
                return true;
            }
            Part::Variable { selector, source, key } => (selector, *source, *key),
        };
        if source.is_some_and(|source| view.state.get(source) == NodeState::Skipped) {
            return true;
        }
        let node = source.unwrap_or(session.node);
        if let Some(buffer) = key.and_then(|key| self.buffers.get(key)) {
            for (text, is_final) in buffer.chunks.iter().skip(self.chunk) {
                self.chunk += 1;
                shown.push(Piece { node, selector: selector.clone(), text: text.clone(), is_final: *is_final });
                if *is_final {
                    return true;
                }
            }
            if buffer.begun {
                return buffer.closed;
            }
        }
        let Some(value) = view.pool.get(selector) else { return false };
        shown.push(Piece { node, selector: selector.clone(), text: value.markdown(), is_final: true });
        true
    }

    /// A part is complete: its stream is dropped when nobody else reads it.
    fn leave(&mut self, part: &Part) {
        let Part::Variable { key: Some(key), .. } = part else { return };
        let Some(buffer) = self.buffers.get_mut(*key) else { return };
        buffer.readers = buffer.readers.saturating_sub(1);
        if buffer.readers == 0 {
            self.buffered -= buffer.chunks.drain(..).map(|(text, _)| text.len()).sum::<usize>().min(self.buffered);
        }
    }
}
