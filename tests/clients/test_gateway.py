"""`/gateway/v1` with the openai package and litellm, both unmodified: the models of a workspace by a key of the gateway."""

import asyncio
import json

import litellm
import openai
import pytest

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather of a city.", "parameters": SCHEMA}}]
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def user(content):
    return [{"role": "user", "content": content}]


def new_key(server, **more):
    return server.console("POST", "/workspaces/current/gateway-keys", {"name": "clients", **more})


@pytest.fixture(scope="module")
def key(server):
    return new_key(server)["token"]


@pytest.fixture(scope="module")
def client(server, key):
    return openai.OpenAI(base_url=f"{server.url}/gateway/v1", api_key=key, max_retries=0)


def test_models(client):
    ids = [model.id for model in client.models.list()]
    assert "scripted/echo" in ids and "scripted/embed-384" in ids
    assert client.models.retrieve("scripted/echo").owned_by == "scripted"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("scripted/nobody")


def test_an_answer_and_its_pieces(client):
    done = client.chat.completions.create(model="scripted/echo", messages=user("one two three"), temperature=0.2, user="ann")
    assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("one two three", "stop")
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens == 6
    pieces = list(client.chat.completions.create(model="scripted/echo", messages=user("one two three"), stream=True, stream_options={"include_usage": True}))
    assert "".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == "one two three"
    assert not pieces[-1].choices and pieces[-1].usage.total_tokens == 6
    assert len({p.id for p in pieces}) == 1


def test_tools(client):
    asked = client.chat.completions.create(model="scripted/tools", messages=user("weather?"), tools=TOOLS, tool_choice="required")
    call = asked.choices[0].message.tool_calls[0]
    assert (asked.choices[0].finish_reason, call.function.name, list(json.loads(call.function.arguments))) == ("tool_calls", "weather", ["city"])
    messages = [*user("weather?"), asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    assert client.chat.completions.create(model="scripted/tools", messages=messages, tools=TOOLS).choices[0].message.content == "sunny"
    with client.chat.completions.stream(model="scripted/tools", messages=user("weather?"), tools=TOOLS) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert final.function.name == "weather"


def test_an_answer_in_a_form(client):
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    done = client.chat.completions.create(model="scripted/json", messages=user("where?"), response_format=form)
    assert list(json.loads(done.choices[0].message.content)) == ["city"]


def test_pictures_stop_words_and_texts(client):
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    assert client.chat.completions.create(model="scripted/echo", messages=user(parts)).choices[0].message.content == "look"
    assert client.chat.completions.create(model="scripted/echo", messages=user("one two"), stop="two").choices[0].message.content == "one "
    assert client.completions.create(model="scripted/echo", prompt="go on").choices[0].text == "go on"
    assert "".join(p.choices[0].text for p in client.completions.create(model="scripted/echo", prompt="go on", stream=True)) == "go on"


def test_vectors(client):
    # The client asks for base64 by itself and reads it.
    coded = client.embeddings.create(model="scripted/embed-384", input=["tea", "green tea"])
    plain = client.embeddings.create(model="scripted/embed-384", input=["tea", "green tea"], encoding_format="float")
    assert [len(one.embedding) for one in coded.data] == [384, 384]
    assert all(abs(a - b) < 1e-6 for a, b in zip(coded.data[1].embedding, plain.data[1].embedding))


def test_many_at_once(server, key):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{server.url}/gateway/v1", api_key=key, max_retries=0) as many:
            calls = [many.chat.completions.create(model="scripted/echo", messages=user(f"number {n}")) for n in range(50)]
            return [done.choices[0].message.content for done in await asyncio.gather(*calls)]

    assert asyncio.run(ask()) == [f"number {n}" for n in range(50)]


def test_errors_are_the_clients_own(server, client):
    def ask(model="scripted/echo", client=client, **more):
        return client.chat.completions.create(model=model, messages=user("x"), **more)

    with pytest.raises(openai.AuthenticationError):
        ask(client=client.with_options(api_key="sk-ox-unknown"))
    with pytest.raises(openai.NotFoundError) as error:
        ask("scripted/nobody")
    assert (error.value.code, error.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as error:
        ask(n=2)
    assert error.value.param == "n"
    with pytest.raises(openai.RateLimitError) as error:
        ask("scripted/fail", extra_body={"status": 429, "retry_after": 40})
    assert error.value.response.headers["retry-after"] == "40"
    narrow = new_key(server, allowed_models=["scripted/canned"], requests_per_minute=1)
    held = client.with_options(api_key=narrow["token"])
    with pytest.raises(openai.PermissionDeniedError):
        ask(client=held)
    with pytest.raises(openai.RateLimitError):
        for _ in range(3):
            ask("scripted/canned", client=held)
    body = {"name": "clients", "enabled": False}
    server.console("PUT", f"/workspaces/current/gateway-keys/{narrow['id']}", body)
    with pytest.raises(openai.AuthenticationError):
        ask("scripted/canned", client=held)
    listed = server.console("GET", "/workspaces/current/gateway-keys")["data"]
    assert all("token" not in one for one in listed) and narrow["prefix"] in [one["prefix"] for one in listed]


def test_a_stream_that_breaks_is_an_error(client):
    stream = client.chat.completions.create(model="scripted/fail", messages=user("x"), stream=True, extra_body={"after_chunks": 2})
    with pytest.raises(openai.APIError):
        list(stream)


def test_litellm(server, key):
    base = {"api_base": f"{server.url}/gateway/v1", "api_key": key}
    done = litellm.completion(model="openai/scripted/echo", messages=user("one two"), **base)
    assert done.choices[0].message.content == "one two"
    pieces = litellm.completion(model="openai/scripted/echo", messages=user("one two"), stream=True, **base)
    assert "".join(p.choices[0].delta.content or "" for p in pieces) == "one two"
    asked = litellm.completion(model="openai/scripted/tools", messages=user("weather?"), tools=TOOLS, **base)
    assert asked.choices[0].message.tool_calls[0].function.name == "weather"
    vectors = litellm.embedding(model="openai/scripted/embed-384", input=["tea"], **base)
    assert len(vectors.data[0]["embedding"]) == 384
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(model="openai/scripted/echo", messages=user("x"), api_base=base["api_base"], api_key="sk-ox-no", max_retries=0)


def test_litellm_ranks(server, key):
    documents = ["coffee", "green tea", "tea"]
    ranked = litellm.rerank(model="hosted_vllm/scripted/rerank", query="green tea", documents=documents, top_n=2, api_base=f"{server.url}/gateway/v1", api_key=key)
    assert [one["index"] for one in ranked.results] == [1, 2]
