"""Chaos: what a server leans on goes away and comes back while it works, and so do those who call it.

    python3 tests/chaos/chaos.py                  everything, on PostgreSQL, about six minutes
    python3 tests/chaos/chaos.py --short          a taste of everything, 50 s at most
    python3 tests/chaos/chaos.py --only keys      one part: database, redis, slow, vanishing, keys
    python3 tests/chaos/chaos.py --sqlite         without PostgreSQL, and so without the part `database`
    python3 tests/chaos/chaos.py --no-redis       without Redis, and so without the part `redis`

- database: PostgreSQL is stopped (as by a crash, or in order) and started again under load, several times.
- redis: Redis, which counts the calls and the runs of API keys, is killed (or stopped) and started again, empty, in the
  middle of streams; a key with a limit keeps to it while Redis is away.
- slow: clients that read a byte a second of a long answer, and clients that send one a second.
- vanishing: hundreds of clients close their connection in the middle of their answer, politely or not, or before it.
- keys: 500 API keys are made, used, and deleted while they are used.

What must hold: an acknowledged run or message is there, with its answer or with the reason why it has none; a stream ends
with its end or with an error; nothing is open 45 s later; a deleted key opens nothing from the moment its deletion is
answered; connections to the database never exceed the pool; file descriptors come back to where they were; every answer
of 500 and above has its cause in the log. Where `redis-server` is installed the server uses one in every part, and
without Redis not a single answer may be 500 or above.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import secrets
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name) for name in ("support", "crash")]
import crash  # noqa: E402
from oxidify import APPS, ApiError, Server  # noqa: E402
from postgres import bin_dir, postgres_server, rows  # noqa: E402
import redis_server as redis_support  # noqa: E402

POOL = 8
PARTS = ("database", "redis", "slow", "vanishing", "keys")
SETTINGS = {**crash.SECRET, "SQLALCHEMY_POOL_SIZE": str(POOL), "SQLALCHEMY_MAX_OVERFLOW": "0"}
# Of a table's rows: whose connection it is. `psql` is this test's own.
CONNECTIONS = "select count(*) from pg_stat_activity where backend_type = 'client backend' and application_name <> 'psql'"
# Calls of a key with a limit while Redis is away.
LIMITED_CALLS = 20
# How long after PostgreSQL or Redis is back calls may still fail.
BACK_WITHIN = 15
# How long file descriptors may take to come back: idle connections of the server's own are closed after a while.
SETTLE = 40
# Words of the answer that slow clients do not read: more than all buffers between them and the server hold.
LONG = 8000


class World:
    """The server, what it is on, and what went wrong."""

    def __init__(self, server, postgres, redis, short):
        self.server, self.postgres, self.redis, self.short = server, postgres, redis, short
        self.lock, self.problems = threading.Lock(), []
        self.failures = collections.Counter()
        self.told_of = set()
        self.connections, self.over = 0, threading.Event()
        self.log_starts = os.path.getsize(self.log_path())

    def log_path(self):
        return f"/tmp/oxidify-{self.server.port}.log"

    def problem(self, text):
        with self.lock:
            self.problems.append(text)
        print(f"PROBLEM {text}", flush=True)

    def failed(self, error):
        """Remembers an answer of an error, whose cause the log must have."""
        status = getattr(error, "status", None) or getattr(error, "code", 0)
        body = error.body if isinstance(error, ApiError) else error.read().decode(errors="replace")
        code = "?"
        with contextlib.suppress(ValueError, AttributeError):
            code = json.loads(body).get("code", "?")
        with self.lock:
            self.failures[(status, code)] += 1
        return status, code

    def watch(self):
        """Looks at PostgreSQL's own list of connections, until the end."""
        while not self.over.wait(0.4):
            with contextlib.suppress(subprocess.CalledProcessError, ValueError, IndexError):
                count = connections(self.server)
                self.connections = max(self.connections, count)
                if count > POOL:
                    self.problem(f"{count} connections to PostgreSQL, the pool has {POOL}")


