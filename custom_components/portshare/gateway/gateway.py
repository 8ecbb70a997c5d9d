"""The gateway: the one thing that the coordinator knows of the kernel."""

import asyncio
from collections.abc import Callable, Collection, Iterable
import contextlib
from dataclasses import dataclass, replace
from datetime import datetime
import errno
import logging
import socket
from typing import Final

from ..sharing.model import (
    Change,
    Environment,
    Facts,
    Family,
    LanAddress,
    Mapping,
    Transport,
)
from .adoption import is_ours
from .asking import find_holder
from .bindings import Bindings
from .books import Account, accounts
from .conntrack import are_flows_there, forget_flows
from .definition import TABLE, Definition
from .delivery import delivery
from .errors import BatchRefused, GatewayError, NetlinkError, OutOfStep
from .facts import gather
from .forwarding import not_forwarded
from .leading import Leading
from .listeners import listeners
from .lookout import Lookout
from .netlink import NETLINK_NETFILTER, Message, NetlinkSocket
from .nftables import NFNL_SUBSYS_NFTABLES, NFPROTO_INET, NFPROTO_NETDEV, delete_table
from .other_firewalls import OtherFirewall, let_through, stop_letting_through
from .others import Others, look_at_others
from .preflight import claim_machine, has_egress_hook, preflight
from .ruleset import RULESET
from .table import (
    GET_ELEMENTS,
    Element,
    add_messages,
    delete_messages,
    difference,
    dump_request,
    elements_of,
    environment_elements,
    flush_message,
    parse,
)
from .table_watch import Damage, TableWatch
from .watch import Address, Watch

_LOGGER = logging.getLogger(__name__)

# The kernel refuses a batch in this way when the table is not what we think it is:
# an element or the table is gone, an element is there already, or it is in use.
_OUT_OF_STEP: Final = frozenset({errno.ENOENT, errno.EEXIST, errno.EBUSY})

# With one of these more there may be flows that now lead to any of the mappings: the
# internet is back, or there is an exposed host.
_CONCERNS_ALL: Final = frozenset({"internet", "exposed4"})

# A device that has just asked for something answers the kernel within this time.
_ANSWER_SECONDS: Final = 1

# TCP sends again what is not acknowledged after 0.2 s and the way there and back
# (include/net/tcp.h, TCP_RTO_MIN): by then a flow that runs has met the gate.
_CUTTING_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """An interface to choose from. `routed`: a default route leads there."""

    name: str
    addresses: tuple[str, ...]
    routed: bool


