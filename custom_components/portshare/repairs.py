"""Repairs that Home Assistant makes by itself when the user agrees."""

from collections.abc import Iterable
from typing import Final, override

import voluptuous as vol

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .const import CONF_LAN, CONF_WAN
from .coordinator import PortShareConfigEntry
from .gateway.errors import GatewayError
from .gateway.forwarding import Setting, missing_settings, set_all
from .gateway.other_firewalls import OtherFirewall
from .obstacles import of_firewall
from .sharing.model import Family

_NOTHING_TO_ASK: Final = vol.Schema({})


class ForwardingRepairFlow(ConfirmRepairFlow):
    """Let the kernel forward packets, or say how to do it by hand."""

    def __init__(self, entry: PortShareConfigEntry, family: Family) -> None:
        """Remember what shall be forwarded."""
        self._entry = entry
        self._family = family

    @override
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
        return await self._done()

    async def async_step_by_hand(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Look whether the user has switched it on."""
        if settings := self._missing_settings():
            return self._ask("by_hand", settings, {"base": "still_off"})
        return await self._done()

    async def _done(self) -> RepairsFlowResult:
        """Look again: the kernel does not tell, and shares were blocked."""
        if self._entry.state is ConfigEntryState.LOADED:
            await self._entry.runtime_data.async_refresh()
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


class LetThroughRepairFlow(ConfirmRepairFlow):
    """Add the one rule to somebody else's table that lets shares in."""

    def __init__(self, entry: PortShareConfigEntry, issue_id: str) -> None:
        """Remember whose issue it is."""
        self._entry = entry
        self._issue_id = issue_id

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say which rule it is, and add it if the user agrees."""
        if self._entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        for firewall in self._entry.runtime_data.gateway.others.firewalls:
            obstacle = of_firewall(firewall)
            if obstacle and obstacle.issue_id == self._issue_id:
                return await self._let_through(
                    firewall, obstacle.placeholders, agreed=user_input is not None
                )
        return self.async_create_entry(data={})  # somebody else has mended it

    async def _let_through(
        self, firewall: OtherFirewall, placeholders: dict[str, str], *, agreed: bool
    ) -> RepairsFlowResult:
        errors = {}
        if agreed:
            try:
                await self._entry.runtime_data.gateway.let_through(firewall)
            except GatewayError as err:
                errors["base"] = "kernel_refused"
                placeholders["detail"] = str(err)
            else:
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="confirm",
            data_schema=_NOTHING_TO_ASK,
            description_placeholders=placeholders,
            errors=errors,
        )


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    assert data
    entry = hass.config_entries.async_get_known_entry(str(data["entry_id"]))
    if family := data.get("family"):
        return ForwardingRepairFlow(entry, Family(str(family)))
    return LetThroughRepairFlow(entry, issue_id)
