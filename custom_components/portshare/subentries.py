"""Devices and shares as they are stored in config subentries.

One subentry of type `device` is one device for sharing; its shares are a dict in its
data, keyed by ULID.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
import logging
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from .const import (
    CONF_ADDRESSES,
    CONF_INDEPENDENT,
    CONF_MAC,
    CONF_SHARES,
    SUBENTRY_DEVICE,
)
from .sharing.configuration import Configuration
from .sharing.errors import SharingError
from .sharing.model import Device, Share
from .sharing.ports import PortIndex
from .sharing.rules import parse_share

_LOGGER = logging.getLogger(__name__)


# Each share with the data it was read from; None where these are not valid.
type _ReadShares = dict[str, tuple[Any, Share | None]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read from a subentry, and the data it was read from."""

    data: Any
    title: str
    shares: _ReadShares = field(default_factory=dict)


class Subentries:
    """Reads the configuration from the subentries, and only what has changed."""

    def __init__(self, entry: ConfigEntry[Any]) -> None:
        """Begin with nothing read."""
        self._entry = entry
        self._readings: dict[str, _Reading] = {}
        self.configuration = Configuration()

    @callback
    def read(self) -> set[str]:
        """Bring the configuration up to date; return the ids of changed shares."""
        changed: set[str] = set()
        subentries = {
            subentry.subentry_id: subentry
            for subentry in self._entry.get_subentries_of_type(SUBENTRY_DEVICE)
        }
        for device_id in self._readings.keys() - subentries.keys():
            del self._readings[device_id]
            changed |= self.configuration.update_device(device_id, None, {})
        for device_id, subentry in subentries.items():
            before = self._readings.get(device_id)
            if (
                before
                and before.data is subentry.data
                and before.title == subentry.title
            ):
                continue
            shares = _read_shares(subentry, before.shares if before else {})
            self._readings[device_id] = _Reading(subentry.data, subentry.title, shares)
            changed |= self.configuration.update_device(
                device_id,
                _read_device(subentry),
                {share_id: share for share_id, (_, share) in shares.items() if share},
            )
        return changed


@callback
def store_shares(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    shares: Iterable[Share],
    *,
    removed: bool = False,
) -> None:
    """Store shares in their devices' subentries, or remove them from there.

    Nothing happens to those whose device has been removed.
    """
    by_device: dict[str, list[Share]] = {}
    for share in shares:
        by_device.setdefault(share.device_id, []).append(share)
    for device_id, of_device in by_device.items():
        if not (subentry := entry.subentries.get(device_id)):
            continue
        stored = dict(subentry.data[CONF_SHARES])
        for share in of_device:
            if removed:
                stored.pop(share.share_id, None)
            else:
                stored[share.share_id] = share_data(share)
        hass.config_entries.async_update_subentry(
            entry, subentry, data={**subentry.data, CONF_SHARES: stored}
        )


@callback
def store_permission(
    hass: HomeAssistant, entry: ConfigEntry[Any], device_id: str, *, independent: bool
) -> None:
    """Store whether a device may map ports itself."""
    subentry = entry.subentries[device_id]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_INDEPENDENT: independent}
    )


def device_data(
    mac: str, addresses: Iterable[object], shares: Mapping[str, Any]
) -> MappingProxyType[str, Any]:
    """Return a device as it is stored; the addresses are where to look for it first."""
    return MappingProxyType(
        {
            CONF_MAC: mac,
            CONF_ADDRESSES: [str(address) for address in addresses],
            CONF_SHARES: dict(shares),
        }
    )


def share_data(share: Share) -> dict[str, Any]:
    """Return a share as it is stored."""
    return {
        "name": share.name,
        "protocol": share.protocol.value,
        "port": share.port,
        "port_end": share.port_end,
        "external_port": share.external_port,
        "ipv4": share.ipv4,
        "ipv6": share.ipv6,
        "sources": list(share.sources),
        "enabled": share.enabled,
        "open_until": share.open_until.isoformat() if share.open_until else None,
    }


def _read_device(subentry: ConfigSubentry) -> Device:
    return Device(
        device_id=subentry.subentry_id,
        mac=subentry.data[CONF_MAC],
        name=subentry.title,
        independent=subentry.data.get(CONF_INDEPENDENT, False),
    )


def _read_shares(subentry: ConfigSubentry, known: _ReadShares) -> _ReadShares:
    """Return the shares of a subentry by id, each with the data it was read from.

    A share that is not valid (edited by hand) is left out: what cannot be understood
    is not opened.
    """
    shares: _ReadShares = {}
    for share_id, data in subentry.data[CONF_SHARES].items():
        if share_id in known and known[share_id][0] is data:
            shares[share_id] = known[share_id]
            continue
        share: Share | None = None
        try:
            share = parse_share(share_id, subentry.subentry_id, data, PortIndex())
        except SharingError as err:
            _LOGGER.error(
                "A stored share of %s is not valid and stays closed: %s",
                subentry.title,
                err,
            )
        shares[share_id] = (data, share)
    return shares
