"""Bad surroundings: a port, a directory or a database that cannot be used, a file that is locked, a disk that is full."""

import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import (  # noqa: E402
    SHARED, Skipped, aside, call, case, clear, events, multipart, run_body, slow, slow_app, unfinished, wait_until, works,
)
from oxidify import Server, binary, free_port  # noqa: E402

TAKEOVER_LIMIT = 45


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="oxidify-fault-") as name:
        yield pathlib.Path(name)


def refused(env, *words, command=(), program=None, within=25):
    """`serve` ends by itself with an error that has these words."""
    full = {**os.environ, "PORT": str(free_port()), **{k: str(v) for k, v in env.items()}}
    done = subprocess.run([*command, program or binary(), "serve"], env=full, capture_output=True, text=True, timeout=within)
    text = done.stdout + done.stderr
    assert done.returncode not in (0, 101, -6), f"ended with {done.returncode}: {text[-500:]}"
    for word in words:
        assert word in text, f"{word!r} is not in: {text[-600:]}"
    assert "panicked" not in text, text


def made_home(path):
    """A home that has been set up, with the server stopped."""
    with Server(home=path) as server:
        server.set_up()
        server.app_key("passthrough")
    return path / "oxidify.db"


@case
def start_port_in_use():
    with folder() as home, socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused({"OXIDIFY_HOME": home, "PORT": port}, str(port), "PORT=")
        assert not (home / "oxidify.db").exists(), "the data was touched before the port was known to be free"


@case
def start_settings_that_cannot_be_used():
    with folder() as home:
        refused({"OXIDIFY_HOME": home, "PORT": "many"}, "PORT=many")
        refused({"OXIDIFY_HOME": home, "OXIDIFY_DURABILITY": "never"}, "OXIDIFY_DURABILITY")
        refused({"OXIDIFY_HOME": home, "MODE": "nonsense"}, "MODE=nonsense")


@aside
@slow
def start_database_server_that_is_not_there():
    with folder() as home:
        refused({"OXIDIFY_HOME": home, "OXIDIFY_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, "127.0.0.1", within=60)


@case
def start_home_that_cannot_be_made():
    with folder() as home:
        (home / "file").write_text("not a directory")
        refused({"OXIDIFY_HOME": home / "file" / "data"}, str(home / "file"), "OXIDIFY_HOME")


@case
def start_read_only_directory():
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        raise Skipped("needs root and setpriv, to be another user")
    with folder() as outer:
        outer.chmod(0o755)
        program = outer / "oxidify"
        shutil.copy(binary(), program)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        home = outer / "home"
        home.mkdir(mode=0o555)
        refused({"OXIDIFY_HOME": home}, str(home), "OXIDIFY_HOME", command=as_nobody, program=program)
        refused({"OXIDIFY_HOME": home / "below"}, str(home), "OXIDIFY_HOME", command=as_nobody, program=program)
        # A database of another user, in a directory that may be written.
        home.chmod(0o777)
        database = made_home(home)
        for file in home.iterdir():
            os.chmod(file, 0o777 if file.is_dir() else 0o644)
        refused({"OXIDIFY_HOME": home}, str(database), command=as_nobody, program=program)


@case
def start_newer_database():
    with folder() as home:
        with contextlib.closing(sqlite3.connect(made_home(home))) as db, db:
            db.execute("insert into seaql_migrations (version, applied_at) values ('m29990101_000001_future', 0)")
        refused({"OXIDIFY_HOME": home}, "newer version of Oxidify", "m29990101_000001_future", "restore a backup")


@case
def start_locked_database():
    with folder() as home:
        with contextlib.closing(sqlite3.connect(made_home(home), isolation_level=None)) as db:
            db.execute("begin exclusive")
            refused({"OXIDIFY_HOME": home}, "locked by another process")
            db.execute("rollback")


@case
def start_second_server_on_the_same_data():
    with folder() as home, Server(home=home) as first:
        refused({"OXIDIFY_HOME": home}, str(home), f"process {first.process.pid}", "OXIDIFY_HOME")
        assert call(first, "GET", "/health")[0] == 200


@case
def start_damaged_database():
    with folder() as home:
        database = made_home(home)
        whole = database.read_bytes()
        for damage in (b"This is not a database. " * 400, whole[:100] + b"\xff" * (len(whole) - 100)):
            database.write_bytes(damage)
            refused({"OXIDIFY_HOME": home}, "damaged or not a database", "restore a backup")


# --- a running server whose surroundings fail ---


@case
@slow
def database_locked_while_running():
    server, key = SHARED.server, SHARED.key("passthrough")
    works(server, key)
    for held in (2, 17):
        with contextlib.closing(sqlite3.connect(f"{server.home}/oxidify.db", isolation_level=None, timeout=10)) as db:
            db.execute("begin immediate")
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                answer = pool.submit(call, server, "POST", "/v1/workflows/run", key, run_body())
                time.sleep(held)
                db.execute("rollback")
            if held < 5:
                assert answer.result()[0] == 200, answer.result()
            elif answer.result()[0] != 200:  # it may just have come through
                clear(answer.result(), 503, "locked")
    works(server, key)
    wait_until(lambda: not unfinished(server), 20, "a run is still running")


@contextlib.contextmanager
def small_disk(megabytes):
    with folder() as place:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], capture_output=True, text=True)
        if done.returncode:
            raise Skipped(f"no small disk can be mounted: {done.stderr.strip()}")
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", place], check=False)


