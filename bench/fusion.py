#!/usr/bin/env python3
"""How words and meaning are joined (crates/rag/src/fuse), tried on sets in BEIR form without a server.

    python3 bench/fusion.py SET... --model DIRECTORY

SET is a folder that bench/known_items.py has written, DIRECTORY an all-MiniLM-L6-v2 (`oxidify embed pull`). Needs the
packages numpy, tokenizers and safetensors. BM25 and vectors are made here, of the first 64 tokens; then one side is
spoilt: noise on the vectors, vectors by chance, words by chance, an exact side. Printed is nDCG@10 of words, of meaning,
and what a hybrid search gains over the better one: by a question alone, and with what was learnt from those before."""

import argparse
import collections
import json
import math
import pathlib
import re

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

DICE = np.random.default_rng(5)
STOP = set("a an and are as at be by for from has have in is it its of on or that the this to was which with you your can not".split())


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def embedder(folder):
    weights = {name.replace("bert.", ""): value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()}
    tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokens.no_padding()
    tokens.enable_truncation(64)

    def norm(x, part):
        mean, spread = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(spread + 1e-12) * weights[f"{part}.weight"] + weights[f"{part}.bias"]

    def linear(x, part):
        return x @ weights[f"{part}.weight"].T + weights[f"{part}.bias"]

    def one(text):
        ids = tokens.encode(text).ids
        table = "embeddings.{}_embeddings.weight".format
        x = weights[table("word")][ids] + weights[table("position")][: len(ids)] + weights[table("token_type")][0]
        x = norm(x, "embeddings.LayerNorm")
        for layer in range(6):
            part = f"encoder.layer.{layer}"
            heads = [linear(x, f"{part}.attention.self.{name}").reshape(len(ids), 12, 32).transpose(1, 0, 2) for name in ("query", "key", "value")]
            looks = np.exp(heads[0] @ heads[1].transpose(0, 2, 1) / math.sqrt(32))
            seen = (looks / looks.sum(-1, keepdims=True) @ heads[2]).transpose(1, 0, 2).reshape(len(ids), 384)
            x = norm(linear(seen, f"{part}.attention.output.dense") + x, f"{part}.attention.output.LayerNorm")
            wide = linear(x, f"{part}.intermediate.dense")
            wide = 0.5 * wide * (1 + np.tanh(0.7978845608 * (wide + 0.044715 * wide**3)))
            x = norm(linear(wide, f"{part}.output.dense") + x, f"{part}.output.LayerNorm")
        return x.mean(0)

    return lambda texts: unit(np.array([one(text) for text in texts]))


def bm25(texts, queries):
    def terms(text):
        stem = lambda word: re.sub(r"(ations?|ings?|ies|ed|es|s|ly|e)$", "", word) if len(word) > 5 else word
        return [stem(word) for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in STOP]

    documents = [collections.Counter(terms(text)) for text in texts]
    lengths = np.array([sum(one.values()) for one in documents])
    among = collections.Counter(word for one in documents for word in one)
    scores = np.zeros((len(queries), len(texts)))
    for place, query in enumerate(queries):
        for word in {word for word in terms(query) if among[word]}:
            often = np.array([one.get(word, 0) for one in documents])
            rare = math.log(1 + (len(texts) - among[word] + 0.5) / (among[word] + 0.5))
            scores[place] += rare * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * lengths / lengths.mean()))
    return scores


class Noise:
    """As `fuse::hybrid::Noise`."""

    def __init__(self, scores, are_words):
        scores = np.sort(scores)[::-1]
        least = scores[0] / 8 if are_words and len(scores) < 50 else 0.0
        scores = np.pad(scores[:50], (0, max(0, 50 - len(scores)) if are_words else 0))
        ranks = np.arange(2, len(scores))
        self.unit = max((ranks * (scores[ranks - 1] - scores[ranks])).mean(), least, 1e-12)
        self.base, self.chance = scores[-1], math.log(len(scores))
        self.excess = (scores[0] - self.base) / self.unit - self.chance

    def evidence(self, scores):
        said = np.logaddexp(0, (scores - self.base) / self.unit - self.chance - 1.0)
        return np.where(said > 12, 12 + np.log1p(np.maximum(said - 12, 0)), said)


