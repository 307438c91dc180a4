"""kill -9 under load: every acknowledged run and message is there afterwards, none stays open, none is there twice.

    python3 tests/crash/crash.py [rounds]             one server on SQLite, killed and started again
    python3 tests/crash/crash.py --postgres [rounds]  the same on PostgreSQL
    python3 tests/crash/crash.py --two [rounds]       two servers on PostgreSQL; one is killed, the other takes over

Each round: the servers work on passthrough, template, slow LLM, chatflow and chat runs from several threads, one is killed
at a random moment, and starts again on the same data. A run counts as acknowledged when its id reached the client (the
blocking answer, or the first event of a stream). A run must have ended within 45 s of its server's death.
"""

import argparse
import contextlib
import pathlib
import random
import sys
import threading
import time
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from oxidify import APPS, ApiError, Server  # noqa: E402
from postgres import database, rows  # noqa: E402

SECRET = {"SECRET_KEY": "a-secret-of-at-least-32-characters-for-all"}
TAKEOVER_LIMIT = 45
OPEN_RUNS = "select id from workflow_runs where status not in ('succeeded','failed','stopped','partial-succeeded')"
OPEN_MESSAGES = "select id from messages where owner is not null"


class Load:
    """Threads that call a server until told to stop, and remember what was acknowledged."""

    def __init__(self, keys):
        self.keys = keys
        self.runs, self.finished, self.messages, self.answers = set(), {}, {}, {}
        self.lock = threading.Lock()

    def start(self, server, threads=6):
        """Begins; the answer ends it."""
        quit = threading.Event()
        workers = [threading.Thread(target=self.work, args=(server, i, quit), daemon=True) for i in range(threads)]
        for worker in workers:
            worker.start()

        def end():
            quit.set()
            for worker in workers:
                worker.join(10)

        return end

    def work(self, server, index, quit):
        call = [self.blocking, self.streaming, self.slow, self.chatflow, self.chat][index % 5]
        number = 0
        while not quit.is_set():
            number += 1
            try:
                call(server, f"{server.port} {index}-{number}", quit)
            except (ApiError, OSError, ValueError, urllib.error.URLError):
                time.sleep(0.01)  # the server was killed under the call

    def acknowledge(self, run_id, status=None):
        with self.lock:
            self.runs.add(run_id.replace("-", ""))
            if status:
                self.finished[run_id.replace("-", "")] = status

    def blocking(self, server, text, _):
        body = {"inputs": {"query": text}, "user": "crash", "response_mode": "blocking"}
        answer = server.v1("POST", "/workflows/run", self.keys["passthrough"], body)
        self.acknowledge(answer["workflow_run_id"], answer["data"]["status"])

    def streaming(self, server, text, quit):
        self.follow(server, "ten_templates", text, quit)

    def slow(self, server, text, quit):
        self.follow(server, "llm_slow", text, quit)

    def follow(self, server, app, text, quit):
        body = {"inputs": {"query": text}, "user": "crash", "response_mode": "streaming"}
        for event in server.stream("/workflows/run", self.keys[app], body):
            if event["event"] == "workflow_started":
                self.acknowledge(event["workflow_run_id"])
            if event["event"] == "workflow_finished":
                self.acknowledge(event["workflow_run_id"], event["data"]["status"])
            if quit.is_set():
                return

    def chatflow(self, server, text, _):
        body = {"inputs": {}, "query": text, "user": "crash", "response_mode": "blocking"}
        answer = server.v1("POST", "/chat-messages", self.keys["chatflow"], body)
        with self.lock:
            self.messages[answer["message_id"].replace("-", "")] = text
            self.answers[answer["message_id"].replace("-", "")] = answer["answer"]

    def chat(self, server, text, quit):
        """A basic app speaks for three seconds, and records what it has every two."""
        body = {"inputs": {}, "query": text, "user": "crash", "response_mode": "streaming"}
        said = ""
        for event in server.stream("/chat-messages", self.keys["chat"], body):
            if event["event"] == "message":
                said += event["answer"]
                with self.lock:
                    self.messages[event["message_id"].replace("-", "")] = text
            if event["event"] == "message_end":
                with self.lock:
                    self.answers[event["message_id"].replace("-", "")] = said
            if quit.is_set():
                return


