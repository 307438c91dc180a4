"""dify-client from PyPI, unmodified, against the running binary."""

import json
import threading
import time

import pytest
import requests
from dify_client import ChatClient, CompletionClient

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def client(kind, server, key):
    it = kind(key)
    it.base_url = f"{server.url}/v1"
    return it


def events(response):
    """The events of a stream, read as simple clients do: split on `data:` lines."""
    out = []
    for line in response.iter_lines(decode_unicode=True):
        if line.startswith("data:"):
            out.append(json.loads(line.removeprefix("data:").strip()))
    return out


@pytest.fixture(scope="module")
def chat(server, keys):
    return client(ChatClient, server, keys["chat"])


@pytest.fixture(scope="module")
def chatflow(server, keys):
    return client(ChatClient, server, keys["chatflow"])


def test_chat_blocking(chat):
    answer = chat.create_chat_message(inputs={}, query="hello world", user="ann", response_mode="blocking")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["event"] == "message" and body["mode"] == "chat"
    assert body["answer"] == "hello world"
    assert body["id"] == body["message_id"]
    assert body["metadata"]["usage"]["total_tokens"] > 0


def test_chat_streaming(chat):
    answer = chat.create_chat_message(inputs={}, query="one two three", user="ann", response_mode="streaming")
    assert answer.headers["content-type"].startswith("text/event-stream")
    seen = events(answer)
    assert "".join(e["answer"] for e in seen if e["event"] == "message") == "one two three"
    assert seen[-1]["event"] == "message_end"
    assert len({e["conversation_id"] for e in seen}) == 1
    assert len({e["task_id"] for e in seen}) == 1


def test_an_agent_tells_its_rounds(server, keys):
    agent = client(ChatClient, server, keys["agent"])
    refused = agent.create_chat_message(inputs={}, query="6*7?", user="ann", response_mode="blocking")
    assert refused.status_code == 400 and refused.json()["message"] == "Agent Chat App does not support blocking mode"
    seen = events(agent.create_chat_message(inputs={}, query="6*7?", user="ann", response_mode="streaming"))
    assert seen[-1]["event"] == "message_end"
    thoughts = [e for e in seen if e["event"] == "agent_thought"]
    assert [t["position"] for t in thoughts] == [1, 1, 1, 2, 2]
    assert thoughts[2]["tool"] == "eval_expression"
    assert json.loads(thoughts[2]["tool_input"]) == {"eval_expression": {"expression": "6*7"}}
    assert json.loads(thoughts[2]["observation"]) == {"eval_expression": "42"}
    assert "".join(e["answer"] for e in seen if e["event"] == "agent_message") == "42"
    listed = agent.get_conversation_messages(user="ann", conversation_id=seen[0]["conversation_id"]).json()["data"]
    assert listed[0]["answer"] == "42"
    assert [t["position"] for t in listed[0]["agent_thoughts"]] == [1, 2]


def test_chatflow_streaming_has_node_events_in_order(chatflow):
    seen = events(chatflow.create_chat_message(inputs={}, query="hi there", user="ann", response_mode="streaming"))
    names = [e["event"] for e in seen]
    assert names[0] == "workflow_started"
    assert names[-2:] == ["message_end", "workflow_finished"]
    assert names.count("node_started") == names.count("node_finished") == 3
    assert "".join(e["answer"] for e in seen if e["event"] == "message") == "hi there"
    assert seen[-1]["data"]["status"] == "succeeded"


