"""Change notices: a message to the phone whenever a port is opened."""

import logging
import socket
from typing import Any, override
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import CONF_LAN, CONF_NOTIFY, CONF_WAN, DOMAIN
from custom_components.portshare.gateway.other_firewalls import Kind, OtherFirewall
from custom_components.portshare.gateway.others import Others
from custom_components.portshare.sharing.model import Family
from homeassistant.components.notify import DATA_COMPONENT, NotifyEntity
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    Home,
    SetUp,
    call,
    device,
    state_of,
)
from .fake_gateway import HOME, NAS, NAS_IPV4, FakeGateway


class Phone(NotifyEntity):
    """A phone: it shows what it gets, or is out of reach."""

    def __init__(self, name: str) -> None:
        self._attr_name = name
        self.got: list[tuple[str | None, str]] = []
        self.error: Exception | None = None

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        if self.error:
            raise self.error
        self.got.append((title, message))

    @property
    def messages(self) -> list[str]:
        assert {title for title, _ in self.got} <= {"Port sharing", "Portfreigaben"}
        return [message for _, message in self.got]


@pytest.fixture
async def phone(hass: HomeAssistant) -> Phone:
    """The phone notify.phone."""
    phone = Phone("phone")
    await add(hass, phone)
    return phone


async def add(hass: HomeAssistant, *phones: Phone) -> None:
    assert await async_setup_component(hass, "notify", {})
    await hass.data[DATA_COMPONENT].async_add_entities(phones)


@pytest.fixture
def targets() -> list[str]:
    return ["notify.phone"]


