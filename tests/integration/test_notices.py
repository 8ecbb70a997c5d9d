"""Change notices: a message to the phone whenever a port is opened."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
import logging
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.portshare.const import CONF_LAN, CONF_NOTIFY, CONF_WAN, DOMAIN
from homeassistant.components.notify import DATA_COMPONENT, NotifyEntity
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from .conftest import SSH, SSH_SWITCH, WEB, WEB_SWITCH, SetUp, call, device, state_of
from .fake_gateway import HOME, NAS, FakeGateway

type Later = Callable[..., Awaitable[None]]


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


@pytest.fixture
def later(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Later:
    """Let time pass, with all that is to happen then."""

    async def pass_by(**time: float) -> None:
        freezer.tick(timedelta(**time))
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)

    return pass_by


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
    hass: HomeAssistant,
    phone: Phone,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    later: Later,
) -> None:
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    await later(minutes=6)
    assert not phone.got
    gateway.change(internet=HOME.internet)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.messages == [
        '"Web server" of NAS is shared again, after an interruption of the internet '
        "of 0:06:00: 203.0.113.2:8080, [2001:db8:1::21]:80"
    ]


async def test_of_a_short_interruption_nobody_is_told(
    hass: HomeAssistant,
    phone: Phone,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    later: Later,
) -> None:
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    await later(minutes=4)
    gateway.change(internet=HOME.internet)
    await hass.async_block_till_done()
    await later(hours=1)
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


async def test_nothing_is_told_after_unload(
    hass: HomeAssistant, phone: Phone, loaded: MockConfigEntry
) -> None:
    teller = loaded.runtime_data.teller
    await hass.config_entries.async_unload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.NOT_LOADED
    assert not teller._listeners


async def test_notices_speak_the_language_of_home_assistant(
    hass: HomeAssistant,
    phone: Phone,
    set_up: SetUp,
    gateway: FakeGateway,
    later: Later,
) -> None:
    hass.config.language = "de"
    await set_up()
    await turn(hass, "turn_on")
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    await later(minutes=6)
    gateway.change(internet=HOME.internet)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert phone.got[0] == (
        "Portfreigaben",
        "„SSH“ von NAS ist jetzt für das Internet freigegeben: 203.0.113.2:2222",
    )
    assert (
        "„SSH“ von NAS ist wieder freigegeben, nach einer Unterbrechung des Internets "
        "von 0:06:00: 203.0.113.2:2222"
    ) in phone.messages


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.endswith("portshare.notices")
        and record.levelno >= logging.WARNING
    ]