class Trust:
    """As `fuse::trust::Trust`."""

    def __init__(self):
        self.count, self.means, self.doubted = 0, np.zeros(3), None

    def learn(self, seen):
        self.count += 1
        self.means += (np.array(seen) - self.means) / min(self.count, 64)
        agreement, sides = self.means[0], np.maximum(self.means[1:], 0) / [3.6, 1.3]
        if self.doubted is None:
            less, more = sides.min(), sides.max()
            if (self.count >= 8 and agreement < 0.12 and less < 0.5 * more) or (self.count >= 32 and agreement < 0.35 and less < 0.15):
                self.doubted = 0 if sides[0] < sides[1] else 1
        elif agreement > 0.45 or (agreement > 0.24 and sides[self.doubted] > 0.3) or sides[self.doubted] > 0.75 * sides[1 - self.doubted]:
            self.doubted = None


def hybrid(words, meaning, doubted):
    """The order of the best 50 of both, and what was seen."""
    best = lambda scores, count: np.argsort(-scores, kind="stable")[:count]
    by_words = best(words, 50)
    by_words = by_words[words[by_words] > 0]
    places = np.array(list(dict.fromkeys([*by_words, *best(meaning, 50)])))
    known = np.where(np.isin(places, by_words), words[places], 0.0)
    second = Noise(meaning[places], False)
    parts = [0.02 if doubted == side else 1.0 for side in (0, 1)]
    said = parts[1] * second.evidence(meaning[places])
    if not len(by_words):
        return places[best(said, None)], None
    first = Noise(words[by_words], True)
    said = said + parts[0] * first.evidence(known)
    tens = best(known, 10), best(meaning[places], 10)
    return places[best(said, None)], (((tens[0][0] in tens[1]) + (tens[1][0] in tens[0])) / 2, first.excess, second.excess)


def spoilt(words, queries, vectors):
    meaning, right = queries @ vectors.T, np.arange(len(words))
    noisy = lambda rows, much: unit(rows + much * DICE.normal(size=rows.shape))
    yield "both as they are", words, meaning
    yield "meaning: some noise", words, noisy(queries, 0.05) @ noisy(vectors, 0.05).T
    yield "meaning: much noise", words, noisy(queries, 0.1) @ noisy(vectors, 0.1).T
    yield "meaning: chance", words, noisy(0 * queries, 1) @ noisy(0 * vectors, 1).T
    narrow = lambda rows, middle: unit(unit(DICE.normal(size=rows.shape)) + 3 * middle)
    middle = unit(DICE.normal(size=(1, vectors.shape[1])))
    yield "meaning: chance, narrow", words, narrow(queries, middle) @ narrow(vectors, middle).T
    yield "words: 7 of 10 lost", words * (DICE.random(words.shape) < 0.3), meaning
    yield "words: chance", 2 * DICE.exponential(size=words.shape), meaning
    yield "words: chance, few", np.maximum(DICE.gamma(0.5, 2, size=words.shape) - 1, 0), meaning
    exact = meaning.copy()
    exact[right, right] = meaning.max() + 0.2
    yield "meaning: exact", words, exact
    exact = words.copy()
    exact[right, right] = words.max(1) + 15
    yield "words: exact", exact, meaning


def gain(order, right):
    found = np.flatnonzero(order[:10] == right)
    return 1 / math.log2(found[0] + 2) if len(found) else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=pathlib.Path)
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--documents", type=int, default=900)
    options = parser.parse_args()
    embed = embedder(options.model)
    read = lambda path: [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    print(f"{'set':9}{'':25} words meaning   alone  learnt")
    for folder in options.sets:
        texts, queries = read(folder / "corpus.jsonl")[: options.documents], read(folder / "queries.jsonl")
        sides = bm25(texts, queries), embed(queries), embed(texts)
        for name, words, meaning in spoilt(*sides):
            trust, sums = Trust(), np.zeros(4)
            # The query of a set's row is about the document of that row.
            for right in DICE.permutation(len(queries)):
                alone, _ = hybrid(words[right], meaning[right], None)
                learnt, seen = hybrid(words[right], meaning[right], trust.doubted)
                if seen:
                    trust.learn(seen)
                orders = [np.argsort(-words[right], kind="stable"), np.argsort(-meaning[right], kind="stable"), alone, learnt]
                sums += [gain(order, right) for order in orders]
            sums /= len(queries)
            better = sums[:2].max()
            print(f"{folder.name:9}{name:25} {sums[0]:.3f}   {sums[1]:.3f}  {sums[2] - better:+.3f}  {sums[3] - better:+.3f}", flush=True)


if __name__ == "__main__":
    main()
