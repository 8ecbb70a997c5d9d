"""What a device on the home network is called: who may know, and who is asked first."""

import asyncio
from collections.abc import Iterable
import contextlib
from ipaddress import IPv4Address, IPv6Address, ip_address
import socket
from typing import Final

from homeassistant.components.device_tracker.const import (
    DOMAIN as DEVICE_TRACKER_DOMAIN,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN
from .sharing.model import Addresses

_LOOK_UP_SECONDS: Final = 2

type Address = IPv4Address | IPv6Address


async def async_names(
    hass: HomeAssistant, devices: dict[str, Addresses]
) -> dict[str, str]:
    """Return the names of devices by MAC address, as far as anybody knows one.

    First what the user sees in Home Assistant, then what the device said of itself
    (DHCP, mDNS), then the name service.
    """
    names = _of_dhcp(hass) | _of_trackers(hass) | _of_registry(hass)
    by_address = await _of_mdns(hass)
    unknown = []
    for mac, addresses in devices.items():
        if mac in names:
            continue
        for address in _each(addresses):
            if address in by_address:
                names[mac] = by_address[address]
                break
        else:
            unknown.append(mac)
    looked_up = await asyncio.gather(*(_look_up(hass, devices[mac]) for mac in unknown))
    names |= zip(unknown, looked_up, strict=True)
    return {mac: names[mac] for mac in devices if names.get(mac)}


def _of_registry(hass: HomeAssistant) -> dict[str, str]:
    """Return how the user calls the devices of other integrations."""
    return {
        mac: name
        for device in dr.async_get(hass).devices
        if not any(domain == DOMAIN for domain, *_ in device.identifiers)
        and (name := device.name_by_user or device.name)
        for kind, mac in device.connections
        if kind == dr.CONNECTION_NETWORK_MAC
    }


def _of_trackers(hass: HomeAssistant) -> dict[str, str]:
    return {
        dr.format_mac(mac): state.name
        for state in hass.states.async_all(DEVICE_TRACKER_DOMAIN)
        if (mac := state.attributes.get("mac"))
    }


def _of_dhcp(hass: HomeAssistant) -> dict[str, str]:
    """Return the host names that devices gave when they asked for an address."""
    if "dhcp" not in hass.config.components:
        return {}
    from homeassistant.components.dhcp.helpers import async_discovered_service_info  # noqa: PLC0415  it may not be there

    return {
        dr.format_mac(device.macaddress): device.hostname
        for device in async_discovered_service_info(hass)
        if device.hostname
    }


async def _of_mdns(hass: HomeAssistant) -> dict[Address, str]:
    """Return the `.local` names that devices have announced lately."""
    if "zeroconf" not in hass.config.components:
        return {}
    from homeassistant.components import zeroconf  # noqa: PLC0415  it may not be there

    cache = (await zeroconf.async_get_instance(hass)).cache
    return {
        ip_address(address): name.partition(".")[0]
        for name in cache.names()
        if name.endswith(".local.")
        for record in cache.entries_with_name(name)
        if (address := getattr(record, "address", None))
    }


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


def _each(addresses: Addresses) -> Iterable[Address]:
    if addresses.ipv4:
        yield addresses.ipv4
    yield from addresses.ipv6
