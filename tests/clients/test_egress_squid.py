"""Our forward proxy beside a real squid: the same rules, the same questions, the answers compared."""

import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_egress_proxy import Proxy, origin  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import oxidify  # noqa: E402

SQUID = shutil.which("squid") or ("/usr/sbin/squid" if pathlib.Path("/usr/sbin/squid").exists() else None)

# The rules of the hardened set-up, with one private destination opened.
RULES = """
acl localnet src 127.0.0.0/8
acl SSL_ports port 443 {tls} 1025-65535
acl Safe_ports port 80
acl Safe_ports port 443
acl Safe_ports port 1025-65535
acl opened dst 127.0.0.1/32
acl opened_ports port {plain} {closed}
acl to_private dst 0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16
acl to_private dst 224.0.0.0/4 240.0.0.0/4
acl to_private dst ::1/128 fc00::/7 fe80::/10
acl named dstdomain -n .denied.invalid
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access deny named
http_access allow localnet opened opened_ports
http_access deny to_private
http_access allow localnet
http_access deny all
"""


class Squid:
    def __init__(self, rules):
        self.port = oxidify.free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="squid-", dir="/tmp"))
        self.folder.chmod(0o777)
        conf = self.folder / "squid.conf"
        conf.write_text(
            f"http_port 127.0.0.1:{self.port}\n{rules}\ncache deny all\npid_filename {self.folder}/pid\n"
            f"access_log stdio:{self.folder}/access.log\ncache_log {self.folder}/cache.log\ncoredump_dir {self.folder}\n"
            "visible_hostname squid.test\nshutdown_lifetime 0 seconds\nnetdb_filename none\ndns_nameservers 127.0.0.1\n"
            "quick_abort_min 0 KB\n")
        self.process = subprocess.Popen([SQUID, "-N", "-f", str(conf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, self.process.stdout.read()
            time.sleep(0.05)
        raise AssertionError("squid did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or head.startswith(b"HTTP/1.1 200 Connection"):
        return bool(end)
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return length is not None and len(body) >= int(length[1])


def say(port, text):
    """Status, headers and body of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), 20) as stream:
        stream.settimeout(20)
        stream.sendall(text)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := stream.recv(65536):
                answer += piece
                if is_whole(answer):
                    break
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return status, headers, body


def get(url, headers=""):
    return f"GET {url} HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n{headers}\r\n".encode()


def connect(target):
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()


@pytest.mark.skipif(SQUID is None, reason="squid is not installed")
def test_answers_like_squid():
    closed = oxidify.free_port()
    with origin() as plain, origin() as tls, tempfile.TemporaryDirectory() as folder:
        rules = RULES.format(plain=plain, tls=tls, closed=closed)
        conf = pathlib.Path(folder) / "squid.conf"
        conf.write_text(rules)
        post = "POST http://127.0.0.1:{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}\r\n{}"
        same = {
            "allowed": get(f"http://127.0.0.1:{plain}/a"),
            "allowed in HTTP/1.0": f"GET http://127.0.0.1:{plain}/a HTTP/1.0\r\n\r\n".encode(),
            "posted": post.format(f"{plain}/p", "Content-Length: 2\r\n", "hi").encode(),
            "posted in chunks": post.format(f"{plain}/p", "Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n").encode(),
            "metadata": get("http://169.254.169.254/latest/meta-data/"),
            "private": get("http://10.0.0.5/"),
            "loopback, another port": get("http://127.0.0.1:80/"),
            "this network": get("http://0.1.2.3:80/"),
            "multicast": get("http://224.0.0.1/"),
            "loopback of the newer kind": get("http://[::1]:8080/"),
            "unique local": get("http://[fd00::1]/"),
            "port 22": get("http://127.0.0.1:22/"),
            "port 25": get("http://example.invalid:25/"),
            "denied name": get("http://a.denied.invalid/"),
            "nobody listens": get(f"http://127.0.0.1:{closed}/"),
            "origin form": b"GET / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n",
            "tunnel, private": connect("10.0.0.5:443"),
            "tunnel, metadata": connect("169.254.169.254:443"),
            "tunnel, port 25": connect("127.0.0.1:25"),
            "tunnel, allowed": connect(f"127.0.0.1:{plain}"),
            "tunnel, nobody listens": connect(f"127.0.0.1:{closed}"),
            "spelt as one number": get("http://2130706433/"),
            "spelt in hexadecimal": get("http://0x7f.1/"),
        }
        # Where we are stricter, or say it in another way: squid's status, ours.
        different = {
            "no HTTP": (b"\x16\x03\x01 nonsense\r\n\r\n", 400, 400),
            "two lengths": (post.format(f"{plain}/", "Content-Length: 2\r\nContent-Length: 3\r\n", "hi").encode(), 411, 400),
            "credentials in the address": (get("http://u:p@127.0.0.1:%d/" % plain), 200, 403),
            "ftp": (get("ftp://127.0.0.1/"), 403, 403),
            "length and coding": (
                post.format(f"{plain}/", "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n").encode(), 200, 400),
            "TRACE": (b"TRACE http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % plain, 501, 405),
            "PURGE": (b"PURGE http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % plain, 403, 405),
            "a long head": (get(f"http://127.0.0.1:{plain}/", f"X: {'a' * 80_000}\r\n"), 431, 431),
        }
        with Squid(rules) as squid, Proxy({"OXIDIFY_EGRESS_SQUID_CONF": str(conf)}) as ours:
            wrong = []
            for name, request in same.items():
                theirs, mine = say(squid.port, request), say(ours.port, request)
                if theirs[0] != mine[0]:
                    wrong.append(f"{name}: squid {theirs[0]} {theirs[1].get('x-squid-error')}, ours {mine[0]} {mine[1].get('x-squid-error')}")
                    continue
                if theirs[0] == 200 and "tunnel" not in name:
                    assert theirs[2] == mine[2], name
                if theirs[0] >= 400:
                    code = (theirs[1]["x-squid-error"].split(" ")[0], mine[1]["x-squid-error"].split(" ")[0])
                    if code[0] != code[1]:
                        wrong.append(f"{name}: squid says {code[0]}, ours {code[1]}")
                    for answer in (theirs, mine):
                        assert "squid" in (answer[1].get("server", "") + answer[1].get("via", "")).lower(), (name, answer)
            for name, (request, squids, own) in different.items():
                found = (say(squid.port, request)[0], say(ours.port, request)[0])
                if found != (squids, own):
                    wrong.append(f"{name}: squid {found[0]}, ours {found[1]}, expected {squids} and {own}")
            time.sleep(0.3)
            lines = [line.split() for line in (squid.folder / "access.log").read_text().splitlines()]
            mine = [line.split() for line in ours.lines if " TCP_" in line or " NONE" in line]
            assert {len(line) for line in lines} == {10} and {len(line) for line in mine} == {10}, (lines[:2], mine[:2])
        assert not wrong, "\n".join(wrong)
