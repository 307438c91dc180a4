"""Bad input of the workflow engine: graphs, templates, deep JSON, hostile providers, odd bytes, forms, a clock that jumps."""

import concurrent.futures
import contextlib
import json
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from cases import END, SHARED, START, Skipped, aside, ask, call, case, clear, faulty_apps, graph, imported, multipart, run_body, run_odd, slow, template, unfinished, wait_until, works
from oxidify import ApiError, Server
from provider import provider

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
import flows  # noqa: E402
from effects import effects  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
DEEP = 10_000
ENDED = {"succeeded", "failed", "stopped", "partial-succeeded"}


def peak_of(server, work, limit_mb=400, within=60):
    """Does some work while it watches the server's memory; what it gave."""
    quiet, peak, done = server.rss_mb(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.05):
            peak[0] = max(peak[0], server.rss_mb())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.perf_counter()
    try:
        result = work()
    finally:
        done.set()
        watcher.join()
    took = time.perf_counter() - began
    assert took < within, f"it took {took:.0f} s"
    assert peak[0] - quiet < limit_mb, f"memory rose from {quiet:.0f} to {peak[0]:.0f} MB"
    return result


def told(answer, *words):
    """A run that failed, or a request that was refused, says why in these words."""
    text = f"{answer.get('error') or ''} {answer.get('message') or ''}".lower()
    assert answer.get("status") != "succeeded" and text.strip(), answer
    assert any(word.lower() in text for word in words), f"none of {words} in: {text[:300]}"
    for leak in ("panicked", "backtrace", ".rs:"):
        assert leak not in text, text


# --- graphs ---


def http(url="http://127.0.0.1:1/", **data):
    return {"type": "http-request", "method": "get", "url": url, "authorization": {"type": "no-auth", "config": None}, "headers": "", "params": "", "body": {"type": "none", "data": []}, **data}


def line(*nodes):
    """start → nodes → end, the end showing `t.output`."""
    ids = ["start", *[n[0] for n in nodes], "end"]
    return graph([START, *nodes, END], list(zip(ids, ids[1:])))


def scripted(text, **data):
    chosen = {"provider": "oxidify/scripted", "name": "canned", "mode": "chat", "completion_params": {"text": text}}
    return {"type": "llm", "model": chosen, "prompt_template": [{"role": "user", "text": "x"}], "context": {"enabled": False, "variable_selector": []}, "vision": {"enabled": False}, **data}


