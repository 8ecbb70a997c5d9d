"""A Home Assistant in this process, with nothing in it but portshare."""

from collections.abc import AsyncIterator
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
import tempfile
import time
from types import MappingProxyType
from typing import Any

from custom_components.portshare.const import (
    CONF_INDEPENDENT,
    CONF_LAN,
    CONF_MOST_IN_ALL,
    CONF_MOST_OF_DEVICE,
    CONF_PROTECT,
    CONF_WAN,
    DOMAIN,
    SECTION_INDEPENDENT,
    SUBENTRY_DEVICE,
)
from custom_components.portshare.coordinator import PortShareCoordinator
from custom_components.portshare.gateway.gateway import remove_tables
from custom_components.portshare.subentries import device_data
from demo.home import LAN_LINK, WAN_LINK, Home
from homeassistant import bootstrap, loader
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util.ulid import ulid_now

REPOSITORY = Path(__file__).resolve().parent.parent


FIRST_SHARED = 20_000


@dataclass(frozen=True, slots=True)
class Running:
    """One that runs, with portshare in it; in seconds how long that took to be set up."""

    hass: HomeAssistant
    entry: ConfigEntry[PortShareCoordinator]
    set_up: float


@contextlib.asynccontextmanager
async def empty() -> AsyncIterator[HomeAssistant]:
    """One without portshare."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "custom_components").symlink_to(
            REPOSITORY / "custom_components"
        )
        hass = HomeAssistant(directory)
        loader.async_setup(hass)
        hass.config.skip_pip = True
        if not await bootstrap.async_from_config_dict({}, hass):
            raise RuntimeError("Home Assistant does not start")
        try:
            await hass.async_start()
            yield hass
        finally:
            await hass.async_stop(force=True)


@contextlib.asynccontextmanager
async def running(home: Home, *, most: int, shares: int = 0) -> AsyncIterator[Running]:
    """Run it in the gateway.

    All devices of the home may map `most` ports, and have so many shares together.
    """
    try:
        async with empty() as hass:
            entry = _entry(home, most, shares)
            began = time.perf_counter()
            await hass.config_entries.async_add(entry)
            took = time.perf_counter() - began
            if entry.state is not ConfigEntryState.LOADED:
                raise RuntimeError(f"{entry.state}: {entry.reason}")
            yield Running(hass, entry, took)
    finally:
        await remove_tables()


def _entry(home: Home, most: int, shares: int) -> ConfigEntry[PortShareCoordinator]:
    now = datetime.now(UTC)
    limits = {CONF_MOST_OF_DEVICE: most, CONF_MOST_IN_ALL: most}
    devices = list(home.devices.values())
    return ConfigEntry(
        created_at=now,
        modified_at=now,
        data={CONF_WAN: [WAN_LINK], CONF_LAN: [LAN_LINK]},
        options={CONF_PROTECT: True, SECTION_INDEPENDENT: limits},
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        minor_version=1,
        version=1,
        source="user",
        title="Gateway",
        unique_id=None,
        subentries_data=[
            {
                "data": device_data(
                    device.mac,
                    [device.addresses.ipv4],
                    _shares(range(number, shares, len(devices))),
                )
                | {CONF_INDEPENDENT: True},
                "subentry_type": SUBENTRY_DEVICE,
                "title": device.name,
                "unique_id": device.mac,
            }
            for number, device in enumerate(devices)
        ],
    )


def _shares(numbers: range) -> dict[str, Any]:
    """Shares as they are stored, of one TCP port each over both IP versions."""
    return {
        ulid_now(): {
            "name": f"Share {number}",
            "protocol": "tcp",
            "port": FIRST_SHARED + number,
            "port_end": None,
            "external_port": FIRST_SHARED + number,
            "ipv4": True,
            "ipv6": True,
            "sources": [],
            "enabled": True,
            "open_until": None,
        }
        for number in numbers
    }
