"""An asyncio netlink socket: requests, dumps, atomic batches and events.

pyroute2's sockets are not used for nftables: they wait for ever when a batch is refused
with EPERM, and report success for a batch that was rolled back (measured on 0.7-0.9).
Messages are bytes here, so they may come from pyroute2's classes or from `struct`.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
import contextlib
import ctypes
from dataclasses import dataclass, field
import errno
from functools import partial
import itertools
import logging
import os
import socket
import struct
from typing import Final, NamedTuple

from .errors import BatchRefused, NetlinkError, NetlinkTimeout

_LOGGER = logging.getLogger(__name__)

# include/uapi/linux/netlink.h
NETLINK_ROUTE: Final = 0
NETLINK_NETFILTER: Final = 12
_SOL_NETLINK: Final = 270
_NETLINK_ADD_MEMBERSHIP: Final = 1
_NETLINK_CAP_ACK: Final = 10
_NETLINK_EXT_ACK: Final = 11
_SO_ATTACH_FILTER: Final = 26
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_DUMP_INTR: Final = 0x10
NLM_F_DUMP: Final = 0x300
NLM_F_CREATE: Final = 0x400
NLM_F_EXCL: Final = 0x200
NLM_F_APPEND: Final = 0x800
_NLM_F_CAPPED: Final = 0x100
_NLM_F_ACK_TLVS: Final = 0x200

_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_NLMSG_MIN_TYPE: Final = 0x10
_NLMSGERR_ATTR_MSG: Final = 1

# include/uapi/linux/netfilter/nfnetlink.h
_NFNL_MSG_BATCH_BEGIN: Final = 0x10
_NFNL_MSG_BATCH_END: Final = 0x11

_HEADER: Final = struct.Struct("=IHHII")
_NFGENMSG: Final = struct.Struct(">BBH")
_ATTRIBUTE: Final = struct.Struct("=HH")

# include/uapi/linux/filter.h: struct sock_filter
_INSTRUCTION_BYTES: Final = 8

_BUFFER_BYTES: Final = 256 << 10
_SOCKET_BUFFER_BYTES: Final = 32 << 20
_TIMEOUT_SECONDS: Final = 20
_DUMP_ATTEMPTS: Final = 5
_DATAGRAMS_PER_TURN: Final = 16


class Message(NamedTuple):
    """One netlink message without its header."""

    type: int
    flags: int
    body: bytes


class Event(NamedTuple):
    """A message that the kernel sent unasked. `port_id` is the socket that caused it."""

    type: int
    port_id: int
    data: bytes


@dataclass(slots=True)
class _Exchange:
    """A request that waits for its answer."""

    first: int
    last: int
    done: asyncio.Future[None]
    errors: list[tuple[int, NetlinkError]] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    interrupted: bool = False


class NetlinkSocket:
    """A netlink socket that belongs to the running event loop.

    Sending runs the whole request in the caller's thread and may wait for the kernel's
    commit mutex while another program loads rules (measured: up to 0.5 s), so it is
    done in a thread of its own. One request is under way at a time.

    A socket may be lost: somebody in this process closes its descriptor, or the kernel
    does not answer in time. The next use opens it anew; its port id may be another then.
    """

    def __init__(
        self,
        protocol: int,
        *,
        groups: Iterable[int] = (),
        on_event: Callable[[Event], None] | None = None,
        on_loss: Callable[[], None] | None = None,
        filter_: bytes = b"",
    ) -> None:
        """Open the socket and join the multicast groups.

        `on_loss` is called when messages were lost, because the kernel had to drop some
        (ENOBUFS) or the socket was opened anew: the listener must read everything again.
        `filter_` are the instructions of a classic BPF program that chooses the messages
        to receive.
        """
        self._protocol = protocol
        self._groups = tuple(groups)
        self._filter = filter_
        self._on_event = on_event
        self._on_loss = on_loss
        self._buffer = bytearray(_BUFFER_BYTES)
        self._sequence = itertools.count(1)
        self._exchange: _Exchange | None = None
        self._lock = asyncio.Lock()
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="portshare-netlink")
        self._loop = asyncio.get_running_loop()
        self._lost = False
        self._closed = False
        self._connect()

    async def close(self) -> None:
        """Close the socket; whoever waits for an answer gets an error."""
        if self._closed:
            return
        self._closed = True
        self._let_go()
        await self._loop.run_in_executor(None, self._sender.shutdown)

    def check(self) -> bool:
        """Open the socket anew if it was lost; return whether it is open.

        Every request does that first. Who only listens is not told of a descriptor that
        was closed, so he must ask.
        """
        if not self._is_open():
            self._reopen("somebody has closed it")
        return self._is_open()

    def set_filter(self, filter_: bytes) -> None:
        """Receive what another filter lets pass from now on."""
        self._filter = filter_
        if self.check():
            _attach(self._socket, filter_)

    async def request(self, *messages: Message) -> list[bytes]:
        """Send messages that are carried out one after the other, at once.

        Returns the rows that answer them. If one is refused, the others are done all
        the same, and the first error is raised.
        """
        numbers = [next(self._sequence) for _ in messages]
        parts = [
            _pack(message, number, NLM_F_ACK)
            for message, number in zip(messages, numbers, strict=True)
        ]
        exchange = await self._send(
            b"".join(parts), _Exchange(numbers[0], numbers[-1], self._future())
        )
        for _, error in exchange.errors:
            raise error
        return exchange.rows

    async def dump(self, type_: int, body: bytes) -> list[bytes]:
        """Return all messages of a dump, headers included.

        A dump during which the table changed is repeated (NLM_F_DUMP_INTR).
        """
        for _ in range(_DUMP_ATTEMPTS):
            number = next(self._sequence)
            exchange = await self._send(
                _pack(Message(type_, NLM_F_DUMP, body), number),
                _Exchange(number, number, self._future()),
            )
            errors = [error for _, error in exchange.errors]
            if any(error.errno != errno.EINTR for error in errors):
                raise errors[0]
            if not exchange.interrupted and not errors:
                return exchange.rows
        raise NetlinkError(errno.EINTR, "the table kept changing during the dump")

    async def batch(
        self, messages: list[Message], subsystem: int, *, commit: bool = True
    ) -> None:
        """Carry out all messages or none (nfnetlink transaction).

        The last message asks for an acknowledgement. The batch is over when that one
        is answered, or when its begin is refused: kernels before 6.10 do not
        acknowledge the end marker. Without `commit` the end marker is left out, and
        the kernel checks everything and changes nothing, as for `nft --check`.
        Raises BatchRefused.
        """
        if not messages:
            return
        numbers = [next(self._sequence) for _ in range(len(messages) + 2)]
        marker = _NFGENMSG.pack(socket.AF_UNSPEC, 0, subsystem)
        parts = [_pack(Message(_NFNL_MSG_BATCH_BEGIN, 0, marker), numbers[0])]
        for message, number in zip(messages, numbers[1:], strict=False):
            flags = NLM_F_ACK if number == numbers[-2] else 0
            parts.append(_pack(message, number, flags))
        if commit:
            parts.append(_pack(Message(_NFNL_MSG_BATCH_END, 0, marker), numbers[-1]))
        exchange = await self._send(
            b"".join(parts), _Exchange(numbers[0], numbers[-2], self._future())
        )
        if exchange.errors:
            number, error = exchange.errors[0]
            raise BatchRefused(error, number - numbers[0] - 1)

    def _connect(self) -> None:
        self._socket = _open(self._protocol, self._groups, self._filter)
        self._identity = os.fstat(self._socket.fileno())
        self.port_id: int = self._socket.getsockname()[0]
        # The loop may know the number yet, of a socket that was closed behind its back.
        self._loop.remove_reader(self._socket)
        self._loop.add_reader(self._socket, self._read)

    def _is_open(self) -> bool:
        """Return whether the descriptor is ours still, and not closed or another's."""
        descriptor = _status(self._socket.fileno())
        return bool(descriptor and os.path.samestat(descriptor, self._identity))

    def _reopen(self, reason: str) -> None:
        if self._closed:
            return
        if not self._lost:
            _LOGGER.warning(
                "The socket of netlink protocol %d was lost: %s", self._protocol, reason
            )
        self._lost = True
        self._let_go()
        try:
            self._connect()
        except OSError as err:
            _LOGGER.debug(
                "The socket of netlink protocol %d cannot be opened: %s",
                self._protocol,
                err,
            )
            return
        self._lost = False
        _LOGGER.info("The socket of netlink protocol %d is open again", self._protocol)
        if self._on_loss:
            self._on_loss()

    def _let_go(self) -> None:
        """Close the socket, but not what else may have its number by now."""
        is_open = self._is_open()
        number = self._socket.detach()
        if is_open or (number >= 0 and not _status(number)):
            self._loop.remove_reader(number)
        if is_open:
            os.close(number)
        self._fail(_closed())

    def _future(self) -> asyncio.Future[None]:
        return self._loop.create_future()

    async def _send(self, data: bytes, exchange: _Exchange) -> _Exchange:
        async with self._lock:
            if not self.check():
                raise _closed()
            self._exchange = exchange
            sending = self._sender.submit(self._socket.sendto, data, (0, 0))
            sending.add_done_callback(partial(self._sent, exchange))
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await exchange.done
            except TimeoutError as err:
                # The answer may come yet, and would be nobody's.
                self._reopen("the kernel has not answered in time")
                raise NetlinkTimeout from err
            except NetlinkError:
                raise
            except OSError as err:
                raise NetlinkError(err.errno or errno.EIO, err.strerror or "") from err
            finally:
                self._exchange = None
                sending.cancel()
                exchange.done.cancel()
        return exchange

    def _sent(self, exchange: _Exchange, sending: Future[int]) -> None:
        """Only what could not be sent has no answer to wait for. Called in any thread."""
        if not sending.cancelled() and (error := sending.exception()):
            self._loop.call_soon_threadsafe(_fail, exchange, error)

    def _read(self) -> None:
        for _ in range(_DATAGRAMS_PER_TURN):
            try:
                size, (sender, _groups) = self._socket.recvfrom_into(self._buffer)
            except BlockingIOError, InterruptedError:
                return
            except OSError as err:
                self._read_failed(err)
                return
            if sender == 0:
                self._parse(memoryview(self._buffer)[:size])

    def _read_failed(self, err: OSError) -> None:
        # The kernel says so, once, of a dump that another thread has just ended.
        if err.errno == errno.EINVAL:
            return
        if err.errno != errno.ENOBUFS:
            self._reopen(str(err))
            return
        self._fail(NetlinkError(errno.ENOBUFS, err.strerror or ""))
        if self._on_loss:
            self._on_loss()

    def _fail(self, error: NetlinkError) -> None:
        if self._exchange:
            _fail(self._exchange, error)

    def _parse(self, data: memoryview) -> None:
        while len(data) >= _HEADER.size:
            length, type_, flags, number, port_id = _HEADER.unpack_from(data)
            if not _HEADER.size <= length <= len(data):
                return
            self._dispatch(type_, flags, number, port_id, data[:length])
            data = data[_align(length) :]

    def _dispatch(
        self, type_: int, flags: int, number: int, port_id: int, data: memoryview
    ) -> None:
        exchange = self._exchange
        if (
            exchange is None
            or port_id != self.port_id
            or not exchange.first <= number <= exchange.last
        ):
            if self._on_event and type_ >= _NLMSG_MIN_TYPE:
                self._on_event(Event(type_, port_id, bytes(data)))
            return
        exchange.interrupted |= bool(flags & NLM_F_DUMP_INTR)
        if type_ == _NLMSG_ERROR:
            error = _error(data, flags)
            if error:
                exchange.errors.append((number, error))
            if number == exchange.last or (error and number == exchange.first):
                _finish(exchange)
        elif type_ == _NLMSG_DONE:
            code = struct.unpack_from("=i", data, _HEADER.size)[0]
            if code < 0:
                exchange.errors.append(
                    (number, NetlinkError(-code, os.strerror(-code)))
                )
            _finish(exchange)
        else:
            exchange.rows.append(bytes(data))


