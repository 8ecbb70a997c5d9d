"""Other firewalls on the gateway: found, told apart, and opened for shares."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
import errno
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
import re
import shutil
import subprocess
from typing import override

import pytest

from custom_components.portshare.gateway import other_firewalls
from custom_components.portshare.gateway.errors import NetlinkError
from custom_components.portshare.gateway.foreign import (
    Chain,
    Expression,
    Hook,
    Rule,
    Table,
)
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.netlink import (
    NETLINK_NETFILTER,
    Message,
    NetlinkSocket,
    attribute,
)
from custom_components.portshare.gateway.nftables import NFNL_SUBSYS_NFTABLES
from custom_components.portshare.gateway.other_firewalls import (
    Kind,
    OtherFirewall,
    find_legacy,
    let_through,
    stop_letting_through,
)
from custom_components.portshare.gateway.other_forwardings import Forwarding
from custom_components.portshare.gateway.others import Others, look_at_others
from custom_components.portshare.gateway.packet import Interface, Packet
from custom_components.portshare.gateway.trace import Trace
from custom_components.portshare.sharing.model import Family, family_of
from demo.home import LAN_LINK, WAN_LINK, Home

from .builders import BOTH, IPV4, IPV6, TCP, UDP, Mappings, environment, ports
from .capabilities import like_an_ordinary_user
from .traffic import Traffic, nft, wait_until

FIREWALLS = Path(__file__).parent / "firewalls"
NOTHING: frozenset[Family] = frozenset()

# What comes in for the home, and what gets through all firewalls.
OBSERVER = """
table inet observer {
    chain arriving {
        type filter hook forward priority -390; policy accept;
        iifname wan0 meta l4proto { tcp, udp } ct state new counter
    }
    chain leaving {
        type filter hook postrouting priority 390; policy accept;
        oifname lan0 meta l4proto { tcp, udp } ct state new counter
    }
}
"""

FORWARD = """
table inet user {
    chain forward {
        type filter hook forward priority 0; policy %s;
        ct state established,related accept
        iifname "lan0" accept
        %s
    }
}
"""


def run(*command: str, text: str | None = None) -> str:
    """Run a program of somebody else's in the gateway."""
    done = subprocess.run(
        command, input=text, check=True, capture_output=True, text=True
    )
    return done.stdout


def load(ruleset: str) -> None:
    """Load a ruleset of nftables."""
    run("nft", "-f", "-", text=ruleset)


class Calls:
    """Calls from the internet to a share that is open over IPv4 and IPv6."""

    def __init__(self, gateway: Gateway, traffic: Traffic, home: Home) -> None:
        """Prepare; `open` opens the share."""
        self._gateway = gateway
        self._traffic = traffic
        self._to = Mappings(home)
        self._services = {
            family: traffic.serve("nas", UDP, 80, family) for family in Family
        }

    async def open(self) -> None:
        """Open the share, and begin to observe."""
        await self._gateway.adopt(
            [self._to.dnat("nas", UDP, 80, 80), self._to.pinhole("nas", UDP, 80)],
            environment(),
        )
        load(OBSERVER)

    def come_in(self, family: Family) -> bool:
        """Return whether a call reaches the device."""
        service = self._services[family]
        arrived, left = _counted("arriving"), _counted("leaving")
        address = self._traffic.address_of(service)
        caller = self._traffic.caller(UDP, address)
        caller.sendto(b"hello", (address, 80))
        wait_until(lambda: _counted("arriving") > arrived)
        if _counted("leaving") == left:
            assert service.is_idle()
            return False
        device, data = service.accept()
        assert data == b"hello"
        device.send(b"welcome")
        assert caller.recv(100) == b"welcome"
        return True

    def all_that_come_in(self) -> frozenset[Family]:
        """Return the IP versions over which calls reach the device."""
        return frozenset(family for family in Family if self.come_in(family))


def _counted(chain: str) -> int:
    listing = nft("list", "chain", "inet", "observer", chain)
    return sum(map(int, re.findall(r"counter packets (\d+)", listing)))


@pytest.fixture
def calls(gateway: Gateway, traffic: Traffic, home: Home) -> Calls:
    return Calls(gateway, traffic, home)


@pytest.fixture
async def netlink(inside: None) -> AsyncGenerator[NetlinkSocket]:
    netlink = NetlinkSocket(NETLINK_NETFILTER)
    yield netlink
    await netlink.close()


