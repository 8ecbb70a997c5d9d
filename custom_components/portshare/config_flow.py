"""Set up the gateway: which interface is the internet, which are the home."""

from collections.abc import Mapping
from typing import Any, Final, override

import voluptuous as vol

from homeassistant.components.notify import DOMAIN as NOTIFY_DOMAIN
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow, section
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from .browser import outside_address
from .const import (
    CONF_DNS_NAME,
    CONF_LAN,
    CONF_LONGEST_LIFETIME,
    CONF_LOW_PORTS,
    CONF_MOST_IN_ALL,
    CONF_MOST_OF_DEVICE,
    CONF_NOTIFY,
    CONF_PROTECT,
    CONF_PROTOCOLS,
    CONF_TELL_AFTER,
    CONF_TELL_FIRST_CALLS,
    CONF_WAN,
    DOMAIN,
    SECTION_EXPERT,
    SECTION_INDEPENDENT,
    SUBENTRY_DEVICE,
)
from .gateway.errors import GatewayError
from .gateway.gateway import Gateway, NetworkInterface
from .gateway.preflight import PreflightError
from .leasing import PROTOCOLS
from .sharing.model import Facts
from .subentry_flow import DeviceSubentryFlow

TITLE = "Gateway"


def _box(
    lowest: int, highest: int | None = None, unit: str | None = None
) -> NumberSelector:
    """Return a field for a number."""
    config = NumberSelectorConfig(min=lowest, mode=NumberSelectorMode.BOX)
    if highest:
        config["max"] = highest
    if unit:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


# How much devices may map that may at all.
_INDEPENDENT: Final = vol.Schema(
    {
        vol.Optional(
            CONF_PROTOCOLS, default=[each.value for each in PROTOCOLS]
        ): SelectSelector(
            SelectSelectorConfig(
                options=[each.value for each in PROTOCOLS],
                translation_key="asked_by",
                multiple=True,
                mode=SelectSelectorMode.LIST,
            )
        ),
        vol.Optional(CONF_LOW_PORTS): BooleanSelector(),
        vol.Optional(CONF_MOST_OF_DEVICE): _box(1, 10_000),
        vol.Optional(CONF_MOST_IN_ALL): _box(1, 10_000),
        vol.Optional(CONF_LONGEST_LIFETIME): _box(1, 168, unit="h"),
    }
)


class PortShareConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up, and set up again, a gateway."""

    VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        return {SUBENTRY_DEVICE: DeviceSubentryFlow}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> PortShareOptionsFlow:
        return PortShareOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose the interfaces."""
        return await self._choose_interfaces("user", user_input, None)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose other interfaces."""
        return await self._choose_interfaces(
            "reconfigure", user_input, self._get_reconfigure_entry().data
        )

    async def _choose_interfaces(
        self,
        step_id: str,
        user_input: dict[str, Any] | None,
        current: Mapping[str, Any] | None,
    ) -> ConfigFlowResult:
        interfaces = await _interfaces()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = _check(user_input, interfaces)
            if not errors:
                if step_id == "reconfigure":
                    return self._update(user_input)
                return self.async_create_entry(title=TITLE, data=user_input)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                _schema(interfaces), user_input or current or _guess(interfaces)
            ),
            errors=errors,
        )

    def _update(self, user_input: dict[str, Any]) -> ConfigFlowResult:
        entry = self._get_reconfigure_entry()
        was_loaded = entry.state is ConfigEntryState.LOADED
        result = self.async_update_and_abort(entry, data_updates=user_input)
        if not was_loaded:
            # Nobody listened to the update.
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result


class PortShareOptionsFlow(OptionsFlow):
    """What the gateway does beside sharing."""

    _options: Mapping[str, Any]

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Protect the home network, or leave that to another firewall."""
        if user_input is not None:
            if CONF_DNS_NAME in user_input:
                user_input[CONF_DNS_NAME] = user_input[CONF_DNS_NAME].strip()
            self._options = user_input
            protected = self.config_entry.options.get(CONF_PROTECT)
            if user_input[CONF_PROTECT] and not protected:
                return await self.async_step_protect_from_outside()
            return self.async_create_entry(data=user_input)
        expert = vol.Schema({vol.Optional(CONF_TELL_AFTER): _box(1, unit="s")})
        schema = vol.Schema(
            {
                vol.Required(CONF_PROTECT, default=False): BooleanSelector(),
                vol.Optional(CONF_NOTIFY): EntitySelector(
                    EntitySelectorConfig(domain=NOTIFY_DOMAIN, multiple=True)
                ),
                vol.Optional(CONF_DNS_NAME): TextSelector(),
                vol.Optional(CONF_TELL_FIRST_CALLS): BooleanSelector(),
                vol.Optional(SECTION_INDEPENDENT): section(
                    _INDEPENDENT, {"collapsed": True}
                ),
                vol.Optional(SECTION_EXPERT, default={}): section(
                    expert, {"collapsed": True}
                ),
            }
        )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                schema, self.config_entry.options
            ),
        )

    async def async_step_protect_from_outside(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask again if that closes the way by which this browser has come."""
        loaded = self.config_entry.state is ConfigEntryState.LOADED
        facts = self.config_entry.runtime_data.latest.facts if loaded else Facts()
        address = outside_address(self.hass, facts)
        if user_input is not None or address is None:
            return self.async_create_entry(data=self._options)
        return self.async_show_form(
            step_id="protect_from_outside",
            data_schema=vol.Schema({}),
            description_placeholders={"address": address},
        )


async def _interfaces() -> tuple[NetworkInterface, ...]:
    """Return the interfaces of this machine, or abort with what stands in the way."""
    gateway = Gateway((), ())
    try:
        await gateway.open()
    except PreflightError as err:
        raise AbortFlow(err.key) from err
    except GatewayError as err:
        raise AbortFlow(
            "kernel_refused", description_placeholders={"detail": str(err)}
        ) from err
    try:
        return gateway.interfaces()
    finally:
        await gateway.close()


def _check(
    user_input: Mapping[str, Any], interfaces: tuple[NetworkInterface, ...]
) -> dict[str, str]:
    """Return what is wrong with a choice, by field."""
    names = {interface.name for interface in interfaces}
    errors = {
        field: "interface_gone"
        for field in (CONF_WAN, CONF_LAN)
        if not names.issuperset(user_input[field])
    }
    errors |= {
        field: "no_interface" for field in (CONF_WAN, CONF_LAN) if not user_input[field]
    }
    if set(user_input[CONF_WAN]) & set(user_input[CONF_LAN]):
        errors[CONF_LAN] = "same_interface"
    return errors


def _guess(interfaces: tuple[NetworkInterface, ...]) -> dict[str, list[str]]:
    """Take the way to everywhere for the internet, and what has addresses for home."""
    return {
        CONF_WAN: [each.name for each in interfaces if each.routed],
        CONF_LAN: [
            each.name for each in interfaces if each.addresses and not each.routed
        ],
    }


def _schema(interfaces: tuple[NetworkInterface, ...]) -> vol.Schema:
    selector = SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(
                    value=each.name,
                    label=" · ".join((each.name, *each.addresses)),
                )
                for each in interfaces
            ],
            multiple=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
    return vol.Schema(
        {vol.Required(CONF_WAN): selector, vol.Required(CONF_LAN): selector}
    )
