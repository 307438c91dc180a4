#!/usr/bin/env python3
"""Writes crates/models/data/*.json from the price table of the litellm package (MIT).

    scripts/model-data.py PATH/TO/model_prices_and_context_window_backup.json VERSION DATE

A fact that the table does not have stays absent. Tables that are kept by hand (KEPT) only get the prices of cached
tokens and those of long prompts, and only where the table's other prices are still those of the row, and OpenAI's models
that are asked by the Responses API only.
"""

import json
import pathlib
import re
import sys
from decimal import Decimal

DATA = pathlib.Path(__file__).resolve().parent.parent / "crates/models/data"
KINDS = {"chat": "llm", "responses": "llm", "embedding": "text-embedding", "rerank": "rerank"}
FEATURES = [
    ("supports_function_calling", "tool-call"),
    ("supports_parallel_function_calling", "multi-tool-call"),
    ("supports_function_calling", "agent-thought"),
    ("supports_function_calling", "stream-tool-call"),
    ("supports_vision", "vision"),
    ("supports_pdf_input", "document"),
    ("supports_audio_input", "audio"),
    ("supports_video_input", "video"),
    ("supports_response_schema", "structured-output"),
]
# The vendor's usual address is that of another country than the prices.
FOREIGN_PRICES = {"minimax", "tongyi", "volcengine_maas", "zhipuai"}
MAX_CHUNKS = {"google": 100, "cohere": 96, "voyage": 128, "vertex_ai": 1}


def plain(name, prefix=""):
    """The vendor's name of a model, or None where the key is not one."""
    name = name.removeprefix(prefix)
    return None if "/" in name or name.endswith("@default") else name


def google(name, prefix="gemini/"):
    """Models that answer with texts, or give vectors."""
    other = "lyria|learnlm|robotics|omni|deep-research|realtime|-tts|computer-use|gemini-gemma|-exp-"
    return None if re.search(other, name) else plain(name, prefix)


def perplexity(name):
    """The others are names of long ago."""
    name = plain(name, "perplexity/")
    return name if name and re.fullmatch(r"sonar(-pro|-reasoning|-reasoning-pro|-deep-research)?", name) else None


def voyage(name):
    """The others are asked in other words."""
    return None if "context" in name or "multimodal" in name else plain(name, "voyage/")


def fireworks(name):
    name = name.removeprefix("fireworks_ai/")
    return name if name.startswith("accounts/fireworks/models/") else None


def bedrock(name):
    if "/" in name or re.match(r"(apac|jp|au|ca|us-gov|mx|in)\.", name):
        return None
    return name


