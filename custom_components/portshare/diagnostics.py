"""What helps to find a fault, in a file that people show to strangers."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from ipaddress import ip_network
import platform
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .const import (
    CONF_DNS_NAME,
    CONF_LAN,
    CONF_NOTIFY,
    CONF_SHARES,
    CONF_WAN,
    DOMAIN,
    SUBENTRY_DEVICE,
)
from .coordinator import PortShareConfigEntry
from .gateway.dump import dump_tables
from .gateway.errors import GatewayError
from .gateway.forwarding import missing_settings
from .redaction import Pseudonyms
from .sharing.model import Facts, Family, Mapping as PortMapping, NoFirewalls
from .sharing.plan import NOTHING, plan
from .sharing.snapshot import LeaseState

type _Tree = dict[str, Any]


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PortShareConfigEntry
) -> _Tree:
    """Return the gateway with all its devices."""
    return await _diagnostics(
        hass, entry, list(entry.get_subentries_of_type(SUBENTRY_DEVICE))
    )


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: PortShareConfigEntry, device: dr.AnyDeviceEntry
) -> _Tree:
    """Return the gateway with one device; of the gateway itself, with all."""
    ids = {id_ for domain, id_ in device.identifiers if domain == DOMAIN}
    subentries = [each for id_, each in entry.subentries.items() if id_ in ids]
    if not subentries:
        return await async_get_config_entry_diagnostics(hass, entry)
    return await _diagnostics(hass, entry, subentries)


async def _diagnostics(
    hass: HomeAssistant, entry: PortShareConfigEntry, subentries: list[ConfigSubentry]
) -> _Tree:
    pseudonyms = Pseudonyms()
    tree: _Tree = {
        "data": entry.data,
        "options": _options(entry.options, pseudonyms),
        "devices": {each.subentry_id: _device(each, pseudonyms) for each in subentries},
        "sysctls_to_set": {
            family: map(
                str,
                missing_settings(family, entry.data[CONF_WAN], entry.data[CONF_LAN]),
            )
            for family in Family
        },
        "tables": await _tables(),
    }
    if entry.state is ConfigEntryState.LOADED:
        tree |= _truth(entry, {each.subentry_id for each in subentries}, pseudonyms)
    # There may be thousands of mappings.
    redacted = await hass.async_add_executor_job(pseudonyms.redact, tree)
    return {"software": await _software(hass), **redacted}


async def _software(hass: HomeAssistant) -> _Tree:
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "pyroute2": await hass.async_add_executor_job(version, "pyroute2"),
    }


async def _tables() -> Any:
    try:
        return await dump_tables()
    except GatewayError as err:
        return {"error": str(err)}


def _truth(
    entry: PortShareConfigEntry, device_ids: set[str], pseudonyms: Pseudonyms
) -> _Tree:
    """Return what is observed, and what the plan makes of it for some devices."""
    coordinator = entry.runtime_data
    snapshot = coordinator.latest
    others = coordinator.gateway.others
    planned = plan(coordinator.configuration, snapshot.facts)
    name = entry.options.get(CONF_DNS_NAME, "")
    of_others = {
        device.mac
        for device_id, device in coordinator.configuration.devices.items()
        if device_id not in device_ids
    }
    return {
        "error": coordinator.last_exception and str(coordinator.last_exception),
        "facts": _facts(snapshot.facts, pseudonyms),
        "other_firewalls": [
            {**asdict(each), "command": each.command} for each in others.firewalls
        ],
        "guarded_by_others": others.guarding,
        "other_forwardings": [asdict(each) for each in others.forwardings],
        "shares": {
            share_id: {
                "device": state.share.device_id,
                "status": state.status,
                "nobody_listens": coordinator.listening.nobody_listens(share_id),
                "families": state.families,
                "internal_ip": state.internal_ip,
                "call": [
                    call.replace(name, pseudonyms.name(name)) if name else call
                    for call in state.calls
                ],
                "mappings": map(_mapping, planned.get(share_id, NOTHING).mappings),
            }
            for share_id, state in snapshot.shares.items()
            if state.share.device_id in device_ids
        },
        "leases": {
            lease_id: _lease(state, pseudonyms)
            for lease_id, state in snapshot.leases.items()
            if state.lease.mac not in of_others
        },
    }


def _facts(facts: Facts, pseudonyms: Pseudonyms) -> _Tree:
    """Return what is observed; other firewalls are told beside it, and not whole."""
    shown = asdict(replace(facts, firewalls=NoFirewalls(), names={}))
    del shown["firewalls"]
    shown["names"] = {
        pseudonyms.name(name): addresses for name, addresses in facts.names.items()
    }
    return shown


def _lease(state: LeaseState, pseudonyms: Pseudonyms) -> _Tree:
    """Return what a device has mapped; how it calls that may tell who it is."""
    shown = {key: each for key, each in asdict(state.lease).items() if key != "name"}
    if said := shown["description"]:
        shown["description"] = pseudonyms.name(said)
    return {**shown, "status": state.status, "families": state.families}


def _mapping(mapping: PortMapping) -> _Tree:
    """Return a mapping without its comment, which is made of names."""
    return {key: each for key, each in asdict(mapping).items() if key != "comment"}


def _options(options: Mapping[str, Any], pseudonyms: Pseudonyms) -> _Tree:
    shown = dict(options)
    if name := shown.get(CONF_DNS_NAME):
        shown[CONF_DNS_NAME] = pseudonyms.name(name)
    if entity_ids := shown.get(CONF_NOTIFY):
        shown[CONF_NOTIFY] = [pseudonyms.name(each) for each in entity_ids]
    return shown


def _device(subentry: ConfigSubentry, pseudonyms: Pseudonyms) -> _Tree:
    """Return a device as it is stored."""
    return {
        **subentry.data,
        "name": pseudonyms.name(subentry.title),
        CONF_SHARES: {
            share_id: _stored_share(share, pseudonyms)
            for share_id, share in subentry.data[CONF_SHARES].items()
        },
    }


def _stored_share(share: Mapping[str, Any], pseudonyms: Pseudonyms) -> _Tree:
    shown = {**share, "name": pseudonyms.name(share.get("name"))}
    if sources := shown.get("sources"):
        shown["sources"] = [
            source if _is_network(source) else pseudonyms.name(source)
            for source in sources
        ]
    return shown


def _is_network(source: str) -> bool:
    try:
        ip_network(source, strict=False)
    except ValueError:
        return False
    return True
