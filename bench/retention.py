#!/usr/bin/env python3
"""How long it takes to remove a day's runs of a table of a million: on a PostgreSQL server of its own, with the settings
that PostgreSQL comes with (fsync on). Usage: python3 bench/retention.py [runs] [days]

RETENTION_TEST names the test program where it is built already."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import postgres  # noqa: E402

runs, days = (sys.argv[1:] + ["1000000", "30"][len(sys.argv) - 1 :])[:2]
with postgres.postgres() as url:
    env = {**os.environ, "OXIDIFY_TEST_POSTGRES": url, "RUNS": runs, "DAYS": days}
    built = os.environ.get("RETENTION_TEST")
    command = [built] if built else ["cargo", "test", "-p", "ox-db", "--test", "retention", "--"]
    command += ["--ignored", "--nocapture", "a_day_of_a_million_runs"]
    sys.exit(subprocess.run(command, cwd=ROOT, env=env, check=False).returncode)
