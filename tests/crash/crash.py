"""kill -9 under load: every acknowledged run is there after the restart, none stays `running`, no message twice.

    python3 tests/crash/crash.py [rounds]

Each round: the server works on passthrough, template, slow LLM and chat runs from several threads, is killed at a
random moment, and starts again on the same directory. A run counts as acknowledged when its id reached the client
(the blocking answer, or `workflow_started` of a stream).
"""

import pathlib
import random
import sqlite3
import sys
import threading
import time
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from oxidify import APPS, ApiError, Server  # noqa: E402

ENDED = {"succeeded", "failed", "stopped", "partial-succeeded"}
TAKEOVER_LIMIT = 45


class Load:
    """Threads that call the server until told to stop, and remember what was acknowledged."""

    def __init__(self, server, keys):
        self.server, self.keys = server, keys
        self.runs, self.finished, self.messages = set(), {}, {}
        self.lock, self.quit = threading.Lock(), threading.Event()

    def run(self, seconds, threads=6):
        self.quit.clear()
        workers = [threading.Thread(target=self.work, args=(i,), daemon=True) for i in range(threads)]
        for worker in workers:
            worker.start()
        time.sleep(seconds)
        return workers

    def work(self, index):
        call = [self.blocking, self.streaming, self.slow, self.chat][index % 4]
        number = 0
        while not self.quit.is_set():
            number += 1
            try:
                call(f"{index}-{number}")
            except (ApiError, OSError, ValueError, urllib.error.URLError):
                time.sleep(0.01)  # the server was killed under the call

    def acknowledge(self, run_id, status=None):
        with self.lock:
            self.runs.add(run_id)
            if status:
                self.finished[run_id] = status

    def blocking(self, text):
        body = {"inputs": {"query": text}, "user": "crash", "response_mode": "blocking"}
        answer = self.server.v1("POST", "/workflows/run", self.keys["passthrough"], body)
        self.acknowledge(answer["workflow_run_id"], answer["data"]["status"])

    def streaming(self, text):
        self.follow("ten_templates", text)

    def slow(self, text):
        self.follow("llm_slow", text)

    def follow(self, app, text):
        body = {"inputs": {"query": text}, "user": "crash", "response_mode": "streaming"}
        for event in self.server.stream("/workflows/run", self.keys[app], body):
            if event["event"] == "workflow_started":
                self.acknowledge(event["workflow_run_id"])
            if event["event"] == "workflow_finished":
                self.acknowledge(event["workflow_run_id"], event["data"]["status"])
            if self.quit.is_set():
                return

    def chat(self, text):
        body = {"inputs": {}, "query": text, "user": "crash", "response_mode": "blocking"}
        answer = self.server.v1("POST", "/chat-messages", self.keys["chatflow"], body)
        with self.lock:
            self.messages[answer["message_id"]] = (answer["conversation_id"], text)


def status_of(server, keys, run_id):
    return server.v1("GET", f"/workflows/run/{run_id}", keys["passthrough"])["status"]


def unfinished(home):
    with sqlite3.connect(f"file:{home}/oxidify.db?mode=ro", uri=True, timeout=10) as db:
        return [row[0] for row in db.execute("select id from workflow_runs where status not in ('succeeded','failed','stopped','partial-succeeded')")]


def check_database(home, load):
    """What only the tables can tell: every acknowledged row once, with the status that was told."""
    with sqlite3.connect(f"file:{home}/oxidify.db?mode=ro", uri=True, timeout=10) as db:
        def text(value):
            return value.hex() if isinstance(value, bytes) else str(value).replace("-", "")
        rows = {}
        for run_id, status in db.execute("select id, status from workflow_runs"):
            assert text(run_id) not in rows, f"run {run_id} is there twice"
            rows[text(run_id)] = status
        for run_id in load.runs:
            assert run_id.replace("-", "") in rows, f"acknowledged run {run_id} is lost"
        for run_id, status in load.finished.items():
            assert rows[run_id.replace("-", "")] == status, f"run {run_id} was told {status}, is {rows[run_id.replace('-', '')]}"
        seen = set()
        for message_id, query in db.execute("select id, query from messages"):
            assert text(message_id) not in seen, f"message {message_id} is there twice"
            seen.add(text(message_id))
        for message_id in load.messages:
            assert message_id.replace("-", "") in seen, f"acknowledged message {message_id} is lost"
        duplicates = db.execute("select workflow_run_id, count(*) from messages where workflow_run_id is not null group by 1 having count(*) > 1").fetchall()
        assert not duplicates, f"two messages of one run: {duplicates[:3]}"


def main(rounds):
    random.seed(20261121)
    with Server() as server:
        server.set_up()
        keys = {name: server.app_key(name) for name in ("passthrough", "ten_templates", "chatflow")}
        # Two seconds of speech: long enough to be interrupted, short enough to be spoken again in every round.
        text = (APPS / "llm_slow.yml").read_text().replace('"tokens_per_s": 20', '"tokens_per_s": 100')
        keys["llm_slow"] = server.key(server.import_app(text)[0])
        load = Load(server, keys)
        slowest = 0.0
        for number in range(1, rounds + 1):
            workers = load.run(random.uniform(0.05, 1.0))
            server.kill()
            load.quit.set()
            for worker in workers:
                worker.join(10)
            server.start()
            if number % 4 == 0:  # dies again while it takes over
                time.sleep(random.uniform(0, 0.5))
                server.kill()
                server.start()
            began = time.perf_counter()
            while unfinished(server.home):
                assert time.perf_counter() - began < TAKEOVER_LIMIT, f"still running after {TAKEOVER_LIMIT} s: {unfinished(server.home)[:3]}"
                time.sleep(0.1)
            slowest = max(slowest, time.perf_counter() - began)
            if number % 10 == 0 or number == rounds:
                check_database(server.home, load)
                print(f"round {number}: {len(load.runs)} acknowledged runs, {len(load.messages)} messages, slowest recovery {slowest:.1f} s", flush=True)
        print(f"crash: {rounds} passed, 0 failed")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
