"""The demo's doors: who is the demo on this machine, and where a browser comes in."""

import asyncio
from collections.abc import AsyncIterator
import os
from pathlib import Path
import socket
import subprocess
import sys

import pytest

from demo import DemoError, doors
from demo.doors import Doors, enter_running

from .homes import real_sockets

__all__ = ["real_sockets"]

REPOSITORY = Path(__file__).parent.parent

MANY = 300

ON_TWO_PORTS = """
from pathlib import Path
import socket
from demo.doors import Doors

Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50000 50001")
taken = socket.create_server(("::1", {taken}), family=socket.AF_INET6)
print(Doors.open(0).port)
"""

pytestmark = pytest.mark.usefixtures("real_sockets")


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """Another name than a demo's that may run on this machine."""
    name = f"\0portshare-test-{os.getpid()}"
    monkeypatch.setattr(doors, "_NAME", name)
    return name


@pytest.fixture
async def opened(name: str) -> AsyncIterator[Doors]:
    opened = Doors.open(0)
    yield opened
    opened.close()


def visit() -> None:
    """Return, because the demo is in this very process."""
    enter_running(["false"])


def visit_all_at_once() -> None:
    """Be more than can wait, which is 129."""
    for _ in range(MANY):
        visit()


async def test_any_number_of_visitors_may_come(opened: Doors) -> None:
    opened.attend()
    for _ in range(MANY):
        visit()
        await asyncio.sleep(0)


async def test_who_finds_too_many_waiting_is_told_so(opened: Doors) -> None:
    with pytest.raises(DemoError, match="The demo does not answer"):
        visit_all_at_once()


async def test_who_waits_is_sent_away_in_the_end(opened: Doors, name: str) -> None:
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(name)
        opened.attend()
        assert not await asyncio.to_thread(visitor.recv, 1)


def test_without_a_demo_there_is_nowhere_to_go() -> None:
    visit()


def test_a_demo_that_has_just_ended_is_nowhere(name: str) -> None:
    """A visitor may come while its name is still there, and look when it is not."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(name)
        listen = f"import socket; socket.socket(fileno={sock.fileno()}).listen()"
        subprocess.run(
            [sys.executable, "-c", listen], pass_fds=[sock.fileno()], check=True
        )
        visit()


async def test_there_is_one_demo_at_a_time(opened: Doors) -> None:
    with pytest.raises(DemoError, match="A demo is running already"):
        Doors.open(0)


async def test_after_a_demo_there_may_be_another() -> None:
    for _ in range(2):
        demo = Doors.open(0)
        demo.attend()
        demo.close()


@pytest.mark.parametrize(
    ("address", "family"),
    [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)],
)
def test_a_port_that_is_taken_is_not_had(
    address: str, family: socket.AddressFamily
) -> None:
    with socket.create_server((address, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"Port {port} is taken on this host"):
            Doors.open(port)


def elsewhere(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in namespaces of its own."""
    return subprocess.run(
        ["scripts/own-namespaces", *command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_port_that_is_forbidden_is_not_called_taken() -> None:
    as_others = ("setpriv", "--bounding-set=-net_bind_service")
    done = elsewhere(*as_others, sys.executable, "-m", "demo", "--port", "80")
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
    assert "taken" not in done.stderr


@pytest.mark.parametrize(("taken", "free"), [(50000, 50001), (50001, 50000)])
def test_any_port_is_one_that_is_free_over_ipv6_too(taken: int, free: int) -> None:
    done = elsewhere(sys.executable, "-c", ON_TWO_PORTS.format(taken=taken))
    assert (done.stdout, done.stderr) == (f"{free}\n", "")
