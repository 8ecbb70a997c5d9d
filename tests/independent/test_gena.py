"""Who subscribes to events, what it is told, and that nobody else ever is."""

from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPMessage, parse_headers
from io import BytesIO
from ipaddress import ip_address
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from xml.etree import ElementTree as ET

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.independent.descriptions import Device, gateways
from custom_components.portshare.independent.gena import (
    FIRST_AFTER,
    GATHER,
    GenaError,
    Notification,
    Subscriber,
    Subscription,
    Subscriptions,
)
from custom_components.portshare.independent.services import (
    WAN_COMMON_INTERFACE_CONFIG,
    WAN_IP_CONNECTION_1,
    Service,
)

V1, V2 = gateways(UUID(int=1))
PC = Subscriber("02:00:5e:00:00:02", ip_address("192.168.1.2"))
NAS = Subscriber("02:00:5e:00:00:01", ip_address("192.168.1.1"))
PC6 = Subscriber(PC.device, ip_address("2001:db8:1::2"))
LINK_LOCAL = Subscriber(PC.device, ip_address("fe80::2%3"))
CALLBACK = "<http://192.168.1.2:5000/events?id=1>"
EVENT = "{urn:schemas-upnp-org:event-1-0}"


class World:
    """State variables that change, and subscriptions to them."""

    def __init__(self) -> None:
        ids = count(1)
        self.values: dict[str, str] = {"ExternalIPAddress": "203.0.113.7", "Other": "1"}
        self.read_for: list[tuple[Device, Service, str]] = []
        self.subscriptions = Subscriptions(lambda: str(next(ids)), self.read)

    def read(self, gateway: Device, service: Service, device: str) -> Mapping[str, str]:
        self.read_for.append((gateway, service, device))
        return dict(self.values)

    def subscribe(
        self,
        callback: str = CALLBACK,
        now: float = 0.0,
        subscriber: Subscriber = PC,
        **headers: str,
    ) -> Subscription:
        headers = {"CALLBACK": callback, "NT": "upnp:event"} | headers
        return self.subscriptions.subscribe(
            subscriber, V1, WAN_IP_CONNECTION_1, headers, now
        )

    def renew(
        self, sid: str, now: float, subscriber: Subscriber = PC, **headers: Any
    ) -> Subscription:
        return self.subscriptions.subscribe(
            subscriber, V1, WAN_IP_CONNECTION_1, {"SID": sid} | headers, now
        )

    def told(self, now: float) -> Notification:
        (notification,) = self.subscriptions.notify(now)
        return notification

    def deliver(self, now: float, *, accepted: bool = True) -> Notification:
        notification = self.told(now)
        self.subscriptions.delivered(notification.sid, accepted=accepted)
        return notification


@pytest.fixture
def world() -> World:
    return World()


def read(notification: Notification) -> tuple[str, HTTPMessage, dict[str, str]]:
    """Return first line, headers and variables of a notification."""
    stream = BytesIO(notification.request)
    start = stream.readline().decode().rstrip()
    headers = parse_headers(stream)
    body = stream.read()
    assert headers["CONTENT-LENGTH"] == str(len(body))
    root = ET.fromstring(body)  # noqa: S314
    assert root.tag == f"{EVENT}propertyset"
    variables = {
        variable.tag: variable.text or ""
        for each in root.findall(f"{EVENT}property")
        for variable in each
    }
    return start, headers, variables


def status_of(world: World, **changes: object) -> int:
    with pytest.raises(GenaError) as caught:
        world.subscribe(**changes)  # type: ignore[arg-type]
    assert world.subscriptions.next_due() is None
    return caught.value.status


# ---- subscribing --------------------------------------------------------------------


