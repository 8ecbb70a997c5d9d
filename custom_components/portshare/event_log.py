"""The log of our page: what happened last, and who did it. It survives a restart."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.ulid import ulid_now

from .const import DOMAIN
from .coordinator import PortShareCoordinator
from .events import PortShareEvent
from .sentences import device_name, sentence
from .stored import must_be_readable

LONGEST: Final = 200

_VERSION: Final = 1
# Flash memory wears out; the last minute is written when Home Assistant ends.
_SAVE_DELAY_SECONDS: Final = 60

type Entry = dict[str, Any]
type Listener = Callable[[Entry], None]

_LOGS: Final = HassKey[dict[str, "EventLog"]](f"{DOMAIN}_event_log")


class EventLog:
    """The last entries, oldest first, as the browser gets them."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Begin empty."""
        self._hass = hass
        self._entry = entry
        self._store = _store(hass, entry.entry_id)
        self._entries: deque[Entry] = deque(maxlen=LONGEST)
        self._listeners: list[Listener] = []
        self._unsaved = False

    @property
    def entries(self) -> list[Entry]:
        """What happened last, oldest first."""
        return list(self._entries)

    async def load(self) -> None:
        """Read what happened before a restart."""
        with must_be_readable(self._entry):
            stored = await self._store.async_load() or {"entries": []}
            self._entries.extend(dict(each) for each in stored["entries"])

    @callback
    def begin(self, coordinator: PortShareCoordinator) -> None:
        """Write down what is told from now on."""
        self._hass.data.setdefault(_LOGS, {})[self._entry.entry_id] = self

        @callback
        def told(event: PortShareEvent) -> None:
            # Eager, and nothing of it waits: entries stay in their order.
            self._hass.async_create_task(
                self._note(coordinator, event), "portshare event log"
            )

        self._entry.async_on_unload(coordinator.teller.subscribe(told))

    @callback
    def subscribe(self, listener: Listener) -> CALLBACK_TYPE:
        """Call a listener with each new entry; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def close(self) -> None:
        """Store at once what is still to be stored."""
        self._hass.data.get(_LOGS, {}).pop(self._entry.entry_id, None)
        if self._unsaved:
            await self._store.async_save(self._stored())

    async def _note(
        self, coordinator: PortShareCoordinator, event: PortShareEvent
    ) -> None:
        data = event.data
        entry = {
            "id": ulid_now(),
            "at": data["at"],
            "type": event.type.value,
            "message": sentence(self._hass, {"type": event.type.value, **data}),
            "device": event.subentry_id or None,
            "device_name": device_name(
                self._hass, coordinator.device_id(event.subentry_id)
            ),
            "share": data.get("share_id"),
            "lease": data.get("lease_id"),
            "reason": data.get("reason"),
            "by": await self._name_of_user(event.context),
            "request_id": data.get("request_id"),
        }
        self._entries.append(entry)
        self._unsaved = True
        self._store.async_delay_save(self._stored, _SAVE_DELAY_SECONDS)
        for listener in tuple(self._listeners):
            listener(entry)

    async def _name_of_user(self, context: Context | None) -> str | None:
        if context is None or context.user_id is None:
            return None
        user = await self._hass.auth.async_get_user(context.user_id)
        return user.name if user else None

    @callback
    def _stored(self) -> dict[str, list[Entry]]:
        self._unsaved = False
        return {"entries": self.entries}


@callback
def event_log_of(hass: HomeAssistant, entry_id: str) -> EventLog:
    """Return the log of an entry that is loaded."""
    return hass.data[_LOGS][entry_id]


async def async_forget_event_log(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, list[Entry]]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.log")
