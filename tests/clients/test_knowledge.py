"""Knowledge bases by the Service API: from a text to the chunk that answers, in every way of searching, and in apps."""

import json
import time
import urllib.error
import urllib.request

import pytest

from oxidify import ApiError

EMBEDDING = {"embedding_model": "embed-384", "embedding_model_provider": "oxidify/scripted/scripted"}
TEXTS = {
    "leave.md": "# Leave\n\nEvery employee has thirty days of annual leave. Leave is asked for in the portal.",
    "travel.md": "# Travel\n\nTrains are booked by the travel desk. Form E-1042 must be signed before a flight is booked.",
    "notice.txt": "The notice period is three months to the end of a quarter, unless the contract says otherwise.",
    "合同.txt": "合同的通知期为三个月。员工每年有三十天的年假。出差请提前向部门经理申请。",
}


@pytest.fixture(scope="module")
def key(server):
    return server.console("POST", "/datasets/api-keys")["token"]


def call(server, key, method, path, body=None):
    return server.v1(method, path, key, body)


def wait(server, key, dataset, batch, seconds=60):
    """Until every document of a batch is done; answers their states."""
    end = time.monotonic() + seconds
    while True:
        states = call(server, key, "GET", f"/datasets/{dataset}/documents/{batch}/indexing-status")["data"]
        if all(state["indexing_status"] in ("completed", "error") for state in states):
            return states
        assert time.monotonic() < end, states
        time.sleep(0.1)


def add_text(server, key, dataset, name, text, **more):
    body = {"name": name, "text": text, "process_rule": {"mode": "automatic"}, **more}
    return call(server, key, "POST", f"/datasets/{dataset}/document/create-by-text", body)


def filled(server, key, name, technique, texts=TEXTS):
    body = {"name": name, "indexing_technique": technique, "permission": "all_team_members"}
    if technique == "high_quality":
        body |= EMBEDDING
    dataset = call(server, key, "POST", "/datasets", body)["id"]
    documents = {}
    for title, text in texts.items():
        done = add_text(server, key, dataset, title, text, indexing_technique=technique)
        documents[title] = done["document"]["id"]
        states = wait(server, key, dataset, done["batch"])
        assert [(state["indexing_status"], state["error"]) for state in states] == [("completed", None)], states
    return dataset, documents


@pytest.fixture(scope="module")
def economy(server, key):
    return filled(server, key, "economy", "economy")


@pytest.fixture(scope="module")
def quality(server, key):
    return filled(server, key, "quality", "high_quality")


def retrieve(server, key, dataset, query, **settings):
    body = {"query": query}
    if settings:
        base = {"reranking_enable": False, "score_threshold_enabled": False, "top_k": 3}
        body["retrieval_model"] = {"search_method": "semantic_search", **base, **settings}
    return call(server, key, "POST", f"/datasets/{dataset}/retrieve", body)["records"]


def names(records):
    return [record["segment"]["document"]["name"] for record in records]


@pytest.mark.parametrize(
    "query, expected",
    [
        ("How many days of annual leave are there?", "leave.md"),
        ("E-1042", "travel.md"),
        ("notice period", "notice.txt"),
        ("年假有多少天", "合同.txt"),
        ("通知期", "合同.txt"),
    ],
)
def test_words_find_their_document_without_any_model(server, key, economy, query, expected):
    records = retrieve(server, key, economy[0], query)
    assert names(records)[0] == expected, records


@pytest.mark.parametrize("method", ["semantic_search", "full_text_search", "hybrid_search"])
def test_every_way_of_searching_finds(server, key, quality, method):
    records = retrieve(server, key, quality[0], "annual leave days", search_method=method)
    assert names(records)[0] == "leave.md", records
    assert len(records) <= 3
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True)


def test_weights_and_thresholds_count_at_the_end(server, key, quality):
    weights = {"vector_setting": {"vector_weight": 0.0}, "keyword_setting": {"keyword_weight": 1.0}}
    settings = {"search_method": "hybrid_search", "reranking_mode": "weighted_score", "weights": weights}
    records = retrieve(server, key, quality[0], "E-1042", **settings)
    assert names(records)[0] == "travel.md"
    records = retrieve(server, key, quality[0], "annual leave", score_threshold_enabled=True, score_threshold=0.99)
    assert records == []
    assert len(retrieve(server, key, quality[0], "the", top_k=1)) <= 1


