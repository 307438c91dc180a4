//! Attempts to get out of the sandbox. Each act is first shown to work outside, by the same interpreter, so that its
//! failure inside means something; an act that does not work outside on this machine is printed as not shown.

#![allow(clippy::unwrap_used, reason = "the scene of the tests")]

mod support;

use std::{
    collections::BTreeMap,
    io::Write,
    os::{linux::net::SocketAddrExt, unix::net::UnixListener},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use ox_net::{Egress, Policy};
use ox_sandbox::{Language, Local, Network};
use serde_json::{Value as Json, json};
use support::{javascript, run, strengths, strengths_of};
use tokio::task::JoinSet;

const ATTEMPTS: &str = include_str!("escape/attempts.py");
/// Every attempt counts once for each strength of the sandbox; so many must have worked outside.
const FEWEST: usize = 60;
/// Does one act by name and tells how it went.
const SEARCH: &str = "\ndef main(name, p):\n    try:\n        return {'did': str(globals()['a_' + name](p))[:200]}\n    \
    except BaseException as error:\n        return {'refused': (type(error).__name__ + ': ' + str(error))[:200]}\n";

fn names() -> Vec<&'static str> {
    let found = ATTEMPTS.lines().filter_map(|line| line.strip_prefix("def a_")?.split_once('(').map(|(name, _)| name));
    found.collect()
}

fn calls() -> BTreeMap<&'static str, i64> {
    macro_rules! numbers {
        ($($name:ident = $number:ident),+ $(,)?) => { BTreeMap::from([$((stringify!($name), libc::$number)),+]) };
    }
    let mut calls = numbers! {
        unshare = SYS_unshare, setns = SYS_setns, open_tree = SYS_open_tree, fsopen = SYS_fsopen,
        name_to_handle_at = SYS_name_to_handle_at, personality = SYS_personality, seccomp = SYS_seccomp,
        capset = SYS_capset, clone = SYS_clone, clone3 = SYS_clone3, execveat = SYS_execveat, tkill = SYS_tkill,
        tgkill = SYS_tgkill, rt_sigqueueinfo = SYS_rt_sigqueueinfo, pidfd_open = SYS_pidfd_open, ptrace = SYS_ptrace,
        process_vm_readv = SYS_process_vm_readv, kcmp = SYS_kcmp, io_uring_setup = SYS_io_uring_setup,
        userfaultfd = SYS_userfaultfd, bpf = SYS_bpf, perf_event_open = SYS_perf_event_open, keyctl = SYS_keyctl,
        add_key = SYS_add_key, memfd_create = SYS_memfd_create, shmget = SYS_shmget, msgget = SYS_msgget,
        mq_open = SYS_mq_open, adjtimex = SYS_adjtimex, syslog = SYS_syslog,
    };
    #[cfg(target_arch = "x86_64")]
    calls.insert("iopl", libc::SYS_iopl);
    calls.entry("iopl").or_insert(-1);
    calls
}

