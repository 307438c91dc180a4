//! Which walls stand around code on this machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a confined process found out about itself. A missing layer carries the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// Own user, mount, process, network, IPC and name namespaces; nothing of the host's files in sight.
    pub namespaces: Wall,
    /// Version of landlock, 0 where there is none.
    pub landlock: u32,
    pub seccomp: Wall,
    /// Another user than the server's.
    pub own_user: bool,
    /// Code can reach the network, through the egress proxy only.
    pub network: bool,
}

/// One layer: up, or missing for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wall {
    Up,
    Missing(String),
}

impl Default for Wall {
    fn default() -> Self {
        Self::Missing("not tried".into())
    }
}

impl Wall {
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self == Self::Up
    }
}

/// How strong the layers are together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Too little to run the code of people one does not trust.
    Weak,
    /// Landlock and a system call filter.
    Filtered,
    /// Namespaces and a system call filter, with landlock where the kernel has it.
    Isolated,
}

impl Layers {
    /// The level these layers make.
    #[must_use]
    pub fn level(&self) -> Level {
        match (self.seccomp.is_up(), self.namespaces.is_up(), self.landlock > 0) {
            (true, true, _) => Level::Isolated,
            (true, false, true) => Level::Filtered,
            _ => Level::Weak,
        }
    }

    /// What is missing, one line each.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Wall::Missing(why) = &self.namespaces {
            lines.push(format!("namespaces ({why})"));
        }
        if self.landlock == 0 {
            lines.push("landlock (the kernel has none, or it is off)".to_owned());
        }
        if let Wall::Missing(why) = &self.seccomp {
            lines.push(format!("system call filter ({why})"));
        }
        lines
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut up = Vec::new();
        if self.namespaces.is_up() {
            up.push("namespaces".to_owned());
        }
        if self.landlock > 0 {
            up.push(format!("landlock {}", self.landlock));
        }
        if self.seccomp.is_up() {
            up.push("seccomp".to_owned());
        }
        if self.own_user {
            up.push("own user".to_owned());
        }
        if self.network {
            up.push("network by the egress proxy".to_owned());
        }
        out.write_str(&if up.is_empty() { "nothing".to_owned() } else { up.join(", ") })
    }
}

/// Layers to leave out, for tests of what happens where the kernel lacks them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Without {
    pub namespaces: bool,
    pub landlock: bool,
    pub seccomp: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_the_layers() {
        let up = Layers { namespaces: Wall::Up, landlock: 7, seccomp: Wall::Up, own_user: true, network: false };
        let why = || Wall::Missing("no".into());
        for (layers, level, missing) in [
            (up.clone(), Level::Isolated, 0),
            (Layers { landlock: 0, ..up.clone() }, Level::Isolated, 1),
            (Layers { namespaces: why(), ..up.clone() }, Level::Filtered, 1),
            (Layers { namespaces: why(), landlock: 0, ..up.clone() }, Level::Weak, 2),
            (Layers { seccomp: why(), ..up.clone() }, Level::Weak, 1),
        ] {
            assert_eq!((layers.level(), layers.missing().len()), (level, missing), "{layers}");
        }
        assert_eq!(up.to_string(), "namespaces, landlock 7, seccomp, own user");
    }
}
