"""Can this machine be a gateway for port sharing? Each "no" has its own reason."""

import errno
from pathlib import Path
import socket
from typing import ClassVar, Final

from .delivery import delivery
from .errors import BatchRefused, GatewayError, NetlinkError
from .netlink import NETLINK_NETFILTER, NetlinkSocket
from .nftables import NFNL_SUBSYS_NFTABLES
from .ruleset import RULESET
from .watch import Link

_CONTAINER_MARKS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))


class PreflightError(GatewayError):
    """Something that the gateway needs is missing."""

    key: ClassVar[str]


class NoPrivilege(PreflightError):
    """CAP_NET_ADMIN is missing."""

    key = "no_privilege"


class NoNfTables(PreflightError):
    """The kernel has no nf_tables, or lacks a part of it."""

    key = "no_nf_tables"


class NoConntrackLabels(PreflightError):
    """The kernel cannot label connections, so a share could not be closed for sure."""

    key = "no_conntrack_labels"


class ContainerNetwork(PreflightError):
    """Home Assistant runs in a container that does not see the host's network."""

    key = "container_network"


class SingleInterface(PreflightError):
    """A gateway has at least two interfaces."""

    key = "single_interface"


class AlreadyRunning(PreflightError):
    """Another program (a second Home Assistant) manages our tables on this machine."""

    key = "already_running"


def claim_machine() -> socket.socket:
    """Claim the tables of this machine until the socket is closed, or we die.

    Abstract addresses of Unix sockets belong to a network namespace, as tables do, so
    this works across containers. Raises AlreadyRunning.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind("\0portshare")
    except OSError as err:
        claim.close()
        raise AlreadyRunning from err
    return claim


async def preflight(links: tuple[Link, ...]) -> None:
    """Raise the PreflightError that stands in the way, if there is one.

    `links` are the interfaces of this machine. The whole table is handed to the kernel
    for a check; nothing is changed.
    """
    if len([link for link in links if not link.loopback]) < 2:
        if any(mark.exists() for mark in _CONTAINER_MARKS):
            raise ContainerNetwork
        raise SingleInterface
    await _check_kernel()


async def _check_kernel() -> None:
    try:
        netlink = NetlinkSocket(NETLINK_NETFILTER)
    except OSError as err:
        raise NoNfTables from err
    messages = RULESET.replacement()
    try:
        await netlink.batch(messages, NFNL_SUBSYS_NFTABLES, commit=False)
    except BatchRefused as err:
        raise _reason(err, len(messages) - len(RULESET.rules)) from err
    except NetlinkError as err:
        raise _reason_of(err) from err
    finally:
        await netlink.close()


async def has_egress_hook() -> bool:
    """Return whether the kernel can look at packets on their way out (Linux 5.16)."""
    netlink = NetlinkSocket(NETLINK_NETFILTER)
    messages = delivery(("lo",)).replacement()
    try:
        await netlink.batch(messages, NFNL_SUBSYS_NFTABLES, commit=False)
    except BatchRefused:
        return False
    finally:
        await netlink.close()
    return True


def _reason(err: BatchRefused, first_rule: int) -> PreflightError:
    """Return why the kernel refused; a rule that sets a label needs labels."""
    if err.errno != errno.EPERM and err.index >= first_rule:
        expressions = str(RULESET.all_rules[err.index - first_rule].expressions)
        if "NFTA_CT_SREG" in expressions:
            return NoConntrackLabels(str(err))
    return _reason_of(err)


def _reason_of(err: NetlinkError) -> PreflightError:
    if err.errno == errno.EPERM:
        return NoPrivilege(str(err))
    return NoNfTables(str(err))
