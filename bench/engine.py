"""Measures the workflow engine, without persistence (the example `engine` of ox-nodes) and with it (a server on SQLite),
and prints a Markdown table.

    make bench-engine                          builds both, measures, writes bench/results/<date>-engine.json
    python3 bench/engine.py --seconds 1 --soak 1000      quick look; needs what is built already

Wall clock and processor time stand side by side: on a busy machine only the second says what the engine costs. Exit
code 1 when a target is missed in both.
"""

import argparse
import datetime
import http.client
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from oxidify import Server  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
SHORT, LONG = 10, 110
TARGET_US = 150


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def app(length):
    """A chain of aggregators, which do next to nothing, as a DSL text (JSON is YAML)."""
    node = lambda id, data: {"id": id, "type": "custom", "position": {"x": 0, "y": 0}, "data": {"title": id, **data}}
    nodes = [node("start", {"type": "start", "variables": [{"variable": "query", "label": "Query", "type": "paragraph", "required": True, "max_length": 6000, "options": []}]})]
    for index in range(length):
        before = ["start", "query"] if index == 0 else [f"n{index - 1}", "output"]
        nodes.append(node(f"n{index}", {"type": "variable-aggregator", "output_type": "string", "variables": [before]}))
    nodes.append(node("end", {"type": "end", "outputs": [{"variable": "result", "value_selector": [f"n{length - 1}", "output"], "value_type": "string"}]}))
    ids = [one["id"] for one in nodes]
    edges = [{"id": f"{a}-{b}", "source": a, "sourceHandle": "source", "target": b, "targetHandle": "target", "type": "custom"} for a, b in zip(ids, ids[1:])]
    graph = {"viewport": {"x": 0, "y": 0, "zoom": 1}, "nodes": nodes, "edges": edges}
    return json.dumps({
        "app": {"name": f"Chain of {length}", "mode": "workflow", "icon": "⛓", "icon_background": "#E4FBCC", "description": ""},
        "kind": "app", "version": "0.6.0", "dependencies": [],
        "workflow": {"environment_variables": [], "conversation_variables": [], "features": {}, "graph": graph}})


class Caller:
    """Calls an app again and again over one connection."""

    def __init__(self, server, key):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.body = json.dumps({"inputs": {"query": "hi"}, "response_mode": "blocking", "user": "bench"})

    def run(self):
        self.connection.request("POST", "/v1/workflows/run", self.body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200 or json.loads(text)["data"]["status"] != "succeeded":
            raise RuntimeError(f"{answer.status}: {text[:300]!r}")


def timed(server, caller, seconds):
    """Wall and processor seconds of one run of a chain, the second of the server alone."""
    for _ in range(5):
        caller.run()
    began, used, runs = time.perf_counter(), processor_seconds(server.process.pid), 0
    while time.perf_counter() - began < seconds or runs < 20:
        caller.run()
        runs += 1
    return (time.perf_counter() - began) / runs, (processor_seconds(server.process.pid) - used) / runs, runs


def persisted(seconds, soak):
    with Server(env={"OXIDIFY_DURABILITY": "process"}) as server:
        server.set_up()
        callers = {}
        for length in (SHORT, LONG):
            app_id, _ = server.import_app(app(length))
            callers[length] = Caller(server, server.key(app_id))
        found = {length: timed(server, caller, seconds) for length, caller in callers.items()}
        difference = LONG - SHORT
        wall, cpu = ((found[LONG][at] - found[SHORT][at]) / difference * 1e6 for at in (0, 1))
        rows = [{
            "case": f"with SQLite: each node more in a chain ({SHORT} against {LONG})", "runs": found[SHORT][2] + found[LONG][2],
            "wall_ms": round(found[LONG][0] * 1e3, 3), "cpu_ms": round(found[LONG][1] * 1e3, 3), "wall_us_per_node": round(wall, 1),
            "cpu_us_per_node": round(cpu, 1), "peak_mb": round(server.rss_mb(), 1), "target": f"≤ {TARGET_US} µs a node",
            "met": wall <= TARGET_US, "met_in_cpu_time": cpu <= TARGET_US}]
        if soak:
            resident, began, used = [], time.perf_counter(), processor_seconds(server.process.pid)
            for run in range(1, soak + 1):
                callers[SHORT].run()
                if run % max(soak // 10, 1) == 0:
                    resident.append(round(server.rss_mb(), 1))
            rows.append({
                "case": f"with SQLite: a chain of {SHORT} again and again", "runs": soak, "resident_mb": resident,
                "wall_s": round(time.perf_counter() - began, 1), "cpu_s": round(processor_seconds(server.process.pid) - used, 1),
                "target": "≤ 10 % + 2 MB more than after a tenth", "met": resident[-1] <= resident[0] * 1.1 + 2})
        return rows


def table(rows):
    yield "| case | runs | wall a run | CPU a run | wall a node | CPU a node | peak MB | target | state |"
    yield "|---|--:|--:|--:|--:|--:|--:|---|---|"
    for row in rows:
        state = "met" if row["met"] else "met in CPU time" if row.get("met_in_cpu_time") else "**missed**"
        if not row["target"]:
            state = ""
        if "resident_mb" in row:
            memory = " ".join(f"{value:g}" for value in row["resident_mb"])
            yield f"| {row['case']} | {row['runs']} | {row['wall_s']} s in all | {row['cpu_s']} s in all |  |  | RSS: {memory} | {row['target']} | {state} |"
        else:
            yield (f"| {row['case']} | {row['runs']} | {row['wall_ms']:.3f} ms | {row['cpu_ms']:.3f} ms | {row['wall_us_per_node']:.2f} µs | "
                   f"{row['cpu_us_per_node']:.2f} µs | {row['peak_mb']} | {row['target']} | {state} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3, help="for each row")
    parser.add_argument("--soak", type=int, default=10_000, help="runs of each soak; 0: none")
    parser.add_argument("--example", help="the built example `engine`; default: target/release/examples/engine")
    parser.add_argument("--without-server", action="store_true")
    options = parser.parse_args()
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    example = options.example or f"{target}/release/examples/engine"
    os.environ.setdefault("OXIDIFY_BIN", f"{target}/release/oxidify")
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        arguments = [example, "--seconds", str(options.seconds), "--json", file.name]
        if options.soak:
            arguments += ["--soak", str(options.soak)]
        # Its exit code says that a target is missed; only without a result something is wrong.
        done = subprocess.run(arguments, stdout=subprocess.DEVNULL, check=False)
        text = pathlib.Path(file.name).read_text()
        if not text:
            sys.exit(f"{example} ended with {done.returncode}")
        rows = json.loads(text)
    if not options.without_server:
        rows += persisted(options.seconds, options.soak)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    today, load = datetime.date.today(), os.getloadavg()[0]
    print(f"## Engine, {today}\n\n{os.cpu_count()} × {cpu}, {platform.system()} {platform.release()}, load at the end {load:.1f}; `make bench-engine`.\n")
    print("\n".join(table(rows)))
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    report = {"date": str(today), "cpu": cpu, "cores": os.cpu_count(), "load": round(load, 2), "example": example, "rows": rows}
    (folder / f"{today}-engine.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if not all(row["met"] or row.get("met_in_cpu_time") for row in rows if row["target"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
