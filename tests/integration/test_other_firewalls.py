"""Others on the gateway who stand in the way of shares: told, and mended if we may."""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.portshare.const import DOMAIN
from custom_components.portshare.gateway.errors import NetlinkError
from custom_components.portshare.gateway.other_firewalls import Kind, OtherFirewall
from custom_components.portshare.gateway.other_forwardings import Forwarding
from custom_components.portshare.gateway.others import Others
from custom_components.portshare.sharing.model import Family, PortRange, Transport
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .browser import RepairsBrowser
from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    Home,
    SetUp,
    call,
    state_of,
)
from .fake_gateway import FakeGateway, Handle
from .test_texts import LANGUAGES, texts

IPV4, IPV6 = frozenset({Family.IPV4}), frozenset({Family.IPV6})
BOTH = IPV4 | IPV6

DOCKER = OtherFirewall(Kind.DOCKER, "ip", "filter", "FORWARD", blocks=IPV4)
MINE = OtherFirewall(Kind.NFTABLES, "inet", "mine", "forward", blocks=BOTH)
MINE_ISSUE = "firewall:nftables:inet:mine:forward"

TCP = frozenset({Transport.TCP})
TO_DOCKER = Forwarding(
    "ip", "nat", "DOCKER", TCP, (PortRange(8080, 8080),), IPv4Address("172.17.0.2"), 80
)


@pytest.fixture(autouse=True)
async def _repairs(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "repairs", {})