def test_a_conversation_goes_on_and_is_listed_renamed_and_deleted(chat, server, keys):
    first = chat.create_chat_message(inputs={}, query="first", user="bob").json()
    again = chat.create_chat_message(inputs={}, query="second", user="bob", conversation_id=first["conversation_id"]).json()
    assert again["conversation_id"] == first["conversation_id"]
    messages = chat.get_conversation_messages(user="bob", conversation_id=first["conversation_id"]).json()
    assert [m["query"] for m in messages["data"]] == ["first", "second"]
    renamed = chat.rename_conversation(first["conversation_id"], "A name 名字", "bob")
    assert renamed.status_code == 200 and renamed.json()["name"] == "A name 名字"
    listed = chat.get_conversations(user="bob").json()["data"]
    assert [c["name"] for c in listed] == ["A name 名字"]
    gone = requests.delete(f"{server.url}/v1/conversations/{first['conversation_id']}", json={"user": "bob"},
                           headers={"Authorization": f"Bearer {keys['chat']}"})
    assert gone.status_code == 204
    assert chat.get_conversations(user="bob").json()["data"] == []


def test_feedback(chat):
    message = chat.create_chat_message(inputs={}, query="rate me", user="cat").json()["message_id"]
    for rating in ("like", "dislike", None):
        assert chat.message_feedback(message, rating, "cat").json() == {"result": "success"}
    assert chat.message_feedback(message, None, "cat").status_code == 400


def test_parameters(chat):
    body = chat.get_application_parameters("ann").json()
    assert body["opening_statement"] == "Hello"
    assert body["suggested_questions"] == ["What can you do?"]
    assert body["system_parameters"]["file_size_limit"] == 15


def test_completion(server, keys):
    it = client(CompletionClient, server, keys["completion"])
    body = it.create_completion_message({"query": "bread"}, "blocking", "ann").json()
    assert body["mode"] == "completion" and body["answer"] == "Translate: bread"
    seen = events(it.create_completion_message({"query": "bread"}, "streaming", "ann"))
    assert "".join(e["answer"] for e in seen if e["event"] == "message") == "Translate: bread"
    missing = it.create_completion_message({}, "blocking", "ann")
    assert missing.status_code == 400 and missing.json()["message"] == "query is required in input form"


def test_files(chat):
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
    uploaded = chat.file_upload("ann", {"file": ("dot.png", png, "image/png")})
    assert uploaded.status_code == 201, uploaded.text
    body = uploaded.json()
    assert body["name"] == "dot.png" and body["size"] == len(png) and body["mime_type"] == "image/png"
    files = [{"type": "image", "transfer_method": "local_file", "upload_file_id": body["id"]}]
    assert chat.create_chat_message({}, "look", "ann", files=files).status_code == 200
    refused = chat.file_upload("ann", {"file": ("run.exe", b"MZ", "application/x-msdownload")})
    assert refused.status_code == 400 and refused.json()["code"] == "invalid_param"
    none = chat.file_upload("ann", {"other": ("a.txt", b"x", "text/plain")})
    assert none.status_code == 400 and none.json()["code"] == "no_file_uploaded"


@pytest.mark.parametrize("key, status, code", [("app-wrong", 401, "unauthorized"), ("", 401, "unauthorized")])
def test_a_wrong_key_is_refused(server, key, status, code):
    answer = client(ChatClient, server, key).create_chat_message({}, "x", "ann")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_errors_name_what_is_wrong(chat, server, keys):
    unknown = chat.create_chat_message({}, "x", "ann", conversation_id=UNKNOWN)
    assert (unknown.status_code, unknown.json()["message"][:24]) == (404, "Conversation Not Exists.")
    malformed = chat.create_chat_message({}, "x", "ann", conversation_id="nope")
    assert malformed.status_code == 400 and malformed.json()["code"] == "invalid_param"
    no_user = chat._send_request("POST", "/chat-messages", {"inputs": {}, "query": "x"})
    assert (no_user.status_code, no_user.json()["message"]) == (400, "Arg user must be provided.")
    empty = chat.create_chat_message({}, "", "ann")
    assert empty.status_code == 400
    wrong_mode = client(ChatClient, server, keys["passthrough"]).create_chat_message({}, "x", "ann")
    assert (wrong_mode.status_code, wrong_mode.json()["code"]) == (400, "not_chat_app")
    not_json = requests.post(f"{server.url}/v1/chat-messages", data="{oops", headers={"Authorization": f"Bearer {keys['chat']}", "Content-Type": "application/json"})
    assert (not_json.status_code, not_json.json()["code"]) == (400, "bad_request")
    no_type = requests.post(f"{server.url}/v1/chat-messages", data="x", headers={"Authorization": f"Bearer {keys['chat']}"})
    assert (no_type.status_code, no_type.json()["code"]) == (415, "unsupported_media_type")


