"""kill -9 while runs wait: forms, their time limits, webhooks and schedules survive the death of a server.

    python3 tests/crash/waiting.py [rounds]             one server on SQLite, killed and started again
    python3 tests/crash/waiting.py --postgres [rounds]  the same on PostgreSQL
    python3 tests/crash/waiting.py --two [rounds]       two servers on PostgreSQL: what one begins the other ends

What is checked: a form that was asked can be answered after the restart and by the other server; an answer that was
acknowledged is never lost, nor taken twice; a time limit that passed while nobody lived takes its branch; a webhook
that was accepted runs exactly once; a schedule fires exactly once for each time it is due; what waits never stays
`running`; a stop asked of either server ends a run, and everything in its containers, wherever it runs.
"""

import argparse
import contextlib
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from oxidify import ApiError, Server  # noqa: E402
from postgres import bin_dir, database, rows  # noqa: E402

SECRET = {"SECRET_KEY": "a-secret-of-at-least-32-characters-for-all"}
LIMIT = 45
FINAL = ("succeeded", "failed", "stopped", "partial-succeeded")


def app(name, nodes, edges):
    """An app file of these nodes (id, data) and edges (from, handle, to)."""
    kinds = {id: data["type"] for id, data in nodes}
    graph = {
        "viewport": {"x": 0, "y": 0, "zoom": 1},
        "nodes": [{"id": id, "type": "custom", "position": {"x": 80 + 300 * i, "y": 280}, "data": {"title": id, **data}, **({"parentId": data["iteration_id"]} if "iteration_id" in data else {})} for i, (id, data) in enumerate(nodes)],
        "edges": [
            {"id": f"e{i}", "source": a, "sourceHandle": handle, "target": b, "targetHandle": "target", "type": "custom", "data": {"sourceType": kinds[a], "targetType": kinds[b]}}
            for i, (a, handle, b) in enumerate(edges)
        ],
    }
    head = {"name": name, "mode": "workflow", "icon": "🕰️", "icon_background": "#E4FBCC", "description": "", "use_icon_as_answer_icon": False}
    workflow = {"environment_variables": [], "conversation_variables": [], "features": {}, "graph": graph}
    return json.dumps({"app": head, "kind": "app", "version": "0.6.0", "dependencies": [], "workflow": workflow})


def end(*outputs):
    return {"type": "end", "outputs": [{"variable": name, "value_selector": selector, "value_type": "string"} for name, selector in outputs]}


def form(title):
    return {
        "type": "human-input", "title": title, "form_content": "{{#start.query#}}: {{#$output.note#}}",
        "delivery_methods": [{"id": "w", "type": "webapp", "enabled": True, "config": {}}],
        "inputs": [{"type": "paragraph", "output_variable_name": "note", "default": None}],
        "user_actions": [{"id": "yes", "title": "Yes", "button_style": "primary"}], "timeout": 1, "timeout_unit": "hour",
    }


START = {"type": "start", "variables": [{"variable": "query", "label": "Query", "type": "paragraph", "required": True, "max_length": 1000, "options": []}]}
WORD = {"type": "template-transform", "template": "late", "variables": []}
APPROVAL = app(
    "Approval",
    [("start", START), ("form", form("Approve")), ("late", WORD), ("done", end(("note", ["form", "note"]), ("query", ["start", "query"]))), ("over", end(("word", ["late", "output"])))],
    [("start", "source", "form"), ("form", "yes", "done"), ("form", "__timeout__", "late"), ("late", "source", "over")],
)
TWO_FORMS = app(
    "Two forms",
    [("start", START), ("a", form("A")), ("b", form("B")), ("done", end(("a", ["a", "note"]), ("b", ["b", "note"])))],
    [("start", "source", "a"), ("start", "source", "b"), ("a", "yes", "done"), ("b", "yes", "done")],
)
HOOK = app(
    "Hook",
    [
        ("hook", {"type": "trigger-webhook", "method": "post", "content_type": "application/json", "headers": [], "params": [], "body": [{"name": "id", "type": "string", "required": True}], "status_code": 202, "response_body": "", "variables": [], "async_mode": True}),
        ("done", end(("id", ["hook", "id"]))),
    ],
    [("hook", "source", "done")],
)
CLOCK = app(
    "Clock",
    [("clock", {"type": "trigger-schedule", "mode": "cron", "cron_expression": "0 0 1 1 *", "timezone": "UTC", "visual_config": {}}), ("done", end(("at", ["sys", "timestamp"])))],
    [("clock", "source", "done")],
)

