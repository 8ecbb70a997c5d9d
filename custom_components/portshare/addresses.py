"""Where devices were seen last: where to look for them after a restart.

An address from here opens nothing. It is only where the kernel is asked to look; the
neighbour that answers, with its MAC address, is what counts.
"""

from collections.abc import Iterable
import contextlib
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .gateway.gateway import Gateway
from .sharing.model import Addresses, Device

_VERSION: Final = 1
_SAVE_DELAY_SECONDS: Final = 10
# A device has a few addresses at a time; temporary ones come and go.
_MOST: Final = 12

type Address = IPv4Address | IPv6Address


class KnownAddresses:
    """The last addresses of each device, by MAC address."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Begin empty; `load` reads what was stored."""
        self._store = Store[dict[str, list[str]]](
            hass, _VERSION, f"{DOMAIN}.{entry_id}.addresses"
        )
        self._known: dict[str, tuple[Address, ...]] = {}
        self._unsaved = False

    async def load(self) -> None:
        """Read what was stored."""
        for mac, addresses in (await self._store.async_load() or {}).items():
            self.add_hints(mac, addresses)

    async def save(self) -> None:
        """Store at once what is still to be stored."""
        if self._unsaved:
            await self._store.async_save(self._data())

    async def forget(self) -> None:
        """Delete what was stored."""
        await self._store.async_remove()

    def of(self, mac: str) -> tuple[Address, ...]:
        """Return where the device was seen last."""
        return self._known.get(mac, ())

    @callback
    def add_hints(self, mac: str, hints: Iterable[str]) -> None:
        """Add addresses that somebody gave, if nothing better is known."""
        if mac not in self._known:
            self._known[mac] = tuple(_parse(hints))

    @callback
    def remember(self, mac: str, seen: Addresses) -> None:
        """Remember where a device is now, and for a while where it was before."""
        now = (*((seen.ipv4,) if seen.ipv4 else ()), *seen.ipv6)
        known = self._known.get(mac, ())
        if not set(known).issuperset(now):
            self._known[mac] = tuple(dict.fromkeys((*now, *known)))[:_MOST]
            self._unsaved = True
            self._store.async_delay_save(self._data, _SAVE_DELAY_SECONDS)

    async def look_for(self, devices: Iterable[Device], gateway: Gateway) -> None:
        """Let the kernel ask for devices where they were seen last.

        Only an answer opens anything, and it comes as a change of facts.
        """
        facts = gateway.facts()
        for device in list(devices):
            seen = facts.addresses_of(device.mac)
            for address in {*self.of(device.mac), *seen.expected_ipv6}:
                # One IPv4 address is enough, and the one learned last counts.
                known = seen.ipv4 if address.version == 4 else address in seen.ipv6
                if not known:
                    await gateway.probe(address)
            self.remember(device.mac, seen)

    def _data(self) -> dict[str, list[str]]:
        self._unsaved = False
        return {mac: list(map(str, known)) for mac, known in self._known.items()}


def _parse(addresses: Iterable[str]) -> Iterable[Address]:
    for address in addresses:
        with contextlib.suppress(ValueError):
            yield ip_address(address)
