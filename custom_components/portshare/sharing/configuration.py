"""The shares and devices of a gateway, as the user set them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .errors import UnknownDevice, UnknownShare
from .model import Device, Share
from .ports import PortIndex


@dataclass(slots=True)
class Configuration:
    """Devices and shares by id, with an index of the ports they hold.

    It is brought up to date share by share: the cost of one change does not depend on
    the number of shares.
    """

    devices: dict[str, Device] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    ports: PortIndex = field(default_factory=PortIndex)
    _shares_of: dict[str, dict[str, Share]] = field(default_factory=dict)

    def share(self, share_id: str) -> Share:
        """Return a share; raise UnknownShare if there is none with this id."""
        try:
            return self.shares[share_id]
        except KeyError:
            raise UnknownShare(share_id) from None

    def device(self, device_id: str) -> Device:
        """Return a device; raise UnknownDevice if there is none with this id."""
        try:
            return self.devices[device_id]
        except KeyError:
            raise UnknownDevice(device_id) from None

    def device_with(self, mac: str) -> Device | None:
        """Return the device with this MAC address, if it has been added."""
        return next((each for each in self.devices.values() if each.mac == mac), None)

    def shares_of(self, device_id: str) -> Iterable[Share]:
        """Return the shares of one device."""
        return self._shares_of.get(device_id, {}).values()

    def update_device(
        self, device_id: str, device: Device | None, shares: Mapping[str, Share]
    ) -> set[str]:
        """Make this the truth about one device; return the ids of changed shares.

        `device` is None when the device has been removed. A new name of the device
        changes all its shares, because their mappings carry it. Shares of other
        devices change, too, when they get or lose the ports that they wait for.
        """
        before = self._shares_of.get(device_id, {})
        renamed = self.devices.get(device_id) != device
        changed = {
            share_id
            for share_id in before.keys() | shares.keys()
            if renamed or before.get(share_id) != shares.get(share_id)
        }
        gone = changed - shares.keys()
        entered = {
            share_id: share for share_id, share in shares.items() if share_id in changed
        }
        for share_id in gone:
            del self.shares[share_id]
        self.shares.update(entered)
        if device is None:
            self.devices.pop(device_id, None)
            self._shares_of.pop(device_id, None)
        else:
            self.devices[device_id] = device
            self._shares_of[device_id] = dict(shares)
        return changed | self.ports.update(gone, entered.values())
