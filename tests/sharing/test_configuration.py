from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.sharing.configuration import Configuration
from custom_components.portshare.sharing.errors import UnknownDevice, UnknownShare
from custom_components.portshare.sharing.model import Device, Share

from .builders import DEVICES, DeviceStep, device_steps, share

NAS, PC = DEVICES["nas"], DEVICES["pc"]


def take(configuration: Configuration, step: DeviceStep) -> set[str]:
    shares = step.shares(configuration.shares_of(step.device_id))
    return configuration.update_device(step.device_id, step.device, shares)


def content(configuration: Configuration) -> dict[str, tuple[object, ...]]:
    """Say by share what a plan of it depends on."""
    return {
        share_id: (
            each,
            configuration.devices[each.device_id],
            configuration.ports.has(share_id),
        )
        for share_id, each in configuration.shares.items()
    }


@given(st.lists(device_steps(), max_size=8), st.booleans())
def test_any_steps_leave_the_same_as_building_from_scratch(
    steps: list[DeviceStep], backwards: bool
) -> None:
    configuration = Configuration()
    devices: dict[str, Device | None] = {}
    shares: dict[str, dict[str, Share]] = {}
    for step in steps:
        take(configuration, step)
        before = shares.get(step.device_id, {}).values()
        devices[step.device_id] = step.device
        shares[step.device_id] = step.shares(before)

    rebuilt = Configuration()
    for device_id in sorted(devices, reverse=backwards):
        if device := devices[device_id]:
            rebuilt.update_device(device_id, device, shares[device_id])
    assert configuration.devices == rebuilt.devices
    assert content(configuration) == content(rebuilt)
    for device_id in DEVICES:
        of_device = list(configuration.shares_of(device_id))
        assert of_device == list(rebuilt.shares_of(device_id))
        assert all(each.device_id == device_id for each in of_device)


@given(st.lists(device_steps(), max_size=8))
def test_every_step_tells_exactly_the_shares_that_changed(
    steps: list[DeviceStep],
) -> None:
    configuration = Configuration()
    for step in steps:
        before = content(configuration)
        told = take(configuration, step)
        after = content(configuration)
        assert told == {
            share_id
            for share_id in before.keys() | after.keys()
            if before.get(share_id) != after.get(share_id)
        }


def test_the_same_again_changes_nothing() -> None:
    configuration = Configuration()
    assert configuration.update_device("nas", NAS, {"1": share("1")}) == {"1"}
    assert configuration.update_device("nas", NAS, {"1": share("1")}) == set()


def test_a_new_name_of_a_device_changes_all_its_shares() -> None:
    configuration = Configuration()
    configuration.update_device("nas", NAS, {"1": share("1")})
    configuration.update_device("pc", PC, {"2": share("2", "pc", 81)})
    renamed = replace(NAS, name="Attic")
    assert configuration.update_device("nas", renamed, {"1": share("1")}) == {"1"}


def test_two_shares_of_a_device_may_swap_their_ports_in_one_step() -> None:
    configuration = Configuration()
    configuration.update_device(
        "nas", NAS, {"1": share("1", port=80), "2": share("2", port=81)}
    )
    swapped = {"1": share("1", port=81), "2": share("2", port=80)}
    assert configuration.update_device("nas", NAS, swapped) == {"1", "2"}
    assert configuration.ports.has("1")
    assert configuration.ports.has("2")


def test_a_share_may_move_where_another_leaves_in_the_same_step() -> None:
    configuration = Configuration()
    configuration.update_device(
        "nas", NAS, {"1": share("1", port=80), "2": share("2", port=81)}
    )
    configuration.update_device(
        "nas", NAS, {"2": share("2", port=80), "1": share("1", port=82)}
    )
    assert configuration.ports.has("1")
    assert configuration.ports.has("2")


def test_a_share_of_another_device_gets_the_port_that_was_left() -> None:
    configuration = Configuration()
    configuration.update_device("nas", NAS, {"1": share("1", "nas", 80)})
    configuration.update_device("pc", PC, {"2": share("2", "pc", 80)})
    assert not configuration.ports.has("2")
    assert configuration.update_device("nas", None, {}) == {"1", "2"}
    assert configuration.ports.has("2")


def test_shares_are_found_by_id() -> None:
    configuration = Configuration()
    configuration.update_device("nas", NAS, {"1": share("1")})
    assert configuration.share("1") == share("1")
    with pytest.raises(UnknownShare) as caught:
        configuration.share("2")
    assert caught.value.placeholders == {"value": "2"}


def test_devices_are_found_by_id() -> None:
    configuration = Configuration()
    configuration.update_device("nas", NAS, {})
    assert configuration.device("nas") == NAS
    with pytest.raises(UnknownDevice) as caught:
        configuration.device("pc")
    assert caught.value.placeholders == {"value": "pc"}


def test_a_device_is_found_by_its_mac_address() -> None:
    configuration = Configuration()
    configuration.update_device("nas", NAS, {})
    assert configuration.device_with(NAS.mac) == NAS
    assert configuration.device_with(PC.mac) is None
