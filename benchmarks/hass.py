"""A Home Assistant in this process, with nothing in it but portshare."""

from collections.abc import AsyncIterator
import contextlib
from datetime import UTC, datetime
from pathlib import Path
import tempfile
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
from custom_components.portshare.gateway.gateway import remove_tables
from custom_components.portshare.subentries import device_data
from demo.home import LAN_LINK, WAN_LINK, Home
from homeassistant import bootstrap, loader
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant

REPOSITORY = Path(__file__).resolve().parent.parent


@contextlib.asynccontextmanager
async def running(home: Home, most: int) -> AsyncIterator[tuple[HomeAssistant, str]]:
    """Run it in the gateway; return it, and the id of the entry.

    All devices of the home may map so many ports.
    """
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
            entry = _entry(home, most)
            await hass.config_entries.async_add(entry)
            await hass.async_start()
            if entry.state is not ConfigEntryState.LOADED:
                raise RuntimeError(f"{entry.state}: {entry.reason}")
            yield hass, entry.entry_id
        finally:
            await hass.async_stop(force=True)
            await remove_tables()


def _entry(home: Home, most: int) -> ConfigEntry[Any]:
    now = datetime.now(UTC)
    limits = {CONF_MOST_OF_DEVICE: most, CONF_MOST_IN_ALL: most}
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
                "data": device_data(device.mac, [device.addresses.ipv4], {})
                | {CONF_INDEPENDENT: True},
                "subentry_type": SUBENTRY_DEVICE,
                "title": device.name,
                "unique_id": device.mac,
            }
            for device in home.devices.values()
        ],
    )
