"""Taking over the table that is there, and putting it right when it is not ours."""

from collections.abc import Callable
import contextlib
import errno
import subprocess
import threading
from typing import Self

import pytest

from custom_components.portshare.gateway.adoption import is_ours
from custom_components.portshare.gateway.errors import (
    BatchRefused,
    NetlinkError,
    OutOfStep,
)
from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.gateway.netlink import NetlinkSocket
from custom_components.portshare.gateway.ruleset import RULESET
from custom_components.portshare.gateway.table import Element
from custom_components.portshare.sharing.model import (
    Change,
    Environment,
    Family,
    Mapping,
    Transport,
)
from demo.calls import Caller, Download
from demo.home import LAN_LINK, WAN, WAN_LINK, Home
from demo.services import Services

from .builders import (
    IPV4,
    IPV6,
    TCP,
    UDP,
    Mappings,
    closing,
    environment,
    opening,
    ports,
)
from .listing import listing
from .traffic import PATIENCE, Traffic, nft

ENVIRONMENT = environment(protect=True)
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])
FAMILIES = pytest.mark.parametrize("family", list(Family))


@pytest.fixture
def mappings(home: Home) -> list[Mapping]:
    """One element at least in each set and map."""
    to = Mappings(home)
    return [
        to.dnat("nas", TCP, 8080, 80, "Web on nas"),
        to.dnat("pi", UDP, 51820, 51820, "WireGuard"),
        to.dnat("nas", TCP, ports(5000, 5010), 5000, "range"),
        to.dnat("console", UDP, ports(6000, 6002), 7000, "shifted"),
        to.pinhole("nas", TCP, 80, "Web on nas"),
        to.pinhole("nas", UDP, ports(5000, 5010)),
    ]


async def test_made_anew(gateway: Gateway, mappings: list[Mapping]) -> None:
    assert nft("list", "tables") == ""
    await gateway.adopt(mappings, ENVIRONMENT)
    assert nft("list", "tables") == "table inet portshare\ntable netdev portshare\n"
    assert await is_ours(gateway._socket, RULESET)


async def test_found_right_and_left_alone(
    gateway: Gateway, mappings: list[Mapping]
) -> None:
    """Another start changes nothing at all: the kernel tells nobody of anything."""
    await gateway.adopt(mappings, ENVIRONMENT)
    await gateway.close()
    before = nft("-a", "list", "ruleset")
    with Monitor() as monitor:
        again = Gateway([WAN_LINK], [LAN_LINK])
        await again.open()
        await again.adopt(mappings, ENVIRONMENT)
        await again.close()
        assert monitor.events() == []
    # Handles are the same, so nothing was made anew.
    assert nft("-a", "list", "ruleset") == before


