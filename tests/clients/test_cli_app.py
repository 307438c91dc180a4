"""`oxidify app run` against a running server: text as it comes, results as JSON, the end as exit code."""

import json
import os
import signal
import subprocess
import time

from oxidify import binary


def command(server, app, key, *args):
    env = {**os.environ, "OXIDIFY_URL": server.url, "OXIDIFY_APP_KEY": key}
    return [binary(), "app", "run", app, *args], env


def run(server, app, key, *args):
    line, env = command(server, app, key, *args)
    return subprocess.run(line, env=env, capture_output=True, text=True, timeout=60)


def test_a_chat_is_shown_as_text(server, keys):
    done = run(server, "Chat", keys["chat"], "--query", "hello from a shell")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello from a shell\n", "")


def test_a_workflow_is_shown_as_text_or_as_json(server, keys):
    done = run(server, "Passthrough", keys["passthrough"], "--inputs", '{"query": "你好"}')
    assert (done.returncode, done.stdout) == (0, "你好\n"), done.stderr
    done = run(server, "Passthrough", keys["passthrough"], "--inputs", '{"query": "x"}', "--json", "--trace")
    result = json.loads(done.stdout)
    assert (result["status"], result["outputs"]) == ("succeeded", {"query": "x"})
    assert "▸ Start (start)" in done.stderr


def test_events_as_lines(server, keys):
    done = run(server, "Chatflow", keys["chatflow"], "--query", "hi", "--json", "--stream")
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events[0] == "workflow_started" and events[-2:] == ["message_end", "workflow_finished"]


def test_what_cannot_start_says_why(server, keys):
    for app, key, args, words in (
        ("Chat", "app-unknown", ("--query", "x"), "Access token is invalid"),
        ("Another", keys["chat"], ("--query", "x"), "not of \"Another\""),
        ("Chat", keys["chat"], (), "--query"),
        ("Passthrough", keys["passthrough"], (), "query is required in input form"),
        ("Passthrough", keys["passthrough"], ("--inputs", "[1]"), "must be a JSON object"),
    ):
        done = run(server, app, key, *args)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert words in done.stderr, done.stderr


def test_an_app_is_known_by_its_id(server):
    from oxidify import APPS

    app_id, _ = server.import_app((APPS / "chat.yml").read_text())
    done = run(server, app_id, server.key(app_id), "--query", "by id")
    assert (done.returncode, done.stdout) == (0, "by id\n"), done.stderr


def test_ctrl_c_stops_the_run(server):
    from oxidify import APPS

    app_id, _ = server.import_app((APPS / "llm_slow.yml").read_text())
    line, env = command(server, app_id, server.key(app_id), "--inputs", '{"query": "go"}')
    process = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    deadline = time.time() + 10
    while (runs := server.console("GET", f"/apps/{app_id}/workflow-runs?triggered_from=app-run")["data"])[0]["status"] == "running":
        assert time.time() < deadline
        time.sleep(0.1)
    assert runs[0]["status"] == "stopped"
