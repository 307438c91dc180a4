"""litellm's proxy as a real gateway: upstream of our OpenAI-compatible adapter, itself fed by a small local model server.

The model behind the proxy is litellm's own `mock_response`, so that nothing leaves the machine.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from oxidify import ApiError, free_port  # noqa: E402

CONFIG = """
model_list:
  - model_name: mock-chat
    litellm_params: {model: openai/mock-chat, api_key: none, mock_response: "A reply from behind the gateway."}
general_settings: {master_key: sk-gateway}
litellm_settings: {telemetry: false}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("litellm")
    (folder / "config.yaml").write_text(CONFIG)
    port = free_port()
    command = shutil.which("litellm", path=os.path.dirname(sys.executable))
    log = open(folder / "log.txt", "wb")
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_DOCS": "True"}
    process = subprocess.Popen([command, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)], cwd=folder, env=env, stdout=log, stderr=log)
    # On a new machine its many modules are read for the first time, beside everything else that is tested.
    deadline = time.time() + 240
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=1)
                break
            except OSError:
                assert process.poll() is None and time.time() < deadline, (folder / "log.txt").read_text()[-2000:]
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def add_model(server, gateway, name, key):
    credentials = {"api_key": key, "endpoint_url": f"{gateway}/v1", "mode": "chat", "context_size": "4096"}
    body = {"model": name, "model_type": "llm", "credentials": credentials}
    return server.console("POST", "/workspaces/current/model-providers/openai_api_compatible/models/credentials", body)


def app_with(server, provider, model):
    text = (pathlib.Path(__file__).resolve().parents[1] / "apps" / "chat.yml").read_text()
    text = text.replace("provider: oxidify/scripted, name: echo", f"provider: {provider}, name: {model}")
    app_id, _ = server.import_app(text)
    return server.key(app_id)


def test_chat_through_the_gateway(server, gateway):
    add_model(server, gateway, "mock-chat", "sk-gateway")
    key = app_with(server, "openai_api_compatible", "mock-chat")
    body = {"inputs": {}, "query": "hello", "user": "ann"}
    answer = server.v1("POST", "/chat-messages", key, body)
    assert answer["answer"] == "A reply from behind the gateway."
    assert answer["metadata"]["usage"]["completion_tokens"] > 0
    pieces = [e["answer"] for e in server.stream("/chat-messages", key, {**body, "response_mode": "streaming"}) if e["event"] == "message"]
    assert "".join(pieces) == "A reply from behind the gateway."


def test_a_wrong_gateway_key_is_told_at_once(server, gateway):
    with pytest.raises(ApiError) as error:
        add_model(server, gateway, "mock-chat", "sk-wrong")
    assert error.value.status == 400


def test_an_unknown_model_is_told_with_the_gateways_words(server, gateway):
    with pytest.raises(ApiError) as error:
        add_model(server, gateway, "no-such-model", "sk-gateway")
    assert error.value.status == 400 and "no-such-model" in error.value.body