class Monitor:
    """What the kernel tells about changes of tables while this is open."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["nft", "--json", "monitor"], stdout=subprocess.PIPE, text=True
        )
        self._number = 0
        self._mark()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def events(self) -> list[str]:
        """Return what has been told until now."""
        return self._mark()

    def _mark(self) -> list[str]:
        """Read up to a table of our own, which we make until it is noticed."""
        assert self._process.stdout
        self._number += 1
        name = f"mark{self._number}"
        stop = threading.Event()

        def make() -> None:
            while not stop.wait(0.02):
                nft("add", "table", "ip", name)
                nft("delete", "table", "ip", name)

        thread = threading.Thread(target=make)
        thread.start()
        lines = []
        try:
            for line in self._process.stdout:
                if f'"{name}"' in line:
                    break
                lines.append(line)
        finally:
            stop.set()
            thread.join()
        return [line for line in lines if '"mark' not in line]


async def test_counters_survive(
    gateway: Gateway, traffic: Traffic, mappings: list[Mapping]
) -> None:
    """Also beside changes of other elements."""
    await gateway.adopt(mappings, ENVIRONMENT)
    traffic.flow(traffic.serve("nas", TCP, 80), 8080)
    (counted,) = _counters()
    await gateway.adopt(mappings[:1], ENVIRONMENT)
    await gateway.adopt(mappings, ENVIRONMENT)
    assert _counters() == [counted]


def _counters() -> list[str]:
    """Return the elements that have counted something."""
    return [
        element.strip()
        for element in nft("list", "set", "inet", "portshare", "flow4").split(",")
        if "counter packets 0" not in element and "8080" in element
    ]


async def test_a_download_goes_on(
    gateway: Gateway, home: Home, mappings: list[Mapping]
) -> None:
    """Not one byte is lost: adopted, changed beside it, the whole table replaced."""
    nas = home.devices["nas"]
    await gateway.adopt(mappings, ENVIRONMENT)
    with Services("nas", nas.namespace), contextlib.ExitStack() as stack:
        downloads = [
            Download(
                Caller(home.internet), address, port, size=1 << 40, rate=20_000_000
            )
            for address, port in ((WAN.ipv4, 8080), (nas.addresses.ipv6, 80))
        ]
        for download in downloads:
            stack.callback(download.leave)
        for _ in range(5):
            for download in downloads:
                assert download.wait_until(download.received + 1, PATIENCE), (
                    download.ended
                )
            await gateway.adopt(mappings, ENVIRONMENT)
            await gateway.apply(closing(*mappings[1:4]), ENVIRONMENT)
            await gateway.apply(opening(*mappings[1:4]), ENVIRONMENT)
            nft("insert", "rule", "inet", "portshare", "forward", "counter")
            await gateway.adopt(mappings, ENVIRONMENT)
        for download in downloads:
            assert download.wait_until(download.received + 1, PATIENCE), download.ended
            assert download.leave() == "left"


@FAMILIES
@TRANSPORTS
async def test_flows_outlive_the_table(
    gateway: Gateway,
    traffic: Traffic,
    family: Family,
    transport: Transport,
) -> None:
    """A flow carries its label through a time without our rules.

    Something else keeps the kernel translating addresses meanwhile; without that, an
    IPv4 flow does not outlive the first packet of that time.
    """
    nft("add", "table", "inet", "other")
    nft("add", "chain", "inet", "other", "nat", "{ type nat hook input priority 0 ; }")
    nft("add", "rule", "inet", "other", "nat", "ct", "state", "new", "counter")
    to = Mappings(traffic.home)
    mapping = (
        to.dnat("nas", transport, 8080, 80)
        if family is IPV4
        else to.pinhole("nas", transport, 80)
    )
    await gateway.adopt([mapping], ENVIRONMENT)
    service = traffic.serve("nas", transport, 80, family)
    flow = traffic.flow(service, 8080 if family is IPV4 else 80)
    nft("delete", "table", "inet", "portshare")
    flow.talk()
    await gateway.adopt([mapping], ENVIRONMENT)
    flow.talk()
    nft("delete", "table", "inet", "portshare")
    flow.talk()
    await gateway.adopt([], ENVIRONMENT)
    flow.assert_cut(first="device")


type Damage = Callable[[], object]


def _handle(chain: str, text: str) -> str:
    """Return nft's handle of the rule with this text."""
    rules = nft("-a", "list", "chain", "inet", "portshare", chain).splitlines()
    return next(rule.split()[-1] for rule in rules if text in rule)


def _delete_rule() -> None:
    handle = _handle("from_internet", "established")
    nft("delete", "rule", "inet", "portshare", "from_internet", "handle", handle)


def _replace_rule() -> None:
    handle = _handle("cut", "tcp reset")
    rule = f"replace rule inet portshare cut handle {handle} counter accept"
    nft(*rule.split())


def _swap_rules() -> None:
    handle = _handle("gate4", "related")
    nft("delete", "rule", "inet", "portshare", "gate4", "handle", handle)
    nft(
        "insert",
        "rule",
        "inet",
        "portshare",
        "gate4",
        "ct",
        "state",
        "related",
        "accept",
    )


def _nft(command: str) -> Damage:
    return lambda: nft(*command.split())


