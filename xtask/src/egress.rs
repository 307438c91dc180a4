//! The egress rule: crate `net` is the only way out of the process. No other crate of ours depends on a client, no crate
//! of the whole tree is a client, and no shipped line opens a connection, looks a name up or starts a program.

mod graph;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use serde_json::Value;

/// Names that leave the process, or can be made to.
const CALLS: &[&str] = &[
    // sockets
    "TcpStream",
    "TcpSocket",
    "UdpSocket",
    "UnixDatagram",
    "UnixStream::connect",
    "UnixStream as",
    "socket2",
    "net::*",
    "libc::socket",
    "libc::connect",
    "libc::sendto",
    "libc::sendmsg",
    "libc::SYS_connect",
    "rustix::net",
    "sys::socket",
    // names
    "lookup_host",
    "to_socket_addrs",
    "ToSocketAddrs",
    "getaddrinfo",
    "gethostbyname",
    // clients
    "hyper::client",
    "hyper_util::client",
    "hyper_util as",
    "hyper as",
    "reqwest",
    "ureq",
    "lettre",
    "AsyncSmtpTransport",
    "SmtpTransport",
    "connect_tokio1",
    "tonic",
    "SmtpConnection::connect(",
    // other programs: curl, git, pip
    "Command::new",
    "Command as",
    "process::*",
    "libc::exec",
    "libc::posix_spawn",
];

/// Where such a call is meant: file, the call, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("crates/mail/", "lettre", "the protocol only; ox_net makes the connection"),
    ("crates/net/", "", "the way out itself"),
    ("crates/sandbox/src/child.rs", "Command::new", "the interpreter inside the confinement"),
    (
        "crates/sandbox/src/companion.rs",
        "Command::new",
        "a program that the operator allows as an MCP server; docs/operations.md says what it may",
    ),
    ("crates/sandbox/src/filter.rs", "libc::SYS_connect", "the call that is filtered"),
    ("crates/sandbox/src/python/drive.rs", "libc::SYS_connect", "the call that is named when it was refused"),
    ("crates/sandbox/src/filter.rs", "libc::socket", "the call that is filtered"),
    ("crates/sandbox/src/network.rs", "TcpStream", "connections to this process's own proxy"),
    ("crates/sandbox/src/packages.rs", "Command::new", "pip, for the operator's list of packages"),
    ("crates/sandbox/src/process.rs", "Command::new", "this program, confined"),
    ("crates/sandbox/src/python/connect.rs", "TcpStream", "connections to this process's own proxy"),
    ("crates/sandbox/src/python/setup.rs", "Command::new", "the interpreter, asked for its own paths"),
    ("crates/sandbox/src/python/zygote.rs", "sys::socket", "descriptors passed to the confined child"),
    ("crates/sandbox/src/sys.rs", "sys::socket", "descriptors passed to the confined child"),
    ("crates/sandbox/src/sys.rs", "UdpSocket", "the confined child's own address; nothing is sent"),
];

/// Members of the workspace that are never part of the program.
const NEVER_SHIPPED: &[&str] = &["bench", "fuzz", "ox-testkit", "xtask"];

/// Reads manifests, the tree of crates and sources, and fails on a second way out.
pub fn check() -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let root = PathBuf::from(metadata["workspace_root"].as_str().context("workspace_root")?);
    let mut problems = graph::check(&metadata, NEVER_SHIPPED)?;
    let members: Vec<&str> =
        metadata["workspace_members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for package in metadata["packages"].as_array().context("packages")? {
        let is_ours = package["id"].as_str().is_some_and(|id| members.contains(&id));
        let name = package["name"].as_str().unwrap_or_default();
        let Some(manifest) = package["manifest_path"].as_str().map(Path::new).filter(|_| is_ours) else { continue };
        if NEVER_SHIPPED.contains(&name) {
            continue;
        }
        let mut files = Vec::new();
        sources(&manifest.with_file_name("src"), &mut files)?;
        files.extend(Some(manifest.with_file_name("build.rs")).filter(|script| script.exists()));
        for file in files {
            if source::is_test(&file) {
                continue;
            }
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
        if path.is_dir() {
            sources(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The lines of a file that leave the process; its tests are not shipped.
fn calls_of(file: &str, text: &str) -> Vec<String> {
    let shipped = source::shipped(text);
    let mut found = Vec::new();
    for call in CALLS {
        let meant = |(path, known, _): &(&str, &str, &str)| file.starts_with(path) && call.starts_with(known);
        if EXCEPTIONS.iter().any(meant) {
            continue;
        }
        found.extend(shipped.lines_with(call).into_iter().map(|line| format!("{file}:{line}: {call}: use ox_net")));
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
        let app = "crates/app/src/x.rs";
        for (file, text, expected) in [
            (app, "let s = TcpStream::connect(a).await?;", 1),
            (app, "// TcpStream::connect would be wrong", 0),
            (app, "/* TcpStream\n TcpStream */ let a = \"TcpStream\";", 0),
            (app, "use tokio::net::TcpStream as Pipe;\nlet a = Pipe::connect(b);", 1),
            (app, "let s = std::net::\n    TcpStream\n    ::connect(a);", 1),
            (app, "use tokio::net::*;", 1),
            (app, "use std :: net :: * ;", 1),
            (app, "use reqwest::Client;\nlet a = tokio::net::lookup_host(h);", 2),
            (app, "let a = (\"x.test\", 80).to_socket_addrs()?;", 1),
            (app, "std::net::UdpSocket::bind(a)?.send_to(b, c)", 1),
            (app, "let out = Command::new(\"curl\").arg(url).output();", 1),
            (app, "use std::process::Command as Run;\nRun::new(\"pip\");", 1),
            (app, "unsafe { libc::connect(fd, address, length) };", 1),
            (app, "hyper_util::client::legacy::Client::builder(e)", 1),
            (app, "use lettre::Message;", 1),
            ("crates/mail/src/smtp.rs", "use lettre::Message;", 0),
            ("crates/mail/src/smtp.rs", "lettre::AsyncSmtpTransport::<Tokio1Executor>::relay(host)", 1),
            ("crates/net/src/dial.rs", "TcpStream::connect(address)", 0),
            ("crates/mail/src/smtp.rs", "AsyncSmtpTransport::<Tokio1Executor>::relay(host)", 1),
            ("crates/mail/src/smtp.rs", "AsyncSmtpConnection::connect_tokio1(server, None)", 1),
            ("crates/mail/src/smtp.rs", "AsyncSmtpConnection::connect_with_transport(line, &hello)", 0),
            ("crates/sandbox/src/sys.rs", "UdpSocket::bind(a)", 0),
            ("crates/sandbox/src/sys.rs", "TcpStream::connect(a)", 1),
            (app, "fn a() {}\n#[cfg(test)]\nmod tests {\n TcpStream::connect(a);\n}", 0),
            // What follows the tests is shipped.
            (app, "#[cfg(test)]\nmod tests {\n fn x() { let a = '}'; }\n}\nfn b() { TcpStream::connect(a); }", 1),
            (app, "#[cfg(test)]\nmod tests;\nfn b() { TcpStream::connect(a); }", 1),
            (app, "#[cfg(not(test))]\nfn b() { TcpStream::connect(a); }", 1),
            (app, "#[cfg(test)]\n#[path = \"x\"]\nfn b() -> u8 { TcpStream::connect(a) }\nfn c() {}", 0),
            (app, "let a = r#\"\" TcpStream \"#; let b: &'static str = \"}\";", 0),
        ] {
            let found = calls_of(file, text);
            assert_eq!(found.len(), expected, "{file}: {text}: {found:?}");
        }
    }
}
