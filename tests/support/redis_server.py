"""A throw-away Redis server for tests that can be stopped and started again. Standard library only."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time

from oxidify import free_port

PROGRAM = "redis-server"


def is_installed():
    return shutil.which(PROGRAM) is not None


class Redis:
    """A server of its own; what it knows is lost when it stops."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        self.url = f"redis://127.0.0.1:{self.port}"

    def start(self):
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{PROGRAM} does not listen on port {self.port}")
            time.sleep(0.02)

    def stop(self, kill=True):
        """As by a crash, or in order."""
        if self.process:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def redis_server():
    """Yields a running server."""
    with tempfile.TemporaryDirectory(prefix="oxidify-redis-") as folder:
        server = Redis(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
