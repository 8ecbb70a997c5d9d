"""Each reason why a machine cannot be a gateway, found on the machine itself."""

from collections.abc import Iterator
import errno
from pathlib import Path
import socket

import pytest

from custom_components.portshare.gateway import gateway as gateway_module, preflight
from custom_components.portshare.gateway.errors import (
    BatchRefused,
    GatewayError,
    NetlinkError,
)
from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.gateway.netlink import NetlinkSocket
from custom_components.portshare.gateway.preflight import (
    AlreadyRunning,
    ContainerNetwork,
    NoConntrackLabels,
    NoNfTables,
    NoPrivilege,
    PreflightError,
    SingleInterface,
)
from custom_components.portshare.gateway.ruleset import RULESET
from demo import netns
from demo.home import LAN_LINK, WAN_LINK, Home

from .builders import environment
from .capabilities import without_net_admin
from .traffic import nft


async def refusal() -> PreflightError:
    """Return why the gateway cannot be opened; nothing is left open or changed."""
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    with pytest.raises(PreflightError) as raised:
        await gateway.open()
    with pytest.raises(NetlinkError):
        await gateway.adopt([], environment())
    return raised.value


async def test_fine(inside: None) -> None:
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    await gateway.open()
    assert nft("list", "ruleset") == ""
    await gateway.close()
    await gateway.close()


async def test_without_privilege(inside: None) -> None:
    with without_net_admin():
        assert isinstance(await refusal(), NoPrivilege)
        with pytest.raises(NetlinkError) as raised:
            await remove_tables()
    assert raised.value.errno == errno.EPERM


async def test_without_forwarding_it_opens_all_the_same(
    home: Home, inside: None
) -> None:
    """That can be mended meanwhile."""
    home.gateway.sysctl({"net.ipv4.ip_forward": 0})
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    await gateway.open()
    await gateway.close()


@pytest.fixture
def in_a_device(home: Home) -> Iterator[None]:
    """A device has one interface beside its loopback."""
    with netns.inside(home.devices["nas"].namespace):
        yield


@pytest.mark.parametrize("mark", [0, 1, None])
async def test_a_single_interface(
    in_a_device: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mark: int | None,
) -> None:
    """In a container that is most likely why."""
    marks = [tmp_path / "dockerenv", tmp_path / "containerenv"]
    if mark is not None:
        marks[mark].touch()
    monkeypatch.setattr(preflight, "_CONTAINER_MARKS", tuple(marks))
    expected = SingleInterface if mark is None else ContainerNetwork
    assert type(await refusal()) is expected


def refuse(monkeypatch: pytest.MonkeyPatch, index: int, code: int) -> None:
    """Let the kernel refuse a message of the batch."""

    async def batch(*_: object, commit: bool) -> None:
        assert not commit
        raise BatchRefused(NetlinkError(code, "refused"), index)

    monkeypatch.setattr(NetlinkSocket, "batch", batch)


def position(expression: str) -> int:
    """Return the message with the first rule that uses an expression."""
    first = len(RULESET.replacement()) - len(RULESET.rules)
    return first + next(
        number
        for number, rule in enumerate(RULESET.all_rules)
        if expression in str(rule.expressions)
    )


@pytest.mark.parametrize(
    ("expression", "code", "reason"),
    [
        ("NFTA_CT_SREG", errno.EOPNOTSUPP, NoConntrackLabels),
        ("NFTA_CT_SREG", errno.ENOENT, NoConntrackLabels),
        ("NFTA_CT_SREG", errno.EPERM, NoPrivilege),
        ("masq", errno.ENOENT, NoNfTables),
        ("NFTA_FIB", errno.ENOENT, NoNfTables),
    ],
)
async def test_a_rule_is_refused(
    inside: None,
    monkeypatch: pytest.MonkeyPatch,
    expression: str,
    code: int,
    reason: type[PreflightError],
) -> None:
    """A kernel that lacks a part says so at the rule that needs it."""
    refuse(monkeypatch, position(expression), code)
    refused = await refusal()
    assert type(refused) is reason
    assert "refused" in str(refused)


@pytest.mark.parametrize("index", [-1, 0, 5])
async def test_the_table_is_refused(
    inside: None, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    refuse(monkeypatch, index, errno.EINVAL)
    assert type(await refusal()) is NoNfTables


async def test_no_netfilter_at_all(
    inside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket cannot even be opened."""

    def refuse_to_open(*_: object, **__: object) -> NetlinkSocket:
        raise OSError(errno.EPROTONOSUPPORT, "protocol not supported")

    monkeypatch.setattr(preflight, "NetlinkSocket", refuse_to_open)
    assert type(await refusal()) is NoNfTables


async def test_the_kernel_does_not_answer(
    inside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def batch(*_: object, commit: bool) -> None:
        raise NetlinkError(errno.ENOBUFS, "no buffer space")

    monkeypatch.setattr(NetlinkSocket, "batch", batch)
    assert type(await refusal()) is NoNfTables


@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, "too many open files"), NetlinkError(1, "no")]
)
async def test_a_socket_cannot_be_opened(
    inside: None, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """After the checks, too, nothing is left open."""

    def refuse_to_open(*_: object, **__: object) -> NetlinkSocket:
        raise error

    monkeypatch.setattr(gateway_module, "NetlinkSocket", refuse_to_open)
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    with pytest.raises(GatewayError) as raised:
        await gateway.open()
    assert isinstance(raised.value, NetlinkError)
    assert raised.value.errno == error.errno


def test_every_reason_has_its_own_key() -> None:
    """The texts of Home Assistant hang on them."""
    reasons = PreflightError.__subclasses__()
    assert len({reason.key for reason in reasons}) == len(reasons) == 6


def test_this_machine_has_sockets(inside: None) -> None:
    assert WAN_LINK in {name for _, name in socket.if_nameindex()}


async def test_two_at_once(inside: None) -> None:
    """The second one leaves everything alone, until the first one is gone."""
    first, second = (Gateway([WAN_LINK], [LAN_LINK]) for _ in range(2))
    await first.open()
    await first.adopt([], environment())
    with pytest.raises(AlreadyRunning):
        await second.open()
    with pytest.raises(AlreadyRunning):
        await remove_tables()
    assert "inet portshare" in nft("list", "tables")
    await first.close()
    await second.open()
    await second.close()
    await remove_tables()
    assert nft("list", "tables") == ""
