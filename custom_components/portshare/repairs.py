"""Repairs that Home Assistant makes by itself when the user agrees."""

from collections.abc import Iterable
from typing import Final

import voluptuous as vol

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant

from .const import CONF_LAN, CONF_WAN
from .coordinator import PortShareConfigEntry
from .gateway.forwarding import Setting, missing_settings, set_all
from .sharing.model import Family

_NOTHING_TO_ASK: Final = vol.Schema({})


class ForwardingRepairFlow(RepairsFlow):
    """Let the kernel forward packets, or say how to do it by hand."""

    def __init__(self, entry: PortShareConfigEntry, family: Family) -> None:
        """Remember what shall be forwarded."""
        self._entry = entry
        self._family = family

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Switch it on, if that is allowed."""
        settings = self._missing_settings()
        if user_input is None:
            return self._ask("confirm", settings)
        try:
            await self.hass.async_add_executor_job(set_all, settings)
        except OSError:  # in a container they are read-only
            return self._ask("by_hand", self._missing_settings())
        return self.async_create_entry(data={})

    async def async_step_by_hand(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Look whether the user has switched it on."""
        if settings := self._missing_settings():
            return self._ask("by_hand", settings, {"base": "still_off"})
        return self.async_create_entry(data={})

    def _missing_settings(self) -> tuple[Setting, ...]:
        data = self._entry.data
        return missing_settings(self._family, data[CONF_WAN], data[CONF_LAN])

    def _ask(
        self,
        step_id: str,
        settings: Iterable[Setting],
        errors: dict[str, str] | None = None,
    ) -> RepairsFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=_NOTHING_TO_ASK,
            description_placeholders={"settings": " ".join(map(str, settings))},
            errors=errors,
        )


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    assert data
    entry = hass.config_entries.async_get_known_entry(str(data["entry_id"]))
    return ForwardingRepairFlow(entry, Family(str(data["family"])))
