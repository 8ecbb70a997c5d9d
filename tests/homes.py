"""A home of network namespaces for a test, which itself runs in the gateway.

A conftest imports the fixtures that its tests use.
"""

from collections.abc import Iterator
import fcntl
from functools import cache
from pathlib import Path
import socket
from typing import TextIO

# Imported before the sockets are guarded, which pyroute2 would subclass for good.
import pyroute2  # noqa: F401
import pytest

from demo import netns
from demo.home import Home

PREFIX = "pst-"
LOCK = Path("/run/lock/portshare-tests")

_CONNECT = socket.socket.connect

# Every packet that is refused gets its answer.
_ANSWER_ALWAYS = {"net.ipv4.icmp_ratelimit": 0, "net.ipv6.icmp.ratelimit": 0}


@cache
def _lock() -> TextIO:
    """Have the names of namespaces, which are the machine's, until this process ends.

    Once for all: every conftest has its own fixtures, and would wait for the other's.
    """
    lock = LOCK.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


@pytest.fixture
def alone() -> None:
    """One run at a time has the namespaces."""
    _lock()


@pytest.fixture
def real_sockets(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets be opened, and connect to more than this machine."""
    monkeypatch.setattr(socket.socket, "connect", _CONNECT)


@pytest.fixture
def home(alone: None, real_sockets: None) -> Iterator[Home]:
    """Build a home; what a killed run has left behind goes first."""
    with Home(PREFIX) as home:
        for namespace in home.namespaces.values():
            namespace.sysctl(_ANSWER_ALWAYS)
        yield home


@pytest.fixture
def inside(home: Home) -> Iterator[None]:
    """Run the test in the gateway; threads that it starts are there, too."""
    with netns.inside(home.gateway):
        yield
