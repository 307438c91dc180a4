"""Starts a server with some apps of tests/apps, prints one JSON line about it, and runs until told to stop.

    python3 tests/support/serve.py chat passthrough

`OXIDIFY_TEST_DATABASE=postgres` puts it on a throw-away PostgreSQL server. On SQLite it begins with a copy of a data
directory that is migrated and set up once for each build of the server.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading

from oxidify import APPS, EMAIL, PASSWORD, Server, binary
from postgres import database


def prepared():
    """A data directory with the owner in it, made by whoever asks first."""
    built = os.stat(binary())
    named = hashlib.sha256(f"{binary()} {built.st_mtime_ns} {built.st_size}".encode()).hexdigest()[:12]
    place = pathlib.Path(tempfile.gettempdir()) / f"oxidify-prepared-{os.getuid()}-{named}"
    with open(f"{place}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            making = pathlib.Path(tempfile.mkdtemp(prefix="oxidify-preparing-"))
            with Server(home=making) as server:
                server.set_up()
            making.rename(place)
    return place


@contextlib.contextmanager
def home(is_prepared):
    """A new data directory, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="oxidify-", ignore_cleanup_errors=True) as place:
        if is_prepared:
            shutil.copytree(prepared(), place, dirs_exist_ok=True)
        yield place


kind = os.environ.get("OXIDIFY_TEST_DATABASE", "sqlite")
is_fresh = "--fresh" in sys.argv
is_prepared = kind == "sqlite" and not is_fresh
with database(kind) as env, home(is_prepared) as place, Server(home=place, env=env) as server:
    apps, keys, codes = {}, {}, {}
    if not is_fresh:
        server.login() if is_prepared else server.set_up()
        for name in [a for a in sys.argv[1:] if not a.startswith("--")]:
            apps[name], _ = server.import_app((APPS / f"{name}.yml").read_text())
            keys[name] = server.key(apps[name])
            codes[name] = server.console("GET", f"/apps/{apps[name]}")["site"]["code"]
    about = {"url": server.url, "home": server.home, "apps": apps, "keys": keys, "codes": codes, "email": EMAIL, "password": PASSWORD}
    print(json.dumps(about), flush=True)
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    done.wait()
