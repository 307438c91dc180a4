"""What the fault cases share: the list of them, calls and what an error must look like, a server of their own."""

import contextlib
import json
import pathlib
import sqlite3
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from oxidify import APPS, ApiError, Server  # noqa: E402

CASES = []


class Skipped(Exception):
    pass


def case(function):
    CASES.append(function)
    return function


def aside(function):
    """A case with a server of its own that mostly waits: it runs beside the others."""
    function.aside = True
    return case(function)


def slow(function):
    """A case that `--quick` leaves out."""
    function.slow = True
    return function


# --- calls and what an error must look like ---


def call(server, method, path, key=None, body=None, raw=None, headers=(), timeout=60):
    """(status, parsed JSON or text, headers) of one call, whatever its status."""
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}{path}", data=data, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    if key is not None:
        request.add_header("Authorization", f"Bearer {key}")
    for name, value in headers:
        request.add_header(name, value)
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read()
        try:
            return answer.status, json.loads(text), answer.headers
        except ValueError:
            return answer.status, text.decode(errors="replace"), answer.headers


def clear(answer, status, *words):
    """The answer is an error with this status (or one of these), in the envelope, with all of the words."""
    got, body, _ = answer
    wanted = status if isinstance(status, tuple) else (status,)
    assert got in wanted, f"status {got}, not {status}: {str(body)[:300]}"
    assert isinstance(body, dict) and {"code", "message", "status"} <= body.keys(), f"no envelope: {str(body)[:300]}"
    assert body["status"] == got, body
    for word in words:
        assert word.lower() in body["message"].lower() or word == body["code"], f"{word!r} is not in {body['code']}: {body['message'][:300]}"
    for leak in ("panicked", "backtrace", ".rs:", "SqlxError", "Exec("):
        assert leak not in body["message"], body["message"]
    return body


def run_body(text="x", mode="blocking", **more):
    return {"inputs": {"query": text}, "user": "ann", "response_mode": mode, **more}


def events(server, path, key, body, timeout=60):
    return list(server.stream(path, key, body, timeout))


def works(server, key):
    status, body, _ = call(server, "POST", "/v1/workflows/run", key, run_body("still fine"))
    assert status == 200 and body["data"]["outputs"] == {"query": "still fine"}, body


def wait_until(what, limit, text):
    began = time.perf_counter()
    while not what():
        assert time.perf_counter() - began < limit, f"{text} after {limit} s"
        time.sleep(0.1)
    return time.perf_counter() - began


def rows(server, sql):
    with contextlib.closing(sqlite3.connect(f"file:{server.home}/oxidify.db?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(sql).fetchall()


def unfinished(server):
    return rows(server, "select id from workflow_runs where status not in ('succeeded','failed','stopped','partial-succeeded')")


def slow_app(server, tokens_per_s=100):
    """A workflow whose model speaks for 200 / tokens_per_s seconds."""
    text = (APPS / "llm_slow.yml").read_text().replace('"tokens_per_s": 20', f'"tokens_per_s": {tokens_per_s}')
    return server.key(server.import_app(text)[0])


# --- servers that several cases share ---


class Shared:
    """The running server of the input cases, made at first use."""

    def __init__(self):
        self.stack, self._server, self._keys = contextlib.ExitStack(), None, {}

    @property
    def server(self):
        if not self._server:
            self._server = self.stack.enter_context(Server())
            self._server.set_up()
        return self._server

    def key(self, name):
        if name not in self._keys:
            self._keys[name] = self.server.app_key(name)
        return self._keys[name]


SHARED = Shared()


# --- the provider ---


def faulty_apps(server, base):
    credentials = {"api_key": "sk-x", "endpoint_url": base, "mode": "chat", "context_size": "4096"}
    body = {"model": "faulty", "model_type": "llm", "credentials": credentials}
    server.console("POST", "/workspaces/current/model-providers/openai_api_compatible/models/credentials", body)
    keys = []
    for name in ("chat", "chatflow"):
        text = (APPS / f"{name}.yml").read_text()
        for a, b in (("provider: oxidify/scripted, name: echo", "provider: openai_api_compatible, name: faulty"), ('"provider": "oxidify/scripted", "name": "echo"', '"provider": "openai_api_compatible", "name": "faulty"')):
            text = text.replace(a, b)
        assert "faulty" in text, f"{name}.yml has no model to replace"
        keys.append(server.key(server.import_app(text)[0]))
    return keys


def ask(server, key, text, mode="blocking", timeout=60):
    return call(server, "POST", "/v1/chat-messages", key, {"inputs": {}, "query": text, "user": "ann", "response_mode": mode}, timeout=timeout)


# --- files and graphs ---


def imported(server, text):
    """(status, answer) of an import."""
    try:
        return 200, server.console("POST", "/apps/imports", {"mode": "yaml-content", "yaml_content": text})
    except ApiError as error:
        return error.status, json.loads(error.body)


def graph(nodes, edges):
    """A workflow file of (id, data) nodes and (source, target) edges."""
    listed = [{"id": i, "type": "custom", "position": {"x": 0, "y": 0}, "data": {"title": i, **data}} for i, data in nodes]
    drawn = [{"id": f"{a}-{b}", "source": a, "sourceHandle": "source", "target": b, "targetHandle": "target", "type": "custom"} for a, b in edges]
    return json.dumps({"app": {"name": "Odd", "mode": "workflow"}, "kind": "app", "version": "0.6.0", "workflow": {"features": {}, "graph": {"nodes": listed, "edges": drawn}}})


START = ("start", {"type": "start", "variables": []})
END = ("end", {"type": "end", "outputs": [{"variable": "out", "value_selector": ["t", "output"]}]})


def template(name, text="t"):
    return name, {"type": "template-transform", "template": text, "variables": []}


def run_odd(server, text):
    """Imports, draws, publishes (if it may) and runs; answers what was said: the run's data, or the refusal's envelope."""
    status, body = imported(server, text)
    assert status == 200 and body["app_id"], (status, body)
    drawn = server.console("GET", f"/apps/{body['app_id']}/workflows/draft")
    assert "nodes" in drawn["graph"], drawn
    assert server.console("GET", f"/apps/{body['app_id']}/export")["data"]
    try:
        server.console("POST", f"/apps/{body['app_id']}/workflows/publish", {})
    except ApiError as error:
        return clear((error.status, json.loads(error.body), None), 400)
    answer = call(server, "POST", "/v1/workflows/run", server.key(body["app_id"]), {"inputs": {}, "user": "ann", "response_mode": "blocking"}, timeout=30)
    return answer[1]["data"] if answer[0] == 200 else clear(answer, 400)


def multipart(server, key, name, content, kind, field="file", user="ann"):
    edge = "----edge"
    parts = f'--{edge}\r\nContent-Disposition: form-data; name="user"\r\n\r\n{user}\r\n' if user is not None else ""
    head = f'{parts}--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    raw = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
    return call(server, "POST", "/v1/files/upload", key, raw=raw, headers=[("Content-Type", f"multipart/form-data; boundary={edge}")])