def test_a_rerank_model_orders(server, key, quality):
    model = {"reranking_provider_name": "oxidify/scripted/scripted", "reranking_model_name": "rerank"}
    settings = {"search_method": "hybrid_search", "reranking_enable": True, "reranking_mode": "reranking_model"}
    records = retrieve(server, key, quality[0], "notice period", **settings, reranking_model=model)
    assert names(records)[0] == "notice.txt"


def test_what_is_off_or_gone_is_not_found(server, key):
    dataset, documents = filled(server, key, "switched", "high_quality", {"a.txt": "zebra one", "b.txt": "zebra two"})
    found = lambda: set(names(retrieve(server, key, dataset, "zebra", search_method="hybrid_search")))
    assert found() == {"a.txt", "b.txt"}
    switch = lambda action: call(
        server, key, "PATCH", f"/datasets/{dataset}/documents/status/{action}", {"document_ids": [documents["a.txt"]]}
    )
    switch("disable")
    assert found() == {"b.txt"}
    switch("enable")
    assert found() == {"a.txt", "b.txt"}
    call(server, key, "DELETE", f"/datasets/{dataset}/documents/{documents['b.txt']}")
    assert found() == {"a.txt"}
    assert retrieve(server, key, dataset, "two", search_method="full_text_search") == []


def test_equal_texts_of_two_documents_are_both_found(server, key):
    dataset, _ = filled(server, key, "equal", "high_quality", {"one.txt": "the same words", "two.txt": "the same words"})
    records = retrieve(server, key, dataset, "same words", search_method="semantic_search")
    assert set(names(records)) == {"one.txt", "two.txt"}


def test_children_lead_to_their_parents(server, key):
    dataset = call(server, key, "POST", "/datasets", {"name": "parents", "indexing_technique": "high_quality", **EMBEDDING})["id"]
    rules = {
        "pre_processing_rules": [],
        "segmentation": {"separator": "\n\n", "max_tokens": 500},
        "parent_mode": "paragraph",
        "subchunk_segmentation": {"separator": "\n", "max_tokens": 100},
    }
    text = "Cats sleep a lot.\nCats eat fish.\n\nDogs bark at night.\nDogs eat meat."
    done = add_text(
        server, key, dataset, "animals.txt", text, indexing_technique="high_quality",
        doc_form="hierarchical_model", process_rule={"mode": "hierarchical", "rules": rules},
    )
    assert wait(server, key, dataset, done["batch"])[0]["indexing_status"] == "completed"
    records = retrieve(server, key, dataset, "Dogs bark at night.", top_k=1)
    assert records[0]["segment"]["content"] == "Dogs bark at night.\nDogs eat meat."
    assert records[0]["child_chunks"][0]["content"] == "Dogs bark at night."
    assert records[0]["score"] == pytest.approx(records[0]["child_chunks"][0]["score"])


def test_metadata_conditions_come_before_the_cut(server, key):
    dataset, documents = filled(server, key, "dated", "economy", {f"{n}.txt": f"report number {n}" for n in range(8)})
    field = call(server, key, "POST", f"/datasets/{dataset}/metadata", {"type": "number", "name": "year"})["id"]
    operations = [
        {"document_id": documents[f"{n}.txt"], "metadata_list": [{"id": field, "name": "year", "value": 2000 + n}]}
        for n in range(8)
    ]
    call(server, key, "POST", f"/datasets/{dataset}/documents/metadata", {"operation_data": operations})
    conditions = {"logical_operator": "and", "conditions": [{"name": "year", "comparison_operator": "≥", "value": 2006}]}
    records = retrieve(server, key, dataset, "report", top_k=2, metadata_filtering_conditions=conditions)
    assert set(names(records)) == {"6.txt", "7.txt"}
    none = {"conditions": [{"name": "year", "comparison_operator": "=", "value": 1900}]}
    assert retrieve(server, key, dataset, "report", metadata_filtering_conditions=none) == []


