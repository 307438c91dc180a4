//! Nodes that wait for each other.

use super::Graph;

impl Graph {
    /// The circles of the graph: sets of nodes (indexes in file order) of which none can ever run, because each
    /// waits for another one.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<usize>> {
        // Strongly connected components, found without recursion.
        let mut found = Vec::new();
        let mut placed = vec![false; self.nodes.len()];
        for &root in self.finishing_order().iter().rev() {
            let mut members = Vec::new();
            let mut stack = vec![root];
            while let Some(node) = stack.pop() {
                let Some(mark) = placed.get_mut(node).filter(|mark| !**mark) else { continue };
                *mark = true;
                members.push(node);
                stack.extend(self.in_edges(node).map(|(_, edge)| edge.source));
            }
            let own_edge = |node: usize| self.out_edges(node).any(|(_, edge)| edge.target == node);
            if members.len() > 1 || (members.len() == 1 && own_edge(root)) {
                members.sort_unstable();
                found.push(members);
            }
        }
        found
    }

    fn finishing_order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut seen = vec![false; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mut stack = vec![(start, 0)];
            while let Some((node, next)) = stack.pop() {
                if next == 0 {
                    match seen.get_mut(node) {
                        Some(flag) if !*flag => *flag = true,
                        _ => continue,
                    }
                }
                match self.outgoing(node).get(next).and_then(|&edge| self.edges.get(edge)) {
                    Some(edge) => {
                        stack.push((node, next + 1));
                        stack.push((edge.target, 0));
                    }
                    None => order.push(node),
                }
            }
        }
        order
    }
}
