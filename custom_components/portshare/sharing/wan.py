"""What kind of connection the internet provider gives."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from .model import Facts, Family

_PRIVATE: Final = tuple(
    IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
# RFC 6598
_CARRIER_GRADE_NAT: Final = IPv4Network("100.64.0.0/10")
# RFC 6333 section 10: the addresses of a DS-Lite tunnel
_DS_LITE: Final = IPv4Network("192.0.0.0/29")


class WanProblem(StrEnum):
    """Why the internet may not reach the gateway over IPv4."""

    PRIVATE = "wan_private"
    CARRIER_GRADE_NAT = "wan_cgnat"
    DS_LITE = "wan_ds_lite"


def provided_ipv4(facts: Facts) -> tuple[IPv4Address, ...]:
    """Return the WAN's IPv4 addresses that the provider has given.

    A link-local one (RFC 3927) the gateway has given itself, for want of another.
    """
    return tuple(each for each in facts.wan_ipv4 if not each.is_link_local)


def wan_problem(facts: Facts) -> WanProblem | None:
    """Return what is wrong with the WAN's IPv4, None if nothing is (or it is down).

    One public address is enough.
    """
    problems = set()
    for address in provided_ipv4(facts):
        if any(address in network for network in _PRIVATE):
            problems.add(WanProblem.PRIVATE)
        elif address in _CARRIER_GRADE_NAT:
            problems.add(WanProblem.CARRIER_GRADE_NAT)
        elif address in _DS_LITE:
            problems.add(WanProblem.DS_LITE)
        else:
            return None
    if problems:
        return min(problems)
    if Family.IPV6 in facts.internet:
        return WanProblem.DS_LITE
    return WanProblem.PRIVATE if facts.wan_ipv4 else None
