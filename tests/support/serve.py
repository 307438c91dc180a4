"""Starts a server with some apps of tests/apps, prints one JSON line about it, and runs until told to stop.

    python3 tests/support/serve.py chat passthrough

`OXIDIFY_TEST_DATABASE=postgres` puts it on a throw-away PostgreSQL server.
"""

import json
import os
import signal
import sys
import threading

from oxidify import EMAIL, PASSWORD, Server
from postgres import database

with database(os.environ.get("OXIDIFY_TEST_DATABASE", "sqlite")) as env, Server(env=env) as server:
    apps, keys, codes = {}, {}, {}
    if "--fresh" not in sys.argv:
        server.set_up()
        for name in [a for a in sys.argv[1:] if not a.startswith("--")]:
            text = (__import__("oxidify").APPS / f"{name}.yml").read_text()
            apps[name], _ = server.import_app(text)
            keys[name] = server.key(apps[name])
            codes[name] = server.console("GET", f"/apps/{apps[name]}")["site"]["code"]
    about = {"url": server.url, "home": server.home, "apps": apps, "keys": keys, "codes": codes, "email": EMAIL, "password": PASSWORD}
    print(json.dumps(about), flush=True)
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    done.wait()
