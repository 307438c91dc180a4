"""The workflows of the crash suite: loops, iterations, calls with effects, waits, people.

Each is a DSL text (JSON is YAML). What a flow says does not depend on the run, so that the text of every run can be
compared with that of a quiet one.
"""

import json

ITEMS = ["a", "b", "c", "d", "e"]
ROUNDS = 4
ANSWER = "fine"


def node(name, kind, inside=None, **data):
    """A node; `inside` is (kind, id) of the container around it."""
    flags = {}
    if inside:
        flags = {"isInIteration": inside[0] == "iteration", "isInLoop": inside[0] == "loop", f"{inside[0]}_id": inside[1]}
    made = {"id": name, "type": "custom", "position": {"x": 0, "y": 0}, "data": {"type": kind, "title": name, **flags, **data}}
    return {**made, "parentId": inside[1]} if inside else made


def graph(name, mode, nodes, edges):
    drawn = [
        {"id": f"{e[0]}-{e[1]}-{e[2]}", "source": e[0], "sourceHandle": e[1], "target": e[2], "targetHandle": "target", "type": "custom", "data": {}} for e in edges
    ]
    workflow = {"features": {}, "graph": {"nodes": nodes, "edges": drawn}, "environment_variables": [], "conversation_variables": []}
    return json.dumps({"app": {"name": name, "mode": mode}, "kind": "app", "version": "0.6.0", "workflow": workflow})


def line(*names):
    """Edges from each node to the next one."""
    return [(a, "source", b) for a, b in zip(names, names[1:])]


def start(query=True):
    asked = [{"variable": "query", "label": "Query", "type": "paragraph", "required": True, "max_length": 6000, "options": []}]
    return node("start", "start", variables=asked if query else [])


def call(name, url, place="", method="post", inside=None, **data):
    headers = "X-Run:{{#sys.workflow_run_id#}}" + (f"\nX-Place:{place}" if place else "")
    config = {
        "method": method, "url": f"{url}/{name}", "authorization": {"type": "no-auth", "config": None}, "headers": headers, "params": "",
        "body": {"type": "none", "data": []}, "timeout": {"connect": 5, "read": 20, "write": 20}, "retry_config": {"retry_enabled": False},
    }
    return node(name, "http-request", inside, **config, **data)


def model(name, words, speed=80):
    text = " ".join(f"{name}{i}" for i in range(words))
    chosen = {"provider": "oxidify/scripted", "name": "canned", "mode": "chat", "completion_params": {"text": text, "tokens_per_s": speed}}
    rest = {"context": {"enabled": False, "variable_selector": []}, "vision": {"enabled": False}}
    return node(name, "llm", model=chosen, prompt_template=[{"role": "user", "text": "Say it."}], **rest)


def form(name, inside=None):
    inputs = [{"type": "paragraph", "output_variable_name": "note"}]
    actions = [{"id": "approve", "title": "Yes", "button_style": "primary"}]
    ways = [{"id": "w", "type": "webapp", "enabled": True, "config": {}}]
    return node(name, "human-input", inside, delivery_methods=ways, form_content="Well? {{#$output.note#}}", inputs=inputs, user_actions=actions, timeout=6, timeout_unit="hour")


def end(**outputs):
    return node("end", "end", outputs=[{"variable": name, "value_selector": selector} for name, selector in outputs.items()])


def template(name, text, inside=None, **variables):
    listed = [{"variable": variable, "value_selector": selector} for variable, selector in variables.items()]
    return node(name, "template-transform", inside, template=text, variables=listed)


def items():
    code = f"function main() {{ return {{items: {json.dumps(ITEMS)}}}; }}"
    return node("list", "code", code_language="javascript", code=code, variables=[], outputs={"items": {"type": "array[string]", "children": None}})


def iteration(parallel, children):
    """Nodes of an iteration over the items: `children(inside)` lists those after its start; the last is `out`."""
    inside = ("iteration", "each")
    config = {"iterator_selector": ["list", "items"], "output_selector": ["out", "output"], "is_parallel": parallel, "parallel_nums": 3, "error_handle_mode": "terminated"}
    made = children(inside)
    first = node("eachstart", "iteration-start", inside)
    return [node("each", "iteration", start_node_id="eachstart", **config), first, *made], line("eachstart", *[n["id"] for n in made])