DAMAGES: dict[str, Damage] = {
    "everything flushed": _nft("flush ruleset"),
    "table deleted": _nft("delete table inet portshare"),
    "rules of the table flushed": _nft("flush table inet portshare"),
    "rule inserted": _nft("insert rule inet portshare forward accept"),
    "rule appended": _nft("add rule inet portshare forward accept"),
    "rule deleted": _delete_rule,
    "rule replaced": _replace_rule,
    "rules in another order": _swap_rules,
    "chain flushed": _nft("flush chain inet portshare cut"),
    "chain added": _nft("add chain inet portshare mine"),
    "policy changed": _nft("add chain inet portshare input { policy drop ; }"),
    "set added": _nft("add set inet portshare mine { type ipv4_addr ; }"),
    "element added": _nft("add element inet portshare internet { 3 }"),
    "port added": _nft(
        "add element inet portshare flow4 { tcp . 1 . 192.168.178.9 . 1 }"
    ),
    "range added": _nft(
        "add element inet portshare dnat4_range { tcp . 1-9 . 0.0.0.0/0 : 192.168.178.9 }"
    ),
    "network added": _nft("add element inet portshare lan4 { 10.0.0.0/8 }"),
    "last network added": _nft("add element inet portshare lan4 { 255.0.0.0/8 }"),
    "any address added": _nft("add element inet portshare wan4 { * }"),
    "any port added": _nft("add element inet portshare flow4 { * }"),
    "address added": _nft("add element inet portshare wan4 { 192.0.2.1 }"),
    "element deleted": _nft("delete element inet portshare internet { ipv4 }"),
    "network deleted": _nft("delete element inet portshare lan4 { 192.168.178.0/24 }"),
    "port deleted": _nft("delete element inet portshare dnat4 { tcp . 8080 }"),
    "range deleted": _nft(
        "delete element inet portshare dnat4_range { tcp . 5000-5010 . 0.0.0.0/0 }"
    ),
    "set flushed": _nft("flush set inet portshare flow6"),
    "map flushed": _nft("flush map inet portshare dnat4"),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_put_right(
    gateway: Gateway, mappings: list[Mapping], damage: str
) -> None:
    """Whatever somebody did, it is afterwards as if nobody had."""
    await gateway.adopt(mappings, ENVIRONMENT)
    right = listing()
    DAMAGES[damage]()
    assert _try_listing() != right
    await gateway.adopt(mappings, ENVIRONMENT)
    assert listing() == right
    assert await is_ours(gateway._socket, RULESET)


async def test_an_element_leads_elsewhere(
    gateway: Gateway, mappings: list[Mapping]
) -> None:
    """The key is ours, what it leads to is not."""
    await gateway.adopt(mappings, ENVIRONMENT)
    right = listing()
    nft("delete", "element", "inet", "portshare", "dnat4", "{ tcp . 8080 }")
    nft(
        "add",
        "element",
        "inet",
        "portshare",
        "dnat4",
        "{ tcp . 8080 : 192.168.178.66 . 22 }",
    )
    await gateway.adopt(mappings, ENVIRONMENT)
    assert listing() == right


async def test_a_dump_that_has_missed_some(
    gateway: Gateway, mappings: list[Mapping], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it happens while a set grows. Then the table is replaced as a whole."""
    await gateway.adopt(mappings, ENVIRONMENT)
    right = listing()
    there = await gateway._elements()

    async def some() -> list[Element]:
        return there[::2]

    monkeypatch.setattr(gateway, "_elements", some)
    await gateway.adopt(mappings, ENVIRONMENT)
    assert listing() == right


async def test_a_table_of_another_version(
    gateway: Gateway, mappings: list[Mapping]
) -> None:
    """The name is ours, nothing else is."""
    nft("add", "table", "inet", "portshare")
    nft("add", "set", "inet", "portshare", "dnat4", "{ type inet_service ; }")
    nft("add", "chain", "inet", "portshare", "old")
    await gateway.adopt(mappings, ENVIRONMENT)
    assert await is_ours(gateway._socket, RULESET)


@pytest.mark.parametrize("rule", range(len(RULESET.rules)))
async def test_every_rule_counts(gateway: Gateway, rule: int) -> None:
    """Without any one of them the table is not ours."""
    await gateway.adopt([], ENVIRONMENT)
    chain = RULESET.all_rules[rule].chain
    number = [each.chain for each in RULESET.all_rules[:rule]].count(chain)
    rules = nft("-a", "list", "chain", "inet", "portshare", chain).splitlines()
    handles = [each.split()[-1] for each in rules if "# handle" in each][1:]
    nft("delete", "rule", "inet", "portshare", chain, "handle", handles[number])
    assert not await is_ours(gateway._socket, RULESET)


async def test_other_tables_are_left_alone(
    gateway: Gateway, mappings: list[Mapping]
) -> None:
    nft("add", "table", "inet", "other")
    nft("add", "chain", "inet", "other", "forward")
    nft("add", "rule", "inet", "other", "forward", "accept")
    nft("add", "table", "ip", "portshare")
    before = nft("list", "table", "inet", "other")
    await gateway.adopt(mappings, ENVIRONMENT)
    assert await is_ours(gateway._socket, RULESET)
    await gateway.close()
    await remove_tables()
    assert nft("list", "tables") == "table inet other\ntable ip portshare\n"
    assert nft("list", "table", "inet", "other") == before


async def test_the_table_stays(gateway: Gateway, mappings: list[Mapping]) -> None:
    """Home Assistant may stop; shares go on."""
    await gateway.adopt(mappings, ENVIRONMENT)
    before = listing()
    await gateway.close()
    assert listing() == before


@pytest.mark.parametrize(
    "damage",
    [
        "everything flushed",
        "table deleted",
        "port deleted",
        "range deleted",
        "map flushed",
    ],
)
async def test_closing_what_somebody_has_changed(
    gateway: Gateway, mappings: list[Mapping], damage: str
) -> None:
    """It is refused, and nothing else of the change is done."""
    await gateway.adopt(mappings, ENVIRONMENT)
    DAMAGES[damage]()
    before = _try_listing()
    with pytest.raises(OutOfStep):
        await gateway.apply(closing(*mappings), ENVIRONMENT)
    assert _try_listing() == before


async def test_opening_what_somebody_has_changed(
    gateway: Gateway, mappings: list[Mapping], home: Home
) -> None:
    to = Mappings(home)
    await gateway.adopt(mappings, ENVIRONMENT)
    nft(
        "add",
        "element",
        "inet",
        "portshare",
        "dnat4",
        "{ tcp . 443 : 192.168.178.66 . 22 }",
    )
    before = listing()
    change = Change(
        opened=(to.dnat("pi", TCP, 442, 442), to.dnat("pi", TCP, 443, 443)),
        closed=tuple(mappings),
    )
    with pytest.raises(OutOfStep) as raised:
        await gateway.apply(change, ENVIRONMENT)
    assert isinstance(raised.value.__cause__, BatchRefused)
    assert listing() == before
    # And what is known of the kernel has not changed either.
    await gateway.apply(closing(*mappings), ENVIRONMENT)


async def test_refused_for_another_reason(
    gateway: Gateway, mappings: list[Mapping], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No memory, say: that is no reason to read everything again."""
    await gateway.adopt([], ENVIRONMENT)

    async def batch(*_: object) -> None:
        raise BatchRefused(NetlinkError(errno.ENOMEM, "no memory"), 0)

    monkeypatch.setattr(NetlinkSocket, "batch", batch)
    with pytest.raises(BatchRefused):
        await gateway.apply(opening(*mappings), ENVIRONMENT)


async def test_environment_that_somebody_has_changed(
    gateway: Gateway, mappings: list[Mapping]
) -> None:
    await gateway.adopt(mappings, ENVIRONMENT)
    nft("delete", "element", "inet", "portshare", "internet", "{ ipv4 }")
    without = environment(protect=True, internet=frozenset({IPV6}))
    for _ in range(2):
        with pytest.raises(OutOfStep):
            await gateway.apply(Change(), without)
    await gateway.adopt(mappings, without)
    await gateway.apply(Change(), ENVIRONMENT)


@pytest.mark.parametrize(
    "other",
    [
        environment(),
        environment(protect=True, internet=frozenset()),
        environment(protect=True, internet=frozenset({Family.IPV6})),
        Environment(frozenset(Family), (), (), protect=False),
    ],
    ids=["not protected", "no internet", "only IPv6", "no addresses"],
)
async def test_applying_and_adopting_are_the_same(
    gateway: Gateway, mappings: list[Mapping], other: Environment
) -> None:
    """A change leads to the same table as making it anew."""
    await gateway.adopt(mappings[:4], ENVIRONMENT)
    change = Change(opened=tuple(mappings[4:]), closed=tuple(mappings[:2]))
    await gateway.apply(change, other)
    applied = listing()
    nft("flush", "ruleset")
    await gateway.adopt(mappings[2:], other)
    assert listing() == applied
    await gateway.apply(Change(), ENVIRONMENT)
    await gateway.adopt(mappings[2:], ENVIRONMENT)


def _try_listing() -> str:
    if "inet portshare" not in nft("list", "tables"):
        return "no table"
    return listing()
