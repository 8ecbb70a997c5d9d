"""A gateway without a kernel: it remembers what is open and can refuse."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from custom_components.portshare.gateway.books import Account, Address
from custom_components.portshare.gateway.dump import Listing, listing
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.gateway.forwarding import not_forwarded
from custom_components.portshare.gateway.gateway import NetworkInterface
from custom_components.portshare.gateway.other_firewalls import OtherFirewall
from custom_components.portshare.gateway.others import Others
from custom_components.portshare.gateway.table import (
    Element,
    delivery_elements,
    elements_of,
    environment_elements,
)
from custom_components.portshare.sharing.model import (
    Addresses,
    Change,
    Dnat,
    Environment,
    Facts,
    Family,
    LanAddress,
    Mapping,
)

NAS = "02:00:5e:00:00:21"
PI = "02:00:5e:00:00:22"
GATEWAY_MAC = "02:00:5e:01:00:04"

NAS_IPV4 = IPv4Address("192.168.178.21")
NAS_IPV6 = IPv6Address("2001:db8:1::21")
PI_IPV4 = IPv4Address("192.168.178.22")

HOME = Facts(
    internet=frozenset(Family),
    wan_ipv4=(IPv4Address("203.0.113.2"),),
    wan_ipv6=(IPv6Address("2001:db8:ffff::2"),),
    lan_ipv4=(IPv4Network("192.168.178.0/24"),),
    lan_ipv6=(IPv6Network("2001:db8:1::/64"),),
    own_macs=frozenset({GATEWAY_MAC}),
    own_addresses=frozenset({IPv4Address("192.168.178.1")}),
    devices={NAS: Addresses(NAS_IPV4, (NAS_IPV6,)), PI: Addresses(PI_IPV4, ())},
)


class FakeGateway:
    """The machine: it keeps what a kernel keeps when Home Assistant lets go.

    Called, it takes the place of the class Gateway. `refuse` is asked before each
    change, and refuses it by raising. While `paused`, changes are under way. `books` are
    the accounts of what is open, `looks` how often they were read. Devices take calls but
    at `deaf` ports; `asked` is where somebody wanted to know that.
    """

    def __init__(self) -> None:
        self.now = HOME
        self.mappings: set[Mapping] = set()
        self.environment: Environment | None = None
        self.changes: list[Change] = []
        self.adoptions = 0
        self.probed: list[object] = []
        self.answers: dict[object, str] = {}
        self.opens: list[GatewayError] = []
        self.removed = 0
        self.present: tuple[NetworkInterface, ...] = (
            NetworkInterface("wan0", ("203.0.113.2/24",), True),
            NetworkInterface("lan0", ("192.168.178.1/24",), False),
            NetworkInterface("guest0", (), False),
        )
        self.others = Others()
        # None, so that no server listens.
        self.lan_addresses: tuple[LanAddress, ...] = ()
        self.damaged = False
        self.let_in: list[OtherFirewall] = []
        self.refuse: Callable[[Change], None] = lambda change: None
        self.books: dict[str, Account] = {}
        self.closed_books: GatewayError | None = None
        self.looks = 0
        self.deaf: set[tuple[Address, int]] = set()
        self.asked: list[tuple[Address, int]] = []
        self.devices_answer = asyncio.Event()
        self.devices_answer.set()
        self.handles: set[Handle] = set()
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self.under_way = asyncio.Event()

    def __call__(self, wan: Iterable[str], lan: Iterable[str]) -> Handle:
        return Handle(self, tuple(wan), tuple(lan))

    @property
    def open(self) -> set[str]:
        """Return what is open: `tcp 8080 -> 192.168.178.21:80`, `tcp [2001:…]:80`."""
        return set(map(in_words, self.mappings))

    def pause(self) -> None:
        """Let changes take until `go_on`."""
        self._goes_on.clear()
        self.under_way.clear()

    def go_on(self) -> None:
        self._goes_on.set()

    async def work(self) -> None:
        """Take the time that a change takes."""
        self.under_way.set()
        await self._goes_on.wait()

    async def remove_tables(self) -> None:
        self.removed += 1
        self.mappings = set()

    async def has_egress_hook(self) -> bool:
        return True

    async def somebody_listens(self, address: Address, port: int) -> bool | None:
        self.asked.append((address, port))
        await self.devices_answer.wait()
        return (address, port) not in self.deaf

    async def dump_tables(self) -> Listing:
        """Return what a kernel would hold."""
        elements: dict[str, list[Element]] = {}
        around = self.environment
        for each in (
            *(environment_elements(around, ("wan0",)) if around else ()),
            *(each for mapping in self.mappings for each in elements_of(mapping)),
            *(each for mapping in self.mappings for each in delivery_elements(mapping)),
        ):
            elements.setdefault(each.set, []).append(each)
        return listing(elements)

    def change(self, **facts: object) -> None:
        """Let facts change, and tell it."""
        self.now = replace(self.now, **facts)  # type: ignore[arg-type]
        for handle in tuple(self.handles):
            for listener in tuple(handle.listeners):
                listener()

    def damage(self, mappings: Iterable[Mapping] = ()) -> None:
        """Let somebody else take everything out of our tables but these."""
        self.mappings = set(mappings)
        self.damaged = True
        for handle in tuple(self.handles):
            handle.damage_listener()

    def put_others(self, others: Others) -> None:
        """Let there be these other firewalls."""
        self.others = others
        self.change(firewalls=others)

    def see(self, mac: str, *addresses: IPv4Address | IPv6Address) -> None:
        """Let a device be at these addresses, or nowhere."""
        ipv4 = [each for each in addresses if isinstance(each, IPv4Address)]
        ipv6 = [each for each in addresses if isinstance(each, IPv6Address)]
        devices = dict(self.now.devices)
        devices.pop(mac, None)
        if addresses:
            devices[mac] = Addresses(ipv4[0] if ipv4 else None, tuple(ipv6))
        self.change(devices=devices)


class Handle:
    """Does what Gateway does, to a set instead of a kernel."""

    def __init__(
        self, machine: FakeGateway, wan: tuple[str, ...], lan: tuple[str, ...]
    ) -> None:
        self._machine = machine
        self._wan = wan
        self._lan = lan
        self.listeners: set[Callable[[], None]] = set()
        self.damage_listener: Callable[[], None] = lambda: None

    async def open(self) -> None:
        if self._machine.opens:
            raise self._machine.opens.pop(0)
        self._machine.handles.add(self)
        await self.look()

    async def close(self) -> None:
        self._machine.handles.discard(self)
        self.listeners.clear()

    def facts(self) -> Facts:
        return self._machine.now

    def interfaces(self) -> tuple[NetworkInterface, ...]:
        return self._machine.present

    def missing_interfaces(self) -> tuple[str, ...]:
        names = {interface.name for interface in self._machine.present}
        return tuple(name for name in self._wan + self._lan if name not in names)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self.listeners.add(listener)
        return lambda: self.listeners.discard(listener)

    def on_damage(self, listener: Callable[[], None]) -> None:
        self.damage_listener = listener

    @property
    def damaged(self) -> bool:
        return self._machine.damaged

    @property
    def others(self) -> Others:
        return self._machine.others

    async def accounts(
        self, mappings: Collection[Mapping], now: datetime
    ) -> dict[Mapping, Account]:
        self._machine.looks += 1
        if self._machine.closed_books:
            raise self._machine.closed_books
        books = self._machine.books
        return {each: books.get(in_words(each), Account()) for each in mappings}

    async def look(self) -> None:
        """See whether packets are forwarded; all else was told before."""
        off = not_forwarded(self._wan, self._lan)
        if off != self._machine.now.not_forwarded:
            self._machine.change(not_forwarded=off)

    async def let_through(self, firewall: OtherFirewall) -> None:
        self._machine.let_in.append(firewall)
        self._machine.put_others(Others())

    def lan_addresses(self) -> tuple[LanAddress, ...]:
        return self._machine.lan_addresses

    def is_at_home(self, address: IPv4Address | IPv6Address) -> bool:
        networks = self._machine.now.lan_ipv4 + self._machine.now.lan_ipv6
        return any(address in each for each in networks)

    async def device_at(self, address: IPv4Address | IPv6Address) -> str | None:
        return next(
            (
                mac
                for mac, each in self._machine.now.devices.items()
                if address == each.ipv4 or address in each.ipv6
            ),
            None,
        )

    async def probe(self, address: IPv4Address | IPv6Address) -> None:
        self._machine.probed.append(address)
        if mac := self._machine.answers.get(address):
            self._machine.see(mac, address)

    async def adopt(
        self, mappings: Iterable[Mapping], environment: Environment
    ) -> None:
        wanted = list(mappings)
        assert len(wanted) == len(set(wanted))
        # What is told from here on is new damage.
        self._machine.damaged = False
        await self._ask(Change(opened=tuple(wanted)))
        self._machine.adoptions += 1
        self._machine.mappings = set(wanted)
        self._machine.environment = environment

    async def apply(
        self, change: Change, environment: Environment, *, lead_soon: bool = False
    ) -> None:
        machine = self._machine
        # What changes nothing is not asked of a kernel.
        if not change and environment == machine.environment:
            return
        await self._ask(change)
        assert machine.mappings.issuperset(change.closed)
        remaining = machine.mappings.difference(change.closed)
        assert remaining.isdisjoint(change.opened)
        machine.changes.append(change)
        machine.mappings = remaining.union(change.opened)
        machine.environment = environment

    async def _ask(self, change: Change) -> None:
        if self not in self._machine.handles:
            raise GatewayError("the gateway is not open")
        await self._machine.work()
        self._machine.refuse(change)


def in_words(mapping: Mapping) -> str:
    """Return a mapping as `tcp 8080 -> 192.168.178.21:80` or `tcp [2001:…]:80`."""
    if isinstance(mapping, Dnat):
        return (
            f"{mapping.transport} {mapping.external} -> "
            f"{mapping.address}:{mapping.port}"
        )
    return f"{mapping.transport} [{mapping.address}]:{mapping.ports}"
