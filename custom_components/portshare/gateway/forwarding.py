"""Does the kernel forward packets, and what must be set so that it does?"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, override

from ..sharing.model import Family

_SYSCTLS: Final = Path("/proc/sys")
_IPV4: Final = "net.ipv4.ip_forward"
_IPV6: Final = "net.ipv6.conf.all.forwarding"


@dataclass(frozen=True, slots=True)
class Setting:
    """A sysctl as it should be. A dot in a link's name is written as a slash."""

    name: str
    value: str

    @override
    def __str__(self) -> str:
        """Return it as `sysctl -w` and the files of /etc/sysctl.d take it."""
        return f"{self.name}={self.value}"


def missing_settings(
    family: Family, wan: Iterable[str], lan: Iterable[str]
) -> tuple[Setting, ...]:
    """Return what to set, in this order, so that packets are forwarded.

    It is empty if they are. A router no longer listens to router advertisements, unless
    `accept_ra` is 2 (Documentation/networking/ip-sysctl.rst): a WAN that has its address
    and its route from them would lose both.
    """
    links = (*wan, *lan)
    if family is Family.IPV4:
        switches = [_of_link("ipv4", link, "forwarding") for link in links]
        if _read(_IPV4) == "0":
            everywhere = all(_read(each) == "1" for each in switches)
            return () if everywhere else (Setting(_IPV4, "1"),)
        return tuple(Setting(each, "1") for each in switches if _read(each) == "0")
    # Linux 6.17 can forward IPv6 between some interfaces only.
    forced = [_of_link("ipv6", link, "force_forwarding") for link in links]
    if _read(_IPV6) == "1" or all(_read(each) == "1" for each in forced):
        return ()
    listening = [_of_link("ipv6", link, "accept_ra") for link in wan]
    return (
        *(Setting(each, "2") for each in listening if _read(each) == "1"),
        Setting(_IPV6, "1"),
    )


def not_forwarded(wan: Collection[str], lan: Collection[str]) -> frozenset[Family]:
    """Return the IP versions that are not forwarded between all of these links."""
    return frozenset(each for each in Family if missing_settings(each, wan, lan))


def set_all(settings: Iterable[Setting]) -> None:
    """Set sysctls until the next start of the machine.

    Raises an OSError if that is not allowed: in a container they are read-only.
    """
    for setting in settings:
        _path(setting.name).write_text(setting.value, encoding="ascii")


def _of_link(version: str, link: str, name: str) -> str:
    return f"net.{version}.conf.{link.replace('.', '/')}.{name}"


def _read(name: str) -> str | None:
    """Return what a sysctl is set to; None if there is none of this name."""
    try:
        return _path(name).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _path(name: str) -> Path:
    return _SYSCTLS / name.translate(str.maketrans("./", "/."))
