"""Bad input of the HTTP surface: requests with two lengths, endless queries, forms that lie, archives that unpack
without end, keys of apps that are switched off."""

import base64
import gzip
import io
import json
import re
import socket
import zipfile

from cases import SHARED, call, case, clear, graph, multipart, run_body, slow, works
from engine_input import peak_of, told
from oxidify import APPS, ApiError, Server

EDGE = "----edge"
FORM = f"Content-Type: multipart/form-data; boundary={EDGE}\r\n"
PARAMETERS = 100_000
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def sent(server, data, half=False, wait=10):
    """What the server answers to these bytes until it closes the connection, as (status, rest) pairs. `half`: we stop
    speaking when they are sent."""
    got = b""
    with socket.create_connection(("127.0.0.1", server.port), 5) as line:
        line.settimeout(wait)
        try:
            line.sendall(data)
            if half:
                line.shutdown(socket.SHUT_WR)
            while piece := line.recv(1 << 16):
                got += piece
        except ConnectionError:
            pass  # Closed while we were still speaking; a time-out is a failure.
    answers = got.split(b"HTTP/1.1 ")[1:]
    return [(int(answer[:3]), answer[3:].decode(errors="replace")) for answer in answers]


def request(key, head, body, path="/v1/workflows/run", kind="Content-Type: application/json\r\n"):
    body = body if isinstance(body, bytes) else body.encode()
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{kind}{head}\r\n".encode() + body