def test_who_subscribes_is_told_all_soon(world: World) -> None:
    subscription = world.subscribe(TIMEOUT="Second-300")
    assert subscription.headers == {"SID": "uuid:1", "TIMEOUT": "Second-300"}
    assert world.subscriptions.next_due() == FIRST_AFTER
    assert world.subscriptions.notify(0.0) == []
    notification = world.told(FIRST_AFTER)
    assert notification.sid == "uuid:1"
    assert (notification.address, notification.port) == (PC.address, 5000)
    start, headers, variables = read(notification)
    assert start == "NOTIFY /events?id=1 HTTP/1.1"
    assert variables == world.values
    assert world.read_for == [(V1, WAN_IP_CONNECTION_1, PC.device)]
    del headers["CONTENT-LENGTH"]
    assert dict(headers) == {
        "HOST": "192.168.1.2:5000",
        "CONTENT-TYPE": 'text/xml; charset="utf-8"',
        "NT": "upnp:event",
        "NTS": "upnp:propchange",
        "SID": "uuid:1",
        "SEQ": "0",
        "CONNECTION": "close",
    }


@pytest.mark.parametrize(
    ("header", "timeout"),
    [
        ("Second-1800", 1800),
        ("second-300", 300),
        (" Second-300 ", 300),
        ("Second-1", 60),
        ("Second-0", 60),
        ("Second-999999999", 3600),
        ("Second-infinite", 1800),
        ("infinite", 1800),
        ("300", 1800),
        ("Second--1", 1800),
        ("", 1800),
    ],
)
def test_a_subscription_lasts_as_long_as_asked_within_limits(
    world: World, header: str, timeout: int
) -> None:
    subscription = world.subscribe(TIMEOUT=header)
    assert (subscription.timeout, subscription.expires) == (timeout, timeout)


@pytest.mark.parametrize(
    ("subscriber", "callback", "port", "start"),
    [
        (PC, "<http://192.168.1.2>", 80, "NOTIFY / HTTP/1.1"),
        (PC, "<http://192.168.1.2:1/>", 1, "NOTIFY / HTTP/1.1"),
        (PC, "<HTTP://192.168.1.2:65535/a/b#c>", 65535, "NOTIFY /a/b HTTP/1.1"),
        (PC, "<https://192.168.1.2/><http://192.168.1.2/b>", 80, "NOTIFY /b HTTP/1.1"),
        (PC, "<http://192.168.1.9/> <http://192.168.1.2/b>", 80, "NOTIFY /b HTTP/1.1"),
        (PC6, "<http://[2001:DB8:1:0::2]:5000/>", 5000, "NOTIFY / HTTP/1.1"),
        (LINK_LOCAL, "<http://[fe80::2]:5000/>", 5000, "NOTIFY / HTTP/1.1"),
        (LINK_LOCAL, "<http://[fe80::2%25eth0]:5000/>", 5000, "NOTIFY / HTTP/1.1"),
    ],
)
def test_a_subscriber_is_called_back_where_it_said(
    world: World, subscriber: Subscriber, callback: str, port: int, start: str
) -> None:
    world.subscribe(callback, subscriber=subscriber)
    notification = world.told(1.0)
    assert (notification.address, notification.port) == (subscriber.address, port)
    assert read(notification)[0] == start


@pytest.mark.parametrize(
    "callback",
    [
        "<http://198.51.100.1/>",  # CallStranger
        "<http://192.168.1.1:5000/>",
        "<http://192.168.1.254:8123/>",
        "<http://127.0.0.1/>",
        "<http://[::ffff:192.168.1.2]/>",
        "<http://[::1]/>",
        "<http://localhost/>",
        "<http://pc.lan/>",
        "<http://192.168.1.2.example.org/>",
        "<http://192.168.1.2@198.51.100.1/>",
        "<http://198.51.100.1@192.168.1.2/>",
        "<http://198.51.100.1#@192.168.1.2/>",
        "<http://3232235778/>",
        "<http://0xc0a80102/>",
        "<http://192.168.1.2:0/>",
        "<http://192.168.1.2:65536/>",
        "<http://192.168.1.2:http/>",
        "<https://192.168.1.2/>",
        "<ftp://192.168.1.2/>",
        "<//192.168.1.2/>",
        "<http:///>",
        "<http://[192.168.1.2/>",
        "<http://192.168.1.2/\r\nHOST: 198.51.100.1>",
        "<http://192.168.1.2/a b>",
        "<http://192.168.1.2/\u00e9>",
        "<http://192.168.1.2/" + "a" * 512 + ">",
        "<http://192.168.1.9/>" * 4 + "<http://192.168.1.2/>",
        "http://192.168.1.2/",
        "<>",
        "",
    ],
)
def test_a_subscriber_can_name_nobody_but_itself(world: World, callback: str) -> None:
    assert status_of(world, callback=callback) == 412


