"""Thousands of chat answers streamed at the same time from the scripted model, server and load generator on one machine.

    python3 bench/streams.py                        10,000 streams of 4 words a second, on SQLite
    python3 bench/streams.py --database postgres    the same on a PostgreSQL server of its own (fsync on)
    python3 bench/streams.py --streams 500 --seconds 20 --ramp 3    a small one

The streams are opened one after the other during `--ramp` seconds, and each speaks for `--seconds`: in between all are open.
Reported: the server's resident memory (largest), streams that were refused or ended before their end, and how late each
word came after the time at which its model was to say it, counted from the moment in which the question was sent. The
generator is `streams` of this folder (`cargo build --release -p bench`); OXIDIFY_BIN and OXIDIFY_BENCH_STREAMS name other
programs. Targets (issue 4): at most 1.5 GB, p99 lateness at most 250 ms, nothing dropped. Raw output: bench/results/.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from oxidify import APPS, Server  # noqa: E402
from postgres import database  # noqa: E402

RATE = 4
TARGET_MB, TARGET_LATE_MS = 1500, 250


def raise_file_limit(wanted):
    """Lets this process and those that it starts open so many files; says so when that is not allowed."""
    def allowed():
        return [float("inf") if limit == resource.RLIM_INFINITY else limit for limit in resource.getrlimit(resource.RLIMIT_NOFILE)]

    soft, hard = allowed()
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1] if hard >= wanted else wanted))
        except (ValueError, OSError):
            raise SystemExit(f"{wanted} open files are needed for each of server and generator, {hard} are allowed: raise `ulimit -Hn`, or ask for fewer --streams") from None


def chat_app(server, words):
    """A chat app whose model says so many marked words at its pace; its key."""
    said = " ".join(f"~{number}" for number in range(words))
    parameters = f'name: canned, mode: chat, completion_params: {{text: "{said}", tokens_per_s: {RATE}}}'
    text = (APPS / "chat.yml").read_text().replace("name: echo, mode: chat, completion_params: {}", parameters)
    return server.key(server.import_app(text)[0])


def chatflow_app(server, words):
    said = " ".join(f"~{number}" for number in range(words))
    parameters = f'"name": "canned", "mode": "chat", "completion_params": {{"text": "{said}", "tokens_per_s": {RATE}}}'
    text = (APPS / "chatflow.yml").read_text().replace('"name": "echo", "mode": "chat", "completion_params": {}', parameters)
    return server.key(server.import_app(text)[0])


def cpu_seconds(pid):
    """Processor time that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """The server's memory and processor time, and its open files, once a second."""

    def __init__(self, server):
        self.server, self.samples, self.over = server, [], threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        began, before = time.perf_counter(), cpu_seconds(self.server.process.pid)
        while not self.over.wait(1):
            now = cpu_seconds(self.server.process.pid)
            files = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
            self.samples.append({"at_s": round(time.perf_counter() - began, 1), "rss_mb": round(self.server.rss_mb(), 1),
                                 "cores": round(now - before, 2), "files": files})
            before = now

    def end(self):
        self.over.set()
        self.thread.join()
        return self.samples


