#!/usr/bin/env python3
"""Sets in BEIR form out of what is on this machine, for bench/retrieval.py: known-item search.

    python3 bench/known_items.py FOLDER [--documents 3000] [--queries 300]

Three sets, in each of which a text is looked up by the one line that its author wrote over it; that line is no part of
the text. `debian`: the short description of a package and its long one. `python`: the first line of a function's
docstring and the rest of it. `crates`: what a crate's manifest says and its README. Nobody judged anything: what is
relevant is the text of the line and nothing else, so the figures tell ways of searching apart, and say nothing about
how good they are next to figures for other sets."""

import argparse
import ast
import json
import pathlib
import random
import re
import subprocess
import sysconfig

SHORTEST_QUERY, LONGEST_QUERY = 20, 200
SHORTEST, LONGEST = 80, 1500


def debian():
    apart = "%%%%%%%%"
    form = "${Package}\\t${Description}" + apart
    dump = subprocess.run(["dpkg-query", "--show", f"--showformat={form}"], capture_output=True, text=True, check=True).stdout
    for package in dump.split(apart):
        name, _, about = package.partition("\t")
        line, _, text = about.partition("\n")
        yield name, line, re.sub(r"(?m)^ \.?", "", text).strip()


def python():
    place = pathlib.Path(sysconfig.get_path("stdlib"))
    for file in [*sorted(place.glob("*.py")), *sorted(place.glob("*/*.py"))]:
        if file.parent.name in ("test", "idlelib", "lib2to3", "site-packages", "dist-packages"):
            continue
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                head, _, body = (ast.get_docstring(node) or "").partition("\n\n")
                yield f"{file.stem}.{node.name}", " ".join(head.split()), body.strip()


def crates():
    for manifest in sorted(pathlib.Path.home().glob(".cargo/registry/src/*/*/Cargo.toml")):
        about = re.search(r'^description = (?:"""|")(.+?)(?<!\\)"', manifest.read_text(encoding="utf-8"), re.M | re.S)
        readme = next((file for file in manifest.parent.glob("README*") if file.is_file()), None)
        if about and readme:
            text = re.sub(r"(?m)^\[!\[.*$|<[^>]+>", "", readme.read_text(encoding="utf-8", errors="replace"))
            yield manifest.parent.name.rsplit("-", 1)[0], " ".join(about[1].split()), text.strip()


def write(folder, rows, options):
    pick = random.Random(11)
    fitting, seen = [], set()
    for name, line, text in rows:
        # The line itself, or an equal text elsewhere, would make it no search.
        text = text.replace(line, "")[:LONGEST].strip()
        if SHORTEST_QUERY <= len(line) <= LONGEST_QUERY and len(text) >= SHORTEST and text[:300] not in seen and line.lower() not in seen:
            seen |= {text[:300], line.lower()}
            fitting.append((name, line, text))
    pick.shuffle(fitting)
    fitting = fitting[: options.documents]
    asked = fitting[: options.queries]
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    put = lambda name, lines: (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    put("corpus.jsonl", [{"_id": f"d{number}", "title": "", "text": text} for number, (_, _, text) in enumerate(fitting)])
    put("queries.jsonl", [{"_id": f"q{number}", "text": line} for number, (_, line, _) in enumerate(asked)])
    judged = [f"q{number}\td{number}\t1\n" for number in range(len(asked))]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8")
    print(f"{folder}: {len(fitting)} documents, {len(asked)} queries")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--documents", type=int, default=3000)
    parser.add_argument("--queries", type=int, default=300)
    options = parser.parse_args()
    for name, rows in [("debian", debian), ("python", python), ("crates", crates)]:
        write(options.folder / name, rows(), options)


if __name__ == "__main__":
    main()
