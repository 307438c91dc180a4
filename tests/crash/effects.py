"""A server whose calls have effects: it remembers each, with the run, the place in it and the Idempotency-Key."""

import collections
import contextlib
import http.server
import random
import socketserver
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.happen()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.happen()

    def happen(self):
        name = self.path.strip("/")
        run = (self.headers.get("X-Run") or "").replace("-", "")
        place = (run, name, self.headers.get("X-Place") or "")
        with self.server.lock:
            self.server.calls[place].append(self.headers.get("Idempotency-Key"))
        # Before and after its effect there is time to die in.
        time.sleep(random.uniform(0, 0.25))
        data = f"{name} done".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass  # the caller died


@contextlib.contextmanager
def effects():
    """Yields the server: `url`, and `calls` with the keys seen by (run, node, place)."""
    server = Threads(("127.0.0.1", 0), Handler)
    server.calls, server.lock = collections.defaultdict(list), threading.Lock()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
