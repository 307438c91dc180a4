//! The network of Python code: nothing but the egress proxy can be reached, and that by the ordinary libraries.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the scene of the tests")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use ox_net::{Access, Caller, Delegation, Destination, Egress, Policy, Rules};
use ox_sandbox::{Language, Local, Network, Settings};
use serde_json::{Value as Json, json};
use support::{python, request, run, settings, strengths, strengths_of};

/// A server that answers with what it was asked; `/big` is four megabytes.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

fn serve(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|size| size == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default();
    let body = if line.contains("/big") { "x".repeat(4 << 20) } else { line.replace(" HTTP/1.1", "") };
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes());
}

/// The usual policy, with this machine's own address opened.
fn network() -> Network {
    let (policy, warnings) =
        Policy::from_env(|name| (name == "SSRF_PROXY_ALLOW_PRIVATE_IPS").then(|| "127.0.0.1".to_owned()));
    assert_eq!(warnings, Vec::<String>::new());
    Network::new(Egress::new(policy), Arc::new(|_| {}))
}

async fn connected() -> Vec<(&'static str, Local)> {
    strengths_of(settings(), Some(network())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn code_calls_out_through_the_proxy() {
    let port = server();
    for (name, sandbox) in connected().await {
        let [_, report] = sandbox.check().await;
        assert!(!report.lacks_network && report.to_string().contains("network by the egress proxy"), "{report}");
        let code = "import urllib.request\ndef main(port):\n    url = f'http://127.0.0.1:{port}/a?b=c'\n    return {'got': urllib.request.urlopen(url, timeout=3).read().decode()}\n";
        let got = run(&sandbox, Language::Python3, code, &json!({"port": port})).await;
        assert_eq!(got, Ok(json!({"got": "GET /a?b=c"})), "{name}");
        let many = "import urllib.request, concurrent.futures\ndef main(port):\n    def one(n):\n        return urllib.request.urlopen(f'http://127.0.0.1:{port}/{n}', timeout=3).read().decode()\n    with concurrent.futures.ThreadPoolExecutor(8) as pool:\n        return {'got': list(pool.map(one, range(24)))}\n";
        let got = run(&sandbox, Language::Python3, many, &json!({"port": port})).await;
        let expected: Vec<String> = (0..24).map(|n| format!("GET /{n}")).collect();
        assert_eq!(got, Ok(json!({"got": expected})), "{name}");
        let asynchronous = "import asyncio, fcntl, os\nasync def one(port, n):\n    reader, writer = await asyncio.open_connection('127.0.0.1', 3128)\n    assert fcntl.fcntl(writer.get_extra_info('socket').fileno(), fcntl.F_GETFL) & os.O_NONBLOCK\n    writer.write(f'GET http://127.0.0.1:{port}/{n} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'.encode())\n    text = (await reader.read()).decode()\n    writer.close()\n    return text.rsplit('\\r\\n', 1)[1]\nasync def all(port):\n    return await asyncio.gather(*(one(port, n) for n in range(5)))\ndef main(port):\n    return {'got': asyncio.run(all(port))}\n";
        let got = run(&sandbox, Language::Python3, asynchronous, &json!({"port": port})).await;
        assert_eq!(got, Ok(json!({"got": expected[..5]})), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_can_be_reached() {
    let port = server();
    for (name, sandbox) in connected().await {
        for (code, expected) in [
            // Cases 110: what the policy refuses, with its reason.
            (
                "import urllib.request\ndef main(port): urllib.request.urlopen('http://169.254.169.254/latest/meta-data/', timeout=3)",
                "Request blocked by SSRF proxy: http://169.254.169.254/latest/meta-data/ (metadata)",
            ),
            (
                "import urllib.request\ndef main(port): urllib.request.urlopen('http://10.0.0.5/', timeout=3)",
                "Request blocked by SSRF proxy: http://10.0.0.5/ (private_ip)",
            ),
            (
                "import urllib.request\ndef main(port): urllib.request.urlopen('https://192.168.1.1/', timeout=3)",
                "Request blocked by SSRF proxy: 192.168.1.1:443 (private_ip)",
            ),
            (
                "import urllib.request\ndef main(port): urllib.request.urlopen('http://[::1]/', timeout=3)",
                "Request blocked by SSRF proxy: http://[::1]/ (private_ip)",
            ),
            // Cases 109 and 111: what goes its own way.
            (
                "import socket\ndef main(port): socket.create_connection(('127.0.0.1', port), 2)",
                "the sandbox refused the system call connect to 127.0.0.1:",
            ),
            (
                "import socket\ndef main(port): socket.create_connection(('10.0.0.5', 80), 2)",
                "the sandbox refused the system call connect to 10.0.0.5:80 (code calls out by the proxy of HTTP_PROXY only)",
            ),
            (
                "import os, urllib.request\ndef main(port):\n    for name in list(os.environ):\n        if 'proxy' in name.lower(): del os.environ[name]\n    urllib.request.urlopen(f'http://127.0.0.1:{port}/', timeout=3)",
                "the sandbox refused the system call connect to 127.0.0.1:",
            ),
            (
                "import socket\ndef main(port): socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
                "the sandbox refused the system call socket",
            ),
            ("import socket\ndef main(port): socket.getaddrinfo('example.com', 80)", "gaierror"),
            (
                "import socket\ndef main(port): socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)",
                "the sandbox refused the system call socket",
            ),
            (
                "import socket\ndef main(port): socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', port))",
                "the sandbox refused the system call sendto",
            ),
            (
                "import socket\ndef main(port):\n    s = socket.socket()\n    s.bind(('127.0.0.1', 0))\n    s.listen()",
                "the sandbox refused the system call bind",
            ),
            (
                "import fcntl, socket\ndef main(port): fcntl.ioctl(socket.socket(), 0x8912, bytes(16))",
                "the sandbox refused the system call ioctl",
            ),
        ] {
            let error = run(&sandbox, Language::Python3, code, &json!({"port": port})).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {code}\n{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_leads_to_the_proxy_whatever_its_address_becomes() {
    let port = server();
    for (name, sandbox) in connected().await {
        // One thread changes the address while the other connects to it: what comes back is never the server's word.
        let code = "import ctypes, socket, struct, threading\nLIBC = ctypes.CDLL(None, use_errno=True)\ndef main(port):\n    proxy = struct.pack('=HHI8x', 2, socket.htons(3128), 0x0100007F)\n    other = struct.pack('=HHI8x', 2, socket.htons(port), 0x0100007F)\n    address = ctypes.create_string_buffer(proxy, 16)\n    stop = []\n    def flip():\n        while not stop:\n            ctypes.memmove(address, other, 16)\n            ctypes.memmove(address, proxy, 16)\n    thread = threading.Thread(target=flip)\n    thread.start()\n    seen = set()\n    for tried in range(1500):\n        if tried >= 60 and seen: break\n        s = socket.socket()\n        s.settimeout(3)\n        if LIBC.connect(s.fileno(), address, 16) == 0:\n            s.sendall(b'GET /direct HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n            seen.add(s.recv(20).decode())\n        s.close()\n    stop.append(1)\n    thread.join()\n    return {'seen': sorted(seen)}\n";
        let mut patient = request(Language::Python3, code, &json!({"port": port}));
        patient.limits.timeout = Duration::from_secs(60);
        let got = ox_sandbox::CodeRunner::run(&sandbox, patient).await.map(|output| Json::Object(output.result));
        assert_eq!(got, Ok(json!({"seen": ["HTTP/1.1 400 Bad Req"]})), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_may_move_is_bounded() {
    let port = server();
    let small = Settings { network_bytes: 1 << 20, ..settings() };
    for (name, sandbox) in strengths_of(small, Some(network())).await {
        let code = "import urllib.request\ndef main(port):\n    return {'n': len(urllib.request.urlopen(f'http://127.0.0.1:{port}/big', timeout=3).read())}\n";
        let error = run(&sandbox, Language::Python3, code, &json!({"port": port})).await.unwrap_err().to_string();
        let expected = "the code moved more than 1 MiB over the network (OXIDIFY_SANDBOX_NETWORK_MB raises this limit)";
        assert!(error.contains(expected), "{name}: {error}");
        let flood = "import socket\ndef main():\n    held = [socket.create_connection(('127.0.0.1', 3128), 1) for _ in range(60)]\n    return {}\n";
        let error = python(&sandbox, flood).await.unwrap_err().to_string();
        assert!(error.contains("the sandbox refused the system call connect"), "{name}: {error}");
        assert_eq!(python(&sandbox, "def main(): return {}").await, Ok(json!({})), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_there_are_no_sockets() {
    let code = "import os, socket\nprint(sorted(n for n in os.environ if 'PROXY' in n.upper()))\nsocket.socket()\n";
    let off = Settings { network: false, ..settings() };
    for (name, sandbox) in strengths().await.into_iter().chain(strengths_of(off, Some(network())).await) {
        let output = sandbox.run_script(request(Language::Python3, code, &json!({})), true).await.unwrap();
        assert_eq!((output.stdout.as_str(), output.exit_code), ("[]\n", 1), "{name}: {output:?}");
        assert!(output.failure.contains("the sandbox refused the system call socket"), "{name}: {output:?}");
    }
    for (name, sandbox) in connected().await {
        let output = sandbox.run_script(request(Language::Python3, code, &json!({})), false).await.unwrap();
        assert_eq!((output.stdout.as_str(), output.exit_code), ("[]\n", 1), "{name}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_libraries_work() {
    let Some(interpreter) = support::interpreter_with(&["requests", "httpx", "jinja2"]) else {
        println!("SKIPPED: no interpreter with requests, httpx and jinja2; set OXIDIFY_TEST_PYTHON");
        return;
    };
    let port = server();
    let settings = Settings { python: Some(interpreter), memory_bytes: 256 << 20, ..settings() };
    for (name, sandbox) in strengths_of(settings, Some(network())).await {
        for (library, code) in [
            (
                "requests",
                "import requests\ndef main(port):\n    with requests.Session() as s:\n        return {'got': [s.get(f'http://127.0.0.1:{port}/{n}', timeout=5).text for n in range(2)], 'refused': s.get('http://10.0.0.5/', timeout=5).status_code}\n",
            ),
            (
                "httpx",
                "import httpx\ndef main(port):\n    with httpx.Client(timeout=5) as s:\n        return {'got': [s.get(f'http://127.0.0.1:{port}/{n}').text for n in range(2)], 'refused': s.get('http://10.0.0.5/').status_code}\n",
            ),
            (
                "httpx, asynchronous",
                "import asyncio, httpx\nasync def all(port):\n    async with httpx.AsyncClient(timeout=5) as s:\n        answers = await asyncio.gather(*(s.get(f'http://127.0.0.1:{port}/{n}') for n in range(2)))\n        refused = await s.get('http://10.0.0.5/')\n        return {'got': [a.text for a in answers], 'refused': refused.status_code}\ndef main(port): return asyncio.run(all(port))\n",
            ),
        ] {
            let got = run(&sandbox, Language::Python3, code, &json!({"port": port})).await;
            assert_eq!(got, Ok(json!({"got": ["GET /0", "GET /1"], "refused": 403})), "{name}: {library}");
        }
        let tunnel = "import requests\ndef main(port): requests.get('https://169.254.169.254/', timeout=5)";
        let error = run(&sandbox, Language::Python3, tunnel, &json!({"port": port})).await.unwrap_err().to_string();
        assert!(error.contains("ProxyError") && error.contains("169.254.169.254:443 (metadata)"), "{name}: {error}");
        let template = "import jinja2\ndef main(): return {'t': jinja2.Template('{% for x in a %}{{ x }},{% endfor %}').render(a=[1, 2])}";
        assert_eq!(python(&sandbox, template).await, Ok(json!({"t": "1,2,"})), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pandas_and_numpy_work() {
    let Some(interpreter) = support::interpreter_with(&["numpy", "pandas"]) else {
        println!("SKIPPED: no interpreter with numpy and pandas; set OXIDIFY_TEST_PYTHON");
        return;
    };
    let settings = Settings { python: Some(interpreter), memory_bytes: 256 << 20, ..settings() };
    for (name, sandbox) in strengths_of(settings, None).await {
        for (code, expected) in [
            (
                "import numpy as np\ndef main():\n    a = np.arange(250000, dtype=float).reshape(500, 500)\n    inverse = np.linalg.inv(a @ a.T + np.eye(500) * 1e9)\n    return {'shape': list(inverse.shape), 'sum': float(np.ones((800, 800)).dot(np.ones((800, 800))).sum())}\n",
                json!({"shape": [500, 500], "sum": 512_000_000.0}),
            ),
            (
                "import io, pandas as pd\ndef main():\n    frame = pd.read_csv(io.StringIO('city,n\\nA,1\\nB,2\\nA,3\\n'))\n    frame.to_csv('/tmp/x.csv', index=False)\n    again = pd.read_csv('/tmp/x.csv', parse_dates=False)\n    return {'by': again.groupby('city')['n'].sum().to_dict(), 'json': again.describe().round(2).to_json()[:12]}\n",
                json!({"by": {"A": 4, "B": 2}, "json": "{\"n\":{\"count"}),
            ),
        ] {
            let mut slow = request(Language::Python3, code, &json!({}));
            slow.limits.memory_bytes = 256 << 20;
            slow.limits.timeout = Duration::from_secs(60);
            let got = ox_sandbox::CodeRunner::run(&sandbox, slow).await.map(|output| Json::Object(output.result));
            // A folder to write to is a mount of its own: without namespaces there is none.
            if name == "without namespaces" && code.contains("/tmp/") {
                let refused = got.expect_err("there is nowhere to write").to_string();
                assert!(refused.contains("Permission denied: '/tmp/x.csv'"), "{refused}");
                continue;
            }
            assert_eq!(got, Ok(expected), "{name}");
        }
    }
}

async fn told(log: &Mutex<Vec<Access>>) -> Access {
    for _ in 0..500 {
        if let Some(access) = log.lock().unwrap().pop() {
            return access;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the call was not told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_has_rules_of_its_own_and_calls_are_told_by_run_and_node() {
    let port = server();
    let list = |entries: &[&str]| entries.iter().map(|entry| entry.parse().unwrap()).collect::<Vec<Destination>>();
    let only = |entries: &[&str]| Some(Arc::new(Rules { only: Some(list(entries)), private: Vec::new() }));
    let private = |entries: &[&str]| Some(Arc::new(Rules { only: None, private: list(entries) }));
    let here = format!("127.0.0.1:{port}");
    let opened = Policy { allow_private_nets: vec!["127.0.0.1/32".parse().unwrap()], ..Policy::default() };
    let delegated = Policy { workspace_private: Delegation::Everything, ..Policy::default() };
    for (policy, rules, expected) in [
        (&opened, None, None),
        (&opened, only(&["127.0.0.1"]), None),
        (&opened, only(&[&here]), None),
        (&opened, only(&["127.0.0.1:1"]), Some("127.0.0.1 is not one of the destinations this workspace keeps to")),
        (&opened, only(&["pub.test"]), Some("add it in Settings, Network")),
        (&opened, only(&[]), Some("(allowlist)")),
        (&delegated, None, Some("127.0.0.1 is private (loopback)")),
        (&delegated, private(&[&here]), None),
        (&delegated, private(&["127.0.0.1:1"]), Some("(private_ip)")),
    ] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let tell = move |access: &Access| sink.lock().unwrap().push(access.clone());
        let network = Network::new(Egress::new(policy.clone()), Arc::new(tell));
        for (name, sandbox) in strengths_of(settings(), Some(network)).await {
            let code = "import urllib.request\ndef main(port):\n    return {'got': urllib.request.urlopen(f'http://127.0.0.1:{port}/x', timeout=3).read().decode()}\n";
            let mut asked = request(Language::Python3, code, &json!({"port": port}));
            asked.rules.clone_from(&rules);
            asked.caller = Caller { workspace: "w".into(), run: "r".into(), node: "n".into() };
            let got = ox_sandbox::CodeRunner::run(&sandbox, asked.clone()).await;
            match (&got, expected) {
                (Ok(output), None) => assert_eq!(output.result["got"], "GET /x", "{name}: {rules:?}"),
                (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{name}: {rules:?}: {error}"),
                _ => panic!("{name}: {rules:?}: {got:?}"),
            }
            // A call is told when its connection has ended, which may be after the code has.
            let access = told(&log).await;
            assert_eq!((&access.caller, access.host.as_str(), access.port), (&asked.caller, "127.0.0.1", Some(port)));
            assert_eq!(access.denied.is_some(), expected.is_some(), "{name}: {rules:?}");
            assert_eq!(access.peer.is_some(), expected.is_none(), "{name}: {rules:?}");
        }
    }
}