def attribute(type_: int, payload: bytes) -> bytes:
    """Return one netlink attribute, padded to four bytes."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, type_) + payload + b"\0" * (-length % 4)


def attributes(data: bytes) -> Iterable[tuple[int, bytes]]:
    """Yield type and payload of netlink attributes that follow one another."""
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, type_ = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            return
        yield type_ & 0x3FFF, data[offset + _ATTRIBUTE.size : offset + length]
        offset += _align(length)


def _open(protocol: int, groups: Iterable[int], filter_: bytes) -> socket.socket:
    netlink = socket.socket(
        socket.AF_NETLINK,
        socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
        protocol,
    )
    for forced, ordinary in (
        (_SO_SNDBUFFORCE, socket.SO_SNDBUF),
        (_SO_RCVBUFFORCE, socket.SO_RCVBUF),
    ):
        try:
            netlink.setsockopt(socket.SOL_SOCKET, forced, _SOCKET_BUFFER_BYTES)
        except PermissionError:
            netlink.setsockopt(socket.SOL_SOCKET, ordinary, _SOCKET_BUFFER_BYTES)
    for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK):
        with contextlib.suppress(OSError):
            netlink.setsockopt(_SOL_NETLINK, option, 1)
    if filter_:
        _attach(netlink, filter_)
    netlink.bind((0, 0))
    for group in groups:
        netlink.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
    return netlink


def _attach(netlink: socket.socket, filter_: bytes) -> None:
    program = ctypes.create_string_buffer(filter_)
    count = len(filter_) // _INSTRUCTION_BYTES
    fprog = struct.pack("@HP", count, ctypes.addressof(program))
    netlink.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)


def _status(descriptor: int) -> os.stat_result | None:
    """Return what has the number of a descriptor; None if nobody has it."""
    try:
        return os.fstat(descriptor)
    except OSError:
        return None


def _align(length: int) -> int:
    return (length + 3) & ~3


def _pack(message: Message, number: int, flags: int = 0) -> bytes:
    body = message.body + b"\0" * (-len(message.body) % 4)
    return (
        _HEADER.pack(
            _HEADER.size + len(message.body),
            message.type,
            message.flags | flags | NLM_F_REQUEST,
            number,
            0,
        )
        + body
    )


def _closed() -> NetlinkError:
    return NetlinkError(errno.ECONNABORTED, "netlink socket closed")


def _fail(exchange: _Exchange, error: BaseException) -> None:
    if not exchange.done.done():
        exchange.done.set_exception(error)
        # Who waits may have given up: that is nothing for the loop to complain of.
        exchange.done.exception()


def _finish(exchange: _Exchange) -> None:
    if not exchange.done.done():
        exchange.done.set_result(None)


def _error(data: memoryview, flags: int) -> NetlinkError | None:
    """Return the error in an NLMSG_ERROR message; None if it is an acknowledgement."""
    code = -struct.unpack_from("=i", data, _HEADER.size)[0]
    if code == 0:
        return None
    detail = None
    if flags & _NLM_F_ACK_TLVS:
        offset = _HEADER.size + 4
        (length,) = struct.unpack_from("=I", data, offset)
        offset += _HEADER.size if flags & _NLM_F_CAPPED else _align(length)
        for type_, payload in attributes(bytes(data[offset:])):
            if type_ == _NLMSGERR_ATTR_MSG:
                detail = payload.rstrip(b"\0").decode(errors="replace")
    return NetlinkError(code, os.strerror(code), detail)
