#!/usr/bin/env python3
"""How long it takes to remove a day's runs of a table of a million: on a PostgreSQL server of its own, on a disk, with the
settings that PostgreSQL comes with (fsync on). Target: the runs and their nodes in less than a second.

    make bench-retention                      a million runs of thirty days
    python3 bench/retention.py [runs] [days]  so many

RETENTION_TEST names the test program where it is built already. Raw output: bench/results/."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import postgres  # noqa: E402

TARGET_MS = 1000


def main():
    runs, days = (sys.argv[1:] + ["1000000", "30"][len(sys.argv) - 1 :])[:2]
    built = os.environ.get("RETENTION_TEST")
    if not built:
        # Before there is a server, so that nothing is built beside what is measured.
        subprocess.run(["cargo", "test", "-p", "ox-db", "--test", "retention", "--no-run"], cwd=ROOT, check=True)
    with postgres.postgres(on_disk=True) as url:
        env = {**os.environ, "OXIDIFY_TEST_POSTGRES": url, "RUNS": runs, "DAYS": days}
        command = [built] if built else ["cargo", "test", "-p", "ox-db", "--test", "retention", "--"]
        command += ["--ignored", "--nocapture", "a_day_of_a_million_runs"]
        done = subprocess.run(command, cwd=ROOT, env=env, check=False, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    took = re.search(r"runs with their nodes in ([0-9.]+) ms", done.stdout)
    if done.returncode or not took:
        return f"the measurement failed with {done.returncode}"
    met = float(took[1]) < TARGET_MS
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    raw = {"date": str(datetime.date.today()), "cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "command": ["python3", *sys.argv],
           "runs": int(runs), "days": int(days), "day_ms": float(took[1]), "target_ms": TARGET_MS, "target_met": met, "load": os.getloadavg(),
           "output": [line for line in done.stdout.splitlines() if line.startswith(("rows:", "dropped"))]}
    out = ROOT / "bench" / "results" / f"{raw['date']}-retention-{runs}.json"
    out.write_text(json.dumps(raw, indent=1) + "\n")
    print(f"a day of {int(runs) // int(days)} runs in {took[1]} ms (target: less than {TARGET_MS}): {'met' if met else 'MISSED'}; raw output in {out}")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
