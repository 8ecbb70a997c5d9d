"""No address of a home, and no MAC address, is left in a text."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.redaction import Pseudonyms
from custom_components.portshare.sharing.model import Family

MAC = "02:00:5e:00:00:21"

# How addresses stand in what we tell: alone, in calls, networks, ranges, elements,
# sentences.
AROUND = [
    ("", ""),
    ("[", "]:80"),
    ("", "/64"),
    ("", "/128 is there"),
    ("tcp . 80 . ", " . 80"),
    ("", ": no route"),
    ("nobody at ", "."),
    ("(", ")"),
    ("2001:db8::1-", ""),
    ("address=", ","),
    ("fe80::1 ", "%wan0"),
    ("address:", ""),
]


def notations(address: IPv6Address) -> list[str]:
    texts = [str(address), address.exploded]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    texts.append(":".join([*address.exploded.split(":")[:6], str(last)]))
    return [*texts, *(each.upper() for each in texts)]


@given(st.ip_addresses(network="2000::/3"), st.sampled_from(AROUND))
def test_an_ipv6_address_goes_in_every_notation(
    address: IPv6Address, around: tuple[str, str]
) -> None:
    before, after = around
    texts = notations(address)
    told = {Pseudonyms().redact(f"{before}{text}{after}") for text in texts}
    assert len(told) == 1
    assert not any(text in each for text in texts for each in told)


@given(st.ip_addresses(v=4), st.sampled_from(["", "[", "tcp . 80 : ", "for "]))
def test_a_public_ipv4_address_goes(address: IPv4Address, before: str) -> None:
    told = Pseudonyms().redact(f"{before}{address}:8080")
    if address.is_global:
        assert told == f"{before}**IPV4-1**:8080"


@pytest.mark.parametrize(
    "text",
    [
        "10.1.2.3",
        "172.31.0.1/32",
        "192.168.178.0/24",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "0.0.0.0/0",
        "::",
        "::/0",
        "::1",
        "2026-11-23T02:12:31.123456+00:00",
        "12:30:45",
        "6.18.44",
        "01KAQ3V8Z0Y6S9V3K1T5N7B2CD",
        "dead beef: face",
        "Network is unreachable",
    ],
)
def test_what_tells_nothing_of_a_home_stays(text: str) -> None:
    assert Pseudonyms().redact(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MAC, "**MAC-1**"),
        (MAC.upper(), "**MAC-1**"),
        (f"{MAC}: unknown", "**MAC-1**: unknown"),
        (f"192.168.178.21 . {MAC}", "192.168.178.21 . **MAC-1**"),
        # of a tunnel: its address on the internet; of InfiniBand: twenty bytes
        ("cb:00:71:02", "**MAC-1**"),
        (":".join(["fe"] * 20), "**MAC-1**"),
        ("203.0.113.2:8080", "**IPV4-1**:8080"),
        ("198.51.100.0/24", "**IPV4-1**/24"),
        ("203.0.113.2-203.0.113.9", "**IPV4-1**-**IPV4-2**"),
        ("2001:db8:1::/64", "**PREFIX-1**::/64"),
        ("[2001:db8:1::21]:80", "[**PREFIX-1**::**HOST-1**]:80"),
        ("fe80::5eff:fe00:21", "fe80::**HOST-1**"),
    ],
)
def test_what_takes_its_place(text: str, told: str) -> None:
    assert Pseudonyms().redact(text) == told


def test_the_same_has_the_same_pseudonym_all_over_a_tree() -> None:
    pseudonyms = Pseudonyms()
    address = IPv6Address("2001:db8:1::21")
    assert pseudonyms.redact(
        {
            MAC: {"addresses": (address, IPv4Address("203.0.113.2"))},
            "lan": [IPv6Network("2001:db8:1::/64"), IPv4Network("192.168.178.0/24")],
            "macs": frozenset({MAC, "02:00:5e:00:00:22"}),
            Family.IPV4: {"on": True, "ports": 80, "seconds": 1.5, "none": None},
            "call": f"[{address.exploded}]:80",
        }
    ) == {
        "**MAC-1**": {"addresses": ["**PREFIX-1**::**HOST-1**", "**IPV4-1**"]},
        "lan": ["**PREFIX-1**::/64", "192.168.178.0/24"],
        "macs": ["**MAC-1**", "**MAC-2**"],
        "ipv4": {"on": True, "ports": 80, "seconds": 1.5, "none": None},
        "call": "[**PREFIX-1**::**HOST-1**]:80",
    }


def test_names_have_pseudonyms_of_their_own() -> None:
    pseudonyms = Pseudonyms()
    names = [pseudonyms.name(each) for each in ("NAS", "Pi", "NAS")]
    assert names == ["**NAME-1**", "**NAME-2**", "**NAME-1**"]
