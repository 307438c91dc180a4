"""The openai package from PyPI, unmodified: apps as models."""

import base64
import time

import openai
import pytest


def model(server, name):
    """A client for one app: the base address names it, its key opens it."""
    from oxidify import APPS

    app_id, _ = server.import_app((APPS / f"{name}.yml").read_text())
    return openai.OpenAI(base_url=f"{server.url}/v1/openai/{app_id}", api_key=server.key(app_id), max_retries=0), app_id


def user(text):
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def chat(server):
    return model(server, "chat")[0]


def test_an_answer(chat):
    done = chat.chat.completions.create(model="any", messages=user("hello world"), user="ann")
    assert done.object == "chat.completion" and done.model == "any"
    assert (done.choices[0].message.role, done.choices[0].message.content) == ("assistant", "hello world")
    assert done.choices[0].finish_reason == "stop"
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0


def test_an_answer_piece_by_piece(chat):
    stream = chat.chat.completions.create(model="any", messages=user("one two three"), stream=True, stream_options={"include_usage": True})
    pieces = list(stream)
    assert "".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == "one two three"
    assert [p.choices[0].finish_reason for p in pieces if p.choices][-1] == "stop"
    assert not pieces[-1].choices and pieces[-1].usage.completion_tokens > 0
    assert len({p.id for p in pieces}) == 1


def test_the_streaming_helper(chat):
    with chat.chat.completions.stream(model="any", messages=user("a b c")) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.content == "a b c"


@pytest.mark.parametrize("name, expected", [("chatflow", "tea"), ("passthrough", "tea"), ("completion", "Translate: tea")])
def test_other_modes(server, name, expected):
    client, _ = model(server, name)
    assert client.chat.completions.create(model="x", messages=user("tea")).choices[0].message.content == expected
    stream = client.chat.completions.create(model="x", messages=user("tea"), stream=True)
    assert "".join(p.choices[0].delta.content or "" for p in stream) == expected


def test_history_and_instructions_reach_the_model(server, chat):
    messages = [{"role": "system", "content": "Be brief."}, *user("q1"), {"role": "assistant", "content": "a1"}, *user("now")]
    raw = chat.chat.completions.with_raw_response.create(model="x", messages=messages, user="bob")
    assert raw.parse().choices[0].message.content == "now"
    again = chat.chat.completions.create(model="x", messages=user("more"), user="bob", extra_body={"conversation_id": raw.headers["x-conversation-id"]})
    # The scripted model counts words: history and question.
    alone = chat.chat.completions.create(model="x", messages=user("more"))
    assert again.usage.prompt_tokens > alone.usage.prompt_tokens


def test_pictures_in_the_message(chat):
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}}]
    assert chat.chat.completions.create(model="x", messages=[{"role": "user", "content": parts}]).choices[0].message.content == "look"


def test_a_stop_word_ends_the_answer(chat):
    done = chat.chat.completions.create(model="x", messages=user("one two three"), stop=["two"])
    assert done.choices[0].message.content == "one "


def test_models(server):
    client, app_id = model(server, "chat")
    assert [(m.id, m.name) for m in client.models.list()] == [(app_id, "Chat")]
    assert client.models.retrieve(app_id).id == app_id
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")


def test_errors_are_the_clients_own(server, chat):
    client, app_id = model(server, "chat")
    for key, kind in (("app-unknown", openai.AuthenticationError), (chat.api_key, openai.NotFoundError)):
        with pytest.raises(kind):
            client.with_options(api_key=key).chat.completions.create(model="x", messages=user("x"))
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model="x", messages=user("x"), n=2)
    assert error.value.param == "n" and "one answer" in error.value.message
    key = server.console("GET", f"/apps/{app_id}/api-keys")["data"][0]
    limited = server.console("PUT", f"/apps/{app_id}/api-keys/{key['id']}", {"requests_per_minute": 1, "scopes": ["run"]})
    assert (limited["requests_per_minute"], limited["concurrent_runs"], limited["scopes"]) == (1, 0, ["run"])
    with pytest.raises(openai.RateLimitError) as error:
        for _ in range(3):
            client.chat.completions.create(model="x", messages=user("x"))
    assert int(error.value.response.headers["retry-after"]) > 0


def test_who_leaves_ends_the_run(server):
    client, app_id = model(server, "llm_slow")
    stream = client.chat.completions.create(model="x", messages=user("go"), stream=True)
    next(iter(stream))
    stream.close()
    deadline = time.time() + 15
    while True:
        runs = server.console("GET", f"/apps/{app_id}/workflow-runs?triggered_from=app-run")["data"]
        if runs and runs[0]["status"] != "running":
            break
        assert time.time() < deadline, runs
        time.sleep(0.1)
    assert runs[0]["status"] == "stopped"
