"""A throw-away PostgreSQL server on a free port. Standard library only."""

import contextlib
import glob
import os
import pathlib
import shutil
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


@contextlib.contextmanager
def postgres():
    """Yields the URL of an empty database; PostgreSQL refuses to run as root and is then run as user `postgres`."""
    programs = bin_dir()
    if not programs:
        raise FileNotFoundError("PostgreSQL's initdb; install postgresql")
    account = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="oxidify-pg-") as folder:
        os.chmod(folder, 0o777)
        data, port = pathlib.Path(folder) / "data", free_port()
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
        subprocess.run([*account, f"{programs}/initdb", "-D", data, "-U", "oxidify", "-A", "trust", "-E", "UTF8", "--no-sync"], **quiet)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        subprocess.run([*account, f"{programs}/pg_ctl", "-D", data, "-w", "-o", options, "-l", f"{folder}/log", "start"], **quiet)
        try:
            yield f"postgres://oxidify@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*account, f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