INSIDE = {"isInIteration": True, "iteration_id": "each"}
THINKING = app(
    "Thinking",
    [
        ("start", {"type": "start", "variables": [{"variable": "doc", "label": "Doc", "type": "json_object", "required": True}]}),
        ("each", {"type": "iteration", "iterator_selector": ["start", "doc", "names"], "output_selector": ["think", "text"], "start_node_id": "begin", "is_parallel": True, "parallel_nums": 3}),
        ("begin", {"type": "iteration-start", **INSIDE}),
        ("think", {
            "type": "llm", "model": {"provider": "oxidify/scripted", "name": "canned", "mode": "chat", "completion_params": {"text": "late", "ttft_ms": 60_000}},
            "prompt_template": [{"role": "user", "text": "hi"}], "context": {"enabled": False, "variable_selector": []}, "vision": {"enabled": False}, **INSIDE,
        }),
        ("done", end(("words", ["each", "output"]))),
    ],
    [("start", "source", "each"), ("begin", "source", "think"), ("each", "source", "done")],
)


def change(server, sql):
    """Changes the tables behind the server's back: moves a time that would take hours to come."""
    url = server.env.get("OXIDIFY_DATABASE_URL")
    if url:
        subprocess.run([f"{bin_dir()}/psql", "-X", "-q", "-c", sql, url], check=True, capture_output=True)
        return
    with contextlib.closing(sqlite3.connect(f"{server.home}/oxidify.db", timeout=30)) as db, db:
        db.execute(sql)


def past(server):
    """A moment that is over, as this database writes it."""
    if server.env.get("OXIDIFY_DATABASE_URL"):
        return "now() - interval '1 second'"
    return "strftime('%Y-%m-%dT%H:%M:%S', 'now', '-2 seconds') || '+00:00'"


def begin(server, key, query):
    """Starts a run that pauses; its id and the tokens of its forms by node."""
    run, tokens = None, {}
    for event in server.stream("/workflows/run", key, {"inputs": {"query": query}, "user": "crash", "response_mode": "streaming"}):
        run = event.get("workflow_run_id", run)
        if event["event"] == "human_input_required":
            tokens[event["data"]["node_id"]] = event["data"]["form_token"]
    return run, tokens


def answer(server, key, token, note):
    server.v1("POST", f"/form/human_input/{token}", key, {"inputs": {"note": note}, "action": "yes", "user": "crash"})


def ended(server, key, run, statuses=FINAL):
    began = time.perf_counter()
    while True:
        with contextlib.suppress(OSError, urllib.error.URLError):
            record = server.v1("GET", f"/workflows/run/{run}", key)
            if record["status"] in statuses:
                return record
        assert time.perf_counter() - began < LIMIT, f"run {run} is still {record['status']} after {LIMIT} s"
        time.sleep(0.05)


def refused(call, status):
    try:
        call()
    except ApiError as error:
        assert error.status == status, error
        return
    raise AssertionError(f"it was taken where {status} was expected")


def forms_over_a_restart(first, second, key, number):
    """Asked by one server, answered at another, or at the same after its death."""
    run, tokens = begin(first, key, f"restart {number}")
    assert list(tokens) == ["form"], tokens
    first.kill()
    if second is first:
        first.start()
    heir = second
    asked = heir.v1("GET", f"/form/human_input/{tokens['form']}", key)
    assert asked["form_content"].startswith(f"restart {number}"), asked
    answer(heir, key, tokens["form"], f"note {number}")
    record = ended(heir, key, run)
    assert record["status"] == "succeeded" and record["outputs"] == {"note": f"note {number}", "query": f"restart {number}"}, record
    refused(lambda: answer(heir, key, tokens["form"], "again"), 412)
    if second is not first:
        first.start()


