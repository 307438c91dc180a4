"""One server for all client tests, set up with the apps of tests/apps; `OXIDIFY_TEST_DATABASE=postgres` puts it on PostgreSQL."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from oxidify import Server  # noqa: E402
from postgres import database  # noqa: E402


@pytest.fixture(scope="session")
def server():
    with database(os.environ.get("OXIDIFY_TEST_DATABASE", "sqlite")) as env, Server(env=env) as running:
        running.set_up()
        yield running


@pytest.fixture(scope="session")
def keys(server):
    """A key of every app, by the name of its file."""
    names = ("agent", "chat", "completion", "chatflow", "passthrough", "ten_templates", "llm_slow", "llm_200")
    return {name: server.app_key(name) for name in names}
