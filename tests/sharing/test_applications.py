import re

import pytest

from custom_components.portshare.sharing.applications import (
    APPLICATIONS,
    BY_KEY,
    Application,
)
from custom_components.portshare.sharing.model import (
    ALL_PORTS,
    HIGHEST_PORT,
    LOWEST_PORT,
    Protocol,
)

from .builders import ports


def test_the_catalogue_has_what_people_share() -> None:
    assert len(APPLICATIONS) >= 35
    assert any(len(application.ports) > 1 for application in APPLICATIONS)


def test_an_application_is_found_by_its_key() -> None:
    assert list(BY_KEY.values()) == list(APPLICATIONS)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", key) for key in BY_KEY)


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda each: each.key)
def test_an_application_listens_on_valid_ports(application: Application) -> None:
    some = application.ports
    if not application.protocol.has_ports:
        assert some == ALL_PORTS
        return
    assert LOWEST_PORT <= some.first <= some.last <= HIGHEST_PORT


def test_no_two_applications_are_the_same_but_for_their_name() -> None:
    by_ports: dict[object, set[str]] = {}
    for each in APPLICATIONS:
        by_ports.setdefault((each.protocol, each.ports), set()).add(each.key)
    assert all(len(keys) == 1 for keys in by_ports.values())


@pytest.mark.parametrize(
    ("key", "protocol", "first", "last"),
    [
        ("https", Protocol.TCP, 443, 443),
        ("wireguard", Protocol.UDP, 51820, 51820),
        ("minecraft_java", Protocol.TCP, 25565, 25565),
        ("minecraft_bedrock", Protocol.UDP, 19132, 19132),
        ("valheim", Protocol.UDP, 2456, 2457),
        ("bittorrent", Protocol.TCP_UDP, 6881, 6889),
        ("mqtt_tls", Protocol.TCP, 8883, 8883),
        ("home_assistant", Protocol.TCP, 8123, 8123),
        ("l2tp", Protocol.UDP, 1701, 1701),
        ("pptp", Protocol.TCP, 1723, 1723),
    ],
)
def test_well_known_ports_are_what_they_are(
    key: str, protocol: Protocol, first: int, last: int
) -> None:
    assert BY_KEY[key] == Application(key, protocol, ports(first, last))
