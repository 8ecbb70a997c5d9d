"""The first packet of a flow from the internet, as the rules of a firewall see it."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
import struct
import sys
from typing import Final

from ..sharing.model import Family, Transport
from .expressions import IPS_DST_NAT, label_bits
from .foreign import NFPROTO_IPV4, NFPROTO_IPV6
from .ruleset import LABEL

_ETHERTYPES: Final = {Family.IPV4: b"\x08\x00", Family.IPV6: b"\x86\xdd"}
_NFPROTOS: Final = {Family.IPV4: NFPROTO_IPV4, Family.IPV6: NFPROTO_IPV6}
_PROTOCOLS: Final = {Transport.TCP: 6, Transport.UDP: 17}
_TO_THIS_HOST: Final = b"\0"  # as `meta pkttype`
# base (network or transport header), offset, length
_DPORT: Final = (2, 2, 2)
_DADDR: Final = {Family.IPV4: (1, 16, 4), Family.IPV6: (1, 24, 16)}
_TCP_FLAGS: Final = (2, 13, 1)
_SYN: Final = b"\2"
_FRAGMENT: Final = (1, 6, 2)
_WHOLE: Final = bytes(2)
NEW: Final = 1 << 3  # of ct state, and of iptables' --ctstate alike


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface; without an index if it does not exist now."""

    name: str
    index: int | None


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a flow from the internet.

    It goes out to the home, or with no interface to the gateway itself. If it is
    `shared`, it carries our label, and over IPv4 its destination was translated.
    `address` and `port` are those of the device, if they matter.
    """

    family: Family
    transport: Transport
    comes_in: Interface
    goes_out: Interface | None
    shared: bool
    address: IPv4Address | IPv6Address | None = None
    port: int | None = None

    @property
    def translated(self) -> bool:
        """Whether its destination was translated."""
        return self.shared and self.family is Family.IPV4

    def meta(self, key: int) -> bytes | None:
        """Return what `meta` loads for a key; None if it may be anything."""
        return {
            1: _ETHERTYPES[self.family],  # protocol
            4: _index(self.comes_in),  # iif
            5: _index(self.goes_out),  # oif
            6: _name(self.comes_in),  # iifname
            7: _name(self.goes_out),  # oifname
            15: bytes([_NFPROTOS[self.family]]),  # nfproto
            16: bytes([_PROTOCOLS[self.transport]]),  # l4proto
            19: _TO_THIS_HOST,  # pkttype
        }.get(key)

    def ct(self, key: int) -> bytes | None:
        """Return what `ct` loads for a key; None if it may be anything."""
        return {
            0: struct.pack("=I", NEW),  # state
            1: bytes(1),  # direction: original
            2: struct.pack("=I", IPS_DST_NAT if self.translated else 0),  # status
            13: label_bits(LABEL) if self.shared else bytes(16),  # label
        }.get(key)

    def payload(self, base: int, offset: int, size: int) -> bytes | None:
        """Return what is there in a header; None if it may be anything."""
        place = (base, offset, size)
        if place == _TCP_FLAGS and self.transport is Transport.TCP:
            return _SYN
        if place == _FRAGMENT and self.family is Family.IPV4:
            return _WHOLE
        if place == _DPORT and self.port is not None:
            return self.port.to_bytes(2)
        if place == _DADDR[self.family] and self.address is not None:
            return self.address.packed
        return None


def _index(interface: Interface | None) -> bytes | None:
    if interface is None or interface.index is None:
        return None
    return interface.index.to_bytes(4, sys.byteorder)


def _name(interface: Interface | None) -> bytes | None:
    return interface.name.encode().ljust(16, b"\0") if interface else None
