"""The General Event Notification Architecture: who is told when state variables change.

A subscriber asks to be called back by HTTP. It may name nobody but itself: else we would
be a tool against others (CallStranger, CVE-2020-12695). There are no sockets here and no
clock: times are in seconds, of a clock that never goes back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from .descriptions import Device
from .markup import document, element, message
from .services import Service

SHORTEST_TIMEOUT: Final = 60
LONGEST_TIMEOUT: Final = 3600
USUAL_TIMEOUT: Final = 1800

# How long to wait for more to tell at once; and before the first event, so that the answer
# to the subscription comes first.
GATHER: Final = 0.2
FIRST_AFTER: Final = 0.05
_STRIKES: Final = 3

_MOST_OF_ADDRESS: Final = 16
_MOST_IN_ALL: Final = 256
_MOST_URLS: Final = 4
_URL: Final = re.compile("<([!-;=?-~]{1,512})>")
_TIMEOUT: Final = re.compile("second-([0-9]{1,9})", re.IGNORECASE)
_EVENT: Final = "upnp:event"
_NAMESPACE: Final = "urn:schemas-upnp-org:event-1-0"
_HIGHEST_SEQUENCE: Final = 0xFFFFFFFF

type Address = IPv4Address | IPv6Address
type ReadVariables = Callable[[Device, Service, str], Mapping[str, str]]


class GenaError(Exception):
    """A request that is answered with an HTTP status and nothing else."""

    def __init__(self, status: int) -> None:
        """Remember the status."""
        super().__init__(f"HTTP status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who subscribes: a device, known by its MAC address, from one of its addresses."""

    device: str
    address: Address


@dataclass(slots=True, eq=False, kw_only=True)
class Subscription:
    """That somebody wants to know the events of a service of one of the gateways.

    `told` is what it knows by now. There is more to tell at `due`, and nothing if that
    is None; but one notification at a time: while it is `busy`, it waits.
    """

    sid: str
    subscriber: Subscriber
    gateway: Device
    service: Service
    callback: SplitResult
    timeout: int
    expires: float
    due: float | None
    told: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0
    strikes: int = 0
    busy: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer to who subscribes or renews."""
        return {"SID": self.sid, "TIMEOUT": f"Second-{self.timeout}"}


@dataclass(frozen=True, slots=True)
class Notification:
    """An HTTP request to be sent to an address and port of a subscriber."""

    sid: str
    address: Address
    port: int
    request: bytes


class Subscriptions:
    """Who has subscribed to what, and what is to be told when."""

    def __init__(self, new_id: Callable[[], str], read: ReadVariables) -> None:
        """Nobody has. `read` returns what a device may know of a service now."""
        self._new_id = new_id
        self._read = read
        self._subscriptions: dict[str, Subscription] = {}

    def subscribe(
        self,
        subscriber: Subscriber,
        gateway: Device,
        service: Service,
        headers: Mapping[str, str],
        now: float,
    ) -> Subscription:
        """Begin a subscription, or renew the one that the headers name.

        Raises GenaError.
        """
        self._expire(now)
        timeout = _read_timeout(headers.get("TIMEOUT", ""))
        if "SID" in headers:
            subscription = self._find(subscriber, headers)
            subscription.timeout = timeout
            subscription.expires = now + timeout
            return subscription
        callback = _read_callback(headers.get("CALLBACK", ""), subscriber.address)
        if callback is None or headers.get("NT") != _EVENT:
            raise GenaError(412)
        if not self._has_room(subscriber.address):
            raise GenaError(503)
        subscription = Subscription(
            sid=f"uuid:{self._new_id()}",
            subscriber=subscriber,
            gateway=gateway,
            service=service,
            callback=callback,
            timeout=timeout,
            expires=now + timeout,
            due=now + FIRST_AFTER,
        )
        self._subscriptions[subscription.sid] = subscription
        return subscription

    def unsubscribe(
        self, subscriber: Subscriber, headers: Mapping[str, str], now: float
    ) -> None:
        """End a subscription. Raises GenaError."""
        self._expire(now)
        del self._subscriptions[self._find(subscriber, headers).sid]

    def note_change(self, now: float) -> None:
        """Note that variables may have changed, so that it is told soon."""
        for subscription in self._subscriptions.values():
            if subscription.due is None:
                subscription.due = now + GATHER

    def next_due(self) -> float | None:
        """Return when to call `notify` next."""
        return min(
            (
                each.due
                for each in self._subscriptions.values()
                if each.due is not None and not each.busy
            ),
            default=None,
        )

    def notify(self, now: float) -> list[Notification]:
        """Return what is to be sent now. Of each, say how it went: `delivered`."""
        self._expire(now)
        notifications = []
        for each in self._subscriptions.values():
            if each.due is None or each.due > now or each.busy:
                continue
            each.due = None
            values = self._read(each.gateway, each.service, each.subscriber.device)
            news = {
                name: value
                for name, value in values.items()
                if each.told.get(name) != value
            }
            if news:
                notifications.append(_notification(each, news))
                each.told = values
                each.busy = True
                # It begins again at 1: 0 is for the first event only.
                each.sequence = each.sequence % _HIGHEST_SEQUENCE + 1
        return notifications

    def delivered(self, sid: str, *, accepted: bool) -> None:
        """Note whether a notification was accepted. Who does not listen is forgotten."""
        subscription = self._subscriptions.get(sid)
        if subscription is None:
            return
        subscription.busy = False
        subscription.strikes = 0 if accepted else subscription.strikes + 1
        if subscription.strikes == _STRIKES:
            del self._subscriptions[sid]

    def _find(self, subscriber: Subscriber, headers: Mapping[str, str]) -> Subscription:
        """Return the subscription that headers name, if it is the subscriber's."""
        if "CALLBACK" in headers or "NT" in headers:
            raise GenaError(400)
        subscription = self._subscriptions.get(headers.get("SID", ""))
        if subscription is None or subscription.subscriber != subscriber:
            raise GenaError(412)
        return subscription

    def _has_room(self, address: Address) -> bool:
        of_address = sum(
            each.subscriber.address == address for each in self._subscriptions.values()
        )
        return of_address < _MOST_OF_ADDRESS and len(self._subscriptions) < _MOST_IN_ALL

    def _expire(self, now: float) -> None:
        over = [sid for sid, each in self._subscriptions.items() if each.expires <= now]
        for sid in over:
            del self._subscriptions[sid]


