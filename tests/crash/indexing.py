"""kill -9 while documents are indexed: every one ends `completed` or `error`, and no vector is there twice or too many.

    python3 tests/crash/indexing.py [rounds]            one server on SQLite; a small Qdrant of the test's dies now and then
    python3 tests/crash/indexing.py --store KIND …      embedded, qdrant (the test's), chroma or pgvector (Python packages)
    python3 tests/crash/indexing.py --postgres …        the server's database is PostgreSQL
    python3 tests/crash/indexing.py --short             a round of each in at most 40 s

Meanwhile documents are added, also through a knowledge pipeline, switched off and deleted; the embedder fails half of the
calls; the server dies at random moments, so does the vector store, which comes back. At the end `oxidify index check` counts;
then a store that is down, that has lost everything, that has what it should not; a move to the built-in index; a full disk;
and what deletes leave.
"""

import argparse
import contextlib
import hashlib
import http.server
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
from oxidify import ApiError, Server, binary  # noqa: E402
from postgres import database, rows  # noqa: E402
from stores import Listener, has, store as opened  # noqa: E402

SECRET = {"SECRET_KEY": "a-secret-of-at-least-32-characters-for-all"}
LIMIT = 120
SIZE = 64


# --- the embedder ---


class Embedder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner = self.server
        owner.calls += 1
        if random.random() < owner.failing:
            owner.failed += 1
            way = random.choice(["hangup", 500, 429, 503])
            if way == "hangup":
                self.close_connection = True
                self.connection.close()
                return
            return self.answer(way, {"error": {"message": "The embedder has a bad day."}})
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [{"object": "embedding", "index": index, "embedding": vector(text)} for index, text in enumerate(texts)]
        self.answer(200, {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)


def vector(text):
    """Texts with the same words are near each other."""
    out = [0.001] * SIZE
    for word in text.lower().split():
        out[int(hashlib.md5(word.encode()).hexdigest(), 16) % SIZE] += 1.0
    length = math.sqrt(sum(value * value for value in out))
    return [value / length for value in out]


@contextlib.contextmanager
def embedder(failing):
    server = Listener(("127.0.0.1", 0), Embedder)
    server.failing, server.calls, server.failed = failing, 0, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()


# --- what is done to the server ---


class Base:
    """A knowledge base, and what of it the server has acknowledged."""

    def __init__(self, server, key, name, technique):
        body = {"name": name, "indexing_technique": technique, "permission": "all_team_members"}
        if technique == "high_quality":
            body |= {"embedding_model": "flaky", "embedding_model_provider": "langgenius/openai_api_compatible/openai_api_compatible"}
        self.key, self.name, self.technique = key, name, technique
        self.id = server.v1("POST", "/datasets", key, body)["id"]
        self.documents, self.deleted, self.off, self.count = {}, {}, {}, 0

    def write(self, words):
        """A text with a word that no other has."""
        self.count += 1
        mark = f"{self.name}word{self.count}"
        text = "\n\n".join(f"{mark} paragraph {number} of {self.name}: " + " ".join(random.choice(COMMON) for _ in range(60)) for number in range(max(1, words // 60)))
        return mark, text

    def add(self, server, words=300):
        mark, text = self.write(words)
        body = {"name": f"{mark}.txt", "text": text, "indexing_technique": self.technique, "process_rule": {"mode": "custom", "rules": {
            "pre_processing_rules": [], "segmentation": {"separator": "\n\n", "max_tokens": 500, "chunk_overlap": 0}}}}
        made = server.v1("POST", f"/datasets/{self.id}/document/create-by-text", self.key, body)
        self.documents[made["document"]["id"]] = mark
        return made["document"]["id"]

    def delete(self, server, id):
        mark = self.documents.pop(id)  # a call that is cut off may have been done or not
        server.v1("DELETE", f"/datasets/{self.id}/documents/{id}", self.key)
        self.deleted[id] = mark

    def switch_off(self, server, id):
        mark = self.documents.pop(id)
        server.v1("PATCH", f"/datasets/{self.id}/documents/status/disable", self.key, {"document_ids": [id]})
        self.off[id] = mark

    def find(self, server, text, method="semantic_search", top=5):
        model = {"search_method": method, "reranking_enable": False, "top_k": top, "score_threshold_enabled": False}
        return server.v1("POST", f"/datasets/{self.id}/retrieve", self.key, {"query": text, "retrieval_model": model})

    def states(self, server):
        """(id, status, error) of every document."""
        out, page = [], 1
        while True:
            found = server.v1("GET", f"/datasets/{self.id}/documents?page={page}&limit=100", self.key)
            out += [(one["id"], one["indexing_status"], one.get("error")) for one in found["data"]]
            if not found["has_more"]:
                return out
            page += 1


class Line(Base):
    """A knowledge base with a pipeline: each document is a run of a graph."""

    def __init__(self, server, key, name):
        yaml = server.console("GET", "/rag/pipeline/templates/general-files?type=built-in")["export_data"]
        named = {"embedding_model": "flaky", "embedding_model_provider": "langgenius/openai_api_compatible/openai_api_compatible"}
        for field, value in named.items():
            yaml, count = re.subn(rf"(?m)^(\s*{field}:).*$", rf"\g<1> {value}", yaml)
            assert count == 1, yaml
        made = server.console("POST", "/rag/pipeline/dataset", {"yaml_content": yaml})
        server.console("POST", f"/rag/pipelines/{made['pipeline_id']}/workflows/publish", {})
        self.key, self.name, self.technique, self.id = key, name, "high_quality", made["dataset_id"]
        self.documents, self.deleted, self.off, self.count = {}, {}, {}, 0

    def add(self, server, words=300):
        mark, text = self.write(words)
        file = self.upload(server, f"{mark}.txt", text)
        body = {"inputs": {}, "datasource_type": "local_file", "datasource_info_list": [{"reference": file}],
            "start_node_id": "datasource", "is_published": True, "response_mode": "blocking"}
        [document] = server.v1("POST", f"/datasets/{self.id}/pipeline/run", self.key, body)["documents"]
        self.documents[document["id"]] = mark
        return document["id"]

    def upload(self, server, name, text):
        form = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--x--\r\n'
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "multipart/form-data; boundary=x"}
        request = urllib.request.Request(f"{server.url}/v1/datasets/pipeline/file-upload", data=form.encode(), headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["id"]
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read().decode(errors="replace")) from None


COMMON = "the a of and notice period month quarter travel leave contract flight train desk form portal manager employee day".split()
GONE = (ApiError, OSError, ValueError, urllib.error.URLError)


def flaky_model(server, base):
    credentials = {"api_key": "sk-x", "endpoint_url": f"http://127.0.0.1:{base.server_address[1]}/v1", "context_size": "4096", "max_chunks": "8"}
    body = {"model": "flaky", "model_type": "text-embedding", "credentials": credentials}
    failing, base.failing = base.failing, 0.0  # the address is tried before it is kept
    server.console("POST", "/workspaces/current/model-providers/openai_api_compatible/models/credentials", body)
    base.failing = failing


def work(server, bases, quit):
    """Adds, switches off and deletes until told to stop."""
    while not quit.is_set():
        base = random.choice(bases)
        with contextlib.suppress(GONE):
            base.add(server, random.choice([60, 300, 900]))
            if base.documents and random.random() < 0.25:
                base.delete(server, random.choice(list(base.documents)))
            elif base.documents and random.random() < 0.1:
                base.switch_off(server, random.choice(list(base.documents)))
        time.sleep(0.01)


def wait_until_ended(server, bases, retry=True):
    """Every document ends; those that could not be embedded are tried again until they are completed."""
    began, tries = time.perf_counter(), 0
    while True:
        states = {base: base.states(server) for base in bases}
        open_ones = [one for all in states.values() for one in all if one[1] not in ("completed", "error")]
        failed = {base: [one for one in all if one[1] == "error"] for base, all in states.items()}
        if not open_ones:
            for one in [one for all in failed.values() for one in all]:
                assert one[2], f"document {one[0]} does not say why it failed"
            if not retry or not any(failed.values()):
                return time.perf_counter() - began, tries
            for base, all in failed.items():
                for id, _, _ in all:
                    tries += 1
                    with contextlib.suppress(ApiError):  # "being retried" for a moment
                        server.console("POST", f"/datasets/{base.id}/retry", {"document_ids": [id]})
        assert time.perf_counter() - began < LIMIT, f"after {LIMIT} s: {len(open_ones)} open, {failed}, first {open_ones[:3]}"
        time.sleep(0.2)


def wait_until_followed(server):
    """The vector store has read everything."""
    began = time.perf_counter()
    while True:
        state = server_health(server)["deps"]["vector"]
        if state["status"] == "ok" and ("all up to date" in state["detail"] or state["detail"] == "embedded"):
            return time.perf_counter() - began
        assert time.perf_counter() - began < LIMIT, f"the store is behind after {LIMIT} s: {state}"
        time.sleep(0.1)


def server_health(server):
    with urllib.request.urlopen(f"{server.url}/health", timeout=10) as answer:
        return json.load(answer)


def index(server, *words, expect=0):
    try:
        done = subprocess.run([binary(), "index", *words, "--json"], env=server.env, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"index {' '.join(words)} hangs: {(late.stdout or b'').decode()[-3000:]} {(late.stderr or b'').decode()[-800:]}") from None
    assert done.returncode == expect, f"index {' '.join(words)} ended with {done.returncode}: {done.stdout[-800:]} {done.stderr[-800:]}"
    return json.loads(done.stdout.splitlines()[-1])


def check(server, *words):
    """Nothing is missing, orphaned or twice."""
    report = index(server, "check", *words)
    assert not report["missing"] + report["orphans"] + report["duplicates"], report
    return report


def check_answers(server, bases, some=6):
    """What is there is found, what is gone or off is not."""
    for base in bases:
        method = "semantic_search" if base.technique == "high_quality" else "keyword_search"
        for id, mark in random.sample(sorted(base.documents.items()), min(some, len(base.documents))):
            answer = base.find(server, mark, method, 3)
            found = [one["segment"]["document_id"] for one in answer["records"]]
            if base.technique == "economy":
                assert found[:1] == [id], f"{mark} finds {found}"
            assert found and not answer.get("shortcoming"), answer
        gone = set(base.deleted) | set(base.off)
        for mark in [*base.deleted.values()][-3:] + [*base.off.values()][-3:]:
            found = [one["segment"]["document_id"] for one in base.find(server, mark, "hybrid_search" if base.technique == "high_quality" else "keyword_search", 20)["records"]]
            assert not gone & set(found), f"{mark} is deleted or off, and found"


def kills(server, bases, store, rounds, model):
    slowest = tries = 0
    for number in range(1, rounds + 1):
        quit = threading.Event()
        workers = [threading.Thread(target=work, args=(server, bases, quit), daemon=True) for _ in range(2)]
        for worker in workers:
            worker.start()
        time.sleep(random.uniform(0.3, 2.0))
        store_died = store and number % 2 == 0
        if store_died:
            store.kill()
            time.sleep(random.uniform(0, 0.5))
        server.kill()
        quit.set()
        for worker in workers:
            worker.join(10)
        server.start()
        if number % 4 == 0:  # dies again while it takes over
            time.sleep(random.uniform(0, 0.7))
            server.kill()
            server.start()
        if store_died:
            store.start()
        took, again = wait_until_ended(server, bases)
        slowest, tries = max(slowest, took), tries + again
        wait_until_followed(server)
        if number % 5 == 0 or number == rounds:
            # What was acknowledged is there; a call that a death cut off may have been done or not.
            for base in bases:
                there = {id for id, _, _ in base.states(server)}
                assert set(base.documents) <= there, "an acknowledged document is lost"
                assert not set(base.deleted) & there, "a deleted document is back"
            failing, model.failing = model.failing, 0.0  # a question whose embedding fails is answered by words
            check_answers(server, bases)
            model.failing = failing
            server.kill()  # so that its local copies can be looked at
            report = check(server)
            assert report["skipped"] == 0, report
            check_once(server)
            server.start()
            print(f"round {number}: {sum(base.count for base in bases)} documents, {report['nodes']} nodes in all copies, none missing, orphaned or twice; slowest end {slowest:.1f} s, {tries} tried again", flush=True)


def check_once(server):
    """No chunk is in its document twice, and no run of a pipeline is left open."""
    twice = rows(server, "select document_id, position, count(*) from document_segments group by document_id, position having count(*) > 1")
    assert not twice, f"chunks that are there twice: {twice[:5]}"
    left = rows(server, "select id, status from workflow_runs where status in ('running', 'paused')")
    assert not left, f"runs of pipelines that never ended: {left[:5]}"


def store_goes(server, base, store):
    """Down: answers by words, flagged, and quickly. Back: everything that was missed."""
    wait_until_followed(server)
    store.kill()
    answer = base.find(server, COMMON[7])
    assert answer["records"] and "words only" in answer["shortcoming"], answer
    began = time.perf_counter()
    answer = base.find(server, COMMON[7])
    assert answer["records"] and time.perf_counter() - began < 1, "a store that is known to be down is not waited for"
    health = server_health(server)
    assert health["status"] == "degraded" and health["deps"]["vector"]["status"] == "down", health
    id = base.add(server)
    wait_until_ended(server, [base])
    found = base.find(server, base.documents[id], "hybrid_search", 3)["records"]
    assert found[0]["segment"]["document_id"] == id, "words find at once what the store does not have"
    store.start()
    took = wait_until_followed(server)
    answer = base.find(server, base.documents[id], "semantic_search", 3)
    assert answer["records"] and not answer.get("shortcoming"), answer
    print(f"the store was down and is up to date again {took:.1f} s after its return", flush=True)


def store_is_wrong(server, bases, store):
    """Lost, or changed by others: seen by the next question, and made right while it serves."""
    base = bases[0]
    store.lose()
    for each in (base for base in bases if base.technique == "high_quality"):
        began = time.perf_counter()
        # A local copy with vectors that has not left yet knows the answer.
        while not (answer := each.find(server, COMMON[7])).get("shortcoming"):
            assert time.perf_counter() - began < 10, f"{each.name}: a store that lost it is believed: {str(answer)[:500]}"
            time.sleep(0.1)
    wait_until_followed(server)
    answer = base.find(server, COMMON[7])
    assert answer["records"] and not answer.get("shortcoming"), answer
    check(server)
    store.orphan()
    report = index(server, "check", expect=1)
    assert (report["missing"], report["orphans"]) == (1, 1), report
    index(server, "rebuild")
    check(server)
    assert base.find(server, COMMON[7])["records"]


def move(server, base):
    """To the built-in index and back, while the other one serves."""
    before = hits(server, base)
    done = index(server, "move", "--to", "embedded")
    assert done["waiting"] == 0, done
    server.stop()
    named = server.env.pop("VECTOR_STORE")
    server.start()
    same_answer(before, hits(server, base))
    server.stop()
    check(server)
    server.env["VECTOR_STORE"] = named
    server.start()
    wait_until_followed(server)
    same_answer(before, hits(server, base))
    index(server, "rebuild", "--local")  # the server has the copies open, and takes the new ones over
    same_answer(before, hits(server, base))


def hits(server, base):
    return [(one["segment"]["id"], one["score"]) for one in base.find(server, COMMON[7])["records"]]


def same_answer(before, now, near=0.01):
    """The same hits; those whose scores differ by less than an index of bytes tells apart may change places."""
    assert len(now) == len(before) and all(abs(a - b) <= near for (_, a), (_, b) in zip(before, now)), (before, now)
    sure = {id for id, score in before if score > before[-1][1] + near}
    assert sure <= {id for id, _ in now}, (before, now)


def leave_nothing(server, bases, store):
    for base in bases:
        server.v1("DELETE", f"/datasets/{base.id}", base.key)
    began = time.perf_counter()
    while True:
        left = [table for table in ("index_nodes", "document_segments", "documents", "index_marks") if int(rows(server, f"select count(*) from {table}")[0][0])]
        folder = pathlib.Path(server.home) / "index"
        left += [str(one) for one in folder.iterdir()] if folder.exists() else []
        left += store.names() if store else []
        if not left:
            return
        assert time.perf_counter() - began < LIMIT, f"deletes left {left[:5]}"
        time.sleep(0.2)


def full_disk(rounds):
    """The disk is full while documents are indexed; with space again all of them end, and nothing is wrong."""
    from cases import Skipped
    from surroundings import fill, small_disk
    try:
        if os.geteuid():
            raise Skipped("needs root, to mount a small disk")
        for _ in range(rounds):
            with embedder(0.0) as base, small_disk(48) as home, Server(home=home, env={**SECRET, "LOG_LEVEL": "ERROR"}) as server:
                server.set_up()
                flaky_model(server, base)
                key = server.console("POST", "/datasets/api-keys")["token"]
                bases = [Base(server, key, "full", "high_quality"), Base(server, key, "plain", "economy")]
                for one in bases:
                    one.add(server)
                wait_until_ended(server, bases)
                fill(home / "filler")
                refused = 0
                for number in range(400):
                    try:
                        bases[number % 2].add(server, 3000)
                    except ApiError as error:
                        assert error.status == 507 and "disk" in error.body, error
                        refused += 1
                        if refused == 6:
                            break
                assert refused, "the disk was never full"
                with contextlib.suppress(ApiError):
                    for one in bases:
                        one.find(server, COMMON[3], "keyword_search")
                os.remove(home / "filler")
                wait_until_ended(server, bases)
                check_answers(server, bases)
                server.kill()
                assert check(server)["skipped"] == 0
        print(f"a full disk: {rounds} passed", flush=True)
    except Skipped as why:
        print(f"a full disk: left out, {why}", flush=True)


def play(kind, rounds, db):
    with database(db) as env, embedder(0.5) as base, opened(kind) as store, Server(env={**env, **SECRET, **(store.env if store else {})}) as server:
        server.set_up()
        flaky_model(server, base)
        key = server.console("POST", "/datasets/api-keys")["token"]
        bases = [Base(server, key, "quality", "high_quality"), Base(server, key, "other", "high_quality"), Base(server, key, "plain", "economy"), Line(server, key, "line")]
        kills(server, bases, store, rounds, base)
        print(f"the embedder failed {base.failed} of {base.calls} calls", flush=True)
        base.failing = 0.0
        for one in bases:
            one.add(server)  # none is empty, however few the kills have left
        wait_until_ended(server, bases)
        if store:
            store_goes(server, bases[0], store)
            if kind == "qdrant":
                store_is_wrong(server, bases, store)
            move(server, bases[0])
        leave_nothing(server, bases, store)
    print(f"{kind}: {rounds} kills passed", flush=True)


def main():
    parser = argparse.ArgumentParser(description="kill -9 while documents are indexed")
    parser.add_argument("rounds", type=int, nargs="?", default=20)
    parser.add_argument("--store", default="qdrant", choices=["embedded", "qdrant", "chroma", "pgvector"])
    parser.add_argument("--postgres", action="store_true", help="the server's database is PostgreSQL")
    parser.add_argument("--short", action="store_true", help="a round of each")
    args = parser.parse_args()
    random.seed(20261122)
    package = {"chroma": "chromadb", "pgvector": "pgserver"}.get(args.store)
    if package and not has(package):
        raise SystemExit(f"install the Python package {package}, or name a Python that has it in OXIDIFY_TEST_STORES_PYTHON")
    play(args.store, 2 if args.short else args.rounds, "postgres" if args.postgres else "sqlite")
    if not args.postgres:
        full_disk(1 if args.short else 3)
    print("indexing: passed, 0 failed")


if __name__ == "__main__":
    main()