async def look(netlink: NetlinkSocket) -> Others:
    return await look_at_others(netlink, [WAN_LINK], [LAN_LINK])


@pytest.fixture
def ufw(tmp_path: Path) -> Callable[[str], None]:
    """Run commands where /etc/ufw is a copy, with the rules as they are installed."""
    copy = tmp_path / "ufw"
    only_for_root = shutil.ignore_patterns("*.rules", "*.init")
    shutil.copytree("/etc/ufw", copy, ignore=only_for_root)
    shutil.copytree("/usr/share/ufw/iptables", copy, dirs_exist_ok=True)

    def in_a_copy(command: str) -> None:
        bind = f"mount --bind {copy} /etc/ufw"
        run("unshare", "--mount", "sh", "-ec", f"{bind}; {command}")

    return in_a_copy


def docker(*tools: str) -> None:
    for tool in tools:
        run(f"{tool}-restore", text=(FIREWALLS / "docker.rules").read_text())


def shell(command: str) -> None:
    run("sh", "-c", command)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Firewalls, and over which IP versions they keep shares out."""

    load: Callable[[], object]
    kind: Kind
    blocked: frozenset[Family] = BOTH


IPTABLES = ("iptables", "ip6tables")
MANGLE_DROPS = ("-t", "mangle", "-A", "FORWARD", "-i", "wan0", "-j", "DROP")
SCENARIOS = {
    "docker": Scenario(lambda: docker("iptables", "ip6tables"), Kind.DOCKER),
    "docker for IPv4": Scenario(
        lambda: docker("iptables"), Kind.DOCKER, frozenset({IPV4})
    ),
    "firewalld": Scenario(
        lambda: nft("-f", str(FIREWALLS / "firewalld.nft")),
        Kind.FIREWALLD,
        frozenset({IPV6}),
    ),
    "iptables": Scenario(
        lambda: [run(tool, "-P", "FORWARD", "DROP") for tool in IPTABLES],
        Kind.IPTABLES,
    ),
    "iptables with a rule that rejects": Scenario(
        lambda: [run(tool, "-A", "FORWARD", "-j", "REJECT") for tool in IPTABLES],
        Kind.IPTABLES,
    ),
    "iptables, another table": Scenario(
        lambda: [run(tool, *MANGLE_DROPS) for tool in IPTABLES], Kind.IPTABLES
    ),
    "nftables": Scenario(lambda: load(FORWARD % ("drop", "")), Kind.NFTABLES),
    "nftables with a rule that drops": Scenario(
        lambda: load(FORWARD % ("accept", "iifname wan0 counter log drop")),
        Kind.NFTABLES,
    ),
    "nftables with a rule that rejects": Scenario(
        lambda: load(FORWARD % ("accept", "reject with icmpx admin-prohibited")),
        Kind.NFTABLES,
    ),
    "nftables, IPv4 translated": Scenario(
        lambda: load(FORWARD % ("drop", "ct status dnat accept")),
        Kind.NFTABLES,
        frozenset({IPV6}),
    ),
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
async def test_one_command_lets_shares_in(
    scenario: Scenario, calls: Calls, netlink: NetlinkSocket
) -> None:
    """Found, told apart and judged as packets tell; then the command is run."""
    scenario.load()
    await calls.open()
    others = await look(netlink)
    assert {each.kind for each in others.firewalls} == {scenario.kind}
    assert others.blocked == scenario.blocked
    assert calls.all_that_come_in() == BOTH - scenario.blocked

    for firewall in others.firewalls:
        if firewall.blocks:
            shell(firewall.command)
    assert calls.all_that_come_in() == BOTH
    assert not await _in_the_way(netlink)


async def _in_the_way(netlink: NetlinkSocket) -> list[OtherFirewall]:
    """Return the firewalls that may drop calls to a share."""
    return [each for each in await _firewalls(netlink) if each.blocks | each.may_block]


async def _firewalls(netlink: NetlinkSocket) -> tuple[OtherFirewall, ...]:
    return (await look(netlink)).firewalls


async def test_ufw(
    ufw: Callable[[str], None], calls: Calls, netlink: NetlinkSocket
) -> None:
    """Its command changes its files, so that the rule is there after a restart, too."""
    ufw("ufw --force enable")
    await calls.open()
    others = await look(netlink)
    assert [(each.kind, each.family) for each in others.firewalls] == [
        (Kind.UFW, "ip"),
        (Kind.UFW, "ip6"),
    ]
    assert others.blocked == others.guarding == BOTH
    assert calls.all_that_come_in() == NOTHING

    for firewall in others.firewalls:
        ufw(firewall.command)
    assert (await look(netlink)).blocked == NOTHING
    assert calls.all_that_come_in() == BOTH


async def test_ufw_that_routes_into_the_home(
    ufw: Callable[[str], None], calls: Calls, netlink: NetlinkSocket
) -> None:
    ufw(f"ufw --force enable; ufw route allow in on {WAN_LINK} out on {LAN_LINK}")
    await calls.open()
    others = await look(netlink)
    assert others.blocked == NOTHING
    assert calls.all_that_come_in() == BOTH


async def test_fw4(home: Home, calls: Calls, netlink: NetlinkSocket) -> None:
    """It lets in what is translated, and over IPv6 only what it opens itself."""
    nft("-f", str(FIREWALLS / "fw4.nft"))
    await calls.open()
    (firewall,) = await _firewalls(netlink)
    assert firewall.kind is Kind.FW4
    assert not firewall.blocks
    assert firewall.may_block == {IPV6}
    assert (await look(netlink)).keep_out(Mappings(home).pinhole("nas", UDP, 80))
    assert calls.all_that_come_in() == {IPV4}

    # Its command leaves to fw4 itself to load this rule, at the top of the chain.
    (rule,) = re.findall(r"echo '(.*)'", firewall.command)
    nft("insert", "rule", "inet", "fw4", "forward", rule)
    (firewall,) = await _firewalls(netlink)
    assert not firewall.may_block
    assert calls.all_that_come_in() == BOTH


def test_iptables_legacy_that_this_user_may_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Capabilities are enough to run: such files are for root alone."""
    names = tmp_path / "ip_tables_names"
    names.write_text("filter\n")
    monkeypatch.setattr(other_firewalls, "_LEGACY_TABLES", {IPV4: names})
    assert [each.kind for each in find_legacy()] == [Kind.IPTABLES_LEGACY]
    names.chmod(0)
    with like_an_ordinary_user():
        assert list(find_legacy()) == []


