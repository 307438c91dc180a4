"""Databases for tests: a throw-away PostgreSQL server, or the SQLite file that needs nothing. Standard library only."""

import contextlib
import glob
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

from oxidify import free_port


def bin_dir():
    """Where PostgreSQL's programs are, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if found:
        return os.path.dirname(found[-1])
    initdb = shutil.which("initdb")
    return initdb and os.path.dirname(os.path.realpath(initdb))


def in_memory():
    """A directory in memory with room for a database (a thousand files, which disks make slowly), or None."""
    with contextlib.suppress(OSError):
        return "/dev/shm" if shutil.disk_usage("/dev/shm").free > 4 << 30 else None


class Postgres:
    """A server of its own on an empty database; PostgreSQL refuses to run as root and is then run as user `postgres`."""

    def __init__(self, folder):
        self.programs = bin_dir()
        if not self.programs:
            raise FileNotFoundError("PostgreSQL's initdb; install postgresql")
        self.account = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.folder, self.data, self.port = folder, pathlib.Path(folder) / "data", free_port()
        self.url = f"postgres://oxidify@127.0.0.1:{self.port}/postgres"
        os.chmod(folder, 0o777)
        self.run("initdb", "-U", "oxidify", "-A", "trust", "-E", "UTF8", "--no-sync")

    def run(self, program, *arguments):
        command = [*self.account, f"{self.programs}/{program}", "-D", self.data, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-w", "-o", options, "-l", f"{self.folder}/log", "start")

    def stop(self, mode="immediate"):
        """`immediate` is the nearest to a crash, `fast` ends sessions and tells them so."""
        self.run("pg_ctl", "-m", mode, "stop")


@contextlib.contextmanager
def postgres_server(on_disk=False):
    """Yields a server that can be stopped and started again; it must run when it is given back. What is measured is to be
    on a disk: in memory, a synced write costs nothing."""
    with tempfile.TemporaryDirectory(prefix="oxidify-pg-", dir=None if on_disk else in_memory()) as folder:
        server = Postgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def postgres(on_disk=False):
    """Yields the URL of an empty database."""
    with postgres_server(on_disk) as server:
        yield server.url


@contextlib.contextmanager
def database(kind, on_disk=False):
    """Yields the environment that puts a server on a new database of a kind (`sqlite`, `postgres`)."""
    if kind == "sqlite":
        yield {}
    elif kind == "postgres":
        with postgres(on_disk) as url:
            yield {"OXIDIFY_DATABASE_URL": url}
    else:
        raise ValueError(f"no such database: {kind}; there are sqlite and postgres")


def rows(server, sql):
    """What the tables of a server's database say: rows of texts, ids without dashes; NULL and "" are both ""."""
    url = server.env.get("OXIDIFY_DATABASE_URL")
    if url:
        done = subprocess.run([f"{bin_dir()}/psql", "-X", "-A", "-t", "-F", "\t", "-c", sql, url], check=True, capture_output=True, text=True)
        found = [line.split("\t") for line in done.stdout.splitlines()]
        return [[value.replace("-", "") if len(value) == 36 and value.count("-") == 4 else value for value in row] for row in found]
    with contextlib.closing(sqlite3.connect(f"file:{server.home}/oxidify.db?mode=ro", uri=True, timeout=10)) as db:
        return [["" if v is None else v.hex() if isinstance(v, bytes) else str(v) for v in row] for row in db.execute(sql).fetchall()]
