"""How the gateway is, for Home Assistant's system information."""

import platform
from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import CONF_LAN, CONF_WAN, DOMAIN
from .coordinator import PortShareConfigEntry
from .gateway.forwarding import missing_settings
from .gateway.preflight import has_egress_hook
from .sharing.model import Family, Status


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Say who tells."""
    register.async_register_info(_info)


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[PortShareConfigEntry] = hass.config_entries.async_loaded_entries(
        DOMAIN
    )
    return {
        "set_up": bool(entries),
        **(_gateway(entries[0]) if entries else {}),
        "kernel": platform.release(),
        "egress_hook": await has_egress_hook(),
    }


def _gateway(entry: PortShareConfigEntry) -> dict[str, Any]:
    coordinator = entry.runtime_data
    snapshot = coordinator.latest
    states = snapshot.shares.values()
    wan, lan = entry.data[CONF_WAN], entry.data[CONF_LAN]
    return {
        "table": coordinator.last_update_success,
        "shares_enabled": sum(state.share.enabled for state in states),
        "shares_active": sum(state.status is Status.ACTIVE for state in states),
        "open_ports": snapshot.open_ports,
        "internet_ipv4": Family.IPV4 in snapshot.facts.internet,
        "internet_ipv6": Family.IPV6 in snapshot.facts.internet,
        "forwarding_ipv4": not missing_settings(Family.IPV4, wan, lan),
        "forwarding_ipv6": not missing_settings(Family.IPV6, wan, lan),
    }
