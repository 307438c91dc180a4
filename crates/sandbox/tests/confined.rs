//! Code in confined workers: results, errors, limits, and that nothing is left behind.

mod support;

use std::time::{Duration, Instant};

use ox_sandbox::{CodeError, CodeRunner, Language, Local, Settings, TemplateRequest, Without};
use ox_text::jinja::{JinjaError, Limits};
use serde_json::json;
use support::{LIMITS, descendants, javascript, python, request, run, settings, strengths};

#[tokio::test(flavor = "multi_thread")]
async fn javascript_runs_and_fails_with_its_place() {
    for (name, sandbox) in strengths().await {
        let sum = run(
            &sandbox,
            Language::JavaScript,
            "function main({a, b}) { return {sum: a + b, t: 'é😀\\u0000', now: new Date().getTimezoneOffset()} }",
            &json!({"a": 1, "b": 2.5}),
        );
        assert_eq!(sum.await, Ok(json!({"sum": 3.5, "t": "é😀\u{0}", "now": 0})), "{name}");
        for (code, expected) in [
            ("function main() {\n  return missing\n}", "ReferenceError: missing is not defined (line 2, column 10)"),
            ("function main() { return 1 }", "The result of main must be an object, got a number instead."),
            ("function main() { return {x: require('fs')} }", "Error: require('fs') is not available"),
            ("function main() { return {x: 'a'.repeat(2000000)} }", "error: the result is too large: 2000008 bytes"),
            (
                "function main() { const a = []; for (;;) a.push(new Array(10000).fill(1)) }",
                "error: out of memory: the code may use at most 128 MiB",
            ),
            ("function main() { for (;;) {} }", "error: timeout: the code did not finish within 4 s"),
        ] {
            let error = patient(&sandbox, Language::JavaScript, code).await.unwrap_err().to_string();
            assert!(error.starts_with(expected), "{name}: {code}: {error}");
            assert_eq!(
                javascript(&sandbox, "function main() { return {} }").await,
                Ok(json!({})),
                "{name} after {code}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_belong_to_one_workspace_and_are_used_again() {
    let Some((_, sandbox)) = strengths().await.into_iter().next() else { return };
    let of = |workspace: &str| {
        let mut request = request(Language::JavaScript, "function main() { return {} }", &json!({}));
        request.caller.workspace = workspace.into();
        request
    };
    sandbox.run(of("a")).await.unwrap();
    let first = sandbox.idle_workers();
    sandbox.run(of("a")).await.unwrap();
    assert_eq!(sandbox.idle_workers(), first, "the same worker serves the same workspace");
    sandbox.run(of("b")).await.unwrap();
    assert_eq!(sandbox.idle_workers().len(), 2, "another workspace gets another worker");
    let endless = request(Language::JavaScript, "for (;;) {}", &json!({}));
    let mut endless = endless;
    endless.caller.workspace = "a".into();
    endless.limits.timeout = Duration::from_millis(200);
    assert!(matches!(sandbox.run(endless).await, Err(CodeError::Timeout { .. })));
    assert_eq!(sandbox.idle_workers().len(), 1, "a worker that reached a limit is replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn python_runs_and_fails_with_its_place() {
    for (name, sandbox) in strengths().await {
        let sum = run(
            &sandbox,
            Language::Python3,
            "import json, math\ndef main(a, b) -> dict:\n    print('hi')\n    return {'sum': a + b, 't': 'é😀\\x00', 'n': None, 'k': {1: [True]}}\n",
            &json!({"a": 1, "b": 2.5}),
        );
        let expected = json!({"sum": 3.5, "t": "é😀\u{0}", "n": null, "k": {"1": [true]}});
        assert_eq!(sum.await, Ok(expected), "{name}");
        for (code, expected, contains) in [
            ("def main():\n    return 1 / 0\n", "Traceback", "File \"code.py\", line 2, in main\n    return 1 / 0"),
            ("def main(:\n", "File \"code.py\", line 1", "SyntaxError"),
            ("x = 1", "NameError: name 'main' is not defined", "main"),
            ("def main():\n    return 1", "The result of main must be an object, got a number instead.", ""),
            ("def main():\n    return {'x': {1, 2}}", "TypeError: Object of type set is not JSON serializable", ""),
            ("def main():\n    return {'x': float('nan')}", "ValueError: Out of range float values", ""),
            ("def main():\n    exit(0)", "RuntimeError: the code ended before main returned", ""),
            ("def main():\n    import os; os._exit(7)", "process exited with code 7 before main returned", ""),
            ("def main(x):\n    return {}", "TypeError: main() missing 1 required positional argument: 'x'", ""),
            ("def main():\n    return {'x': 'a' * 2000000}", "error: the result is too large: ", ""),
        ] {
            let error = python(&sandbox, code).await.unwrap_err().to_string();
            assert!(error.starts_with(expected) && error.contains(contains), "{name}: {code}: {error}");
        }
        let error = python(&sandbox, "def main():\n\n    return {}[1]\n").await.unwrap_err();
        assert!(matches!(error, CodeError::Exception { line: Some(3), .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_named() {
    for (name, sandbox) in strengths().await {
        for (code, call) in [
            ("import socket\ndef main():\n    socket.socket()\n", "socket"),
            ("import os\ndef main():\n    os.fork()\n", "clone"),
            ("import os\ndef main():\n    os.kill(1, 9)\n", "kill"),
            ("import os\ndef main():\n    os.execv('/bin/true', ['true'])\n", "execve"),
        ] {
            let error = python(&sandbox, code).await.unwrap_err().to_string();
            let expected = format!("operation not permitted: the sandbox refused the system call {call}");
            assert!(error.contains("PermissionError") && error.contains(&expected), "{name}: {code}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_fail_one_run_and_leave_nothing() {
    let strengths = strengths().await;
    for (name, sandbox) in &strengths {
        python(sandbox, "def main():\n    return {}").await.unwrap();
        for (what, code, expected) in [
            ("endless loop", "def main():\n    while True: pass", "error: timeout"),
            (
                "stuck",
                "import time, signal\ndef main():\n    for s in range(1, 32):\n        try: signal.signal(s, signal.SIG_IGN)\n        except OSError: pass\n    time.sleep(1000)",
                "error: timeout",
            ),
            ("memory", "def main():\n    x = []\n    while True: x.append(bytearray(1 << 20))", "error: out of memory"),
            ("one big object", "def main():\n    x = bytearray(1 << 30)", "error: out of memory"),
            ("fork bomb", "import os\ndef main():\n    while True: os.fork()", "Traceback"),
            (
                "quiet fork bomb",
                "import os\ndef main():\n    while True:\n        try: os.fork()\n        except OSError: pass",
                "the code was ended: it did what it may not",
            ),
            (
                "thread bomb",
                "import threading, time\ndef main():\n    while True: threading.Thread(target=time.sleep, args=(1000,)).start()",
                "",
            ),
            (
                "1 GB print",
                "def main():\n    for _ in range(1 << 20): print('x' * 1023)",
                "error: the code printed more than 1048576 bytes",
            ),
            (
                "1 GB write",
                "import os\ndef main():\n    for _ in range(1 << 20): os.write(2, b'x' * 1024)",
                "error: the code printed more than",
            ),
            (
                "large file",
                "def main():\n    f = open('/tmp/x', 'wb')\n    for _ in range(100): f.write(b'x' * (1 << 20))",
                "Traceback",
            ),
            (
                "deep recursion",
                "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\ndef main():\n    return f()",
                "",
            ),
            (
                "background threads",
                "import threading, time\ndef main():\n    for _ in range(3): threading.Thread(target=time.sleep, args=(1000,)).start()\n    return {'x': 1}",
                "<none>",
            ),
        ] {
            let started = Instant::now();
            let result = patient(sandbox, Language::Python3, code).await;
            let took = started.elapsed();
            assert!(what == "memory" || took < LIMITS.timeout + Duration::from_secs(2), "{name}: {what} took {took:?}");
            match result {
                Err(error) => assert!(error.to_string().starts_with(expected), "{name}: {what}: {error}"),
                Ok(value) => assert_eq!((expected, &value), ("<none>", &json!({"x": 1})), "{name}: {what}"),
            }
            let healthy = python(sandbox, "def main():\n    return {'ok': 1}").await;
            assert_eq!(healthy, Ok(json!({"ok": 1})), "{name} after {what}");
        }
    }
    drop(strengths);
    nothing_left().await;
}

/// Runs code; what fills memory gets the time for it on a busy machine.
async fn patient(sandbox: &Local, language: Language, code: &str) -> Result<serde_json::Value, CodeError> {
    let mut request = request(language, code, &json!({}));
    if code.contains("a.push(") || code.contains("x.append(") {
        request.limits.timeout = Duration::from_secs(60);
    }
    sandbox.run(request).await.map(|output| serde_json::Value::Object(output.result))
}

async fn nothing_left() {
    let started = Instant::now();
    loop {
        let left = descendants();
        if left.is_empty() {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "processes left: {left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_nobody_waits_for_ends() {
    for (name, sandbox) in strengths().await {
        python(&sandbox, "def main():\n    return {}").await.unwrap();
        for (language, code) in
            [(Language::Python3, "def main():\n    while True: pass"), (Language::JavaScript, "for (;;) {}")]
        {
            let gone = tokio::time::timeout(Duration::from_millis(300), run(&sandbox, language, code, &json!({})));
            assert!(gone.await.is_err(), "{name}");
        }
        // What still burns time would be seen as a busy process.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let busy = || descendants().iter().map(|pid| ticks(*pid)).sum::<u64>();
        let before = busy();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let used = busy().saturating_sub(before);
        assert!(used < 20, "{name}: {used} ticks were used by runs nobody waits for");
    }
}

fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or_else(Vec::new, |(_, rest)| rest.split(' ').collect());
    fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_all_succeed() {
    let Some((_, sandbox)) = strengths().await.into_iter().next() else { return };
    let runs = (0..50).map(|n| {
        let sandbox = &sandbox;
        async move {
            let code = format!("def main():\n    return {{'n': {n}}}");
            let one = python(sandbox, &code).await;
            let two = javascript(sandbox, &format!("const main = () => ({{n: {n}}})")).await;
            (n, one, two)
        }
    });
    let mut set = Vec::new();
    for run in runs {
        set.push(Box::pin(run));
    }
    for run in set {
        let (n, one, two) = run.await;
        assert_eq!((one, two), (Ok(json!({"n": n})), Ok(json!({"n": n}))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_protection_is_refused_unless_accepted() {
    let without = Without { namespaces: true, landlock: true, seccomp: false };
    let weak = Settings { without, ..settings() };
    let sandbox = Local::new(weak.clone());
    for report in sandbox.check().await {
        let finding = report.finding().unwrap_or_default();
        assert!(finding.contains("cannot confine it well") && finding.contains("namespaces (turned off)"), "{finding}");
    }
    for language in [Language::JavaScript, Language::Python3] {
        let error = run(&sandbox, language, "", &json!({})).await.unwrap_err();
        assert!(matches!(error, CodeError::Off(_)), "{error}");
        assert!(error.to_string().contains("OXIDIFY_CODE_UNCONFINED=true"), "{error}");
    }
    let accepted = Local::new(Settings { accept_weak: true, ..weak });
    assert_eq!(javascript(&accepted, "function main() { return {a: 1} }").await, Ok(json!({"a": 1})));
    assert_eq!(python(&accepted, "def main():\n    return {'a': 1}").await, Ok(json!({"a": 1})));
    let [report, _] = accepted.check().await;
    assert!(report.finding().unwrap_or_default().contains("OXIDIFY_CODE_UNCONFINED allows it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_replaced_after_a_thousand_runs() {
    let Some((_, sandbox)) = strengths().await.into_iter().next() else { return };
    let code = "function main() { return {} }";
    javascript(&sandbox, code).await.unwrap();
    let first = sandbox.idle_workers();
    assert_eq!(first.len(), 1, "the worker of the check serves the first run");
    for run in 2..1_000 {
        javascript(&sandbox, code).await.unwrap();
        assert_eq!(sandbox.idle_workers(), first, "run {run}");
    }
    javascript(&sandbox, code).await.unwrap();
    assert_eq!(sandbox.idle_workers(), Vec::<u32>::new(), "the thousandth run is its last");
    javascript(&sandbox, code).await.unwrap();
    let second = sandbox.idle_workers();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_reached_a_limit_is_replaced() {
    let Some((_, sandbox)) = strengths().await.into_iter().next() else { return };
    for (what, code, replaced) in [
        ("nothing", "function main() { return {} }", false),
        ("an exception", "function main() { throw new Error('x') }", false),
        ("a wrong result", "function main() { return 1 }", false),
        ("deep recursion", "function main() { return main() }", false),
        ("time", "function main() { for (;;) {} }", true),
        ("memory", "function main() { const a = []; for (;;) a.push(new Array(10000).fill(1)) }", true),
        ("output", "function main() { return {x: 'a'.repeat(2000000)} }", true),
    ] {
        javascript(&sandbox, "function main() { return {} }").await.unwrap();
        let before = sandbox.idle_workers();
        assert_eq!(before.len(), 1, "{what}");
        let result = patient(&sandbox, Language::JavaScript, code).await;
        assert_eq!(sandbox.idle_workers() != before, replaced, "{what}: {result:?}");
        assert_eq!(sandbox.idle_workers().is_empty(), replaced, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_at_the_start() {
    let without = |namespaces, landlock, seccomp| Without { namespaces, landlock, seccomp };
    let (spaces, locks, filter) =
        ("namespaces (turned off)", "landlock (the kernel has none, or it is off)", "system call filter (turned off)");
    for (without, refused, missing) in [
        (without(true, true, false), true, &[spaces, locks][..]),
        (without(false, false, true), true, &[filter]),
        (without(true, true, true), true, &[spaces, locks, filter]),
        (without(true, false, false), false, &[spaces]),
        (without(false, true, false), false, &[locks]),
    ] {
        let settings = Settings { without, ..settings() };
        for report in Local::new(settings.clone()).check().await {
            // A kernel that lacks more than was taken away here refuses more, and says so.
            let finding = report.finding().unwrap_or_default();
            assert!(missing.iter().all(|layer| finding.contains(layer)), "{without:?}: {finding}");
            if refused {
                assert!(report.state.is_err() && finding.contains("code does not run"), "{without:?}: {finding}");
                assert!(finding.contains("OXIDIFY_CODE_UNCONFINED=true"), "{finding}");
            }
        }
        if refused {
            for report in Local::new(Settings { accept_weak: true, ..settings }).check().await {
                let finding = report.finding().unwrap_or_default();
                let named = missing.iter().all(|layer| finding.contains(layer));
                assert!(report.state.is_ok() && named, "{without:?}: {finding}");
                assert!(finding.contains("runs without good protection"), "{finding}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_print_their_results() {
    let Some((_, sandbox)) = strengths().await.into_iter().next() else { return };
    for (language, code, stdout, stderr, exit_code, failure) in [
        (Language::Python3, "print('<<RESULT>>', {'a': 1})", "<<RESULT>> {'a': 1}\n", "", 0, ""),
        (Language::Python3, "import sys\nprint(1)\nsys.exit(3)", "1\n", "", 3, ""),
        (Language::Python3, "1/0", "", "ZeroDivisionError", 1, ""),
        (Language::Python3, "while True: pass", "", "", -1, "error: timeout"),
        (
            Language::JavaScript,
            "console.log('a', {b: 1}); console.log(Buffer.from('aMOp', 'base64').toString())",
            "a {\"b\":1}\nhé\n",
            "",
            0,
            "",
        ),
        (Language::JavaScript, "missing()", "", "ReferenceError: missing is not defined", 1, ""),
        (Language::JavaScript, "for (;;) {}", "", "", -1, "error: timeout"),
    ] {
        let output = sandbox.run_script(request(language, code, &json!({})), true).await.unwrap();
        assert_eq!((output.stdout.as_str(), output.exit_code), (stdout, exit_code), "{code}: {output:?}");
        assert!(output.stderr.contains(stderr) && output.failure == failure, "{code}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_that_grow_are_bounded() {
    for (name, sandbox) in strengths().await {
        let render = |template: &str| {
            let request = TemplateRequest {
                workspace: "test".into(),
                template: template.into(),
                variables: json!({"items": [1, 2, 3], "name": "Ada"}).as_object().cloned().unwrap_or_default(),
                limits: Limits::default(),
            };
            sandbox.render(request)
        };
        let total = "{% set ns = namespace(t=0) %}{% for i in items %}{% set ns.t = ns.t + i %}{% endfor %}{{ ns.t }} {{ name }}";
        assert_eq!(render(total).await.as_deref(), Ok("6 Ada"), "{name}");
        let error = render("a\n{{ name | nope }}").await.unwrap_err().to_string();
        assert!(error.starts_with("line 2: unknown filter: filter nope is unknown"), "{error}");
        let memory = JinjaError::TooMuchMemory(LIMITS.memory_bytes >> 20);
        let doubling = "{% set x = 'aaaaaaaaaaaaaaaa' %}".to_owned() + &"{% set x = x ~ x %}".repeat(40);
        let lists = "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";
        for template in [
            "{% set ns = namespace(x='aaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            &doubling,
            lists,
            "{% set x = 'a' * 100000 %}{% set y = x | replace('a', x) | replace('a', x) %}",
            "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x | replace('a', ns.x) | replace('b', ns.x) %}{% endfor %}",
        ] {
            let started = Instant::now();
            let error = render(template).await.unwrap_err();
            assert!(
                error == memory || matches!(error, JinjaError::Failed { .. } | JinjaError::TooSlow(_)),
                "{name}: {error}"
            );
            assert!(started.elapsed() < LIMITS.timeout + Duration::from_secs(1), "{name}: {:?}", started.elapsed());
            assert_eq!(render(total).await.as_deref(), Ok("6 Ada"), "{name}");
        }
        let deep = "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}";
        assert!(render(deep).await.is_err(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_renderer_does_not_know_jinja2_renders() {
    let template = "{% set found = [] %}{% for i in items %}{% set _ = found.append(i * 2) %}{% endfor %}{{ found }}";
    let request = |template: &str| TemplateRequest {
        workspace: "test".into(),
        template: template.into(),
        variables: json!({"items": [1, 2, 3]}).as_object().cloned().unwrap_or_default(),
        limits: Limits::default(),
    };
    let Some(interpreter) = support::interpreter_with(&["jinja2"]) else {
        println!("SKIPPED: no interpreter with jinja2; set OXIDIFY_TEST_PYTHON");
        return;
    };
    let with = Settings { python: Some(interpreter), ..settings() };
    for (name, sandbox) in support::strengths_of(with, None).await {
        assert_eq!(sandbox.render(request(template)).await.as_deref(), Ok("[2, 4, 6]"), "{name}");
        for (template, expected) in [
            ("a\n{{ items | nope }}", "line 2: unknown filter: filter nope is unknown"),
            ("{{ ''.__class__.__mro__[1].__subclasses__().append(1) }}", ""),
            ("{{ items.append(1).__class__.__base__.__subclasses__() }}", "unknown method"),
            ("{% for i in items %}{% set _ = items.append(i) %}{% endfor %}", ""),
        ] {
            let error = sandbox.render(request(template)).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {template}: {error}");
            assert!(!error.contains("<class"), "{name}: {error}");
        }
    }
    let off = Local::new(Settings { python: None, ..settings() });
    let error = off.render(request(template)).await.unwrap_err().to_string();
    assert!(error.contains("unknown method"), "{error}");
}
