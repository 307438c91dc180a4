"""`oxidify reset-password` beside a running server: the way back in where no mail can be sent."""

import base64
import json
import os
import subprocess

import oxidify
import pytest
from postgres import database


def reset(server, *arguments, given=None):
    """Exit code, standard output, standard error."""
    done = subprocess.run([oxidify.binary(), "reset-password", *arguments], env=server.env, input=given, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def sign_in(server, password):
    body = {"email": oxidify.EMAIL, "password": base64.b64encode(password.encode()).decode(), "remember_me": True}
    return server.console("POST", "/login", body)


def test_an_owner_gets_back_in():
    with database(os.environ.get("OXIDIFY_TEST_DATABASE", "sqlite")) as env, oxidify.Server(env=env) as server:
        server.set_up()
        assert server.console("GET", "/account/profile")["email"] == oxidify.EMAIL

        code, out, err = reset(server, "--email", oxidify.EMAIL.upper(), "--json")
        assert code == 0, err
        made = json.loads(out)["password"]
        with pytest.raises(oxidify.ApiError) as refused:
            sign_in(server, oxidify.PASSWORD)
        assert refused.value.status == 401
        sign_in(server, made)
        assert server.console("GET", "/account/profile")["email"] == oxidify.EMAIL

        code, out, err = reset(server, "--email", oxidify.EMAIL, "--password-stdin", given="another horse 2\n")
        assert (code, "another horse" in out) == (0, False), err
        sign_in(server, "another horse 2")

        for arguments, given, said in [
            (["--email", "nobody@example.com"], None, "No account has the address nobody@example.com"),
            (["--email", oxidify.EMAIL, "--password-stdin"], "short\n", "at least 8"),
        ]:
            code, out, err = reset(server, *arguments, given=given)
            assert code == 2 and said in err, (code, out, err)
        sign_in(server, "another horse 2")