# file: [(provider of the table, name of the model by key)]
NATIVE = {
    "anthropic": [("anthropic", plain)],
    "google": [("gemini", google)],
    "vertex_ai": [
        ("vertex_ai-language-models", lambda name: google(name, "vertex_ai/") if "gemini" in name else None),
        ("vertex_ai-anthropic_models", lambda name: plain(name, "vertex_ai/")),
        ("vertex_ai-embedding-models", lambda name: plain(name, "vertex_ai/")),
    ],
    "cohere": [("cohere_chat", plain), ("cohere", plain)],
    "jina": [("jina_ai", plain)],
    "voyage": [("voyage", voyage)],
    "bedrock": [("bedrock_converse", bedrock), ("bedrock", lambda name: bedrock(name) if re.search("embed|rerank", name) else None)],
    "fireworks": [("fireworks_ai", fireworks), ("fireworks_ai-embedding-models", fireworks)],
    "zhipuai": [("zai", lambda name: plain(name, "zai/"))],
    "tongyi": [("dashscope", lambda name: plain(name, "dashscope/"))],
    "volcengine_maas": [("volcengine", lambda name: plain(name, "volcengine/"))],
    "minimax": [("minimax", lambda name: plain(name, "minimax/"))],
    "perplexity": [("perplexity", perplexity)],
}
# Read elsewhere, by hand.
MORE = {
    "jina": [
        {"model": name, "kind": kind} | facts | {"source": source}
        for name, kind, facts, source in [
            ("jina-reranker-v3", "rerank", {}, "https://docs.jina.ai/"),
            ("jina-embeddings-v5-text-small", "text-embedding", {}, "https://docs.jina.ai/"),
            ("jina-embeddings-v5-text-nano", "text-embedding", {}, "https://docs.jina.ai/"),
            (
                "jina-embeddings-v3",
                "text-embedding",
                {"context_size": 8192, "dimensions": 1024},
                "https://developers.llamaindex.ai/python/examples/embeddings/jinaai_embeddings",
            ),
            (
                "jina-embeddings-v4",
                "text-embedding",
                {"context_size": 32768, "dimensions": 2048, "features": ["vision"]},
                "https://jina.ai/models/jina-embeddings-v4/",
            ),
            (
                "jina-clip-v2",
                "text-embedding",
                {"context_size": 8192, "dimensions": 1024, "features": ["vision"]},
                "https://jina.ai/news/jina-clip-v2-multilingual-multimodal-embeddings-for-text-and-images",
            ),
        ]
    ],
    "voyage": [
        {
            "model": name,
            "kind": "text-embedding",
            "context_size": 32000,
            "dimensions": 1024,
            "max_chunks": 128,
            "features": ["vision"],
            "source": "https://docs.voyageai.com/docs/multimodal-embeddings",
        }
        for name in ("voyage-multimodal-3.5", "voyage-multimodal-3")
    ],
    "cohere": [
        {
            "model": "embed-v4.0",
            "kind": "text-embedding",
            "context_size": 128000,
            "dimensions": 1536,
            "max_chunks": 96,
            "features": ["vision"],
            "source": "https://docs.cohere.com/docs/cohere-embed",
        }
    ],
}
# Embedding models that take pictures, whatever the table says, where an adapter can send them.
SEEING = {
    "bedrock": r"((us|eu|global)\.)?(cohere\.embed-|amazon\.(titan-embed-image|nova-2-multimodal))",
    "cohere": "embed-(english|multilingual)-",
    "vertex_ai": "multimodalembedding",
    "voyage": "voyage-multimodal-",
}
# Of https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-multimodal-embeddings, where the table says 768.
DIMENSIONS = {"multimodalembedding": 1408}
KEPT = {"deepseek": "deepseek", "groq": "groq", "mistralai": "mistral", "moonshot": "moonshot", "openai": "", "togetherai": "together_ai", "x": "xai"}


def money(value):
    """Per token to per million, without trailing zeros."""
    text = format((Decimal(str(value)) * 1_000_000).normalize(), "f")
    return text


def price(facts):
    given = facts.get("input_cost_per_token")
    # A text model of a hundred dollars and more is a slip of the table.
    if not given or given >= 1e-4:
        return None
    out = {"input": money(given)}
    if facts.get("output_cost_per_token"):
        out["output"] = money(facts["output_cost_per_token"])
    out |= {"unit": "0.000001", "currency": "USD"}
    for ours, theirs in [("cached", "cache_read_input_token_cost"), ("cache_write", "cache_creation_input_token_cost")]:
        if facts.get(theirs):
            out[ours] = money(facts[theirs])
    if found := tiers(facts):
        out["above"] = found
    return out


def tiers(facts):
    """What all tokens of a call cost whose prompt is longer than so many."""
    found = {}
    for key in facts:
        if match := re.fullmatch(r"input_cost_per_token_above_(\d+)k_tokens", key):
            found[int(match[1])] = {"tokens": int(match[1]) * 1000}
    names = [
        ("input", "input_cost_per_token"),
        ("output", "output_cost_per_token"),
        ("cached", "cache_read_input_token_cost"),
        ("cache_write", "cache_creation_input_token_cost"),
    ]
    for size, tier in found.items():
        for ours, theirs in names:
            if facts.get(f"{theirs}_above_{size}k_tokens"):
                tier[ours] = money(facts[f"{theirs}_above_{size}k_tokens"])
    # A tier that costs what all calls cost is none.
    plain = {ours: money(facts[theirs]) for ours, theirs in names if facts.get(theirs)}
    return [tier for _, tier in sorted(found.items()) if any(tier[name] != plain.get(name) for name in tier if name != "tokens")]


def quirks(file, name, facts):
    found = ["responses"] if facts["mode"] == "responses" else []
    if facts.get("supports_adaptive_thinking"):
        found.append("adaptive-thinking")
    if facts.get("supports_sampling_params") is False:
        found.append("no-sampling")
    if facts.get("supports_native_structured_output") and file != "bedrock":
        found.append("native-schema")
    if "gemini-3" in name:
        found.append("thinking-levels")
    return found


