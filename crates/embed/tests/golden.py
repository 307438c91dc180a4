#!/usr/bin/env python3
"""The vectors that our own code is compared with, by another implementation: numpy alone, and a WordPiece of its own.

    golden.py tiny DIR                          make the small models of the tests (random numbers, always the same)
    golden.py vectors MODEL TEXTS.json OUT.json     the vectors of texts; a pair of texts gets a score

Only numpy is needed. The network is BERT as its authors describe it, with erf from the C library."""

import json
import math
import pathlib
import struct
import sys
import unicodedata

import numpy

KINDS = {"F32": numpy.float32, "F16": numpy.float16, "I64": numpy.int64}


def tensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    out = {}
    for name, about in header.items():
        start, end = about["data_offsets"]
        numbers = numpy.frombuffer(data[8 + size + start : 8 + size + end], KINDS[about["dtype"]])
        out[name] = numbers.reshape(about["shape"]).astype(numpy.float64)
    return out


def write(path, named):
    header, data = {}, b""
    for name, numbers in named.items():
        kind = next(kind for kind, type in KINDS.items() if numbers.dtype == type)
        header[name] = {"dtype": kind, "shape": list(numbers.shape), "data_offsets": [len(data), len(data) + numbers.nbytes]}
        data += numbers.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Words:
    """BERT's tokenizer, uncased."""

    def __init__(self, folder):
        self.vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]

    def pieces(self, word):
        if len(word) > 100:
            return ["[UNK]"]
        out, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self.vocabulary:
                    out.append(piece)
                    start = end
                    break
            else:
                return ["[UNK]"]
        return out

    def tokens(self, text):
        clean = ""
        for character in text:
            kind = unicodedata.category(character)
            if character in "\t\n\r" or kind == "Zs":
                clean += " "
            elif ord(character) not in (0, 0xFFFD) and not kind.startswith("C"):
                code = ord(character)
                ideograph = 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x2A6DF or 0xF900 <= code <= 0xFAFF
                clean += f" {character} " if ideograph else character
        plain = "".join(one for one in unicodedata.normalize("NFD", clean) if unicodedata.category(one) != "Mn").lower()
        apart = ""
        for character in plain:
            code = ord(character)
            is_mark = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
            apart += f" {character} " if is_mark or unicodedata.category(character).startswith("P") else character
        return [self.vocabulary[piece] for word in apart.split() for piece in self.pieces(word)]

    def one(self, text, most):
        return [self.vocabulary["[CLS]"], *self.tokens(text)[: most - 2], self.vocabulary["[SEP]"]]


