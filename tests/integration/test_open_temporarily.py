"""Open for a while: it closes by itself, whatever happens meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    SetUp,
    call,
    refuse_text,
    state_of,
    subentry_of,
)
from .fake_gateway import FakeGateway

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SSH_OPEN = "tcp 2222 -> 192.168.178.21:22"
CLOSES_AT = "sensor.nas_ssh_closes_at"

type Later = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _noon(freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(NOON)


@pytest.fixture
def later(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Later:
    """Let time pass, with all that is to happen then."""

    async def pass_by(**time: float) -> None:
        freezer.tick(timedelta(**time))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    return pass_by


def told(events: list[Event]) -> list[tuple[str, str, str, timedelta]]:
    """Return type, name, reason and time (since noon) of each event."""
    return [
        (
            event.data["type"],
            event.data["name"],
            event.data["reason"],
            datetime.fromisoformat(event.data["at"]) - NOON,
        )
        for event in events
    ]


def open_until(entry: MockConfigEntry, share_id: str = SSH) -> str | None:
    """Return until when a share is stored as open."""
    until: str | None = subentry_of(entry).data["shares"][share_id].get("open_until")
    return until


async def open_for(
    hass: HomeAssistant, duration: object, share_id: str = SSH
) -> dict[str, Any]:
    answer: dict[str, Any] = await call(
        hass,
        "open_temporarily",
        response=True,
        share_id=share_id,
        duration=duration,
    )
    return answer


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ({"minutes": 1}, timedelta(minutes=1)),
        ({"days": 30}, timedelta(days=30)),
        ("02:30:00", timedelta(hours=2, minutes=30)),
        (90, timedelta(seconds=90)),
    ],
    ids=["shortest", "longest", "text", "seconds"],
)
async def test_a_share_is_open_as_long_as_asked_for(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    duration: object,
    expected: timedelta,
) -> None:
    answer = await open_for(hass, duration)
    until = (NOON + expected).isoformat()
    assert answer == {
        "share_id": SSH,
        "external_port": 2222,
        "call": ["203.0.113.2:2222"],
        "closes_at": until,
    }
    assert open_until(loaded) == until
    assert state_of(hass, CLOSES_AT).state == until
    assert state_of(hass, CLOSES_AT).attributes["device_class"] == "timestamp"
    listed = (await call(hass, "list_shares", response=True))["shares"]
    assert {each["share_id"]: each["closes_at"] for each in listed} == {
        SSH: until,
        WEB: None,
    }
    # The kernel closes it, too, if Home Assistant is dead by then.
    assert {each.until for each in gateway.mappings} == {None, NOON + expected}


@pytest.mark.parametrize(
    "duration",
    [{"seconds": 59}, {"days": 30, "seconds": 1}, {"minutes": -5}],
    ids=["too short", "too long", "negative"],
)
async def test_what_is_no_while_is_refused_and_changes_nothing(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    duration: dict[str, int],
) -> None:
    with pytest.raises(ServiceValidationError, match="1 minute to 30 days") as caught:
        await open_for(hass, duration)
    assert caught.value.translation_key == "invalid_duration"
    assert open_until(loaded) is None
    assert not gateway.changes


async def test_it_closes_by_itself_at_its_time(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
) -> None:
    assert state_of(hass, CLOSES_AT).state == "unknown"
    await open_for(hass, {"minutes": 10})
    await later(minutes=9, seconds=59)
    assert SSH_OPEN in gateway.open
    await later(seconds=2)
    assert SSH_OPEN not in gateway.open
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert state_of(hass, CLOSES_AT).state == "unknown"
    assert open_until(loaded) is None
    assert told(events) == [
        ("share_enabled", "SSH", "service", timedelta()),
        ("share_disabled", "SSH", "expired", timedelta(minutes=10)),
    ]
    await later(hours=1)
    assert len(events) == 2


async def test_each_share_has_its_own_time(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
) -> None:
    await open_for(hass, {"minutes": 20}, SSH)
    await open_for(hass, {"minutes": 10}, WEB)  # was open for ever
    await later(minutes=10, seconds=1)
    assert gateway.open == {SSH_OPEN}
    await later(minutes=10)
    assert not gateway.open
    assert told(events) == [
        ("share_enabled", "SSH", "service", timedelta()),
        ("share_disabled", "Web server", "expired", timedelta(minutes=10)),
        ("share_disabled", "SSH", "expired", timedelta(minutes=20)),
    ]


async def test_two_shares_of_one_time_close_in_one_transaction(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
) -> None:
    await open_for(hass, {"minutes": 4}, SSH)
    await open_for(hass, {"minutes": 4}, WEB)
    gateway.changes.clear()
    await later(minutes=4, seconds=1)
    assert len(gateway.changes) == 1
    assert not gateway.open
    assert len(events) == 3


async def test_asked_for_again_it_is_open_from_then_on(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
) -> None:
    await open_for(hass, {"minutes": 10})
    await later(minutes=5)
    await open_for(hass, {"minutes": 10})
    await later(minutes=6)
    assert SSH_OPEN in gateway.open
    assert len(events) == 1
    await later(minutes=5)
    assert SSH_OPEN not in gateway.open
    assert len(events) == 2


async def test_switched_off_before_it_is_no_longer_open_for_a_while(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
) -> None:
    await open_for(hass, {"minutes": 10})
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    assert open_until(loaded) is None
    assert state_of(hass, CLOSES_AT).state == "unknown"
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await later(hours=1)
    assert SSH_OPEN in gateway.open
    assert [event.data["reason"] for event in events] == ["service", "user", "user"]


async def test_other_changes_leave_its_time_as_it_is(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway, later: Later
) -> None:
    await open_for(hass, {"minutes": 10})
    await call(hass, "update_share", share_id=SSH, name="Shell", port=23)
    assert open_until(loaded) == (NOON + timedelta(minutes=10)).isoformat()
    assert {each.until for each in gateway.mappings} == {
        None,
        NOON + timedelta(minutes=10),
    }
    await later(minutes=10, seconds=1)
    assert "tcp 2222 -> 192.168.178.21:23" not in gateway.open


async def test_removed_before_it_leaves_nothing_to_close(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event], later: Later
) -> None:
    await open_for(hass, {"minutes": 10})
    await call(hass, "remove_share", share_id=SSH)
    events.clear()
    await later(minutes=11)
    assert not events


async def test_what_the_kernel_refuses_is_not_open_for_a_while(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway, later: Later
) -> None:
    gateway.refuse = refuse_text("SSH")
    with pytest.raises(HomeAssistantError, match="SSH is poison"):
        await open_for(hass, {"minutes": 10})
    assert open_until(loaded) is None
    assert state_of(hass, SSH_SWITCH).state == "off"


@pytest.mark.usefixtures("errors_expected")
async def test_what_the_kernel_does_not_close_in_time_is_closed_later(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
) -> None:
    await open_for(hass, {"minutes": 4})
    gateway.refuse = refuse_text("SSH")
    await later(minutes=4, seconds=1)
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert state_of(hass, "sensor.nas_ssh_status").state == "error"
    assert len(events) == 1
    gateway.refuse = FakeGateway().refuse
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert not gateway.open
    assert sorted(told(events)[1:]) == [
        ("share_disabled", "SSH", "expired", timedelta(minutes=4)),
        ("share_disabled", "Web server", "user", timedelta(minutes=4, seconds=1)),
    ]


async def test_a_change_under_way_when_the_time_is_over_does_not_hide_the_reason(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    await open_for(hass, {"minutes": 10})
    gateway.pause()
    renaming = hass.async_create_task(
        call(hass, "update_share", share_id=SSH, name="Shell")
    )
    await gateway.under_way.wait()
    freezer.tick(timedelta(minutes=10, seconds=1))
    async_fire_time_changed(hass)
    gateway.go_on()
    await renaming
    await hass.async_block_till_done()
    assert SSH_OPEN not in gateway.open
    assert told(events)[1:] == [
        ("share_disabled", "Shell", "expired", timedelta(minutes=10))
    ]


async def test_a_change_refused_when_the_time_is_over_does_not_open_it_again(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
    freezer: FrozenDateTimeFactory,
) -> None:
    await open_for(hass, {"minutes": 10})
    gateway.refuse = refuse_text("Poison")
    gateway.pause()
    renaming = hass.async_create_task(
        call(hass, "update_share", share_id=SSH, name="Poison")
    )
    await gateway.under_way.wait()
    freezer.tick(timedelta(minutes=10, seconds=1))
    async_fire_time_changed(hass)
    gateway.go_on()
    with pytest.raises(HomeAssistantError, match="Poison is poison"):
        await renaming
    await later(seconds=1)
    assert SSH_OPEN not in gateway.open
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert [(kind, reason) for kind, _, reason, _ in told(events)[1:]] == [
        ("share_disabled", "expired")
    ]
    assert [change for change in gateway.changes[1:] if change.opened] == []


# Over a restart


async def test_a_restart_leaves_the_remaining_time(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    later: Later,
) -> None:
    await open_for(hass, {"minutes": 10})
    await later(minutes=4)
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert SSH_OPEN in gateway.open
    assert state_of(hass, CLOSES_AT).state == (NOON + timedelta(minutes=10)).isoformat()
    await later(minutes=6, seconds=1)
    assert SSH_OPEN not in gateway.open
    assert told(events)[1:] == [
        ("share_disabled", "SSH", "expired", timedelta(minutes=10))
    ]


@pytest.mark.usefixtures("errors_expected")
async def test_after_unload_nothing_of_it_is_left(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    later: Later,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await open_for(hass, {"minutes": 10})
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.config_entries.async_unload(loaded.entry_id)
    await hass.async_block_till_done()
    await later(minutes=11)
    # The kernel closes it; Home Assistant looks at it when it is back.
    assert open_until(loaded) == (NOON + timedelta(minutes=10)).isoformat()
    assert "not open" not in caplog.text


@pytest.mark.parametrize(
    "shares",
    [
        {
            WEB: dict(WEB_DATA),
            SSH: {
                **SSH_DATA,
                "enabled": True,
                "open_until": (NOON - HOUR).isoformat(),
            },
        }
    ],
)
async def test_what_was_over_while_home_assistant_was_away_is_never_opened_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    opened: list[str] = []
    gateway.refuse = lambda change: opened.extend(
        mapping.comment for mapping in change.opened
    )
    hass.set_state(CoreState.starting)
    await set_up()
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert open_until(entry) is None
    assert not any("SSH" in comment for comment in opened)
    assert not events
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert told(events) == [("share_disabled", "SSH", "expired", -HOUR)]


@pytest.mark.parametrize(
    "shares",
    [
        {
            WEB: {**WEB_DATA, "open_until": "2026-11-22T15:00:00+02:00"},
            SSH: {
                **SSH_DATA,
                "enabled": True,
                "open_until": "2026-11-22T14:00:00+02:00",
            },
        }
    ],
)
async def test_a_stored_time_may_be_of_any_zone(
    hass: HomeAssistant,
    events: list[Event],
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    later: Later,
) -> None:
    assert SSH_OPEN not in gateway.open  # noon it is
    assert state_of(hass, "sensor.nas_web_server_closes_at").state == (
        (NOON + HOUR).isoformat()
    )
    await later(hours=1, seconds=1)
    assert not gateway.open
    assert told(events) == [
        ("share_disabled", "SSH", "expired", timedelta()),
        ("share_disabled", "Web server", "expired", HOUR),
    ]
