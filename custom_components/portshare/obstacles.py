"""What others on the gateway do that stands in the way of shares, as repair issues.

Other firewalls may drop calls to shares, and other port forwardings may take them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from homeassistant.helpers.issue_registry import IssueSeverity

from .gateway.other_firewalls import Kind, OtherFirewall
from .gateway.other_forwardings import Forwarding
from .gateway.others import Others
from .sharing.model import Family, Share
from .sharing.snapshot import ShareState, Snapshot

_NAMES: Final = {
    Kind.DOCKER: "Docker",
    Kind.UFW: "ufw",
    Kind.FIREWALLD: "firewalld",
    Kind.FW4: "fw4 (OpenWrt)",
    Kind.IPTABLES: "iptables",
    Kind.IPTABLES_LEGACY: "iptables-legacy",
    Kind.NFTABLES: "nftables",
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """An issue: `text` is its translation key, and `fixable` what we can mend."""

    issue_id: str
    text: str
    placeholders: dict[str, str]
    severity: IssueSeverity = IssueSeverity.WARNING
    fixable: bool = False


def obstacles(snapshot: Snapshot, others: Others) -> Iterator[Obstacle]:
    """Yield what stands in the way of shares that are switched on."""
    if not (others.firewalls or others.forwardings):
        return
    enabled = [state for state in snapshot.shares.values() if state.share.enabled]
    wanted = frozenset[Family]().union(*(each.share.families for each in enabled))
    families = wanted & snapshot.facts.lan_families
    for firewall in others.firewalls:
        if obstacle := of_firewall(firewall, families):
            yield obstacle
    for state in enabled:
        if forwarding := other_forwarding(state.share, others.forwardings):
            device = snapshot.devices[state.share.device_id].name
            yield _of_forwarding(forwarding, state, device)


def of_firewall(
    firewall: OtherFirewall, families: frozenset[Family] = frozenset(Family)
) -> Obstacle | None:
    """Return how a firewall stands in the way over these IP versions, if it does."""
    blocks, may_block = firewall.blocks & families, firewall.may_block & families
    concerned = blocks or may_block
    if not concerned:
        return None
    place = (firewall.family, firewall.table, firewall.chain)
    return Obstacle(
        ":".join(("firewall", firewall.kind, *place)),
        _text_of_firewall(firewall, sure=bool(blocks)),
        {
            "firewall": _NAMES[firewall.kind],
            "table": f"{firewall.family} {firewall.table}",
            "chain": firewall.chain,
            "families": ", ".join(each.label for each in sorted(concerned)),
            "command": firewall.command,
        },
        IssueSeverity.ERROR if blocks else IssueSeverity.WARNING,
        firewall.can_be_opened,
    )


def _text_of_firewall(firewall: OtherFirewall, *, sure: bool) -> str:
    if firewall.kind is Kind.IPTABLES_LEGACY:
        return "firewall_unseen"
    if firewall.kind is Kind.NFTABLES and firewall.owned:
        return "firewall_owned"
    who = "nftables" if firewall.can_be_opened else "firewall"
    return f"{who}_blocks" if sure else f"{who}_may_block"


def other_forwarding(
    share: Share, forwardings: Iterable[Forwarding]
) -> Forwarding | None:
    """Return a forwarding of somebody else's for an external port of this share.

    Only what can be read of a rule is compared: its transports and its ports.
    """
    if not (share.ipv4 and share.protocol.has_ports):
        return None
    for each in forwardings:
        if (
            each.family != "ip6"
            and not isinstance(each.address, IPv6Address)
            and not each.transports.isdisjoint(share.protocol.transports)
            and any(ports.overlaps(share.external) for ports in each.ports)
        ):
            return each
    return None


def target_of(forwarding: Forwarding) -> str:
    """Return where a forwarding leads: `172.17.0.2:80`; a dash if it is not known."""
    target = str(forwarding.address or "-")
    return f"{target}:{forwarding.port}" if forwarding.port else target


def _of_forwarding(forwarding: Forwarding, state: ShareState, device: str) -> Obstacle:
    share = state.share
    return Obstacle(
        f"forwarded_elsewhere:{share.share_id}",
        "forwarded_elsewhere",
        {
            "share": share.name,
            "device": device,
            "table": f"{forwarding.family} {forwarding.table}",
            "chain": forwarding.chain,
            "protocol": ", ".join(map(str.upper, sorted(forwarding.transports))),
            "ports": ", ".join(map(str, forwarding.ports)),
            "target": target_of(forwarding),
        },
    )