async def test_iptables_legacy(calls: Calls, netlink: NetlinkSocket) -> None:
    """Only its tables are seen, so it cannot be told."""
    for tool in ("iptables-legacy", "ip6tables-legacy"):
        run(tool, "-P", "FORWARD", "DROP")
    await calls.open()
    firewalls = await _firewalls(netlink)
    assert {each.kind for each in firewalls} == {Kind.IPTABLES_LEGACY}
    assert [each.may_block for each in firewalls] == [{IPV4}, {IPV6}]
    assert calls.all_that_come_in() == NOTHING

    for firewall in firewalls:
        shell(firewall.command)
    assert calls.all_that_come_in() == BOTH


@pytest.mark.parametrize("priority", [-300, -10, 0, 10])
async def test_whichever_runs_first(
    priority: int, calls: Calls, netlink: NetlinkSocket
) -> None:
    """The label is there before any chain on the forward hook sees the packet."""
    await calls.open()
    ruleset = FORWARD % ("drop", "ct label 77 accept")
    load(ruleset.replace("priority 0", f"priority {priority}"))
    assert (await look(netlink)).blocked == NOTHING
    assert calls.all_that_come_in() == BOTH


@pytest.mark.parametrize(
    "rule",
    [
        "ct label 77 accept",
        "ct label 77 jump { accept; }",
        'ct label 77 counter log prefix "share" accept comment "mine"',
        "iifname wan0 accept",
        'iifname { "wan0", "wan1" } oifname lan0 accept',
        "iifname vmap { wan0 : accept, lan0 : drop }",
        "iifname vmap { eth7 : drop, * : accept }",
        "iifname { eth7, * } accept",
        "iifname . meta l4proto { wan0 . tcp, wan0 . udp } accept",
        "meta l4proto . meta nfproto { tcp . 2, udp . 2, tcp . 10, udp . 10 } accept",
        "meta mark set 7 ct label 77 accept",
        "iif wan0 accept",
        "iifname wan* accept",
        "ct state new accept",
        "ct state != established accept",
        "ct state vmap { invalid : drop, new : accept }",
        "meta l4proto { tcp, udp } accept",
        "meta protocol { ip, ip6 } accept",
        "ct direction original meta nfproto ipv4 accept; meta nfproto ipv6 accept",
        "limit rate 9/second accept",
        "limit rate over 1/day burst 99 packets drop; ct label 77 accept",
        "tcp flags & (fin | syn | rst | ack) != syn drop; ct label 77 accept",
        "meta pkttype != host drop; ip frag-off & 0x1fff != 0 drop; ct label 77 accept",
        "ip saddr 198.51.100.0/24 drop; ct label 77 accept",
        "ct state invalid drop; iifname eth7 drop; iifname wan0 goto { accept; }",
        "iifname wan0 jump { return; drop; }; iifname wan0 accept",
    ],
)
async def test_rules_that_let_shares_in(
    rule: str, calls: Calls, netlink: NetlinkSocket
) -> None:
    load(FORWARD % ("drop", rule))
    await calls.open()
    assert not await _in_the_way(netlink)
    assert calls.all_that_come_in() == BOTH


