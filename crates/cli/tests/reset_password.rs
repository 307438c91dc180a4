//! `oxidify reset-password`: what it says where it cannot help. That it lets somebody in again is a test of a journey.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::{path::Path, process::Command};

/// Exit code and standard error.
fn reset(home: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("OXIDIFY_HOME", home);
    let output = command.arg("reset-password").args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_place_without_data_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let (code, said) = reset(home.path(), &["--email", "mara@halden.eu"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("there is no database at") && said.contains("OXIDIFY_HOME"), "{said}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is made");
    assert_eq!(reset(home.path(), &[]).0, 2, "the address is needed");
}