def check_database(server, load):
    """What only the tables can tell: every acknowledged row once, with what was told of it."""
    runs = {}
    for run_id, status in rows(server, "select id, status from workflow_runs"):
        assert run_id not in runs, f"run {run_id} is there twice"
        runs[run_id] = status
    with load.lock:
        acknowledged, finished, messages, answers = set(load.runs), dict(load.finished), dict(load.messages), dict(load.answers)
    for run_id in acknowledged:
        assert run_id in runs, f"acknowledged run {run_id} is lost"
    for run_id, status in finished.items():
        assert runs[run_id] == status, f"run {run_id} was told {status}, is {runs[run_id]}"
    seen = {}
    for message_id, query, answer, status, error in rows(server, "select id, query, answer, status, error from messages"):
        assert message_id not in seen, f"message {message_id} is there twice"
        seen[message_id] = (query, answer, status)
        assert status == "normal" or error, f"message {message_id} does not say why it is {status}"
        assert answer or status == "error", f"message {message_id} has no answer and looks as if that were fine"
    for message_id, query in messages.items():
        assert message_id in seen, f"acknowledged message {message_id} is lost"
        assert seen[message_id][0] == query, f"message {message_id} has another query"
    for message_id, answer in answers.items():
        assert seen[message_id][1:] == (answer, "normal"), f"message {message_id} was told complete, is {seen[message_id]}"
    twice = rows(server, "select workflow_run_id, count(*) from messages where workflow_run_id is not null group by 1 having count(*) > 1")
    assert not twice, f"two messages of one run: {twice[:3]}"


def wait_until_ended(server, before, number=0):
    """Waits until nothing from before a moment is open any more; how long that took."""
    began = time.perf_counter()
    older = f" and created_at < '{before}'" if before else ""
    while True:
        left = rows(server, OPEN_RUNS + older) + rows(server, OPEN_MESSAGES + older)
        if not left:
            return time.perf_counter() - began
        assert time.perf_counter() - began < TAKEOVER_LIMIT, f"still open after {TAKEOVER_LIMIT} s in round {number}: {left[:3]}"
        time.sleep(0.1)


def apps(server):
    """Keys of the apps that the load uses."""
    keys = {name: server.app_key(name) for name in ("passthrough", "ten_templates", "chatflow")}
    # Long enough to be interrupted, short enough to be spoken again in every round.
    text = (APPS / "llm_slow.yml").read_text().replace('"tokens_per_s": 20', '"tokens_per_s": 100')
    keys["llm_slow"] = server.key(server.import_app(text)[0])
    said = " ".join(f"word{i}" for i in range(60))
    text = (APPS / "chat.yml").read_text().replace("name: echo, mode: chat, completion_params: {}", f'name: canned, mode: chat, completion_params: {{text: "{said}", tokens_per_s: 20}}')
    keys["chat"] = server.key(server.import_app(text)[0])
    return keys


def one_server(kind, rounds):
    with database(kind) as env, Server(env={**env, **SECRET}) as server:
        server.set_up()
        load = Load(apps(server))
        slowest = 0.0
        for number in range(1, rounds + 1):
            end = load.start(server)
            # Now and then long enough that part of a slow answer was recorded.
            time.sleep(random.uniform(2, 2.8) if number % 10 == 3 else random.uniform(0.05, 1.0))
            server.kill()
            end()
            server.start()
            if number % 4 == 0:  # dies again while it takes over
                time.sleep(random.uniform(0, 0.5))
                server.kill()
                server.start()
            slowest = max(slowest, wait_until_ended(server, None, number))
            if number % 10 == 0 or number == rounds:
                check_database(server, load)
                print(f"round {number}: {len(load.runs)} acknowledged runs, {len(load.messages)} messages, slowest recovery {slowest:.1f} s", flush=True)
        cut = rows(server, "select answer from messages where status = 'error'")
        print(f"{len(cut)} answers of basic chats were cut off, {sum(1 for [answer] in cut if answer)} of them kept their recorded part")


def two_servers(rounds):
    with database("postgres") as env, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(env={**env, **SECRET})) for _ in range(2)]
        servers[0].set_up()
        load = Load(apps(servers[0]))
        slowest = 0.0
        for number in range(1, rounds + 1):
            victim, heir = servers if number % 2 else servers[::-1]
            ends = [load.start(server) for server in servers]
            time.sleep(random.uniform(1.0, 2.8))
            victim.kill()
            ends[servers.index(victim)]()
            died = rows(heir, "select now()")[0][0]
            slowest = max(slowest, wait_until_ended(heir, died, number))
            ends[servers.index(heir)]()
            wait_until_ended(heir, None, number)
            check_database(heir, load)
            print(f"round {number}: {len(load.runs)} acknowledged runs, {len(load.messages)} messages, slowest takeover {slowest:.1f} s", flush=True)
            victim.start()


def main():
    parser = argparse.ArgumentParser(description="kill -9 under load")
    parser.add_argument("rounds", type=int, nargs="?", default=100)
    parser.add_argument("--postgres", action="store_true", help="one server on PostgreSQL instead of SQLite")
    parser.add_argument("--two", action="store_true", help="two servers on PostgreSQL")
    args = parser.parse_args()
    random.seed(20261121)
    if args.two:
        two_servers(args.rounds)
    else:
        one_server("postgres" if args.postgres else "sqlite", args.rounds)
    print(f"crash: {args.rounds} passed, 0 failed")


if __name__ == "__main__":
    main()
