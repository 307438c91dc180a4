//! `MODE=sandbox` as a compatible platform calls it: the real program over HTTP on this machine. The expected answers
//! are those of the contract in the reference; whether another platform or service is content with them is not shown
//! by tests of ours against ours.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test helpers"
)]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const KEY: &str = "dify-sandbox";

struct Service {
    child: Child,
    port: u16,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The service, or why this machine cannot run it.
fn start(home: &Path, settings: &[(&str, &str)]) -> Result<Service, String> {
    start_by(Command::new(env!("CARGO_BIN_EXE_oxidify")), home, settings)
}

fn start_by(mut command: Command, home: &Path, settings: &[(&str, &str)]) -> Result<Service, String> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "SOCKS5_PROXY", "PYTHON_PATH", "PIP_MIRROR_URL", "API_KEY"] {
        command.env_remove(name);
    }
    command.env("MODE", "sandbox").env("HOST", "127.0.0.1").env("SANDBOX_PORT", port.to_string());
    command.env("OXIDIFY_HOME", home).current_dir(home).env("WORKER_TIMEOUT", "2").envs(settings.iter().copied());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut service = Service { child, port };
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() || call(port, "GET", "/health", None, "").0 != 200 {
        if service.child.try_wait().unwrap().is_some() {
            let mut said = String::new();
            service.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
            service.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            return Err(said);
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the service did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(service)
}

/// The service; `None` where this machine cannot confine code.
fn service(home: &Path, settings: &[(&str, &str)]) -> Option<Service> {
    match start(home, settings) {
        Ok(service) => Some(service),
        Err(said) if said.contains("no language can run here") => {
            println!("SKIPPED: this machine cannot confine code: {said}");
            None
        }
        Err(said) => panic!("{said}"),
    }
}

/// Status and body.
fn call(port: u16, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String) {
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return (0, String::new()) };
    stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
    let key = key.map_or_else(String::new, |key| format!("X-Api-Key: {key}\r\n"));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n{key}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    (status, body.to_owned())
}

fn ask(service: &Service, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, body) = call(service.port, method, &format!("/v1/sandbox/{path}"), Some(KEY), body);
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status} {body}")))
}

fn run(service: &Service, language: &str, code: &str) -> (u16, Value) {
    let body = json!({"language": language, "code": code, "preload": "", "enable_network": true});
    ask(service, "POST", "run", &body.to_string())
}

