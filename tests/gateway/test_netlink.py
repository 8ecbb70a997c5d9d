"""The socket: no error is lost, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
import contextlib
import errno
import gc
import logging
import os
from pathlib import Path
import socket
import struct

import pytest

from custom_components.portshare.gateway import netlink
from custom_components.portshare.gateway.errors import (
    BatchRefused,
    NetlinkError,
    NetlinkTimeout,
)
from custom_components.portshare.gateway.netlink import (
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NLM_F_CREATE,
    NLM_F_DUMP_INTR,
    Event,
    Message,
    NetlinkSocket,
    attribute,
    attributes,
)
from custom_components.portshare.gateway.nftables import (
    NFNL_SUBSYS_NFTABLES,
    NFPROTO_INET,
    add_chain,
    add_table,
    delete_table,
)
from custom_components.portshare.gateway.ruleset import RULESET
from custom_components.portshare.gateway.table import (
    GET_ELEMENTS,
    Element,
    add_messages,
    delete_messages,
    dump_request,
    parse,
)

from .capabilities import without_net_admin
from .traffic import PATIENCE, nft

NFTABLES_EVENTS = 7
GET_TABLES = NFNL_SUBSYS_NFTABLES << 8 | 1
GET_LINKS = 18
NEW_NEIGHBOUR = 28
INET = bytes([1, 0, 0, 0])


@pytest.fixture
async def sock(inside: None) -> AsyncGenerator[NetlinkSocket]:
    sock = NetlinkSocket(NETLINK_NETFILTER)
    yield sock
    await sock.close()


def element(number: int) -> Element:
    return Element("dnat4", number.to_bytes(8), (number + 1).to_bytes(8))


async def test_a_batch_is_carried_out(sock: NetlinkSocket) -> None:
    await sock.batch(
        [add_table(NFPROTO_INET, "one", ""), add_table(NFPROTO_INET, "two", "")],
        NFNL_SUBSYS_NFTABLES,
    )
    assert nft("list", "tables") == "table inet one\ntable inet two\n"


async def test_an_empty_batch_is_done_at_once(sock: NetlinkSocket) -> None:
    await sock.batch([], NFNL_SUBSYS_NFTABLES)


@pytest.mark.parametrize("bad", range(4))
async def test_a_batch_is_refused_as_a_whole(sock: NetlinkSocket, bad: int) -> None:
    """Wherever the bad message is, the good ones around it change nothing."""
    await sock.batch(RULESET.replacement(), NFNL_SUBSYS_NFTABLES)
    there = element(99)
    await sock.batch(add_messages([there]), NFNL_SUBSYS_NFTABLES)
    before = nft("list", "ruleset")
    messages = [add_messages([element(number)])[0] for number in range(3)]
    messages[bad:bad] = add_messages([there])
    with pytest.raises(BatchRefused) as raised:
        await sock.batch(messages, NFNL_SUBSYS_NFTABLES)
    assert raised.value.errno == errno.EEXIST
    assert raised.value.index == bad
    assert f"message {bad} of the batch" in str(raised.value)
    assert nft("list", "ruleset") == before
    await sock.batch(messages[:bad], NFNL_SUBSYS_NFTABLES)


async def test_the_first_of_many_errors_is_told(sock: NetlinkSocket) -> None:
    messages = [
        add_table(NFPROTO_INET, "fine", ""),
        add_chain(NFPROTO_INET, "missing", "one"),
        delete_table(NFPROTO_INET, "missing"),
        add_chain(NFPROTO_INET, "missing", "two"),
    ]
    with pytest.raises(BatchRefused) as raised:
        await sock.batch(messages, NFNL_SUBSYS_NFTABLES)
    assert (raised.value.errno, raised.value.index) == (errno.ENOENT, 1)
    assert nft("list", "tables") == ""


async def test_a_batch_is_checked_only(sock: NetlinkSocket) -> None:
    """Without commit nothing is changed, and what is wrong is told all the same."""
    await sock.batch(RULESET.replacement(), NFNL_SUBSYS_NFTABLES, commit=False)
    with pytest.raises(BatchRefused):
        await sock.batch(
            [*RULESET.replacement(), add_chain(NFPROTO_INET, "missing", "one")],
            NFNL_SUBSYS_NFTABLES,
            commit=False,
        )
    assert nft("list", "tables") == ""


async def test_an_unknown_subsystem(sock: NetlinkSocket) -> None:
    """The begin of the batch is refused already, so no message of it is answered."""
    with pytest.raises(BatchRefused) as raised:
        await sock.batch([add_table(NFPROTO_INET, "one", "")], 99)
    assert raised.value.index == -1


async def test_without_privilege(inside: None) -> None:
    """Refused, not waited for (as pyroute2's sockets do)."""
    with without_net_admin():
        sock = NetlinkSocket(NETLINK_NETFILTER)
        try:
            with pytest.raises(BatchRefused) as raised:
                await sock.batch(RULESET.replacement(), NFNL_SUBSYS_NFTABLES)
            with pytest.raises(NetlinkError) as refused:
                await sock.dump(GET_TABLES, INET)
        finally:
            await sock.close()
    assert raised.value.errno == errno.EPERM
    assert raised.value.index == -1
    assert refused.value.errno == errno.EPERM


async def test_twenty_thousand_elements(sock: NetlinkSocket) -> None:
    """One batch of many messages, and one dump; a failure undoes all of them."""
    await sock.batch(RULESET.replacement(), NFNL_SUBSYS_NFTABLES)
    elements = {element(number) for number in range(20_000)}

    async def there() -> set[Element]:
        rows = await sock.dump(GET_ELEMENTS, dump_request("dnat4"))
        return {each for row in rows for each in parse("dnat4", row)}

    with pytest.raises(BatchRefused) as raised:
        await sock.batch(
            [*add_messages(elements), *add_messages([element(0)])],
            NFNL_SUBSYS_NFTABLES,
        )
    assert raised.value.index == len(add_messages(elements))
    assert await there() == set()
    await sock.batch(add_messages(elements), NFNL_SUBSYS_NFTABLES)
    # While a hash table grows in the background, a dump of it may miss some.
    async with asyncio.timeout(PATIENCE):
        while await there() != elements:
            pass
    await sock.batch(delete_messages(elements), NFNL_SUBSYS_NFTABLES)
    assert await there() == set()


async def test_more_than_the_socket_can_send(sock: NetlinkSocket) -> None:
    sock._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    with pytest.raises(NetlinkError) as raised:
        await sock.batch(add_messages(map(element, range(1000))), NFNL_SUBSYS_NFTABLES)
    assert raised.value.errno == errno.EMSGSIZE
    await sock.batch([add_table(NFPROTO_INET, "one", "")], NFNL_SUBSYS_NFTABLES)


async def test_requests_at_the_same_time(sock: NetlinkSocket) -> None:
    """Each gets its own answer."""
    await sock.batch([add_table(NFPROTO_INET, "there", "")], NFNL_SUBSYS_NFTABLES)

    async def missing() -> int | None:
        with pytest.raises(BatchRefused) as raised:
            await sock.batch(
                [delete_table(NFPROTO_INET, "missing")], NFNL_SUBSYS_NFTABLES
            )
        return raised.value.errno

    async with asyncio.TaskGroup() as group:
        tasks = [
            (
                group.create_task(sock.dump(GET_TABLES, INET)),
                group.create_task(missing()),
            )
            for _ in range(20)
        ]
    assert [(len(dump.result()), code.result()) for dump, code in tasks] == [
        (1, errno.ENOENT)
    ] * 20


async def test_requests_one_after_the_other_at_once(inside: None) -> None:
    """The second is carried out although the first is refused."""
    sock = NetlinkSocket(NETLINK_ROUTE)

    def neighbour(address: str) -> Message:
        index = socket.if_nametoindex("lan0")
        body = struct.pack("=BxxxiHBB", socket.AF_INET, index, 0x80, 0, 0)
        body += attribute(1, socket.inet_aton(address)) + attribute(2, bytes(6))
        return Message(NEW_NEIGHBOUR, NLM_F_CREATE | netlink.NLM_F_EXCL, body)

    try:
        await sock.request(neighbour("192.168.178.90"))
        with pytest.raises(NetlinkError) as raised:
            await sock.request(neighbour("192.168.178.90"), neighbour("192.168.178.91"))
        assert raised.value.errno == errno.EEXIST
        with pytest.raises(NetlinkError):
            await sock.request(neighbour("192.168.178.91"))
    finally:
        await sock.close()


async def test_the_kernels_own_words(inside: None) -> None:
    """An extended acknowledgement says more than a number."""
    sock = NetlinkSocket(NETLINK_ROUTE)
    body = struct.pack("=BxxxiHBB", socket.AF_INET, 1, 0, 0, 0)
    try:
        with pytest.raises(NetlinkError) as raised:
            await sock.request(Message(NEW_NEIGHBOUR, NLM_F_CREATE, body))
    finally:
        await sock.close()
    assert raised.value.errno == errno.EINVAL
    assert raised.value.detail == "Network address not specified"
    assert "Network address not specified" in str(raised.value)


async def test_a_refused_dump(sock: NetlinkSocket) -> None:
    with pytest.raises(NetlinkError) as raised:
        await sock.dump(GET_ELEMENTS, dump_request("flow4"))
    assert raised.value.errno == errno.ENOENT


def interrupt(sock: NetlinkSocket, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Mark so many datagrams of the kernel as parts of an interrupted dump."""
    original = sock._parse
    left = times

    def parse(data: memoryview) -> None:
        nonlocal left
        marked = bytearray(data)
        if left:
            left -= 1
            marked[6] |= NLM_F_DUMP_INTR
        original(memoryview(marked))

    monkeypatch.setattr(sock, "_parse", parse)


async def test_an_interrupted_dump_is_repeated(
    sock: NetlinkSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sock.batch([add_table(NFPROTO_INET, "one", "")], NFNL_SUBSYS_NFTABLES)
    interrupt(sock, monkeypatch, 1)
    assert len(await sock.dump(GET_TABLES, INET)) == 1


async def test_a_dump_that_is_always_interrupted(
    sock: NetlinkSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sock.batch([add_table(NFPROTO_INET, "one", "")], NFNL_SUBSYS_NFTABLES)
    interrupt(sock, monkeypatch, 1000)
    with pytest.raises(NetlinkError) as raised:
        await sock.dump(GET_TABLES, INET)
    assert raised.value.errno == errno.EINTR


def done(sock: NetlinkSocket, number: int, code: int) -> bytes:
    return struct.pack("=IHHIIi", 20, 3, 0, number, sock.port_id, -code)


@pytest.mark.parametrize("code", [errno.EPERM, errno.EINTR])
async def test_a_dump_that_ends_with_an_error(
    sock: NetlinkSocket, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The kernel may say so at the end only."""
    original = sock._parse
    answers = iter([code])

    def parse(data: memoryview) -> None:
        number = struct.unpack_from("=I", data, 8)[0]
        for error in answers:
            original(memoryview(done(sock, number, error)))
            return
        original(data)

    monkeypatch.setattr(sock, "_parse", parse)
    if code == errno.EINTR:
        await sock.dump(GET_TABLES, INET)
        return
    with pytest.raises(NetlinkError) as raised:
        await sock.dump(GET_TABLES, INET)
    assert raised.value.errno == code


async def test_an_answer_that_does_not_come(
    sock: NetlinkSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not waited for, and when it comes after all nobody is there to take it."""
    before = sock._socket
    with monkeypatch.context() as hasty:
        hasty.setattr(netlink, "_TIMEOUT_SECONDS", 0.01)
        asyncio.get_running_loop().remove_reader(sock._socket)
        with pytest.raises(NetlinkTimeout):
            await sock.batch([add_table(NFPROTO_INET, "one", "")], NFNL_SUBSYS_NFTABLES)
    assert sock._socket is not before
    await sock.batch([add_table(NFPROTO_INET, "two", "")], NFNL_SUBSYS_NFTABLES)
    assert nft("list", "tables") == "table inet one\ntable inet two\n"


async def test_somebody_gives_up_waiting(sock: NetlinkSocket) -> None:
    """The next request does not get the answer to the one before."""
    loop = asyncio.get_running_loop()
    for _ in range(50):
        task = loop.create_task(
            sock.batch([delete_table(NFPROTO_INET, "missing")], NFNL_SUBSYS_NFTABLES)
        )
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await sock.dump(GET_TABLES, INET) == []


async def test_closing_while_somebody_waits(inside: None) -> None:
    """Who waits for an answer is told, and so is who waits for a turn."""
    sock = NetlinkSocket(NETLINK_NETFILTER)
    loop = asyncio.get_running_loop()
    loop.remove_reader(sock._socket)
    waiting = [
        loop.create_task(
            sock.batch([add_table(NFPROTO_INET, "one", "")], NFNL_SUBSYS_NFTABLES)
        )
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    await sock.close()
    await sock.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [NetlinkError] * 3
    with pytest.raises(NetlinkError):
        await sock.dump(GET_TABLES, INET)


class Listener:
    """A socket that keeps what it is told."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.loss = asyncio.Event()
        self.sock = NetlinkSocket(
            NETLINK_NETFILTER,
            groups=(NFTABLES_EVENTS,),
            on_event=self.events.put_nowait,
            on_loss=self.loss.set,
        )

    async def next(self) -> Event:
        async with asyncio.timeout(PATIENCE):
            return await self.events.get()


@pytest.fixture
async def listener(inside: None) -> AsyncGenerator[Listener]:
    listener = Listener()
    yield listener
    await listener.sock.close()


async def test_events_tell_who_did_it(listener: Listener, sock: NetlinkSocket) -> None:
    await sock.batch([add_table(NFPROTO_INET, "one", "")], NFNL_SUBSYS_NFTABLES)
    ours = await listener.next()
    assert ours.type == NFNL_SUBSYS_NFTABLES << 8
    assert ours.port_id == sock.port_id
    assert b"one\0" in ours.data
    assert listener.sock.port_id != sock.port_id


async def test_a_listener_may_ask_as_well(listener: Listener) -> None:
    """Events and answers come by the same socket and are told apart."""
    nft("add", "table", "inet", "one")
    assert len(await listener.sock.dump(GET_TABLES, INET)) == 1
    assert (await listener.next()).type == NFNL_SUBSYS_NFTABLES << 8


async def test_events_that_are_lost(listener: Listener) -> None:
    """The kernel had to drop some: who listens must look for itself."""
    listener.sock._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    nft("add", "table", "inet", "one")
    commands = "; ".join(f"add chain inet one c{number}" for number in range(500))
    nft(commands)
    async with asyncio.timeout(PATIENCE):
        await listener.loss.wait()
    # What comes later is told again.
    while not listener.events.empty():
        listener.events.get_nowait()
    nft("delete", "table", "inet", "one")
    await listener.next()


async def test_nobody_minds_that_events_are_lost(sock: NetlinkSocket) -> None:
    """A request that was under way is over then, and the socket goes on."""
    sock._exchange = netlink._Exchange(1, 1, sock._future())
    sock._read_failed(OSError(errno.ENOBUFS, "no buffer space"))
    with pytest.raises(NetlinkError):
        await sock._exchange.done
    sock._read_failed(OSError(errno.ENOBUFS, "no buffer space"))
    sock._exchange = None
    sock._read_failed(OSError(errno.ENOBUFS, "no buffer space"))
    assert await sock.dump(GET_TABLES, INET) == []


async def test_a_dump_that_has_just_ended(
    sock: NetlinkSocket, caplog: pytest.LogCaptureFixture
) -> None:
    """Linux says EINVAL once if it ends in one thread while another one receives."""
    number = sock.port_id
    sock._read_failed(OSError(errno.EINVAL, "Invalid argument"))
    assert await sock.dump(GET_TABLES, INET) == []
    assert sock.port_id == number
    assert not caplog.records


# A socket that somebody closes


type Lose = Callable[[NetlinkSocket], int]


def close_it(sock: NetlinkSocket) -> int:
    """Close a socket behind its back; return the number that it had."""
    number = sock._socket.fileno()
    os.close(number)
    return number


@pytest.fixture
def null() -> Iterator[int]:
    with Path("/dev/null").open() as file:
        yield file.fileno()


@pytest.fixture
def stranger() -> Iterator[int]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as other:
        yield other.fileno()


@pytest.fixture(params=["nobody", "null", "stranger"])
def lose(request: pytest.FixtureRequest) -> Iterator[Lose]:
    """Close a socket behind its back; its number is nobody's then, or another's."""
    if request.param == "nobody":
        yield close_it
        return
    other = request.getfixturevalue(request.param)
    with contextlib.ExitStack() as taken:

        def take(sock: NetlinkSocket) -> int:
            number = os.dup2(other, sock._socket.fileno())
            taken.callback(os.close, number)
            return number

        yield take


async def test_the_next_request_opens_it_anew(
    listener: Listener, caplog: pytest.LogCaptureFixture, lose: Lose
) -> None:
    """Its listener hears that events were lost, and of all that come later."""
    caplog.set_level(logging.INFO)
    lose(listener.sock)
    nft("add", "table", "inet", "one")
    assert len(await listener.sock.dump(GET_TABLES, INET)) == 1
    assert listener.loss.is_set()
    nft("add", "table", "inet", "two")
    assert b"two\0" in (await listener.next()).data
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_what_has_its_number_by_now_is_left_alone(
    sock: NetlinkSocket, stranger: int
) -> None:
    number = os.dup2(stranger, sock._socket.fileno())
    await sock.dump(GET_TABLES, INET)
    assert os.path.samestat(os.fstat(number), os.fstat(stranger))
    os.close(number)


async def test_a_lost_socket_can_be_closed(inside: None, lose: Lose) -> None:
    sock = NetlinkSocket(NETLINK_NETFILTER)
    lose(sock)
    await sock.close()
    with pytest.raises(NetlinkError):
        await sock.dump(GET_TABLES, INET)


async def test_two_that_take_the_number_of_each_other(inside: None) -> None:
    """The loop must not take one for the other."""
    one, two = Listener(), Listener()
    close_it(one.sock)
    close_it(two.sock)
    assert two.sock.check()
    assert one.sock.check()
    nft("add", "table", "inet", "new")
    for each in (one, two):
        assert b"new\0" in (await each.next()).data
        await each.sock.close()


async def test_who_only_listens_asks_whether_it_still_is_open(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert listener.sock.check()
    assert not listener.loss.is_set()
    close_it(listener.sock)
    assert listener.sock.check()
    assert listener.loss.is_set()
    assert listener.sock.check()
    assert len(caplog.records) == 2


async def test_while_it_cannot_be_opened_that_is_said_once(
    listener: Listener,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the process has too many files open."""
    caplog.set_level(logging.INFO)

    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    close_it(listener.sock)
    with monkeypatch.context() as full:
        full.setattr(netlink, "_open", refuse)
        for _ in range(3):
            with pytest.raises(NetlinkError):
                await listener.sock.dump(GET_TABLES, INET)
        listener.sock.set_filter(b"")
        assert not listener.sock.check()
    assert not listener.loss.is_set()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert await listener.sock.dump(GET_TABLES, INET) == []
    assert listener.loss.is_set()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_who_waits_when_it_is_lost_is_told(sock: NetlinkSocket) -> None:
    loop = asyncio.get_running_loop()
    loop.remove_reader(sock._socket)
    waiting = loop.create_task(sock.dump(GET_TABLES, INET))
    await asyncio.sleep(0)
    close_it(sock)
    assert sock.check()
    with pytest.raises(NetlinkError):
        await waiting


async def test_an_answer_that_nobody_waits_for_is_not_missed(
    sock: NetlinkSocket,
) -> None:
    """Who has given up, because sending took too long, is no error of the loop."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append(context)
    )
    sock._exchange = netlink._Exchange(1, 1, sock._future())
    close_it(sock)
    assert sock.check()
    sock._exchange = None
    gc.collect()
    assert not complaints


async def test_what_cannot_be_read_is_opened_anew(listener: Listener) -> None:
    before = listener.sock._socket
    listener.sock._read_failed(OSError(errno.ECONNRESET, "Connection reset by peer"))
    assert listener.sock._socket is not before
    assert listener.loss.is_set()
    nft("add", "table", "inet", "one")
    await listener.next()


async def test_only_the_kernel_is_listened_to(listener: Listener) -> None:
    """Another process may send us messages, too."""
    forger = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    forged = struct.pack("=IHHII", 20, NFNL_SUBSYS_NFTABLES << 8, 0, 0, 0) + b"evil"
    with forger:
        forger.sendto(forged, (listener.sock.port_id, 0))
    nft("add", "table", "inet", "one")
    event = await listener.next()
    assert b"evil" not in event.data


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"short",
        struct.pack("=IHHII", 15, 0xA00, 0, 0, 0),
        struct.pack("=IHHII", 99, 0xA00, 0, 0, 0),
    ],
)
async def test_rubbish_is_ignored(listener: Listener, rubbish: bytes) -> None:
    listener.sock._parse(memoryview(rubbish))
    assert listener.events.empty()


def test_attributes_are_taken_apart() -> None:
    data = attribute(1, b"one") + attribute(0x8002, b"four") + attribute(3, b"")
    assert list(attributes(data)) == [(1, b"one"), (2, b"four"), (3, b"")]
    assert len(data) % 4 == 0


@pytest.mark.parametrize("rubbish", [b"", b"\1", b"\3\0\1\0", b"\0\0\0\0\0\0\0\0"])
def test_broken_attributes_end_the_list(rubbish: bytes) -> None:
    assert list(attributes(attribute(1, b"one") + rubbish)) == [(1, b"one")]
