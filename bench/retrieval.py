#!/usr/bin/env python3
"""How well a running server finds: the figures of a set in BEIR form (corpus.jsonl, queries.jsonl, qrels/test.tsv),
through the public API alone.

    python3 bench/retrieval.py SET --url http://127.0.0.1:5001 --key dataset-... \
        [--model NAME --provider NAME] [--queries 300] [--output FILE]
    python3 bench/retrieval.py --make SET [--documents 500]     # a small set of its own, to try things out

Without a model the set is indexed economically and searched by words. With one it is indexed by meaning too, and
searched in every way. One document becomes one chunk as long as it has no more than 4,000 characters. The dataset that
is made for it is deleted at the end, unless --keep says otherwise; --dataset takes one that was kept."""

import argparse
import concurrent.futures
import csv
import json
import math
import pathlib
import platform
import random
import sys
import time
import urllib.error
import urllib.request

DEPTH = 100
LONGEST_QUERY = 250
# Never part of a text: every document is one piece.
SEPARATOR = "<|end of document|>"
RULE = {
    "mode": "custom",
    "rules": {
        "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": False}],
        "segmentation": {"separator": SEPARATOR, "max_tokens": 4000, "chunk_overlap": 0},
    },
}


class Api:
    """The service API with a key for datasets."""

    def __init__(self, url, key):
        self.url, self.key = url.rstrip("/") + "/v1", key

    def __call__(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}")
        return json.loads(text) if text else None


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def load(folder):
    """Texts of documents, texts of queries that somebody has judged, and the judgements."""
    folder = pathlib.Path(folder)
    corpus = {str(one["_id"]): f"{one.get('title') or ''}\n{one['text']}".strip() for one in lines(folder / "corpus.jsonl")}
    queries = {str(one["_id"]): one["text"] for one in lines(folder / "queries.jsonl")}
    judged = {}
    with open(folder / "qrels" / "test.tsv", encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            if len(row) >= 3 and row[2].lstrip("-").isdigit() and int(row[2]) > 0:
                judged.setdefault(row[0], {})[row[1]] = int(row[2])
    return corpus, {name: text for name, text in queries.items() if name in judged}, judged


def ndcg(ranked, judged, depth):
    gained = sum(judged.get(name, 0) / math.log2(place + 2) for place, name in enumerate(ranked[:depth]))
    ideal = sum(one / math.log2(place + 2) for place, one in enumerate(sorted(judged.values(), reverse=True)[:depth]))
    return gained / ideal if ideal else 0.0


def recall(ranked, judged, depth):
    return sum(name in judged for name in ranked[:depth]) / len(judged)


def index(api, corpus, options):
    """Makes a dataset of the corpus; its id, and how long that took."""
    technique = "high_quality" if options.model else "economy"
    settings = {"indexing_technique": technique}
    if options.model:
        settings |= {"embedding_model": options.model, "embedding_model_provider": options.provider}
    dataset = api("POST", "/datasets", {"name": f"bench {time.time():.3f}"[:40], "permission": "only_me", **settings})["id"]
    begun = time.monotonic()

    def add(item):
        name, text = item
        body = {"name": name, "text": text or name, "process_rule": RULE, "doc_form": "text_model", **settings}
        api("POST", f"/datasets/{dataset}/document/create-by-text", body)

    # The first document settles what the dataset is.
    items = list(corpus.items())
    add(items[0])
    with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
        list(pool.map(add, items[1:]))
    uploaded = time.monotonic() - begun
    while True:
        about = api("GET", f"/datasets/{dataset}")
        done = about.get("total_available_documents", 0)
        failed = api("GET", f"/datasets/{dataset}/documents?status=error&limit=1")
        if failed["total"]:
            sys.exit(f"{failed['total']} documents failed, the first: {failed['data'][0]['error']}")
        if done >= len(items):
            break
        if time.monotonic() - begun > options.patience:
            sys.exit(f"only {done} of {len(items)} documents after {options.patience} s")
        time.sleep(0.2)
    taken = time.monotonic() - begun
    figures = {"uploaded_s": round(uploaded, 3), "completed_s": round(taken, 3), "documents_per_s": round(len(items) / taken, 1)}
    return dataset, figures


def search(api, dataset, method, queries, judged):
    """The measures of one way of searching."""
    settings = {"search_method": method, "reranking_enable": False, "top_k": DEPTH, "score_threshold_enabled": False}
    times, sums = [], {"ndcg@10": 0.0, "recall@10": 0.0, "recall@100": 0.0}
    for name, text in queries.items():
        begun = time.monotonic()
        answer = api("POST", f"/datasets/{dataset}/retrieve", {"query": text[:LONGEST_QUERY], "retrieval_model": settings})
        times.append((time.monotonic() - begun) * 1000)
        ranked = list(dict.fromkeys(record["segment"]["document"]["name"] for record in answer["records"]))
        sums["ndcg@10"] += ndcg(ranked, judged[name], 10)
        sums["recall@10"] += recall(ranked, judged[name], 10)
        sums["recall@100"] += recall(ranked, judged[name], 100)
    times.sort()
    figures = {name: round(value / len(queries), 4) for name, value in sums.items()}
    at = lambda share: round(times[min(len(times) - 1, int(share * len(times)))], 2)
    return figures | {"p50_ms": at(0.5), "p95_ms": at(0.95)}


def make(folder, count):
    """A set of its own: every document is about one thing of its kind; queries name it in other words, or by its number."""
    pick = random.Random(7)
    kinds = [
        ("pump", "water", "moves liquids from one tank to another"),
        ("engine", "motor", "turns fuel into motion for heavy vehicles"),
        ("lamp", "light", "brightens rooms and streets after sunset"),
        ("contract", "agreement", "binds two parties to a price and a date"),
        ("recipe", "dish", "combines vegetables and spices in a hot pan"),
        ("server", "computer", "answers requests of programs over a network"),
    ]
    adjectives = ["quiet", "heavy", "modern", "portable", "reliable", "cheap", "green", "northern", "electric", "folding"]
    verbs = ["inspect", "repair", "order", "compare", "store", "insure", "clean", "describe"]
    folder = pathlib.Path(folder)
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    corpus, queries, judged = [], [], ["query-id\tcorpus-id\tscore"]
    for number in range(count):
        kind, other, does = kinds[number % len(kinds)]
        first, second = pick.sample(adjectives, 2)
        verb, code = pick.choice(verbs), f"{kind[:2].upper()}-{1000 + number}"
        text = f"The {first} and {second} {kind} with the number {code} {does}. Whoever wants to {verb} it needs {pick.randint(2, 90)} minutes."
        corpus.append({"_id": f"d{number}", "title": f"{first} {kind} {code}", "text": text})
        if number % 5 == 0:
            asked = [f"How long does it take to {verb} {code}?", f"{second} {other} {code}"][number // 5 % 2]
            queries.append({"_id": f"q{number}", "text": asked})
            judged.append(f"q{number}\td{number}\t1")
    write = lambda name, rows: (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    write("corpus.jsonl", corpus)
    write("queries.jsonl", queries)
    (folder / "qrels" / "test.tsv").write_text("\n".join(judged) + "\n", encoding="utf-8")
    print(f"{len(corpus)} documents and {len(queries)} queries in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", nargs="?", help="the folder of the set")
    parser.add_argument("--make", metavar="SET", help="write a small set there and do nothing else")
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--url", default="http://127.0.0.1:5001")
    parser.add_argument("--key", help="an API key for datasets")
    parser.add_argument("--model", help="an embedding model")
    parser.add_argument("--provider", default="oxidify/local", help="its provider")
    parser.add_argument("--queries", type=int, help="no more than so many queries")
    parser.add_argument("--clients", type=int, default=8, help="how many documents are sent at a time")
    parser.add_argument("--patience", type=float, default=3600, help="seconds until indexing is given up")
    parser.add_argument("--dataset", help="search this dataset instead of making one")
    parser.add_argument("--keep", action="store_true", help="do not delete the dataset")
    parser.add_argument("--output", help="write the figures there as JSON")
    options = parser.parse_args()
    if options.make:
        return make(options.make, options.documents)
    if not (options.set and options.key):
        parser.error("a set and a key are needed")
    corpus, queries, judged = load(options.set)
    if options.queries:
        queries = dict(list(queries.items())[: options.queries])
    if not (corpus and queries):
        parser.error("the set has no documents or no judged queries")
    api = Api(options.url, options.key)
    result = {"set": pathlib.Path(options.set).name, "machine": platform.platform(), "documents": len(corpus), "queries": len(queries)}
    result |= {"model": options.model, "command": " ".join(["bench/retrieval.py", *(part for part in sys.argv[1:] if not part.startswith("dataset-"))])}
    if options.dataset:
        dataset = options.dataset
    else:
        dataset, result["indexing"] = index(api, corpus, options)
        print("indexing", json.dumps(result["indexing"]), flush=True)
    ways = ["full_text_search", "semantic_search", "hybrid_search"] if options.model else ["keyword_search"]
    for way in ways:
        result[way] = search(api, dataset, way, queries, judged)
        print(f"{way:17}", json.dumps(result[way]), flush=True)
    if options.keep:
        print(f"the dataset is {dataset}")
    elif not options.dataset:
        api("DELETE", f"/datasets/{dataset}")
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
