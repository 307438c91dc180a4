"""The official MCP client from PyPI, unmodified: apps of every mode as tools."""

import json

import anyio
import pytest
from mcp import Client, MCPError

UNKNOWN = "aaaaaaaaaaaaaaaa"


def open_door(server, name, description="What it does", parameters=None):
    """Imports an app, gives it an MCP server and answers (app id, server, address)."""
    from oxidify import APPS

    app_id, _ = server.import_app((APPS / f"{name}.yml").read_text())
    made = server.console("POST", f"/apps/{app_id}/server", {"description": description, "parameters": parameters or {}})
    return app_id, made, f"{server.url}/mcp/server/{made['server_code']}/mcp"


def talk(address, work, **how):
    async def run():
        async with Client(address, **how) as client:
            return await work(client)

    return anyio.run(run)


async def tools_and_call(client, arguments):
    tools = (await client.list_tools()).tools
    assert len(tools) == 1
    return tools[0], await client.call_tool(tools[0].name, arguments)


def text(result):
    assert not result.is_error, result
    assert [part.type for part in result.content] == ["text"]
    return result.content[0].text


def test_a_chat_app(server):
    _, _, address = open_door(server, "chat")
    tool, result = talk(address, lambda client: tools_and_call(client, {"query": "hello from a model"}))
    assert (tool.name, tool.description) == ("Chat", "What it does")
    assert tool.input_schema["required"] == ["query"]
    assert text(result) == "hello from a model"


def test_a_workflow(server):
    _, _, address = open_door(server, "passthrough", parameters={"query": "Any text"})
    tool, result = talk(address, lambda client: tools_and_call(client, {"query": "你好"}))
    assert tool.input_schema["properties"]["query"] == {"type": "string", "description": "Any text"}
    assert json.loads(text(result)) == {"query": "你好"}


@pytest.mark.parametrize("name, arguments, expected", [("chatflow", {"query": "hi there"}, "hi there"), ("completion", {"query": "this"}, "Translate: this")])
def test_other_modes(server, name, arguments, expected):
    _, _, address = open_door(server, name)
    _, result = talk(address, lambda client: tools_and_call(client, arguments))
    assert text(result) == expected


def test_the_handshake(server):
    _, _, address = open_door(server, "chat", description="Instructions for models")

    async def look(client):
        await client.send_ping()
        return client.server_info, client.instructions, client.protocol_version

    info, instructions, version = talk(address, look, mode="legacy")
    assert (info.name, instructions, version) == ("Dify", "Instructions for models", "2024-11-05")


def test_wrong_arguments_and_a_closed_door(server):
    app_id, made, address = open_door(server, "chat")

    async def refused(client):
        with pytest.raises(MCPError) as error:
            await client.call_tool("Chat", {})
        return error.value

    error = talk(address, refused)
    assert error.code == -32602 and "query is required" in str(error)
    server.console("PUT", f"/apps/{app_id}/server", {"id": made["id"], "parameters": {}, "status": "inactive"})
    with pytest.raises(Exception) as error:
        talk(address, lambda client: client.list_tools(), mode="legacy")
    assert "Server is not active" in flat(error.value)
    server.console("PUT", f"/apps/{app_id}/server", {"id": made["id"], "parameters": {}, "status": "active"})
    moved = server.console("GET", f"/apps/{made['id']}/server/refresh")
    assert moved["server_code"] != made["server_code"]
    with pytest.raises(Exception) as error:
        talk(address, lambda client: client.list_tools(), mode="legacy")
    assert "Server Not Found" in flat(error.value)


def flat(error):
    """The texts of an error and of those in it."""
    inner = getattr(error, "exceptions", ())
    return " ".join([str(error), *map(flat, inner)])