def connections(server):
    """Connections that PostgreSQL counts, or nothing to count on SQLite."""
    url = server.env.get("OXIDIFY_DATABASE_URL")
    if not url:
        return 0
    command = [f"{bin_dir()}/psql", "-X", "-A", "-t", "-c", CONNECTIONS, url]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def descriptors(server):
    """Open file descriptors of the server by kind; those of the pools of the database are not counted."""
    kinds = collections.Counter()
    folder = f"/proc/{server.process.pid}/fd"
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            target = os.readlink(f"{folder}/{name}")
            if "oxidify.db" in target:
                continue
            kinds["sockets" if target.startswith("socket:") else "others"] += 1
    kinds["sockets"] -= connections(server)
    return kinds


class Load(crash.Load):
    """As in the crash test; but the server lives, so whatever breaks without a word is a problem."""

    def __init__(self, world, keys):
        super().__init__(keys)
        self.world, self.counts = world, collections.Counter()

    def count(self, name):
        with self.lock:
            self.counts[name] += 1

    def work(self, server, index, quit):
        call = [self.blocking, self.streaming, self.slow, self.chatflow, self.chat][index % 5]
        number = 0
        while not quit.is_set():
            number += 1
            try:
                call(server, f"{index}-{number}", quit)
                self.count("answered")
            except (ApiError, urllib.error.HTTPError) as error:
                status, code = self.world.failed(error)
                self.count(f"{status} {code}")
                time.sleep(0.02)
            except (OSError, ValueError) as error:
                self.world.problem(f"{call.__name__}: the connection broke without a word: {error!r}")
                time.sleep(0.1)

    def follow(self, server, app, text, _quit):
        body = {"inputs": {"query": text}, "user": "chaos", "response_mode": "streaming"}
        for event in self.whole(server, "/workflows/run", self.keys[app], body, "workflow_finished"):
            if event["event"] in ("workflow_started", "workflow_finished"):
                ended = event["event"] == "workflow_finished"
                self.acknowledge(event["workflow_run_id"], event["data"]["status"] if ended else None)

    def chat(self, server, text, _quit):
        body = {"inputs": {}, "query": text, "user": "chaos", "response_mode": "streaming"}
        said = ""
        for event in self.whole(server, "/chat-messages", self.keys["chat"], body, "message_end"):
            if event["event"] == "message":
                said += event["answer"]
                with self.lock:
                    self.messages[event["message_id"].replace("-", "")] = text
            if event["event"] == "message_replace":
                said = event["answer"]
            if event["event"] == "message_end":
                with self.lock:
                    self.answers[event["message_id"].replace("-", "")] = said

    def whole(self, server, path, key, body, end):
        """The events of a stream, which must end with its end or with an error."""
        last = None
        for event in server.stream(path, key, body, timeout=90):
            last = event
            yield event
        if not last or last["event"] not in (end, "error"):
            self.world.problem(f"a stream of {path} ended after {last and last['event']}")
        elif last["event"] == "error":
            self.count(f"stream error {last.get('status')} {last.get('code')}")
            if not last.get("message"):
                self.world.problem(f"a stream's error says nothing: {last}")
            with self.world.lock:
                if last.get("status", 0) >= 500:
                    self.world.told_of.add(last.get("task_id") or "")


def database(world):
    """PostgreSQL goes away and comes back."""
    if not world.postgres:
        print("database: left out, the server is not on PostgreSQL")
        return
    server, rounds = world.server, 2 if world.short else 8
    load = Load(world, crash.apps(server))
    end = load.start(server, threads=10)
    slowest = 0.0
    for number in range(rounds):
        time.sleep(random.uniform(0.8, 1.5) if world.short else random.uniform(1, 4))
        world.postgres.stop("fast" if number % 3 == 2 else "immediate")
        time.sleep([0.3, 2.0, 0.0, 6.0][number % 4])
        world.postgres.start()
        slowest = max(slowest, back(world, load))
    time.sleep(0.5)
    end()
    took = crash.wait_until_ended(server, None)
    crash.check_database(server, load)
    answered = ", ".join(f"{count} × {name}" for name, count in sorted(load.counts.items()))
    print(f"database: {rounds} restarts; {len(load.runs)} acknowledged runs, {len(load.messages)} messages, none lost; calls were answered {slowest:.1f} s "
          f"after PostgreSQL was back, everything had ended {took:.1f} s after the load; {answered}", flush=True)


