"""A port inside a namespace, reachable on the host's own loopback and nowhere else."""

import asyncio
import contextlib
import errno
import socket

from . import netns
from .netns import Namespace

LOOPBACKS = ("127.0.0.1", "::1")


class PortTakenError(Exception):
    """Somebody listens on the host's port already."""


class Relay:
    """Passes every connection to localhost:`port` on to the namespace's loopback."""

    def __init__(self, namespace: Namespace, inner_port: int) -> None:
        """Nothing listens before `start`."""
        self._namespace = namespace
        self._inner_port = inner_port
        self._servers: list[asyncio.Server] = []
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on the host; port 0 means any that is free."""
        try:
            for address in LOOPBACKS:
                self._servers.append(await self._listen(address, port))
                port = self._servers[0].sockets[0].getsockname()[1]
        except OSError as error:
            # A host may have no IPv6 at all, but no IPv4 would be something else.
            if error.errno == errno.EADDRINUSE or not self._servers:
                await self.stop()
                raise PortTakenError(f"Port {port} is taken on this host") from error
        self.port = port

    async def stop(self) -> None:
        """Stop listening and cut what is connected."""
        for server in self._servers:
            server.close()
            server.abort_clients()
        self._servers.clear()

    async def _listen(self, address: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._pass_on, address, port)

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
