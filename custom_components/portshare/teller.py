"""Tells the world: the event bus, and whoever in here listens."""

from collections.abc import Callable, Mapping

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from .const import EVENT_PORTSHARE
from .events import PortShareEvent

type Listener = Callable[[PortShareEvent], None]


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
        self._kept: list[PortShareEvent] | None = []

    @callback
    def subscribe(self, listener: Listener) -> CALLBACK_TYPE:
        """Call a listener with each event; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def begin(self) -> None:
        """Tell what was kept, and from now on everything at once."""
        kept, self._kept = self._kept or [], None
        for event in kept:
            self.tell(event)

    @callback
    def tell(self, event: PortShareEvent) -> None:
        """Tell an event to the bus and the listeners."""
        if self._kept is not None:
            self._kept.append(event)
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