def redis(world):
    """Redis goes away and comes back; what it counted is lost, and nothing else."""
    if not world.redis:
        print("redis: left out, the server is without Redis")
        return
    server, rounds = world.server, 2 if world.short else 8
    keys = crash.apps(server)
    for app in [app["id"] for app in server.console("GET", "/apps?limit=100")["data"]]:
        for key in server.console("GET", f"/apps/{app}/api-keys")["data"]:
            # So that every call is counted and every run takes a place there.
            server.console("PUT", f"/apps/{app}/api-keys/{key['id']}", {"requests_per_minute": 1_000_000, "concurrent_runs": 1000})
    limited = limited_key(server)
    load, failed_before = Load(world, keys), sum(world.failures.values())
    end = load.start(server, threads=10)
    answered = 0
    for number in range(rounds):
        time.sleep(random.uniform(0.8, 1.5) if world.short else random.uniform(1, 4))
        world.redis.stop(kill=number % 3 != 2)
        if health(server)["deps"]["redis"]["status"] != "down":
            world.problem("/health does not tell that Redis is away")
        if number == 0:
            answered = hold_to_limit(world, limited)
        time.sleep([0.3, 2.0, 0.0, 6.0][number % 4])
        world.redis.start()
        until = time.perf_counter() + BACK_WITHIN
        while health(server)["deps"]["redis"]["status"] != "ok":
            if time.perf_counter() > until:
                world.problem(f"Redis is not used {BACK_WITHIN} s after it was back")
                break
            time.sleep(0.1)
    time.sleep(0.5)
    end()
    took = crash.wait_until_ended(server, None)
    crash.check_database(server, load)
    if sum(world.failures.values()) != failed_before + LIMITED_CALLS - answered:
        world.problem(f"calls failed because Redis was away: {dict(world.failures)}")
    told = ", ".join(f"{count} × {name}" for name, count in sorted(load.counts.items()))
    print(f"redis: {rounds} restarts; {len(load.runs)} acknowledged runs, {len(load.messages)} messages, none lost; a key of 5 calls a minute had {answered} "
          f"of {LIMITED_CALLS} answered while Redis was away; everything had ended {took:.1f} s after the load; {told}", flush=True)


def health(server):
    with urllib.request.urlopen(f"{server.url}/health", timeout=30) as answer:
        return json.load(answer)


def limited_key(server):
    """A key of five calls a minute."""
    app, _ = server.import_app((APPS / "passthrough.yml").read_text())
    key = server.console("POST", f"/apps/{app}/api-keys")
    server.console("PUT", f"/apps/{app}/api-keys/{key['id']}", {"requests_per_minute": 5})
    return key["token"]


def hold_to_limit(world, key):
    """How many calls of a limited key are answered; the end of a minute may be among them."""
    body, answered = {"inputs": {"query": "limited"}, "user": "chaos", "response_mode": "blocking"}, 0
    for _ in range(LIMITED_CALLS):
        try:
            world.server.v1("POST", "/workflows/run", key, body)
            answered += 1
        except ApiError as error:
            status, code = world.failed(error)
            if status != 429:
                world.problem(f"a limited key was refused by {status} {code} while Redis was away")
    if not 5 <= answered <= 10:
        world.problem(f"{answered} calls of a key of 5 a minute were answered while Redis was away")
    return answered


def back(world, load):
    """How long it takes until calls are answered again."""
    began = time.perf_counter()
    body = {"inputs": {"query": "back"}, "user": "chaos", "response_mode": "blocking"}
    while True:
        with contextlib.suppress(ApiError, OSError):
            load.acknowledge(world.server.v1("POST", "/workflows/run", load.keys["passthrough"], body)["workflow_run_id"])
            return time.perf_counter() - began
        if time.perf_counter() - began > BACK_WITHIN:
            world.problem(f"no call was answered {BACK_WITHIN} s after PostgreSQL was back")
            return BACK_WITHIN
        time.sleep(0.05)


def chat_app(server, words, rate):
    """A chat app that says so many words, at a rate or at once; its key and its answer."""
    said = " ".join(f"word{i}" for i in range(words))
    pace = f", tokens_per_s: {rate}" if rate else ""
    parameters = f'name: canned, mode: chat, completion_params: {{text: "{said}"{pace}}}'
    text = (APPS / "chat.yml").read_text().replace("name: echo, mode: chat, completion_params: {}", parameters)
    return server.key(server.import_app(text)[0]), said


