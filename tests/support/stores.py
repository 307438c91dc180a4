"""Vector stores for tests that can be killed and started again: a small Qdrant of our own that needs nothing, and Chroma
and PostgreSQL with pgvector where their Python packages are (`OXIDIFY_TEST_STORES_PYTHON`, or the venv in the cache)."""

import contextlib
import http.server
import json
import math
import os
import pathlib
import shutil
import socketserver
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from oxidify import free_port


def python():
    """A Python that may have the packages of stores."""
    cached = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "oxidify/stores/py/bin/python"
    return os.environ.get("OXIDIFY_TEST_STORES_PYTHON", str(cached) if cached.exists() else "python3")


def has(package):
    found = subprocess.run([python(), "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec('{package}') is None)"], capture_output=True)
    return found.returncode == 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        if not self.server.owner.is_up:
            self.close_connection = True
            self.connection.close()
            return
        status, result = self.server.owner.answer(self.command, self.path.split("?")[0].strip("/").split("/"), body)
        data = json.dumps({"result": result, "status": "ok" if status == 200 else {"error": "Not found"}, "time": 0}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = do


class Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Callers that are killed break off."""


class Qdrant:
    """Collections in memory, behind Qdrant's REST interface. `kill` lets calls fail, in the middle or at once."""

    name = "qdrant"

    def __init__(self):
        self.lock = threading.Lock()
        self.collections = {}
        self.is_up = True
        self.port = free_port()
        self.env = {"VECTOR_STORE": "qdrant", "QDRANT_URL": f"http://127.0.0.1:{self.port}"}
        self.listener = None
        self.start()

    def start(self):
        self.is_up = True
        if not self.listener:
            self.listener = Listener(("127.0.0.1", self.port), Handler)
            self.listener.owner = self
            threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def kill(self):
        self.is_up = False

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()

    def lose(self):
        """As a server without a disk that was started again."""
        with self.lock:
            self.collections.clear()

    def names(self):
        with self.lock:
            return sorted(self.collections)

    def points(self):
        with self.lock:
            return sum(len(points) for _, points in self.collections.values())

    def orphan(self):
        """Puts in what nobody knows, and takes out what should be in."""
        with self.lock:
            size, points = next(iter(self.collections.values()))
            points.pop(next(iter(points)))
            points["00000000-0000-7000-8000-00000000dead"] = ([1.0] + [0.0] * (size - 1), {"metadata": {}})

    def answer(self, method, path, body):
        with self.lock:
            if path == ["collections"]:
                return 200, {"collections": [{"name": name} for name in self.collections]}
            name, rest = path[1], path[2:]
            if not rest and method == "PUT":
                self.collections.setdefault(name, (body["vectors"]["size"], {}))
                return 200, True
            if not rest and method == "DELETE":
                return 200, self.collections.pop(name, None) is not None
            if name not in self.collections:
                return 404, None
            size, points = self.collections[name]
            if not rest:
                return 200, {"config": {"params": {"vectors": {"size": size, "distance": "Cosine"}}}}
            if rest == ["points"]:
                for point in body["points"]:
                    points[point["id"]] = (point["vector"], point["payload"])
                return 200, {"status": "completed"}
            if rest == ["points", "delete"]:
                for id in body["points"]:
                    points.pop(id, None)
                return 200, {"status": "completed"}
            if rest == ["points", "scroll"]:
                ids = [id for id in sorted(points) if id >= (body.get("offset") or "")]
                more = ids[body["limit"]:]
                return 200, {"points": [{"id": id} for id in ids[:body["limit"]]], "next_page_offset": more[0] if more else None}
            if rest == ["points", "search"]:
                asked = body["vector"]
                within = body.get("filter", {}).get("must", [{}])[0].get("match", {}).get("any")
                found = [(math.sumprod(asked, vector) if hasattr(math, "sumprod") else sum(a * b for a, b in zip(asked, vector)), id, payload) for id, (vector, payload) in points.items()
                         if within is None or payload["metadata"].get("document_id") in within]
                found.sort(key=lambda one: (-one[0], one[1]))
                return 200, [{"id": id, "score": score, "payload": {"metadata": payload["metadata"]}} for score, id, payload in found[:body["limit"]]]
            return 200, True  # an index of a field


class Chroma:
    name = "chroma"

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="oxidify-chroma-")
        self.port = free_port()
        self.env = {"VECTOR_STORE": "chroma", "CHROMA_HOST": "127.0.0.1", "CHROMA_PORT": str(self.port)}
        self.process = None
        self.start()

    def start(self):
        program = pathlib.Path(python()).parent / "chroma"
        self.process = subprocess.Popen([program, "run", "--path", self.home, "--host", "127.0.0.1", "--port", str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "ANONYMIZED_TELEMETRY": "False"})
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2/heartbeat", timeout=1)
                return
            time.sleep(0.1)
        raise RuntimeError("Chroma does not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def names(self):
        url = f"http://127.0.0.1:{self.port}/api/v2/tenants/default_tenant/databases/default_database/collections"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return [one["name"] for one in json.load(answer)]


class Pgvector:
    """PostgreSQL from the package `pgserver`, which brings the extension; run as another user, for it refuses root."""

    name = "pgvector"

    def __init__(self):
        done = subprocess.run([python(), "-c", "import pgserver, os; print(os.path.dirname(pgserver.__file__))"], check=True, capture_output=True, text=True)
        self.home = tempfile.mkdtemp(prefix="oxidify-pgvector-")
        os.chmod(self.home, 0o777)
        # Copied, for the other user need not be able to look into this one's home.
        package = done.stdout.strip()
        shutil.copytree(f"{package}/pginstall", f"{self.home}/pgserver/pginstall", symlinks=True)
        if os.path.exists(f"{package}.libs"):
            shutil.copytree(f"{package}.libs", f"{self.home}/pgserver.libs")
        self.programs = f"{self.home}/pgserver/pginstall/bin"
        self.data = f"{self.home}/data"
        self.account = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.port = free_port()
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.env = {"VECTOR_STORE": "pgvector", "PGVECTOR_HOST": "127.0.0.1", "PGVECTOR_PORT": str(self.port), "PGVECTOR_USER": "postgres", "PGVECTOR_DATABASE": "postgres"}
        self.start()

    def run(self, program, *arguments):
        subprocess.run([*self.account, f"{self.programs}/{program}", *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self.home)

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.home}"
        self.run("pg_ctl", "-D", self.data, "-w", "-o", options, "-l", f"{self.home}/log", "start")

    def kill(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def close(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def names(self):
        sql = "select tablename from pg_tables where tablename like 'embedding_%'"
        done = subprocess.run([*self.account, f"{self.programs}/psql", "-X", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", sql, "postgres"],
                              check=True, capture_output=True, text=True, cwd=self.home)
        return done.stdout.split()


@contextlib.contextmanager
def store(kind):
    """A store of a kind (`qdrant`, `chroma`, `pgvector`), or None for `embedded`."""
    made = {"qdrant": Qdrant, "chroma": Chroma, "pgvector": Pgvector, "embedded": lambda: None}[kind]()
    try:
        yield made
    finally:
        if made:
            made.close()