def fill(path):
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 4096, 512):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass


@case
def disk_full():
    if os.geteuid() != 0:
        raise Skipped("needs root, to mount a small disk")
    with small_disk(24) as home, Server(home=home, env={"LOG_LEVEL": "ERROR"}) as server:
        server.set_up()
        keys = {name: server.app_key(name) for name in ("passthrough", "chat", "chatflow")}
        slow = slow_app(server)
        acknowledged = {call(server, "POST", "/v1/workflows/run", keys["passthrough"], run_body())[1]["workflow_run_id"] for _ in range(5)}
        under_way = server.stream("/workflows/run", slow, run_body(mode="streaming"))
        acknowledged.add(next(under_way)["workflow_run_id"])
        fill(home / "filler")
        refusals = 0
        for number in range(300):  # the log's own room is used up first
            if refusals == 8:
                break
            path, body = (("/v1/chat-messages", {"inputs": {}, "query": "x" * 200_000, "user": "ann"}) if number % 2 else ("/v1/workflows/run", run_body("y" * 200_000)))
            key = keys[("chat", "chatflow")[number // 2 % 2]] if number % 2 else keys["passthrough"]
            began = time.perf_counter()
            answer = call(server, "POST", path, key, body)
            assert time.perf_counter() - began < 10, f"the answer took {time.perf_counter() - began:.0f} s"
            if answer[0] == 200:
                if path.endswith("run"):
                    acknowledged.add(answer[1]["workflow_run_id"])
                continue
            clear(answer, 507, "disk", "full")
            refusals += 1
        assert refusals == 8, "the disk was never full"
        for _ in range(100):
            told = events(server, "/workflows/run", keys["passthrough"], run_body("z" * 200_000, "streaming"))
            if told[-1]["event"] == "error":
                break
            acknowledged.add(told[0]["workflow_run_id"])
        assert told[-1]["event"] == "error" and "disk" in told[-1]["message"] and told[-1]["status"] == 507, told[-1]
        upload = multipart(server, keys["chat"], "notes.txt", b"x" * 200_000, "text/plain")
        clear(upload, 507, "disk")
        ended = list(under_way)[-1]
        assert ended["event"] in ("error", "workflow_finished"), ended
        assert call(server, "GET", "/health")[0] == 200
        os.remove(home / "filler")
        works(server, keys["passthrough"])
        wait_until(lambda: not unfinished(server), TAKEOVER_LIMIT, "a run is still running")
        for run_id in acknowledged:
            status, body, _ = call(server, "GET", f"/v1/workflows/run/{run_id}", keys["passthrough"])
            assert status == 200 or run_id == ended.get("workflow_run_id", run_id), f"acknowledged run {run_id} is lost: {body}"
        server.kill()
        server.start()
        works(server, keys["passthrough"])


@case
def disk_full_at_start():
    if os.geteuid() != 0:
        raise Skipped("needs root, to mount a small disk")
    with small_disk(8) as home:
        fill(home / "filler")
        refused({"OXIDIFY_HOME": home}, str(home), "space")
