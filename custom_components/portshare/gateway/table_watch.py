"""What others do to the firewall: to our tables, and to their own.

Somebody may flush the whole ruleset, delete a table or put a rule into it. The kernel
tells, so nobody has to look.
"""

from collections.abc import Callable
from enum import IntEnum
import socket
import struct
from typing import Final

from pyroute2.netlink.nfnetlink import nftsocket

from .definition import TABLE
from .netlink import NETLINK_NETFILTER, Event, NetlinkSocket, attributes
from .nftables import NFNL_SUBSYS_NFTABLES, NFPROTO_INET, NFPROTO_NETDEV

# include/uapi/linux/netfilter/nfnetlink.h
_NFNLGRP_NFTABLES: Final = 7
_ELEMENTS: Final = frozenset(
    {nftsocket.NFT_MSG_NEWSETELEM, nftsocket.NFT_MSG_DELSETELEM}
)
_GENERATION: Final = nftsocket.NFT_MSG_NEWGEN
_HEADER_BYTES: Final = 20
_FAMILY_OFFSET: Final = 16
# The name of the table is the first attribute of every message but that of a
# generation.
_NAME_OF_TABLE: Final = 1
_OURS: Final = frozenset({NFPROTO_INET, NFPROTO_NETDEV})

# include/uapi/linux/filter.h, bpf_common.h
_BPF_LD_W_ABS: Final = 0x20
_BPF_JEQ_K: Final = 0x15
_BPF_RET_K: Final = 0x06
_PORT_ID_OFFSET: Final = 12
_WHOLE_MESSAGE: Final = 0xFFFFFFFF


class Damage(IntEnum):
    """How far our tables may differ from what we made."""

    NONE = 0
    """Nobody has touched them."""
    ELEMENTS = 1
    """Elements were added or deleted; the rules are ours."""
    UNKNOWN = 2
    """Events were lost."""
    DEFINITION = 3
    """A table, chain, rule or set is not what it was."""


class TableWatch:
    """Listens to changes of nftables that are not our own."""

    def __init__(
        self, on_damage: Callable[[], None], on_others: Callable[[], None]
    ) -> None:
        """Remember whom to call: for our tables, and for the rules of other tables."""
        self._on_damage = on_damage
        self._on_others = on_others
        self._netlink: NetlinkSocket | None = None
        self._others_changed = False
        self.damage = Damage.NONE

    def open(self, port_id: int) -> None:
        """Listen from now on; what the socket with this port id does is our own."""
        self._netlink = NetlinkSocket(
            NETLINK_NETFILTER,
            groups=(_NFNLGRP_NFTABLES,),
            on_event=self._event,
            on_loss=self._lost,
            filter_=_all_but(port_id),
        )

    async def close(self) -> None:
        """Stop listening."""
        if self._netlink:
            await self._netlink.close()
            self._netlink = None

    def check(self) -> None:
        """Listen anew if the socket was lost."""
        if self._netlink:
            self._netlink.check()

    def follow(self, port_id: int) -> None:
        """Take another socket for ours: what became of our last change is not known."""
        if self._netlink:
            self._netlink.set_filter(_all_but(port_id))
            self._lost()

    def _event(self, event: Event) -> None:
        if event.type >> 8 != NFNL_SUBSYS_NFTABLES:
            return
        kind = event.type & 0xFF
        if kind == _GENERATION:
            self._tell()
            return
        elements = kind in _ELEMENTS
        if _is_ours(event.data):
            damage = Damage.ELEMENTS if elements else Damage.DEFINITION
            self.damage = max(self.damage, damage)
        elif not elements:
            self._others_changed = True

    def _lost(self) -> None:
        self.damage = max(self.damage, Damage.UNKNOWN)
        self._others_changed = True
        self._tell()

    def _tell(self) -> None:
        """A transaction has been told as a whole: the new generation comes last."""
        if self.damage is not Damage.NONE:
            self._on_damage()
        if self._others_changed:
            self._others_changed = False
            self._on_others()


def _is_ours(message: bytes) -> bool:
    for type_, payload in attributes(message[_HEADER_BYTES:]):
        if type_ == _NAME_OF_TABLE:
            name = payload.rstrip(b"\0").decode(errors="replace")
            return name == TABLE and message[_FAMILY_OFFSET] in _OURS
    return False


def _all_but(port_id: int) -> bytes:
    """Return a socket filter that takes all but what this port id has caused.

    The kernel would wake us for each of our own changes otherwise, thousands of
    messages for thousands of elements.
    """
    # Filters read numbers in network byte order.
    number = socket.htonl(port_id)
    instructions = (
        (_BPF_LD_W_ABS, 0, 0, _PORT_ID_OFFSET),
        (_BPF_JEQ_K, 0, 1, number),
        (_BPF_RET_K, 0, 0, 0),
        (_BPF_RET_K, 0, 0, _WHOLE_MESSAGE),
    )
    return b"".join(struct.pack("=HBBI", *each) for each in instructions)
