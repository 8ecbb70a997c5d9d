"""Change notices: a message to the phone whenever a port is opened.

FRITZ!Box calls it the push service. The user chooses the notify entities.
"""

import logging
from typing import Any, Final

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
from .events import EventType, PortShareEvent, Reason, readable_duration
from .sharing.model import Status
from .sharing.snapshot import ShareState

_LOGGER = logging.getLogger(__name__)


# Switched on, but nobody can call. The kernel's own refusals are no notice, so an error is
# that of a source whose name cannot be resolved.
_WAITING: Final = (
    Status.NO_INTERNET,
    Status.DEVICE_UNKNOWN,
    Status.BLOCKED,
    Status.ERROR,
)
# What has opened it again, or at last.
_REASONS: Final = (
    Reason.INTERNET,
    Reason.DEVICE,
    Reason.CONFLICT,
    Reason.FIREWALL,
)


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
                _send(hass, targets, event, device.name if device else "", state),
                "portshare notice",
            )

    entry.async_on_unload(coordinator.teller.subscribe(told))


def _kind(event: PortShareEvent, state: ShareState | None) -> str:
    """Return which text says how a share has been opened."""
    if state and state.status in _WAITING:
        return f"opened_{state.status}"
    reason = event.data["reason"]
    if reason in _REASONS:
        return f"opened_{reason}"
    return "opened"


def _calls(state: ShareState, port_over_ipv4: str) -> str:
    """Return what to tell callers; while the line is down its address is not known."""
    calls, share = list(state.calls), state.share
    over_ipv4 = [call for call in calls if not call.startswith("[")]
    if (
        share.ipv4
        and share.protocol.has_ports
        and not over_ipv4
        and state.status is not Status.ACTIVE
    ):
        calls.insert(0, port_over_ipv4.format(port=share.external))
    return ", ".join(calls)


async def _send(
    hass: HomeAssistant,
    targets: list[str],
    event: PortShareEvent,
    device: str,
    state: ShareState | None,
) -> None:
    translations = await async_get_translations(
        hass, hass.config.language, "selector", {DOMAIN}
    )
    prefix = f"component.{DOMAIN}.selector.notice.options."
    texts = {key.removeprefix(prefix): text for key, text in translations.items()}
    text = texts[_kind(event, state)].format(
        share=event.data["name"],
        device=device,
        lasted=readable_duration(event.data.get("lasted", 0)),
        calls=_calls(state, texts["port_over_ipv4"]) if state else "",
    )
    message: dict[str, Any] = {
        ATTR_ENTITY_ID: targets,
        ATTR_TITLE: texts["title"],
        # Without a call: the share is gone again, or nobody knows an address of it.
        ATTR_MESSAGE: text.removesuffix(": "),
    }
    try:
        await hass.services.async_call(
            NOTIFY_DOMAIN, SERVICE_SEND_MESSAGE, message, blocking=True
        )
    except HomeAssistantError as err:
        _LOGGER.warning("A change notice could not be sent: %s", err)
    except Exception:  # a mistake of whoever was to bring it
        _LOGGER.exception("A change notice could not be sent")
