"""Bad input, bad surroundings: each is answered with a clear error that names the thing and the remedy, and nothing is lost.

    python3 tests/faults/faults.py [--quick] [part of a case's name …]

`--quick` leaves out the cases that wait or work long (a lock of 17 s, a lease that runs out, 5 MB in many pieces).
Prints one line for a case and `N passed, N failed, N skipped`. Some cases need root (another user, a small disk) or
PostgreSQL; where the machine does not give it they are skipped and say why.
"""

import concurrent.futures
import contextlib
import json
import pathlib
import signal
import socket
import sys
import time
import traceback
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import surroundings  # noqa: E402,F401  its cases come first
import engine_input  # noqa: E402,F401
import http_input  # noqa: E402,F401
from cases import (  # noqa: E402
    CASES, END, SHARED, START, Skipped, aside, ask, call, case, clear, events, faulty_apps, graph, imported, multipart, run_body, run_odd, slow, slow_app, template, unfinished, wait_until, works,
)
from oxidify import APPS, ApiError, Server  # noqa: E402
from postgres import bin_dir, postgres  # noqa: E402
from provider import provider  # noqa: E402

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ENDED = {"succeeded", "failed", "stopped", "partial-succeeded"}
TAKEOVER_LIMIT = 45


# --- the provider ---


@case
def provider_faults():
    server = SHARED.server
    with provider() as (base, _, stop):
        chat, chatflow = faulty_apps(server, base)
        status, body, _ = ask(server, chat, "ok")
        assert status == 200 and body["answer"] == "A fine answer.", body
        words = {"limited": "exceeded your current quota", "broken": "engine room", "refused": "Incorrect", "html": "faulty|openai", "garbage": "openai", "hangup": "Connection", "cut": "openai", "silent": ""}
        for way, text in words.items():
            for key in (chat, chatflow):
                answer = ask(server, key, way)
                if way in ("cut", "silent") and answer[0] == 200:
                    continue  # what came is the answer
                body = clear(answer, 400, text.split("|")[-1])
                assert body["code"] in ("completion_request_error", "invalid_param"), (way, body)
                told = events(server, "/chat-messages", key, {"inputs": {}, "query": way, "user": "ann", "response_mode": "streaming"})
                assert any(e["event"] == "error" or e.get("data", {}).get("status") == "failed" for e in told), (way, told[-1])
        stop()
        for key in (chat, chatflow):
            body = clear(ask(server, key, "ok"), 400, "Connection Error")
            assert "127.0.0.1" in body["message"], f"which address? {body['message']}"
    wait_until(lambda: not unfinished(server), 10, "a run is still running")