@pytest.mark.parametrize(
    "rule",
    [
        "ct label 76 accept",
        "ct label != 77 accept",
        "iifname docker0 accept",
        "iifname != wan0 accept",
        "oifname vmap { docker0 : accept }",
        "ct state vmap { established : accept, related : accept }",
        "iifname vmap { eth7 : accept, * : drop }",
        "ct state { established, related } accept",
        "ct direction reply accept",
        "meta l4proto { esp, icmp, ipv6-icmp } accept",
        "iifname wan0 jump { return; }",
        "iifname wan0 goto { counter; }; accept",
        "ip saddr 198.51.100.0/24 drop",
    ],
)
async def test_rules_that_do_not(
    rule: str, calls: Calls, netlink: NetlinkSocket
) -> None:
    load(FORWARD % ("drop", rule))
    await calls.open()
    assert (await look(netlink)).blocked == BOTH
    assert calls.all_that_come_in() == NOTHING


@pytest.mark.parametrize(
    "rule",
    [
        "th dport 80 accept",
        "ip saddr 198.51.100.0/24 accept; ip6 saddr 2001:db8:7::/64 accept",
        "meta mark 7 accept",
        "th dport != 443 drop; ct label 77 accept",
        "th dport != { 80, 443 } return; ct label 77 accept",
        "limit rate 1/second drop; ct label 77 accept",
        "th dport vmap { 80 : accept }",
        "th dport != 80 return; accept",
        "fib saddr type local accept",
    ],
)
async def test_rules_that_may_let_shares_in(rule: str, netlink: NetlinkSocket) -> None:
    """It depends on the caller, the device or the port."""
    load(FORWARD % ("drop", rule))
    (firewall,) = await _firewalls(netlink)
    assert firewall.may_block == BOTH


@pytest.mark.parametrize(
    ("rule", "kept_out"),
    [
        ("udp dport 80 accept", NOTHING),
        ("udp dport { 80, 443 } accept", NOTHING),
        ("ip daddr 192.168.178.21 accept", {IPV6}),
        ("ip6 daddr 2001:db8:1::21 udp dport 80 accept", {IPV4}),
        ("udp dport 81 accept", BOTH),
        ("udp dport vmap { 81 : accept, 80 : drop }", BOTH),
        ("tcp dport 80 accept", BOTH),
        ("ip daddr 192.168.178.22 accept", BOTH),
        ("udp dport != 80 jump { accept; }", BOTH),
    ],
)
async def test_a_single_share_in_doubt(
    rule: str,
    kept_out: frozenset[Family],
    home: Home,
    calls: Calls,
    netlink: NetlinkSocket,
) -> None:
    """Address and port of its device tell what nobody can tell of shares at large."""
    load(FORWARD % ("drop", rule))
    await calls.open()
    others = await look(netlink)
    mappings = (
        Mappings(home).dnat("nas", UDP, 8080, 80),
        Mappings(home).pinhole("nas", UDP, 80),
    )
    assert {family_of(each) for each in mappings if others.keep_out(each)} == kept_out
    assert calls.all_that_come_in() == BOTH - kept_out


