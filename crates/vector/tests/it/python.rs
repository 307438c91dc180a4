//! Servers that come as Python packages.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// Names a Python that has the packages.
const VARIABLE: &str = "OXIDIFY_TEST_STORES_PYTHON";

/// A server that ends with this value.
pub struct Server {
    child: Child,
    /// What the script printed first.
    pub said: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The script ends its server when nobody writes to it any more.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs a script that prints how its server is reached; `None` (and a message) where a package is missing.
pub fn start(package: &str, script: &str) -> Option<Server> {
    let home = std::env::var("HOME").unwrap_or_default();
    let python = std::env::var(VARIABLE).unwrap_or_else(|_| {
        let cached = format!("{home}/.cache/oxidify/stores/py/bin/python");
        if std::path::Path::new(&cached).exists() { cached } else { "python3".to_owned() }
    });
    let known = Command::new(&python)
        .args(["-c", &format!("import importlib.util as u, sys; sys.exit(u.find_spec('{package}') is None)")])
        .status();
    if !known.is_ok_and(|status| status.success()) {
        eprintln!("skipped: install the Python package {package}, or name a Python that has it in {VARIABLE}");
        return None;
    }
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let said = said.trim().to_owned();
    assert!(!said.is_empty(), "the server of {package} did not start");
    Some(Server { child, said })
}
