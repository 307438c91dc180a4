//! States of nodes and edges in one frame (engine reference §3.1).

use ox_dsl::graph::Graph;

/// What is known of a node in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NodeState {
    #[default]
    Unknown,
    /// Waits in the ready queue or runs.
    Ready,
    Taken,
    Skipped,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    state: NodeState,
    /// Incoming edges of which nothing is known yet.
    unknown: u32,
    taken: u32,
}

/// The states of all nodes in a frame. Edge states are kept as counts at the node they enter.
#[derive(Clone, Debug)]
pub(crate) struct FrameState {
    slots: Vec<Slot>,
}

impl FrameState {
    pub fn new(graph: &Graph) -> Self {
        let unknown = |node| u32::try_from(graph.incoming(node).len()).unwrap_or(u32::MAX);
        let slots = (0..graph.nodes.len()).map(|node| Slot { unknown: unknown(node), ..Slot::default() }).collect();
        Self { slots }
    }

    pub fn get(&self, node: usize) -> NodeState {
        self.slots.get(node).map_or(NodeState::Unknown, |slot| slot.state)
    }

    pub fn set(&mut self, node: usize, state: NodeState) {
        if let Some(slot) = self.slots.get_mut(node) {
            slot.state = state;
        }
    }

    /// Marks an edge as taken; its target is added to `ready` when this was the last one it waited for.
    pub fn take_edge(&mut self, graph: &Graph, edge: usize, ready: &mut Vec<usize>) {
        if let Some(target) = graph.edges.get(edge).map(|edge| edge.target) {
            self.resolve(target, true, ready);
        }
    }

    /// Marks an edge as skipped and everything that is dead by that, depth first in edge order.
    /// Returns whether a node was skipped.
    pub fn skip_edge(&mut self, graph: &Graph, edge: usize, ready: &mut Vec<usize>) -> bool {
        let mut any = false;
        let mut open = vec![edge];
        while let Some(edge) = open.pop() {
            let Some(target) = graph.edges.get(edge).map(|edge| edge.target) else { continue };
            if self.resolve(target, false, ready) {
                any = true;
                open.extend(graph.outgoing(target).iter().rev());
            }
        }
        any
    }

    /// Counts an incoming edge; returns whether the node is skipped by it.
    fn resolve(&mut self, node: usize, taken: bool, ready: &mut Vec<usize>) -> bool {
        let Some(slot) = self.slots.get_mut(node) else { return false };
        slot.unknown = slot.unknown.saturating_sub(1);
        slot.taken += u32::from(taken);
        // A node runs once per frame, also when an edge leads back to it.
        if slot.state != NodeState::Unknown || slot.unknown > 0 {
            return false;
        }
        if slot.taken > 0 {
            slot.state = NodeState::Ready;
            ready.push(node);
            return false;
        }
        slot.state = NodeState::Skipped;
        true
    }
}