@case
def graphs_with_wrong_types():
    """Each is refused or fails with the node and what was wrong; nothing hangs, nothing is a 500."""
    server = SHARED.server
    loop = {"type": "loop", "start_node_id": "ls", "loop_count": 2, "break_conditions": [], "logical_operator": "and", "loop_variables": [{"label": "i", "var_type": "number", "value_type": "constant", "value": "many"}]}
    iteration = {"type": "iteration", "start_node_id": "ls", "iterator_selector": ["t", "output"], "output_selector": ["c", "output"]}
    inner = [("ls", {"type": "loop-start", "isInLoop": True}), ("c", {"type": "template-transform", "template": "c", "variables": [], "loop_id": "x"})]
    add = {"variable_selector": ["sys", "user_id"], "input_type": "constant", "operation": "+=", "value": 1, "write_mode": "over-write"}
    less = {"case_id": "true", "logical_operator": "and", "conditions": [{"id": "1", "variable_selector": ["t", "output"], "comparison_operator": "<", "value": "5", "varType": "number"}]}
    missing = {"case_id": "true", "logical_operator": "and", "conditions": [{"id": "1", "variable_selector": ["ghost", "x"], "comparison_operator": "sideways", "value": "5"}]}
    cases = {
        "iteration over a text": ([template("t"), ("x", iteration), inner[0], inner[1]], ["x", "list", "array"]),
        "a loop variable that is no number": ([template("t"), ("x", loop), *inner], ["i", "loop"]),
        "an assigner into a read-only place": ([template("t"), ("x", {"type": "assigner", "version": "2", "items": [add]})], ["operation", "sys", "variable"]),
        "a number compared with a text": ([template("t"), ("x", {"type": "if-else", "cases": [less]})], ["x", "number", "t"]),
        "an operator that is none": ([template("t"), ("x", {"type": "if-else", "cases": [missing]})], ["sideways", "ghost", "x"]),
        "a method that is none": ([template("t"), ("x", http(method="shout"))], ["shout"]),
        "an address that is none": ([template("t"), ("x", http("javascript:alert(1)"))], ["url", "http"]),
        "code without a language": ([template("t"), ("x", {"type": "code", "code": "x", "variables": [], "outputs": {}})], ["code", "language", "x"]),
        "code that gives another type": ([template("t"), ("x", {"type": "code", "code_language": "javascript", "code": "function main() { return {a: 'x'}; }", "variables": [], "outputs": {"a": {"type": "number"}}})], ["a", "number"]),
        "a model that is none": ([template("t"), ("x", scripted("x", model={"provider": "nobody", "name": "nothing", "mode": "chat", "completion_params": {}}))], ["nobody"]),
        "a list operator on a text": ([template("t"), ("x", {"type": "list-operator", "variable": ["t", "output"], "filter_by": {"enabled": False, "conditions": []}, "order_by": {"enabled": False}, "limit": {"enabled": False}})], ["list", "array", "x"]),
        "data that is a list": ([template("t"), ("x", {"type": "llm", "model": [], "prompt_template": 5})], ["x", "model"]),
    }
    for name, (nodes, words) in cases.items():
        outer = [n for n in nodes if n[0] not in ("ls", "c")]
        ids = ["start", *[n[0] for n in outer], "end"]
        edges = list(zip(ids, ids[1:])) + ([("ls", "c")] if len(outer) < len(nodes) else [])
        if nodes[-1][0] == "c":
            kind = "iteration" if "iteration" in name else "loop"
            nodes = [*outer, ("ls", {"type": f"{kind}-start", f"{kind}_id": "x"}), ("c", {"type": "template-transform", "template": "c", "variables": [], f"{kind}_id": "x"})]
        answer = run_odd(server, graph([START, *nodes, END], edges))
        try:
            if name == "an operator that is none" and answer.get("status") == "succeeded":
                continue
            told(answer, *words)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    # Without an end the run has no outputs; that is no mistake.
    no_end = run_odd(server, graph([START, template("t")], [("start", "t")]))
    assert no_end.get("outputs") == {} or no_end.get("message"), no_end
    works(server, SHARED.key("passthrough"))


@case
def graphs_of_wrong_shape():
    """Nodes and edges that are no mappings, have no id, no type, numbers for ids: refused or left out, never a 500."""
    server = SHARED.server
    good = json.loads(line(template("t")))
    odd = [
        {"nodes": None}, {"nodes": {}}, {"nodes": "x"}, {"nodes": [None, 5, "x", []]}, {"edges": None}, {"edges": [None, 5, {}, {"source": None, "target": 5}]},
        {"nodes": [{"id": 5, "data": {"type": "start"}}]}, {"nodes": [{"data": {"type": "start"}}]}, {"nodes": [{"id": "a"}]}, {"nodes": [{"id": "a", "data": {"type": 5}}]}, {"nodes": [{"id": "a", "data": "x"}]},
        {"nodes": [{"id": "", "data": {"type": "start"}}]}, {"nodes": [{"id": "a" * 100_000, "data": {"type": "start"}}]}, {"nodes": [{"id": "a.b#}}{{", "data": {"type": "start"}}]},
        {"nodes": good["workflow"]["graph"]["nodes"] * 2}, {"edges": good["workflow"]["graph"]["edges"] * 3},
        {"edges": [{"source": "t", "target": "t", "sourceHandle": "source"}]}, {"edges": [{"source": "start", "target": "t", "sourceHandle": 5}]},
    ]
    for change in odd:
        text = json.dumps({**good, "workflow": {**good["workflow"], "graph": {**good["workflow"]["graph"], **change}}})
        status, body = imported(server, text)
        assert status in (200, 400), (change, status, body)
        if status == 400:
            assert body.get("error") or body.get("message"), body
            continue
        app = body["app_id"]
        for method, path in (("GET", "/workflows/draft"), ("GET", "/export"), ("POST", "/workflows/publish")):
            try:
                server.console(method, f"/apps/{app}{path}", {} if method == "POST" else None)
            except ApiError as error:
                assert error.status < 500 and path == "/workflows/publish", (str(change)[:100], path, error)
                break
        else:
            key = server.key(app)
            status, answer, _ = call(server, "POST", "/v1/workflows/run", key, {"inputs": {}, "user": "ann", "response_mode": "blocking"}, timeout=20)
            assert status == 200 or 400 <= status < 500, (str(change)[:100], status, answer)
    works(server, SHARED.key("passthrough"))


