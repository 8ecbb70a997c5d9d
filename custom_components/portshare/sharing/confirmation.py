"""What is so dangerous to share that somebody must say twice that he wants it."""

from typing import Final

from .errors import ExposedHostNeedsConfirmation, NeedsConfirmation
from .model import Protocol, Share, Transport

# By these a device is managed, or all of its files are reached: whoever gets in there
# has the device. Bots try passwords and known holes at these ports all day long.
MANAGEMENT_PORTS: Final[dict[tuple[Transport, int], str]] = {
    (Transport.TCP, 22): "SSH",  # a shell
    (Transport.TCP, 23): "Telnet",  # a shell, and the password goes in the clear
    (Transport.TCP, 135): "Windows RPC",  # remote control of Windows; worms used it
    (Transport.TCP, 139): "NetBIOS",  # files of Windows, in its oldest protocol
    (Transport.UDP, 161): "SNMP",  # the settings of network devices
    (Transport.TCP, 445): "SMB",  # files of Windows and NAS; ransomware comes that way
    (Transport.UDP, 623): "IPMI",  # the board of a server, below its system
    (Transport.TCP, 2375): "Docker",  # root on the host, without a password
    (Transport.TCP, 3389): "RDP",  # the screen of Windows
    (Transport.UDP, 3389): "RDP",
    (Transport.TCP, 5000): "Synology DSM",  # the settings and files of a NAS
    (Transport.TCP, 5001): "Synology DSM",
    (Transport.TCP, 5900): "VNC",  # a screen, often without encryption
    (Transport.TCP, 5985): "WinRM",  # a shell on Windows
    (Transport.TCP, 5986): "WinRM",
    (Transport.TCP, 8006): "Proxmox VE",  # all virtual machines
    (Transport.TCP, 8123): "Home Assistant",  # the whole house
    (Transport.TCP, 9090): "Cockpit",  # a server, with a shell
    (Transport.TCP, 10000): "Webmin",  # a server, as root
}


def needs_confirmation(
    share: Share, before: Share | None = None
) -> NeedsConfirmation | None:
    """Return what is to be confirmed before a share is stored; None if nothing is.

    `before` is what the share was: what was confirmed once is not asked again, unless
    it is to be open over another IP version, or to everybody instead of some sources.
    """
    reason = _reason(share)
    if reason is None or (before and _is_known(share, before, reason)):
        return None
    return reason


def _reason(share: Share) -> NeedsConfirmation | None:
    if share.protocol is Protocol.EXPOSED_HOST:
        return ExposedHostNeedsConfirmation(share.protocol.label)
    services = {
        f"{name} ({port})": None
        for (transport, port), name in MANAGEMENT_PORTS.items()
        if transport in share.protocol.transports
        and share.ports.first <= port <= share.ports.last
    }
    return NeedsConfirmation(", ".join(services)) if services else None


def _is_known(share: Share, before: Share, reason: NeedsConfirmation) -> bool:
    known = _reason(before)
    return (
        known is not None
        and (known.key, known.services) == (reason.key, reason.services)
        and share.families <= before.families
        and (bool(share.sources) or not before.sources)
    )