def both_forms_at_once(first, second, key, number):
    """Two forms in parallel branches: answered in any order, with a death in between."""
    run, tokens = begin(first, key, f"two {number}")
    assert sorted(tokens) == ["a", "b"], f"both are asked at once: {tokens}"
    order = sorted(tokens, key=lambda _: random.random())
    answer(second, key, tokens[order[0]], f"{order[0]}{number}")
    time.sleep(random.uniform(0, 0.3))
    first.kill()
    first.start()
    ended(first, key, run, ("paused",))
    answer(first, key, tokens[order[1]], f"{order[1]}{number}")
    record = ended(first, key, run)
    assert record["outputs"] == {"a": f"a{number}", "b": f"b{number}"}, record


def an_answer_and_a_death(first, second, key, number):
    """The server dies around the answer: acknowledged means taken, unacknowledged means it can be given again."""
    run, tokens = begin(first, key, f"death {number}")
    taken = []

    def give():
        with contextlib.suppress(OSError, urllib.error.URLError, ValueError, ConnectionError):
            answer(first, key, tokens["form"], "first")
            taken.append(True)

    thread = threading.Thread(target=give)
    thread.start()
    time.sleep(random.uniform(0, 0.02))
    first.kill()
    thread.join(30)
    if second is first:
        first.start()
    try:
        answer(second, key, tokens["form"], "second")
        given = "second"
        assert not taken, "an answer that was acknowledged was forgotten"
    except ApiError as error:
        assert error.status == 412, error
        given = "first"
    record = ended(second, key, run)
    assert record["status"] == "succeeded" and record["outputs"]["note"] == given, (record, given)
    if second is not first:
        first.start()
    return given == "first"


def a_time_limit_after_a_death(first, second, key, number):
    """The time of a form ends while its server is dead."""
    run, tokens = begin(first, key, f"late {number}")
    first.kill()
    change(second, f"update human_input_forms set expires_at = {past(second)} where status = 'waiting'")
    if second is first:
        first.start()
    record = ended(second, key, run)
    assert record["status"] == "succeeded" and record["outputs"] == {"word": "late"}, record
    refused(lambda: answer(second, key, tokens["form"], "too late"), 412)
    if second is not first:
        first.start()


def post(url, body):
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST", headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return reply.status


def webhooks_and_a_death(first, second, path, number):
    """Requests until the server dies: what was accepted runs, once."""
    accepted, lock = set(), threading.Lock()

    def work(thread):
        for count in range(10_000):
            name = f"{number}-{thread}-{count}"
            try:
                if post(f"{first.url}{path}", {"id": name}) == 202:
                    with lock:
                        accepted.add(name)
            except (OSError, urllib.error.URLError, ValueError):
                return

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(random.uniform(0.1, 0.6))
    first.kill()
    for thread in threads:
        thread.join(30)
    first.start()
    began = time.perf_counter()
    while True:
        found = [(json.loads(outputs).get("id"), status) for outputs, status in rows(second, "select outputs, status from workflow_runs where triggered_from = 'webhook' and outputs is not null")]
        names = [name for name, _ in found if name]
        if accepted <= set(names):
            break
        assert time.perf_counter() - began < LIMIT, f"accepted and never run: {sorted(accepted - set(names))[:5]} of {len(accepted)}"
        time.sleep(0.1)
    mine = [name for name in names if name.startswith(f"{number}-")]
    assert len(mine) == len(set(mine)), "an event ran twice"
    assert all(status == "succeeded" for _, status in found), found[:5]
    return len(accepted)


