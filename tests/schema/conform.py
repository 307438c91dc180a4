"""Calls the running server with generated requests and compares every answer with what the API documents promise.

    make conform                                          20,000 calls and more
    tests/schema/run.sh --only console --calls 3000       one surface of the built server

The generator is schemathesis (PyPI), unmodified. Against our own document no answer may be a 5xx, nor have a status, a
content type or a body that the document does not name. Against the upstream document (../shared/reference, where it is)
no answer may be a 5xx, and documented statuses must have the documented body. What is left out is in `LEFT_OUT`, with
its reason.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from oxidify import Server  # noqa: E402

UPSTREAM = pathlib.Path(os.environ.get("OXIDIFY_SHARED", ROOT.parent / "shared")) / "reference" / "openapi_service.json"
OWN_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
UPSTREAM_CHECKS = "not_a_server_error,response_schema_conformance"
APPS = ("chat", "completion", "chatflow", "passthrough")
# Operations that are not called, and why.
LEFT_OUT = {
    r"^/console/api/logout": "ends the session that the calls are made with",
    r"^/console/api/account/(password|delete|sessions)": "ends the account or the session that the calls are made with",
    r"^/console/api/apps/\{app_id\}$": "deletes the app that the other calls use",
    r"^(/console/api|/v1)?/datasets/\{dataset_id\}$": "deletes the knowledge base that the other calls use",
    r"^/console/api/(setup|login|reset|forgot|refresh)": "limited in number by address, on purpose",
}


def fetch(url, headers=None):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
        return answer.read()


def document(source, replaced, folder, prefix=""):
    """A copy of a document without what is left out, with known values in place of random ones."""
    described = json.loads(source.read_text())
    described["paths"] = {
        path: item for path, item in described["paths"].items()
        if path.startswith(prefix) and not any(re.search(pattern, path) for pattern in LEFT_OUT)
    }
    for item in described["paths"].values():
        shared = item.get("parameters", []) if isinstance(item, dict) else []
        for parameter in shared + [p for o in item.values() if isinstance(o, dict) for p in o.get("parameters", [])]:
            if parameter.get("in") == "path" and parameter.get("name") in replaced:
                parameter["schema"] = {"type": "string", "enum": replaced[parameter["name"]]}
    file = pathlib.Path(folder) / f"{source.stem}-{len(os.listdir(folder))}.json"
    file.write_text(json.dumps(described))
    return file, sum(m in {"get", "put", "post", "delete", "patch"} for item in described["paths"].values() for m in item)


def call(name, file, operations, url, headers, checks, calls, seed):
    """One run of the generator; answers how many calls it made, and its report when something was wrong."""
    each = max(1, calls // max(operations, 1))
    program = [str(pathlib.Path(sys.executable).with_name("st")), "--no-color", "run", str(file), "--url", url,
               "--checks", checks, "--phases", "coverage,fuzzing", "--max-examples", str(each), "--mode", "all",
               "--workers", "2", "--request-timeout", "60", "--no-shrink", "--continue-on-failure", "--seed", str(seed),
               "--warnings", "off", "--suppress-health-check", "all", "--generation-database", "none"]
    for key, value in headers.items():
        program += ["--header", f"{key}: {value}"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=3600)
    made = re.search(r"([\d,]+) generated", done.stdout)
    count = int(made.group(1).replace(",", "")) if made else 0
    print(f"{name}: {operations} operations, {count} calls, {'passed' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode:
        print(done.stdout[-20_000:], done.stderr[-2_000:], flush=True)
    return count, done.returncode == 0 and count > 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        server.set_up()
        apps = {name: server.import_app((ROOT / "tests/apps" / f"{name}.yml").read_text())[0] for name in APPS}
        keys = {name: server.key(app) for name, app in apps.items()}
        codes = {name: server.console("GET", f"/apps/{app}")["site"]["code"] for name, app in apps.items()}
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in server.jar)
        session = {"Cookie": cookies, "X-CSRF-Token": server.csrf()}
        replaced = {"app_id": [apps["chat"], apps["passthrough"]]}
        ours = pathlib.Path(folder) / "openapi.json"
        ours.write_bytes(fetch(f"{server.url}/openapi.json"))
        doors = [(f"/v1 ({name})", ours, "/v1/", {"Authorization": f"Bearer {keys[name]}"}, OWN_CHECKS, "") for name in APPS]
        dataset_key = server.console("POST", "/datasets/api-keys")["token"]
        knowledge = {"Authorization": f"Bearer {dataset_key}"}
        replaced["dataset_id"] = [server.v1("POST", "/datasets", dataset_key, {"name": "generated", "indexing_technique": "economy"})["id"]]
        doors.append(("/v1/datasets", ours, "/v1/datasets", knowledge, OWN_CHECKS, ""))
        doors.append(("/console/api", ours, "/console/api/", session, OWN_CHECKS, ""))
        passport = json.loads(fetch(f"{server.url}/api/passport", {"X-App-Code": codes["chat"]}))["access_token"]
        doors.append(("/api (chat)", ours, "/api/", {"Authorization": f"Bearer {passport}", "X-App-Passport": passport, "X-App-Code": codes["chat"]}, OWN_CHECKS, ""))
        if UPSTREAM.exists():
            doors += [(f"upstream document ({name})", UPSTREAM, "/", {"Authorization": f"Bearer {keys[name]}"}, UPSTREAM_CHECKS, "/v1") for name in APPS]
            doors.append(("upstream document (datasets)", UPSTREAM, "/datasets", knowledge, UPSTREAM_CHECKS, "/v1"))
        else:
            print(f"{UPSTREAM} is not here: the upstream document is left out")
        doors = [door for door in doors if options.only in door[0]]
        total, good = 0, True
        documents = [(document(source, replaced, folder, prefix)) for _, source, prefix, *_ in doors]
        everything = sum(operations for _, operations in documents)
        for (name, _, _, headers, checks, base), (file, operations) in zip(doors, documents, strict=True):
            share = options.calls * operations // everything
            count, passed = call(name, file, operations, server.url + base, headers, checks, share, options.seed)
            total, good = total + count, good and passed
        print(f"{total} calls in all; left out: {len(LEFT_OUT)} patterns")
        if server.process.poll() is not None:
            sys.exit(f"the server ended with {server.process.returncode}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
