"""Two servers on one PostgreSQL and one Redis work as one.

    python3 tests/chaos/shared.py        about half a minute; needs PostgreSQL and redis-server

- A key of five calls a minute has five, however its calls are spread over the servers.
- A key of one run at a time has one, until that run has ended, on whichever server it runs.
- A run is stopped by way of the other server, and its stream ends at once.
- A key that is deleted on one server opens nothing on the other.
- `/health` of both names the Redis they share, without its password.
"""

import contextlib
import json
import pathlib
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from oxidify import APPS, ApiError, Server  # noqa: E402
from postgres import bin_dir, postgres  # noqa: E402
from redis_server import is_installed, redis_server  # noqa: E402

SECRET = {"SECRET_KEY": "a-secret-of-at-least-32-characters-for-all"}
# Without Redis a deleted key is known after three seconds, and a machine that tests may be busy.
AT_ONCE = 2
BLOCKING = {"inputs": {"query": "shared"}, "user": "shared", "response_mode": "blocking"}
STREAMING = {**BLOCKING, "response_mode": "streaming"}


def app_with_key(server, name, **limits):
    """A new app with a key that has limits: the app's id, the key's id and text."""
    app, _ = server.import_app((APPS / f"{name}.yml").read_text())
    key = server.console("POST", f"/apps/{app}/api-keys")
    if limits:
        server.console("PUT", f"/apps/{app}/api-keys/{key['id']}", limits)
    return app, key["id"], key["token"]


def answered(server, key):
    try:
        server.v1("POST", "/workflows/run", key, BLOCKING)
        return True
    except ApiError as error:
        assert error.status in (401, 429), error
        return False


def calls_a_minute(one, two):
    _, _, key = app_with_key(one, "passthrough", requests_per_minute=5)
    if time.time() % 60 > 45:
        time.sleep(61 - time.time() % 60)
    count = sum(answered((one, two)[number % 2], key) for number in range(20))
    assert count == 5, f"{count} of 20 calls were answered, the limit is 5"
    print("calls: 5 of 20 over two servers were answered, as the key's limit says")


def runs_and_stops(one, two):
    _, _, key = app_with_key(one, "llm_slow", concurrent_runs=1)
    started, ended = threading.Event(), {}

    def follow():
        for event in one.stream("/workflows/run", key, STREAMING):
            if event["event"] == "workflow_started":
                ended["task"] = event["task_id"]
                started.set()
            if event["event"] == "workflow_finished":
                ended.update(status=event["data"]["status"], at=time.perf_counter())

    hand = threading.Thread(target=follow, daemon=True)
    hand.start()
    assert started.wait(20), "the run did not begin"
    assert not answered(two, key), "a second run of a key of one was let in by the other server"
    asked = time.perf_counter()
    two.v1("POST", f"/workflows/tasks/{ended['task']}/stop", key, {"user": "shared"})
    hand.join(20)
    assert ended.get("status") == "stopped", f"the run ended as {ended}"
    took = ended["at"] - asked
    assert took < AT_ONCE, f"the run was stopped {took:.3f} s after the other server was asked"
    until = time.perf_counter() + 5
    while True:
        with contextlib.suppress(urllib.error.HTTPError):
            again = next(two.stream("/workflows/run", key, STREAMING))
            break
        assert time.perf_counter() < until, "the place of a run that has ended is not given back"
        time.sleep(0.05)
    one.v1("POST", f"/workflows/tasks/{again['task_id']}/stop", key, {"user": "shared"})
    print(f"runs: one at a time over two servers; stopped by the other one in {took * 1000:.0f} ms")


def deleted_keys(one, two):
    app, number, key = app_with_key(one, "passthrough")
    assert answered(two, key)
    one.console("DELETE", f"/apps/{app}/api-keys/{number}")
    until = time.perf_counter() + AT_ONCE
    while answered(two, key):
        assert time.perf_counter() < until, "a deleted key still opens the other server"
    print("keys: one that is deleted here opens nothing there")


def health(one, two, redis):
    for server in (one, two):
        with urllib.request.urlopen(f"{server.url}/health", timeout=30) as answer:
            found = json.load(answer)["deps"]["redis"]
        assert found["status"] == "ok" and str(redis.port) in found["detail"], found


def main():
    if not bin_dir() or not is_installed():
        print("shared: left out, PostgreSQL or redis-server is not on this machine")
        return
    with postgres() as url, redis_server() as redis, contextlib.ExitStack() as stack:
        env = {**SECRET, "OXIDIFY_DATABASE_URL": url, "OXIDIFY_REDIS_URL": redis.url, "REDIS_KEY_PREFIX": "shared"}
        one, two = (stack.enter_context(Server(env=env)) for _ in range(2))
        one.set_up()
        health(one, two, redis)
        calls_a_minute(one, two)
        runs_and_stops(one, two)
        deleted_keys(one, two)
    print("shared: two servers work as one")


if __name__ == "__main__":
    main()
