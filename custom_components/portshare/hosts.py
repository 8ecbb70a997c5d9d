"""Who is on the home network: devices that could be added for sharing."""

import asyncio
from collections.abc import Iterable
import contextlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
import socket
from typing import Final

from homeassistant.components.device_tracker.const import (
    DOMAIN as DEVICE_TRACKER_DOMAIN,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN
from .gateway.gateway import Gateway
from .sharing.model import Addresses

_LOOK_UP_SECONDS: Final = 2
_PROBE_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Host:
    """A device that was seen on the LAN. The name is empty if nobody knows one."""

    mac: str
    name: str
    addresses: Addresses


async def async_hosts(hass: HomeAssistant, gateway: Gateway) -> list[Host]:
    """Return the devices seen on the LAN, those with names first.

    Home Assistant's own knowledge of names comes before the name service's.
    """
    facts = gateway.facts()
    seen = {
        mac: addresses
        for mac, addresses in facts.devices.items()
        if mac not in facts.own_macs
    }
    known = _names(hass)
    looked_up = await asyncio.gather(
        *(
            _look_up(hass, addresses) if mac not in known else _no_name()
            for mac, addresses in seen.items()
        )
    )
    hosts = [
        Host(mac, known.get(mac) or name, addresses)
        for (mac, addresses), name in zip(seen.items(), looked_up, strict=True)
    ]
    return sorted(hosts, key=lambda host: (not host.name, host.name.lower(), host.mac))


async def async_find(
    gateway: Gateway, address: IPv4Address | IPv6Address
) -> str | None:
    """Return the MAC address of the device that answers at a LAN address, if any."""
    changed = asyncio.Event()
    unsubscribe = gateway.subscribe(changed.set)
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            if (mac := _holder(gateway, address)) is not None:
                return mac
            await gateway.probe(address)
            while (mac := _holder(gateway, address)) is None:
                changed.clear()
                await changed.wait()
            return mac
    except TimeoutError:
        return None
    finally:
        unsubscribe()


def _holder(gateway: Gateway, address: IPv4Address | IPv6Address) -> str | None:
    for mac, addresses in gateway.facts().devices.items():
        if address == addresses.ipv4 or address in addresses.ipv6:
            return mac
    return None


def _names(hass: HomeAssistant) -> dict[str, str]:
    """Return what Home Assistant calls devices, by MAC address."""
    names: dict[str, str] = {}
    for device in dr.async_get(hass).devices:
        if any(domain == DOMAIN for domain, *_ in device.identifiers):
            continue
        name = device.name_by_user or device.name
        for kind, mac in device.connections:
            if kind == dr.CONNECTION_NETWORK_MAC and name:
                names[mac] = name
    for state in hass.states.async_all(DEVICE_TRACKER_DOMAIN):
        if tracked := state.attributes.get("mac"):
            names.setdefault(dr.format_mac(tracked), state.name)
    return names


async def _look_up(hass: HomeAssistant, addresses: Addresses) -> str:
    """Return the first label of the name that belongs to an address."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            for address in _each(addresses):
                with contextlib.suppress(OSError):
                    name, _ = await hass.loop.getnameinfo(
                        (str(address), 0), socket.NI_NAMEREQD
                    )
                    return name.partition(".")[0]
    return ""


async def _no_name() -> str:
    return ""


def _each(addresses: Addresses) -> Iterable[IPv4Address | IPv6Address]:
    if addresses.ipv4:
        yield addresses.ipv4
    yield from addresses.ipv6
