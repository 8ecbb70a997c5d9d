"""A port inside a namespace, reachable on the host's own loopback and nowhere else."""

import asyncio
from collections.abc import Iterable
import contextlib
import socket

from . import netns
from .netns import Namespace


class Relay:
    """Passes every connection on to a port of the namespace's loopback."""

    def __init__(self, namespace: Namespace, inner_port: int) -> None:
        """Nobody is served before `start`."""
        self._namespace = namespace
        self._inner_port = inner_port
        self._servers: list[asyncio.Server] = []

    async def start(self, listening: Iterable[socket.socket]) -> None:
        """Serve who connects to these sockets."""
        for each in listening:
            self._servers.append(await asyncio.start_server(self._pass_on, sock=each))

    async def stop(self) -> None:
        """Stop listening and cut what is connected."""
        for server in self._servers:
            server.close()
            server.abort_clients()
        self._servers.clear()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection, until both sides have said all they had to say."""
        try:
            inner_reader, inner_writer = await self._connect()
        except OSError:  # Home Assistant is restarting
            writer.transport.abort()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, inner_writer))
            group.create_task(_copy(inner_reader, writer))
        for each in (inner_writer, writer):
            each.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = netns.socket_in(self._namespace, socket.AF_INET)
        try:
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", self._inner_port))
            return await asyncio.open_connection(sock=sock)
        except BaseException:
            sock.close()
            raise


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction. Its end is passed on, and a cut connection cuts the other."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
    except OSError:
        writer.transport.abort()
