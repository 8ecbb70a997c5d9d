"""The gateway under test, and traffic through it."""

from collections.abc import AsyncGenerator, Iterator

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from demo.home import LAN_LINK, WAN_LINK, Home
from tests.homes import alone, home, inside, real_sockets

from .builders import Mappings
from .traffic import Traffic

__all__ = ["alone", "home", "inside", "real_sockets"]


@pytest.fixture
async def gateway(inside: None) -> AsyncGenerator[Gateway]:
    """The gateway that is tested, open."""
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    await gateway.open()
    yield gateway
    await gateway.close()


@pytest.fixture
def traffic(home: Home) -> Iterator[Traffic]:
    """Sockets on both sides."""
    with Traffic(home) as traffic:
        yield traffic


@pytest.fixture
def to(home: Home) -> Mappings:
    """Mappings to the devices of the home."""
    return Mappings(home)
