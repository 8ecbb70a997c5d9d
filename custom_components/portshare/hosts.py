"""Who is on the home network: devices that could be added for sharing."""

from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from homeassistant.core import HomeAssistant

from .gateway.asking import find_holder
from .gateway.gateway import Gateway
from .names import async_names
from .sharing.errors import NobodyAnswers
from .sharing.model import Addresses
from .sharing.rules import parse_target

_PROBE_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Host:
    """A device that was seen on the LAN. The name is empty if nobody knows one."""

    mac: str
    name: str
    addresses: Addresses


async def async_hosts(hass: HomeAssistant, gateway: Gateway) -> list[Host]:
    """Return the devices seen on the LAN, those with names first."""
    facts = gateway.facts()
    seen = {
        mac: addresses
        for mac, addresses in facts.devices.items()
        if mac not in facts.own_macs
    }
    names = await async_names(hass, seen)
    hosts = [
        Host(mac, names.get(mac, ""), addresses) for mac, addresses in seen.items()
    ]
    return sorted(hosts, key=lambda host: (not host.name, host.name.lower(), host.mac))


async def async_find_typed(gateway: Gateway, typed: str) -> str:
    """Return the MAC address of a device of which a MAC or LAN address was typed.

    Raises an InvalidDevice.
    """
    target = parse_target(typed, gateway.facts())
    if isinstance(target, str):
        return target
    if (found := await async_find(gateway, target)) is None:
        raise NobodyAnswers(typed)
    return found


async def async_find(
    gateway: Gateway, address: IPv4Address | IPv6Address
) -> str | None:
    """Return the MAC address of the device that answers at a LAN address, if any."""
    return await find_holder(
        gateway, address, partial(_holder, gateway), _PROBE_SECONDS
    )


def _holder(gateway: Gateway, address: IPv4Address | IPv6Address) -> str | None:
    for mac, addresses in gateway.facts().devices.items():
        if address == addresses.ipv4 or address in addresses.ipv6:
            return mac
    return None
