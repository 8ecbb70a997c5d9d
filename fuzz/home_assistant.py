"""A Home Assistant with portshare in it, and a gateway without a kernel."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import tempfile
from typing import Any, Final
from unittest.mock import patch

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    mock_storage,
)

import custom_components.portshare
from custom_components.portshare.const import (
    CONF_LAN,
    CONF_WAN,
    DOMAIN,
    SUBENTRY_DEVICE,
)
from custom_components.portshare.gateway import forwarding
from custom_components.portshare.sharing.model import Dnat
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.storage import Store
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
from tests.integration.fake_gateway import HOME, NAS, FakeGateway

from .target import require

_HOUSE: Final = Path(custom_components.portshare.__file__).parent
_TEXTS: Final = json.loads((_HOUSE / "translations" / "en.json").read_text())
WEB: Final = "01KAQ3V8Z0Y6S9V3K1T5N7B2CD"
_SHARE: Final = {
    "name": "Web server",
    "protocol": "tcp",
    "port": 80,
    "port_end": 80,
    "external_port": 8080,
    "ipv4": True,
    "ipv6": True,
    "sources": [],
    "enabled": True,
    "open_until": None,
}


@dataclass(slots=True)
class House:
    """Home Assistant, its gateway, and what it has stored."""

    hass: HomeAssistant
    gateway: FakeGateway
    stored: dict[str, Any]
    entry: MockConfigEntry

    async def begin(self) -> None:
        """Set the gateway up, with one share, unless that has been done."""
        if not self.is_running:
            await self.set_up()
        require(self.is_running, f"{self.entry.state}: {self.entry.reason}")

    @property
    def is_running(self) -> bool:
        """Whether the gateway is set up."""
        return self.entry.state is ConfigEntryState.LOADED

    async def set_up(self) -> None:
        """Set the gateway up, whatever comes of it."""
        self.entry = _new_entry()
        self.entry.add_to_hass(self.hass)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def remove(self) -> None:
        """Remove the entry, with all that it has stored."""
        await self.hass.config_entries.async_remove(self.entry.entry_id)
        await self.settle()
        # Home Assistant remembers for a month what was removed, the mocks of
        # `mock_storage` for ever how they were called.
        dr.async_get(self.hass)._deleted_devices.clear()
        er.async_get(self.hass).deleted_entities.clear()
        self.gateway.changes.clear()
        for name in ("_async_load", "_async_write_data", "async_remove"):
            getattr(Store, name).reset_mock()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    def check(self) -> None:
        """Raise a Violation if something is open that must not be."""
        taken: set[tuple[object, int]] = set()
        for each in self.gateway.mappings:
            addresses = HOME.devices.values()
            require(
                any(each.address in (a.ipv4, *a.ipv6) for a in addresses),
                f"{each} leads to nobody",
            )
            if isinstance(each, Dnat):
                services = {(each.transport, port) for port in each.external.numbers}
                require(not services & taken, f"{each} is open twice")
                taken |= services
        # What cannot be stored is lost with the next restart.
        json.dumps(self.entry.as_dict(), default=str).encode()

    def check_error(self, error: HomeAssistantError) -> None:
        """Raise a Violation if an error says nothing to the user."""
        if error.translation_domain != DOMAIN:
            return
        exceptions = _TEXTS["exceptions"]
        key = error.translation_key
        require(key in exceptions, f"no text for {key}")
        assert key
        exceptions[key]["message"].format(**error.translation_placeholders or {})


@asynccontextmanager
async def running() -> AsyncIterator[House]:
    """Run it, with one device and its share."""
    gateway = FakeGateway()
    slugify("ü")  # which loads a big table, once
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        stack.enter_context(_patched(gateway, Path(directory)))
        stored = stack.enter_context(mock_storage())
        async with async_test_home_assistant(config_dir=directory) as hass:
            hass.data.pop(DATA_CUSTOM_COMPONENTS, None)
            (Path(directory) / "custom_components").symlink_to(_HOUSE.parent)
            for domain in ("homeassistant", DOMAIN):
                require(await async_setup_component(hass, domain, {}), f"no {domain}")
            house = House(hass, gateway, stored, _new_entry())
            try:
                yield house
            finally:
                await hass.async_stop(force=True)


def _new_entry() -> MockConfigEntry:
    return MockConfigEntry(
        domain=DOMAIN,
        entry_id="01KAQ3V8Z0Y6S9V3K1T5N7B2C0",
        title="Gateway",
        data={CONF_WAN: ["wan0"], CONF_LAN: ["lan0"]},
        subentries_data=[
            ConfigSubentryDataWithId(
                data={"mac": NAS, "addresses": [], "shares": {WEB: dict(_SHARE)}},
                # The same one each time: Home Assistant remembers what was removed.
                subentry_id="01KAQ3V8Z0Y6S9V3K1T5N7B2C1",
                subentry_type=SUBENTRY_DEVICE,
                title="NAS",
                unique_id=NAS,
            )
        ],
    )


@contextmanager
def _patched(gateway: FakeGateway, directory: Path) -> Iterator[None]:
    """Put the gateway in the place of the kernel, and keep apart from the world."""
    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        path = directory / "sys" / name
        path.parent.mkdir(parents=True)
        path.write_text("1\n")

    async def no_names(*_: object, **__: object) -> Any:
        raise OSError("there are no names")

    async def no_port(_: object) -> None:
        """Let another Home Assistant on this machine have port 8123."""

    loop = "asyncio.base_events.BaseEventLoop"
    house = "custom_components.portshare"
    with ExitStack() as stack:
        for what, instead in (
            (f"{house}.Gateway", gateway),
            (f"{house}.config_flow.Gateway", gateway),
            (f"{house}.remove_tables", gateway.remove_tables),
            (f"{house}.listening.somebody_listens", gateway.somebody_listens),
            ("homeassistant.components.http.HomeAssistantHTTP.async_bind", no_port),
            (f"{loop}.getnameinfo", no_names),
            (f"{loop}.getaddrinfo", no_names),
        ):
            stack.enter_context(patch(what, instead))
        stack.enter_context(patch.object(forwarding, "_SYSCTLS", directory / "sys"))
        yield
