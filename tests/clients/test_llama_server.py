"""The server of llama.cpp as a real peer of the OpenAI-compatible adapter, with a model made for the test.

It comes in a wheel (llama-requirements.txt) and is started by llama_serve.py; OXIDIFY_TEST_LLAMA_SERVER names a program
`llama-server` to be tried in its place. The model is written by llama_model.py and says `The quick` to everything. Nothing is
downloaded by the tests themselves.
"""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from oxidify import ROOT, ApiError, free_port

from test_litellm import app_with

HERE = pathlib.Path(__file__).resolve().parent
SAID = "The quick"
KEY = "sk-llama"
PROVIDER = "openai_api_compatible"


def installed():
    """The environment of the server; where there is no wheel for this machine, the tests are left out."""
    done = subprocess.run([ROOT / "scripts/venv.sh", HERE / "llama-requirements.txt", "venv-llama"], cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"llama-server cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    return pathlib.Path(done.stdout.strip())


def model(folder):
    """The model's file, written once for each version of what writes it."""
    made_by = (HERE / "llama_model.py").read_bytes()
    path = folder / f"tiny-{hashlib.sha256(made_by).hexdigest()[:12]}.gguf"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        subprocess.run([folder / "bin/python", HERE / "llama_model.py", draft], check=True, capture_output=True)
        draft.rename(path)
    return path


class Llama:
    """A running server."""

    def __init__(self, place, vectors=False):
        folder = installed()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = os.environ.get("OXIDIFY_TEST_LLAMA_SERVER")
        if program:
            command = [program, "-m", model(folder), "--host", "127.0.0.1", "--port", str(self.port), "--api-key", KEY, "-c", "512", "-np", "1", "-t", "1"]
            command += ["--embeddings", "--pooling", "mean"] if vectors else []
        else:
            command = [folder / "bin/python", HERE / "llama_serve.py", model(folder), str(self.port), KEY] + (["vectors"] if vectors else [])
        self.log = place / "log.txt"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.time() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=1)
                return
            except OSError:
                ended = self.process.poll()
                told = self.log.read_text(errors="replace")[-1500:]
                if ended is not None and ("GLIBC" in told or ended == -signal.SIGILL):
                    pytest.skip(f"the wheel is made for another processor or system: {told}")
                assert ended is None and time.time() < deadline, told
                time.sleep(0.1)

    def post(self, path, body):
        """Asked without us between."""
        request = urllib.request.Request(f"{self.url}{path}", data=json.dumps(body).encode(), method="POST")
        request.add_header("Authorization", f"Bearer {KEY}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    running = Llama(tmp_path_factory.mktemp("llama"))
    yield running
    running.stop()


def add_model(server, peer, name, kind="llm", key=KEY, **more):
    credentials = {"api_key": key, "endpoint_url": f"{peer.url}/v1", "mode": "chat", "context_size": "512", **more}
    body = {"model": name, "model_type": kind, "credentials": credentials}
    return server.console("POST", f"/workspaces/current/model-providers/{PROVIDER}/models/credentials", body)


@pytest.fixture(scope="module")
def key(server, llama):
    add_model(server, llama, "tiny")
    return app_with(server, PROVIDER, "tiny")


def asked(query, **more):
    return {"inputs": {}, "query": query, "user": "ann", **more}


def test_an_answer_and_its_usage(server, llama, key):
    answer = server.v1("POST", "/chat-messages", key, asked("hello"))
    assert answer["answer"] == SAID
    plain = llama.post("/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]})
    assert plain["choices"][0]["message"]["content"] == SAID
    usage = answer["metadata"]["usage"]
    for field in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert usage[field] == plain["usage"][field] > 0, (field, usage, plain["usage"])


def test_an_answer_in_pieces(server, llama, key):
    events = list(server.stream("/chat-messages", key, asked("hello", response_mode="streaming")))
    pieces = [event["answer"] for event in events if event["event"] == "message"]
    assert "".join(pieces) == SAID and len(pieces) > 1, events
    [end] = [event for event in events if event["event"] == "message_end"]
    plain = llama.post("/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]})
    assert end["metadata"]["usage"]["total_tokens"] == plain["usage"]["total_tokens"]


def gateway(server, body):
    """A call by the gateway: its answer tells why the text ended."""
    token = server.console("POST", "/workspaces/current/gateway-keys", {"name": "llama"})["token"]
    request = urllib.request.Request(f"{server.url}/gateway/v1/chat/completions", data=json.dumps(body).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ApiError(error.code, error.read().decode(errors="replace")) from None


@pytest.mark.parametrize(("more", "text", "reason"), [
    ({}, SAID, "stop"),
    ({"stop": ["q"]}, "The ", "stop"),
    ({"stop": ["ui"]}, "The q", "stop"),
    ({"max_tokens": 3}, "The", "length"),
])
def test_where_an_answer_ends(server, llama, key, more, text, reason):
    body = {"model": f"{PROVIDER}/tiny", "messages": [{"role": "user", "content": "hello"}], **more}
    [choice] = gateway(server, body)["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (text, reason)


def test_the_peers_error_is_told(server, llama, key):
    """Longer than its context: the peer refuses, and says why."""
    long = "word " * 400
    with pytest.raises(urllib.error.HTTPError) as plain:
        llama.post("/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": long}]})
    message = json.load(plain.value)["error"]["message"]
    with pytest.raises(ApiError) as error:
        gateway(server, {"model": f"{PROVIDER}/tiny", "messages": [{"role": "user", "content": long}]})
    assert 400 <= error.value.status < 500, error.value
    assert message[:40] in error.value.body, (message, error.value.body)


def test_a_wrong_key_is_told_at_once(server, llama):
    with pytest.raises(ApiError) as error:
        add_model(server, llama, "tiny", key="sk-wrong")
    assert error.value.status == 400 and "Invalid API Key" in error.value.body


def test_an_address_where_nobody_is(server, llama):
    class Nobody:
        url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(ApiError) as error:
        add_model(server, Nobody, "tiny")
    assert error.value.status == 400, error.value


def test_vectors(server, tmp_path_factory):
    """A server of its own: one for vectors is started differently."""
    peer = Llama(tmp_path_factory.mktemp("vectors"), vectors=True)
    try:
        add_model(server, peer, "tiny-vectors", "text-embedding", max_chunks="4")
        datasets = server.console("POST", "/datasets/api-keys")["token"]
        body = {"name": "by llama-server", "indexing_technique": "high_quality", "embedding_model": "tiny-vectors", "embedding_model_provider": f"langgenius/{PROVIDER}/{PROVIDER}"}
        dataset = server.v1("POST", "/datasets", datasets, body)["id"]
        texts = {"zebra.txt": "zzzz zzzz zzzz", "apple.txt": "aaaa aaaa aaaa"}
        for name, text in texts.items():
            made = {"name": name, "text": text, "indexing_technique": "high_quality", "process_rule": {"mode": "automatic"}}
            batch = server.v1("POST", f"/datasets/{dataset}/document/create-by-text", datasets, made)["batch"]
            completed(server, datasets, dataset, batch)
        model = {"search_method": "semantic_search", "reranking_enable": False, "top_k": 2, "score_threshold_enabled": False}
        found = server.v1("POST", f"/datasets/{dataset}/retrieve", datasets, {"query": "zz", "retrieval_model": model})
        # The vectors are means of the letters: a text is nearest to what is written with the same ones.
        assert [one["segment"]["content"] for one in found["records"]] == [texts["zebra.txt"], texts["apple.txt"]]
        plain = peer.post("/v1/embeddings", {"model": "tiny", "input": ["zz"]})
        assert len(plain["data"][0]["embedding"]) == 288
    finally:
        peer.stop()


def completed(server, key, dataset, batch):
    deadline = time.time() + 60
    while True:
        [state] = server.v1("GET", f"/datasets/{dataset}/documents/{batch}/indexing-status", key)["data"]
        if state["indexing_status"] == "completed":
            return
        assert state["indexing_status"] != "error" and time.time() < deadline, state
        time.sleep(0.1)