def _read_timeout(header: str) -> int:
    timeout = _TIMEOUT.fullmatch(header.strip())
    if timeout is None:
        return USUAL_TIMEOUT
    return min(max(int(timeout[1]), SHORTEST_TIMEOUT), LONGEST_TIMEOUT)


def _read_callback(header: str, address: Address) -> SplitResult | None:
    """Return the first URL in a header that leads to the address, and nowhere else."""
    urls: list[str] = _URL.findall(header)
    for url in urls[:_MOST_URLS]:
        try:
            callback = urlsplit(url)
            host, _, _ = (callback.hostname or "").partition("%")
            is_own = ip_address(host).packed == address.packed and callback.port != 0
        except ValueError:
            continue
        if is_own and callback.scheme == "http" and "@" not in callback.netloc:
            return callback
    return None


def _notification(
    subscription: Subscription, values: Mapping[str, str]
) -> Notification:
    properties = [
        element("e:property", [element(name, value)]) for name, value in values.items()
    ]
    propertyset = element("e:propertyset", properties, {"xmlns:e": _NAMESPACE})
    body = document(propertyset).encode()
    callback = subscription.callback
    query = callback.query and f"?{callback.query}"
    headers = {
        "HOST": callback.netloc,
        "CONTENT-TYPE": 'text/xml; charset="utf-8"',
        "CONTENT-LENGTH": str(len(body)),
        "NT": _EVENT,
        "NTS": "upnp:propchange",
        "SID": subscription.sid,
        "SEQ": str(subscription.sequence),
        "CONNECTION": "close",
    }
    return Notification(
        sid=subscription.sid,
        address=subscription.subscriber.address,
        port=callback.port or 80,
        request=message(f"NOTIFY {callback.path or '/'}{query} HTTP/1.1", headers)
        + body,
    )
