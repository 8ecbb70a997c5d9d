"""What gateway and devices offer: a web page, a shell that streams, a game's UDP port.

Run in a device's namespace as `python -m demo.services nas`, or in a thread of a test:

    with Services("nas", namespace):
        ...

All listen on IPv4 and IPv6.
"""

import argparse
import asyncio
from collections.abc import Callable, Coroutine
import contextlib
from dataclasses import dataclass
import html
import socket
import threading
import time
from typing import Any, Self

from aiohttp import web

from . import netns
from .netns import Namespace
from .stream import stream

TICK = 0.1
"""Seconds between two lines of the shell, and at most between two of a download."""


@dataclass(frozen=True, slots=True)
class Service:
    """A port and what is behind it."""

    port: int
    kind: socket.SocketKind
    serve: Callable[[str, socket.socket], Coroutine[Any, Any, None]]


async def serve_web(name: str, listening: socket.socket) -> None:
    """HTTP/1.1: a page that says who calls, and a download of any size and speed."""
    app = web.Application()
    app["name"] = name
    app.router.add_get("/", _page)
    app.router.add_get("/download", _download)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _page(request: web.Request) -> web.Response:
    """Name the device and the caller."""
    device = request.app["name"]
    caller = (request.remote or "?").removeprefix("::ffff:")
    return web.Response(
        content_type="text/html",
        text=(
            f"<!doctype html><title>{device}</title>\n"
            f"<h1>This is the web page of {device}</h1>\n"
            f"<p>You call from {caller}, to {html.escape(request.host)}.</p>\n"
            '<p><a href="/download?bytes=100000000&amp;rate=1000000">'
            "A download that takes a while</a></p>\n"
        ),
    )


async def _download(request: web.Request) -> web.StreamResponse:
    """Send `bytes` of the stream, `rate` of them per second (as fast as can be)."""
    try:
        size = int(request.query.get("bytes", "1000000"))
        rate = int(request.query.get("rate", "0"))
    except ValueError:
        size = rate = -1
    if size < 0 or rate < 0:
        raise web.HTTPBadRequest(text="bytes and rate are whole numbers\n")
    response = web.StreamResponse()
    response.content_type = "application/octet-stream"
    response.content_length = size
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):  # a share may be switched off
        await _send(response, size, rate)
    return response


async def _send(response: web.StreamResponse, size: int, rate: int) -> None:
    """Send the stream, never ahead of its time."""
    began, sent = time.monotonic(), 0
    while sent < size:
        chunk = min(size - sent, 1 << 16)
        if rate:
            chunk = min(chunk, max(1, int(rate * TICK / 2)))
            ahead = sent / rate - (time.monotonic() - began)
            await asyncio.sleep(max(0.0, ahead))
        await response.write(stream(sent, chunk))
        sent += chunk
    await response.write_eof()


async def serve_shell(name: str, listening: socket.socket) -> None:
    """Like SSH: the server speaks first. It echoes lines and streams others."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"SSH-2.0-portshare_demo {name}\r\n".encode())
        ticking = asyncio.create_task(tick(writer))
        try:
            while line := await reader.readline():
                writer.write(b"echo " + line)
                await writer.drain()
        except OSError, ValueError:  # cut off, or a line without an end
            pass
        finally:
            ticking.cancel()
            writer.close()

    async def tick(writer: asyncio.StreamWriter) -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                await asyncio.sleep(TICK)
                number += 1
                writer.write(b"tick %d\r\n" % number)
                await writer.drain()

    server = await asyncio.start_server(talk, sock=listening)
    try:
        await server.serve_forever()
    finally:
        server.abort_clients()


class _Game(asyncio.DatagramProtocol):
    """Answers each datagram with its number, counted per player."""

    transport: asyncio.DatagramTransport

    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.seen: dict[tuple[object, ...], int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        number = self.seen[addr] = self.seen.get(addr, 0) + 1
        self.transport.sendto(b"%s %d %s" % (self.name, number, data), addr)


async def serve_game(name: str, listening: socket.socket) -> None:
    """A UDP echo with sequence numbers."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Game(name), sock=listening
    )
    try:
        await asyncio.Event().wait()
    finally:
        transport.close()


GATEWAY_SSH = 22
"""The port at which the gateway itself is managed."""

SERVICES = {
    "gateway": (Service(GATEWAY_SSH, socket.SOCK_STREAM, serve_shell),),
    "nas": (Service(80, socket.SOCK_STREAM, serve_web),),
    "pi": (Service(22, socket.SOCK_STREAM, serve_shell),),
    "console": (Service(27015, socket.SOCK_DGRAM, serve_game),),
}
"""The demo's gateway and devices; a test may put together its own."""


def _listening(service: Service, namespace: Namespace | None) -> socket.socket:
    """A socket for both families, in a namespace or where we are."""
    if namespace is None:
        sock = socket.socket(socket.AF_INET6, service.kind)
    else:
        sock = netns.socket_in(namespace, socket.AF_INET6, service.kind)
    try:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::", service.port))
        if service.kind == socket.SOCK_STREAM:
            sock.listen(128)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


class Services:
    """The services of one device. The ports are open as soon as this is made."""

    def __init__(
        self,
        name: str,
        namespace: Namespace | None = None,
        services: tuple[Service, ...] | None = None,
    ) -> None:
        """Open the ports, in a namespace or where we are."""
        self.name = name
        self._stopping = asyncio.Event()
        self._sockets: list[tuple[Service, socket.socket]] = []
        try:
            for service in SERVICES[name] if services is None else services:
                self._sockets.append((service, _listening(service, namespace)))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        """Serve in a thread."""
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._run, name=f"services {self.name}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, cutting every connection."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self.serve())

    async def serve(self) -> None:
        """Serve until the `with` block ends, or for ever without one."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(service.serve(self.name, sock))
                    for service, sock in self._sockets
                ]
                await self._stopping.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self._close()

    def _close(self) -> None:
        for _, sock in self._sockets:
            sock.close()


def main() -> None:
    """Serve as this device until stopped, having said that the ports are open."""
    parser = argparse.ArgumentParser(prog="python -m demo.services")
    parser.add_argument("name", choices=SERVICES)
    services = Services(parser.parse_args().name)
    print("ready", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(services.serve())


if __name__ == "__main__":
    main()
