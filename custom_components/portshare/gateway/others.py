"""What others have put into this gateway's kernel, and what of it concerns shares."""

import asyncio
from collections.abc import Collection
import contextlib
from dataclasses import dataclass, field
import socket
from typing import Final

from ..sharing.model import Family, Mapping, family_of
from . import other_firewalls, other_forwardings
from .foreign import Table, read
from .netlink import NetlinkSocket
from .other_firewalls import OtherFirewall
from .other_forwardings import Forwarding
from .packet import Interface


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read, and between which interfaces calls go."""

    tables: tuple[Table, ...] = ()
    wan: tuple[Interface, ...] = ()
    lan: tuple[Interface, ...] = ()


_NOTHING: Final = _Seen()


@dataclass(frozen=True, slots=True)
class Others:
    """Firewalls and port forwardings beside ours.

    `guarding` are the IP versions over which another firewall drops calls from the
    internet to the gateway itself.
    """

    firewalls: tuple[OtherFirewall, ...] = ()
    forwardings: tuple[Forwarding, ...] = ()
    guarding: frozenset[Family] = frozenset()
    _seen: _Seen = field(default=_NOTHING, repr=False, compare=False)

    @property
    def blocked(self) -> frozenset[Family]:
        """The IP versions over which no share can be reached."""
        return frozenset[Family]().union(*(each.blocks for each in self.firewalls))

    def keep_out(self, mapping: Mapping) -> bool:
        """Return whether calls to this mapping are sure to be dropped.

        Where a firewall `may_block`, it depends on the device and the port.
        """
        family = family_of(mapping)
        if any(family in each.may_block for each in self.firewalls):
            seen = self._seen
            return other_firewalls.keep_out(seen.tables, seen.wan, seen.lan, mapping)
        return family in self.blocked


async def look_at_others(
    netlink: NetlinkSocket, wan: Collection[str], lan: Collection[str]
) -> Others:
    """Return what concerns calls from these WAN to these LAN interfaces.

    Raises a NetlinkError.
    """
    tables = await read(netlink)
    # Following thousands of rules takes milliseconds, so it is done elsewhere.
    return await asyncio.get_running_loop().run_in_executor(
        None, _judge, tables, wan, lan
    )


def _judge(
    tables: tuple[Table, ...], wan: Collection[str], lan: Collection[str]
) -> Others:
    seen = _Seen(
        tables,
        tuple(_interface(name) for name in wan),
        tuple(_interface(name) for name in lan),
    )
    return Others(
        (
            *other_firewalls.find(tables, seen.wan, seen.lan),
            *other_firewalls.find_legacy(),
        ),
        tuple(other_forwardings.find(tables)),
        other_firewalls.guarding_the_gateway(tables, seen.wan),
        seen,
    )


def _interface(name: str) -> Interface:
    index = None
    with contextlib.suppress(OSError):
        index = socket.if_nametoindex(name)
    return Interface(name, index)
