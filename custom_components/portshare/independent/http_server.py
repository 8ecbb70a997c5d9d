"""HTTP for the devices at home: one site for each address of the LAN interfaces.

It is for programs, and stays out of the reach of web pages: those that are open in a
browser at home come with an Origin, or by a name of their own that leads here (DNS
rebinding). One connection carries one request, and none lasts long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
import logging
import socket
from typing import Any, Final, override
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from ..sharing.model import LanAddress
from .lan_sockets import address_of, listen_at, open_socket
from .port_control import Address

_LOGGER = logging.getLogger(__name__)

# Of clients that speak no HTTP. Any device could fill the log with it.
_NOISE = _LOGGER.getChild("noise")
_NOISE.setLevel(logging.CRITICAL)

# In seconds: for the headers, and for the body of a request.
_PATIENCE: Final = 10.0
# For what comes behind a request that is answered already; and for what is under way when
# we close.
_LINGER: Final = 1.0
_MOST_OF_ADDRESS: Final = 16
_MOST_IN_ALL: Final = 128
_LONGEST_LINE: Final = 4_096
_MOST_HEADERS: Final = 64

type Answer = Callable[[web.BaseRequest], Awaitable[web.Response]]


class BadBodyError(Exception):
    """The body of a request is too long, comes too slowly or not at all, or is none."""


class HttpServer:
    """Listens where it is told, and lets through what comes from programs at home."""

    def __init__(
        self,
        answer: Answer,
        is_at_home: Callable[[Address], bool],
        *,
        port: int,
        product: str,
        longest_body: int,
    ) -> None:
        """Remember who answers, and who may ask; `listen` begins.

        The kernel chooses another port if nothing is heard yet and this one is taken, or
        is 0. `product` goes into the answers.
        """
        self.port = port
        self._answer = answer
        self._product = product
        self._door = _Door(self._let_through, is_at_home, longest_body)
        self._sites: dict[LanAddress, asyncio.Server] = {}

    @property
    def addresses(self) -> Collection[LanAddress]:
        """Where it listens now."""
        return self._sites.keys()

    async def listen(self, addresses: Iterable[LanAddress]) -> None:
        """Listen at these addresses, and no longer at others.

        Raises OSError if another program has the port; the other addresses are listened
        at all the same.
        """
        await listen_at(addresses, self._sites, self._open)

    async def close(self) -> None:
        """Listen no longer, for good, and end what is under way."""
        await self.listen(())
        await self._door.shutdown(_LINGER)

    async def _open(self, where: LanAddress) -> asyncio.Server:
        try:
            sock = open_socket(where, socket.SOCK_STREAM, self.port)
        except OSError:
            if self._sites:
                raise
            sock = open_socket(where, socket.SOCK_STREAM, 0)
        # All addresses have the port of the first.
        self.port = sock.getsockname()[1]
        return await asyncio.get_running_loop().create_server(self._door, sock=sock)

    async def _let_through(self, request: web.BaseRequest) -> web.Response:
        if not _is_for_us(request):
            response = web.Response(status=404)
        elif hdrs.ORIGIN in request.headers or hdrs.REFERER in request.headers:
            response = web.Response(status=403)
        else:
            try:
                response = await self._answer(request)
            except Exception:
                # A mistake of ours; the next device shall be answered all the same.
                _LOGGER.exception("A request could not be answered")
                response = web.Response(status=500)
        response.headers[hdrs.SERVER] = self._product
        response.force_close()
        return response


class _Door(web.Server):
    """Lets devices of the home in, not too many at a time of one and of all."""

    def __init__(
        self, answer: Answer, is_at_home: Callable[[Address], bool], longest_body: int
    ) -> None:
        super().__init__(
            answer,
            request_factory=self._new_request,
            access_log=None,
            logger=_NOISE,
            keepalive_timeout=_PATIENCE,
            lingering_time=_LINGER,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_HEADERS,
            auto_decompress=False,
        )
        self._is_at_home = is_at_home
        self._longest_body = longest_body
        self._inside: dict[web.RequestHandler, Address] = {}
        self._is_shut = False

    @override
    async def shutdown(self, timeout: float | None = None) -> None:
        # Who has knocked by now may get here a little later.
        self._is_shut = True
        await super().shutdown(timeout)

    @override
    def connection_made(
        self, handler: web.RequestHandler, transport: asyncio.Transport
    ) -> None:
        super().connection_made(handler, transport)
        peer = transport.get_extra_info("peername")
        if peer is None or not self._has_room(source := address_of(peer)):
            transport.abort()
        else:
            self._inside[handler] = source

    @override
    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._inside.pop(handler, None)

    def _has_room(self, source: Address) -> bool:
        of_source = sum(each == source for each in self._inside.values())
        return (
            not self._is_shut
            and len(self._inside) < _MOST_IN_ALL
            and of_source < _MOST_OF_ADDRESS
            and self._is_at_home(source)
        )

    def _new_request(
        self, message: Any, payload: Any, handler: Any, writer: Any, task: Any
    ) -> web.BaseRequest:
        return web.BaseRequest(
            message,
            payload,
            handler,
            writer,
            task,
            asyncio.get_running_loop(),
            client_max_size=self._longest_body,
        )


async def read_body(request: web.BaseRequest) -> bytes:
    """Return the body of a request. Raises BadBodyError."""
    if (request.content_length or 0) > request.client_max_size:
        raise BadBodyError
    # "A server that receives a 100-continue expectation in an HTTP/1.1 request [...] MUST
    # send either a 100 (Continue) response or a final status code" -- RFC 9110 10.1.1
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        async with asyncio.timeout(_PATIENCE):
            return await request.read()
    # Who asks may be gone before he has said all.
    except (OSError, web.HTTPException, web.RequestPayloadError) as err:
        raise BadBodyError from err


def _is_for_us(request: web.BaseRequest) -> bool:
    """Return whether the Host header is the address and port that was connected to.

    libplum leaves the port out. The address alone keeps out who comes by a name.
    """
    here = request.get_extra_info("sockname")
    try:
        host = urlsplit(f"//{request.headers.get(hdrs.HOST, '')}")
        asked, port = address_of((host.hostname or "",)), host.port
    except ValueError:
        return False
    return here is not None and asked == address_of(here) and port in (None, here[1])
