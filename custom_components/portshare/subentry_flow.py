"""Add a device for sharing, and edit its shares.

Every form is all or nothing: what is submitted and valid is stored and made true at
once; what is left is gone.
"""

from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
    UnknownSubEntry,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.ulid import ulid_now

from .const import CONF_INDEPENDENT, CONF_MAC, CONF_SHARES, DOMAIN
from .coordinator import PortShareConfigEntry, PortShareCoordinator
from .events import Cause
from .hosts import Host, async_find_typed, async_hosts
from .shares import async_add_share, async_remove_share, async_update_share, validated
from .sharing.applications import APPLICATIONS, BY_KEY
from .sharing.errors import NeedsConfirmation, SharingError
from .sharing.model import Family, Protocol, Share
from .sharing.rules import parse_name, parse_share
from .subentries import device_data, share_data

CONF_DEVICE: Final = "device"
CONF_APPLICATION: Final = "application"
CONF_SHARE: Final = "share"
CONF_CONFIRM: Final = "confirm"
OTHER_APPLICATION: Final = "other"

_BETWEEN: Final = " · "


class DeviceSubentryFlow(ConfigSubentryFlow):
    """One device for sharing, with its shares."""

    def __init__(self) -> None:
        """Begin with nothing chosen."""
        self._host: Host | None = None
        self._name = ""
        self._suggested: Mapping[str, Any] = {}
        self._share: Share | None = None

    # A new device, with its first share

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose a device that was seen on the LAN, or type one."""
        hosts = await self._new_hosts()
        error: SharingError | None = None
        if user_input is not None:
            try:
                self._host = await self._find_host(user_input[CONF_DEVICE], hosts)
                self._name = _device_name(user_input.get(CONF_NAME), self._host)
            except SharingError as err:
                error = err
            else:
                if not self._already_added(self._host.mac):
                    return await self.async_step_application()
                return self._show_device_form(
                    "user", user_input, hosts, errors={CONF_DEVICE: "device_exists"}
                )
        return self._show_device_form("user", user_input, hosts, error=error)

    async def async_step_application(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose the application: it fills protocol and ports of the next form."""
        if user_input is not None:
            self._suggested = await self._suggestion(user_input[CONF_APPLICATION])
            return await self.async_step_share()
        selector = SelectSelector(
            SelectSelectorConfig(
                options=[
                    *(application.key for application in APPLICATIONS),
                    OTHER_APPLICATION,
                ],
                translation_key="application",
                mode=SelectSelectorMode.DROPDOWN,
            )
        )
        return self.async_show_form(
            step_id="application",
            data_schema=vol.Schema({vol.Required(CONF_APPLICATION): selector}),
        )

    async def async_step_share(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add a share, to the new device or to the one that is edited."""
        coordinator = self._coordinator
        error: Exception | None = None
        if user_input is not None:
            try:
                if self._host:
                    return self._create_device(self._host, user_input)
                await async_add_share(
                    coordinator, self._subentry.subentry_id, user_input, Cause()
                )
            except AbortFlow:
                raise
            except (SharingError, HomeAssistantError) as err:
                error = err
            else:
                return self._done()
        return self._show_share_form("share", user_input or self._suggested, error)

    # A device that is there already

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose what to do."""
        options = ["application", "device"]
        if self._subentry.data[CONF_SHARES]:
            options[1:1] = ["edit", "remove"]
        return self.async_show_menu(step_id="reconfigure", menu_options=options)

    async def async_step_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose the share to edit."""
        error: SharingError | None = None
        if user_input is not None:
            try:
                self._share = self._chosen(user_input)
            except SharingError as err:
                error = err
            else:
                return await self.async_step_edit_share()
        return self._show_choice("edit", error)

    async def async_step_edit_share(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Edit a share."""
        assert self._share
        coordinator = self._coordinator
        error: Exception | None = None
        if user_input is not None:
            # A field that was emptied is not in the input at all.
            emptied = dict.fromkeys(
                ("port_end", "external_port", "external_port_end", "sources")
            )
            try:
                await async_update_share(
                    coordinator,
                    self._share.share_id,
                    {**emptied, **user_input},
                    Cause(),
                )
            except (SharingError, HomeAssistantError) as err:
                error = err
            else:
                return self._done()
        return self._show_share_form(
            "edit_share", user_input or _form_values(self._share), error
        )

    async def async_step_remove(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Close a share and forget it."""
        coordinator = self._coordinator
        error: Exception | None = None
        if user_input is not None:
            try:
                await async_remove_share(
                    coordinator, self._chosen(user_input).share_id, Cause()
                )
            except (SharingError, HomeAssistantError) as err:
                error = err
            else:
                return self._done()
        return self._show_choice("remove", error)

    async def async_step_device(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Give the device another name, or let another device take its place."""
        subentry = self._subentry
        hosts = await self._new_hosts()
        error: SharingError | None = None
        if user_input is not None:
            try:
                host = await self._find_host(user_input[CONF_DEVICE], hosts)
                name = parse_name(user_input.get(CONF_NAME))
            except SharingError as err:
                error = err
            else:
                if host.mac != subentry.unique_id and self._already_added(host.mac):
                    return self._show_device_form(
                        "device",
                        user_input,
                        hosts,
                        errors={CONF_DEVICE: "device_exists"},
                    )
                self.hass.config_entries.async_update_subentry(
                    self._entry,
                    subentry,
                    title=name,
                    unique_id=host.mac,
                    data={
                        **subentry.data,
                        **device_data(
                            host.mac,
                            _addresses(host),
                            subentry.data[CONF_SHARES],
                        ),
                        CONF_INDEPENDENT: user_input.get(
                            CONF_INDEPENDENT, self._may_map
                        ),
                    },
                )
                return self._done()
        values = user_input or {
            CONF_DEVICE: subentry.data[CONF_MAC],
            CONF_NAME: subentry.title,
            CONF_INDEPENDENT: self._may_map,
        }
        return self._show_device_form("device", values, hosts, error=error)

    # What the steps have in common

    @property
    def _entry(self) -> PortShareConfigEntry:
        return self._get_entry()

    @property
    def _subentry(self) -> ConfigSubentry:
        try:
            return self._get_reconfigure_subentry()
        except UnknownSubEntry:
            raise AbortFlow("device_removed") from None

    @property
    def _may_map(self) -> bool:
        return bool(self._subentry.data.get(CONF_INDEPENDENT))

    @property
    def _coordinator(self) -> PortShareCoordinator:
        if self._entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("not_loaded")
        return self._entry.runtime_data

    async def _new_hosts(self) -> list[Host]:
        """Return the devices on the LAN that have not been added yet."""
        hosts = await async_hosts(self.hass, self._coordinator.gateway)
        return [host for host in hosts if not self._already_added(host.mac)]

    def _already_added(self, mac: str) -> bool:
        return self._coordinator.configuration.device_with(mac) is not None

    async def _find_host(self, typed: str, hosts: list[Host]) -> Host:
        """Return the device that was chosen or typed; raise an InvalidDevice."""
        gateway = self._coordinator.gateway
        target = await async_find_typed(gateway, _mac_of_label(typed))
        for host in hosts:
            if host.mac == target:
                return host
        return Host(target, "", gateway.facts().addresses_of(target))

    async def _suggestion(self, key: str) -> dict[str, Any]:
        """Return the values with which an application fills the form of a share."""
        if key == OTHER_APPLICATION:
            return {}
        application = BY_KEY[key]
        texts = await async_get_translations(
            self.hass, self.hass.config.language, "selector", {DOMAIN}
        )
        name = texts.get(f"component.{DOMAIN}.selector.application.options.{key}", key)
        fields: dict[str, object] = {
            "name": name,
            "protocol": application.protocol.value,
        }
        if application.protocol.has_ports:
            fields["port"] = application.ports.first
            fields["port_end"] = application.ports.last
        ports = self._coordinator.configuration.ports
        served = self._coordinator.gateway.facts().served
        return _form_values(parse_share("", "", fields, ports, served))

    def _create_device(
        self, host: Host, user_input: Mapping[str, Any]
    ) -> SubentryFlowResult:
        share = validated(self._coordinator, ulid_now(), "", user_input)
        return self.async_create_entry(
            title=self._name,
            data=device_data(
                host.mac, _addresses(host), {share.share_id: share_data(share)}
            ),
            unique_id=host.mac,
        )

    def _chosen(self, user_input: Mapping[str, Any]) -> Share:
        return self._coordinator.configuration.share(user_input[CONF_SHARE])

    @callback
    def _done(self) -> SubentryFlowResult:
        return self.async_abort(reason="saved")

    def _show_choice(
        self, step_id: str, error: Exception | None = None
    ) -> SubentryFlowResult:
        subentry_id = self._subentry.subentry_id
        options = [
            SelectOptionDict(value=share.share_id, label=_label(share))
            for share in self._coordinator.configuration.shares_of(subentry_id)
        ]
        selector = SelectSelector(SelectSelectorConfig(options=options))
        errors, placeholders = _form_errors(error, ())
        return self.async_show_form(
            step_id=step_id,
            data_schema=vol.Schema({vol.Required(CONF_SHARE): selector}),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _show_device_form(
        self,
        step_id: str,
        values: Mapping[str, Any] | None,
        hosts: list[Host],
        *,
        error: Exception | None = None,
        errors: dict[str, str] | None = None,
    ) -> SubentryFlowResult:
        selector = SelectSelector(
            SelectSelectorConfig(
                options=[_host_label(host) for host in hosts],
                custom_value=True,
                mode=SelectSelectorMode.DROPDOWN,
            )
        )
        schema = vol.Schema(
            {
                vol.Required(CONF_DEVICE): selector,
                vol.Optional(CONF_NAME): TextSelector(),
            }
        )
        if step_id == "device":
            schema = schema.extend({vol.Optional(CONF_INDEPENDENT): BooleanSelector()})
        found, placeholders = _form_errors(error, (CONF_DEVICE, CONF_NAME))
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors or found,
            description_placeholders=placeholders,
        )

    def _show_share_form(
        self, step_id: str, values: Mapping[str, Any], error: Exception | None
    ) -> SubentryFlowResult:
        asks = isinstance(error, NeedsConfirmation) or CONF_CONFIRM in values
        schema = _share_schema(Protocol(values.get("protocol", "tcp")), confirm=asks)
        errors, placeholders = _form_errors(error, tuple(map(str, schema.schema)))
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders=placeholders,
        )


_PORT: Final = NumberSelector(NumberSelectorConfig(mode=NumberSelectorMode.BOX))

SHARE_SCHEMA: Final = vol.Schema(
    {
        vol.Required("name"): TextSelector(),
        vol.Required("protocol", default=Protocol.TCP.value): SelectSelector(
            SelectSelectorConfig(
                options=[protocol.value for protocol in Protocol],
                translation_key="protocol",
                mode=SelectSelectorMode.DROPDOWN,
            )
        ),
        vol.Optional("port"): _PORT,
        vol.Optional("port_end"): _PORT,
        vol.Optional("external_port"): _PORT,
        vol.Optional("external_port_end"): _PORT,
        vol.Required("ipv4", default=True): BooleanSelector(),
        vol.Required("ipv6", default=True): BooleanSelector(),
        vol.Optional("sources"): TextSelector(TextSelectorConfig(multiple=True)),
        vol.Required("enabled", default=True): BooleanSelector(),
        vol.Required(CONF_CONFIRM, default=False): BooleanSelector(),
    }
)


def _share_schema(protocol: Protocol, *, confirm: bool) -> vol.Schema:
    """Return the form of a share, without what there is nothing to choose of."""
    hidden: set[str] = set()
    if not protocol.has_ports:
        hidden |= {"port", "port_end", "external_port", "external_port_end"}
    if len(protocol.families) == 1:
        hidden |= set(Family)
    if not confirm:
        hidden.add(CONF_CONFIRM)
    fields = SHARE_SCHEMA.schema.items()
    return vol.Schema({key: field for key, field in fields if str(key) not in hidden})


def _form_errors(
    error: Exception | None, fields: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return an error as a form shows it: at its field, with its placeholders."""
    if error is None:
        return {}, {}
    if isinstance(error, SharingError):
        field = error.field if error.field in fields else "base"
        return {field: error.key}, error.placeholders
    placeholders = getattr(error, "translation_placeholders", None) or {}
    return {"base": "kernel_refused"}, {
        "detail": placeholders.get("detail", str(error))
    }


def _device_name(typed: object, host: Host) -> str:
    return parse_name(typed) if typed else host.name or host.mac


def _addresses(host: Host) -> list[object]:
    addresses = host.addresses
    return [*((addresses.ipv4,) if addresses.ipv4 else ()), *addresses.ipv6]


def _host_label(host: Host) -> str:
    """Return how a device is offered: the form shows the value that was chosen."""
    addresses = host.addresses
    address = addresses.ipv4 or next(iter(addresses.ipv6), None)
    return _BETWEEN.join(str(part) for part in (host.name, address, host.mac) if part)


def _mac_of_label(chosen: str) -> str:
    """Return the MAC address that a label ends with; what was typed stays as it is.

    The device may have got another label since it was offered.
    """
    return chosen.rpartition(_BETWEEN)[2]


def _label(share: Share) -> str:
    label = f"{share.name}{_BETWEEN}{share.protocol.label}"
    return f"{label} {share.ports}" if share.protocol.has_ports else label


def _form_values(share: Share) -> dict[str, Any]:
    """Return a share as its form shows it: the end of a single port stays empty."""
    values = share_data(share)
    if len(share.ports) == 1:
        values["port_end"] = None
    return values