@pytest.fixture
def entry(shares: dict[str, Any], targets: list[str]) -> MockConfigEntry:
    """A gateway that sends change notices."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={CONF_WAN: ["wan0"], CONF_LAN: ["lan0"]},
        options={CONF_NOTIFY: targets},
        subentries_data=[device(NAS, "NAS", shares)],
    )


async def turn(hass: HomeAssistant, service: str, switch: str = SSH_SWITCH) -> None:
    await call(hass, service, entity_id=switch)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_an_opened_port_is_told_with_what_to_tell_a_caller(
    hass: HomeAssistant, phone: Phone, loaded: MockConfigEntry
) -> None:
    await turn(hass, "turn_on")
    assert phone.got == [
        (
            "Port sharing",
            '"SSH" of NAS is shared with the internet now: 203.0.113.2:2222',
        )
    ]


async def test_a_closed_port_is_not_told_nor_a_start(
    hass: HomeAssistant, phone: Phone, loaded: MockConfigEntry
) -> None:
    await turn(hass, "turn_off", WEB_SWITCH)
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not phone.got


async def test_everything_that_opens_a_port_is_told(
    hass: HomeAssistant, phone: Phone, loaded: MockConfigEntry
) -> None:
    await call(hass, "add_share", mac=NAS, name="{calls} %s", port=99, ipv4=False)
    await call(hass, "open_temporarily", share_id=SSH, duration={"minutes": 5})
    await call(hass, "update_share", share_id=WEB, name="Site")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"{calls} %s" of NAS is shared with the internet now: [2001:db8:1::21]:99',
        '"SSH" of NAS is shared with the internet now: 203.0.113.2:2222',
    ]


async def test_after_an_interruption_the_text_is_another(
    hass: HomeAssistant, home: Home, phone: Phone, loaded: MockConfigEntry
) -> None:
    await home.change(internet=frozenset())
    await home.later(minutes=6)
    assert not phone.got
    home.gateway.change(internet=HOME.internet)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"Web server" of NAS is shared again, after an interruption of the internet '
        "of 0:06:00: 203.0.113.2:8080, [2001:db8:1::21]:80"
    ]


async def test_after_a_device_was_gone_the_text_is_another(
    hass: HomeAssistant, home: Home, phone: Phone, loaded: MockConfigEntry
) -> None:
    await home.see(NAS)
    await home.later(hours=26)
    assert not phone.got
    home.gateway.see(NAS, NAS_IPV4)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"Web server" of NAS is shared again, after the device was gone for 26:00:00: '
        "203.0.113.2:8080"
    ]


@pytest.mark.parametrize(
    "shares",
    [{WEB: dict(WEB_DATA), SSH: {**SSH_DATA, "external_port": 8080, "enabled": True}}],
)
async def test_who_gets_a_port_that_was_not_free_is_told_so(
    hass: HomeAssistant, phone: Phone, loaded: MockConfigEntry
) -> None:
    await call(hass, "remove_share", share_id=WEB)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"SSH" of NAS is shared with the internet now, because its port has become '
        "free: 203.0.113.2:8080"
    ]


@pytest.mark.parametrize(
    ("share", "calls"),
    [
        ({}, "port 99 over IPv4, [2001:db8:1::21]:99"),
        ({"ipv6": False, "port_end": 101}, "port 99-101 over IPv4"),
        ({"ipv4": False}, "[2001:db8:1::21]:99"),
    ],
)
async def test_what_is_switched_on_while_the_line_is_down_is_open_when_it_is_back(
    hass: HomeAssistant,
    home: Home,
    phone: Phone,
    loaded: MockConfigEntry,
    share: dict[str, Any],
    calls: str,
) -> None:
    await home.change(internet=frozenset(), wan_ipv4=(), wan_ipv6=())
    await call(hass, "add_share", mac=NAS, name="Game", port=99, **share)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"Game" of NAS is switched on, and will be shared as soon as the internet is '
        f"back: {calls}"
    ]


@pytest.mark.parametrize(
    ("ipv4", "calls"), [(True, ": 203.0.113.2:99"), (False, "")], ids=["ipv4", "ipv6"]
)
async def test_what_is_switched_on_while_the_device_is_gone_is_open_when_it_is_back(
    hass: HomeAssistant,
    phone: Phone,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    ipv4: bool,
    calls: str,
) -> None:
    gateway.see(NAS)
    await call(hass, "add_share", mac=NAS, name="Game", port=99, ipv4=ipv4)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"Game" of NAS is switched on, and will be shared as soon as the device is '
        f"seen{calls}"
    ]


async def test_of_a_short_interruption_nobody_is_told(
    home: Home, phone: Phone, loaded: MockConfigEntry
) -> None:
    await home.change(internet=frozenset())
    await home.later(minutes=4)
    await home.change(internet=HOME.internet)
    await home.later(hours=1)
    assert not phone.got


@pytest.mark.parametrize("targets", [["notify.phone", "notify.tablet"]])
async def test_all_who_want_it_are_told(
    hass: HomeAssistant, set_up: SetUp, entry: MockConfigEntry
) -> None:
    phone, tablet, other = Phone("phone"), Phone("tablet"), Phone("other")
    await add(hass, phone, tablet, other)
    await set_up()
    await turn(hass, "turn_on")
    assert len(phone.got) == len(tablet.got) == 1
    assert not other.got


@pytest.mark.parametrize("targets", [["notify.phone", "notify.tablet"]])
async def test_one_who_is_out_of_reach_does_not_keep_it_from_the_others(
    hass: HomeAssistant, set_up: SetUp, caplog: pytest.LogCaptureFixture
) -> None:
    phone, tablet = Phone("phone"), Phone("tablet")
    phone.error = HomeAssistantError("out of reach")
    await add(hass, phone, tablet)
    await set_up()
    await turn(hass, "turn_on")
    assert len(tablet.got) == 1
    assert warnings(caplog) == ["A change notice could not be sent: out of reach"]
    assert state_of(hass, SSH_SWITCH).state == "on"
    # And the next time it may be in reach.
    phone.error = None
    await turn(hass, "turn_off")
    await turn(hass, "turn_on")
    assert len(phone.got) == 1


@pytest.mark.usefixtures("errors_expected")
async def test_a_phone_that_breaks_down_harms_nobody(
    hass: HomeAssistant,
    phone: Phone,
    loaded: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    phone.error = RuntimeError("a mistake of theirs")
    await turn(hass, "turn_on")
    assert warnings(caplog) == ["A change notice could not be sent"]
    assert state_of(hass, SSH_SWITCH).state == "on"
    phone.error = None
    await turn(hass, "turn_off")
    await turn(hass, "turn_on")
    assert len(phone.got) == 1


async def test_a_target_that_is_gone_is_logged_and_harms_nobody(
    hass: HomeAssistant, set_up: SetUp, caplog: pytest.LogCaptureFixture
) -> None:
    await set_up()  # there is no notify at all
    await turn(hass, "turn_on")
    assert len(warnings(caplog)) == 1
    assert state_of(hass, SSH_SWITCH).state == "on"


@pytest.mark.parametrize("targets", [[]])
async def test_who_wants_no_notices_gets_none(
    hass: HomeAssistant, phone: Phone, loaded: MockConfigEntry
) -> None:
    await turn(hass, "turn_on")
    assert not phone.got


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"protocol": "gre"},
            '"Tunnel" of NAS is shared with the internet now: 203.0.113.2',
        ),
        (
            {"port": 99, "sources": ["nowhere.invalid"]},
            '"Tunnel" of NAS is switched on, and will be shared as soon as its callers\' '
            "DNS names are known: port 99 over IPv4",
        ),
    ],
)
async def test_other_kinds_of_share_are_told_as_what_they_are(
    hass: HomeAssistant,
    phone: Phone,
    loaded: MockConfigEntry,
    fields: dict[str, Any],
    message: str,
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME)

    with patch("asyncio.base_events.BaseEventLoop.getaddrinfo", unknown):
        await call(hass, "add_share", mac=NAS, name="Tunnel", **fields)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [message]


async def test_what_has_no_port_is_told_without_one_while_the_line_is_down(
    hass: HomeAssistant, home: Home, phone: Phone, loaded: MockConfigEntry
) -> None:
    await home.change(internet=frozenset(), wan_ipv4=())
    await call(hass, "add_share", mac=NAS, name="Tunnel", protocol="gre")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"Tunnel" of NAS is switched on, and will be shared as soon as the internet is '
        "back"
    ]


async def test_nothing_is_told_after_unload(
    hass: HomeAssistant, phone: Phone, loaded: MockConfigEntry
) -> None:
    teller = loaded.runtime_data.teller
    await hass.config_entries.async_unload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.NOT_LOADED
    assert not teller._listeners


async def test_notices_speak_the_language_of_home_assistant(
    hass: HomeAssistant, home: Home, phone: Phone, set_up: SetUp
) -> None:
    hass.config.language = "de"
    await set_up()
    await turn(hass, "turn_on")
    await home.change(internet=frozenset())
    await home.later(minutes=6)
    home.gateway.change(internet=HOME.internet)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.got[0] == (
        "Portfreigaben",
        "„SSH“ von NAS ist jetzt für das Internet freigegeben: 203.0.113.2:2222",
    )
    assert (
        "„SSH“ von NAS ist wieder freigegeben, nach einer Unterbrechung des Internets "
        "von 0:06:00: 203.0.113.2:2222"
    ) in phone.messages


@pytest.mark.parametrize(
    ("language", "shut", "open_"),
    [
        (
            "en",
            '"SSH" of NAS is switched on, but the gateway itself keeps callers out. '
            "Home Assistant's repairs say why.",
            '"SSH" of NAS is shared with the internet now, because the gateway itself '
            "lets callers in: 203.0.113.2:2222",
        ),
        (
            "de",
            "„SSH“ von NAS ist eingeschaltet, aber das Gateway selbst lässt keine "
            "Anrufer durch. Warum, steht in den Reparaturen von Home Assistant.",
            "„SSH“ von NAS ist jetzt für das Internet freigegeben, weil das Gateway "
            "selbst Anrufer durchlässt: 203.0.113.2:2222",
        ),
    ],
)
async def test_a_share_that_is_blocked_is_said_to_be_open_when_it_is(
    hass: HomeAssistant,
    gateway: FakeGateway,
    phone: Phone,
    set_up: SetUp,
    language: str,
    shut: str,
    open_: str,
) -> None:
    hass.config.language = language
    gateway.put_others(
        Others(
            (
                OtherFirewall(
                    Kind.UFW,
                    "ip",
                    "filter",
                    "FORWARD",
                    blocks=frozenset({Family.IPV4}),
                ),
            )
        )
    )
    await set_up()
    await turn(hass, "turn_on")
    assert phone.messages == [shut]
    gateway.put_others(Others())
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [shut, open_]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.endswith("portshare.notices")
        and record.levelno >= logging.WARNING
    ]