def peak_mb(server):
    """The largest resident memory since the server's start, as the kernel has it."""
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def stolen_ticks():
    with open("/proc/stat") as stat:
        times = [int(word) for word in stat.readline().split()[1:9]]
    return times[7], sum(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60, help="how long each answer is")
    parser.add_argument("--ramp", type=float, default=20, help="seconds in which all streams are opened")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--app", choices=("chat", "chatflow"), default="chat")
    parser.add_argument("--out", help="file for the raw numbers (default: bench/results/DATE-streams-DATABASE-APP.json)")
    options = parser.parse_args()
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    generator = os.environ.get("OXIDIFY_BENCH_STREAMS", f"{target}/release/streams")
    os.environ.setdefault("OXIDIFY_BIN", f"{target}/release/oxidify")
    raise_file_limit(options.streams + 1000)
    words = int(options.seconds * RATE)
    body = {"inputs": {}, "query": "Tell me a long story.", "user": "bench", "response_mode": "streaming"}
    # A process takes 4,096 runs at a time unless it is told otherwise.
    settings = {"LOG_LEVEL": "ERROR", "OXIDIFY_MAX_ACTIVE_RUNS": str(options.streams + 100)}
    with database(options.database, on_disk=True) as env, Server(env={**settings, **env}) as server:
        server.set_up()
        key = {"chat": chat_app, "chatflow": chatflow_app}[options.app](server, words)
        time.sleep(3)
        idle, used, stolen = server.rss_mb(), cpu_seconds(server.process.pid), stolen_ticks()
        watch = Watch(server)
        process = subprocess.Popen([generator, "--address", f"127.0.0.1:{server.port}", "--key", key, "--body", json.dumps(body), "--words", str(words),
                                    "--rate", str(RATE), "--streams", str(options.streams), "--ramp", str(options.ramp)], stdout=subprocess.PIPE, text=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        printed, _ = process.communicate(timeout=options.ramp + options.seconds * 3 + 120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        samples = watch.end()
        if process.returncode:
            raise SystemExit(f"the generator ended with {process.returncode}")
        measured = json.loads(printed)
        stolen = [now - then for now, then in zip(stolen_ticks(), stolen, strict=True)]
        peak = peak_mb(server)
        times = {"server": cpu_seconds(server.process.pid) - used,
                 "generator": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}
        time.sleep(5)
        rest = server.rss_mb()
    late = measured["late_ms"] or {}
    met = peak <= TARGET_MB and not measured["errors"] and not measured["dropped"] and measured["most_open"] == options.streams and late.get("p99", 1e9) <= TARGET_LATE_MS
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    raw = {"date": str(datetime.date.today()), "cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "command": ["python3", *sys.argv],
           "database": options.database, "app": options.app, "settings": settings, "rate": RATE, "words_each": words, "ramp_s": options.ramp, "idle_rss_mb": round(idle, 1),
           "peak_rss_mb": round(peak, 1), "rss_5_s_later_mb": round(rest, 1), "cpu_seconds": {name: round(value, 1) for name, value in times.items()},
           "stolen_share": round(stolen[0] / max(stolen[1], 1), 3), "targets_met": met, **measured, "samples": samples}
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    out = pathlib.Path(options.out or folder / f"{raw['date']}-streams-{options.database}-{options.app}.json")
    out.write_text(json.dumps(raw, indent=1) + "\n")
    full = measured["late_with_all_open_ms"] or {}
    first = measured["first_word_late_ms"] or {}
    print(f"{options.streams} streams of {RATE} words a second ({options.app}, {options.database}) on {os.cpu_count()} × {cpu}: {measured['most_open']} open at once, "
          f"{measured['ended_well']} ended well, {measured['dropped']} dropped, {measured['errors']} refused; server {peak:.0f} MB at most ({idle:.0f} MB idle, {rest:.0f} MB afterwards)")
    print(f"lateness of {measured['words']} words: p50 {late.get('p50')} ms, p99 {late.get('p99')} ms, max {late.get('max')} ms; while all were open p50 {full.get('p50')} ms, "
          f"p99 {full.get('p99')} ms; first words p50 {first.get('p50')} ms, p99 {first.get('p99')} ms; {measured['words_too_early']} came before their time")
    print(f"processor time: server {times['server']:.1f} s, generator {times['generator']:.1f} s, {raw['stolen_share']:.1%} of the machine's taken by its host")
    if measured["example"]:
        print(f"a stream that failed: {measured['example']}")
    print(f"target (≤ {TARGET_MB} MB, p99 ≤ {TARGET_LATE_MS} ms, none dropped): {'met' if met else 'MISSED'}; raw numbers in {out}")
    sys.exit(not met)


if __name__ == "__main__":
    main()
