"""One browser that shows our page, over all reloads of the entry."""

from typing import Any

from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .coordinator import PortShareCoordinator
from .panel_feed import PanelFeed
from .panel_state import Json, described_application
from .services import running_coordinator
from .sharing.applications import APPLICATIONS


class Subscription:
    """Sends a snapshot of each gateway that begins to run, and null when it ends."""

    def __init__(
        self, hass: HomeAssistant, connection: ActiveConnection, msg_id: int
    ) -> None:
        """Remember where to send it."""
        self._hass = hass
        self._connection = connection
        self._msg_id = msg_id
        self._applications: list[Json] = []
        self._coordinator: PortShareCoordinator | None = None
        self._feed: PanelFeed | None = None
        self._unfollow: CALLBACK_TYPE | None = None
        self._ended = False

    async def begin(self, language: str) -> None:
        """Send what is true now, and then what changes."""
        self._applications = await _applications(self._hass, language)
        if self._ended:
            return  # while the names of the applications were read
        self._connection.send_result(self._msg_id)
        self._unfollow = async_dispatcher_connect(
            self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
        )
        self._feed_from(running_coordinator(self._hass))

    @callback
    def end(self) -> None:
        """Send nothing more."""
        self._ended = True
        if self._unfollow:
            self._unfollow()
        if self._feed:
            self._feed.end()

    @callback
    def _entry_changed(self, _: ConfigEntryChange, entry: ConfigEntry[Any]) -> None:
        if entry.domain != DOMAIN:
            return
        coordinator = running_coordinator(self._hass)
        if coordinator is not self._coordinator:
            self._feed_from(coordinator)
        elif self._feed:
            self._feed.look()  # it may have another name

    @callback
    def _feed_from(self, coordinator: PortShareCoordinator | None) -> None:
        if self._feed:
            self._feed.end()
        self._feed, self._coordinator = None, coordinator
        if coordinator is None:
            self._connection.send_event(self._msg_id, {"snapshot": None})
            return
        self._feed = PanelFeed(self._hass, coordinator, self._send_changes)
        snapshot = {**self._feed.snapshot, "applications": self._applications}
        self._connection.send_event(self._msg_id, {"snapshot": snapshot})
        self._feed.begin()

    @callback
    def _send_changes(self, changes: Json) -> None:
        self._connection.send_event(self._msg_id, {"changes": changes})


async def _applications(hass: HomeAssistant, language: str) -> list[Json]:
    """Return the catalogue of applications with their names in this language."""
    texts = await async_get_translations(hass, language, "selector", {DOMAIN})
    prefix = f"component.{DOMAIN}.selector.application.options."
    return [
        described_application(each, texts.get(f"{prefix}{each.key}", each.key))
        for each in APPLICATIONS
    ]
