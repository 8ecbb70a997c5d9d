"""Pseudonyms for what would tell strangers whose home it is.

Within one file the same thing always has the same pseudonym, so that it can still be
followed from the configuration to the firewall.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
import re
from typing import Any, Final

# What is the same in many homes may be read.
_NOT_PUBLIC: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/32",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/29",
        "192.168.0.0/16",
    )
)
_NOBODYS: Final = (IPv6Address("::"), IPv6Address("::1"))
_LINK_LOCAL: Final = IPv6Address("fe80::")
_INTERFACE_ID: Final = (1 << 64) - 1

_IPV4: Final = r"\d{1,3}(?:\.\d{1,3}){3}"
_SECRET: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    # an address of a link layer: six bytes of Ethernet, or any other number of them
    r"(?P<mac>(?:[0-9A-Fa-f]{2}:){3,}[0-9A-Fa-f]{2}(?![0-9A-Fa-f]|:[0-9A-Fa-f:]))"
    rf"|(?P<ip>(?:[0-9A-Fa-f]{{0,4}}:){{2,8}}(?:{_IPV4}|[0-9A-Fa-f]{{0,4}})|{_IPV4})"
    r")"
)


class Pseudonyms:
    """The pseudonyms of one file."""

    def __init__(self) -> None:
        """Begin with none."""
        self._given: dict[str, dict[object, str]] = {}

    def name(self, name: object) -> str:
        """Return the pseudonym of a name that people gave."""
        return self._pseudonym("NAME", str(name))

    def redact(self, tree: Any) -> Any:
        """Return plain data in which no text holds a public address or a MAC address.

        Of an IPv6 address prefix and interface ID have pseudonyms of their own; a
        link-local one may tell a MAC address, and is no exception.
        """
        match tree:
            case None | bool() | int() | float():
                return tree
            case str() | IPv4Network() | IPv6Network():
                return _SECRET.sub(self._replace, str(tree))
            case Mapping():
                return {
                    self.redact(str(key)): self.redact(each)
                    for key, each in tree.items()
                }
            case set() | frozenset():
                return [self.redact(each) for each in sorted(tree, key=str)]
            case Iterable():
                return [self.redact(each) for each in tree]
        return self.redact(str(tree))

    def _replace(self, match: re.Match[str]) -> str:
        text = match[0]
        if match["mac"]:
            return self._pseudonym("MAC", text.lower())
        # The last colon may be one of a sentence.
        for end in (len(text), len(text) - 1):
            try:
                return self._address(ip_address(text[:end])) + text[end:]
            except ValueError:
                continue
        return text

    def _address(self, address: IPv4Address | IPv6Address) -> str:
        if isinstance(address, IPv4Address):
            if any(address in network for network in _NOT_PUBLIC):
                return str(address)
            return self._pseudonym("IPV4", address)
        if address in _NOBODYS:
            return str(address)
        interface_id = int(address) & _INTERFACE_ID
        prefix = IPv6Address(int(address) - interface_id)
        text = "fe80" if prefix == _LINK_LOCAL else self._pseudonym("PREFIX", prefix)
        if not interface_id:
            return f"{text}::"
        return f"{text}::{self._pseudonym('HOST', interface_id)}"

    def _pseudonym(self, kind: str, of: object) -> str:
        given = self._given.setdefault(kind, {})
        return given.setdefault(of, f"**{kind}-{len(given) + 1}**")
