"""The role MODE=ssrf-proxy as real clients use it: curl, requests, Node and undici."""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time

import pytest
import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import oxidify  # noqa: E402


class Origin(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, and with four megabytes under /big."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        text = b"x" * (4 << 20) if self.path == "/big" else f"{self.command} {self.path} {len(body)}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def origin(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


class Proxy:
    def __init__(self, env):
        self.port = oxidify.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SSRF_", "OXIDIFY_EGRESS"))}
        env = {**clean, "MODE": "ssrf-proxy", "SSRF_HTTP_PORT": str(self.port), "HOST": "127.0.0.1",
               "SSRF_SANDBOX_PROXY_PORT": str(oxidify.free_port()),
               # A machine with squid has rules of its own.
               "OXIDIFY_EGRESS_SQUID_CONF": os.devnull, **env}
        self.process = subprocess.Popen([oxidify.binary()], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        threading.Thread(target=self.read, daemon=True).start()
        for _ in range(600):
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            assert self.process.poll() is None, self.lines
            time.sleep(0.05)
        raise AssertionError("the proxy did not start")

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(40) == 0

    def wait_for(self, text):
        for _ in range(200):
            if any(text in line for line in self.lines):
                return
            time.sleep(0.05)
        raise AssertionError(f"{text!r} is not in the log: {self.lines}")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the test's certificate")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    return str(cert), str(key)


def curl(*args, **env):
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(["curl", "-sS", "-i", "-m", "20", *args], env={**clean, **env}, capture_output=True, text=True)


def test_metadata_is_refused_as_the_runbook_checks_it():
    with Proxy({}) as proxy:
        answer = curl("-x", proxy.url, "http://169.254.169.254/latest/meta-data/")
        assert answer.stdout.startswith("HTTP/1.1 403 Forbidden"), answer
        assert "Via: 1.1 oxidify-egress (squid)" in answer.stdout and "X-Egress-Reason: metadata" in answer.stdout
        for url in ("http://127.0.0.1:80/", "http://0.1.2.3:80/"):
            assert curl("-x", proxy.url, url).stdout.startswith("HTTP/1.1 403"), url
        tunnel = curl("https://169.254.169.254/", HTTPS_PROXY=proxy.url)
        assert tunnel.returncode != 0 and "403" in tunnel.stdout + tunnel.stderr, tunnel
        own = curl("-x", proxy.url, f"http://127.0.0.1:{proxy.port}/health")
        assert "X-Egress-Reason: own_service" in own.stdout, own.stdout
        proxy.wait_for("TCP_DENIED/403")


def test_allowed_calls_pass(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    # Private destinations are opened by address, and by name for localhost.
    opened = {"SSRF_PROXY_ALLOW_PRIVATE_IPS": "127.0.0.1", "SSRF_PROXY_ALLOW_PRIVATE_DOMAINS": "localhost"}
    with origin() as plain, origin(context) as tls, Proxy(opened) as proxy:
        session = requests.Session()
        session.trust_env = False
        session.proxies = {"http": proxy.url, "https": proxy.url}
        for url, verify in ((f"http://127.0.0.1:{plain}", True), (f"https://localhost:{tls}", certificate[0])):
            assert session.get(f"{url}/a?b=c", verify=verify, timeout=20).text == "GET /a?b=c 0"
            assert session.post(f"{url}/p", data=b"y" * 300_000, verify=verify, timeout=20).text == "POST /p 300000"
            pieces = (piece for piece in [b"one", b"two"])
            assert session.put(f"{url}/c", data=pieces, verify=verify, timeout=20).text == "PUT /c 6"
            assert len(session.get(f"{url}/big", verify=verify, timeout=20).content) == 4 << 20
            assert session.head(f"{url}/h", verify=verify, timeout=20).headers["Content-Length"] == "9"
        answer = curl(f"http://localhost:{plain}/x", f"http://localhost:{plain}/y", http_proxy=proxy.url)
        assert "GET /x 0" in answer.stdout and "GET /y 0" in answer.stdout, answer
        answer = curl("--cacert", certificate[0], f"https://localhost:{tls}/x", HTTPS_PROXY=proxy.url)
        assert answer.stdout.startswith("HTTP/1.1 200 Connection established") and "GET /x 0" in answer.stdout, answer
        blocked = session.get("http://10.0.0.5/", timeout=20)
        assert blocked.status_code == 403 and "squid" in blocked.headers["Via"]
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            session.get("https://10.0.0.5/", timeout=20)
        proxy.wait_for("TCP_TUNNEL/200")
        proxy.wait_for("TCP_MISS/200")


def test_lists_are_read_again_on_sighup(tmp_path):
    lists = tmp_path / "lists.txt"
    lists.write_text("private 10.9.9.9 # somebody else\n")
    with origin() as plain, Proxy({"OXIDIFY_EGRESS_ALLOW_FILE": str(lists)}) as proxy:
        def status():
            return requests.get(f"http://127.0.0.1:{plain}/", proxies={"http": proxy.url}, timeout=20).status_code
        assert status() == 403
        lists.write_text("private 127.0.0.1\n")
        proxy.process.send_signal(signal.SIGHUP)
        proxy.wait_for("egress lists were read again")
        assert status() == 200
        lists.unlink()
        proxy.process.send_signal(signal.SIGHUP)
        proxy.wait_for("the egress lists stay as they were")
        assert status() == 200


def test_a_mounted_squid_conf_counts(tmp_path):
    conf = tmp_path / "squid.conf"
    with origin() as one, origin() as two:
        conf.write_text(
            f"acl localnet src 127.0.0.0/8\nacl mine dst 127.0.0.1\nacl one port {one}\nhttp_access allow localnet mine one\n"
            "http_access deny all\ncoredump_dir /var/spool/squid\n")
        with Proxy({"OXIDIFY_EGRESS_SQUID_CONF": str(conf)}) as proxy:
            proxies = {"http": proxy.url}
            assert requests.get(f"http://127.0.0.1:{one}/", proxies=proxies, timeout=20).status_code == 200
            refused = requests.get(f"http://127.0.0.1:{two}/", proxies=proxies, timeout=20)
            assert refused.status_code == 403 and "http_access deny all" in refused.text
            proxy.wait_for("ignored: coredump_dir")
    conf.write_text("acl meta dst 169.254.169.254\nhttp_access allow meta\n")
    env = {**os.environ, "MODE": "ssrf-proxy", "OXIDIFY_EGRESS_SQUID_CONF": str(conf), "SSRF_HTTP_PORT": "0"}
    ended = subprocess.run([oxidify.binary()], env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0 and "metadata" in ended.stdout + ended.stderr, ended


@pytest.mark.parametrize("strict", ["true", "false"])
def test_node_and_undici(certificate, strict):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    here = pathlib.Path(__file__).resolve().parent
    package = here.parents[1] / "web" / "node_modules" / "undici" / "package.json"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    opened = {"SSRF_PROXY_ALLOW_PRIVATE_IPS": "127.0.0.1", "SSRF_PROXY_ALLOW_PRIVATE_DOMAINS": "localhost",
              "OXIDIFY_EGRESS_CONNECT_STRICT": strict}
    with origin() as plain, origin(context) as tls, Proxy(opened) as proxy:
        env = {**os.environ, "PROXY": proxy.url, "PLAIN": str(plain), "TLS": str(tls), "CA": certificate[0],
               "UNDICI": str(package) if package.exists() else ""}
        ended = subprocess.run(["node", str(here / "egress_node.mjs")], env=env, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        found = json.loads(ended.stdout)
        assert found["relayed"] == [200, "GET /a 0", "GET /b 0"] and found["reused"], found
        assert (found["upload"], found["big"]) == (f"PUT /up {8 << 20}", 4 << 20)
        assert (found["refused"], found["long"], found["closed"]) == ([403, True], 431, [403, True])
        assert found["tunnel"] == "GET /t 0"
        if package.exists():
            assert (found["undici"], found["undici_again"]) == ([200, "GET /u 0"], [200, "GET /v 0"])
            assert found["undici_refused"][0] == 0 and "403" in found["undici_refused"][1]
            assert found["undici_plain"][0] == (0 if strict == "true" else 200), found["undici_plain"]


def test_lists_change_under_load(tmp_path):
    lists = tmp_path / "lists.txt"
    lists.write_text("private 127.0.0.1\n")
    with origin() as plain, Proxy({"OXIDIFY_EGRESS_ALLOW_FILE": str(lists)}) as proxy:
        ended, found = threading.Event(), []

        def client():
            with requests.Session() as session:
                session.trust_env = False
                session.proxies = {"http": proxy.url}
                while not ended.is_set():
                    found.append(session.get(f"http://127.0.0.1:{plain}/", timeout=20).status_code)

        clients = [threading.Thread(target=client) for _ in range(6)]
        for one in clients:
            one.start()
        for turn in range(20):
            lists.write_text("private 10.9.9.9\n" if turn % 2 == 0 else "private 127.0.0.1\n")
            proxy.process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        ended.set()
        for one in clients:
            one.join(30)
        assert not any(one.is_alive() for one in clients)
        assert set(found) == {200, 403} and len(found) > 50, (set(found), len(found))


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) // 1024


def test_an_answer_without_end_holds_no_memory():
    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            piece = b"x" * (1 << 20)
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(piece)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Proxy({"SSRF_PROXY_ALLOW_PRIVATE_IPS": "127.0.0.1"}) as proxy:
        before, taken = memory(proxy.process.pid), 0
        answer = requests.get(f"http://127.0.0.1:{server.server_address[1]}/", proxies={"http": proxy.url}, stream=True, timeout=20)
        for piece in answer.iter_content(1 << 20):
            taken += len(piece)
            if taken >= 512 << 20:
                break
        after = memory(proxy.process.pid)
        answer.close()
        assert after - before < 30, (before, after)
    server.shutdown()
