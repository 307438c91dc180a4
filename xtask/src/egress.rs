//! The egress rule: crate `net` is the only way out of the process. Outside of it no crate depends on an HTTP client and
//! no shipped line opens a connection or looks a name up.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use serde_json::Value;

/// Crates that can go out by themselves, and the only ones of ours that may depend on each.
const CLIENTS: &[(&str, &[&str])] = &[
    ("async-nats", &[]),
    ("attohttpc", &[]),
    ("aws-config", &[]),
    ("awc", &[]),
    ("curl", &[]),
    ("hickory-resolver", &[]),
    ("hyper-rustls", &["net"]),
    ("hyper-tls", &[]),
    ("isahc", &[]),
    // Speaks SMTP over connections of net; CALLS keeps it from dialling by itself.
    ("lettre", &["mail"]),
    ("native-tls", &[]),
    ("opendal", &[]),
    ("redis", &["kv"]),
    ("reqwest", &["net"]),
    ("surf", &[]),
    ("tokio-rustls", &["net"]),
    ("tokio-tungstenite", &[]),
    ("tonic", &[]),
    ("ureq", &[]),
    // Database drivers dial what the operator set in DB_*.
    ("sqlx", &["db"]),
    ("sea-orm", &["db"]),
    ("sea-orm-migration", &["db"]),
];

/// Calls that leave the process.
const CALLS: &[&str] = &[
    "TcpStream::connect",
    "TcpSocket::",
    "UdpSocket::",
    "lookup_host",
    "to_socket_addrs",
    "ToSocketAddrs",
    "hyper::client",
    "hyper_util::client",
    "reqwest::",
    "SmtpTransport",
    "connect_tokio1",
    "SmtpConnection::connect(",
];

/// Where such a call is meant: file, the call, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("crates/net/", "", "the way out itself"),
    ("crates/sandbox/src/sys.rs", "UdpSocket::", "the confined child's own address; nothing is sent"),
    ("crates/testkit/", "", "never shipped"),
];

/// Reads manifests and sources and fails on a second way out.
pub fn check() -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO")).args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let root = PathBuf::from(metadata["workspace_root"].as_str().context("workspace_root")?);
    let mut problems = Vec::new();
    for package in metadata["packages"].as_array().context("packages")? {
        let Some(name) = package["name"].as_str().and_then(|name| name.strip_prefix("ox-")) else { continue };
        let shipped = package["dependencies"].as_array().into_iter().flatten().filter(|dep| dep["kind"] != "dev");
        for dependency in shipped.filter_map(|dep| dep["name"].as_str()) {
            let client = CLIENTS.iter().find(|(client, _)| *client == dependency);
            if name != "testkit" && client.is_some_and(|(_, allowed)| !allowed.contains(&name)) {
                problems.push(format!("{name} depends on {dependency}, which can go out by itself: use ox_net"));
            }
        }
        let Some(manifest) = package["manifest_path"].as_str().map(Path::new) else { continue };
        let mut files = Vec::new();
        sources(&manifest.with_file_name("src"), &mut files)?;
        for file in files {
            let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            problems.extend(calls_of(&shown, &text));
        }
    }
    if !problems.is_empty() {
        bail!("a way out beside crate net:\n  {}", problems.join("\n  "));
    }
    println_egress();
    Ok(())
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "tests" {
                sources(&path, files)?;
            }
        } else if name.ends_with(".rs") && !matches!(name, "tests.rs" | "testing.rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The lines of a file that leave the process; its tests at the end are not shipped.
fn calls_of(file: &str, text: &str) -> Vec<String> {
    let shipped = text.find("#[cfg(test)]\nmod tests {").and_then(|end| text.get(..end)).unwrap_or(text);
    let mut found = Vec::new();
    for (number, line) in shipped.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        for call in CALLS.iter().filter(|call| line.contains(**call)) {
            let meant = EXCEPTIONS.iter().any(|(path, known, _)| file.starts_with(path) && call.starts_with(known));
            if !meant {
                found.push(format!("{file}:{}: {call}: use ox_net", number + 1));
            }
        }
    }
    found
}

#[expect(clippy::print_stdout, reason = "a command-line tool")]
fn println_egress() {
    println!("egress: crate net is the only way out");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_way_out_is_found() {
        for (file, text, expected) in [
            ("crates/app/src/x.rs", "let s = TcpStream::connect(a).await?;", 1),
            ("crates/app/src/x.rs", "// TcpStream::connect would be wrong", 0),
            ("crates/app/src/x.rs", "use reqwest::Client;\nlet a = tokio::net::lookup_host(h);", 2),
            ("crates/net/src/dial.rs", "TcpStream::connect(address)", 0),
            ("crates/mail/src/smtp.rs", "AsyncSmtpTransport::<Tokio1Executor>::relay(host)", 1),
            ("crates/mail/src/smtp.rs", "AsyncSmtpConnection::connect_tokio1(server, None)", 1),
            ("crates/mail/src/smtp.rs", "AsyncSmtpConnection::connect_with_transport(line, &hello)", 0),
            ("crates/sandbox/src/sys.rs", "UdpSocket::bind(a)", 0),
            ("crates/sandbox/src/sys.rs", "TcpStream::connect(a)", 1),
            ("crates/app/src/x.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n TcpStream::connect(a);\n}", 0),
        ] {
            assert_eq!(calls_of(file, text).len(), expected, "{file}: {text}");
        }
    }
}