/// Runs an act outside, as the user of this test.
fn outside(name: &str, facts: &Json) -> Result<String, String> {
    let code =
        format!("{ATTEMPTS}{SEARCH}\nimport json\nname, p = json.load(sys.stdin)\nprint(json.dumps(main(name, p)))\n");
    let mut command = Command::new("python3");
    command.args(["-c", &code]).env("OXIDIFY_ESCAPE_SECRET", "yes");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let told = json!([name, facts]).to_string();
    child.stdin.take().unwrap().write_all(told.as_bytes()).map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    let result: Json = serde_json::from_str(last)
        .map_err(|_| format!("{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr)))?;
    match result["did"].as_str() {
        Some(did) => Ok(did.to_owned()),
        None => Err(result["refused"].to_string()),
    }
}

struct Scene {
    facts: Json,
    victim: std::process::Child,
    _folder: tempfile::TempDir,
    _listeners: (std::net::TcpListener, UnixListener, UnixListener),
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let victim = Command::new("sleep").arg("600").spawn().unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let greeting = tcp.try_clone().unwrap();
    std::thread::spawn(move || {
        for stream in greeting.incoming().flatten() {
            std::thread::spawn(move || greet(stream));
        }
    });
    let path = folder.path().join("socket");
    let unix = UnixListener::bind(&path).unwrap();
    let name = format!("oxidify-escape-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
    let hidden = UnixListener::bind_addr(&address).unwrap();
    let facts = json!({
        "secret": secret, "folder": folder.path(), "scratch": folder.path(), "program": std::env::current_exe().unwrap(),
        "server": std::process::id(), "victim": victim.id(), "address": stack_of(victim.id()),
        "port": tcp.local_addr().unwrap().port(), "unix": path, "abstract": name, "calls": calls(), "first": true,
    });
    Scene { facts, victim, _folder: folder, _listeners: (tcp, unix, hidden) }
}

/// Says that somebody got here.
fn greet(mut stream: std::net::TcpStream) {
    let _ = stream.write_all(b"HTTP/1.0 200 outside\r\n\r\noutside");
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(std::time::Duration::from_secs(1)));
    let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
}

/// An address in the victim's memory that can be read.
fn stack_of(pid: u32) -> u64 {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let line = maps.lines().next().unwrap_or_default();
    line.split('-').next().and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(4096)
}

/// The facts as they look inside: scratch space is the run's own, if it has any.
fn inside(facts: &Json, first: bool) -> Json {
    let mut facts = facts.clone();
    facts["scratch"] = json!("/tmp");
    facts["first"] = json!(first);
    facts
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_out_of_python() {
    let names = names();
    let scene = scene();
    let mut shown = 0;
    let mut not_shown = Vec::new();
    for name in &names {
        let mut facts = scene.facts.clone();
        if name.starts_with("other_") {
            let _ = outside(name, &facts);
            facts["first"] = json!(false);
        }
        match outside(name, &facts) {
            Ok(_) => shown += 1,
            Err(why) => not_shown.push(format!("{name}: {why}")),
        }
    }
    println!("{shown} of {} acts work outside", names.len());
    for line in &not_shown {
        println!("NOT SHOWN outside on this machine: {line}");
    }
    let network = Network::new(Egress::new(Policy::default()), Arc::new(|_| {}));
    let connected = strengths_of(support::settings(), Some(network)).await;
    let connected = connected.into_iter().map(|(strength, sandbox)| (format!("{strength}, network"), sandbox));
    let closed = strengths().await.into_iter().map(|(strength, sandbox)| (strength.to_owned(), sandbox));
    for (strength, sandbox) in closed.chain(connected) {
        let sandbox = &Arc::new(sandbox);
        let mut attempts = JoinSet::new();
        for name in names.iter().copied() {
            let (sandbox, first, second) =
                (Arc::clone(sandbox), inside(&scene.facts, true), inside(&scene.facts, false));
            attempts.spawn(async move {
                if name.starts_with("other_") {
                    let _ = attempt(&sandbox, name, &first).await;
                }
                attempt(&sandbox, name, &second).await.map(|did| format!("{name}: {did}"))
            });
        }
        let escapes: Vec<String> = attempts.join_all().await.into_iter().flatten().collect();
        assert_eq!(escapes, Vec::<String>::new(), "{strength}");
        let healthy = run(sandbox, Language::Python3, "def main(): return {'ok': 1}", &json!({})).await;
        assert_eq!(healthy, Ok(json!({"ok": 1})), "{strength}");
    }
    assert!(names.len() >= FEWEST + 10, "{}", names.len());
    if nix_is_root() {
        assert!(shown >= FEWEST, "{shown} acts were shown to work outside: {not_shown:#?}");
    } else {
        println!("SKIPPED the count of shown acts: many of them need root outside");
    }
    assert!(Path::new(scene.facts["secret"].as_str().unwrap()).exists());
}

fn nix_is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

/// What the act did, when it worked.
async fn attempt(sandbox: &Local, name: &str, facts: &Json) -> Option<String> {
    let code = format!("{ATTEMPTS}{SEARCH}");
    match run(sandbox, Language::Python3, &code, &json!({"name": name, "p": facts})).await {
        Ok(result) => result["did"].as_str().map(str::to_owned),
        Err(error) => {
            let text = error.to_string();
            // A killed or refused run is no escape; a sandbox that cannot run is no proof.
            assert!(!text.contains("runner failed") && !text.contains("is off"), "{name}: {text}");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_out_of_javascript() {
    let scene = scene();
    let secret = scene.facts["secret"].as_str().unwrap();
    let acts = [
        ("files", format!("require('fs').readFileSync('{secret}', 'utf8')")),
        ("variables", "process.env.OXIDIFY_ESCAPE_SECRET".to_owned()),
        ("constructor", "this.constructor.constructor('return process')().pid".to_owned()),
        ("arrow", "(() => {}).constructor('return process')().pid".to_owned()),
        ("processes", "require('child_process').execSync('echo hi').toString()".to_owned()),
        ("network", "typeof fetch === 'function' ? 'fetch' : null".to_owned()),
        ("native code", "typeof WebAssembly === 'object' ? 'wasm' : null".to_owned()),
        ("timers", "typeof setTimeout === 'function' ? 'timer' : null".to_owned()),
        ("bindings", "Object.keys(process.binding('fs')).length".to_owned()),
        ("global", "globalThis.process.cwd()".to_owned()),
    ];
    let node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !node {
        println!("SKIPPED the proof outside: node is not installed");
    }
    for (name, act) in &acts {
        if node {
            let script =
                format!("function main() {{ return {{did: {act}}} }}\nconsole.log(JSON.stringify(main().did))");
            let output =
                Command::new("node").args(["-e", &script]).env("OXIDIFY_ESCAPE_SECRET", "yes").output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.trim() != "null", "{name} does not work outside: {text}");
        }
    }
    for (strength, sandbox) in strengths().await {
        for (name, act) in &acts {
            let result = javascript(&sandbox, &format!("function main() {{ return {{did: {act}}} }}")).await;
            let did = result.as_ref().ok().and_then(|result| result.get("did")).filter(|did| !did.is_null());
            assert_eq!(did, None, "{strength}: {name}: {result:?}");
        }
    }
}
