"""kill -9 over the workflow engine: no run is lost or left open, no effect happens twice, every stream can be resumed.

    python3 tests/crash/engine.py [kills]             one server on SQLite, killed and started again
    python3 tests/crash/engine.py --postgres [kills]  the same on PostgreSQL
    python3 tests/crash/engine.py --two [kills]       two servers on PostgreSQL; one is killed, the other takes over

Clients run the flows of `flows.py` (loops, iterations, slow models, forms) whose effects a server counts. A client whose
stream breaks comes back with `Last-Event-ID`, or with its `Idempotency-Key` when it never learned the run's id. Forms are
answered at once, between kills, or later. Decisions §4: an effect happens once at most, unless its node is declared
repeatable; a run whose effect may have been cut off fails with `interrupted` and names the node.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from effects import effects  # noqa: E402
from flows import ANSWER, REPEATABLE, flows  # noqa: E402
from oxidify import Server  # noqa: E402
from postgres import database, rows  # noqa: E402

SECRET = {"SECRET_KEY": "a-secret-of-at-least-32-characters-for-all", "SSRF_PROXY_ALLOW_PRIVATE_IPS": "127.0.0.1", "MAIL_TYPE": ""}
TAKEOVER_LIMIT = 45
CLIENT_LIMIT = 150
OPEN = "select id, status, created_at from workflow_runs where status in ('running', 'scheduled')"
PAUSED = "select id, status from workflow_runs where status = 'paused'"
GONE = (OSError, urllib.error.URLError, ConnectionError, TimeoutError, ValueError)


class World:
    """The servers that live, what clients were told, and what went wrong."""

    def __init__(self, servers, keys):
        self.servers, self.keys = servers, keys
        self.lock, self.gate, self.over = threading.Lock(), threading.Event(), threading.Event()
        self.alive = set(servers)
        self.told, self.problems, self.busy = {}, [], 0
        self.counts = collections.Counter()
        self.forms = collections.deque()
        self.asked = set()

    def server(self):
        """One that lives; waits for it."""
        while not self.over.is_set():
            with self.lock:
                if self.alive:
                    return random.choice(sorted(self.alive, key=lambda server: server.port))
            time.sleep(0.01)
        raise TimeoutError("the test is over")

    def kill(self, server):
        children = children_of(server.process.pid)
        with self.lock:
            self.alive.discard(server)
        server.kill()
        return children

    def start(self, server):
        server.start()
        with self.lock:
            self.alive.add(server)

    def problem(self, text):
        with self.lock:
            self.problems.append(text)
        print(f"PROBLEM {text}", flush=True)

    def count(self, name):
        with self.lock:
            self.counts[name] += 1

    def ask(self, key, token):
        """Somebody is to answer a form: at once, in a moment, or later."""
        with self.lock:
            if token not in self.asked:
                self.asked.add(token)
                self.forms.append((time.monotonic() + random.choice([0, random.uniform(0, 1), random.uniform(1, 5)]), key, token))


def children_of(pid):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def sent(server, method, path, key, body=None, headers=(), timeout=30):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}/v1{path}", data=data, method=method)
    request.add_header("Authorization", f"Bearer {key}")
    if data is not None:
        request.add_header("Content-Type", "application/json")
    for name, value in headers:
        request.add_header(name, value)
    return urllib.request.urlopen(request, timeout=timeout)


class Follow:
    """One run of a flow, from its request to its end, over any number of broken streams."""

    def __init__(self, world, flow, name=None):
        self.world, self.flow, self.key = world, flow, world.keys[flow]
        self.is_chat = flow in ("chat", "asked")
        self.query = name or f"{flow} {uuid.uuid4()}"
        self.named = random.random() < 0.7
        self.run = self.last = self.end = None
        self.text, self.seen_end = "", False

    def follow(self):
        deadline = time.monotonic() + CLIENT_LIMIT
        while not self.seen_end and not self.world.over.is_set():
            if time.monotonic() > deadline:
                self.world.problem(f"{self.flow} {self.run}: no end after {CLIENT_LIMIT} s, text {self.text[-80:]!r}")
                return
            try:
                with self.opened() as stream:
                    self.read(stream)
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace")
                if error.code == 404 or error.code not in (409, 429, 503):
                    self.world.problem(f"{self.flow} {self.run}: {error.code} {said[:300]}")
                    return
                time.sleep(0.3)
            except GONE:
                if self.run is None and not self.named:
                    return self.world.count("requests never acknowledged")
                self.world.count("streams resumed" if self.run else "requests repeated")
                time.sleep(0.02)
        return self

    def opened(self):
        server = self.world.server()
        if self.run:
            headers = [("Last-Event-ID", str(self.last))] if self.last is not None else []
            return sent(server, "GET", f"/workflow/{self.run}/events?user=crash&continue_on_pause=true", self.key, headers=headers)
        body = {"inputs": {} if self.is_chat else {"query": self.query}, "user": "crash", "response_mode": "streaming"}
        if self.is_chat:
            body["query"] = self.query
        headers = [("X-Stream-Ids", "1"), *([("Idempotency-Key", self.query)] if self.named else [])]
        return sent(server, "POST", "/chat-messages" if self.is_chat else "/workflows/run", self.key, body, headers)

    def read(self, stream):
        number = None
        for raw in stream:
            if raw.startswith(b"id: "):
                number = int(raw[4:])
            elif raw.startswith(b"data: "):
                self.take(json.loads(raw[6:]))
                # Only what was read completely was seen.
                self.last = number if number is not None else self.last

    def take(self, event):
        kind, data = event["event"], event.get("data") or {}
        if self.run is None and event.get("workflow_run_id"):
            self.run = event["workflow_run_id"]
            with self.world.lock:
                self.world.told[self.run.replace("-", "")] = self
        if kind == "text_chunk":
            self.text += data["text"]
        elif kind == "message":
            self.text += event["answer"]
        elif kind in ("text_replace", "message_replace"):
            self.text = data["text"] if kind == "text_replace" else event["answer"]
            self.world.count("texts replaced")
        elif kind == "human_input_required":
            self.world.ask(self.key, data["form_token"])
        elif kind == "workflow_finished":
            self.end, self.seen_end = data, True
        elif kind == "error" and not self.end:
            self.world.problem(f"{self.flow} {self.run}: the stream ended with {json.dumps(event)[:300]}")
            self.seen_end = True


def client(world, turn):
    names = sorted(world.keys)
    while not world.over.is_set():
        if not world.gate.wait(0.1):
            continue
        with world.lock:
            world.busy += 1
        try:
            Follow(world, names[next(turn) % len(names)]).follow()
        except Exception as error:
            if not world.over.is_set():
                world.problem(f"a client: {error!r}")
        finally:
            with world.lock:
                world.busy -= 1


def answerer(world):
    while not world.over.is_set():
        with world.lock:
            ready = [form for form in world.forms if form[0] <= time.monotonic()]
            for form in ready:
                world.forms.remove(form)
            world.busy += len(ready)
        for _, key, token in ready:
            threading.Thread(target=answer, args=(world, key, token), daemon=True).start()
        time.sleep(0.02)


def answer(world, key, token):
    """Answers a form until it is told to be answered; now and then twice at the same moment, of which one counts."""
    taken, doubt = [], []

    def one():
        body = {"inputs": {"note": ANSWER}, "action": "approve", "user": "crash"}
        for _ in range(600):
            try:
                with sent(world.server(), "POST", f"/form/human_input/{token}", key, body) as done:
                    assert done.status == 200
                    return taken.append(True)
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace")
                if error.code == 412:
                    return taken.append(False) if "submitted" in said else doubt.append("over")
                if error.code not in (503, 429):
                    return world.problem(f"form {token}: {error.code} {said[:200]}")
            except GONE:
                doubt.append("cut")
            time.sleep(0.05)
        world.problem(f"form {token} cannot be answered")

    try:
        pair = [threading.Thread(target=one) for _ in range(2 if random.random() < 0.3 else 1)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        if taken.count(True) > 1 or (not doubt and taken.count(True) != 1):
            world.problem(f"form {token}: answered {taken}, {doubt}")
        world.count("forms answered")
        if len(pair) > 1:
            world.count("forms answered twice at once")
    finally:
        with world.lock:
            world.busy -= 1


def wait_until(done, limit, text):
    began = time.perf_counter()
    while left := done():
        assert time.perf_counter() - began < limit, f"{text} after {limit} s: {left}"
        time.sleep(0.05)
    return time.perf_counter() - began


def quiet_runs(world):
    """What each flow says when nothing happens to it: text and outputs."""
    world.gate.clear()
    said = {}
    for name in sorted(world.keys):
        run = Follow(world, name)
        done = run.follow()
        assert done and done.end and done.end["status"] == "succeeded", (name, done and done.end)
        said[name] = (run.text, run.end["outputs"])
        assert run.text, f"{name} says nothing"
    return said


def check(world, server, places, server_of_effects, said):
    """Everything that was told, and everything that happened, against the record."""
    recorded = {row[0]: row[1:] for row in rows(server, "select id, status, coalesce(error, '') from workflow_runs")}
    answers = {row[0]: row[1] for row in rows(server, "select workflow_run_id, answer from messages where workflow_run_id is not null")}
    with world.lock:
        told = dict(world.told)
    effects_of = collections.defaultdict(dict)
    for (run, name, place), keys in list(server_of_effects.calls.items()):
        effects_of[run][(name, place)] = list(keys)
    owners, outcome = {}, collections.Counter()
    for run, by_place in effects_of.items():
        for (name, place), keys in by_place.items():
            if name not in REPEATABLE and len(keys) > 1:
                world.problem(f"{run}: {name} {place} happened {len(keys)} times: {keys}")
            if len(keys) > 1:
                outcome["calls repeated by permission"] += len(keys) - 1
            if name == "look":
                continue
            if None in keys or len(set(keys)) != 1:
                world.problem(f"{run}: {name} {place} came with the keys {keys}")
            if owners.setdefault(keys[0], (run, name, place)) != (run, name, place):
                world.problem(f"the key {keys[0]} stands for {owners[keys[0]]} and {(run, name, place)}")
    for run, follow in told.items():
        if run not in recorded:
            world.problem(f"acknowledged run {run} ({follow.flow}) is lost")
            continue
        status, error = recorded[run][:2]
        outcome[f"{status}"] += 1
        if follow.end is None or follow.end["status"] != status:
            world.problem(f"{run} ({follow.flow}) was told {follow.end and follow.end['status']}, is {status}: {error}")
            continue
        if status == "failed":
            if "interrupted" not in error or not any(name in error for name in places[follow.flow]):
                world.problem(f"{run} ({follow.flow}) failed: {error}")
        elif status == "succeeded":
            wanted = {(name, place) for name, all_of in places[follow.flow].items() for place in all_of}
            if effects_of[run].keys() != wanted:
                world.problem(f"{run} ({follow.flow}) succeeded with the effects {sorted(effects_of[run])}")
            if (follow.text, follow.end["outputs"]) != said[follow.flow]:
                world.problem(f"{run} ({follow.flow}) said {follow.text!r} {follow.end['outputs']}, not {said[follow.flow]}")
        else:
            world.problem(f"{run} ({follow.flow}) is {status}: {error}")
        if follow.is_chat and answers.get(run, "") != follow.text:
            world.problem(f"{run} ({follow.flow}, {status}): the stream says {follow.text!r}, the record {answers.get(run)!r}")
    twice = rows(server, "select workflow_run_id, count(*) from messages where workflow_run_id is not null group by 1 having count(*) > 1")
    if twice:
        world.problem(f"two messages of one run: {twice[:3]}")
    names = collections.Counter(follow.query for follow in told.values())
    if names and names.most_common(1)[0][1] > 1:
        world.problem(f"one Idempotency-Key, two runs: {names.most_common(1)}")
    outcome["in all"] = len(recorded)
    return outcome


def settle(world):
    """Lets everything come to its end: runs, forms, clients."""
    world.gate.clear()

    def left():
        with world.lock:
            return (world.busy, len(world.forms)) if world.busy or world.forms else None

    wait_until(left, CLIENT_LIMIT, "clients or forms are left")
    with world.lock:
        server = next(iter(world.alive))
    wait_until(lambda: rows(server, PAUSED), 20, "a run waits whose form was answered")


def orphans(pids):
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}") and "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()]


def gone(pids):
    def left():
        with contextlib.suppress(OSError):
            return orphans(pids)
        return []

    wait_until(left, 5, "children of the killed server live on")


def kill_once(world, number):
    """One kill: of one server, or of one of two; how long what it ran stayed open."""
    world.gate.set()
    time.sleep(random.uniform(0.05, 1.2))
    victim = world.servers[number % len(world.servers)]
    children = world.kill(victim)
    world.gate.clear()
    alone = len(world.servers) == 1
    if alone:
        world.start(victim)
        if number % 4 == 0:  # dies again while it takes over
            time.sleep(random.uniform(0, 0.6))
            children += world.kill(victim)
            world.start(victim)
    with world.lock:
        heir = next(iter(world.alive))
    slowest = wait_until(lambda: rows(heir, OPEN), TAKEOVER_LIMIT, f"kill {number}: still open")
    if not alone:
        world.start(victim)
    gone(children)
    return slowest


def suite(kind, number_of_servers, kills, seed):
    random.seed(seed)
    with contextlib.ExitStack() as stack:
        effect_server = stack.enter_context(effects())
        env = {**stack.enter_context(database(kind)), **SECRET}
        servers = [stack.enter_context(Server(env=env)) for _ in range(number_of_servers)]
        servers[0].set_up()
        keys, places = {}, {}
        for name, (text, effect_places) in flows(effect_server.url).items():
            keys[name], places[name] = servers[0].key(servers[0].import_app(text)[0]), effect_places
        world = World(servers, keys)
        stack.callback(world.over.set)
        turn = iter(range(10**9))
        threading.Thread(target=answerer, args=(world,), daemon=True).start()
        said = quiet_runs(world)
        for _ in range(8):
            threading.Thread(target=client, args=(world, turn), daemon=True).start()
        slowest, began = 0.0, time.perf_counter()
        for number in range(1, kills + 1):
            slowest = max(slowest, kill_once(world, number))
            if number % 20 == 0 or number == kills:
                settle(world)
                outcome = check(world, servers[0], places, effect_server, said)
                figures = ", ".join(f"{name} {count}" for name, count in [*sorted(outcome.items()), *sorted(world.counts.items())])
                print(f"kill {number} ({time.perf_counter() - began:.0f} s): slowest recovery {slowest:.1f} s; runs: {figures}", flush=True)
        assert not world.problems, f"{len(world.problems)} problems, the first: {world.problems[0]}"


def main():
    parser = argparse.ArgumentParser(description="kill -9 over the workflow engine")
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--two", action="store_true", help="two servers on PostgreSQL")
    parser.add_argument("--seed", type=int, default=20261121)
    args = parser.parse_args()
    suite("postgres" if args.postgres or args.two else "sqlite", 2 if args.two else 1, args.kills, args.seed)
    print(f"crash of the engine: {args.kills} kills, 0 problems")


if __name__ == "__main__":
    main()