@given(st.text(), st.sampled_from([PC, PC6]))
def test_whatever_is_in_the_header_nobody_else_is_called(
    text: str, subscriber: Subscriber
) -> None:
    world = World()
    with suppress(GenaError):
        world.subscribe(f"<http://{text}>", subscriber=subscriber)
    for notification in world.subscriptions.notify(1.0):
        assert notification.address == subscriber.address


@pytest.mark.parametrize("nt", ["", "upnp:events", "upnp:event "])
def test_events_must_be_asked_for(world: World, nt: str) -> None:
    assert status_of(world, NT=nt) == 412


def test_one_address_has_only_so_many_subscriptions(world: World) -> None:
    for _ in range(16):
        world.subscribe()
    with pytest.raises(GenaError, match="503"):
        world.subscribe()
    world.subscribe("<http://192.168.1.1/>", subscriber=NAS)
    world.subscribe(now=1800.0)  # the others are over


def test_there_are_only_so_many_subscriptions(world: World) -> None:
    for number in range(256):
        address = ip_address(f"10.0.0.{number}")
        world.subscribe(f"<http://{address}/>", subscriber=Subscriber("", address))
    with pytest.raises(GenaError, match="503"):
        world.subscribe()


# ---- renewing and ending ------------------------------------------------------------


def test_a_renewed_subscription_lasts_longer_and_is_told_nothing_twice(
    world: World,
) -> None:
    sid = world.subscribe().sid
    world.deliver(1.0)
    renewed = world.renew(sid, 1000.0, TIMEOUT="Second-600")
    assert (renewed.sid, renewed.expires) == (sid, 1600.0)
    assert world.subscriptions.next_due() is None


def test_a_subscription_that_is_over_cannot_be_renewed(world: World) -> None:
    sid = world.subscribe().sid
    with pytest.raises(GenaError, match="412"):
        world.renew(sid, 1800.0)


@pytest.mark.parametrize("headers", [{"NT": "upnp:event"}, {"CALLBACK": CALLBACK}])
def test_to_renew_and_to_subscribe_are_two_things(
    world: World, headers: dict[str, Any]
) -> None:
    sid = world.subscribe().sid
    with pytest.raises(GenaError, match="400"):
        world.renew(sid, 1.0, **headers)
    with pytest.raises(GenaError, match="400"):
        world.subscriptions.unsubscribe(PC, {"SID": sid} | headers, 1.0)


@pytest.mark.parametrize("subscriber", [NAS, PC6])
def test_only_the_subscriber_renews_and_ends_its_subscription(
    world: World, subscriber: Subscriber
) -> None:
    sid = world.subscribe().sid
    with pytest.raises(GenaError, match="412"):
        world.renew(sid, 1.0, subscriber)
    with pytest.raises(GenaError, match="412"):
        world.subscriptions.unsubscribe(subscriber, {"SID": sid}, 1.0)
    assert world.renew(sid, 1.0).sid == sid


@pytest.mark.parametrize("headers", [{}, {"SID": ""}, {"SID": "uuid:unknown"}])
def test_only_a_subscription_that_there_is_can_end(
    world: World, headers: dict[str, str]
) -> None:
    world.subscribe()
    with pytest.raises(GenaError, match="412"):
        world.subscriptions.unsubscribe(PC, headers, 1.0)


def test_who_has_unsubscribed_is_told_nothing_more(world: World) -> None:
    sid = world.subscribe().sid
    world.subscriptions.unsubscribe(PC, {"SID": sid}, 0.0)
    assert world.subscriptions.next_due() is None
    assert world.subscriptions.notify(1.0) == []