@pytest.mark.parametrize(
    "body, status, code, words",
    [
        ({}, 400, "invalid_param", "query or attachment_ids is required"),
        ({"query": "x" * 251}, 400, "invalid_param", "250"),
        ({"query": "a", "retrieval_model": {"search_method": "magic"}}, 400, "invalid_param", "magic"),
        ({"query": "a", "retrieval_model": {"top_k": 0}}, 400, "invalid_param", "top_k"),
    ],
)
def test_bad_questions_are_told(server, key, economy, body, status, code, words):
    with pytest.raises(ApiError) as raised:
        call(server, key, "POST", f"/datasets/{economy[0]}/retrieve", body)
    assert raised.value.status == status
    told = json.loads(raised.value.body)
    assert told["code"] == code and words in told["message"], told


def test_an_empty_base_says_so(server, key):
    dataset = call(server, key, "POST", "/datasets", {"name": "empty"})["id"]
    with pytest.raises(ApiError) as raised:
        call(server, key, "POST", f"/datasets/{dataset}/retrieve", {"query": "a"})
    assert "dataset_not_initialized" in raised.value.body


def workflow(dataset):
    return f"""
app: {{mode: workflow, name: asks knowledge, icon: "📚", icon_type: emoji}}
kind: app
version: 0.5.0
workflow:
  graph:
    edges:
      - {{id: a, source: start, target: find, sourceHandle: source, targetHandle: target, type: custom}}
      - {{id: b, source: find, target: end, sourceHandle: source, targetHandle: target, type: custom}}
    nodes:
      - id: start
        type: custom
        data: {{type: start, title: Start, variables: [{{variable: q, label: q, type: text-input, required: true, max_length: 200}}]}}
      - id: find
        type: custom
        data:
          type: knowledge-retrieval
          title: Find
          query_variable_selector: [start, q]
          dataset_ids: ["{dataset}"]
          retrieval_mode: multiple
          multiple_retrieval_config: {{top_k: 2, reranking_enable: false}}
      - id: end
        type: custom
        data: {{type: end, title: End, outputs: [{{variable: found, value_selector: [find, result]}}]}}
"""


def test_a_workflow_finds(server, key, quality):
    app, _ = server.import_app(workflow(quality[0]))
    done = server.v1("POST", "/workflows/run", server.key(app), {"inputs": {"q": "annual leave"}, "user": "u", "response_mode": "blocking"})
    found = done["data"]["outputs"]["found"]
    assert found[0]["title"] == "leave.md" and found[0]["metadata"]["dataset_id"] == quality[0], done
    assert found[0]["metadata"]["position"] == 1 and found[0]["metadata"]["_source"] == "knowledge"


def chat_app(server, **config):
    model = {"provider": "oxidify/scripted/scripted", "name": "echo", "mode": "chat", "completion_params": {}}
    document = {
        "app": {"mode": "chat", "name": "with knowledge", "icon": "💬", "icon_type": "emoji"},
        "kind": "app",
        "version": "0.5.0",
        "model_config": {"model": model, "pre_prompt": "Be kind.", "prompt_type": "simple", "user_input_form": [], **config},
    }
    app, _ = server.import_app(json.dumps(document))
    return app


def test_a_chat_app_answers_from_knowledge_and_tells_its_sources(server, key, quality):
    configs = {"retrieval_model": "multiple", "top_k": 2, "reranking_enable": False,
               "datasets": {"strategy": "router", "datasets": [{"dataset": {"enabled": True, "id": quality[0]}}]}}
    app = chat_app(server, dataset_configs=configs, retriever_resource={"enabled": True})
    done = server.v1("POST", "/chat-messages", server.key(app), {"inputs": {}, "query": "annual leave", "user": "u", "response_mode": "blocking"})
    sources = done["metadata"]["retriever_resources"]
    assert sources[0]["document_name"] == "leave.md" and sources[0]["position"] == 1, done
    assert "thirty days" in sources[0]["content"] and sources[0]["retriever_from"] == "api"
    quiet = chat_app(server, dataset_configs=configs, retriever_resource={"enabled": False})
    done = server.v1("POST", "/chat-messages", server.key(quiet), {"inputs": {}, "query": "annual leave", "user": "u", "response_mode": "blocking"})
    assert done["metadata"]["retriever_resources"] == []


