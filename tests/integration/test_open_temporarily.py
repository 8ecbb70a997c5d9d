"""Open for a while: it closes by itself, whatever happens meanwhile."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from homeassistant.core import CoreState, Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .conftest import (
    NOON,
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    Home,
    SetUp,
    call,
    finish_start,
    refuse_text,
    state_of,
    subentry_of,
)
from .fake_gateway import FakeGateway

pytestmark = pytest.mark.usefixtures("noon")

HOUR = timedelta(hours=1)
SSH_OPEN = "tcp 2222 -> 192.168.178.21:22"
CLOSES_AT = "sensor.nas_ssh_closes_at"


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
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    assert state_of(hass, CLOSES_AT).state == "unknown"
    await open_for(hass, {"minutes": 10})
    await home.later(minutes=9, seconds=59)
    assert SSH_OPEN in home.gateway.open
    await home.later(seconds=2)
    assert SSH_OPEN not in home.gateway.open
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert state_of(hass, CLOSES_AT).state == "unknown"
    assert open_until(loaded) is None
    assert told(home.events) == [
        ("share_enabled", "SSH", "service", timedelta()),
        ("share_disabled", "SSH", "expired", timedelta(minutes=10)),
    ]
    await home.later(hours=1)
    assert len(home.events) == 2


async def test_each_share_has_its_own_time(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 20}, SSH)
    await open_for(hass, {"minutes": 10}, WEB)  # was open for ever
    await home.later(minutes=10, seconds=1)
    assert home.gateway.open == {SSH_OPEN}
    await home.later(minutes=10)
    assert not home.gateway.open
    assert told(home.events) == [
        ("share_enabled", "SSH", "service", timedelta()),
        ("share_disabled", "Web server", "expired", timedelta(minutes=10)),
        ("share_disabled", "SSH", "expired", timedelta(minutes=20)),
    ]


async def test_two_shares_of_one_time_close_in_one_transaction(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 4}, SSH)
    await open_for(hass, {"minutes": 4}, WEB)
    home.gateway.changes.clear()
    await home.later(minutes=4, seconds=1)
    assert len(home.gateway.changes) == 1
    assert not home.gateway.open
    assert len(home.events) == 3


async def test_asked_for_again_it_is_open_from_then_on(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 10})
    await home.later(minutes=5)
    await open_for(hass, {"minutes": 10})
    await home.later(minutes=6)
    assert SSH_OPEN in home.gateway.open
    assert len(home.events) == 1
    await home.later(minutes=5)
    assert SSH_OPEN not in home.gateway.open
    assert len(home.events) == 2


async def test_switched_off_before_it_is_no_longer_open_for_a_while(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 10})
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    assert open_until(loaded) is None
    assert state_of(hass, CLOSES_AT).state == "unknown"
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await home.later(hours=1)
    assert SSH_OPEN in home.gateway.open
    assert [event.data["reason"] for event in home.events] == [
        "service",
        "user",
        "user",
    ]


async def test_other_changes_leave_its_time_as_it_is(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 10})
    await call(hass, "update_share", share_id=SSH, name="Shell", port=24)
    assert open_until(loaded) == (NOON + timedelta(minutes=10)).isoformat()
    assert {each.until for each in home.gateway.mappings} == {
        None,
        NOON + timedelta(minutes=10),
    }
    await home.later(minutes=10, seconds=1)
    assert "tcp 2222 -> 192.168.178.21:24" not in home.gateway.open


async def test_removed_before_it_leaves_nothing_to_close(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 10})
    await call(hass, "remove_share", share_id=SSH)
    home.events.clear()
    await home.later(minutes=11)
    assert not home.events


async def test_what_the_kernel_refuses_is_not_open_for_a_while(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    home.gateway.refuse = refuse_text("SSH")
    with pytest.raises(HomeAssistantError, match="SSH is poison"):
        await open_for(hass, {"minutes": 10})
    assert open_until(loaded) is None
    assert state_of(hass, SSH_SWITCH).state == "off"


async def test_it_closes_in_time_even_if_the_clock_jumps(
    hass: HomeAssistant,
    home: Home,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await open_for(hass, {"hours": 3})
    # Timers count the seconds that pass, and see none of it.
    freezer.tick(timedelta(hours=4))
    await loaded.runtime_data.async_refresh()
    assert SSH_OPEN not in home.gateway.open
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert told(home.events)[1:] == [
        ("share_disabled", "SSH", "expired", timedelta(hours=3))
    ]


@pytest.mark.usefixtures("errors_expected")
async def test_what_the_kernel_does_not_close_in_time_is_closed_later(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 4})
    home.gateway.refuse = refuse_text("SSH")
    await home.later(minutes=4, seconds=1)
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert state_of(hass, "sensor.nas_ssh_status").state == "error"
    assert len(home.events) == 1
    home.gateway.refuse = FakeGateway().refuse
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert not home.gateway.open
    assert sorted(told(home.events)[1:]) == [
        ("share_disabled", "SSH", "expired", timedelta(minutes=4)),
        ("share_disabled", "Web server", "user", timedelta(minutes=4, seconds=1)),
    ]


async def test_a_change_under_way_when_the_time_is_over_does_not_hide_the_reason(
    hass: HomeAssistant,
    home: Home,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await open_for(hass, {"minutes": 10})
    home.gateway.pause()
    renaming = hass.async_create_task(
        call(hass, "update_share", share_id=SSH, name="Shell")
    )
    await home.gateway.under_way.wait()
    freezer.tick(timedelta(minutes=10, seconds=1))
    async_fire_time_changed(hass)
    home.gateway.go_on()
    await renaming
    await hass.async_block_till_done()
    assert SSH_OPEN not in home.gateway.open
    assert told(home.events)[1:] == [
        ("share_disabled", "Shell", "expired", timedelta(minutes=10))
    ]


async def test_a_change_refused_when_the_time_is_over_does_not_open_it_again(
    hass: HomeAssistant,
    home: Home,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await open_for(hass, {"minutes": 10})
    home.gateway.refuse = refuse_text("Poison")
    home.gateway.pause()
    renaming = hass.async_create_task(
        call(hass, "update_share", share_id=SSH, name="Poison")
    )
    await home.gateway.under_way.wait()
    freezer.tick(timedelta(minutes=10, seconds=1))
    async_fire_time_changed(hass)
    home.gateway.go_on()
    with pytest.raises(HomeAssistantError, match="Poison is poison"):
        await renaming
    await home.later(seconds=1)
    assert SSH_OPEN not in home.gateway.open
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert [(kind, reason) for kind, _, reason, _ in told(home.events)[1:]] == [
        ("share_disabled", "expired")
    ]
    assert [change for change in home.gateway.changes[1:] if change.opened] == []


# Over a restart


async def test_a_restart_leaves_the_remaining_time(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await open_for(hass, {"minutes": 10})
    await home.later(minutes=4)
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert SSH_OPEN in home.gateway.open
    assert state_of(hass, CLOSES_AT).state == (NOON + timedelta(minutes=10)).isoformat()
    await home.later(minutes=6, seconds=1)
    assert SSH_OPEN not in home.gateway.open
    assert told(home.events)[1:] == [
        ("share_disabled", "SSH", "expired", timedelta(minutes=10))
    ]


@pytest.mark.usefixtures("errors_expected")
async def test_after_unload_nothing_of_it_is_left(
    hass: HomeAssistant,
    home: Home,
    loaded: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await open_for(hass, {"minutes": 10})
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.config_entries.async_unload(loaded.entry_id)
    await hass.async_block_till_done()
    await home.later(minutes=11)
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
    hass: HomeAssistant, home: Home, entry: MockConfigEntry, set_up: SetUp
) -> None:
    opened: list[str] = []
    home.gateway.refuse = lambda change: opened.extend(
        mapping.comment for mapping in change.opened
    )
    hass.set_state(CoreState.starting)
    await set_up()
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert open_until(entry) is None
    assert not any("SSH" in comment for comment in opened)
    assert not home.events
    await finish_start(hass)
    assert told(home.events) == [("share_disabled", "SSH", "expired", -HOUR)]


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
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    assert SSH_OPEN not in home.gateway.open  # noon it is
    assert state_of(hass, "sensor.nas_web_server_closes_at").state == (
        (NOON + HOUR).isoformat()
    )
    await home.later(hours=1, seconds=1)
    assert not home.gateway.open
    assert told(home.events) == [
        ("share_disabled", "SSH", "expired", timedelta()),
        ("share_disabled", "Web server", "expired", HOUR),
    ]
