"""Documents and deletions of a size that nobody expects: memory stays bounded, nobody else waits, nothing is lost or left.

    python3 tests/sizes/sizes.py                      all cases, half an hour and more; 12 GB of disk
    python3 tests/sizes/sizes.py line csv             some of them
    python3 tests/sizes/sizes.py --scale 0.01         all of them, a hundredth as large

- refused: what is larger than the limits of uploads is refused with 413 and one clear sentence; nothing of it stays.
- line: a gigabyte of words on one line, found again by its last word; then it is deleted.
- letters: 200 MB without a single place to split at.
- rows350: a CSV file of 350,000 rows: at most 150 MB over idle.
- vectors350: the same with an embedding model: and what its vectors may take, 900 bytes each.
- csv: a CSV file of a million rows, in a knowledge base that is searched by words.
- workbook: a million rows as a workbook.
- deleted: 10,000 documents, deleted while they are made and indexed.

Each case has a server of its own on an empty directory, with the scripted embedder. While it works, `/health` is asked ten
times a second, somebody in another workspace adds short texts, and the server's memory is looked at fifty times a second.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import queue
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import making  # noqa: E402
from oxidify import ApiError, Server, binary  # noqa: E402
from postgres import rows  # noqa: E402
from watching import EMBEDDING, Watch, milliseconds, other_workspace, percentile  # noqa: E402

SECRET = {"SECRET_KEY": "a-secret-of-at-least-32-characters-for-all"}
MB = 1_000_000
# What a case may need over idle, whatever the size: caches of the database, the index, batches on their way.
ROOM = 150
# A file of more bytes than this counts by itself: the one of 350,000 rows is within the room.
LONG = 50 * MB
# What 384 numbers may take in memory: a million of them 900 MB.
VECTOR = 900
# How long the memory that starting has needed takes to go back.
REST = 12
PAGE = {"pre_processing_rules": [], "segmentation": {"separator": "\n\n", "max_tokens": 4000, "chunk_overlap": 0}}
RULE = {"mode": "custom", "rules": PAGE}


class World:
    """A server on an empty directory, a knowledge base, and a neighbour in another workspace."""

    def __init__(self, server):
        server.set_up()
        self.server = server
        self.key = server.console("POST", "/datasets/api-keys")["token"]
        self.other = other_workspace(server)
        small = {"name": "small", "indexing_technique": "high_quality", **EMBEDDING}
        self.small = server.v1("POST", "/datasets", self.other, small)["id"]

    def base(self, technique):
        body = {"name": f"large {technique}", "indexing_technique": technique}
        body |= EMBEDDING if technique == "high_quality" else {}
        return self.server.v1("POST", "/datasets", self.key, body)["id"]

    def watch(self, before=None):
        """From a time of rest on, or as a part of what was watched before."""
        if not before:
            time.sleep(REST)
        return Watch(self.server, self.other, self.small, before and before.memory.before)

    def send(self, base, name, content, technique):
        """Uploads a file; answers its batch, or the status and body of a refusal."""
        data = json.dumps({"indexing_technique": technique, "process_rule": RULE})
        head = (f'--x\r\nContent-Disposition: form-data; name="data"\r\nContent-Type: text/plain\r\n\r\n{data}\r\n'
                f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n').encode()
        tail = b"\r\n--x--\r\n"
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=600)
        with contextlib.closing(connection):
            connection.putrequest("POST", f"/v1/datasets/{base}/document/create-by-file")
            connection.putheader("Authorization", f"Bearer {self.key}")
            connection.putheader("Content-Type", "multipart/form-data; boundary=x")
            connection.putheader("Content-Length", str(len(head) + content.length + len(tail)))
            connection.endheaders()
            with contextlib.suppress(ConnectionError):  # refused before all of it was sent: the answer is there
                connection.send(head)
                for piece in content.pieces():
                    connection.send(piece)
                connection.send(tail)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def state(self, base, batch):
        [state] = self.server.v1("GET", f"/datasets/{base}/documents/{batch}/indexing-status", self.key)["data"]
        return state

    def ended(self, base, batch, seconds):
        """Until it is completed, or has failed with its cause."""
        began = time.perf_counter()
        while True:
            state = self.state(base, batch)
            if state["indexing_status"] in ("completed", "error"):
                assert state["indexing_status"] == "completed" or state["error"], f"no cause: {state}"
                return state
            assert time.perf_counter() - began < seconds, f"not done after {seconds:.0f} s: {state}"
            time.sleep(0.2)

    def find(self, base, text):
        model = {"search_method": "full_text_search", "reranking_enable": False, "top_k": 3, "score_threshold_enabled": False}
        found = self.server.v1("POST", f"/datasets/{base}/retrieve", self.key, {"query": text, "retrieval_model": model})
        return [one["segment"] for one in found["records"]]

    def found(self, base, text, seconds=60):
        """The first hit of a word; the index follows what was committed."""
        began = time.perf_counter()
        while True:
            hits = self.find(base, text)
            if hits and text in hits[0]["content"]:
                return hits[0]
            assert time.perf_counter() - began < seconds, f"{text} is not found"
            time.sleep(0.2)

    def count(self, sql):
        return int(rows(self.server, sql)[0][0])

    def files(self):
        folder = pathlib.Path(self.server.home) / "storage" / "upload_files"
        return [one for one in folder.rglob("*") if one.is_file()]

    def nothing_left(self, dataset, seconds=300):
        """Of a knowledge base whose documents were all deleted, then of itself."""
        id = uuid.UUID(dataset)
        mine = f"dataset_id = x'{id.hex}'"
        left = {
            "documents": f"select count(*) from documents where {mine}",
            "chunks": f"select count(*) from document_segments where {mine}",
            "what can be found": f"select count(*) from index_nodes where {mine} and active",
        }
        self.until(lambda: [name for name, sql in left.items() if self.count(sql)], seconds)
        self.server.v1("DELETE", f"/datasets/{dataset}", self.key)
        self.until(lambda: self.count(f"select count(*) from index_nodes where {mine}"), seconds)
        self.until(lambda: (pathlib.Path(self.server.home) / "index" / dataset).exists(), seconds)

    def files_gone(self, beginning, seconds=60):
        """The rows and the bytes of uploaded files whose name begins so."""
        self.until(lambda: self.count(f"select count(*) from upload_files where name like '{beginning}%'"), seconds)
        kept = self.count("select count(*) from upload_files")
        self.until(lambda: self.count("select count(*) from upload_files") == kept and len(self.files()) > kept, seconds)

    def until(self, left, seconds):
        began = time.perf_counter()
        while found := left():
            assert time.perf_counter() - began < seconds, f"left after {seconds} s: {found}"
            time.sleep(0.2)

    def check(self):
        """With the server stopped, so that its copies can be looked at: nothing missing, orphaned or twice."""
        self.server.stop()
        done = subprocess.run([binary(), "index", "check", "--json"], env=self.server.env, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, f"index check: {done.stdout[-800:]} {done.stderr[-800:]}"
        report = json.loads(done.stdout.splitlines()[-1])
        assert not report["missing"] + report["orphans"] + report["duplicates"] + report["skipped"], report
        return report


def said(name, *parts):
    print(f"{name}: {'; '.join(str(part) for part in parts)}", flush=True)


@contextlib.contextmanager
def world(env=None):
    with Server(env={**SECRET, **(env or {})}) as server:
        yield World(server)


def large(megabytes):
    return {"UPLOAD_FILE_SIZE_LIMIT": str(megabytes)}


def refused(scale):
    with world() as it:
        base = it.base("economy")
        with it.watch() as watch:
            for length in (15 * 1024 * 1024 + 1, max(int(1000 * MB * scale), 16 * MB)):
                status, body = it.send(base, "long.txt", making.line_of_words(length, "end"), "economy")
                assert (status, body["code"]) == (413, "file_too_large"), (length, status, body)
                assert "exceeded" in body["message"].lower(), body
            try:
                text = "word " * 3_000_000
                it.server.v1("POST", f"/datasets/{base}/document/create-by-text", it.key, {"name": "x", "text": text, "process_rule": RULE})
                raise AssertionError("a text of 15 MB in a JSON body was taken")
            except ApiError as error:
                assert error.status == 413 and "Send large texts as files" in error.body, error
        assert it.count("select count(*) from documents where name = 'long.txt'") == 0
        it.files_gone("long.txt")
    said("refused", "15 MB and a byte, and 1 GB: 413 file_too_large; 15 MB of JSON: 413", watch)
    watch.check(ROOM + 110)  # the limit of a request is the one of videos: so much may be read before it is known


def line(scale):
    length = int(1000 * MB * scale)
    one_file("line", "line.txt", making.line_of_words(length, "zyxwvuend"), "zyxwvuend", length)


def letters(scale):
    length = int(200 * MB * scale)
    one_file("letters", "letters.txt", making.line_of_letters(length), None, length)


def rows350(scale):
    table("rows350", "csv", making.csv_table, int(350_000 * scale), "economy")


def vectors350(scale):
    table("vectors350", "csv", making.csv_table, int(350_000 * scale), "high_quality")


def csv(scale):
    table("csv", "csv", making.csv_table, int(1_000_000 * scale), "economy")


def workbook(scale):
    table("workbook", "xlsx", making.workbook, int(1_000_000 * scale), "economy")


def table(name, extension, make, count, technique):
    with tempfile.TemporaryDirectory(prefix="oxidify-table-") as folder:
        content = make(pathlib.Path(folder) / f"table.{extension}", count)
        one_file(name, f"table.{extension}", content, f"row{count - 1}", content.length, technique, count)


def one_file(name, file, content, last, length, technique="economy", chunks=None):
    """Uploaded, completed, found by its last word, deleted; memory and others are watched all the while."""
    with world(large(length // (1 << 20) + 1)) as it:
        base = it.base(technique)
        with it.watch() as upload:
            status, made = it.send(base, file, content, technique)
            assert status == 200, made
        began = time.perf_counter()
        with it.watch(upload) as work:
            state = it.ended(base, made["batch"], 7200)
            took = time.perf_counter() - began
            assert state["indexing_status"] == "completed", state
            count = it.count("select count(*) from document_segments where document_id in (select id from documents where name = '%s')" % file)
            assert chunks in (None, count), f"{count} chunks of {chunks} rows"
            if last:
                it.found(base, last)
        whole = it.check()
        assert whole["nodes"] >= count, f"{whole['nodes']} nodes of {count} chunks"
        it.server.start()
        with it.watch(upload) as gone:
            asked = time.perf_counter()
            it.server.v1("DELETE", f"/datasets/{base}/documents/{made['document']['id']}", it.key, timeout=600)
            answered = time.perf_counter() - asked
            if last:
                assert not it.find(base, last), "a deleted document is found"
            it.nothing_left(base, 1800)
            it.files_gone(file)
        it.check()
    said(name, f"{length / MB:.0f} MB, {count:,} chunks", f"sent in {upload.took:.0f} s: {upload}", f"completed in {took:.0f} s ({count / took:,.0f} chunks/s): {work}",
         f"deletion answered in {answered:.2f} s, all gone after {gone.took:.0f} s: {gone}", f"index check {whole['nodes']:,} nodes, none wrong, then none left")
    # A long file is in memory once while it is received and while it is read, vectors are as long as they are searched.
    room = ROOM + (length / MB if length > LONG else 0) + (count * VECTOR / MB if technique == "high_quality" else 0)
    for watch in (upload, work, gone):
        watch.check(room)
    assert answered < 10, "a deletion keeps its caller waiting"


def deleted(scale):
    """Made by eight, deleted by four who take the newest first: most are not done yet when they go."""
    count = int(10_000 * scale)
    with world() as it:
        base = it.base("high_quality")
        made, waiting, problems, states = queue.Queue(), queue.LifoQueue(), [], []
        numbers = queue.Queue()
        for number in range(count):
            numbers.put(number)
        with it.watch() as watch:
            makers = [threading.Thread(target=guarded, args=(problems, make, it, base, numbers, waiting), daemon=True) for _ in range(8)]
            takers = [threading.Thread(target=guarded, args=(problems, take, it, base, waiting, states, makers, made), daemon=True) for _ in range(4)]
            for one in makers + takers:
                one.start()
            for one in makers + takers:
                one.join(3600)
            assert not problems, problems[:3]
            assert len(states) == count, f"{len(states)} of {count} were deleted"
            slowest = max(made.queue)
            it.nothing_left(base)
            it.files_gone("gone")
        unfinished = sum(state != "completed" for state in states)
        report = it.check()
    said("deleted", f"{count:,} documents, {unfinished:,} of them before they were done", f"in {watch.took:.0f} s", f"slowest deletion {milliseconds(slowest)}, "
         f"p99 {milliseconds(percentile(list(made.queue), 99))}", watch, f"index check {report['nodes']} nodes, none wrong")
    assert unfinished >= count // 10, "most were done before they were deleted: this proves nothing"
    watch.check(ROOM)


def guarded(problems, work, *args):
    try:
        work(*args)
    except Exception as error:  # told by the one who waits
        problems.append(f"{type(error).__name__}: {error}")


def make(it, base, numbers, waiting):
    some = random.Random()
    while True:
        try:
            number = numbers.get_nowait()
        except queue.Empty:
            return
        text = "\n\n".join(f"gone{number} part {part}: " + " ".join(some.choice(making.WORDS) for _ in range(60)) for part in range(5))
        body = {"name": f"gone{number}.txt", "text": text, "indexing_technique": "high_quality", "process_rule": RULE}
        waiting.put(it.server.v1("POST", f"/datasets/{base}/document/create-by-text", it.key, body)["document"]["id"])


def take(it, base, waiting, states, makers, times):
    with contextlib.closing(sqlite3.connect(f"file:{it.server.home}/oxidify.db?mode=ro", uri=True, timeout=10)) as db:
        while True:
            try:
                id = waiting.get(timeout=0.2)
            except queue.Empty:
                if not any(maker.is_alive() for maker in makers) and waiting.empty():
                    return
                continue
            found = db.execute("select indexing_status from documents where id = ?", [uuid.UUID(id).bytes]).fetchone()
            states.append(found[0])
            began = time.perf_counter()
            it.server.v1("DELETE", f"/datasets/{base}/documents/{id}", it.key)
            times.put(time.perf_counter() - began)


CASES = {case.__name__: case for case in (refused, line, letters, rows350, vectors350, csv, workbook, deleted)}


def main():
    parser = argparse.ArgumentParser(description="documents and deletions of a size that nobody expects")
    parser.add_argument("cases", nargs="*", metavar="case", help=f"some of {', '.join(CASES)}")
    parser.add_argument("--scale", type=float, default=1.0, help="how large, as a share of the full size")
    args = parser.parse_args()
    if unknown := set(args.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    needed = 12 * args.scale
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    if free < needed:
        raise SystemExit(f"{needed:.0f} GB of disk are needed in {tempfile.gettempdir()}, {free:.0f} GB are free")
    failed = []
    for name in args.cases or CASES:
        try:
            CASES[name](args.scale)
        except AssertionError as error:
            failed.append(name)
            print(f"{name}: FAILED: {error}", flush=True)
    if failed:
        raise SystemExit(f"sizes: failed: {', '.join(failed)}")
    print("sizes: passed, 0 failed")


if __name__ == "__main__":
    main()