# ---- events -------------------------------------------------------------------------


def test_changes_are_gathered_and_told_once(world: World) -> None:
    world.subscribe()
    world.deliver(0.05)
    for step in range(5):
        world.values["ExternalIPAddress"] = f"203.0.113.{step}"
        world.subscriptions.note_change(10.0 + step / 100)
    assert world.subscriptions.next_due() == 10.0 + GATHER
    assert world.subscriptions.notify(10.1) == []
    _, headers, variables = read(world.deliver(10.2))
    assert headers["SEQ"] == "1"
    assert variables == {"ExternalIPAddress": "203.0.113.4"}
    assert world.subscriptions.next_due() is None


def test_what_has_not_changed_is_not_told(world: World) -> None:
    world.subscribe()
    world.deliver(0.05)
    world.subscriptions.note_change(1.0)
    assert world.subscriptions.notify(2.0) == []
    assert world.subscriptions.next_due() is None


def test_one_thing_is_told_after_the_other(world: World) -> None:
    sid = world.subscribe().sid
    world.told(0.05)
    world.values["Other"] = "2"
    world.subscriptions.note_change(1.0)
    assert world.subscriptions.next_due() is None
    assert world.subscriptions.notify(2.0) == []
    world.subscriptions.delivered(sid, accepted=True)
    assert world.subscriptions.next_due() == 1.0 + GATHER
    assert read(world.told(2.0))[2] == {"Other": "2"}


def test_everybody_is_told_by_what_it_subscribed_to(world: World) -> None:
    world.subscribe()
    world.subscriptions.subscribe(
        NAS,
        V2,
        WAN_COMMON_INTERFACE_CONFIG,
        {"CALLBACK": "<http://192.168.1.1/>", "NT": "upnp:event"},
        0.0,
    )
    assert [each.address for each in world.subscriptions.notify(1.0)] == [
        PC.address,
        NAS.address,
    ]
    assert world.read_for[1] == (V2, WAN_COMMON_INTERFACE_CONFIG, NAS.device)


def test_who_does_not_listen_three_times_is_forgotten(world: World) -> None:
    sid = world.subscribe().sid
    for step in range(3):
        assert world.renew(sid, float(step)).sid == sid
        world.values["Other"] = str(step)
        world.subscriptions.note_change(float(step))
        world.deliver(step + 0.5, accepted=False)
    with pytest.raises(GenaError, match="412"):
        world.renew(sid, 3.0)
    world.subscriptions.delivered(sid, accepted=True)


def test_who_listens_now_and_then_is_not_forgotten(world: World) -> None:
    sid = world.subscribe().sid
    for step in range(9):
        world.values["Other"] = f"changed {step}"
        world.subscriptions.note_change(float(step))
        world.deliver(step + 0.5, accepted=step % 3 == 2)
    assert world.renew(sid, 9.0).sequence == 9


def test_a_subscription_that_is_over_is_told_nothing(world: World) -> None:
    world.subscribe()
    assert world.subscriptions.notify(1800.0) == []


def test_events_are_numbered_from_one_again_after_the_last_number(world: World) -> None:
    world.subscribe().sequence = 2**32 - 1
    assert read(world.deliver(1.0))[1]["SEQ"] == "4294967295"
    world.values["Other"] = "2"
    world.subscriptions.note_change(1.0)
    assert read(world.deliver(2.0))[1]["SEQ"] == "1"


@given(st.text())
def test_an_event_is_xml_whatever_the_value(value: str) -> None:
    world = World()
    world.values = {"ExternalIPAddress": value}
    world.subscribe()
    _, _, variables = read(world.told(1.0))
    assert len(variables["ExternalIPAddress"]) == len(value)


def test_a_callback_is_kept_as_it_was_written(world: World) -> None:
    subscription = world.subscribe("<http://192.168.1.2:5000/a%20b?c=d>")
    assert subscription.callback == urlsplit("http://192.168.1.2:5000/a%20b?c=d")