class Model:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        self.tensors = tensors(folder / "model.safetensors")
        self.words = Words(folder)
        length = folder / "sentence_bert_config.json"
        self.most = json.loads(length.read_text())["max_seq_length"] if length.exists() else self.config["max_position_embeddings"]
        self.prefix = "bert." if "bert.embeddings.word_embeddings.weight" in self.tensors else ""

    def __getitem__(self, name):
        return self.tensors[self.prefix + name]

    def dense(self, rows, name):
        return rows @ self[f"{name}.weight"].T + self[f"{name}.bias"]

    def norm(self, rows, name):
        moved = rows - rows.mean(axis=1, keepdims=True)
        scaled = moved / numpy.sqrt((moved**2).mean(axis=1, keepdims=True) + self.config["layer_norm_eps"])
        return scaled * self[f"{name}.weight"] + self[f"{name}.bias"]

    def rows(self, ids, types):
        heads, hidden = self.config["num_attention_heads"], self.config["hidden_size"]
        rows = self["embeddings.word_embeddings.weight"][ids] + self["embeddings.token_type_embeddings.weight"][types]
        rows = self.norm(rows + self["embeddings.position_embeddings.weight"][: len(ids)], "embeddings.LayerNorm")
        for number in range(self.config["num_hidden_layers"]):
            at = f"encoder.layer.{number}."
            query, key, value = (
                self.dense(rows, f"{at}attention.self.{part}").reshape(len(ids), heads, hidden // heads).transpose(1, 0, 2)
                for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(0, 2, 1) / math.sqrt(hidden // heads)
            shares = numpy.exp(scores - scores.max(axis=2, keepdims=True))
            shares /= shares.sum(axis=2, keepdims=True)
            seen = (shares @ value).transpose(1, 0, 2).reshape(len(ids), hidden)
            rows = self.norm(rows + self.dense(seen, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
            inner = self.dense(rows, f"{at}intermediate.dense")
            inner = inner * 0.5 * (1 + numpy.vectorize(math.erf)(inner / math.sqrt(2)))
            rows = self.norm(rows + self.dense(inner, f"{at}output.dense"), f"{at}output.LayerNorm")
        return rows

    def vector(self, text):
        ids = self.words.one(text, self.most)
        mean = self.rows(ids, [0] * len(ids)).mean(axis=0)
        return [round(float(number), 7) for number in mean / numpy.linalg.norm(mean)]

    def score(self, first, second):
        first = self.words.one(first, self.most)
        second = [*self.words.tokens(second), self.words.vocabulary["[SEP]"]]
        rows = self.rows(first + second, [0] * len(first) + [1] * len(second))
        pooled = numpy.tanh(self.dense(rows[:1], "pooler.dense"))
        score = float((pooled @ self.tensors["classifier.weight"].T + self.tensors["classifier.bias"])[0, 0])
        return round(1 / (1 + math.exp(-score)), 7)


def vectors(model, texts, out):
    model, texts = Model(model), json.loads(pathlib.Path(texts).read_text(encoding="utf-8"))
    answers = [model.score(*text) if isinstance(text, list) else model.vector(text) for text in texts]
    lines = ",\n".join(json.dumps([text, answer], ensure_ascii=False) for text, answer in zip(texts, answers))
    pathlib.Path(out).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def tiny(folder):
    """Two models of a few kilobytes each: one that embeds, one that scores."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz0123456789.,!?-'"]
    pieces += [f"##{character}" for character in "abcdefghijklmnopqrstuvwxyz0123456789"]
    pieces += ["the", "cat", "dog", "sat", "on", "mat", "##ing", "##ed", "##s", "知", "识", "库", "。"]
    special = [(name, number) for number, name in enumerate(pieces[:5])]
    part = lambda name, type: {"SpecialToken": {"id": name, "type_id": type}}
    text = lambda name, type: {"Sequence": {"id": name, "type_id": type}}
    tokenizer = {
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [
            {"id": number, "special": True, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
            for name, number in special
        ],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [part("[CLS]", 0), text("A", 0), part("[SEP]", 0)],
            "pair": [part("[CLS]", 0), text("A", 0), part("[SEP]", 0), text("B", 1), part("[SEP]", 1)],
            "special_tokens": {name: {"id": name, "ids": [number], "tokens": [name]} for name, number in special[2:4]},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": {piece: number for number, piece in enumerate(pieces)},
        },
    }
    hidden, wide, layers, longest = 16, 32, 2, 24
    dice = numpy.random.default_rng(7)
    numbers = lambda *shape: dice.normal(0, 0.3, shape).astype(numpy.float32)
    named = {
        "embeddings.word_embeddings.weight": numbers(len(pieces), hidden),
        "embeddings.position_embeddings.weight": numbers(longest, hidden),
        "embeddings.token_type_embeddings.weight": numbers(2, hidden),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in (f"encoder.layer.{number}." for number in range(layers)):
        for name, to, start in [
            *((f"attention.self.{part}", hidden, hidden) for part in ("query", "key", "value")),
            ("attention.output.dense", hidden, hidden), ("intermediate.dense", wide, hidden), ("output.dense", hidden, wide),
        ]:
            named |= {f"{layer}{name}.weight": numbers(to, start), f"{layer}{name}.bias": numbers(to)}
        norms += [f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"]
    for name in norms:
        named |= {f"{name}.weight": 1 + numbers(hidden), f"{name}.bias": numbers(hidden)}
    config = {
        "model_type": "bert", "architectures": ["BertModel"], "vocab_size": len(pieces), "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": 4, "intermediate_size": wide, "hidden_act": "gelu", "max_position_embeddings": longest,
        "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    }
    scoring = {f"bert.{name}": tensor for name, tensor in named.items()}
    scoring |= {"bert.pooler.dense.weight": numbers(hidden, hidden), "bert.pooler.dense.bias": numbers(hidden)}
    scoring |= {"classifier.weight": numbers(1, hidden), "classifier.bias": numbers(1)}
    classifier = config | {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    for name, own, tensors in [("tiny", config, named), ("tiny-rerank", classifier, scoring)]:
        place = pathlib.Path(folder) / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "config.json").write_text(json.dumps(own, indent=1) + "\n")
        (place / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")
        write(place / "model.safetensors", tensors)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "tiny":
        tiny(sys.argv[2])
    elif len(sys.argv) == 5 and sys.argv[1] == "vectors":
        vectors(*sys.argv[2:])
    else:
        sys.exit(__doc__)