@case
def requests_of_two_lengths():
    server, key = SHARED.server, SHARED.key("passthrough")
    body = json.dumps(run_body())
    size, chunked = len(body), f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    # What somebody who reads the other length takes for a request of its own.
    behind = f"GET /v1/info HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    length, coding = "Content-Length: {}\r\n".format, "Transfer-Encoding: {}\r\n".format
    refused = {
        "two lengths": (length(size) + length(size + 5), body),
        "two lengths, the first too large": (length(size + 5) + length(size), body),
        "a list of lengths": (length(f"{size}, {size + 5}"), body),
        "a length below zero": (length(-1), body),
        "a length with a sign": (length(f"+{size}"), body),
        "a length in hex": (length(f"0x{size:x}"), body),
        "a length of 23 digits": (length("9" * 23), body),
        "no chunks": (coding("identity"), body),
        "almost chunked": (coding("xchunked"), chunked),
        "chunked, but not at last": (coding("chunked, identity"), chunked),
        "two codings": (coding("chunked") + coding("identity"), chunked),
        "a blank before the colon": ("Transfer-Encoding : chunked\r\n", chunked),
        "a folded line": ("Transfer-Encoding:\r\n chunked\r\n", chunked),
        "a length behind a bare CR": (f"X-A: a\r{length(5)}{length(size)}", body),
        "a length behind a bare LF": (f"X-A: a\n{length(5)}{length(size)}", body),
        "a length behind a NUL": (f"X-A: a\0b\r\n{length(size)}", body),
    }
    for name, (head, text) in refused.items():
        answers = sent(server, request(key, head, text + behind))
        assert [status for status, _ in answers] == [400], f"{name}: {answers}"
    answers = sent(server, request(key, coding("chunked"), chunked + behind).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    assert [status for status, _ in answers] == [400], f"chunks in HTTP/1.0: {answers}"
    # Of a length and chunks the chunks count, and what follows is not read: the connection is closed.
    for head in (length(5) + coding("chunked"), coding("chunked") + length(5), coding("chunked") + length(len(chunked))):
        answers = sent(server, request(key, head, chunked + behind))
        assert [status for status, _ in answers] == [200] and "connection: close" in answers[0][1].lower(), f"{head}: {answers}"
    for start in ("F" * 17, "-1", "0x10", "zz"):
        answers = sent(server, request(key, coding("chunked"), f"{start}\r\n{body}\r\n0\r\n\r\n{behind}"))
        assert [status for status, _ in answers] == [400], f"a chunk of {start} bytes: {answers}"
    works(server, key)


@case
def a_hundred_thousand_query_parameters():
    server, key = SHARED.server, SHARED.key("chat")
    behind = f" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n".encode()
    for query in ("&".join(f"p{n}={n}" for n in range(PARAMETERS)), "&".join(["user=a"] * PARAMETERS), "&" * PARAMETERS, "%" * PARAMETERS):
        for path in ("/v1/messages", "/v1/conversations", "/files/x/file-preview", "/console/api/apps", "/"):
            answers = peak_of(server, lambda: sent(server, f"GET {path}?{query}".encode() + behind), limit_mb=100, within=5)
            assert len(answers) == 1 and answers[0][0] in (400, 401, 404, 414, 431) or path == "/" and answers[0][0] == 200, (path, query[:20], str(answers)[:300])
    # As many as there is room for are read, and the one that counts is found among them.
    query = "&".join(f"p{n}={n}" for n in range(5000))
    status, body, _ = call(server, "GET", f"/v1/conversations?{query}&user=ann", key)
    assert status == 200 and isinstance(body["data"], list), body
    works(server, SHARED.key("passthrough"))


def form(content, head="", closed=True):
    text = f'--{EDGE}\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n{head}\r\n'
    return text.encode() + content + (f"\r\n--{EDGE}--\r\n".encode() if closed else b"")


@case
def forms_that_lie_about_their_length():
    server, key = SHARED.server, SHARED.key("chat")
    whole, content = form(b"x" * 100), b"x" * 100

    def uploaded(head, body, half=False):
        return sent(server, request(key, head, body, "/v1/files/upload", FORM), half)

    # A part has the bytes that it has, whatever it says.
    for said in ("5", "100000000000", "-1", "many"):
        body = form(content, f"Content-Length: {said}\r\n")
        answers = uploaded(f"Content-Length: {len(body)}\r\nConnection: close\r\n", body)
        assert answers[0][0] == 201 and '"size":100,' in answers[0][1].replace(" ", ""), (said, answers)
    # A form that is whole is taken, whatever is said to follow it; of one that breaks off comes no file.
    answers = uploaded(f"Content-Length: {len(whole) + 1000}\r\n", whole, half=True)
    assert [status for status, _ in answers] in ([], [201]), answers
    for body in (whole[:-10], form(content, closed=False), whole[:40]):
        answers = uploaded(f"Content-Length: {len(whole) + 1000}\r\n", body, half=True)
        assert all(400 <= status < 500 for status, _ in answers), (len(body), answers)
    # More than is said: what is beyond is not the file, and what is cut is no file.
    answers = uploaded(f"Content-Length: {len(whole) - 50}\r\nConnection: close\r\n", whole)
    assert [status for status, _ in answers] == [400], answers
    # More than is taken, said or sent in chunks.
    answers = uploaded("Content-Length: 10000000000\r\n", form(content, closed=False), half=True)
    assert all(400 <= status < 500 for status, _ in answers), answers

    def endless():
        chunk = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
        return uploaded("Transfer-Encoding: chunked\r\n", b"%x\r\n" % len(form(b"", closed=False)) + form(b"", closed=False) + b"\r\n" + chunk * 300)

    answers = peak_of(server, endless)
    assert [status for status, _ in answers] in ([], [413]), answers
    # Parts without end.
    many = b"".join(f'--{EDGE}\r\nContent-Disposition: form-data; name="p{n}"\r\n\r\nx\r\n'.encode() for n in range(100_000)) + whole
    answers = peak_of(server, lambda: uploaded(f"Content-Length: {len(many)}\r\nConnection: close\r\n", many))
    assert answers and answers[0][0] in (201, 400, 413), answers
    works(server, SHARED.key("passthrough"))


def zipped(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            with archive.open(name, "w", force_zip64=True) as part:
                for piece in content:
                    part.write(piece)
    return out.getvalue()


EXTRACT = graph(
    [("start", {"type": "start", "variables": [{"variable": "doc", "label": "Doc", "type": "file", "required": True, "allowed_file_types": ["document"], "allowed_file_upload_methods": ["local_file"]}]}),
     ("t", {"type": "document-extractor", "variable_selector": ["start", "doc"], "is_array_file": False}),
     ("end", {"type": "end", "outputs": [{"variable": "out", "value_selector": ["t", "text"]}]})],
    [("start", "t"), ("t", "end")],
)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@case
@slow
def archives_that_unpack_without_end():
    server = SHARED.server
    key = server.key(server.import_app(EXTRACT)[0])

    def extracted(name, content):
        status, file, _ = multipart(server, key, name, content, "application/octet-stream")
        assert status == 201, file
        doc = {"type": "document", "transfer_method": "local_file", "upload_file_id": file["id"]}
        status, body, _ = call(server, "POST", "/v1/workflows/run", key, {"inputs": {"doc": doc}, "user": "ann", "response_mode": "blocking"}, timeout=120)
        assert status == 200, body
        return body["data"]

    head, foot = f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>'.encode(), b"</w:t></w:r></w:p></w:body></w:document>"
    good = extracted("good.docx", zipped({"word/document.xml": [head, b"hello", foot]}))
    assert good["status"] == "succeeded" and "hello" in good["outputs"]["out"], good
    million = b" " * (1 << 20)
    bomb = zipped({"word/document.xml": [head, *[million] * 1024, foot]})
    assert len(bomb) < 2 << 20, len(bomb)
    told(peak_of(server, lambda: extracted("bomb.docx", bomb), limit_mb=600), "unpacked", "large")
    # Many parts that are each small enough; an archive in an archive is not opened.
    wide = zipped({"word/document.xml": [head, b"x", foot]} | {f"word/media/{n}.xml": [b"0"] for n in range(25_000)})
    told(peak_of(server, lambda: extracted("wide.docx", wide), limit_mb=600), "parts", "large")
    sheet = zipped({"[Content_Types].xml": [b"<Types/>"], "xl/workbook.xml": [million] * 1024})
    told(peak_of(server, lambda: extracted("bomb.xlsx", sheet), limit_mb=600), "unpacked", "large")
    works(server, SHARED.key("passthrough"))


@case
def bodies_that_are_packed():
    """A body is never unpacked, so that a small one cannot become a large one."""
    server, key = SHARED.server, SHARED.key("passthrough")
    for text in (json.dumps(run_body()), json.dumps(run_body("x" * 50_000_000))):
        packed = gzip.compress(text.encode())
        answer = peak_of(server, lambda: call(server, "POST", "/v1/workflows/run", key, raw=packed, headers=[("Content-Encoding", "gzip")]), limit_mb=100)
        clear(answer, (400, 415))
    works(server, key)


@case
def keys_and_passports_of_an_app_that_is_switched_off():
    server = SHARED.server
    app, _ = server.import_app((APPS / "chat.yml").read_text())
    key, dataset = server.key(app), server.console("POST", "/datasets", {"name": "Shelf"})["id"]
    code = server.console("GET", f"/apps/{app}")["site"]["access_token"]
    status, passport, _ = call(server, "GET", "/api/passport", headers=[("X-App-Code", code)])
    assert status == 200, passport
    visitor = [("X-App-Code", code), ("X-App-Passport", passport["access_token"])]
    assert call(server, "GET", "/v1/info", key)[0] == 200 and call(server, "GET", "/api/parameters", headers=visitor)[0] == 200
    operations = [
        (method.upper(), re.sub(r"\{[^}]*\}", lambda name: dataset if name[0] == "{dataset_id}" else UNKNOWN, path), operation)
        for path, methods in call(server, "GET", "/openapi.json")[1]["paths"].items()
        for method, operation in methods.items()
    ]
    of = lambda scheme: [(method, path) for method, path, operation in operations if {scheme: []} in operation.get("security", [])]  # noqa: E731
    assert len(of("app_key")) > 60 and len(of("passport")) > 20

    def tried(method, path, **more):
        return call(server, method, path, raw=b"{}" if method != "GET" else None, **more)

    try:
        server.console("POST", f"/apps/{app}/api-enable", {"enable_api": False})
        server.console("POST", f"/apps/{app}/site-enable", {"enable_site": False})
        for method, path in of("app_key"):
            status, body, _ = tried(method, path, key=key)
            # A key of an app opens no knowledge base, switched off or not.
            wanted = (401, 403, 404) if path.startswith(("/v1/datasets", "/v1/workspaces")) else (403,)
            assert status in wanted, f"{method} {path}: {status} {str(body)[:200]}"
        for method, path in of("passport"):
            status, body, _ = tried(method, path, headers=visitor)
            assert status in (400, 401, 404), f"{method} {path}: {status} {str(body)[:200]}"
            assert status != 400 or body["message"] == "Site is disabled.", f"{method} {path}: {body}"
        clear(call(server, "GET", "/api/passport", headers=[("X-App-Code", code)]), 404)
    finally:
        server.console("POST", f"/apps/{app}/api-enable", {"enable_api": True})
        server.console("POST", f"/apps/{app}/site-enable", {"enable_site": True})
    assert call(server, "GET", "/v1/info", key)[0] == 200 and call(server, "GET", "/api/parameters", headers=visitor)[0] == 200


@case
def a_member_who_was_removed():
    """Neither the session of whoever is out of the workspace, nor a new one, opens anything of it."""
    server = SHARED.server
    app, _ = server.import_app((APPS / "chat.yml").read_text())
    invited = server.console("POST", "/workspaces/current/members/invite-email", {"emails": ["out@example.com"], "role": "admin", "language": "en-US"})
    token = re.search("token=(\\w+)", invited["invitation_results"][0]["url"])[1]
    # A second browser at the same server.
    guest = Server(home=server.home, port=server.port)
    guest.console("POST", "/activate", {"token": token, "name": "Out", "password": "correct horse 1", "interface_language": "en-US", "timezone": "UTC"})

    def sign_in():
        guest.console("POST", "/login", {"email": "out@example.com", "password": base64.b64encode(b"correct horse 1").decode(), "remember_me": True})

    def answer(method, path):
        try:
            return 200, guest.console(method, path, {} if method != "GET" else None)
        except ApiError as error:
            return error.status, error.body

    sign_in()
    assert answer("GET", f"/apps/{app}")[0] == 200
    member = guest.console("GET", "/account/profile")["id"]
    server.console("DELETE", f"/workspaces/current/members/{member}")
    paths = [path.removeprefix("/console/api") for path, methods in call(server, "GET", "/openapi.json")[1]["paths"].items() if path.startswith("/console/api/") and "get" in methods]
    public = {path for path in paths if call(server, "GET", "/console/api" + re.sub(r"\{[^}]*\}", UNKNOWN, path))[0] not in (401, 403)}
    assert len(paths) > 150 and len(public) < 25, (len(paths), public)

    def closed():
        for path in set(paths) - public:
            status, body = answer("GET", path.replace("{app_id}", app) if "{app_id}" in path else re.sub(r"\{[^}]*\}", UNKNOWN, path))
            assert status in (400, 401, 403, 404) and app not in str(body), f"{path}: {status} {str(body)[:200]}"

    closed()
    for again in (lambda: answer("POST", "/refresh-token"), sign_in):
        try:
            again()
        except ApiError as error:
            assert error.status in (400, 401, 403), error
        closed()
