"""What the devices of the soak offer: at each port somebody who says where he is."""

import asyncio
import contextlib
import socket
from typing import Final, override

from demo.services import Service

from .model import ASKED, INSIDE


async def serve_tcp(name: str, listening: socket.socket) -> None:
    """Say who and where one is, and repeat what is said."""
    said = _said(name, listening)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                writer.write(line)
        writer.close()

    server = await asyncio.start_server(talk, sock=listening)
    try:
        await server.serve_forever()
    finally:
        server.abort_clients()


class _Udp(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def __init__(self, said: bytes) -> None:
        self.said = said

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        self.transport.sendto(self.said, addr)


async def serve_udp(name: str, listening: socket.socket) -> None:
    """Say who and where one is, to each datagram."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Udp(_said(name, listening)), sock=listening
    )
    try:
        await asyncio.Event().wait()
    finally:
        transport.close()


def _said(name: str, listening: socket.socket) -> bytes:
    return f"{name} {listening.getsockname()[1]}\n".encode()


OFFERED: Final = tuple(
    service
    for port in (*INSIDE, *ASKED)
    for service in (
        Service(port, socket.SOCK_STREAM, serve_tcp),
        Service(port, socket.SOCK_DGRAM, serve_udp),
    )
)
"""The same at every device."""
