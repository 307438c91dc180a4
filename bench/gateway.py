"""What the model gateway adds: `/gateway/v1/chat/completions` at fixed rates against a local mock model, beside LiteLLM's proxy.

    cargo build --release --package ox-cli --package bench
    OXIDIFY_BIN=target/release/oxidify python3 bench/gateway.py --litellm .venv/bin/litellm

Run it on a machine that does nothing else. Every caller comes when it is due, whether the one before was answered or not; times
count from then. Added is the difference to the mock model asked directly at the same rate. Prints a table; the raw numbers go
to the file named by --out. LiteLLM is of the clients' venv (tests/clients/requirements.txt); without --litellm it is left out.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from oxidify import Server, free_port  # noqa: E402

PROVIDER = "openai_api_compatible"


def generator():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("GATEWAY_BENCH", str(target / "release" / "gateway"))


def load(address, path, key, model, rate, seconds, connections):
    command = [generator(), "load", "--address", address, "--path", path, "--key", key, "--model", model]
    command += ["--rate", str(rate), "--seconds", str(seconds), "--connections", str(connections)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"calls": 0, "errors": 1, "example": done.stderr.strip()[-300:], "per_second": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None}
    return json.loads(done.stdout)


def wait_for(url, process, seconds):
    deadline = time.time() + seconds
    while True:
        try:
            return urllib.request.urlopen(url, timeout=1).status
        except OSError as error:
            if hasattr(error, "code"):
                return error.code
            if process.poll() is not None or time.time() > deadline:
                raise SystemExit(f"{url} does not answer")
            time.sleep(0.2)


def litellm(command, mock, folder):
    port = free_port()
    config = f"model_list:\n  - model_name: mock\n    litellm_params: {{model: openai/mock, api_base: 'http://{mock}/v1', api_key: none}}\n"
    config += "general_settings: {master_key: sk-bench}\nlitellm_settings: {telemetry: false}\n"
    pathlib.Path(folder, "config.yaml").write_text(config)
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_DOCS": "True", "LITELLM_LOG": "ERROR"}
    log = open(pathlib.Path(folder, "litellm.log"), "wb")
    arguments = [command, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--num_workers", str(os.cpu_count())]
    process = subprocess.Popen(arguments, cwd=folder, env=env, stdout=log, stderr=log)
    wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, 120)
    return process, f"127.0.0.1:{port}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="1000,5000", help="requests a second; 0 is as fast as it goes")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--litellm", help="path of litellm's program")
    parser.add_argument("--out", help="file for the raw numbers")
    options = parser.parse_args()
    rates = [float(rate) for rate in options.rates.split(",")] + [0.0]
    mock_port = free_port()
    mock = subprocess.Popen([generator(), "mock", "--port", str(mock_port)])
    others = []
    rows = []
    try:
        with tempfile.TemporaryDirectory() as folder, Server() as server:
            server.set_up()
            address = f"127.0.0.1:{mock_port}"
            credentials = {"api_key": "none", "endpoint_url": f"http://{address}/v1", "mode": "chat", "context_size": "4096"}
            body = {"model": "mock", "model_type": "llm", "credentials": credentials}
            server.console("POST", f"/workspaces/current/model-providers/{PROVIDER}/models/credentials", body)
            key = server.console("POST", "/workspaces/current/gateway-keys", {"name": "bench"})["token"]
            doors = [
                ("mock, directly", address, "/v1/chat/completions", "", "mock"),
                ("oxidify", f"127.0.0.1:{server.port}", "/gateway/v1/chat/completions", key, f"{PROVIDER}/mock"),
            ]
            if options.litellm:
                process, other = litellm(str(pathlib.Path(options.litellm).resolve()), address, folder)
                others.append(process)
                doors.append(("litellm", other, "/v1/chat/completions", "sk-bench", "mock"))
            for name, place, path, token, model in doors:
                load(place, path, token, model, 50, 2, 4)
            for rate in rates:
                for name, place, path, token, model in doors:
                    row = load(place, path, token, model, rate, options.seconds, options.connections)
                    rows.append({"door": name, "rate": rate, **row})
    finally:
        for process in [mock, *others]:
            process.terminate()
            process.wait(20)
    print("| asked for | who | answered a second | p50 | p95 | p99 | added p50 | added p99 | errors |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        direct = next(other for other in rows if other["rate"] == row["rate"])

        def added(name, row=row, direct=direct):
            known = row[name] is not None and direct[name] is not None and row is not direct and row["rate"] > 0
            return f"{row[name] - direct[name]:.2f}" if known else "–"

        asked = f"{row['rate']:g}/s" if row["rate"] else "as fast as it goes"
        print(f"| {asked} | {row['door']} | {row['per_second']:.0f} | {row['p50_ms']} | {row['p95_ms']} | {row['p99_ms']} | {added('p50_ms')} | {added('p99_ms')} | {row['errors']} |")
    for row in rows:
        if row["errors"]:
            print(f"\n{row['door']} at {row['rate']:g}/s: {row['errors']} errors, such as: {row['example']}")
    if options.out:
        pathlib.Path(options.out).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
