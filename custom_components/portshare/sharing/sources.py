"""Who may call a share: everybody, or some addresses, networks and DNS names."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
import re
from typing import Final

from .errors import InvalidSource, NoSourceOfFamily, TooManySources
from .model import ANY_IPV4, ANY_IPV6, Facts, Family, Share

MOST_SOURCES: Final = 32

# RFC 1123 section 2.1; the underscore is in use, too. A name does not end in a number,
# so that an address with a typing error is not taken for a name.
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*"
    r"(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)

type Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Callers:
    """The networks from which a share may be called now; none stands for nobody."""

    ipv4: tuple[IPv4Network, ...] = ()
    ipv6: tuple[IPv6Network, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anybody may call."""
        return bool(self.ipv4 or self.ipv6)


def parse_sources(value: object, families: frozenset[Family]) -> tuple[str, ...]:
    """Return sources as they are stored: networks in short form, names in lower case.

    None and an empty list are everybody; an empty text is not. Raises InvalidSource,
    TooManySources, and NoSourceOfFamily if nobody of them can call over these families.
    """
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise InvalidSource(value)
    sources = tuple(dict.fromkeys(map(_parse_source, value)))
    if len(sources) > MOST_SOURCES:
        raise TooManySources(len(sources), MOST_SOURCES)
    found = {_family(network_of(source)) for source in sources}
    if sources and found.isdisjoint({*families, None}):
        raise NoSourceOfFamily(families)
    return sources


def network_of(source: str) -> Network | None:
    """Return the network that a source is; None if it is a DNS name."""
    try:
        return ip_network(source)
    except ValueError:
        return None


def names_in(sources: Iterable[str]) -> frozenset[str]:
    """Return those of the sources that are DNS names."""
    return frozenset(source for source in sources if network_of(source) is None)


def callers_of(share: Share, facts: Facts) -> Callers:
    """Return who may call a share now, over the IP versions that it is shared over.

    A name that has never been resolved stands for nobody. With callers over IPv4 come
    the devices at home, who reach a share by the WAN address, too.
    """
    if not share.sources:
        return Callers(
            (ANY_IPV4,) if share.ipv4 else (), (ANY_IPV6,) if share.ipv6 else ()
        )
    networks = [
        network for source in share.sources for network in _networks_of(source, facts)
    ]
    ipv4 = [each for each in networks if isinstance(each, IPv4Network) and share.ipv4]
    ipv6 = [each for each in networks if isinstance(each, IPv6Network) and share.ipv6]
    if ipv4:
        ipv4 += facts.lan_ipv4
    return Callers(tuple(collapse_addresses(ipv4)), tuple(collapse_addresses(ipv6)))


def _networks_of(source: str, facts: Facts) -> Iterable[Network]:
    if network := network_of(source):
        return (network,)
    return map(ip_network, facts.names.get(source, ()))


def _parse_source(value: object) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    network = network_of(text)
    if network and "%" not in text:
        whole = network.prefixlen == network.max_prefixlen
        return str(network.network_address if whole else network)
    try:
        # What people write, `müller.example`, as DNS has it (RFC 3490).
        name = text.removesuffix(".").encode("idna").decode()
    except UnicodeError:
        raise InvalidSource(value) from None
    if not _NAME.fullmatch(name):
        raise InvalidSource(value)
    return name


def _family(network: Network | None) -> Family | None:
    if network is None:
        return None
    return Family.IPV4 if network.version == 4 else Family.IPV6