def switch_reply(server, key, action, threshold=0.8):
    body = {"score_threshold": threshold, "embedding_provider_name": EMBEDDING["embedding_model_provider"],
            "embedding_model_name": EMBEDDING["embedding_model"]}
    job = server.v1("POST", f"/apps/annotation-reply/{action}", key, body)
    assert job["job_status"] in ("waiting", "processing")
    end = time.monotonic() + 20
    while True:
        state = server.v1("GET", f"/apps/annotation-reply/{action}/status/{job['job_id']}", key)
        if state["job_status"] in ("completed", "error"):
            assert state == {"job_id": job["job_id"], "job_status": "completed", "error_msg": ""}
            return
        assert time.monotonic() < end, state
        time.sleep(0.05)


def test_annotations_answer_what_is_like_their_question(server):
    key = server.key(chat_app(server))
    made = server.v1("POST", "/apps/annotations", key, {"question": "When are you open on Sundays?", "answer": "Never."})
    ask = lambda query: server.v1("POST", "/chat-messages", key, {"inputs": {}, "query": query, "user": "u", "response_mode": "blocking"})
    assert ask("When are you open on Sundays?")["answer"] != "Never."
    switch_reply(server, key, "enable")
    assert server.v1("GET", "/parameters", key)["annotation_reply"]["enabled"] is True
    done = ask("When are you open on Sundays?")
    assert done["answer"] == "Never." and done["metadata"]["annotation_reply"]["id"] == made["id"]
    assert done["metadata"]["usage"]["total_tokens"] == 0
    other = ask("What is the price of a bicycle?")
    assert other["answer"] != "Never." and other["metadata"]["annotation_reply"] is None
    # What is added later answers as well.
    server.v1("POST", "/apps/annotations", key, {"question": "What is the price of a bicycle?", "answer": "99."})
    assert ask("What is the price of a bicycle?")["answer"] == "99."
    events = [event["event"] for event in server.stream("/chat-messages", key, {"inputs": {}, "query": "What is the price of a bicycle?", "user": "u", "response_mode": "streaming"})]
    assert events == ["message"] * 3 + ["message_end"]
    assert server.v1("GET", "/apps/annotations", key)["data"][-1]["hit_count"] == 1
    switch_reply(server, key, "disable")
    assert server.v1("GET", "/parameters", key)["annotation_reply"] == {"enabled": False}
    assert ask("When are you open on Sundays?")["answer"] != "Never."


def test_annotations_answer_chatflows_without_a_run(server):
    app, _ = server.import_app((__import__("oxidify").APPS / "chatflow.yml").read_text())
    key = server.key(app)
    server.v1("POST", "/apps/annotations", key, {"question": "Who made you?", "answer": "People."})
    switch_reply(server, key, "enable")
    events = list(server.stream("/chat-messages", key, {"inputs": {}, "query": "Who made you?", "user": "u", "response_mode": "streaming"}))
    assert [event["event"] for event in events] == ["message", "message_end"]
    assert events[0]["answer"] == "People."


@pytest.mark.parametrize("action, body, words", [
    ("jump", {"score_threshold": 0.9, "embedding_provider_name": "a", "embedding_model_name": "b"}, "enable or disable"),
    ("enable", {"score_threshold": 0.9}, "embedding_provider_name"),
    ("enable", {"score_threshold": 7, "embedding_provider_name": "a", "embedding_model_name": "b"}, "between 0 and 1"),
])
def test_bad_switches_are_told(server, keys, action, body, words):
    with pytest.raises(ApiError) as raised:
        server.v1("POST", f"/apps/annotation-reply/{action}", keys["chat"], body)
    assert raised.value.status == 400 and words in raised.value.body


def test_two_hundred_documents_are_found_soon(server, key):
    dataset = call(server, key, "POST", "/datasets", {"name": "many", "indexing_technique": "economy"})["id"]
    text = "lorem ipsum dolor sit amet " * 74
    started = time.monotonic()
    batches = [add_text(server, key, dataset, f"{n}.txt", f"{text} marker{n}", indexing_technique="economy")["batch"] for n in range(50)]
    for batch in set(batches):
        assert all(state["indexing_status"] == "completed" for state in wait(server, key, dataset, batch))
    print(f"50 documents of 2 kB in {time.monotonic() - started:.2f} s")
    assert names(retrieve(server, key, dataset, "marker37"))[0] == "37.txt"
