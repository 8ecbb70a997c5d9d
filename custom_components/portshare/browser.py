"""Where the browser is that asks for something: at home, or out in the internet."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import current_request
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util.network import is_local

from .sharing.model import Facts

# RFC 6598. Some VPNs number their members like this.
_SHARED: Final = IPv4Network("100.64.0.0/10")

type _Address = IPv4Address | IPv6Address


@callback
def outside_address(hass: HomeAssistant, facts: Facts) -> str | None:
    """Return the address of a browser that needs the gateway to be open to it.

    None if it is at home, or gets in by a device at home or by Home Assistant Cloud.
    """
    request = current_request.get()
    if request is None or request.transport is None or is_cloud_connection(hass):
        return None
    peer = _parse(request.transport.get_extra_info("peername"))
    # Behind a reverse proxy these two differ.
    browser = _parse((request.remote,))
    if peer is None or browser is None or _is_at_home(peer, facts):
        return None
    if _is_outside(browser, facts) or _is_outside(peer, facts):
        return str(browser)
    return None


def _parse(name: object) -> _Address | None:
    """Return the address in a socket's name, as Python gives it; None for others."""
    match name:
        case (str(host), *_):
            address = ip_address(host)
            if isinstance(address, IPv6Address) and address.ipv4_mapped:
                return address.ipv4_mapped
            return address
    return None


def _is_at_home(address: _Address, facts: Facts) -> bool:
    return address not in facts.own_addresses and _is_in_lan(address, facts)


def _is_outside(address: _Address, facts: Facts) -> bool:
    return not (
        is_local(address)
        or address in _SHARED
        or address in facts.own_addresses
        or _is_in_lan(address, facts)
    )


def _is_in_lan(address: _Address, facts: Facts) -> bool:
    networks: tuple[IPv4Network | IPv6Network, ...] = (*facts.lan_ipv4, *facts.lan_ipv6)
    return any(address in network for network in networks)
