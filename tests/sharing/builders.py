"""Builders of what the tests share, and strategies that let hypothesis build it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from custom_components.portshare.sharing.model import (
    ALL_PORTS,
    HIGHEST_PORT,
    LOWEST_PORT,
    Addresses,
    Device,
    Facts,
    Family,
    PortRange,
    Protocol,
    Share,
)

DEVICES = {
    "nas": Device(device_id="nas", mac="02:00:5e:00:00:01", name="NAS"),
    "pc": Device(device_id="pc", mac="02:00:5e:00:00:02", name="PC"),
    "console": Device(device_id="console", mac="02:00:5e:00:00:03", name="Console"),
}
BOTH = frozenset(Family)
WAN_IPV4 = IPv4Address("203.0.113.7")


def ports(first: int, last: int | None = None) -> PortRange:
    return PortRange(first, first if last is None else last)


def share(
    share_id: str = "1",
    device_id: str = "nas",
    port: int | PortRange = 80,
    external: int | PortRange | None = None,
    *,
    name: str = "Web",
    protocol: Protocol = Protocol.TCP,
    ipv4: bool = True,
    ipv6: bool = True,
    enabled: bool = True,
    sources: tuple[str, ...] = (),
) -> Share:
    inside = ports(port) if isinstance(port, int) else port
    outside = ports(external) if isinstance(external, int) else external
    if not protocol.has_ports:
        inside = outside = ALL_PORTS
    return Share(
        share_id=share_id,
        device_id=device_id,
        name=name,
        protocol=protocol,
        ports=inside,
        external=outside or inside,
        ipv4=ipv4 and Family.IPV4 in protocol.families,
        ipv6=ipv6 and Family.IPV6 in protocol.families,
        enabled=enabled,
        sources=sources,
    )


def addresses(ipv4: str | None = None, *ipv6: str) -> Addresses:
    return Addresses(
        None if ipv4 is None else IPv4Address(ipv4), tuple(map(IPv6Address, ipv6))
    )


def facts(
    internet: Iterable[Family] = BOTH,
    wan_ipv4: Iterable[IPv4Address] = (WAN_IPV4,),
    **devices: Addresses,
) -> Facts:
    """Build facts in which the devices, by their ids, have these addresses."""
    return Facts(
        internet=frozenset(internet),
        wan_ipv4=tuple(wan_ipv4),
        devices={
            DEVICES[device_id].mac: seen for device_id, seen in devices.items() if seen
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStep:
    """What a user does to one device and its shares; without `device` it is removed.

    `toggled` and `removed` are the digits that the ids of these shares begin with.
    """

    device_id: str
    device: Device | None
    put: dict[str, Share]
    toggled: str = ""
    removed: str = ""

    def shares(self, before: Iterable[Share]) -> dict[str, Share]:
        """Return the shares that the device has after this step."""
        if self.device is None:
            return {}
        return {
            share_id: replace(
                each, enabled=each.enabled ^ (share_id[0] in self.toggled)
            )
            for share_id, each in (by_id(before) | self.put).items()
            if share_id[0] not in self.removed
        }


def by_id(some: Iterable[Share]) -> dict[str, Share]:
    return {each.share_id: each for each in some}


NAMES = ("office.example.org", "phone.example.org")
source_lists = st.lists(
    st.sampled_from(
        ["198.51.100.7", "198.51.100.0/24", "0.0.0.0/0", "2001:db8:5::/48", *NAMES]
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(tuple)

# Few ports, so that shares get into each other's way, and both ends of all there are.
port_numbers = st.integers(LOWEST_PORT, 8) | st.integers(HIGHEST_PORT - 4, HIGHEST_PORT)


@st.composite
def port_ranges(
    draw: st.DrawFn, firsts: st.SearchStrategy[int] = port_numbers, longest: int = 4
) -> PortRange:
    first = draw(firsts)
    count = draw(st.integers(1, longest))
    return PortRange(first, min(first + count - 1, HIGHEST_PORT))


@st.composite
def shares(
    draw: st.DrawFn,
    device_ids: st.SearchStrategy[str] = st.sampled_from(sorted(DEVICES)),
    share_ids: st.SearchStrategy[str] = st.sampled_from("0123456789"),
) -> Share:
    """Draw a share; ids come in any order, so that older and younger ones meet."""
    device_id = draw(device_ids)
    protocol = draw(st.sampled_from(Protocol))
    inside = outside = ALL_PORTS
    if protocol.has_ports:
        inside = draw(port_ranges())
        first = draw(st.just(inside.first) | port_numbers)
        first = min(first, HIGHEST_PORT - len(inside) + 1)
        outside = PortRange(first, first + len(inside) - 1)
    families = draw(st.sets(st.sampled_from(sorted(protocol.families)), min_size=1))
    return Share(
        # No two devices have a share with the same id.
        share_id=f"{draw(share_ids)} {device_id}",
        device_id=device_id,
        name=draw(st.sampled_from(["Web", "Game"])),
        protocol=protocol,
        ports=inside,
        external=outside,
        ipv4=Family.IPV4 in families,
        ipv6=Family.IPV6 in families,
        enabled=draw(st.sampled_from([True, True, False])),
        sources=draw(st.just(()) | source_lists),
    )


def share_sets(
    device_ids: st.SearchStrategy[str] = st.sampled_from(sorted(DEVICES)),
) -> st.SearchStrategy[dict[str, Share]]:
    return st.lists(shares(device_ids), max_size=6).map(by_id)


@st.composite
def device_steps(draw: st.DrawFn) -> DeviceStep:
    device = DEVICES[draw(st.sampled_from(sorted(DEVICES)))]
    if draw(st.integers(0, 9)) == 0:
        return DeviceStep(device_id=device.device_id, device=None, put={})
    return DeviceStep(
        device_id=device.device_id,
        device=replace(device, name=draw(st.sampled_from([device.name, "Renamed"]))),
        put=draw(st.just({}) | share_sets(st.just(device.device_id))),
        toggled=draw(st.text("0123456789", max_size=2)),
        removed=draw(st.text("0123456789", max_size=2)),
    )
