"""A small OpenAI-compatible server that misbehaves on request: the last user message says how."""

import contextlib
import http.server
import json
import socketserver
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(200, {"object": "list", "data": [{"id": "faulty", "object": "model"}]})

    def do_POST(self):
        if self.server.stopped:  # on a connection that was kept
            self.close_connection = True
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(dict(self.headers))
        said = [m["content"] for m in body.get("messages", []) if m["role"] == "user"]
        text = said[-1] if said and isinstance(said[-1], str) else ""
        kind = text.split()[0] if text.split() else "ok"
        way = getattr(self, f"way_{kind}", None)
        if way:
            way(body)
        elif body.get("stream"):
            self.stream(["A ", "fine ", "answer."])
        else:
            message = {"role": "assistant", "content": "A fine answer."}
            self.answer(200, {"id": "x", "object": "chat.completion", "model": "faulty", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                              "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}})

    def answer(self, status, body, content_type="application/json", headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, pieces, end=True):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            chunk = {"id": "x", "object": "chat.completion.chunk", "model": "faulty", "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        if end:
            self.wfile.write(b'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
        self.close_connection = True

    def way_html(self, _):
        self.answer(200, b"<html>It works!</html>", "text/html")

    def way_garbage(self, _):
        self.answer(200, b"data: {\x00\xff not json\n\n", "text/event-stream")

    def way_limited(self, _):
        self.answer(429, {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota"}}, headers=[("Retry-After", "1")])

    def way_broken(self, _):
        self.answer(500, {"error": {"message": "The engine room is on fire."}})

    def way_refused(self, _):
        self.answer(401, {"error": {"message": "Incorrect API key provided: sk-***."}})

    def way_slow(self, _):
        time.sleep(11)
        self.stream(["late ", "but ", "here"])

    def way_cut(self, _):
        self.stream(["half ", "an "], end=False)
        self.wfile.write(b'data: {"id":"x","choi')

    def way_hangup(self, _):
        self.close_connection = True
        self.connection.close()

    def way_deep(self, body):
        """JSON 10,000 deep: as the whole answer, and as the arguments of a piece."""
        deep = b"[" * 10_000 + b"]" * 10_000
        if body.get("stream"):
            self.raw("text/event-stream", b'data: {"id":"x","choices":' + deep + b"}\n\ndata: [DONE]\n\n")
        else:
            self.raw("application/json", deep)

    def way_badtext(self, _):
        self.raw("text/event-stream", b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"a\xff\xfe\xc3(b"}}]}\n\ndata: [DONE]\n\n')

    def way_redirect(self, _):
        self.send_response(307)
        self.send_header("Location", f"/v1/chat/completions?{time.monotonic()}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def way_huge(self, _):
        self.pour(b'{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"', "application/json", b"x" * 65536)

    def way_longline(self, _):
        self.pour(b"data: ", "text/event-stream", b"x" * 65536)

    def way_talkative(self, _):
        piece = json.dumps({"id": "x", "object": "chat.completion.chunk", "model": "faulty", "choices": [{"index": 0, "delta": {"content": "word " * 4000}}]})
        self.pour(b"", "text/event-stream", f"data: {piece}\n\n".encode())

    def raw(self, kind, data):
        self.answer(200, data, kind)

    def pour(self, head, kind, piece):
        """10 GB, or until the caller has had enough."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(head)
            for _ in range(10 * 2**30 // len(piece)):
                self.wfile.write(piece)

    def way_silent(self, _):
        self.stream([])


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass  # the caller left


@contextlib.contextmanager
def provider():
    """Yields (base URL, headers of the calls so far, a function that stops it)."""
    server = Threads(("127.0.0.1", 0), Handler)
    server.seen, server.stopped = [], False
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop():
        server.stopped = True
        server.shutdown()
        server.server_close()

    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server.seen, stop
    finally:
        with contextlib.suppress(OSError):
            stop()
