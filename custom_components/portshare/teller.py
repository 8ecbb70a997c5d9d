"""Tells the world: the event bus, and whoever in here listens."""

from collections.abc import Callable, Mapping
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, EVENT_PORTSHARE
from .events import PortShareEvent

type Listener = Callable[[PortShareEvent], None]

# What is still to be told, by entry. It outlives a reload of the entry.
_KEPT: Final = HassKey[dict[str, list[PortShareEvent]]](f"{DOMAIN}_kept_events")


class Teller:
    """Fires a portshare_event on the bus for everything that it is told.

    What happens while Home Assistant starts is kept until there is somebody to hear it.
    """

    def __init__(
        self, hass: HomeAssistant, entry_id: str, device_ids: Mapping[str | None, str]
    ) -> None:
        """Remember how Home Assistant calls the devices; None is the gateway."""
        self._hass = hass
        self._entry_id = entry_id
        self._device_ids = device_ids
        self._listeners: list[Listener] = []
        self._begun = False

    @callback
    def subscribe(self, listener: Listener) -> CALLBACK_TYPE:
        """Call a listener with each event; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def begin(self) -> None:
        """Tell what was kept, and from now on everything at once."""
        self._begun = True
        for event in self._hass.data.get(_KEPT, {}).pop(self._entry_id, ()):
            self.tell(event)

    @callback
    def tell(self, event: PortShareEvent) -> None:
        """Tell an event to the bus and the listeners."""
        if not self._begun:
            kept = self._hass.data.setdefault(_KEPT, {})
            kept.setdefault(self._entry_id, []).append(event)
            return
        data = {
            "type": event.type.value,
            "entry_id": self._entry_id,
            "device_id": self._device_ids.get(event.subentry_id),
            **event.data,
        }
        self._hass.bus.async_fire(EVENT_PORTSHARE, data, context=event.context)
        for listener in tuple(self._listeners):
            listener(event)
