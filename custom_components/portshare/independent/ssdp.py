"""The Simple Service Discovery Protocol of the UPnP Device Architecture 1.1.

How clients find the gateways: they search, and gateways tell of themselves unasked.
Bytes in, a search; its answers and the notifications, bytes out. There are no sockets here
and no clock.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import IPv4Address, IPv6Address
import re
from typing import Final

from .descriptions import Device
from .markup import message

PORT: Final = 1900
GROUPS: Final = (
    IPv4Address("239.255.255.250"),
    IPv6Address("ff02::c"),
    IPv6Address("ff05::c"),
)

# For how many seconds clients may believe what we tell.
MAX_AGE: Final = 1800

# When to tell all of it, in seconds after the gateways are there: more than once, because
# datagrams get lost. See UDA 1.1 section 1.2.2, of this and the next.
ALIVE_AFTER: Final = (0.0, 0.3, 1.0)
# And again after a random time between so many seconds, long before it is too old.
ALIVE_AGAIN: Final = (MAX_AGE / 4, MAX_AGE / 2)

type Address = IPv4Address | IPv6Address

_LONGEST_SEARCH: Final = 1500
_MOST_HEADERS: Final = 32
_LONGEST_DELAY: Final = 0.5
# How many times what one address gets, all get together.
_TOGETHER: Final = 5
_HEADER: Final = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\t\x20-\x7e]*)"
)
_ALL: Final = "ssdp:all"
_ROOT: Final = "upnp:rootdevice"


@dataclass(frozen=True, slots=True)
class Search:
    """A client looks for a target: `ssdp:all`, a device or service type, a device.

    The answers are to be sent after a random time of at most `delay` seconds.
    """

    target: str
    delay: float


@dataclass(frozen=True, slots=True)
class Presence:
    """What all messages of a gateway have in common.

    `location` is the URL of its description, `server` the name and version of our
    software. The boot id is a higher one each time we start, the config id another one
    if descriptions change. `search_port` is where to search without multicast.
    """

    gateway: Device
    location: str
    server: str
    boot_id: int
    config_id: int
    search_port: int = PORT

    def targets(self) -> Iterator[tuple[str, str]]:
        """Yield what can be searched for, each with its unique service name."""
        yield _ROOT, f"{self.gateway.udn}::{_ROOT}"
        for device in self.gateway:
            yield device.udn, device.udn
            yield device.type, f"{device.udn}::{device.type}"
            for service in device.services:
                yield service.type, f"{device.udn}::{service.type}"


def parse(datagram: bytes, *, multicast: bool) -> Search | None:
    """Return the search in a datagram; None if it is to be ignored."""
    if len(datagram) > _LONGEST_SEARCH or not datagram.isascii():
        return None
    start, *lines = re.split("\r?\n", datagram.decode("ascii"))
    if start != "M-SEARCH * HTTP/1.1" or len(lines) > _MOST_HEADERS:
        return None
    headers = {}
    for line in lines[: lines.index("")] if "" in lines else lines:
        header = _HEADER.fullmatch(line)
        if header is None or header[1].upper() in headers:
            return None
        headers[header[1].upper()] = header[2].rstrip()
    # Not all clients write the quotation marks.
    if headers.get("MAN", "").strip('"') != "ssdp:discover" or not headers.get("ST"):
        return None
    delay = _read_delay(headers.get("MX"), multicast)
    return None if delay is None else Search(headers["ST"], delay)


def _read_delay(mx: str | None, multicast: bool) -> float | None:
    # A unicast search needs no MX, a multicast search without one must not be answered.
    # See UDA 1.1 section 1.3.3.
    if not multicast:
        return 0.0
    if mx is None or not re.fullmatch("[0-9]{1,5}", mx):
        return None
    # There are only a few of us, so clients need not wait for long.
    return min(float(mx), _LONGEST_DELAY)


def answer(
    search: Search, presences: tuple[Presence, ...], now: datetime
) -> list[bytes]:
    """Return the answers to a search, each a datagram.

    All presences stand for the same mappings. So who takes any gateway is shown the first
    one only, which all clients understand: some know no other version, and some use each
    that they find, and would map their ports twice.
    """
    if search.target == _ROOT:
        presences = presences[:1]
    # A device of version 2 would have to answer searches for version 1, too. Here each
    # version has a gateway of its own. See UDA 1.1 section 1.3.2.
    return [
        _answer(presence, target, usn, now)
        for presence in presences
        for target, usn in presence.targets()
        if search.target in (_ALL, target)
    ]


def alive(presence: Presence, group: Address) -> list[bytes]:
    """Return what tells a multicast group that a gateway is there."""
    return _notify(
        "ssdp:alive",
        presence,
        group,
        {
            "CACHE-CONTROL": f"max-age={MAX_AGE}",
            "LOCATION": presence.location,
            "SERVER": presence.server,
            **_search_port(presence),
        },
    )


def update(presence: Presence, group: Address, next_boot_id: int) -> list[bytes]:
    """Return what tells that the boot id will be another: an address has changed.

    After it comes `alive` with the new one. See UDA 1.1 section 1.2.4.
    """
    return _notify(
        "ssdp:update",
        presence,
        group,
        {
            "LOCATION": presence.location,
            "NEXTBOOTID.UPNP.ORG": str(next_boot_id),
            **_search_port(presence),
        },
    )


def byebye(presence: Presence, group: Address) -> list[bytes]:
    """Return what tells a multicast group that a gateway goes."""
    return _notify("ssdp:byebye", presence, group, {})


class Throttle:
    """Limits how many answers go to one address, and to all together.

    Searches are small, answers many, and who searches may not be who he says he is. So
    an address gets so many `answers` at once, and then so many `per_second`. Times are
    in seconds, of a clock that never goes back.
    """

    def __init__(
        self, answers: int = 44, per_second: float = 8.0, sources: int = 256
    ) -> None:
        """Begin with nobody who has had any. `sources` addresses are remembered."""
        self._of_one = (float(answers), per_second)
        self._of_all = (_TOGETHER * float(answers), _TOGETHER * per_second)
        self._sources = sources
        self._left: OrderedDict[Address, tuple[float, float]] = OrderedDict()
        self._left_to_all = (self._of_all[0], 0.0)

    def admits(self, source: Address, answers: int, now: float) -> bool:
        """Return whether an address may have so many answers, and count them."""
        left = _refilled(self._left.pop(source, None), self._of_one, now)
        left_to_all = _refilled(self._left_to_all, self._of_all, now)
        admitted = answers <= min(left, left_to_all)
        if admitted:
            left -= answers
            left_to_all -= answers
        self._left[source] = (left, now)
        self._left_to_all = (left_to_all, now)
        if len(self._left) > self._sources:
            self._left.popitem(last=False)
        return admitted


def _refilled(
    left: tuple[float, float] | None, limit: tuple[float, float], now: float
) -> float:
    """Return how much is left now of what was left at some time."""
    full, per_second = limit
    if left is None:
        return full
    amount, since = left
    return min(full, amount + (now - since) * per_second)


def _answer(presence: Presence, target: str, usn: str, now: datetime) -> bytes:
    return message(
        "HTTP/1.1 200 OK",
        {
            "CACHE-CONTROL": f"max-age={MAX_AGE}",
            "DATE": format_datetime(now.astimezone(UTC), usegmt=True),
            "EXT": "",
            "LOCATION": presence.location,
            "SERVER": presence.server,
            "ST": target,
            "USN": usn,
            **_ids(presence),
            **_search_port(presence),
        },
    )


def _notify(
    kind: str,
    presence: Presence,
    group: Address,
    headers: dict[str, str],
) -> list[bytes]:
    host = f"[{group}]" if group.version == 6 else f"{group}"
    return [
        message(
            "NOTIFY * HTTP/1.1",
            {
                "HOST": f"{host}:{PORT}",
                "NT": target,
                "NTS": kind,
                "USN": usn,
                **_ids(presence),
                **headers,
            },
        )
        for target, usn in presence.targets()
    ]


def _ids(presence: Presence) -> dict[str, str]:
    return {
        "BOOTID.UPNP.ORG": str(presence.boot_id),
        "CONFIGID.UPNP.ORG": str(presence.config_id),
    }


def _search_port(presence: Presence) -> dict[str, str]:
    # Without it, clients take port 1900. See UDA 1.1 section 1.2.2.
    if presence.search_port == PORT:
        return {}
    return {"SEARCHPORT.UPNP.ORG": str(presence.search_port)}
