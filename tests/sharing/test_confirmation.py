"""What somebody must say twice that he wants it."""

from dataclasses import replace

import pytest

from custom_components.portshare.sharing.confirmation import (
    MANAGEMENT_PORTS,
    needs_confirmation,
)
from custom_components.portshare.sharing.errors import (
    ExposedHostNeedsConfirmation,
    NeedsConfirmation,
)
from custom_components.portshare.sharing.model import Protocol, Share, Transport

from .builders import ports, share

SSH = share(port=22, external=2222)
EXPOSED = share(protocol=Protocol.EXPOSED_HOST)


@pytest.mark.parametrize("where", MANAGEMENT_PORTS)
def test_a_management_port_is_named(where: tuple[Transport, int]) -> None:
    transport, port = where
    needed = needs_confirmation(share(port=port, protocol=Protocol(transport)))
    assert type(needed) is NeedsConfirmation
    assert needed.placeholders == {"services": f"{MANAGEMENT_PORTS[where]} ({port})"}
    assert needed.field == "confirm"


@pytest.mark.parametrize("port", [22, 23, 135, 139, 445, 3389, 5900, 8006, 8123])
def test_these_ports_are_dangerous(port: int) -> None:
    assert needs_confirmation(share(port=port, protocol=Protocol.TCP_UDP))


def test_a_range_names_everything_in_it() -> None:
    needed = needs_confirmation(share(port=ports(20, 25)))
    assert needed
    assert needed.services == "SSH (22), Telnet (23)"


def test_an_exposed_host_is_dangerous() -> None:
    assert type(needs_confirmation(EXPOSED)) is ExposedHostNeedsConfirmation


@pytest.mark.parametrize(
    "harmless",
    [
        share(port=80),
        share(port=80, external=22),
        share(port=22, protocol=Protocol.UDP),
        *(
            share(protocol=each)
            for each in (Protocol.ESP, Protocol.GRE, Protocol.PING6)
        ),
    ],
)
def test_everything_else_needs_no_confirmation(harmless: Share) -> None:
    assert needs_confirmation(harmless) is None


def test_a_share_that_is_stored_switched_off_is_confirmed_all_the_same() -> None:
    assert needs_confirmation(replace(SSH, enabled=False))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SSH, replace(SSH, name="Shell", external=ports(22))),
        (replace(SSH, enabled=False), SSH),
        (SSH, replace(SSH, ipv6=False)),
        (SSH, replace(SSH, sources=("198.51.100.7",))),
        (EXPOSED, replace(EXPOSED, name="DMZ")),
    ],
)
def test_what_was_confirmed_once_is_not_asked_again(
    before: Share, after: Share
) -> None:
    assert needs_confirmation(after, before) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (share(port=80), SSH),
        (SSH, share(port=23)),
        (SSH, share(port=ports(22, 23))),
        (SSH, EXPOSED),
        (EXPOSED, SSH),
        (replace(SSH, ipv4=False), SSH),
        (replace(EXPOSED, ipv4=False), EXPOSED),
        (replace(SSH, sources=("198.51.100.7",)), SSH),
    ],
)
def test_what_is_newly_dangerous_is_asked(before: Share, after: Share) -> None:
    assert needs_confirmation(after, before)