def loop_flow(url):
    inside = ("loop", "round")
    variable = {"id": "v", "label": "i", "var_type": "number", "value_type": "constant", "value": "0"}
    add = {"variable_selector": ["round", "i"], "input_type": "constant", "operation": "+=", "value": 1, "write_mode": "over-write"}
    nodes = [
        start(),
        node("round", "loop", start_node_id="roundstart", loop_count=ROUNDS, loop_variables=[variable], break_conditions=[], logical_operator="and", error_handle_mode="terminated"),
        node("roundstart", "loop-start", inside),
        call("charge", url, "{{#round.i#}}", inside=inside),
        node("add", "assigner", inside, version="2", items=[add]),
        end(out=["round", "i"]),
    ]
    return graph("Loop", "workflow", nodes, line("start", "round", "end") + line("roundstart", "charge", "add"))


def items_flow(url, parallel):
    def children(inside):
        return [call("ship", url, "{{#each.item#}}", inside=inside), template("out", "{{ item }}: {{ said }}", inside, item=["each", "item"], said=["ship", "body"])]

    nodes, edges = iteration(parallel, children)
    return graph(f"Items {parallel}", "workflow", [start(), items(), *nodes, end(out=["each", "output"])], line("start", "list", "each", "end") + edges)


def asked_items_flow(url):
    """A form for each item, inside a parallel iteration, with an effect before and after it."""

    def children(inside):
        place = "{{#each.item#}}"
        said = template("out", "{{ item }}: {{ note }}", inside, item=["each", "item"], note=["ask", "note"])
        return [call("prepare", url, place, inside=inside), form("ask", inside), call("commit", url, place, inside=inside), said]

    nodes, edges = iteration(True, children)
    edges = [(a, "approve" if a == "ask" else handle, b) for a, handle, b in edges]
    return graph("Asked items", "workflow", [start(), items(), *nodes, end(out=["each", "output"])], line("start", "list", "each", "end") + edges)


def chat_flow(url):
    answer = node("answer", "answer", answer="A: {{#one.text#}} | {{#note.body#}} | {{#two.text#}} .", variables=[])
    nodes = [start(False), model("one", 40), call("note", url), model("two", 30), answer]
    return graph("Chat", "advanced-chat", nodes, line("start", "one", "note", "two", "answer"))


def asked_chat_flow(url):
    before = node("before", "answer", answer="Before {{#one.text#}}. ", variables=[])
    after = node("after", "answer", answer="After {{#ask.note#}}: {{#two.text#}} {{#act.body#}}.", variables=[])
    nodes = [start(False), call("intend", url), model("one", 30), before, form("ask"), call("act", url), model("two", 30), after]
    edges = line("start", "intend", "one", "before", "ask") + [("ask", "approve", "act")] + line("act", "two", "after")
    return graph("Asked chat", "advanced-chat", nodes, edges)


def branches_flow(url):
    """Two branches at a time: one only reads (and may be repeated), one speaks; an effect that is declared repeatable after them."""
    both = template("both", "{{ a }} and {{ b }}", a=["look", "body"], b=["one", "text"])
    nodes = [start(), call("look", url, method="get"), model("one", 50), both, call("declared", url, idempotent=True), end(out=["both", "output"], more=["declared", "body"])]
    edges = line("start", "look", "both", "declared", "end") + line("start", "one", "both")
    return graph("Branches", "workflow", nodes, edges)


REPEATABLE = {"look", "declared"}


def flows(url):
    """Name → (DSL text, the places of each effect in a run that succeeds)."""
    rounds = [str(i) for i in range(ROUNDS)]
    return {
        "loop": (loop_flow(url), {"charge": rounds}),
        "items": (items_flow(url, False), {"ship": ITEMS}),
        "parallel": (items_flow(url, True), {"ship": ITEMS}),
        "chat": (chat_flow(url), {"note": [""]}),
        "asked": (asked_chat_flow(url), {"intend": [""], "act": [""]}),
        "asked_items": (asked_items_flow(url), {"prepare": ITEMS, "commit": ITEMS}),
        "branches": (branches_flow(url), {"look": [""], "declared": [""]}),
    }