def raw(server, key, path, body, small_buffer=False):
    """A connection on which a request was sent; nothing of the answer is read."""
    connection = socket.socket()
    if small_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.port))
    data = json.dumps(body).encode()
    head = f"POST /v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    connection.sendall(head.encode() + data)
    return connection


def messages_of(server, prefix):
    """Messages whose query starts so: query -> (answer, status, error, owner)."""
    found = {}
    for query, *rest in rows(server, f"select query, answer, status, error, owner from messages where query like '{prefix}%'"):
        assert query not in found, f"the message {query} is there twice"
        found[query] = rest
    return found


def wait_for_answers(world, prefix, wanted, said):
    """Waits until the messages have ended, and looks at what they say."""
    began = time.perf_counter()
    while True:
        found = messages_of(world.server, prefix)
        left = [query for query in wanted if query not in found or found[query][3]]
        if not left or time.perf_counter() - began > crash.TAKEOVER_LIMIT:
            break
        time.sleep(0.2)
    for query in left:
        world.problem(f"{query}: " + ("still open" if query in found else "lost"))
    cut = [query for query in wanted if query in found and found[query][:2] != [said, "normal"]]
    for query in cut[:3]:
        answer, status, error, _ = found[query]
        world.problem(f"{query}: {status}, {len(answer)} of {len(said)} characters, error {error!r}; {len(cut)} such")
    return time.perf_counter() - began


def slow(world):
    """Clients of one byte a second, beside callers who must not notice."""
    before, during = beside_slow_clients(world)
    if during > max(20 * before, 2000):
        before, during = beside_slow_clients(world)  # the machine may have been busy with other things
    if during > max(20 * before, 2000):
        world.problem(f"slow clients slow the others down: {during:.0f} ms at p95, {before:.0f} ms without, twice")