def workflow(server, key, body):
    return requests.post(f"{server.url}/v1/workflows/run", json={"user": "ann", **body}, headers={"Authorization": f"Bearer {key}"},
                         stream=body.get("response_mode") == "streaming", timeout=60)


def test_workflow_blocking_streaming_detail_and_logs(server, keys):
    body = workflow(server, keys["ten_templates"], {"inputs": {"query": "go"}, "response_mode": "blocking"}).json()
    assert body["data"]["status"] == "succeeded"
    assert body["data"]["outputs"] == {"result": "go 1 2 3 4 5 6 7 8 9 10"}
    seen = events(workflow(server, keys["ten_templates"], {"inputs": {"query": "go"}, "response_mode": "streaming"}))
    assert [e["event"] for e in seen].count("node_finished") == 12
    assert seen[0]["event"] == "workflow_started" and seen[-1]["event"] == "workflow_finished"
    headers = {"Authorization": f"Bearer {keys['ten_templates']}"}
    detail = requests.get(f"{server.url}/v1/workflows/run/{seen[0]['workflow_run_id']}", headers=headers).json()
    assert detail["status"] == "succeeded" and detail["total_steps"] == 12
    logs = requests.get(f"{server.url}/v1/workflows/logs", headers=headers).json()
    assert {row["workflow_run"]["id"] for row in logs["data"]} >= {seen[0]["workflow_run_id"], body["workflow_run_id"]}


def test_workflow_input_errors(server, keys):
    cases = [({"inputs": {}}, "query is required in input form"), ({"inputs": {"query": 5}}, "must be a string"), ({"inputs": None}, "inputs")]
    for body, text in cases:
        answer = workflow(server, keys["passthrough"], body)
        assert answer.status_code == 400 and text in answer.json()["message"], answer.text


def test_stop(server, keys):
    seen = []
    stopped = threading.Event()

    def follow():
        answer = workflow(server, keys["llm_slow"], {"inputs": {"query": "go"}, "response_mode": "streaming"})
        for line in answer.iter_lines(decode_unicode=True):
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
        stopped.set()

    thread = threading.Thread(target=follow)
    thread.start()
    while not any(e["event"] == "text_chunk" for e in seen):
        time.sleep(0.01)
    answer = requests.post(f"{server.url}/v1/workflows/tasks/{seen[0]['task_id']}/stop", json={"user": "ann"},
                           headers={"Authorization": f"Bearer {keys['llm_slow']}"})
    assert answer.json() == {"result": "success"}
    thread.join(10)
    assert stopped.is_set()
    assert (seen[-1]["event"], seen[-1]["data"]["status"]) == ("workflow_finished", "stopped")


def test_a_client_that_leaves_does_not_end_the_run(server, keys):
    answer = workflow(server, keys["llm_slow"], {"inputs": {"query": "go"}, "response_mode": "streaming"})
    lines = answer.iter_lines(decode_unicode=True)
    first = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
    answer.close()
    headers = {"Authorization": f"Bearer {keys['llm_slow']}"}
    deadline = time.time() + 30
    while time.time() < deadline:
        status = requests.get(f"{server.url}/v1/workflows/run/{first['workflow_run_id']}", headers=headers).json()["status"]
        if status != "running":
            break
        time.sleep(0.2)
    assert status == "succeeded"


def test_five_megabytes_pass_through(server, keys):
    text = "数据" * 850_000
    body = workflow(server, keys["passthrough"], {"inputs": {"query": text}, "response_mode": "blocking"}).json()
    assert body["data"]["outputs"]["query"] == text
