"""Tools of servers made with the official MCP SDK, taken in and called by a workflow."""

import json
import pathlib
import subprocess
import sys

import pytest
from oxidify import Server

PEER = pathlib.Path(__file__).with_name("mcp_peer.py")


@pytest.fixture(scope="module")
def peer():
    process = subprocess.Popen([sys.executable, str(PEER)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def open_server():
    """A server whose operator lets tools come to this machine."""
    with Server(env={"SSRF_PROXY_ALLOW_PRIVATE_IPS": "127.0.0.1"}) as running:
        running.set_up()
        yield running


def calling(tool, parameters):
    node = {
        "type": "tool", "title": "Tool", "tool_node_version": "2", "tool_configurations": {}, "provider_type": "mcp",
        "provider_id": tool[0], "provider_name": tool[0], "tool_name": tool[1],
        "tool_parameters": {name: {"type": "constant", "value": value} for name, value in parameters.items()},
    }
    start = {"type": "start", "title": "Start", "variables": []}
    end = {"type": "end", "title": "End", "outputs": [{"variable": "said", "value_selector": ["t", "text"]}]}
    nodes = [{"id": name, "type": "custom", "position": {"x": 0, "y": 0}, "data": data} for name, data in (("s", start), ("t", node), ("e", end))]
    edges = [{"id": f"{a}-{b}", "source": a, "sourceHandle": "source", "target": b, "targetHandle": "target"} for a, b in (("s", "t"), ("t", "e"))]
    return json.dumps({
        "app": {"name": "MCP", "mode": "workflow", "icon": "x", "icon_background": "#fff", "description": ""}, "kind": "app", "version": "0.6.0",
        "dependencies": [], "workflow": {"environment_variables": [], "conversation_variables": [], "features": {},
                                         "graph": {"nodes": nodes, "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}}},
    })


@pytest.mark.parametrize("way, identifier", [("/stream/mcp", "stream"), ("/plain/mcp", "plain"), ("/older/sse", "older")])
def test_a_workflow_calls_a_tool(open_server, peer, way, identifier):
    body = {"server_url": f"{peer}{way}", "name": identifier, "server_identifier": identifier, "icon": "x", "icon_type": "emoji"}
    provider = open_server.console("POST", "/workspaces/current/tool-provider/mcp", body)
    assert provider["is_team_authorization"], provider
    assert [tool["name"] for tool in provider["tools"]] == ["add", "greet", "pixel", "fail", "slow"]
    assert any(one["id"] == provider["id"] for one in open_server.console("GET", "/workspaces/current/tools/mcp"))
    app_id, _ = open_server.import_app(calling((identifier, "add"), {"a": 2, "b": "40"}))
    body = {"inputs": {}, "user": "ann", "response_mode": "blocking"}
    done = open_server.v1("POST", "/workflows/run", open_server.key(app_id), body)["data"]
    assert (done["status"], done["outputs"]["said"]) == ("succeeded", "42"), done


def test_a_program_is_a_server_where_the_operator_allows_it():
    from oxidify import ApiError

    body = {"server_url": "stdio:peer", "name": "peer", "server_identifier": "peer", "icon": "x", "icon_type": "emoji"}
    with Server() as closed:
        closed.set_up()
        with pytest.raises(ApiError) as error:
            closed.console("POST", "/workspaces/current/tool-provider/mcp", body)
        assert "OXIDIFY_MCP_STDIO_COMMANDS" in str(error.value.body)
    allowed = {"peer": {"command": sys.executable, "args": [str(PEER), "stdio"]}}
    with Server(env={"OXIDIFY_MCP_STDIO_COMMANDS": json.dumps(allowed)}) as running:
        running.set_up()
        provider = running.console("POST", "/workspaces/current/tool-provider/mcp", body)
        assert [tool["name"] for tool in provider["tools"]] == ["add", "greet", "pixel", "fail", "slow"]
        app_id, _ = running.import_app(calling(("peer", "add"), {"a": 2, "b": "40"}))
        key = running.key(app_id)
        for _ in range(2):
            done = running.v1("POST", "/workflows/run", key, {"inputs": {}, "user": "ann", "response_mode": "blocking"})["data"]
            assert (done["status"], done["outputs"]["said"]) == ("succeeded", "42"), done


def test_our_own_servers_are_peers(open_server):
    """An app of this server, offered over MCP, as a tool of another app: refused, for calls to oneself never leave."""
    from oxidify import APPS, ApiError

    app_id, _ = open_server.import_app((APPS / "passthrough.yml").read_text())
    made = open_server.console("POST", f"/apps/{app_id}/server", {"description": "Says it again", "parameters": {}})
    body = {"server_url": f"{open_server.url}/mcp/server/{made['server_code']}/mcp", "name": "own", "server_identifier": "own", "icon": "x", "icon_type": "emoji"}
    with pytest.raises(ApiError) as error:
        open_server.console("POST", "/workspaces/current/tool-provider/mcp", body)
    assert "SSRF" in str(error.value.body)