# --- templates ---


@case
@slow
def templates_that_grow_to_gigabytes():
    server = SHARED.server
    doubling = "{% set ns = namespace(x='x' * 1000) %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}"
    texts = [
        "{{ 'x' * 10000000000 }}", "{{ ('x' * 100000) * 100000 }}", doubling, "{% for a in range(100000) %}{% for b in range(100000) %}xxxxxxxxxx{% endfor %}{% endfor %}",
        "{{ 'x'|center(10000000000) }}", "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}", "{{ '%010000000000d' % 1 }}", "{{ ['x' * 1000000] * 10000 }}", "{{ range(10000000000)|list }}",
        "{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", "{{ ('x' * 1000000)|list|join('y' * 100000) }}", "{{ (range(3000)|list|batch(1)|list|string) * 100000 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}", "{{ 'x'|indent(10000000000) }}", "{{ ('x ' * 100000)|wordwrap(1, true, 'y' * 100000) }}",
    ]

    def grow():
        for text in texts:
            began = time.perf_counter()
            answer = run_odd(server, line(template("t", text)))
            took = time.perf_counter() - began
            assert took < 20, f"{text[:50]} took {took:.0f} s"
            if answer.get("status") == "succeeded":
                assert len(str(answer["outputs"]["out"])) <= 1_000_000, f"{text[:50]} gave {len(answer['outputs']['out'])} characters"
            else:
                told(answer, "template", "limit", "large", "long", "memory", "fuel", "too", "maximum", "range", "overflow", "filter", "operation", "exceed", "error")

    peak_of(server, grow, 500, 150)
    works(server, SHARED.key("passthrough"))


# --- JSON 10,000 deep ---


@contextlib.contextmanager
def answering(data, kind="application/json"):
    """A web server that gives this answer to everything."""
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{web.server_port}/"
    finally:
        web.shutdown()
        web.server_close()


def shaped(name, deep):
    """Texts of `deep` levels."""
    return {"lists": "[" * deep + "]" * deep, "objects": '{"a":' * deep + "1" + "}" * deep, "open lists": "[" * deep, "open objects": '{"a":' * deep}[name]


