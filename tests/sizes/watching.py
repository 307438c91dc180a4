"""What is watched while a server has too much to do: its memory, whether it answers, whether others get their turn."""

import contextlib
import pathlib
import sqlite3
import statistics
import threading
import time
import urllib.request
import uuid

from oxidify import ApiError

EMBEDDING = {"embedding_model": "embed-384", "embedding_model_provider": "oxidify/scripted/scripted"}


class Memory(threading.Thread):
    """The server's memory: `anonymous` is what it holds itself, `resident` counts the files that it has mapped as well."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.place, self.over = pathlib.Path(f"/proc/{pid}"), threading.Event()
        self.before = self.now()
        self.anonymous, self.resident = self.before

    def now(self):
        """(anonymous, resident) in MB."""
        found = {}
        with contextlib.suppress(OSError):
            for text in (self.place / "status").read_text().splitlines():
                name, _, value = text.partition(":")
                if name in ("RssAnon", "VmRSS"):
                    found[name] = int(value.split()[0]) / 1024
        return found.get("RssAnon", 0.0), found.get("VmRSS", 0.0)

    def run(self):
        while not self.over.wait(0.02):
            anonymous, resident = self.now()
            self.anonymous, self.resident = max(self.anonymous, anonymous), max(self.resident, resident)

    @property
    def added(self):
        return self.anonymous - self.before[0]

    def __str__(self):
        return f"{self.added:.0f} MB over the {self.before[0]:.0f} MB of idle (with mapped files {self.resident:.0f} MB in all)"


class Health(threading.Thread):
    """Asks whether the server is well, ten times a second."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.over, self.times, self.problems = url, threading.Event(), [], []

    def run(self):
        while not self.times or not self.over.wait(0.1):  # once, however short it was
            began = time.perf_counter()
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=30) as answer:
                    answer.read()
            except OSError as error:
                self.problems.append(str(error))
            self.times.append(time.perf_counter() - began)

    @property
    def p99(self):
        return percentile(self.times, 99)

    def __str__(self):
        return f"/health p50 {milliseconds(percentile(self.times, 50))}, p99 {milliseconds(self.p99)}, slowest {milliseconds(max(self.times, default=0.0))} of {len(self.times)}"


class Neighbour(threading.Thread):
    """Somebody in another workspace who adds a short text now and then, and waits for it."""

    def __init__(self, server, key, dataset):
        super().__init__(daemon=True)
        self.server, self.key, self.dataset, self.over, self.times, self.problems = server, key, dataset, threading.Event(), [], []

    def run(self):
        while not self.over.wait(1.0):
            try:
                self.times.append(self.once(f"neighbour{uuid.uuid4().hex}"))
            except (ApiError, OSError, AssertionError) as error:
                self.problems.append(str(error))

    def once(self, mark):
        began = time.perf_counter()
        body = {"name": f"{mark}.txt", "text": f"{mark} has a short text of its own. " * 40, "process_rule": {"mode": "automatic"}}
        batch = self.server.v1("POST", f"/datasets/{self.dataset}/document/create-by-text", self.key, body)["batch"]
        while True:
            [state] = self.server.v1("GET", f"/datasets/{self.dataset}/documents/{batch}/indexing-status", self.key)["data"]
            if state["indexing_status"] in ("completed", "error"):
                assert state["indexing_status"] == "completed", state
                return time.perf_counter() - began
            assert time.perf_counter() - began < 60, state
            time.sleep(0.02)

    def __str__(self):
        return f"another workspace's text p50 {percentile(self.times, 50):.2f} s, slowest {max(self.times):.2f} s of {len(self.times)}"


class Watch:
    """All three, while the block runs. `idle` is the memory before all of it, where that is not the present one."""

    def __init__(self, server, key, dataset, idle=None):
        self.memory, self.health, self.neighbour = Memory(server.process.pid), Health(server.url), Neighbour(server, key, dataset)
        self.memory.before = idle or self.memory.before
        self.parts = (self.memory, self.health, self.neighbour)

    def __enter__(self):
        self.began = time.perf_counter()
        for part in self.parts:
            part.start()
        return self

    def __exit__(self, *_):
        self.took = time.perf_counter() - self.began
        for part in self.parts:
            part.over.set()
        for part in self.parts:
            part.join(70)

    def check(self, memory_mb, health_seconds=0.5, neighbour_seconds=10):
        assert not self.health.problems, f"/health did not answer: {self.health.problems[:3]}"
        assert not self.neighbour.problems, f"another workspace was held up: {self.neighbour.problems[:3]}"
        assert self.health.p99 <= health_seconds, f"{self}: the server must answer at once"
        assert max(self.neighbour.times, default=0) <= neighbour_seconds, f"{self}: one workspace holds up another"
        assert self.memory.added <= memory_mb, f"{self}: more than {memory_mb:.0f} MB were needed"

    def __str__(self):
        return "; ".join([str(self.memory), str(self.health)] + ([str(self.neighbour)] if self.neighbour.times else []))


def percentile(times, share):
    if len(times) < 2:
        return times[0] if times else 0.0
    return statistics.quantiles(times, n=100, method="inclusive")[share - 1]


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"


def other_workspace(server):
    """A key for knowledge bases of a second workspace, which is put straight into the database: no route makes one."""
    current = next(one["id"] for one in server.console("GET", "/workspaces")["workspaces"] if one["current"])
    other = uuid.uuid4()
    with contextlib.closing(sqlite3.connect(f"{server.home}/oxidify.db", timeout=30)) as db:
        stored = type_of_id(db)
        copy(db, "tenants", "id", stored(current), {"id": stored(other), "name": "Neighbours", "encrypted_data_key": None})
        copy(db, "tenant_account_joins", "tenant_id", stored(current), {"id": stored(uuid.uuid4()), "tenant_id": stored(other), "current": 0})
        db.commit()
    server.console("POST", "/workspaces/switch", {"tenant_id": str(other)})
    key = server.console("POST", "/datasets/api-keys")["token"]
    server.console("POST", "/workspaces/switch", {"tenant_id": current})
    return key


def type_of_id(db):
    [kind] = db.execute("select typeof(id) from tenants limit 1").fetchone()
    return (lambda id: uuid.UUID(str(id)).bytes) if kind == "blob" else (lambda id: str(id))


def copy(db, table, column, value, other):
    """One more row like another one."""
    names = [row[1] for row in db.execute(f"pragma table_info({table})")]
    chosen = ", ".join("?" if name in other else f'"{name}"' for name in names)
    done = db.execute(f'insert into {table} select {chosen} from {table} where "{column}" = ?', [other[name] for name in names if name in other] + [value])
    assert done.rowcount == 1, f"{table}: {done.rowcount} rows were copied"