@case
@slow
def provider_is_slow_to_speak():
    server = SHARED.server
    with provider() as (base, _, _stop):
        chat, _ = faulty_apps(server, base)
        request = urllib.request.Request(f"{server.url}/v1/chat-messages", method="POST",
                                         data=json.dumps({"inputs": {}, "query": "slow", "user": "ann", "response_mode": "streaming"}).encode())
        request.add_header("Authorization", f"Bearer {chat}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=40) as answer:
            lines = [line.strip() for line in answer]
        assert b"event: ping" in lines, "no ping while nothing comes"
        seen = [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
        assert "".join(e["answer"] for e in seen if e["event"] == "message") == "late but here"


# --- clients ---


@case
def client_leaves_mid_stream():
    server = SHARED.server
    key = slow_app(server)
    ids = []
    for _ in range(5):
        stream = server.stream("/workflows/run", key, run_body(mode="streaming"))
        ids.append(next(stream)["workflow_run_id"])
        stream.close()
    # A basic chat goes on to its end as well.
    said = " ".join(f"word{number}" for number in range(30))
    text = (APPS / "chat.yml").read_text().replace("name: echo, mode: chat, completion_params: {}", f'name: canned, mode: chat, completion_params: {{text: "{said}", tokens_per_s: 30}}')
    chat = server.key(server.import_app(text)[0])
    stream = server.stream("/chat-messages", chat, {"inputs": {}, "query": "x", "user": "leaver", "response_mode": "streaming"})
    conversation = next(stream)["conversation_id"]
    stream.close()
    # One that leaves in the middle of its own request.
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(f"POST /v1/workflows/run HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"inputs\"".encode())
    for run_id in ids:
        wait_until(lambda: server.v1("GET", f"/workflows/run/{run_id}", key)["status"] == "succeeded", 20, "not succeeded")
    answer = lambda: server.v1("GET", f"/messages?user=leaver&conversation_id={conversation}", chat)["data"][0]["answer"]  # noqa: E731
    wait_until(lambda: answer() == said, 20, "the answer is not complete")


@case
def two_hundred_connections():
    server, key = SHARED.server, SHARED.key("passthrough")

    def one(number):
        text = f"number {number}"
        if number % 2:
            return call(server, "POST", "/v1/workflows/run", key, run_body(text))[1]["data"]["outputs"]["query"] == text
        seen = events(server, "/workflows/run", key, run_body(text, "streaming"))
        return seen[-1]["event"] == "workflow_finished" and seen[-1]["data"]["outputs"]["query"] == text

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        results = list(pool.map(one, range(400)))
    assert all(results), f"{results.count(False)} of {len(results)} failed"


@case
def more_runs_than_there_is_room_for():
    with Server(env={"OXIDIFY_MAX_ACTIVE_RUNS": "3"}) as server:
        server.set_up()
        key = slow_app(server)
        streams = [server.stream("/workflows/run", key, run_body(mode="streaming")) for _ in range(3)]
        firsts = [next(stream) for stream in streams]
        assert {e["event"] for e in firsts} == {"workflow_started"}
        answer = call(server, "POST", "/v1/workflows/run", key, run_body())
        clear(answer, 429, "busy")
        assert int(answer[2]["Retry-After"]) >= 1
        for stream in streams:
            assert list(stream)[-1]["data"]["status"] == "succeeded"


@case
@slow
def five_megabyte_prompts():
    server = SHARED.server
    text = ("word" * 100 + "词" * 100 + " ") * 7_200  # more pieces than a stream keeps for a reader that is behind
    status, body, _ = ask(server, SHARED.key("chat"), text)
    assert status == 200 and body["answer"].split() == text.split(), str(body)[:300]
    status, body, _ = ask(server, SHARED.key("chatflow"), text)
    assert status == 200 and body["answer"].split() == text.split(), str(body)[:300]


@case
def bodies_over_the_limit():
    server = SHARED.server
    for path, name in (("/v1/workflows/run", "passthrough"), ("/v1/chat-messages", "chat"), ("/v1/completion-messages", "completion")):
        clear(call(server, "POST", path, SHARED.key(name), run_body("x" * 20_000_000)), 413, "20000", "12 MB")
    works(server, SHARED.key("passthrough"))


# --- input of the generation calls ---

VALUES = [None, 5, -1, 1.5, 10**30, True, "", "x", "\0", "\ud83d", [], [5], [{}], [None], {}, {"a": {"b": []}}, "x" * 70_000]
CALLS = {
    "/v1/chat-messages": ("chat", {"inputs": {}, "query": "x", "user": "ann", "response_mode": "blocking", "conversation_id": "", "files": [], "auto_generate_name": False, "trace_id": "t", "workflow_id": None, "parent_message_id": None}),
    "/v1/completion-messages": ("completion", {"inputs": {"query": "x"}, "query": "", "user": "ann", "response_mode": "blocking", "files": [], "trace_id": "t"}),
    "/v1/workflows/run": ("passthrough", {"inputs": {"query": "x"}, "user": "ann", "response_mode": "blocking", "files": [], "trace_id": "t"}),
}


@case
def wrong_types_in_every_field():
    server = SHARED.server
    calls = [(path, name, {**body, field: value}, field, value) for path, (name, body) in CALLS.items() for field in body for value in VALUES]
    calls += [("/v1/chat-messages", "chatflow", {**CALLS["/v1/chat-messages"][1], field: value}, field, value) for field in CALLS["/v1/chat-messages"][1] for value in VALUES]
    for name in {name for _, name, *_ in calls}:
        SHARED.key(name)

    def one(item):
        path, name, body, field, value = item
        status, answer, _ = call(server, "POST", path, SHARED.key(name), body)
        shown = f"{path} {field}={str(value)[:40]!r}"
        if status == 200:
            return None
        if status >= 500:
            return f"{shown}: {status} {answer}"
        try:
            clear((status, answer, None), (400, 404))
        except AssertionError as error:
            return f"{shown}: {error}"
        named = field in answer["message"] or answer.get("params") == field or field.rstrip("s").split("_")[0] in answer["message"].lower() or "query" in answer["message"] or "hex escape" in answer["message"]
        return None if named else f"{shown}: {answer['message']!r} does not say what is wrong"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        wrong = [text for text in pool.map(one, calls) if text]
    assert not wrong, f"{len(wrong)} of {len(calls)}:\n  " + "\n  ".join(wrong[:12])


@case
def bodies_that_are_not_json():
    server, key = SHARED.server, SHARED.key("passthrough")
    raws = [b"", b"{", b"null", b"[]", b'"x"', b"5", b"\xff\xfe{}", b'{"inputs": {"query": "\xc3\x28"}, "user": "ann"}', b'{"inputs": {"query": NaN}, "user": "ann"}',
            b'{"inputs": {"query": "\\ud800"}, "user": "ann"}', b"[" * 100_000, b'{"inputs":' * 5000, b"\0" * 100]
    for raw in raws:
        clear(call(server, "POST", "/v1/workflows/run", key, raw=raw), 400)
    status, body, _ = call(server, "POST", "/v1/workflows/run", key, raw=b'{"inputs": {"query": "a\\u0000b"}, "user": "ann"}')
    assert status == 200 and body["data"]["outputs"]["query"] in ("ab", "a\0b"), body
    status, body, _ = ask(server, SHARED.key("chat"), "a\0b")
    assert status == 200 and body["answer"] == "ab", body
    clear(call(server, "POST", "/v1/workflows/run", key, raw=b"{}", headers=[("Content-Type", "text/plain")]), 415, "application/json")


FORM = """
app: {name: Form, mode: workflow}
kind: app
version: 0.6.0
workflow:
  graph:
    nodes:
      - id: start
        data: {type: start, title: Start, variables: [
          {variable: short, label: Short, type: text-input, required: true, max_length: 5},
          {variable: count, label: Count, type: number, required: true},
          {variable: colour, label: Colour, type: select, required: true, options: [red, blue]},
          {variable: agreed, label: Agreed, type: checkbox, required: false},
          {variable: picture, label: Picture, type: file, required: false, allowed_file_types: [image], allowed_file_upload_methods: [local_file]},
          {variable: papers, label: Papers, type: file-list, required: false, max_length: 2, allowed_file_types: [document], allowed_file_upload_methods: [local_file]}]}
      - id: end
        data: {type: end, title: End, outputs: [{variable: out, value_selector: [start, short]}]}
    edges: [{id: e, source: start, sourceHandle: source, target: end, targetHandle: target}]
"""


@case
def wrong_types_in_a_form():
    server = SHARED.server
    key = server.key(server.import_app(FORM)[0])
    good = {"short": "abc", "count": 5, "colour": "red"}

    def send(**changes):
        inputs = {name: value for name, value in {**good, **changes}.items() if value != "absent"}
        return call(server, "POST", "/v1/workflows/run", key, {"inputs": inputs, "user": "ann", "response_mode": "blocking"})

    assert send()[1]["data"]["outputs"] == {"out": "abc"}
    assert send(unknown="ignored")[0] == 200
    wrong = [("short", "absent"), ("short", None), ("short", "too long a text"), ("short", 5), ("short", {}), ("short", ["a"]), ("count", "many"), ("count", {}), ("count", []), ("count", "absent"),
             ("colour", "green"), ("colour", 5), ("colour", ["red"]), ("picture", "x"), ("picture", 5), ("picture", {"type": "image"}), ("papers", "x"), ("papers", [5])]
    for name, value in wrong:
        answer = send(**{name: value})
        assert answer[0] != 200, f"{name}={value!r} was taken"
        clear(answer, 400, "transfer_method" if isinstance(value, dict) and name == "picture" else name)
    for file in ({"type": "image", "transfer_method": "local_file", "upload_file_id": UNKNOWN}, {"type": "image", "transfer_method": "local_file", "upload_file_id": "nope"},
                 {"type": "image", "transfer_method": "carrier_pigeon"}, {"type": "image", "transfer_method": "remote_url", "url": "http://169.254.169.254/x.png"}):
        clear(send(picture=file), 400)


@case
def unknown_things_are_not_found():
    server, chat, workflow = SHARED.server, SHARED.key("chat"), SHARED.key("passthrough")
    clear(call(server, "POST", "/v1/chat-messages", chat, {"inputs": {}, "query": "x", "user": "ann", "conversation_id": UNKNOWN}), 404, "Conversation")
    clear(call(server, "GET", f"/v1/messages?user=ann&conversation_id={UNKNOWN}", chat), 404, "Conversation")
    clear(call(server, "DELETE", f"/v1/conversations/{UNKNOWN}", chat, {"user": "ann"}), 404, "Conversation")
    clear(call(server, "POST", f"/v1/conversations/{UNKNOWN}/name", chat, {"name": "x", "user": "ann"}), 404, "Conversation")
    clear(call(server, "POST", f"/v1/messages/{UNKNOWN}/feedbacks", chat, {"rating": "like", "user": "ann"}), 404, "Message")
    clear(call(server, "GET", f"/v1/messages/{UNKNOWN}/suggested?user=ann", chat), (400, 404))
    clear(call(server, "GET", f"/v1/workflows/run/{UNKNOWN}", workflow), 404)
    clear(call(server, "POST", f"/v1/workflows/{UNKNOWN}/run", workflow, run_body()), (400, 404))
    clear(call(server, "GET", "/v1/nothing/here", chat), 404, "/v1/nothing/here")
    clear(call(server, "GET", "/v1/chat-messages", chat), 405)
    for bad in ("nope", "%00", "..%2f..%2fetc", "x" * 5000):
        for path in (f"/v1/workflows/run/{bad}", f"/v1/messages/{bad}/suggested?user=ann", f"/v1/files/{bad}/preview"):
            status, body, _ = call(server, "GET", path, workflow if "workflows" in path else chat)
            assert 400 <= status < 500, (path[:60], status, body)
    # Another user's conversation is not there.
    mine = ask(server, chat, "mine")[1]["conversation_id"]
    clear(call(server, "GET", f"/v1/messages?user=bob&conversation_id={mine}", chat), 404, "Conversation")


@case
def keys_wrong_and_revoked():
    server = SHARED.server
    app_id, _ = server.import_app((APPS / "passthrough.yml").read_text())
    made = server.console("POST", f"/apps/{app_id}/api-keys")
    works(server, made["token"])
    server.console("DELETE", f"/apps/{app_id}/api-keys/{made['id']}")
    clear(call(server, "POST", "/v1/workflows/run", made["token"], run_body()), 401, "unauthorized")
    for key in ("", "app-", "app-wrong", "x" * 10_000, "app-%00", "Bearer app"):
        clear(call(server, "POST", "/v1/workflows/run", key, run_body()), 401, "unauthorized")
    clear(call(server, "POST", "/v1/workflows/run", None, run_body()), 401, "Authorization")
    clear(call(server, "POST", "/v1/workflows/run", None, run_body(), headers=[("Authorization", "Basic abc")]), 401, "Bearer")
    # An app that is gone.
    other_id, _ = server.import_app((APPS / "passthrough.yml").read_text())
    key = server.key(other_id)
    works(server, key)
    server.console("DELETE", f"/apps/{other_id}")
    clear(call(server, "POST", "/v1/workflows/run", key, run_body()), (401, 403, 404))


@case
def uploads():
    server, key = SHARED.server, SHARED.key("chat")
    status, body, _ = multipart(server, key, "notes.txt", b"hello", "text/plain")
    assert status == 201, body
    for name in ("run.exe", "RUN.EXE", "x.bat", "lib.dll"):
        clear(multipart(server, key, name, b"MZ", "application/octet-stream"), (400, 415), name.rsplit(".", 1)[1].lower())
    clear(multipart(server, key, "big.txt", b"x" * (16 << 20), "text/plain"), 413, "15")
    clear(multipart(server, key, "big.png", b"\x89PNG\r\n\x1a\n" + b"x" * (11 << 20), "image/png"), 413, "10")
    clear(multipart(server, key, "", b"x", "text/plain"), 400)
    clear(multipart(server, key, "x.txt", b"x", "text/plain", field="other"), 400, "no_file_uploaded")
    for raw, kind in ((b"", "multipart/form-data"), (b"garbage", "multipart/form-data; boundary=x"), (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf', "multipart/form-data; boundary=x"), (b"{}", "application/json")):
        clear(call(server, "POST", "/v1/files/upload", key, raw=raw, headers=[("Content-Type", kind)]), (400, 415))
    for name in ("../../../etc/passwd.txt", "a/b.txt", "..\\..\\x.txt", "名.txt", "x" * 300 + ".txt", "nul\\0.txt"):
        status, body, _ = multipart(server, key, name, b"x", "text/plain")
        assert status in (201, 400), (name[:30], status, body)
        assert not pathlib.Path("/etc/passwd.txt").exists()


# --- files and graphs ---


@case
def files_that_cannot_be_imported():
    server = SHARED.server
    good = (APPS / "passthrough.yml").read_text()
    for text, word in (("a: [", ""), ("\tkey: x", ""), ("", ""), ("just text", ""), ("- a\n- b", ""), ("&a [*a]", ""), ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]", ""),
                       (good.replace("mode: workflow", "mode: telepathy"), "Invalid app mode"), ("app: 5\nkind: app\nversion: 0.6.0", ""), ("kind: app\nversion: 0.6.0", "")):
        status, body = imported(server, text)
        assert status == 400 and body["status"] == "failed" and body["error"] and word in body["error"], (text[:40], status, body)
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    began = time.perf_counter()
    status, body = imported(server, bomb)
    assert status == 400 and time.perf_counter() - began < 5, (status, str(body)[:200])
    status, body = imported(server, "x: " + "y" * (11 << 20))
    assert status in (400, 413), (status, str(body)[:200])


@case
def a_file_from_the_future():
    server = SHARED.server
    text = (APPS / "passthrough.yml").read_text().replace("version: 0.6.0", "version: 9.9.9").replace("type: custom", "type: custom\n        quantum: {entangled: true}", 1)
    status, body = imported(server, text)
    assert body["status"] == "pending" and body["imported_dsl_version"] == "9.9.9", body
    done = server.console("POST", f"/apps/imports/{body['id']}/confirm")
    assert done["status"].startswith("completed"), done
    server.console("POST", f"/apps/{done['app_id']}/workflows/publish", {})
    works(server, server.key(done["app_id"]))
    out = server.console("GET", f"/apps/{done['app_id']}/export")["data"]
    assert "entangled" in out, "an unknown field was lost"
    with contextlib.suppress(ApiError):
        again = server.console("POST", f"/apps/imports/{body['id']}/confirm")
        assert again["status"] == "failed", again


@case
def graphs_that_cannot_run():
    server = SHARED.server
    cycle = run_odd(server, graph([START, template("a"), template("b"), END], [("start", "a"), ("a", "b"), ("b", "a"), ("b", "end")]))
    assert "cycle" in (cycle.get("message") or cycle.get("error") or "").lower(), cycle
    no_start = run_odd(server, graph([template("t"), END], [("t", "end")]))
    assert "begin" in (no_start.get("message") or no_start.get("error") or ""), no_start
    two = run_odd(server, graph([START, ("start2", {"type": "start", "variables": []}), template("t"), END], [("start", "t"), ("start2", "t"), ("t", "end")]))
    assert two.get("status") == "succeeded" or "start" in two["message"].lower(), two
    empty = run_odd(server, graph([], []))
    assert "begin" in empty["message"], empty
    dangling = run_odd(server, graph([START, template("t"), END], [("start", "t"), ("t", "end"), ("t", "ghost"), ("phantom", "end")]))
    assert dangling.get("outputs") == {"out": "t"} or any(word in dangling["message"] for word in ("ghost", "phantom")), dangling
    twins = run_odd(server, graph([START, template("t"), template("t", "other"), END], [("start", "t"), ("t", "end")]))
    assert twins.get("status") == "succeeded" or "t" in twins.get("message", ""), twins
    unknown = run_odd(server, graph([START, template("t"), ("alien", {"type": "quantum-oracle"}), END], [("start", "t"), ("t", "alien"), ("alien", "end")]))
    assert unknown["status"] == "failed" and "quantum-oracle" in unknown["error"], unknown
    not_reached = run_odd(server, graph([START, template("t"), ("alien", {"type": "quantum-oracle"}), END], [("start", "t"), ("t", "end")]))
    assert not_reached["status"] == "succeeded", not_reached
    missing = run_odd(server, graph([START, ("t", {"type": "template-transform", "template": "{{ x }}", "variables": [{"variable": "x", "value_selector": ["nobody", "nothing"]}]}), END], [("start", "t"), ("t", "end")]))
    assert missing["status"] in ("failed", "succeeded") and (missing["status"] == "succeeded" or "nobody" in missing["error"]), missing
    broken = run_odd(server, graph([START, template("t", "{% for %}"), END], [("start", "t"), ("t", "end")]))
    assert (broken.get("status") == "failed" and broken["error"]) or "t" in broken.get("message", ""), broken
    endless = run_odd(server, graph([START, template("t", "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}"), END], [("start", "t"), ("t", "end")]))
    assert endless["status"] == "failed" and endless["error"], endless
    works(server, SHARED.key("passthrough"))


# --- shutting down, taking over ---


@aside
def sigterm_drains_runs():
    with Server() as server:
        server.set_up()
        key = slow_app(server)
        streams = [server.stream("/workflows/run", key, run_body(mode="streaming")) for _ in range(4)]
        for stream in streams:
            next(stream)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with contextlib.suppress(urllib.error.URLError, ConnectionError):  # refused, or told to come back
            answer = call(server, "POST", "/v1/workflows/run", key, run_body(), timeout=5)
            clear(answer, 503, "shutting down")
            assert answer[2]["Retry-After"]
        for stream in streams:
            assert list(stream)[-1]["data"]["status"] == "succeeded"
        assert server.process.wait(15) == 0


@aside
def sigterm_leaves_what_takes_too_long():
    with Server(env={"OXIDIFY_SHUTDOWN_GRACE_SECONDS": "1"}) as server:
        server.set_up()
        key = slow_app(server, 50)
        ids = []
        for _ in range(4):
            stream = server.stream("/workflows/run", key, run_body(mode="streaming"))
            ids.append(next(stream)["workflow_run_id"])
        began = time.perf_counter()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) == 0
        assert time.perf_counter() - began < 12, "the server took too long to stop"
        assert len(unfinished(server)) == 4
        server.start()
        wait_until(lambda: not unfinished(server), TAKEOVER_LIMIT, "still running")
        for run_id in ids:
            run = server.v1("GET", f"/workflows/run/{run_id}", key)
            assert run["status"] == "succeeded", run


@aside
@slow
def takeover_by_another_process():
    if not bin_dir():
        raise Skipped("needs PostgreSQL's initdb")
    with postgres() as url:
        env = {"OXIDIFY_DATABASE_URL": url, "SECRET_KEY": "a-secret-of-at-least-32-characters-for-two"}
        with Server(env=env) as first, Server(env=env) as second:
            first.set_up()
            passthrough = first.app_key("passthrough")
            key = slow_app(first, 20)
            works(second, passthrough)
            ids = []
            for _ in range(4):
                stream = first.stream("/workflows/run", key, run_body(mode="streaming"))
                ids.append(next(stream)["workflow_run_id"])
            first.kill()

            def done():
                return all(second.v1("GET", f"/workflows/run/{run_id}", key)["status"] in ENDED for run_id in ids)

            took = wait_until(done, TAKEOVER_LIMIT, "still running")
            for run_id in ids:
                assert second.v1("GET", f"/workflows/run/{run_id}", key)["status"] == "succeeded"
            return f"taken over and ended within {took:.0f} s"


def tried(function):
    """(outcome, line to print) of one case."""
    began = time.perf_counter()
    try:
        note = function() or ""
        return "passed", f"ok   {function.__name__} ({time.perf_counter() - began:.1f} s) {note}"
    except Skipped as why:
        return "skipped", f"skip {function.__name__}: {why}"
    except Exception:
        return "failed", f"FAIL {function.__name__} ({time.perf_counter() - began:.1f} s)\n{traceback.format_exc(limit=-3)}"


def main(parts):
    quick = "--quick" in parts
    parts = [part for part in parts if part != "--quick"]
    chosen = [c for c in CASES if not parts or any(part in c.__name__ for part in parts)]
    left_out = [c for c in chosen if quick and hasattr(c, "slow")]
    chosen = [c for c in chosen if c not in left_out]
    outcomes = {"passed": 0, "failed": 0, "skipped": 0}

    def told(result):
        outcomes[result[0]] += 1
        print(result[1].rstrip(), flush=True)

    with SHARED.stack, concurrent.futures.ThreadPoolExecutor(2) as pool:
        beside = [pool.submit(tried, function) for function in chosen if hasattr(function, "aside")]
        for function in chosen:
            if not hasattr(function, "aside"):
                told(tried(function))
        for future in beside:
            told(future.result())
    more = f" ({len(left_out)} slow ones left out)" if left_out else ""
    print("faults: " + ", ".join(f"{number} {name}" for name, number in outcomes.items()) + more)
    return 1 if outcomes["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