@case
def json_ten_thousand_deep():
    server = SHARED.server
    key = SHARED.key("passthrough")
    parameter = {"type": "parameter-extractor", "model": scripted("")["model"], "query": ["sys", "user_id"], "parameters": [{"name": "p", "type": "string", "description": "", "required": False}], "reasoning_mode": "prompt"}
    classes = [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]
    schema = {"schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}}
    for name in ("lists", "objects", "open lists", "open objects"):
        text = shaped(name, DEEP)
        clear(call(server, "POST", "/v1/workflows/run", key, raw=f'{{"inputs": {{"query": {text}}}, "user": "a"}}'.encode()), 400)
        status, _, _ = call(server, "POST", "/v1/workflows/run", key, run_body(text))
        assert status in (200, 400)
        model = {**scripted("")["model"], "completion_params": {"text": text}}
        for node in (
            scripted(text, structured_output_enabled=True, structured_output=schema),
            {**parameter, "model": model},
            {"type": "question-classifier", "model": model, "query_variable_selector": ["sys", "user_id"], "classes": classes, "instruction": ""},
            {"type": "loop", "start_node_id": "ls", "loop_count": 1, "break_conditions": [], "logical_operator": "and", "loop_variables": [{"label": "i", "var_type": "array[object]", "value_type": "constant", "value": text}]},
        ):
            began = time.perf_counter()
            inner = [("ls", {"type": "loop-start", "loop_id": "x"})] if node["type"] == "loop" else []
            edges = [("start", "t"), ("t", "x"), ("x", "end")]
            answer = run_odd(server, graph([START, template("t"), ("x", node), *inner, END], edges))
            assert answer.get("status") in ("succeeded", "failed", 400), (name, node["type"], str(answer)[:300])
            assert time.perf_counter() - began < 30, (name, node["type"])
    # Deep results of code: a limit with a name.
    for code in ("let a = []; for (let i = 0; i < 10000; i++) a = [a]; return {a};", "let a = {}; for (let i = 0; i < 10000; i++) a = {a}; return {a};"):
        kind = "array[object]" if "[a]" in code else "object"
        node = {"type": "code", "code_language": "javascript", "code": f"function main() {{ {code} }}", "variables": [], "outputs": {"a": {"type": kind}}}
        told(run_odd(server, line(template("t"), ("x", node))), "depth", "deep", "nested", "object", "result", "call stack")
    # Files and drafts.
    for name in ("lists", "objects"):
        status, body = imported(server, "app: " + shaped(name, DEEP))
        assert status == 400 and body.get("error"), (status, str(body)[:200])
        app, _ = server.import_app(line(template("t")))
        draft = server.console("GET", f"/apps/{app}/workflows/draft")
        raw = f'{{"graph": {shaped(name, DEEP)}, "features": {{}}, "hash": "{draft["hash"]}"}}'.encode()
        clear(call(server, "POST", f"/console/api/apps/{app}/workflows/draft", raw=raw, headers=[("X-CSRF-Token", server.csrf()), ("Cookie", "; ".join(f"{c.name}={c.value}" for c in server.jar))]), 400)
    works(server, key)


@case
def answers_of_web_servers_ten_thousand_deep():
    with Server(env={"SSRF_PROXY_ALLOW_PRIVATE_IPS": "127.0.0.1"}) as server:
        server.set_up()
        for name in ("lists", "objects", "open lists"):
            with answering(shaped(name, DEEP).encode()) as url:
                answer = run_odd(server, line(template("t"), ("x", http(url))))
                assert answer["status"] == "succeeded" and answer["outputs"] == {"out": "t"}, str(answer)[:300]
        for bad in (b"\xff\xfe\x00text", "ÿ".encode("latin-1") * 5000, b"\x00" * 5000, b"\x80" * 5000):
            for kind in ("text/plain", "application/json", "text/html; charset=nonsense", ""):
                with answering(bad, kind) as url:
                    answer = run_odd(server, line(template("t"), ("x", http(url))))
                    assert answer["status"] == "succeeded", str(answer)[:300]
        works(server, server.app_key("passthrough"))


# --- the provider ---


@case
@slow
def providers_that_overwhelm():
    """Deep JSON, endless lines, 10 GB, redirects without end: an error that names the provider, in bounded memory."""
    server = SHARED.server
    with provider() as (base, _, _stop):
        chat, chatflow = faulty_apps(server, base)
        for way in ("deep", "redirect", "badtext", "huge", "longline", "talkative"):
            for key in (chat, chatflow):

                def one():
                    return ask(server, key, way, timeout=200)

                status, body, _ = peak_of(server, one, 700, 200)
                if way == "badtext" and status == 200:
                    assert body["answer"].startswith("a"), body
                    continue
                assert status == 400, (way, status, str(body)[:300])
                clear((status, body, None), 400)
    wait_until(lambda: not unfinished(server), 20, "a run is still running")
    works(server, SHARED.key("passthrough"))


# --- bytes that are no text ---


def spoken(server, head, body=b""):
    """The status line's number of a request sent as bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as line_:
        line_.sendall(head + b"Host: x\r\nConnection: close\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        said = b""
        while piece := line_.recv(65536):
            said += piece
    found = re.match(rb"HTTP/1\.1 (\d+)", said)
    assert found, said[:200]
    return int(found[1]), said


@case
def bytes_that_are_no_text():
    server, key = SHARED.server, SHARED.key("passthrough").encode()
    auth = b"Authorization: Bearer " + key + b"\r\nContent-Type: application/json\r\n"
    body = json.dumps(run_body("fine")).encode()
    for head, wanted in [
        (b"POST /v1/workflows/run HTTP/1.1\r\nAuthorization: Bearer \xff\xfe\r\nContent-Type: application/json\r\n", {401}),
        (b"POST /v1/workflows/run HTTP/1.1\r\nAuthorization: \xff\r\n", {401}),
        (b"POST /v1/workflows/run HTTP/1.1\r\nIdempotency-Key: \xff\xc3\r\n" + auth, {400}),
        (b"POST /v1/workflows/run HTTP/1.1\r\nX-Trace-Id: \xff\xc3\r\n" + auth, {200, 400}),
        (b"POST /v1/workflows/run HTTP/1.1\r\nLast-Event-ID: \xff\r\n" + auth, {200}),
        (b"POST /v1/workflows/run HTTP/1.1\r\nUser-Agent: \xff\x80\r\nCookie: \xff=\xfe\r\nAccept-Language: \xff\r\n" + auth, {200}),
        (b"POST /v1/workflows/run?x=%ff%fe&\xff HTTP/1.1\r\n" + auth, {200, 400}),
        (b"GET /v1/workflows/logs?keyword=%ff%c3%28&status=%ff HTTP/1.1\r\n" + auth, {200, 400}),
        (b"GET /v1/info?user=%ff HTTP/1.1\r\n" + auth, {200, 400}),
        (b"GET /v1/workflows/run/%ff%fe HTTP/1.1\r\n" + auth, {400, 404}),
        (b"GET /v1/\xff\xfe HTTP/1.1\r\n" + auth, {400, 404}),
        (b"GET /apps/%ff HTTP/1.1\r\n", {200, 400, 404}),
        (b"GET /files/%ff/file-preview?sign=%ff&timestamp=%ff&nonce=%ff HTTP/1.1\r\n", {400, 403, 404}),
    ]:
        status, said = spoken(server, head, body if head.startswith(b"POST") else b"")
        assert status in wanted, (head[:80], status, said[:300])
    for name in ("\udcff\udcfe.txt", "a\0b.txt", "\u202egpj.txt", "a\r\nX: y.txt"):
        edge = b"----edge"
        shown = name.encode("utf-8", "surrogateescape")
        raw = b"--" + edge + b'\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n--' + edge + b'\r\nContent-Disposition: form-data; name="file"; filename="' + shown + b'"\r\nContent-Type: text/plain\r\n\r\nx\r\n--' + edge + b"--\r\n"
        status, answer, _ = call(server, "POST", "/v1/files/upload", SHARED.key("chat"), raw=raw, headers=[("Content-Type", "multipart/form-data; boundary=----edge")])
        assert status in (201, 400), (name, status, answer)
    status, answer, _ = multipart(server, SHARED.key("chat"), "latin.txt", "ÿþ".encode("latin-1"), "text/plain")
    assert status == 201, answer
    works(server, SHARED.key("passthrough"))


# --- forms ---


def asked(server):
    """A run that waits: (its id, its form's token, its app's key)."""
    text = flows.graph("Ask", "workflow", [flows.start(False), flows.form("ask"), flows.end(out=["ask", "note"])], [("start", "source", "ask"), ("ask", "approve", "end")])
    key = server.key(server.import_app(text)[0])
    seen = list(server.stream("/workflows/run", key, {"inputs": {}, "user": "ann", "response_mode": "streaming"}))
    [token] = [event["data"]["form_token"] for event in seen if event["event"] == "human_input_required"]
    return seen[0]["workflow_run_id"], token, key


def answered(server, key, token, note="x"):
    return call(server, "POST", f"/v1/form/human_input/{token}", key, {"inputs": {"note": note}, "action": "approve", "user": "ann"})


@case
def two_resumes_of_one_form_and_resumes_of_what_is_over():
    server = SHARED.server
    for _ in range(5):
        run, token, key = asked(server)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: answered(server, key, token, f"note {n}"), range(8)))
        won = [n for n, answer in enumerate(answers) if answer[0] == 200]
        assert len(won) == 1, [answer[0] for answer in answers]
        for answer in answers:
            if answer[0] != 200:
                clear(answer, 412, "human_input_form_submitted", "already been submitted")
        wait_until(lambda: server.v1("GET", f"/workflows/run/{run}", key)["status"] in ENDED, 15, "not over")
        record = server.v1("GET", f"/workflows/run/{run}", key)
        outputs = record["outputs"] if isinstance(record["outputs"], dict) else json.loads(record["outputs"])
        assert record["status"] == "succeeded" and outputs == {"out": f"note {won[0]}"}, record
        # It is over: its form, its stream, its stop.
        clear(answered(server, key, token), 412, "human_input_form_submitted")
        clear(call(server, "GET", f"/v1/form/human_input/{token}", key), 412)
        again = [json.loads(text[6:]) for text in call(server, "GET", f"/v1/workflow/{run}/events?user=ann&continue_on_pause=true", key)[1].split("\n") if text.startswith("data: ")]
        assert [event["event"] for event in again] == ["workflow_finished"], again
        status, body, _ = call(server, "POST", f"/v1/workflows/tasks/{run}/stop", key, {"user": "ann"})
        assert status in (200, 404), body
        assert server.v1("GET", f"/workflows/run/{run}", key)["status"] == "succeeded"
    # A run that was stopped while it waited.
    run, token, key = asked(server)
    events = call(server, "GET", f"/v1/workflow/{run}/events?user=ann&include_state_snapshot=true", key)[1]
    task = json.loads(events.split("data: ", 2)[1].split("\n")[0])["task_id"]
    clear_stop = call(server, "POST", f"/v1/workflows/tasks/{task}/stop", key, {"user": "ann"})
    assert clear_stop[0] == 200, clear_stop
    wait_until(lambda: server.v1("GET", f"/workflows/run/{run}", key)["status"] == "stopped", 15, "not stopped")
    clear(answered(server, key, token), 412, "human_input_form_expired")


# --- a clock that jumps ---


@contextlib.contextmanager
def clock():
    """The environment that puts a server on a clock of ours, and a function that sets it (seconds beside the true time)."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise Skipped("needs a C compiler, for the clock")
    with tempfile.TemporaryDirectory(prefix="oxidify-clock-") as name:
        folder = pathlib.Path(name)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", folder / "clock.so", HERE / "clock.c"], check=True)
        offset = folder / "offset"
        offset.write_bytes(struct.pack("<q", 0))

        def jump(seconds):
            with open(offset, "r+b") as file:
                file.write(struct.pack("<q", int(seconds)))

        yield {"LD_PRELOAD": str(folder / "clock.so"), "OXIDIFY_TEST_CLOCK": str(offset)}, jump


@aside
def the_clock_jumps():
    """Set back and forth under running and interrupted runs: they end in time, are found, and act once."""
    with clock() as (env, jump), effects() as world, Server(env={**env, "SSRF_PROXY_ALLOW_PRIVATE_IPS": "127.0.0.1"}) as server:
        server.set_up()
        text = flows.graph("Clock", "workflow", [flows.start(False), flows.model("one", 12, 20), flows.call("note", world.url), flows.model("two", 12, 20), flows.end(out=["two", "text"])], flows.line("start", "one", "note", "two", "end"))
        key = server.key(server.import_app(text)[0])
        passthrough = server.app_key("passthrough")
        shown = " ".join(f"two{n}" for n in range(12))

        def begin():
            stream = server.stream("/workflows/run", key, {"inputs": {}, "user": "ann", "response_mode": "streaming"}, 40)
            return next(stream)["workflow_run_id"], stream

        for number, seconds in enumerate((-3 * 3600, 5 * 3600, -26 * 3600, -26 * 3600 - 1800, 40 * 24 * 3600, 0)):
            run, stream = begin()
            time.sleep(0.3)
            jump(seconds)
            began = time.perf_counter()
            last = list(stream)[-1]
            assert last["event"] == "workflow_finished" and last["data"]["status"] == "succeeded", (seconds, last)
            assert last["data"]["outputs"] == {"out": shown} and time.perf_counter() - began < 20, last
            assert server.v1("GET", f"/workflows/run/{run}", key)["status"] == "succeeded", seconds
            works(server, passthrough)
            # And under one that its process does not survive; the clock jumps before, and while nobody lives.
            run, _stream = begin()
            time.sleep(0.2)
            jump(seconds + 2 * 3600 * (-1) ** number)
            time.sleep(0.5 + 0.25 * number)
            server.kill()
            jump(seconds)
            server.start()
            wait_until(lambda: not unfinished(server), 45, f"open after a jump of {seconds} s")
            record = server.v1("GET", f"/workflows/run/{run}", key)
            assert record["status"] == "succeeded" or "interrupted" in record["error"], (seconds, record)
            works(server, passthrough)
        for place, keys in world.calls.items():
            assert len(keys) == 1, f"{place} happened {len(keys)} times"


@aside
def forms_keep_their_time_when_the_clock_jumps():
    """A form waits through jumps shorter than its six hours, whatever process looks after it, and runs out once when they are over."""
    with clock() as (env, jump), Server(env=env) as server:
        server.set_up()

        def status(run):
            return server.v1("GET", f"/workflows/run/{run}", key)["status"]

        run, token, key = asked(server)
        for number, seconds in enumerate((5 * 3600, -26 * 3600, 5 * 3600 + 1800, 0)):
            jump(seconds)
            if number % 2:
                server.kill()
                server.start()
            # Forms are looked at every two seconds.
            time.sleep(3)
            code, body, _ = call(server, "GET", f"/v1/form/human_input/{token}", key)
            assert code == 200, (seconds, code, body)
            assert status(run) == "paused", (seconds, status(run))
        jump(-3 * 3600)
        assert answered(server, key, token, "in time")[0] == 200
        wait_until(lambda: status(run) in ENDED, 15, "not over")
        record = server.v1("GET", f"/workflows/run/{run}", key)
        outputs = record["outputs"] if isinstance(record["outputs"], dict) else json.loads(record["outputs"])
        assert record["status"] == "succeeded" and outputs == {"out": "in time"}, record
        clear(answered(server, key, token), 412, "human_input_form_submitted")

        # The time is over; that it comes again opens nothing.
        jump(0)
        run, token, key = asked(server)
        jump(7 * 3600)
        clear(answered(server, key, token), 412, "human_input_form_expired")
        wait_until(lambda: status(run) in ENDED, 15, "not over")
        ended = status(run)
        jump(0)
        time.sleep(3)
        clear(answered(server, key, token), 412, "human_input_form_expired")
        assert status(run) == ended, (ended, status(run))