async def test_shares_at_large(home: Home, netlink: NetlinkSocket) -> None:
    mapping = Mappings(home).pinhole("nas", UDP, 80)
    assert not (await look(netlink)).keep_out(mapping)
    load(FORWARD % ("drop", ""))
    assert (await look(netlink)).keep_out(mapping)


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "iifname docker0 drop",
        "ip saddr 198.51.100.0/24 drop; th dport 25 reject",
        "ct state invalid drop",
    ],
)
async def test_chains_that_keep_nobody_out_are_none(
    rules: str, netlink: NetlinkSocket
) -> None:
    """Most callers get through, and those on a list are kept out on purpose."""
    load(FORWARD % ("accept", rules))
    nft("-f", str(FIREWALLS / "docker.nft"))
    assert await _firewalls(netlink) == ()


@pytest.mark.parametrize(
    "expression", [Expression("queue", {}), Expression("target", {1: b"NFQUEUE\0"})]
)
def test_a_program_that_decides_packet_by_packet_lets_most_pass(
    expression: Expression,
) -> None:
    chain = Chain("forward", Hook("filter", 2, 0, 0), [Rule(1, (expression,), b"")])
    wan, lan = Interface(WAN_LINK, None), Interface(LAN_LINK, None)
    packet = Packet(IPV4, TCP, wan, lan, shared=True)
    assert not Trace(Table(2, "filter", owned=False), packet).drops(chain)


async def test_our_own_protection_is_none_of_the_others(
    gateway: Gateway, netlink: NetlinkSocket
) -> None:
    await gateway.adopt([], environment(protect=True))
    assert await look(netlink) == Others()


@pytest.mark.parametrize(
    "rule",
    [
        "-m conntrack --ctstate DNAT -j ACCEPT",
        "-m conntrack --ctstate NEW,RELATED -j ACCEPT",
        "-m conntrack ! --ctstate ESTABLISHED -j ACCEPT",
        "-m connlabel --label 77 -m comment --comment shares -j ACCEPT",
        "-m connlabel ! --label 76 -j ACCEPT",
        "-m connlabel --label 76 --set -j ACCEPT",
        "-m limit --limit 9/second -j ACCEPT",
        "-i wan+ -o lan0 -j ACCEPT",
    ],
)
async def test_rules_of_iptables_that_let_shares_in(
    rule: str, calls: Calls, netlink: NetlinkSocket
) -> None:
    docker("iptables")
    run("iptables", "-A", "DOCKER-USER", "-i", LAN_LINK, "-j", "ACCEPT")
    run("iptables", "-A", "DOCKER-USER", "-j", "LOG")
    run("iptables", "-A", "DOCKER-USER", *rule.split())
    await calls.open()
    assert not await _in_the_way(netlink)
    assert calls.come_in(IPV4)


@pytest.mark.parametrize(
    "rule",
    [
        "-m conntrack --ctstate SNAT,ESTABLISHED -j ACCEPT",
        "-m conntrack ! --ctstate DNAT -j ACCEPT",
        "-m connlabel --label 76 -j ACCEPT",
        "-m connlabel ! --label 77 -j ACCEPT",
        "-i docker0 -j ACCEPT",
        "-j RETURN",
    ],
)
async def test_rules_of_iptables_that_do_not(
    rule: str, calls: Calls, netlink: NetlinkSocket
) -> None:
    docker("iptables")
    run("iptables", "-A", "DOCKER-USER", *rule.split())
    await calls.open()
    assert (await look(netlink)).blocked == {IPV4}
    assert not calls.come_in(IPV4)


@pytest.mark.parametrize(
    "rule",
    [
        "-m conntrack --ctproto udp -j ACCEPT",
        "-m statistic --mode nth --every 2 --packet 0 -j ACCEPT",
        "-p udp -j ACCEPT",
        "-s 198.51.100.0/24 -j ACCEPT",
    ],
)
async def test_rules_of_iptables_that_may_let_shares_in(
    rule: str, netlink: NetlinkSocket
) -> None:
    docker("iptables")
    run("iptables", "-A", "DOCKER-USER", *rule.split())
    (firewall,) = await _firewalls(netlink)
    assert firewall.may_block == {IPV4}


async def test_an_interface_that_is_gone_can_still_be_told_by_name(
    netlink: NetlinkSocket,
) -> None:
    load(FORWARD % ("drop", "iifname ppp0 accept"))
    others = await look_at_others(netlink, ["ppp0"], [LAN_LINK])
    assert others.firewalls == ()