/// A server of one fixed set of pages.
fn pages(pages: Vec<(&'static str, Vec<u8>)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|size| size == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (status, body) =
                pages.iter().find(|(known, _)| *known == path).map_or((404, &[][..]), |(_, b)| (200, b));
            let kind = if path.ends_with(".whl") { "application/octet-stream" } else { "text/html" };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    port
}

#[test]
fn the_contract_of_the_compatible_service() {
    let home = tempfile::tempdir().unwrap();
    let Some(service) = service(home.path(), &[("OXIDIFY_SANDBOX_OUTPUT_KB", "100")]) else { return };
    assert_eq!(call(service.port, "GET", "/health", None, ""), (200, "\"ok\"".to_owned()));
    for key in [None, Some("wrong")] {
        assert_eq!(call(service.port, "POST", "/v1/sandbox/run", key, "{}"), (401, String::new()));
    }
    for (language, code, stdout, error, exit_code) in [
        (
            "python3",
            "import json\nprint('<<RESULT>>' + json.dumps({'r': 1}) + '<<RESULT>>')",
            "<<RESULT>>{\"r\": 1}<<RESULT>>\n",
            "",
            0,
        ),
        ("python3", "import sys\nprint('x', file=sys.stderr)", "", "", 0),
        ("python3", "print('é😀')", "é😀\n", "", 0),
        ("python3", "def f(:", "", "SyntaxError", 1),
        ("python3", "1 / 0", "", "process exited with code 1\nTraceback", 1),
        ("python3", "import sys; sys.exit(7)", "", "process exited with code 7", 7),
        ("python3", "while True: pass", "", "process exited with code -1\nerror: timeout", -1),
        ("python3", "x = bytearray(1 << 32)", "", "MemoryError", 1),
        (
            "python3",
            "import os; os.fork()",
            "",
            "operation not permitted: the sandbox refused the system call clone",
            1,
        ),
        (
            "nodejs",
            "function main(a) { return {r: a.x + 1} }\nvar i = JSON.parse(Buffer.from('eyJ4IjoxfQ==', 'base64').toString('utf-8'))\nconsole.log('<<RESULT>>' + JSON.stringify(main(i)) + '<<RESULT>>')",
            "<<RESULT>>{\"r\":2}<<RESULT>>\n",
            "",
            0,
        ),
        ("nodejs", "throw new Error('boom')", "", "Error: boom", 1),
        ("nodejs", "for (;;) {}", "", "error: timeout", -1),
    ] {
        let (status, answer) = run(&service, language, code);
        assert_eq!(
            (status, &answer["code"], &answer["message"]),
            (200, &json!(0), &json!("success")),
            "{code}: {answer}"
        );
        let data = &answer["data"];
        assert_eq!((&data["stdout"], &data["exit_code"]), (&json!(stdout), &json!(exit_code)), "{code}: {answer}");
        let got = data["error"].as_str().unwrap();
        assert!(if error.is_empty() { got.is_empty() } else { got.contains(error) }, "{code}: {answer}");
    }
    let (_, answer) = run(&service, "python3", "print('x' * 200000)");
    assert!(answer["data"]["error"].as_str().unwrap().contains("printed more than 102400 bytes"), "{answer}");
    let (status, answer) = ask(&service, "POST", "run", "language=python3&code=print(1%2B1)&enable_network=true");
    assert_eq!((status, &answer["data"]["stdout"]), (200, &json!("2\n")));
    for (body, status) in
        [("{\"language\": \"ruby\", \"code\": \"\"}", 400), ("{\"language\": \"python3\"}", 200), ("{", 200)]
    {
        let (got, answer) = ask(&service, "POST", "run", body);
        assert_eq!((got, &answer["code"], answer["message"].is_string()), (status, &json!(-400), true), "{answer}");
    }
}

#[test]
fn more_requests_than_places_are_turned_away() {
    let home = tempfile::tempdir().unwrap();
    let Some(service) = service(home.path(), &[("MAX_REQUESTS", "1")]) else { return };
    let port = service.port;
    let body = json!({"language": "python3", "code": "import time; time.sleep(1.5)"}).to_string();
    let first = std::thread::spawn(move || call(port, "POST", "/v1/sandbox/run", Some(KEY), &body));
    std::thread::sleep(Duration::from_millis(500));
    let (status, answer) = run(&service, "python3", "print(1)");
    assert_eq!((status, &answer["code"], &answer["message"]), (503, &json!(-503), &json!("Too many requests")));
    assert_eq!(first.join().unwrap().0, 200);
    assert_eq!(run(&service, "python3", "print(1)").1["data"]["stdout"], "1\n");
}

#[test]
fn a_known_key_is_refused_on_open_addresses_and_a_closed_network_is_said() {
    let home = tempfile::tempdir().unwrap();
    let said = start(home.path(), &[("HOST", "0.0.0.0")]).err().unwrap_or_default();
    assert!(said.contains("SANDBOX_API_KEY"), "{said}");
    let Some(service) = service(home.path(), &[("ENABLE_NETWORK", "false")]) else { return };
    let (status, answer) = run(&service, "python3", "print(1)");
    let expected = json!("network is disabled, please enable it in the configuration");
    assert_eq!((status, &answer["code"], &answer["message"]), (200, &json!(-400), &expected));
    let (_, answer) = ask(&service, "POST", "run", &json!({"language": "python3", "code": "print(1)"}).to_string());
    assert_eq!(answer["data"]["stdout"], "1\n");
}

#[test]
fn the_network_is_the_egress_policy() {
    let port = pages(vec![("/hello", b"hello".to_vec())]);
    let home = tempfile::tempdir().unwrap();
    let Some(service) = service(home.path(), &[("SSRF_PROXY_ALLOW_PRIVATE_IPS", "127.0.0.1")]) else { return };
    let code = format!("import urllib.request as u\nprint(u.urlopen('http://127.0.0.1:{port}/hello').read())");
    assert_eq!(run(&service, "python3", &code).1["data"]["stdout"], "b'hello'\n");
    for (code, expected) in [
        ("import urllib.request as u\nu.urlopen('http://169.254.169.254/')", "Request blocked by SSRF proxy"),
        ("import urllib.request as u\nu.urlopen('http://10.0.0.5/')", "http://10.0.0.5/ (private_ip)"),
        (
            "import socket\nsocket.create_connection(('10.0.0.5', 5432), 2)",
            "refused the system call connect to 10.0.0.5:5432",
        ),
        (
            &format!("import urllib.request as u\nu.urlopen('http://127.0.0.1:{}/health')", service.port),
            "(own_service)",
        ),
    ] {
        let (_, answer) = run(&service, "python3", code);
        assert!(answer["data"]["error"].as_str().unwrap().contains(expected), "{code}: {answer}");
    }
}

#[test]
fn an_operators_proxy_takes_the_calls() {
    // Answers as a proxy would: the whole address is the path.
    let port = pages(vec![("http://somewhere.test/a", b"through the proxy".to_vec())]);
    let home = tempfile::tempdir().unwrap();
    let Some(service) = service(home.path(), &[("HTTP_PROXY", &format!("http://127.0.0.1:{port}"))]) else { return };
    let code = "import urllib.request as u\nprint(u.urlopen('http://somewhere.test/a').read())";
    assert_eq!(run(&service, "python3", code).1["data"]["stdout"], "b'through the proxy'\n");
}

#[test]
fn the_settings_file_of_the_compatible_service_counts() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("conf")).unwrap();
    let all_but_uname: Vec<String> = (0..500).filter(|number| *number != libc_uname()).map(|n| n.to_string()).collect();
    let text = format!(
        "app:\n  key: from-the-file\nmax_requests: 5\nenable_network: false\nallowed_syscalls: [{}]\n",
        all_but_uname.join(", ")
    );
    std::fs::write(home.path().join("conf/config.yaml"), text).unwrap();
    let Some(service) = service(home.path(), &[]) else { return };
    let ask = |code: &str| {
        let body = json!({"language": "python3", "code": code}).to_string();
        let (status, body) = call(service.port, "POST", "/v1/sandbox/run", Some("from-the-file"), &body);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    assert_eq!(call(service.port, "POST", "/v1/sandbox/run", Some(KEY), "{}").0, 401);
    assert_eq!(ask("import json, threading, tempfile\nprint(1)")["data"]["stdout"], "1\n");
    let refused = ask("import os\nprint(os.uname())");
    let expected = format!("the sandbox refused the system call number {}", libc_uname());
    assert!(refused["data"]["error"].as_str().unwrap().contains(&expected), "{refused}");
    // What is denied anyway is not opened by a list.
    let fork = ask("import os\nprint(os.fork())");
    assert!(fork["data"]["error"].as_str().unwrap().contains("system call clone"), "{fork}");
}

