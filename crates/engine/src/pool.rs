//! The variable pool: a persistent two-level map, so that a snapshot costs nothing.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use ox_types::Value;

/// Number of parts the first level is split into; a change copies one part at most.
const SHARDS: usize = 16;

type Variables = IndexMap<String, Value>;
type Shard = Vec<(Arc<str>, Arc<Variables>)>;

/// Variables by node id (or `sys`, `env`, `conversation`, `rag`) and name.
///
/// Cloning is a snapshot: it costs one reference count, and later changes of either side copy only
/// the small part they touch.
#[derive(Clone)]
pub struct Pool {
    shards: Arc<[Arc<Shard>; SHARDS]>,
}

impl Default for Pool {
    fn default() -> Self {
        Self { shards: Arc::new(std::array::from_fn(|_| Arc::default())) }
    }
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value at a selector: node id, name, then object keys or a file attribute. A stored null
    /// is found; a missing variable, a selector of fewer than two parts or an index into an array
    /// is not.
    #[must_use]
    pub fn get<S: AsRef<str>>(&self, selector: &[S]) -> Option<Value> {
        let [node, name, path @ ..] = selector else { return None };
        let value = self.node(node.as_ref())?.get(name.as_ref())?;
        if path.is_empty() { Some(value.clone()) } else { value.walk(path) }
    }

    /// Whether something is found at a selector.
    #[must_use]
    pub fn contains<S: AsRef<str>>(&self, selector: &[S]) -> bool {
        self.get(selector).is_some()
    }

    /// The variables of one node, in the order in which they were set.
    #[must_use]
    pub fn node(&self, node: &str) -> Option<&IndexMap<String, Value>> {
        let shard = self.shard(node);
        let at = find(shard, node).ok()?;
        shard.get(at).map(|(_, variables)| &**variables)
    }

    /// The ids that have variables, with their variables; in no order that means anything.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &IndexMap<String, Value>)> {
        self.shards.iter().flat_map(|shard| shard.iter().map(|(node, variables)| (&**node, &**variables)))
    }

    /// Sets one variable.
    pub fn set(&mut self, node: &str, name: &str, value: impl Into<Value>) {
        self.edit(node, |variables| {
            variables.insert(name.to_owned(), value.into());
        });
    }

    /// Sets many variables of one node.
    pub fn set_all(&mut self, node: &str, values: impl IntoIterator<Item = (String, Value)>) {
        self.edit(node, |variables| variables.extend(values));
    }

    /// Removes all variables of a node.
    pub fn remove_node(&mut self, node: &str) {
        if let Ok(at) = find(self.shard(node), node)
            && let Some(shard) = self.shard_mut(node)
        {
            shard.remove(at);
        }
    }

    /// Takes all variables of a node from another pool; both share them then.
    pub fn copy_node(&mut self, node: &str, from: &Self) {
        let source = from.shard(node);
        let Some((id, variables)) = find(source, node).ok().and_then(|at| source.get(at)) else { return };
        let (id, variables) = (Arc::clone(id), Arc::clone(variables));
        let at = find(self.shard(node), node);
        let Some(shard) = self.shard_mut(node) else { return };
        match at {
            Ok(at) => {
                if let Some(entry) = shard.get_mut(at) {
                    entry.1 = variables;
                }
            }
            Err(at) => shard.insert(at, (id, variables)),
        }
    }

    fn edit(&mut self, node: &str, change: impl FnOnce(&mut Variables)) {
        let at = find(self.shard(node), node);
        let Some(shard) = self.shard_mut(node) else { return };
        let at = at.unwrap_or_else(|at| {
            shard.insert(at, (Arc::from(node), Arc::default()));
            at
        });
        if let Some((_, variables)) = shard.get_mut(at) {
            change(Arc::make_mut(variables));
        }
    }

    fn shard(&self, node: &str) -> &Shard {
        static NONE: Shard = Vec::new();
        self.shards.get(shard_of(node)).map_or(&NONE, |shard| shard)
    }

    fn shard_mut(&mut self, node: &str) -> Option<&mut Shard> {
        Arc::make_mut(&mut self.shards).get_mut(shard_of(node)).map(Arc::make_mut)
    }
}

fn shard_of(node: &str) -> usize {
    // FNV-1a: ids are short and differ in their last characters.
    let hash = node
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ((hash >> 32) ^ hash) as usize % SHARDS
}

fn find(shard: &Shard, node: &str) -> Result<usize, usize> {
    shard.binary_search_by(|(id, _)| (**id).cmp(node))
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nodes: Vec<_> = self.nodes().collect();
        nodes.sort_by_key(|(node, _)| *node);
        f.debug_map().entries(nodes).finish()
    }
}

impl PartialEq for Pool {
    fn eq(&self, other: &Self) -> bool {
        self.nodes().count() == other.nodes().count()
            && self.nodes().all(|(node, variables)| other.node(node) == Some(variables))
    }
}

#[cfg(test)]
mod tests;