@pytest.fixture
async def browser(served: None, hass_client: ClientSessionGenerator) -> RepairsBrowser:
    return RepairsBrowser(await hass_client())


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    return {
        issue.issue_id: issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


async def put(home: Home, *firewalls: OtherFirewall) -> None:
    """Let there be these other firewalls, with all that follows."""
    home.gateway.put_others(Others(firewalls))
    await home.hass.async_block_till_done()


def status(hass: HomeAssistant, name: str) -> str:
    return state_of(hass, f"sensor.nas_{name}_status").state


# Who it is, and what can be done


@pytest.mark.parametrize(
    ("firewall", "text", "names"),
    [
        (DOCKER, "firewall_blocks", "Docker"),
        (
            OtherFirewall(Kind.UFW, "ip6", "filter", "FORWARD", blocks=IPV6),
            "firewall_blocks",
            "ufw",
        ),
        (
            OtherFirewall(
                Kind.FIREWALLD, "inet", "firewalld", "filter_FORWARD", may_block=BOTH
            ),
            "firewall_may_block",
            "firewalld",
        ),
        (
            OtherFirewall(Kind.FW4, "inet", "fw4", "forward", blocks=IPV4),
            "firewall_blocks",
            "fw4 (OpenWrt)",
        ),
        (
            OtherFirewall(Kind.IPTABLES, "ip", "filter", "FORWARD", may_block=IPV4),
            "firewall_may_block",
            "iptables",
        ),
        (
            OtherFirewall(
                Kind.IPTABLES_LEGACY, "ip", "filter", "FORWARD", may_block=IPV4
            ),
            "firewall_unseen",
            "iptables-legacy",
        ),
        (MINE, "nftables_blocks", "nftables"),
        (
            OtherFirewall(Kind.NFTABLES, "inet", "mine", "forward", may_block=IPV6),
            "nftables_may_block",
            "nftables",
        ),
        (
            OtherFirewall(
                Kind.NFTABLES, "inet", "mine", "forward", blocks=IPV4, owned=True
            ),
            "firewall_owned",
            "nftables",
        ),
    ],
)
@pytest.mark.usefixtures("loaded")
async def test_it_is_said_who_it_is_what_he_drops_and_what_lets_shares_in(
    home: Home, firewall: OtherFirewall, text: str, names: str
) -> None:
    await put(home, firewall)
    [(issue_id, issue)] = issues(home.hass).items()
    place = f"{firewall.family}:{firewall.table}:{firewall.chain}"
    assert issue_id == f"firewall:{firewall.kind}:{place}"
    assert issue.translation_key == text
    families = sorted(firewall.blocks or firewall.may_block)
    assert issue.translation_placeholders == {
        "firewall": names,
        "table": f"{firewall.family} {firewall.table}",
        "chain": firewall.chain,
        "families": ", ".join({"ipv4": "IPv4", "ipv6": "IPv6"}[f] for f in families),
        "command": firewall.command,
    }
    assert issue.is_fixable is firewall.can_be_opened
    sure = ir.IssueSeverity.ERROR if firewall.blocks else ir.IssueSeverity.WARNING
    assert issue.severity is sure
    for language in LANGUAGES:
        said = texts(language)["issues"][text]
        assert ("fix_flow" in said) is firewall.can_be_opened
        shown = (
            said.get("description")
            or said["fix_flow"]["step"]["confirm"]["description"]
        )
        full = (said["title"] + shown).format(**issue.translation_placeholders)
        assert f"`{firewall.command}`" in full
        assert firewall.chain in full
        assert issue.translation_placeholders["families"] in full
        assert f"{firewall.family} {firewall.table}" in full


@pytest.mark.usefixtures("loaded")
async def test_where_one_ip_version_is_sure_only_that_one_is_said_to_be_dropped(
    home: Home,
) -> None:
    await put(
        home,
        OtherFirewall(
            Kind.NFTABLES, "inet", "mine", "forward", blocks=IPV6, may_block=IPV4
        ),
    )
    [issue] = issues(home.hass).values()
    assert issue.translation_key == "nftables_blocks"
    assert issue.translation_placeholders
    assert issue.translation_placeholders["families"] == "IPv6"


@pytest.mark.usefixtures("loaded")
async def test_a_firewall_that_lets_shares_in_is_nothing_to_talk_about(
    home: Home,
) -> None:
    await put(home, OtherFirewall(Kind.FW4, "inet", "fw4", "forward"))
    assert not issues(home.hass)


# When it is said


@pytest.mark.usefixtures("loaded")
async def test_it_comes_and_goes_with_the_firewall(home: Home) -> None:
    """As when Docker starts, restarts, and gets the rule."""
    ufw = OtherFirewall(Kind.UFW, "ip6", "filter", "FORWARD", blocks=IPV6)
    await put(home, ufw)
    assert set(issues(home.hass)) == {"firewall:ufw:ip6:filter:FORWARD"}
    await put(home, ufw, DOCKER)
    assert len(issues(home.hass)) == 2
    await put(home, DOCKER)
    assert set(issues(home.hass)) == {"firewall:docker:ip:filter:FORWARD"}
    await put(home)
    assert not issues(home.hass)
    await put(home, DOCKER)
    assert set(issues(home.hass)) == {"firewall:docker:ip:filter:FORWARD"}


async def test_who_shares_nothing_is_not_warned(
    hass: HomeAssistant, loaded: MockConfigEntry, home: Home
) -> None:
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await put(home, DOCKER, MINE)
    assert not issues(hass)
    await call(hass, "turn_on", entity_id=WEB_SWITCH)
    await hass.async_block_till_done()
    assert len(issues(hass)) == 2
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await hass.async_block_till_done()
    assert not issues(hass)


@pytest.mark.parametrize("shares", [{SSH: {**SSH_DATA, "enabled": True}}])
async def test_of_an_ip_version_that_no_share_wants_nothing_is_said(
    loaded: MockConfigEntry, home: Home
) -> None:
    await put(home, OtherFirewall(Kind.DOCKER, "ip6", "filter", "FORWARD", blocks=IPV6))
    assert not issues(home.hass)
    await put(home, MINE)
    [issue] = issues(home.hass).values()
    assert issue.translation_placeholders
    assert issue.translation_placeholders["families"] == "IPv4"


@pytest.mark.usefixtures("loaded")
async def test_of_an_ip_version_that_the_home_does_not_have_nothing_is_said(
    home: Home,
) -> None:
    await home.change(lan_ipv6=())
    await put(home, OtherFirewall(Kind.DOCKER, "ip6", "filter", "FORWARD", blocks=IPV6))
    assert not issues(home.hass)


async def test_without_a_gateway_there_is_nothing_to_mend(
    hass: HomeAssistant, loaded: MockConfigEntry, home: Home
) -> None:
    home.gateway.put_others(Others((MINE,), (TO_DOCKER,)))
    await hass.async_block_till_done()
    assert len(issues(hass)) == 2
    await hass.config_entries.async_unload(loaded.entry_id)
    assert not issues(hass)


# The status


@pytest.mark.parametrize(
    "shares", [{WEB: dict(WEB_DATA), SSH: {**SSH_DATA, "enabled": True}}]
)
@pytest.mark.usefixtures("loaded")
async def test_a_share_without_another_way_in_is_blocked(home: Home) -> None:
    hass = home.hass
    await put(home, DOCKER)
    assert status(hass, "ssh") == "blocked"
    assert status(hass, "web_server") == "active"
    problem = state_of(hass, "binary_sensor.nas_problem")
    assert problem.state == "on"
    assert problem.attributes["shares"] == [
        {"share_id": SSH, "name": "SSH", "status": "blocked"}
    ]
    mappings = state_of(hass, "sensor.nas_mappings")
    assert mappings.state == "1"
    assert [each["call"] for each in mappings.attributes["shares"]] == [
        ["[2001:db8:1::21]:80"]
    ]
    assert state_of(hass, "sensor.gateway_open_ports").state == "1"
    assert state_of(hass, SSH_SWITCH).state == "on"
    answer = await call(hass, "list_shares", response=True)
    assert {
        each["name"]: (each["status"], each["families"], each["call"])
        for each in answer["shares"]
    } == {
        "Web server": ("active", ["ipv6"], ["[2001:db8:1::21]:80"]),
        "SSH": ("blocked", [], []),
    }

    await put(home)
    assert status(hass, "ssh") == "active"
    assert state_of(hass, "binary_sensor.nas_problem").state == "off"
    assert state_of(hass, "sensor.gateway_open_ports").state == "2"


@pytest.mark.usefixtures("loaded")
async def test_a_kernel_that_does_not_forward_blocks_as_well(
    hass: HomeAssistant, sysctls: Path, tick: SetUp
) -> None:
    (sysctls / "net/ipv4/ip_forward").write_text("0\n")
    await tick()
    assert status(hass, "web_server") == "active"
    (sysctls / "net/ipv6/conf/all/forwarding").write_text("0\n")
    await tick()
    assert status(hass, "web_server") == "blocked"
    (sysctls / "net/ipv4/ip_forward").write_text("1\n")
    await tick()
    assert status(hass, "web_server") == "active"


# The one rule


@pytest.mark.usefixtures("loaded")
async def test_the_rule_is_added_when_the_user_agrees(
    home: Home, browser: RepairsBrowser
) -> None:
    await put(home, MINE)
    assert status(home.hass, "web_server") == "blocked"
    form = await browser.begin(MINE_ISSUE)
    assert form["step_id"] == "confirm"
    assert not form["errors"]
    assert form["description_placeholders"]["command"] == MINE.command
    assert form["description_placeholders"]["table"] == "inet mine"
    assert not home.gateway.let_in
    assert (await browser.submit())["type"] == "create_entry"
    await home.hass.async_block_till_done()
    assert home.gateway.let_in == [MINE]
    assert not issues(home.hass)
    assert status(home.hass, "web_server") == "active"


@pytest.mark.usefixtures("loaded")
async def test_what_the_kernel_refuses_is_said_and_can_be_tried_again(
    home: Home, browser: RepairsBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise NetlinkError(1, "Operation not permitted")

    await put(home, MINE)
    await browser.begin(MINE_ISSUE)
    with monkeypatch.context() as refusing:
        refusing.setattr(Handle, "let_through", refuse)
        form = await browser.submit()
    assert form["errors"] == {"base": "kernel_refused"}
    assert "not permitted" in form["description_placeholders"]["detail"]
    assert MINE_ISSUE in issues(home.hass)
    assert status(home.hass, "web_server") == "blocked"
    assert (await browser.submit())["type"] == "create_entry"
    assert home.gateway.let_in == [MINE]


@pytest.mark.usefixtures("loaded")
async def test_what_somebody_else_has_mended_is_left_alone(
    home: Home, browser: RepairsBrowser
) -> None:
    await put(home, MINE)
    await browser.begin(MINE_ISSUE)
    await put(home, DOCKER)
    assert (await browser.submit())["type"] == "create_entry"
    assert not home.gateway.let_in


async def test_nothing_is_mended_for_an_entry_that_has_been_unloaded(
    home: Home, loaded: MockConfigEntry, browser: RepairsBrowser
) -> None:
    await put(home, MINE)
    await browser.begin(MINE_ISSUE)
    await home.hass.config_entries.async_unload(loaded.entry_id)
    done = await browser.submit()
    assert (done["type"], done["reason"]) == ("abort", "not_loaded")
    assert not home.gateway.let_in


# Port forwardings of others


async def forward(home: Home, *forwardings: Forwarding) -> None:
    """Let others forward these ports, with all that follows."""
    home.gateway.put_others(Others(forwardings=forwardings))
    await home.hass.async_block_till_done()


@pytest.mark.usefixtures("loaded")
async def test_a_port_that_somebody_else_forwards_is_said_with_the_share(
    home: Home,
) -> None:
    await forward(home, TO_DOCKER)
    [(issue_id, issue)] = issues(home.hass).items()
    assert issue_id == f"forwarded_elsewhere:{WEB}"
    assert not issue.is_fixable
    assert issue.translation_placeholders == {
        "share": "Web server",
        "device": "NAS",
        "table": "ip nat",
        "chain": "DOCKER",
        "protocol": "TCP",
        "ports": "8080",
        "target": "172.17.0.2:80",
    }
    for language in LANGUAGES:
        said = texts(language)["issues"]["forwarded_elsewhere"]
        assert "{" not in said["title"].format(**issue.translation_placeholders)
        text = said["description"].format(**issue.translation_placeholders)
        assert "172.17.0.2:80" in text
    # It is open all the same: which of the two is called, nobody can tell.
    assert status(home.hass, "web_server") == "active"
    await forward(home)
    assert not issues(home.hass)


@pytest.mark.parametrize(
    "forwarding",
    [
        Forwarding("ip", "nat", "DOCKER", frozenset({Transport.UDP}), TO_DOCKER.ports),
        Forwarding("ip", "nat", "DOCKER", TCP, (PortRange(80, 80),)),
        Forwarding("ip6", "nat", "DOCKER", TCP, TO_DOCKER.ports),
        Forwarding("inet", "x", "y", TCP, TO_DOCKER.ports, IPv6Address("fd00::2"), 80),
        Forwarding("ip", "nat", "KUBE-SERVICES"),
    ],
    ids=["other protocol", "other port", "IPv6", "to IPv6", "cannot be read"],
)
@pytest.mark.usefixtures("loaded")
async def test_what_is_not_known_to_be_the_same_port_is_no_conflict(
    home: Home, forwarding: Forwarding
) -> None:
    await forward(home, forwarding)
    assert not issues(home.hass)


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        ({WEB: {**WEB_DATA, "enabled": False}}, False),
        ({WEB: {**WEB_DATA, "ipv4": False}}, False),
        ({WEB: {**WEB_DATA, "protocol": "tcp_udp"}}, True),
        ({WEB: {**WEB_DATA, "protocol": "exposed_host"}}, False),
        ({WEB: {**WEB_DATA, "port_end": 89, "external_port": 8075}}, True),
    ],
    ids=["off", "IPv6 only", "TCP and UDP", "exposed host", "range"],
)
async def test_only_shares_that_want_the_port_now_are_concerned(
    home: Home, loaded: MockConfigEntry, found: bool
) -> None:
    await forward(home, TO_DOCKER)
    assert bool(issues(home.hass)) is found


@pytest.mark.usefixtures("loaded")
async def test_the_list_of_shares_tells_of_it(
    hass: HomeAssistant, gateway: FakeGateway, home: Home
) -> None:
    async def listed() -> dict[str, Any]:
        answer = await call(hass, "list_shares", response=True)
        return {each["name"]: each["other_forwarding"] for each in answer["shares"]}

    assert await listed() == {"Web server": None, "SSH": None}
    unknown = Forwarding("ip", "nat", "mine", TCP, (PortRange(2000, 3000),))
    await forward(home, TO_DOCKER, unknown)
    assert await listed() == {"Web server": "172.17.0.2:80", "SSH": "-"}