class Gateway:
    """The firewall and the network of this machine.

    One change at a time goes to the kernel, and it is carried out as a whole or not
    at all. What is in the kernel is mirrored here, element by element.
    """

    def __init__(self, wan: Iterable[str], lan: Iterable[str]) -> None:
        """Remember which interfaces are WAN and LAN; `open` begins."""
        self._wan = tuple(wan)
        self._lan = tuple(lan)
        self._listeners: set[Callable[[], None]] = set()
        self._on_damage: Callable[[], None] = _ignore
        self._watch = Watch(self._changed)
        self._lookout = Lookout(self.look)
        self._tables = TableWatch(self._damaged, self._lookout.changed)
        self._netlink: NetlinkSocket | None = None
        self._claim: socket.socket | None = None
        self._lock = asyncio.Lock()
        self._environment: Environment | None = None
        self._around: tuple[Element, ...] = ()
        self._open: set[Mapping] = set()
        self._bindings = Bindings()
        self._delivery: Definition | None = None
        self._delivers = False
        self._leading = Leading()
        self._facts: Facts | None = None
        self._others = Others()
        self._served: frozenset[tuple[Transport, int]] = frozenset()
        self._not_forwarded: frozenset[Family] = frozenset()

    async def open(self) -> None:
        """Begin to watch the network, and check that shares can work here.

        Without WAN interfaces it can be looked at only. Raises a PreflightError or
        GatewayError; nothing is left open then.
        """
        try:
            if self._wan:
                self._claim = claim_machine()
            await self._watch.open()
            await preflight(self._watch.network.links)
            self._delivers = await has_egress_hook()
            self._netlink = NetlinkSocket(NETLINK_NETFILTER, on_loss=self._out_of_touch)
            self._tables.open(self._netlink.port_id)
            self._leading.open()
            await self.look()
        except (GatewayError, OSError) as err:
            await self.close()
            if isinstance(err, GatewayError):
                raise
            raise NetlinkError(err.errno or errno.EIO, err.strerror or "") from err
        if not self._delivers:
            _LOGGER.warning(
                "This kernel has no egress hook (Linux 5.16): whoever takes over the "
                "address of a device may receive calls for it for some milliseconds"
            )

    async def close(self) -> None:
        """Let go of the kernel. The table stays, and so do the flows."""
        self._listeners.clear()
        self._on_damage = _ignore
        await self._watch.close()
        await self._tables.close()
        await self._lookout.close()
        await self._leading.close()
        if self._netlink:
            await self._netlink.close()
            self._netlink = None
        if self._claim:
            self._claim.close()
            self._claim = None

    def facts(self) -> Facts:
        """Return what is observed now."""
        if self._facts is None:
            observed = gather(
                self._watch.network, self._watch.neighbours, self._wan, self._lan
            )
            self._facts = replace(
                observed,
                served=self._served,
                firewalls=self._others,
                not_forwarded=self._not_forwarded,
            )
        return self._facts

    @property
    def others(self) -> Others:
        """Other firewalls and port forwardings beside ours."""
        return self._others

    async def look(self) -> None:
        """Look at what the kernel does not tell by itself; that changes the facts.

        These are its services, whether it forwards, others, and whether it still tells
        us the rest. Raises a GatewayError.
        """
        self._watch.check()
        self._tables.check()
        network = self._watch.network
        wan_links = {link.index for link in network.links if link.name in self._wan}
        served = await listeners(
            [each.interface.ip for each in network.addresses if each.link in wan_links],
            wan_links,
        )
        self._others = await look_at_others(self._socket, self._wan, self._lan)
        self._served = frozenset((each.transport, each.port) for each in served)
        self._not_forwarded = not_forwarded(self._wan, self._lan)
        self._changed()

    async def accounts(
        self, mappings: Collection[Mapping], now: datetime
    ) -> dict[Mapping, Account]:
        """Return what went through open mappings, and who has called.

        Raises a GatewayError.
        """
        return await accounts(self._socket, mappings, now)

    async def let_through(self, firewall: OtherFirewall) -> None:
        """Add the one rule to another firewall that lets shares in.

        Raises a GatewayError if the kernel refuses.
        """
        await let_through(self._socket, firewall)
        await self.look()

    def interfaces(self) -> tuple[NetworkInterface, ...]:
        """Return what could be WAN or LAN: every interface but the loopback."""
        network = self._watch.network
        routed = {route.link for route in network.default_routes}
        return tuple(
            NetworkInterface(
                link.name,
                tuple(
                    str(address.interface)
                    for address in network.addresses
                    if address.link == link.index
                ),
                link.index in routed,
            )
            for link in network.links
            if not link.loopback
        )

    def missing_interfaces(self) -> tuple[str, ...]:
        """Return the configured interfaces that do not exist now."""
        there = {link.name for link in self._watch.network.links}
        return tuple(name for name in self._wan + self._lan if name not in there)

    def lan_addresses(self) -> tuple[LanAddress, ...]:
        """Return the gateway's addresses at home, link-local ones of IPv6 included."""
        network = self._watch.network
        lan = {
            each.index: each.name for each in network.links if each.name in self._lan
        }
        return tuple(
            LanAddress(each.interface.ip, each.link, lan[each.link])
            for each in network.addresses + network.link_local
            if each.link in lan
        )

    async def device_at(self, address: Address) -> str | None:
        """Return the MAC address of who has an address at home; None if nobody answers.

        If the kernel does not know, it asks.
        """
        return await find_holder(self, address, self._neighbour, _ANSWER_SECONDS)

    def _neighbour(self, address: Address) -> str | None:
        for link in self._watch.network.links:
            if link.name in self._lan:
                if mac := self._watch.neighbours.get((link.index, address)):
                    return mac
        return None

    def is_at_home(self, address: Address) -> bool:
        """Return whether an address is of one of the networks at home.

        Those that no internet can call are among them: link-local and unique local ones.
        """
        return bool(self._links_at_home(address))

    def _links_at_home(self, address: Address) -> Collection[int]:
        network = self._watch.network
        lan = {each.index for each in network.links if each.name in self._lan}
        return {
            each.link
            for each in network.addresses + network.link_local
            if each.link in lan and address in each.interface.network
        }

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener when facts have changed; return how to stop that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def on_damage(self, listener: Callable[[], None]) -> None:
        """Call the listener when somebody else has changed our tables.

        To `adopt` puts them right.
        """
        self._on_damage = listener

    @property
    def damaged(self) -> bool:
        """Whether somebody else has changed our tables since they were adopted."""
        return self._tables.damage is not Damage.NONE

    async def probe(self, address: Address) -> None:
        """Let the kernel find out who has an address; the answer changes the facts."""
        for link in self._links_at_home(address):
            with contextlib.suppress(GatewayError):
                await self._watch.probe(link, address)

    async def adopt(
        self, mappings: Iterable[Mapping], environment: Environment
    ) -> None:
        """Make the kernel's tables exactly this, whatever they were before.

        Tables that are there already are kept, and only what differs is changed.
        """
        mappings = list(mappings)
        around = tuple(environment_elements(environment, self._wan))
        bindings = Bindings(mappings if self._delivers else ())
        want = [
            *around,
            *(element for mapping in mappings for element in elements_of(mapping)),
            *bindings.elements,
        ]
        async with self._lock:
            definitions = self._definitions()
            # What is told from here on is new damage.
            damage, self._tables.damage = self._tables.damage, Damage.NONE
            new = None
            if damage is not Damage.DEFINITION:
                sure = damage is Damage.ELEMENTS
                new = await self._mend(definitions, want, rules_are_ours=sure)
            if new is None:
                new = want
                made = [each for one in definitions for each in one.replacement()]
                await self._commit(made + add_messages(want))
            self._environment = environment
            self._around = around
            was_open, self._open = self._open, set(mappings)
            self._bindings = bindings
            self._delivery = definitions[-1]
            fresh = set(new)
            opened = [
                mapping
                for mapping in mappings
                if fresh and any(element in fresh for element in elements_of(mapping))
            ]
            self._leading.note(environment, opened, was_open - self._open)
            await self._leading.lead_all()

    async def _mend(
        self,
        definitions: list[Definition],
        want: list[Element],
        *,
        rules_are_ours: bool,
    ) -> list[Element] | None:
        """Change what differs; return what is new, or None if that is not possible."""
        for definition in definitions:
            if not (rules_are_ours or await is_ours(self._socket, definition)):
                return None
        held = await self._elements()
        await asyncio.sleep(0)  # there may be thousands: others have their turn
        gone, new = difference(held, want)
        try:
            await self._commit(delete_messages(gone) + add_messages(new))
        except OutOfStep:
            # Somebody is quicker, or a set is growing and its dump has missed some.
            return None
        return new

    async def apply(
        self, change: Change, environment: Environment, *, lead_soon: bool = False
    ) -> None:
        """Open and close mappings in one transaction.

        Flows that began earlier are led to what was opened; with `lead_soon` that is
        done right after this returns.

        Raises OutOfStep if a table was changed by somebody else, or a LAN interface has
        come or gone: `adopt` mends that. Raises another GatewayError if the kernel
        refuses; nothing was changed then.
        """
        async with self._lock:
            if self._netlink and self._definitions()[-1] is not self._delivery:
                raise OutOfStep("the LAN interfaces are not those of before")
            around = self._around
            gone: list[Element] = []
            new: list[Element] = []
            if environment != self._environment:
                around = tuple(environment_elements(environment, self._wan))
                gone, new = difference(self._around, around)
            for mapping in change.closed:
                gone += elements_of(mapping)
            for mapping in change.opened:
                new += elements_of(mapping)
            users = self._bindings.after(change) if self._delivers else {}
            unbound, bound = self._bindings.difference(users)
            gone += unbound
            new += bound
            await self._commit(delete_messages(gone) + add_messages(new))
            everything = any(element.set in _CONCERNS_ALL for element in new)
            self._environment = environment
            self._around = around
            self._open.difference_update(change.closed)
            self._open.update(change.opened)
            self._bindings.update(users)
            opened = self._open if everything else change.opened
            self._leading.note(environment, opened, change.closed)
            if lead_soon:
                self._leading.lead_soon()
            else:
                await self._leading.lead()

    def _definitions(self) -> list[Definition]:
        """Return the tables that shall be there, the one of the LAN interfaces last."""
        if not self._delivers:
            return [RULESET]
        there = {link.name for link in self._watch.network.links}
        return [RULESET, delivery(tuple(name for name in self._lan if name in there))]

    @property
    def _socket(self) -> NetlinkSocket:
        if self._netlink is None:
            raise NetlinkError(errno.ENOTCONN, "the gateway is not open")
        return self._netlink

    async def _commit(self, messages: list[Message]) -> None:
        try:
            await self._socket.batch(messages, NFNL_SUBSYS_NFTABLES)
        except BatchRefused as err:
            if err.errno in _OUT_OF_STEP:
                raise OutOfStep(str(err)) from err
            raise

    async def _elements(self) -> list[Element]:
        return [
            element
            for definition in self._definitions()
            for each in definition.all_sets
            if not each.dynamic
            for row in await self._socket.dump(GET_ELEMENTS, dump_request(each.name))
            for element in parse(each.name, row)
        ]

    def _damaged(self) -> None:
        self._on_damage()

    def _out_of_touch(self) -> None:
        """Our socket has lost answers; the one in its place may have another port id."""
        if self._netlink:
            self._tables.follow(self._netlink.port_id)

    def _changed(self) -> None:
        before, self._facts = self._facts, None
        if self.facts() == before:
            return
        for listener in tuple(self._listeners):
            listener()


