"""A running Oxidify for tests and benches: start, set up, import, publish, call. Standard library only."""

import base64
import contextlib
import http.cookiejar
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPS = ROOT / "tests" / "apps"
EMAIL, PASSWORD = "owner@example.com", "correct horse 1"


def binary():
    """Path of the program under test: OXIDIFY_BIN, or the debug build."""
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    return os.environ.get("OXIDIFY_BIN", f"{target}/debug/oxidify")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Server:
    """One server process on a home directory; `restart` keeps directory and port."""

    def __init__(self, home=None, env=None, port=None):
        self.own_home = None if home else tempfile.TemporaryDirectory(prefix="oxidify-")
        self.home = str(home or self.own_home.name)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "OXIDIFY_HOME": self.home, "PORT": str(self.port), "LOG_LEVEL": "WARNING", **(env or {})}
        self.process = None
        self.started_in = None
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.own_home:
            with contextlib.suppress(OSError):
                self.own_home.cleanup()

    def start(self, wait=30.0):
        began = time.perf_counter()
        self.log = open(f"/tmp/oxidify-{self.port}.log", "ab")
        self.process = subprocess.Popen([binary(), "serve"], env=self.env, stdout=self.log, stderr=self.log)
        while True:
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                    if answer.status == 200:
                        break
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}; see /tmp/oxidify-{self.port}.log")
            if time.perf_counter() - began > wait:
                raise RuntimeError("the server did not answer /health in time")
            time.sleep(0.002)
        self.started_in = time.perf_counter() - began

    def kill(self):
        """kill -9: the process ends at once, wherever it is."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def rss_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    # --- console ---

    def csrf(self):
        return next((c.value for c in self.jar if c.name.endswith("csrf_token")), "")

    def console(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/console/api{path}", data=data, method=method)
        request.add_header("X-CSRF-Token", self.csrf())
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with self.opener.open(request, timeout=30) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read().decode(errors="replace")) from None

    def set_up(self):
        self.console("POST", "/setup", {"email": EMAIL, "name": "Owner", "password": PASSWORD})
        self.login()

    def login(self):
        encoded = base64.b64encode(PASSWORD.encode()).decode()
        self.console("POST", "/login", {"email": EMAIL, "password": encoded, "remember_me": True})

    def import_app(self, yaml_text, publish=True):
        """Imports a DSL text and answers (app id, mode)."""
        done = self.console("POST", "/apps/imports", {"mode": "yaml-content", "yaml_content": yaml_text})
        if done["status"] == "pending":
            done = self.console("POST", f"/apps/imports/{done['id']}/confirm")
        assert done["app_id"], done
        if publish and done["app_mode"] in ("workflow", "advanced-chat"):
            self.console("POST", f"/apps/{done['app_id']}/workflows/publish", {})
        return done["app_id"], done["app_mode"]

    def key(self, app_id):
        return self.console("POST", f"/apps/{app_id}/api-keys")["token"]

    def app_key(self, name):
        """Imports tests/apps/<name>.yml, publishes it and answers a new key."""
        app_id, _ = self.import_app((APPS / f"{name}.yml").read_text())
        return self.key(app_id)

    # --- service API ---

    def v1(self, method, path, key, body=None, timeout=60):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/v1{path}", data=data, method=method)
        request.add_header("Authorization", f"Bearer {key}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read().decode(errors="replace")) from None

    def stream(self, path, key, body, timeout=60):
        """Yields the events of a streaming call."""
        request = urllib.request.Request(f"{self.url}/v1{path}", data=json.dumps(body).encode(), method="POST")
        request.add_header("Authorization", f"Bearer {key}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