async def test_let_through_and_stopped(calls: Calls, netlink: NetlinkSocket) -> None:
    """The rule is added once, before all others, and leaves nothing behind."""
    load(FORWARD % ("drop", 'ct label 78 accept comment "portshare"'))
    before = nft("list", "table", "inet", "user")
    await calls.open()
    (firewall,) = await _firewalls(netlink)
    assert firewall.can_be_opened

    await let_through(netlink, firewall)
    listing = nft("list", "table", "inet", "user")
    rule = 'ct label 77 counter packets 0 bytes 0 accept comment "portshare, added by'
    assert listing.count(rule) == 1
    assert listing.index(rule) < listing.index("ct state")
    assert (await look(netlink)).blocked == NOTHING
    assert calls.all_that_come_in() == BOTH
    await let_through(netlink, firewall)
    assert nft("list", "table", "inet", "user").count("ct label 77") == 1

    await stop_letting_through(netlink)
    assert nft("list", "table", "inet", "user") == before
    assert calls.all_that_come_in() == NOTHING
    await stop_letting_through(netlink)


@pytest.mark.parametrize(
    "name", ["docker", "iptables", "firewalld", "iptables, another table"]
)
async def test_others_are_left_to_their_own_tools(
    name: str, netlink: NetlinkSocket
) -> None:
    """Iptables no longer works with a table in which it finds rules of nftables."""
    SCENARIOS[name].load()
    assert not any(each.can_be_opened for each in await _firewalls(netlink))


async def test_a_table_of_iptables_with_sets_is_no_longer_of_iptables(
    netlink: NetlinkSocket,
) -> None:
    load(
        "table ip filter { chain FORWARD {"
        " type filter hook forward priority 0; policy drop;"
        " iifname { lan0, lan1 } accept; }; }"
    )
    (firewall,) = await _firewalls(netlink)
    assert firewall.kind is Kind.NFTABLES
    assert firewall.blocks == {IPV4}


async def test_a_table_that_somebody_owns(netlink: NetlinkSocket) -> None:
    """Firewalld 2 makes it so that nobody else can change it: it must stop that."""
    await netlink.batch(_owned_table("firewalld"), NFNL_SUBSYS_NFTABLES)
    (firewall,) = await _firewalls(netlink)
    assert firewall.owned
    assert not firewall.can_be_opened
    assert "NftablesTableOwner=no" in firewall.command
    other = NetlinkSocket(NETLINK_NETFILTER)
    with pytest.raises(NetlinkError):
        await let_through(other, firewall)
    await other.close()


def _owned_table(name: str) -> list[Message]:
    """A table with the flag NFT_TABLE_F_OWNER, and a chain that drops everything."""
    inet = bytes([1, 0, 0, 0])
    table = attribute(1, name.encode() + b"\0")
    hook = attribute(1, (2).to_bytes(4)) + attribute(2, (10).to_bytes(4))
    new_table, new_chain, create = 0, 3, 0x400
    return [
        Message(
            NFNL_SUBSYS_NFTABLES << 8 | new_table,
            create,
            inet + table + attribute(2, (2).to_bytes(4)),
        ),
        Message(
            NFNL_SUBSYS_NFTABLES << 8 | new_chain,
            create,
            inet
            + table
            + attribute(3, b"filter_FORWARD\0")
            + attribute(4 | 0x8000, hook)
            + attribute(5, bytes(4))
            + attribute(7, b"filter\0"),
        ),
    ]


@pytest.mark.parametrize(
    ("rules", "guarded"),
    [
        ("policy drop; iifname lo accept; ct state established accept", BOTH),
        ("policy drop; iifname lo accept; tcp dport 22 accept", BOTH),
        ("policy drop; meta nfproto ipv6 accept", {IPV4}),
        ("policy accept; iifname wan0 drop", BOTH),
        ("policy accept; tcp dport 22 drop", NOTHING),
        ("policy drop; meta l4proto udp accept", NOTHING),
    ],
)
async def test_whether_somebody_guards_the_gateway(
    rules: str, guarded: frozenset[Family], netlink: NetlinkSocket
) -> None:
    load(
        f"table inet a {{ chain b {{ type filter hook input priority 0; {rules}; }}; }}"
    )
    assert (await look(netlink)).guarding == guarded


