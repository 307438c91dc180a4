"""A server made with the official MCP SDK, for clients to be tried on: `mcp_peer.py` prints its address and serves until it is ended;
`mcp_peer.py stdio` speaks over standard input and output."""

import asyncio
import base64
import contextlib
import socket
import sys

import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from starlette.applications import Starlette
from starlette.routing import Mount

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def made():
    server = MCPServer("peer")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @server.tool()
    def greet(name: str, loud: bool = False) -> str:
        """Greets somebody."""
        text = f"Hello {name} 你好"
        return text.upper() if loud else text

    @server.tool()
    def pixel() -> Image:
        """A picture."""
        return Image(data=PIXEL, format="png")

    @server.tool()
    def fail() -> str:
        """Fails."""
        raise ValueError("broken on purpose")

    @server.tool()
    async def slow() -> str:
        """Takes its time."""
        await asyncio.sleep(30)
        return "late"

    return server


def app():
    stream, plain, older = made(), made(), made()
    stream_app = stream.streamable_http_app(streamable_http_path="/mcp")
    plain_app = plain.streamable_http_app(streamable_http_path="/mcp", json_response=True, stateless_http=True)
    older_app = older.sse_app(sse_path="/sse", message_path="/messages/")

    @contextlib.asynccontextmanager
    async def life(_):
        async with contextlib.AsyncExitStack() as stack:
            for inner in (stream_app, plain_app):
                await stack.enter_async_context(inner.router.lifespan_context(inner))
            yield

    return Starlette(routes=[Mount("/stream", stream_app), Mount("/plain", plain_app), Mount("/older", older_app)], lifespan=life)


if __name__ == "__main__":
    if sys.argv[1:] == ["stdio"]:
        made().run("stdio")
        sys.exit()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app(), log_level="warning")).run(sockets=[listener])
