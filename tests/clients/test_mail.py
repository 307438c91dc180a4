"""Mails as a real SMTP server (aiosmtpd) receives them: forms, invitations, passwords; TLS, refusals, kill -9."""

import contextlib
import email
import email.policy
import json
import os
import re
import ssl
import subprocess
import sys
import time
import pathlib
import urllib.error
import urllib.request

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
from oxidify import EMAIL, ApiError, Server, free_port  # noqa: E402
from postgres import database, rows  # noqa: E402
from waiting import START, app, begin, change, end, ended, form, past  # noqa: E402

FROM = "Oxidify <no-reply@ox.example>"


class Inbox:
    """Keeps what it is sent; may put off or refuse."""

    def __init__(self):
        self.mails, self.tries, self.answers = [], 0, {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.tries += 1
        answers = self.answers.get(address, [])
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((list(envelope.rcpt_tos), envelope.mail_from, message, session.ssl is not None))
        return "250 taken"

    def wait(self, count, limit=30):
        began = time.monotonic()
        while len(self.mails) < count:
            assert time.monotonic() - began < limit, f"{len(self.mails)} of {count} mails after {limit} s"
            time.sleep(0.05)
        return self.mails

    def to(self, address):
        return [mail for mail in self.mails if mail[0] == [address]]


@contextlib.contextmanager
def smtp(inbox, port=None, **options):
    controller = Controller(inbox, hostname="127.0.0.1", port=port or free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextlib.contextmanager
def server(port, **more):
    env = {
        "MAIL_TYPE": "smtp", "SMTP_SERVER": "127.0.0.1", "SMTP_PORT": str(port), "MAIL_DEFAULT_SEND_FROM": FROM,
        "SECRET_KEY": "a-secret-of-at-least-32-characters-for-all", **more,
    }
    with database(os.environ.get("OXIDIFY_TEST_DATABASE", "sqlite")) as base, Server(env={**base, **env}) as running:
        running.set_up()
        yield running


def asking(items, subject="About {{#start.query#}}", body="Hello,\n\nopen {{#url#}} & answer <b>{{#start.query#}}</b>.", everybody=False, debug=False):
    """An app whose form goes to these addresses."""
    config = {"recipients": {"whole_workspace": everybody, "items": items}, "subject": subject, "body": body, "debug_mode": debug}
    ask = {**form("Approve"), "delivery_methods": [{"id": "m", "type": "email", "enabled": True, "config": config}]}
    nodes = [("start", START), ("form", ask), ("done", end(("note", ["form", "note"])))]
    return app("Asking", nodes, [("start", "source", "form"), ("form", "yes", "done")])


def external(address):
    return {"type": "external", "email": address}


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def deliveries(running, app_id, run):
    forms = running.console("GET", f"/apps/{app_id}/workflow-runs/{run}/forms")["data"]
    return {way["target"]: (way["status"], way["error"]) for way in forms[0]["deliveries"] if way["type"] == "email"}


def until(what, wanted, limit=60):
    began = time.monotonic()
    while (found := what()) != wanted:
        assert time.monotonic() - began < limit, f"{found} instead of {wanted}"
        time.sleep(0.1)


def link(message, running):
    text = message.get_body(("plain",)).get_content()
    found = re.search(re.escape(running.url) + r"/form/([A-Za-z0-9]+)", text)
    assert found, text
    return found[1]


def test_a_form_by_mail_is_answered_by_its_link():
    inbox = Inbox()
    with smtp(inbox) as port, server(port) as running:
        member = running.console("GET", "/account/profile")["id"]
        items = [external("Ada@Example.com"), external("ada@example.com"), external("grace@example.com"), {"type": "member", "user_id": member}]
        app_id, _ = running.import_app(asking(items))
        key = running.key(app_id)
        run, tokens = begin(running, key, "straße\r\nBcc: all@example.com")
        assert tokens == {"form": None}, "nothing but the mails leads to the form"
        inbox.wait(3)
        assert sorted(to for mail in inbox.mails for to in mail[0]) == ["ada@example.com", "grace@example.com", EMAIL]
        [[_, sender, message, _]] = inbox.to("ada@example.com")
        assert sender == "no-reply@ox.example" and message["From"] == FROM and message["To"] == "ada@example.com"
        assert message["Subject"] == "About straße Bcc: all@example.com" and message["Bcc"] is None
        html = message.get_body(("html",)).get_content()
        assert "&lt;b&gt;straße" in html and f'<a href="{running.url}/form/' in html, html
        secrets = {link(mail[2], running) for mail in inbox.mails}
        assert len(secrets) == 3, "one token for each"
        until(lambda: set(deliveries(running, app_id, run).values()), {("sent", None)})
        secret = link(message, running)
        asked = call(f"{running.url}/api/form/human_input/{secret}")
        assert asked["form_content"].startswith("straße") and asked["site"]["title"] == "Asking"
        call(f"{running.url}/api/form/human_input/{secret}", {"inputs": {"note": "fine"}, "action": "yes"})
        assert ended(running, key, run)["outputs"] == {"note": "fine"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(f"{running.url}/api/form/human_input/{(secrets - {secret}).pop()}")
        assert refused.value.code == 412, "the first answer closes it for everybody"
        # What has been sent is not kept: the links in it are secrets.
        assert {tuple(row) for row in rows(running, "select status, body from mails")} == {("sent", "")}


def test_the_whole_workspace_and_the_editor_alone():
    inbox = Inbox()
    with smtp(inbox) as port, server(port) as running:
        running.console("POST", "/workspaces/current/members/invite-email", {"emails": ["eve@example.com"], "role": "editor"})
        inbox.wait(1)
        app_id, _ = running.import_app(asking([external("x@example.com")], everybody=True, debug=True))
        begin(running, running.key(app_id), "all")
        inbox.wait(4)
        assert sorted(mail[0][0] for mail in inbox.mails[1:]) == ["eve@example.com", EMAIL, "x@example.com"]
        body = json.dumps({"inputs": {"query": "try"}, "files": []}).encode()
        request = urllib.request.Request(f"{running.url}/console/api/apps/{app_id}/workflows/draft/run", data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("X-CSRF-Token", running.csrf())
        with running.opener.open(request, timeout=30) as answer:
            assert b"workflow_paused" in answer.read()
        inbox.wait(5)
        time.sleep(3)
        assert [mail[0] for mail in inbox.mails[4:]] == [[EMAIL]], "with debug_mode a run of the draft mails its editor only"


def test_put_off_refused_and_unreachable():
    inbox = Inbox()
    inbox.answers = {"later@example.com": ["451 try later", "451 try later"], "never@example.com": ["550 no such user"] * 20}
    port = free_port()
    with server(port) as running:
        app_id, _ = running.import_app(asking([external("later@example.com"), external("never@example.com"), external("now@example.com")]))
        run, _ = begin(running, running.key(app_id), "hard")
        # Nobody listens at the port yet.
        until(lambda: any("cannot be used" in (error or "") for _, error in deliveries(running, app_id, run).values()), True)
        assert {status for status, _ in deliveries(running, app_id, run).values()} == {"pending"}
        with smtp(inbox, port=port):
            inbox.wait(2, limit=90)
            until(lambda: {to: status for to, (status, _) in deliveries(running, app_id, run).items()},
                  {"later@example.com": "sent", "never@example.com": "failed", "now@example.com": "sent"})
        assert "550" in deliveries(running, app_id, run)["never@example.com"][1]
        assert len(inbox.to("now@example.com")) == len(inbox.to("later@example.com")) == 1


def test_a_killed_server_loses_no_mail():
    inbox = Inbox()
    port = free_port()
    with server(port) as running:
        addresses = [f"user{i}@example.com" for i in range(30)]
        app_id, _ = running.import_app(asking([external(address) for address in addresses]))
        key = running.key(app_id)
        runs = [begin(running, key, f"run {i}")[0] for i in range(3)]
        running.kill()  # at least some of them are asked, nothing is sent: nobody listened
        with smtp(inbox, port=port):
            began = time.monotonic()
            for enough in (10, 45, 90):
                running.start()
                while len(inbox.mails) < enough:
                    assert time.monotonic() - began < 90, rows(running, "select status, count(*) from mails group by status")
                    time.sleep(0.001)
                if enough < 90:
                    running.kill()  # in the middle of it
                    # A mail that was under way waits for the end of its lease; not here.
                    change(running, f"update mails set next_attempt_at = {past(running)} where status = 'pending'")
            until(lambda: rows(running, "select status, count(*) from mails group by status"), [["sent", "90"]])
        sent = [(mail[0][0], mail[2]["Message-ID"]) for mail in inbox.mails]
        assert len(set(sent)) == 90 and len(sent) <= 92, f"{len(sent)} mails, {len(set(sent))} different ones"
        for run in runs:
            assert {status for status, _ in deliveries(running, app_id, run).values()} == {"sent"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA of our own, and a certificate of it for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificates")
    run = lambda *args: subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)  # noqa: E731
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA")
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=mail")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    run("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem", "-days", "2", "-extfile", "ext")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
    return str(folder / "ca.pem"), context


def login(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ox", b"secret")
    return AuthResult(success=right)


ACCOUNT = {"SMTP_USERNAME": "ox", "SMTP_PASSWORD": "secret", "SMTP_USE_TLS": "true"}


@pytest.mark.parametrize("start", [False, True], ids=["implicit", "starttls"])
def test_tls_and_login(certificates, start):
    ca, context = certificates
    inbox = Inbox()
    options = {"authenticator": login, "auth_required": True}
    options |= {"tls_context": context, "require_starttls": True} if start else {"ssl_context": context, "auth_require_tls": False}
    settings = {**ACCOUNT, "SSL_CERT_FILE": ca, "SMTP_OPPORTUNISTIC_TLS": str(start).lower()}
    with smtp(inbox, **options) as port, server(port, **settings) as running:
        app_id, _ = running.import_app(asking([external("a@example.com")]))
        begin(running, running.key(app_id), "safe")
        [[to, _, _, secured]] = inbox.wait(1)
        assert to == ["a@example.com"] and (secured or not start)


def test_a_certificate_of_nobody_and_a_server_without_tls(certificates):
    _, context = certificates
    inbox = Inbox()
    with smtp(inbox, ssl_context=context) as port, server(port, SMTP_USE_TLS="true") as running:
        app_id, _ = running.import_app(asking([external("a@example.com")]))
        run, _ = begin(running, running.key(app_id), "x")
        until(lambda: "certificate" in (deliveries(running, app_id, run).get("a@example.com", ("", ""))[1] or ""), True)
    with smtp(inbox) as port, server(port, **ACCOUNT, SMTP_OPPORTUNISTIC_TLS="true") as running:
        app_id, _ = running.import_app(asking([external("a@example.com")]))
        run, _ = begin(running, running.key(app_id), "x")
        until(lambda: "STARTTLS" in (deliveries(running, app_id, run).get("a@example.com", ("", ""))[1] or ""), True)
    assert inbox.mails == [], "nothing is sent readable where TLS was asked for"


def test_invitations_and_new_passwords():
    inbox = Inbox()
    with smtp(inbox) as port, server(port) as running:
        assert call(f"{running.url}/console/api/system-features")["is_email_setup"] is True
        done = running.console("POST", "/workspaces/current/members/invite-email", {"emails": ["new@example.com"], "role": "normal"})
        inbox.wait(1)
        text = inbox.to("new@example.com")[0][2].get_body(("plain",)).get_content()
        assert running.url + done["invitation_results"][0]["url"] in text, text
        token = running.console("POST", "/forgot-password", {"email": EMAIL})["data"]
        with pytest.raises(ApiError) as often:
            running.console("POST", "/forgot-password", {"email": EMAIL})
        assert often.value.status == 429 and "password_reset_rate_limit_exceeded" in often.value.body
        # Somebody who is not here is answered the same, and gets nothing.
        assert running.console("POST", "/forgot-password", {"email": "nobody@example.com"})["data"]
        inbox.wait(2)
        code = re.search(r"\b\d{6}\b", inbox.to(EMAIL)[0][2].get_body(("plain",)).get_content())[0]
        next_token = running.console("POST", "/forgot-password/validity", {"email": EMAIL, "code": code, "token": token})["token"]
        body = {"token": next_token, "new_password": "another horse 2", "password_confirm": "another horse 2"}
        running.console("POST", "/forgot-password/resets", body)
        import base64

        running.console("POST", "/login", {"email": EMAIL, "password": base64.b64encode(b"another horse 2").decode()})
        time.sleep(2)
        assert len(inbox.mails) == 2
