"""What the kernel forwards, and how it is made to, on a real gateway."""

from pathlib import Path
import socket

import pytest

from custom_components.portshare.gateway import forwarding
from custom_components.portshare.gateway.forwarding import (
    Setting,
    missing_settings,
    set_all,
)
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Family
from demo.home import LAN_LINK, WAN_LINK, Home

from .builders import IPV4, IPV6, TCP, Mappings, environment
from .traffic import Traffic

PORT = 8080
OFF = {"net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0}


def missing(family: Family) -> list[str]:
    return [str(each) for each in missing_settings(family, [WAN_LINK], [LAN_LINK])]


def mend(family: Family) -> None:
    set_all(missing_settings(family, [WAN_LINK], [LAN_LINK]))


@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.usefixtures("inside")
def test_nothing_is_missing_on_a_router(family: Family) -> None:
    assert not missing(family)