def beside_slow_clients(world):
    """How long a call takes in milliseconds (p95) without slow clients and beside them."""
    server, clients, seconds = world.server, 20 if world.short else 100, 5 if world.short else 60
    key, said = chat_app(server, LONG, None)
    quick = server.app_key("passthrough")
    before = latencies(world, quick, 2)
    prefix = f"slow {secrets.token_hex(3)} "
    readers = [f"{prefix}{i}" for i in range(clients)]
    open_ones = [raw(server, key, "/chat-messages", {"inputs": {}, "query": query, "user": query, "response_mode": "streaming"}, True) for query in readers]
    senders = [half_sent(server, key) for _ in range(clients // 4)]
    stop = threading.Event()

    def trickle():
        while not stop.wait(1):
            for connection in open_ones:
                with contextlib.suppress(OSError):
                    connection.recv(1)
            for connection in senders:
                with contextlib.suppress(OSError):
                    connection.send(b" ")

    hand = threading.Thread(target=trickle, daemon=True)
    hand.start()
    # Making so many words at once costs a busy machine seconds, whoever reads them: what is measured is the waiting after it.
    took = wait_for_answers(world, prefix, readers, said)
    during = latencies(world, quick, seconds)
    stop.set()
    hand.join()
    for connection in open_ones + senders:
        connection.close()
    print(f"slow: {clients} readers and {len(senders)} senders of a byte a second for {seconds} s; a call beside them took {during:.0f} ms at p95, {before:.0f} ms "
          f"without; all answers were whole in the database after {took:.1f} s", flush=True)
    return before, during


def half_sent(server, key):
    """A connection with a request whose body is still to come."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(f"POST /v1/chat-messages HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{{".encode())
    return connection


def latencies(world, key, seconds):
    """The 95th percentile of blocking runs for a while, in milliseconds."""
    body, times, until = {"inputs": {"query": "quick"}, "user": "chaos", "response_mode": "blocking"}, [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        try:
            world.server.v1("POST", "/workflows/run", key, body)
        except ApiError as error:
            world.problem(f"a call beside slow clients failed: {world.failed(error)}")
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    return statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]


def vanishing(world):
    """Clients leave in the middle of their answer, with a farewell, without one, or before it began."""
    server, clients = world.server, 120 if world.short else 600
    key, said = chat_app(server, 30, 20)
    started, lock = [], threading.Lock()
    left = list(range(clients))

    def leave():
        while True:
            with lock:
                if not left:
                    return
                number = left.pop()
            query = f"gone {number}"
            mode = "blocking" if number % 5 == 4 else "streaming"
            try:
                connection = raw(server, key, "/chat-messages", {"inputs": {}, "query": query, "user": query, "response_mode": mode})
                read = b""
                while mode == "streaming" and b'"event":"message"' not in read.replace(b'": "', b'":"'):
                    piece = connection.recv(4096)
                    if not piece:
                        world.problem(f"{query}: its stream ended before its first message: {read[-300:]!r}")
                        break
                    read += piece
                else:
                    if mode == "streaming":
                        with lock:
                            started.append(query)
                    time.sleep(random.uniform(0, 0.5))
                if number % 2:
                    # No farewell: what is unread makes the kernel answer with a reset.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            except OSError as error:
                world.problem(f"{query}: {error!r}")

    hands = [threading.Thread(target=leave, daemon=True) for _ in range(40)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(120)
    took = wait_for_answers(world, "gone ", started, said)
    unasked = [query for query, (answer, status, error, owner) in messages_of(world.server, "gone ").items() if owner or (status != "normal" and not error)]
    for query in unasked[:3]:
        world.problem(f"{query}: neither answered nor explained")
    print(f"vanishing: {clients} clients left, {len(started)} of them after their first words; all of those answers were whole {took:.1f} s later", flush=True)


def keys(world):
    """500 keys, each deleted while somebody uses it."""
    server, per_app = world.server, 10
    count = 100 if world.short else 500
    apps = [server.import_app((APPS / "passthrough.yml").read_text())[0] for _ in range(count // per_app)]
    left, lock = list(range(count)), threading.Lock()
    runs, refused, late = [], [], []

    def rotate():
        while True:
            with lock:
                if not left:
                    return
                app = apps[left.pop() % len(apps)]
            try:
                one_key(app)
            except (ApiError, OSError) as error:
                world.problem(f"a key could not be made or deleted: {error!r}")

    def one_key(app):
        made = server.console("POST", f"/apps/{app}/api-keys")
        gone = []
        users = [threading.Thread(target=use, args=(made["token"], gone), daemon=True) for _ in range(3)]
        for user in users:
            user.start()
        time.sleep(random.uniform(0.02, 0.25))
        server.console("DELETE", f"/apps/{app}/api-keys/{made['id']}")
        gone.append(time.perf_counter())
        for user in users:
            user.join(60)
            if user.is_alive():
                world.problem("a call with a key hangs")

    def use(token, gone):
        body = {"inputs": {"query": "key"}, "user": "chaos", "response_mode": "blocking"}
        deadline = time.perf_counter() + 30
        while True:
            began = time.perf_counter()
            after = bool(gone)
            try:
                answer = server.v1("POST", "/workflows/run", token, body)
                runs.append(answer["workflow_run_id"].replace("-", ""))
                if after:
                    late.append(began - gone[0])
                    if began > deadline:
                        return
            except ApiError as error:
                refused.append(world.failed(error))
                if error.status == 401:
                    return
                if began > deadline:
                    return world.problem(f"a key is never refused: {refused[-1]}")

    hands = [threading.Thread(target=rotate, daemon=True) for _ in range(6)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(300)
    if late:
        world.problem(f"{len(late)} calls were answered with a key that was deleted before they began, the last {max(late):.3f} s after")
    others = [one for one in refused if one[0] != 401]
    if others:
        world.problem(f"keys in use were refused otherwise than by 401: {collections.Counter(others)}")
    known = {run: status for run, status in rows(server, "select id, status from workflow_runs")}
    lost = [run for run in runs if known.get(run) != "succeeded"]
    if lost:
        world.problem(f"{len(lost)} runs of rotating keys are lost or not as told: {lost[:3]}")
    remaining = int(rows(server, "select count(*) from api_tokens where app_id in (select id from apps where name = 'Passthrough') and last_used_at is not null")[0][0])
    print(f"keys: {count} keys made, used and deleted; {len(runs)} runs, all there; {len(refused)} calls refused; {remaining} used keys of such apps remain", flush=True)


def check_log(world):
    """Every answer of 500 and above, and every stream that ended with such an error, has its cause in the log."""
    with open(world.log_path(), "rb") as file:
        file.seek(world.log_starts)
        text = file.read().decode(errors="replace")
    lines = [line for line in text.splitlines() if "request failed" in line]
    for (status, code), count in world.failures.items():
        if status < 500:
            continue
        # What a run failed of is told to its caller as well, and then stands in the message: `what: why`.
        told = [line.split(f"code={code} ", 1)[1] for line in lines if f"code={code} " in line]
        with_cause = [text for text in told if re.search(r'cause="?[^"\s]', text) or ": " in text]
        if len(with_cause) < count:
            world.problem(f"{count} answers were {status} {code}, the log has the cause of {len(with_cause)}")
    for task in world.told_of:
        if task and task not in text:
            world.problem(f"the stream {task} ended with an error that the log does not know")
    if "panicked" in text:
        world.problem("something panicked; see " + world.log_path())


def check_descriptors(world, before):
    began = time.perf_counter()
    limit = 12 if world.short else SETTLE
    while True:
        after = descriptors(world.server)
        if after["sockets"] <= before["sockets"] and after["others"] <= before["others"]:
            return after
        if time.perf_counter() - began > limit:
            world.problem(f"file descriptors: {dict(before)} before, {dict(after)} {limit} s after the last client left")
            return after
        time.sleep(0.3)


def warm(world):
    """Everything that a server opens once, so that it is counted from the start."""
    server = world.server
    load = Load(world, crash.apps(server))
    end = load.start(server, threads=10)
    time.sleep(1)
    end()
    crash.wait_until_ended(server, None)


def drill(world, parts):
    watcher = threading.Thread(target=world.watch, daemon=True)
    watcher.start()
    warm(world)
    before, memory = descriptors(world.server), world.server.rss_mb()
    for part in parts:
        began = time.perf_counter()
        globals()[part](world)
        after = check_descriptors(world, before)
        print(f"  {part}: {time.perf_counter() - began:.1f} s; descriptors {dict(before)} before, {dict(after)} after; {memory:.0f} MB before, "
              f"{world.server.rss_mb():.0f} MB after", flush=True)
    world.over.set()
    watcher.join()
    check_log(world)
    if world.postgres:
        print(f"connections to PostgreSQL: {world.connections} at most, the pool has {POOL}")
    failed = ", ".join(f"{count} × {status} {code}" for (status, code), count in sorted(world.failures.items(), key=str))
    print(f"answers of errors: {failed or 'none'}; each of 500 and above has its cause in {world.log_path()}")


def main():
    parser = argparse.ArgumentParser(description="what a server leans on, and who leans on it, goes away")
    parser.add_argument("--short", action="store_true", help="a taste of everything, 50 s at most")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite: without the part `database`")
    parser.add_argument("--no-redis", action="store_true", help="without Redis: without the part `redis`")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (may be given several times)")
    args = parser.parse_args()
    random.seed(20261122)
    threading.stack_size(512 * 1024)
    with contextlib.ExitStack() as stack:
        on_sqlite = args.sqlite or not bin_dir()
        if on_sqlite and not args.sqlite:
            print("chaos: there is no PostgreSQL on this machine: its restarts are left out, the rest is on SQLite")
        postgres = None if on_sqlite else stack.enter_context(postgres_server())
        if not args.no_redis and not redis_support.is_installed():
            print("chaos: there is no redis-server on this machine: its restarts are left out")
        with_redis = not args.no_redis and redis_support.is_installed()
        redis_there = stack.enter_context(redis_support.redis_server()) if with_redis else None
        env = {**SETTINGS, **({"OXIDIFY_DATABASE_URL": postgres.url} if postgres else {})}
        env |= {"OXIDIFY_REDIS_URL": redis_there.url, "REDIS_RETRY_BACKOFF_CAP": "2"} if redis_there else {}
        server = stack.enter_context(Server(env=env))
        server.set_up()
        world = World(server, postgres, redis_there, args.short)
        drill(world, args.only or PARTS)
    for problem in world.problems:
        print(f"PROBLEM {problem}")
    print(f"chaos: {len(world.problems)} problems")
    sys.exit(bool(world.problems))


if __name__ == "__main__":
    main()