def row(file, name, facts, date):
    kind = KINDS[facts["mode"]]
    out = {"model": name, "kind": kind}
    if kind == "llm":
        out["mode"] = "chat"
    size = facts.get("max_input_tokens") or (facts.get("max_tokens") if kind != "llm" else None)
    if size:
        out["context_size"] = int(size)
    if kind == "llm" and facts.get("max_output_tokens"):
        out["max_output_tokens"] = int(facts["max_output_tokens"])
    if kind == "text-embedding":
        if size := DIMENSIONS.get(name.split("@")[0]) or facts.get("output_vector_size"):
            out["dimensions"] = int(size)
        chunks = 96 if file == "bedrock" and "cohere" in name else 1 if file == "bedrock" else MAX_CHUNKS.get(file)
        if chunks:
            out["max_chunks"] = chunks
    features = [ours for theirs, ours in FEATURES if facts.get(theirs)] if kind == "llm" else []
    if kind == "text-embedding" and file in SEEING and re.match(SEEING[file], name):
        features = ["vision"]
    if features:
        out["features"] = features
    if facts.get("supports_reasoning"):
        out["reasoning"] = True
    if found := quirks(file, name, facts):
        out["quirks"] = found
    if file not in FOREIGN_PRICES and (found := price(facts)):
        out["pricing"] = found
    if facts.get("deprecation_date", "9999") < date:
        out["deprecated"] = True
    out["source"] = facts.get("source") or "the table itself, which names no page"
    return out


def head(version, date, more=""):
    return {
        "about": "Facts of the vendor's models, written by scripts/model-data.py. Prices are per million tokens. What is not known is absent." + more,
        "read_from": f'price table of the litellm package {version} (MIT); "source" is the vendor page it names',
        "read_on": date,
    }


def write(file, document):
    (DATA / f"{file}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"{file}: {len(document['models'])} models")


def newest_first(models):
    """Newer models have higher numbers, and retired ones are last."""
    models = sorted(models, key=lambda model: [int(n) for n in re.findall(r"\d+", model["model"])][:3], reverse=True)
    return sorted(models, key=lambda model: (model["kind"], model.get("deprecated", False)))


def add_responses(models, table, date):
    """Models of OpenAI that are asked by the Responses API only; dated names are left to those who write them."""
    known = {model["model"] for model in models}
    rows = []
    for name, facts in table.items():
        wanted = facts.get("litellm_provider") == "openai" and facts.get("mode") == "responses"
        if wanted and name not in known and not re.search(r"deep-research|daybreak|-20\d\d-|/", name):
            rows.append(row("openai", name, facts, date))
    last = max((at for at, model in enumerate(models) if model.get("mode") == "chat"), default=-1)
    models[last + 1 : last + 1] = newest_first(rows)


def main(path, version, date):
    table = json.loads(pathlib.Path(path).read_text())
    for file, sources in NATIVE.items():
        models = {}
        for provider, name_of in sources:
            for key, facts in table.items():
                if facts.get("litellm_provider") != provider or facts.get("mode") not in KINDS or facts["mode"] == "responses":
                    continue
                name = name_of(key)
                # The table knows next to nothing of most models of this vendor, which lists them itself.
                bare = file == "fireworks" and (facts["mode"] == "rerank" or not any(facts.get(flag) for flag, _ in FEATURES))
                if name and not (bare and facts["mode"] != "embedding"):
                    models.setdefault((name, facts["mode"]), row(file, name, facts, date))
        more = " The prices of the table are those of another site of the vendor and left out." if file in FOREIGN_PRICES else ""
        for more_model in MORE.get(file, []):
            models.setdefault((more_model["model"], more_model["kind"]), more_model)
        write(file, head(version, date, more) | {"models": newest_first(models.values())})
    for file, prefix in KEPT.items():
        document = json.loads((DATA / f"{file}.json").read_text())
        for fact in ("cached_prices_from", "prices_of_long_prompts_from"):
            document[fact] = f"price table of the litellm package {version}, {date}"
        document["models"] = document.pop("models")
        for model in document["models"]:
            facts = table.get(f"{prefix}/{model['model']}") or table.get(model["model"]) or {}
            now, told = price(facts), model.get("pricing")
            same = now and told and now["input"] == told["input"] and now.get("output") == told.get("output")
            for name in ("cached", "above"):
                if same and name in now:
                    told[name] = now[name]
        if file == "openai":
            document = {"responses_models_from": document["cached_prices_from"]} | document
            add_responses(document["models"], table, date)
        write(file, document)


if __name__ == "__main__":
    main(*sys.argv[1:4])