def _ignore() -> None:
    """Nobody listens."""


async def remove_tables() -> None:
    """Delete our tables, what we have added to those of others, and flows we let in.

    Fine if they are gone already. What runs over TCP is cut. What is idle just then, or
    goes on over UDP after being told no, is a flow of the device's own when the device
    speaks first again, and other firewalls may let it out.

    Raises a GatewayError if the kernel refuses, or if they are another program's.
    """
    with contextlib.closing(claim_machine()):
        netlink = NetlinkSocket(NETLINK_NETFILTER)
        try:
            await _cut_flows(netlink)
            for family in (NFPROTO_INET, NFPROTO_NETDEV):
                await _remove_table(netlink, family)
            await stop_letting_through(netlink)
            # Last: if that fails, nothing of ours is open any more.
            await forget_flows(netlink)
        finally:
            await netlink.close()


async def _cut_flows(netlink: NetlinkSocket) -> None:
    """Let the gate tell who speaks that it is over, as when there is no internet.

    There may be no table, or one of another version. Whatever it is, tables must go.
    """
    with contextlib.suppress(GatewayError):
        await netlink.batch([flush_message("internet")], NFNL_SUBSYS_NFTABLES)
        if await are_flows_there(netlink):
            await asyncio.sleep(_CUTTING_SECONDS)


async def _remove_table(netlink: NetlinkSocket, family: int) -> None:
    try:
        await netlink.batch([delete_table(family, TABLE)], NFNL_SUBSYS_NFTABLES)
    except NetlinkError as err:
        if err.errno != errno.ENOENT:
            raise