def schedules_and_a_death(servers, number, times):
    """Due again and again; each time once, whoever lives."""
    first = servers[0]
    heir = servers[-1]
    before = int(rows(heir, "select count(*) from workflow_trigger_logs where trigger_type = 'trigger-schedule'")[0][0])
    for turn in range(times):
        time.sleep(1.1)  # each time due is another second
        change(heir, f"update workflow_schedule_plans set next_run_at = {past(heir)}")
        if turn % 2:
            time.sleep(random.uniform(0, 1.2))
            first.kill()
            first.start()
        began = time.perf_counter()
        while True:
            fired = int(rows(heir, "select count(*) from workflow_trigger_logs where trigger_type = 'trigger-schedule'")[0][0]) - before
            if fired > turn:
                break
            assert time.perf_counter() - began < LIMIT, f"the schedule did not fire in round {number}"
            time.sleep(0.05)
    time.sleep(2.5)  # two looks of every server
    fired = int(rows(heir, "select count(*) from workflow_trigger_logs where trigger_type = 'trigger-schedule'")[0][0]) - before
    assert fired == times, f"due {times} times, fired {fired} times"
    began = time.perf_counter()
    while True:
        runs = rows(heir, "select status, count(*) from workflow_runs where triggered_from = 'schedule' group by status")
        if runs == [["succeeded", str(before + times)]]:
            return
        assert time.perf_counter() - began < LIMIT, f"{before + times} times due, the runs are {runs}"
        time.sleep(0.1)


def a_stop_at_the_other(first, second, key):
    """A stop asked of the other server, or of the same, ends the run with everything in its containers."""
    asked, thinking = None, 0
    body = {"inputs": {"doc": {"names": ["a", "b", "c"]}}, "user": "crash", "response_mode": "streaming"}
    for event in first.stream("/workflows/run", key, body):
        thinking += event["event"] == "node_started" and event["data"]["node_id"] == "think"
        if thinking == 3 and asked is None:
            second.v1("POST", f"/workflows/tasks/{event['task_id']}/stop", key, {"user": "crash"})
            asked = time.perf_counter()
    took = time.perf_counter() - asked
    assert event["event"] == "workflow_finished" and event["data"]["status"] == "stopped", event
    assert took < 2, f"the stop took {took:.1f} s"
    assert ended(second, key, event["workflow_run_id"])["status"] == "stopped"
    left = rows(second, "select e.node_id, e.status from workflow_node_executions e join workflow_runs r on r.id = e.workflow_run_id where r.status = 'stopped' and e.status not in ('succeeded', 'failed')")
    assert not left, left
    return took


def play(servers, rounds):
    first, second = servers[0], servers[-1]
    first.set_up()
    approval = first.key(first.import_app(APPROVAL)[0])
    two = first.key(first.import_app(TWO_FORMS)[0])
    hook, _ = first.import_app(HOOK)
    path = "/triggers/webhook/" + first.console("GET", f"/apps/{hook}/workflows/triggers/webhook?node_id=hook")["webhook_id"]
    first.import_app(CLOCK)
    thinking = first.key(first.import_app(THINKING)[0])
    kept = accepted = 0
    for number in range(1, rounds + 1):
        began = time.perf_counter()
        forms_over_a_restart(first, second, approval, number)
        both_forms_at_once(first, second, two, number)
        kept += sum(an_answer_and_a_death(first, second, approval, f"{number}-{turn}") for turn in range(4))
        a_time_limit_after_a_death(first, second, approval, number)
        stopped_in = a_stop_at_the_other(first, second, thinking)
        accepted += webhooks_and_a_death(first, second, path, number)
        schedules_and_a_death(servers, number, 4)
        left = rows(second, f"select id, status from workflow_runs where status not in {FINAL}")
        assert not left, f"still open: {left[:3]}"
        print(f"round {number}: {time.perf_counter() - began:.0f} s, {kept} answers that came just before a death were kept, {accepted} webhooks accepted and run, stopped in {stopped_in:.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description="kill -9 while runs wait")
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--postgres", action="store_true", help="one server on PostgreSQL instead of SQLite")
    parser.add_argument("--two", action="store_true", help="two servers on PostgreSQL")
    args = parser.parse_args()
    random.seed(20261121)
    with database("postgres" if args.two or args.postgres else "sqlite") as env, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(env={**env, **SECRET})) for _ in range(2 if args.two else 1)]
        play(servers, args.rounds)
    print(f"waiting: {args.rounds} passed, 0 failed")


if __name__ == "__main__":
    main()
