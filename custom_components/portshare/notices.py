"""Change notices: a message to the phone whenever a port is opened.

FRITZ!Box calls it the push service. The user chooses the notify entities.
"""

from datetime import timedelta
import logging
from typing import Any

from homeassistant.components.notify import (
    ATTR_MESSAGE,
    ATTR_TITLE,
    DOMAIN as NOTIFY_DOMAIN,
    SERVICE_SEND_MESSAGE,
)
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_translations

from .const import CONF_NOTIFY, DOMAIN
from .coordinator import PortShareConfigEntry
from .events import EventType, PortShareEvent

_LOGGER = logging.getLogger(__name__)


@callback
def async_setup_notices(hass: HomeAssistant, entry: PortShareConfigEntry) -> None:
    """Send a notice for each share that is opened, if anybody wants one."""
    targets: list[str] = entry.options.get(CONF_NOTIFY, [])
    if not targets:
        return
    coordinator = entry.runtime_data

    @callback
    def told(event: PortShareEvent) -> None:
        if event.type is EventType.SHARE_ENABLED:
            device = coordinator.configuration.devices.get(event.subentry_id or "")
            state = coordinator.latest.shares.get(event.data["share_id"])
            entry.async_create_background_task(
                hass,
                _send(
                    hass,
                    targets,
                    {
                        "share": event.data["name"],
                        "device": device.name if device else "",
                        "calls": ", ".join(state.calls) if state else "",
                    },
                    event.data.get("lasted"),
                ),
                "portshare notice",
            )

    entry.async_on_unload(coordinator.teller.subscribe(told))


async def _send(
    hass: HomeAssistant, targets: list[str], words: dict[str, str], lasted: int | None
) -> None:
    texts = await async_get_translations(
        hass, hass.config.language, "selector", {DOMAIN}
    )
    kind = "opened" if lasted is None else "opened_again"
    if lasted is not None:
        words["lasted"] = str(timedelta(seconds=lasted))
    prefix = f"component.{DOMAIN}.selector.notice.options"
    message: dict[str, Any] = {
        ATTR_ENTITY_ID: targets,
        ATTR_TITLE: texts[f"{prefix}.title"],
        ATTR_MESSAGE: texts[f"{prefix}.{kind}"].format_map(words),
    }
    try:
        await hass.services.async_call(
            NOTIFY_DOMAIN, SERVICE_SEND_MESSAGE, message, blocking=True
        )
    except HomeAssistantError as err:
        _LOGGER.warning("A change notice could not be sent: %s", err)
    except Exception:  # a mistake of whoever was to bring it
        _LOGGER.exception("A change notice could not be sent")