async def test_port_forwardings_of_others(netlink: NetlinkSocket) -> None:
    """Those of packets that come in, as far as they can be read."""
    load(
        """
        table inet mine {
            map targets {
                type inet_service : ipv4_addr
                elements = { 22 : 192.168.178.22, 23 : 192.168.178.23 }
            }
            chain pre {
                type nat hook prerouting priority dstnat; policy accept;
                tcp dport 8080 dnat ip to 192.168.178.21:80
                iifname wan0 jump more
                meta l4proto { tcp, udp } th dport 5000-5010 dnat ip to 192.168.178.22
                dnat ip to tcp dport map @targets
                ip saddr 198.51.100.1 dnat ip to 192.168.178.23
            }
            chain more {
                udp dport { 53, 5353 } dnat ip6 to [2001:db8:1::21]:53
                tcp dport 3128 redirect to :8080
            }
            chain out {
                type nat hook output priority -100; policy accept;
                tcp dport 9 dnat ip to 192.168.178.21
            }
        }
        """
    )
    run("iptables", "-t", "nat", "-N", "DOCKER")
    run("iptables", "-t", "nat", "-A", "PREROUTING", "-j", "DOCKER")
    run("iptables", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "-j", "DOCKER")
    for rule in (
        "! -i docker0 -p tcp --dport 8081 -j DNAT --to-destination 172.17.0.2:80",
        "-p udp --dport 6000:6010 -j DNAT --to-destination 172.17.0.3",
    ):
        run("iptables", "-t", "nat", "-A", "DOCKER", *rule.split())
    forwardings = (await look(netlink)).forwardings
    nas, pi, console = map(IPv4Address, (f"192.168.178.{n}" for n in (21, 22, 23)))
    tcp, udp = frozenset({TCP}), frozenset({UDP})
    assert set(forwardings) == {
        Forwarding("inet", "mine", "pre", tcp, (ports(8080),), nas, 80),
        Forwarding("inet", "mine", "pre", tcp | udp, (ports(5000, 5010),), pi),
        Forwarding("inet", "mine", "pre", tcp, (ports(22), ports(23))),
        Forwarding("inet", "mine", "pre", address=console),
        Forwarding(
            "inet",
            "mine",
            "more",
            udp,
            (ports(53), ports(5353)),
            IPv6Address("2001:db8:1::21"),
            53,
        ),
        Forwarding(
            "ip", "nat", "DOCKER", tcp, (ports(8081),), IPv4Address("172.17.0.2"), 80
        ),
        Forwarding(
            "ip", "nat", "DOCKER", udp, (ports(6000, 6010),), IPv4Address("172.17.0.3")
        ),
    }


class Restless(NetlinkSocket):
    """Somebody changes the tables whenever elements are to be read."""

    def __init__(self, change: Callable[[], object]) -> None:
        super().__init__(NETLINK_NETFILTER)
        self._change = change

    @override
    async def dump(self, type_: int, body: bytes) -> list[bytes]:
        if type_ == NFNL_SUBSYS_NFTABLES << 8 | 13:
            self._change()
        return await super().dump(type_, body)


async def test_a_table_that_goes_while_it_is_read(inside: None) -> None:
    """What is told is what was there at one time."""
    load(FORWARD % ("drop", "iifname { wan0, wan1 } accept"))
    restless = Restless(lambda: nft("delete", "table", "inet", "user"))
    assert await look(restless) == Others()
    await restless.close()


async def test_a_table_that_changes_while_it_is_read(inside: None) -> None:
    load(FORWARD % ("drop", "iifname { eth7, eth8 } accept"))
    changes = iter(["ct label 77 accept", "tcp dport 25 drop"])

    def change() -> None:
        for rule in changes:
            nft("insert", "rule", "inet", "user", "forward", rule)
            break

    restless = Restless(change)
    assert not await _in_the_way(restless)
    await restless.close()


async def test_tables_that_never_rest(inside: None) -> None:
    load(FORWARD % ("drop", "iifname { eth7, eth8 } accept"))
    restless = Restless(lambda: nft("add", "rule", "inet", "user", "forward", "drop"))
    with pytest.raises(NetlinkError) as error:
        await look(restless)
    assert error.value.errno == errno.EINTR
    await restless.close()