const fn libc_uname() -> i64 {
    if cfg!(target_arch = "x86_64") { 63 } else { 160 }
}

/// A package of one module, as an index serves it.
const WHEEL: &str = "import sys, zipfile\n\
with zipfile.ZipFile(sys.argv[1], 'w') as z:\n    \
z.writestr('oxtiny.py', 'word = \"installed\"\\n')\n    \
z.writestr('oxtiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: oxtiny\\nVersion: 1.0\\n')\n    \
z.writestr('oxtiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n    \
z.writestr('oxtiny-1.0.dist-info/RECORD', 'oxtiny.py,,\\noxtiny-1.0.dist-info/METADATA,,\\noxtiny-1.0.dist-info/WHEEL,,\\noxtiny-1.0.dist-info/RECORD,,\\n')\n";

#[test]
fn dependencies_are_installed_and_listed() {
    let pip = Command::new("python3").args(["-I", "-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: python3 has no pip");
        return;
    }
    // Runs have a `/tmp` of their own, which hides what the machine has there.
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let wheel = home.path().join("oxtiny-1.0-py3-none-any.whl");
    assert!(Command::new("python3").args(["-c", WHEEL]).arg(&wheel).status().unwrap().success());
    let link = b"<a href=\"/oxtiny-1.0-py3-none-any.whl\">oxtiny-1.0-py3-none-any.whl</a>".to_vec();
    let index =
        pages(vec![("/simple/oxtiny/", link), ("/oxtiny-1.0-py3-none-any.whl", std::fs::read(&wheel).unwrap())]);
    let mirror = format!("http://127.0.0.1:{index}/simple");
    let lists = home.path().join("dependencies");
    std::fs::create_dir(&lists).unwrap();
    let import = "import oxtiny; print(oxtiny.word)";
    {
        // An index that only the list names obeys the policy, which does not open this machine.
        let Some(service) = service(home.path(), &[("WORKER_TIMEOUT", "15")]) else { return };
        assert_eq!(run(&service, "python3", import).1["data"]["exit_code"], 1);
        std::fs::write(lists.join("python-requirements.txt"), format!("--index-url {mirror}\noxtiny\n")).unwrap();
        let (_, answer) = ask(&service, "GET", "dependencies/refresh?language=python3", "");
        let message = answer["message"].as_str().unwrap();
        assert!(
            answer["code"] == -500 && message.contains("Request blocked by SSRF proxy: http://127.0.0.1:"),
            "{answer}"
        );
    }
    std::fs::write(lists.join("python-requirements.txt"), "oxtiny==1.0\n").unwrap();
    let Some(service) = service(home.path(), &[("PIP_MIRROR_URL", &mirror), ("WORKER_TIMEOUT", "15")]) else { return };
    let (_, answer) = ask(&service, "GET", "dependencies/refresh?language=python3", "");
    let listed = answer["data"]["dependencies"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert!(listed.contains(&json!({"name": "oxtiny", "version": "1.0"})), "{answer}");
    assert_eq!(run(&service, "python3", import).1["data"]["stdout"], "installed\n");
    assert_eq!(ask(&service, "GET", "dependencies?language=python3", "").1["data"]["dependencies"], json!(listed));
    assert_eq!(ask(&service, "POST", "dependencies/update", "{\"language\": \"python3\"}").1["code"], 0);
    assert_eq!(ask(&service, "GET", "dependencies?language=nodejs", "").1["data"]["dependencies"], json!([]));
    assert_eq!(ask(&service, "GET", "dependencies?language=x", "").0, 400);
}

/// Our client against our service: that both agree. What another service of this contract answers is in the reference,
/// and in the unit tests of the client.
#[test]
fn a_workflow_runs_its_code_in_the_service() {
    let home = tempfile::tempdir().unwrap();
    let Some(service) = service(home.path(), &[]) else { return };
    let code = |id: &str, language: &str, code: &str| {
        json!({"id": id, "data": {"type": "code", "title": id, "code_language": language, "code": code,
            "variables": [{"variable": "n", "value_selector": ["s", "n"]}],
            "outputs": {"r": {"type": "number"}, "t": {"type": "string"}}}})
    };
    let app = |python: &str| {
        let nodes = json!([
            {"id": "s", "data": {"type": "start", "title": "S", "variables": [{"variable": "n", "label": "n", "type": "number", "required": true}]}},
            code("p", "python3", python),
            code("j", "javascript", "function main({n}) { return {r: n * 3, t: 'é😀'} }"),
            {"id": "e", "data": {"type": "end", "title": "E", "outputs": [
                {"variable": "p", "value_selector": ["p", "r"]}, {"variable": "t", "value_selector": ["p", "t"]},
                {"variable": "j", "value_selector": ["j", "r"]}]}},
        ]);
        json!({"kind": "app", "version": "0.6.0", "app": {"name": "t", "mode": "workflow"},
            "workflow": {"graph": {"nodes": nodes, "edges": [
                {"source": "s", "sourceHandle": "source", "target": "p"}, {"source": "p", "sourceHandle": "source", "target": "j"},
                {"source": "j", "sourceHandle": "source", "target": "e"}]}, "features": {}}})
        .to_string()
    };
    let execute = |document: String, key: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_oxidify"))
            .args(["run", "-", "--inputs", "{\"n\": 7}"])
            .env("CODE_EXECUTION_ENDPOINT", format!("http://127.0.0.1:{}", service.port))
            .env("CODE_EXECUTION_API_KEY", key)
            // Whatever runs here and not there shows.
            .env("PYTHON_PATH", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (out, err) = execute(app("def main(n):\n    print('noise')\n    return {'r': n * 2, 't': '<<RESULT>>'}"), KEY);
    let outputs: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!(outputs, json!({"p": 14, "t": "<<RESULT>>", "j": 21}));
    for (python, key, expected) in [
        ("def main(n):\n    return 1 / 0", KEY, "ZeroDivisionError"),
        ("def main(n):\n    while True: pass", KEY, "error: timeout"),
        ("def main(n):\n    return [1]", KEY, "must be an object"),
        ("def main(n):\n    return {'r': 1}", KEY, "Output t is missing"),
        ("def main(n):\n    return {'r': 1}", "wrong", "got status code 401"),
    ] {
        let (out, err) = execute(app(python), key);
        assert!(format!("{out}{err}").contains(expected), "{python}: {out}{err}");
    }
}

/// Starts a program on a kernel that lacks what is named: a filter refuses the calls, as container hosts do.
const NARROWED: &str = r#"
import ctypes, os, platform, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
clone = 56 if platform.machine() == 'x86_64' else 220
step = lambda code, yes, no, k: struct.pack('<HBBI', code, yes, no, k)
code = [step(0x20, 0, 0, 0)]
if 'landlock' in sys.argv[1]:
    code += [step(0x15, 0, 1, 444), step(0x06, 0, 0, 0x50000 | 38)]
if 'namespaces' in sys.argv[1]:
    code += [step(0x15, 0, 3, clone), step(0x20, 0, 0, 16), step(0x45, 0, 1, 0x10000000), step(0x06, 0, 0, 0x50000 | 1)]
code = b''.join(code + [step(0x06, 0, 0, 0x7fff0000)])
held = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack('=H6xQ', len(code) // 8, ctypes.addressof(held)))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit('NO FILTER')
os.execv(sys.argv[2], [sys.argv[2]])
"#;

fn narrowed(lacking: &str, home: &Path, settings: &[(&str, &str)]) -> Result<Service, String> {
    let mut command = Command::new("python3");
    command.args(["-c", NARROWED, lacking, env!("CARGO_BIN_EXE_oxidify")]);
    start_by(command, home, settings)
}

/// What a service said until it was ended.
fn said(mut service: Service) -> String {
    service.child.kill().unwrap();
    let mut text = String::new();
    service.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    service.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_machine_that_cannot_confine_code_says_what_it_lacks() {
    let home = tempfile::tempdir().unwrap();
    let accept = [("OXIDIFY_CODE_UNCONFINED", "true")];
    let refused = match narrowed("namespaces landlock", home.path(), &[]) {
        Err(text) if text.contains("NO FILTER") => return println!("SKIPPED: no filter can be put up: {text}"),
        other => other.err().unwrap_or_default(),
    };
    for expected in [
        "javascript code does not run",
        "python3 code does not run",
        "missing: namespaces (",
        "landlock (the kernel has none, or it is off)",
        "OXIDIFY_CODE_UNCONFINED=true",
        "no language can run here",
    ] {
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
    let service = narrowed("namespaces landlock", home.path(), &accept).unwrap_or_else(|text| panic!("{text}"));
    assert_eq!(run(&service, "python3", "print(1)").1["data"]["stdout"], "1\n");
    assert_eq!(run(&service, "nodejs", "console.log(2)").1["data"]["stdout"], "2\n");
    let text = said(service);
    for expected in ["runs without good protection", "missing: namespaces (", "landlock (the kernel has none"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // As in most containers: what is left is enough, and what is missing is told.
    let Ok(service) = narrowed("namespaces", home.path(), &[]) else {
        return println!("SKIPPED: this machine has no landlock");
    };
    assert_eq!(run(&service, "python3", "print(1)").1["data"]["stdout"], "1\n");
    let text = said(service);
    assert!(text.contains("code is confined by landlock") && text.contains("missing: namespaces ("), "{text}");
}
